/** What the bar's sheets decide: without a browser, with the time as a value. */

import { isMadeElsewhere } from './bar-ticket.js';
import { isLive } from './orders.js';

/**
 * @typedef {import('./orders.js').Order} Order
 * @typedef {import('./i18n.js').Words} Words
 */

/** Minutes by which drinks are later, and for which orders are paused: what is asked for in a café. */
export const BUSY_MINUTES = [5, 10, 15, 20, 30];
export const PAUSE_MINUTES = [10, 15, 20, 30, 45, 60];
/** A live order of another day is left from before if nothing happened to it for so long: midnight alone leaves none. */
const QUIET_MS = 2 * 60 * 60_000;
/** And one of any day after so long: a shop that is open at night has no night between. */
const LEFT_MS = 8 * 60 * 60_000;

/**
 * What can be sold out: an item, or a choice of all items that have it.
 * @typedef {object} Entry
 * @property {string} id as `latte`, or `milk/oat`
 * @property {Words} name
 * @property {Words} [group] of a choice, what it is one of
 * @property {boolean} isSoldOut
 * @property {number} inOrders how many open orders have it
 */

/**
 * All that can be sold out: what is, first; then what most open orders have; then as on the menu.
 * @param {any} menu as `GET /menu` has it
 * @param {ReadonlySet<string>} soldOut
 * @param {Iterable<Order>} orders live ones
 * @returns {Entry[]}
 */
export function entries(menu, soldOut, orders) {
  const counts = usedIn(orders);
  /** @param {string} id @param {Words} name @param {Words} [group] @returns {Entry} */
  const entry = (id, name, group) => {
    return { id, name, ...(group ? { group } : {}), isSoldOut: soldOut.has(id), inOrders: counts.get(id) ?? 0 };
  };
  const items = (menu?.categories ?? []).flatMap((/** @type {any} */ { items }) => items.map((/** @type {any} */ { id, name }) => entry(id, name)));
  const choices = (menu?.options ?? []).flatMap((/** @type {any} */ { id, name, choices }) =>
    // With a single one there is nothing to choose.
    choices.length < 2 ? [] : choices.map((/** @type {any} */ choice) => entry(`${id}/${choice.id}`, choice.name, name)),
  );
  const all = /** @type {Entry[]} */ ([...items, ...choices]);
  const known = new Set(all.map(({ id }) => id));
  // What was sold out and has left the menu can still be brought back.
  for (const id of soldOut) if (!known.has(id)) all.push(entry(id, { en: id, ko: id }));
  const rank = (/** @type {Entry} */ { isSoldOut, inOrders }) => (isSoldOut ? Infinity : inOrders);
  return all.map((one, at) => ({ one, at })).sort((a, b) => compare(rank(b.one), rank(a.one)) || a.at - b.at).map(({ one }) => one);
}

/** @param {number} a @param {number} b */
function compare(a, b) {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** In how many orders that are still to be made each is. @param {Iterable<Order>} orders */
function usedIn(orders) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { state, items = [] } of orders) {
    if (state !== 'received' && state !== 'making') continue;
    const its = new Set(items.flatMap(({ item, options = [] }) => [item, ...options]));
    for (const id of its) counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}

/**
 * When orders are taken again after so many minutes: on a whole minute, so that it can be said.
 * @param {number} now
 * @param {number} minutes
 */
export function reopensAt(now, minutes) {
  return Math.ceil((now + minutes * 60_000) / 60_000) * 60_000;
}

/**
 * How the shop works now, by what staff said.
 * @param {any} shop as `GET /shop` has it
 * @returns {'normal' | 'busy' | 'paused'}
 */
export function paceOf(shop) {
  if (shop?.ordering === 'paused' && shop.reason === 'staff') return 'paused';
  return shop?.busy_minutes > 0 ? 'busy' : 'normal';
}

/**
 * Whether it is open, and by whose word.
 * @param {any} shop as `GET /shop` has it
 * @returns {'open' | 'closed' | 'open_by_hours' | 'closed_by_hours'}
 */
export function openOf(shop) {
  const said = shop?.open?.open;
  if (typeof said === 'boolean') return said ? 'open' : 'closed';
  return shop?.ordering === 'closed' ? 'closed_by_hours' : 'open_by_hours';
}

/**
 * Live orders that were left from before: of another day, and nobody did anything about them for long.
 * @param {Iterable<Order>} orders
 * @param {number} now
 * @param {(ms: number) => number} dayOf the shop's day of a moment, by number
 * @returns {Order[]} the oldest first
 */
export function leftFromBefore(orders, now, dayOf) {
  if (Number.isNaN(now)) return [];
  const today = dayOf(now);
  const isLeft = (/** @type {Order} */ order) => {
    const quiet = now - order.changed_at;
    if (!isLive(order) || isMadeElsewhere(order) || quiet < QUIET_MS) return false;
    return quiet >= LEFT_MS || dayOf(order.received_at) !== today;
  };
  return byAge([...orders].filter(isLeft));
}

/** The oldest first. @template {Order} O @param {O[]} orders @returns {O[]} */
export function byAge(orders) {
  return orders.sort((a, b) => a.received_at - b.received_at || compareText(a.order_id, b.order_id));
}

/** @param {string} a @param {string} b */
function compareText(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whether it can be made once more. @param {Order} order */
export function canRecall(order) {
  const { state } = order;
  return !isMadeElsewhere(order) && (state === 'ready' || state === 'collected' || state === 'uncollected');
}

/** Whether staff can cancel it. @param {Order} order */
export function canCancel(order) {
  return isLive(order) && !isMadeElsewhere(order) && order.decided !== false;
}

/** Whether it waits for its payment. @param {Order} order */
export function awaitsPayment(order) {
  return order.state === 'received' && order.unpaid === true;
}

/**
 * A list that holds still while somebody has a finger over it: those that were there when it was opened stay where they
 * are, and what has come since waits until it is asked for.
 */
export class Still {
  constructor() {
    /** @type {string[] | null} */
    this.ids = null;
  }

  /** It is opened anew, or what has come since is wanted. */
  renew() {
    this.ids = null;
  }

  /**
   * @param {string[]} now as they would be shown if it were opened now
   * @returns {{ids: string[], more: number}} what is shown, and how many have come since
   */
  look(now) {
    this.ids ??= now;
    const shown = new Set(this.ids);
    return { ids: this.ids, more: now.filter((id) => !shown.has(id)).length };
  }
}

/**
 * How a day went, for whoever closes it.
 * @typedef {object} DaySheet
 * @property {number} orders
 * @property {number} drinks
 * @property {number} remakes
 * @property {number} uncollected
 * @property {number} cancelled
 * @property {number} inside promises that were kept
 * @property {number} promised promises in all
 * @property {boolean} [holds] whether every order is accounted for
 */

/**
 * The day sheet in what `GET /ledger/day` says; `null` if it says none.
 * @param {any} body
 * @returns {DaySheet | null}
 */
export function daySheet(body) {
  const { orders, drinks, remakes, uncollected, cancelled, promise, holds } = body ?? {};
  const numbers = [orders, drinks, remakes, uncollected, cancelled, promise?.inside, promise?.total];
  if (!numbers.every((number) => Number.isFinite(number))) return null;
  const sheet = { orders, drinks, remakes, uncollected, cancelled, inside: promise.inside, promised: promise.total };
  return typeof holds === 'boolean' ? { ...sheet, holds } : sheet;
}
