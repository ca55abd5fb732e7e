/**
 * All live orders, as staff see them: `GET /events`, for the pages of staff. What comes late, or twice, or the other way
 * round, changes nothing: of two snapshots of an order the one with the higher version counts.
 */

import { follow } from './live.js';

/**
 * @typedef {import('./pager-screen.js').Order & Told} Order An order as staff see it.
 * @typedef {object} Told what only staff see, or only they need
 * @property {string} [ref] a till's ticket number
 * @property {string} [name] the customer's
 * @property {'phone' | 'till'} [channel] how it came
 * @property {'auto' | 'manual'} [mode] absent where others make it
 * @property {number} [making_at]
 * @property {import('./pager-screen.js').Marks & StaffMarks} [marks]
 *
 * @typedef {object} StaffMarks
 * @property {number} [rang_at]
 * @property {number} [tested_at]
 * @property {string} [staff_note]
 */

/**
 * What is known of them. It is the same object from one change to the next only as long as nothing changed; `orders` is
 * always the same map.
 * @typedef {object} Orders
 * @property {number} as_of
 * @property {number} [now]
 * @property {Map<string, Order>} orders by id; live ones only
 * @property {number} total how many there are in all
 * @property {boolean} more there are more than the counter tells of
 * @property {boolean} no_barista nobody decides on them at the moment
 * @property {Map<string, number>} over the version with which an order came to its end, of the last ones
 * @property {number} ended counts up with each order that came to its end
 * @property {any} [printer] how the printer of tickets is, where there is one
 */

/** From this age on staff are told how old it is. A heartbeat comes every 2 s. */
export const OLD_MS = 5_000;
/** Ends that are remembered, so that a late answer brings no order back. */
const OVER_MAX = 500;
/** Orders that are kept: no screen shows as many, and the counter's snapshot has no more. */
export const ORDERS_MAX = 2_000;

/**
 * Follows all live orders, until `stop`. `live.change('order', order)` takes in an order that came as an answer.
 * @param {(news: import('./live.js').News<Orders>) => void} tell
 * @returns {import('./live.js').Live<Orders>}
 */
export function followOrders(tell) {
  return follow({
    snapshot: '/orders?live',
    stream: '/events',
    event: 'snapshot',
    oldMs: OLD_MS,
    read,
    changes: { order: change, printer: (known, printer) => ({ ...known, printer }) },
    tell,
  });
}

/**
 * A snapshot of all, and what was known before it.
 * @param {any} said
 * @param {Orders | null} known
 * @returns {Orders}
 */
export function read(said, known) {
  // What was read so much later is another log: versions of the same order begin anew there.
  const isAnother = known === null || said.as_of > known.as_of + 10 * OLD_MS;
  const over = isAnother ? new Map() : known.over;
  const before = known?.orders ?? new Map();
  const had = [...before.keys()];
  const last = isAnother ? new Map() : new Map(before);
  before.clear();
  for (const order of /** @type {Order[]} */ (said.orders)) {
    const other = last.get(order.order_id);
    if ((over.get(order.order_id) ?? -1) < order.version) before.set(order.order_id, other && other.version > order.version ? other : order);
  }
  // What was heard of after that snapshot was made.
  for (const order of last.values()) {
    if (order.as_of > said.as_of && !before.has(order.order_id)) before.set(order.order_id, order);
  }
  // What is gone came to its end while nobody heard.
  const ended = (known?.ended ?? 0) + had.filter((id) => !before.has(id)).length;
  const { as_of, now, total = before.size, more = false, no_barista = false, printer } = said;
  return { as_of, now, orders: before, total, more, no_barista, over, ended, ...(printer ? { printer } : {}) };
}

/**
 * One order has changed.
 * @param {Orders} known
 * @param {Order} order
 * @returns {Orders}
 */
export function change(known, order) {
  const { orders, over } = known;
  const { order_id: id, version } = order;
  const before = orders.get(id);
  const isNews = version > (over.get(id) ?? -1) && (before === undefined || version >= before.version);
  const total = known.total + (isNews ? Number(isLive(order)) - Number(before !== undefined) : 0);
  if (isNews && isLive(order)) {
    if (before !== undefined || orders.size < ORDERS_MAX) orders.set(id, order);
  } else if (isNews) {
    orders.delete(id);
    over.set(id, version);
    if (over.size > OVER_MAX) over.delete(/** @type {string} */ (over.keys().next().value));
  }
  const as_of = Math.max(known.as_of, order.as_of);
  const ended = known.ended + Number(isNews && !isLive(order));
  return { ...known, as_of, now: order.now ?? as_of, total, ended };
}

/** Whether somebody still waits for it. @param {Order} order */
export function isLive({ state }) {
  return state === 'received' || state === 'making' || state === 'ready';
}
