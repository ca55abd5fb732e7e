/**
 * What the pager has to show and when it rings. Pure: an order, what is known of it and the time decide.
 */

/**
 * @typedef {import('./i18n.js').Words} Words
 * @typedef {{from: number, to: number}} Range when it will be ready, in milliseconds since 1970 UTC
 */

/**
 * One line of an order.
 * @typedef {object} Item
 * @property {string} item
 * @property {number} [quantity]
 * @property {string[]} [options]
 * @property {string} [note]
 * @property {Words} [title]
 * @property {Words[]} [option_titles]
 */

/**
 * An order as `GET /orders/{id}` shows it: what the pager needs of it. Times are milliseconds since 1970 UTC.
 * @typedef {object} Order
 * @property {string} order_id
 * @property {number} amount
 * @property {Item[]} [items]
 * @property {string} [note]
 * @property {number} [total] in the smallest unit of the currency
 * @property {string} [currency]
 * @property {'received' | 'making' | 'ready' | 'collected' | 'uncollected' | 'cancelled'} state
 * @property {number} round
 * @property {number} version
 * @property {boolean} [decided]
 * @property {{number: number, label?: string, words: Words, symbol: string}} [code]
 * @property {{ahead: number, more?: boolean}} [queue]
 * @property {number} received_at
 * @property {number} changed_at
 * @property {number} [ready_at]
 * @property {number} [finished_at]
 * @property {number} [due_at]
 * @property {boolean} [unpaid]
 * @property {boolean} [paid]
 * @property {boolean} [no_barista]
 * @property {number} [undecided_ms]
 * @property {Range} [promise]
 * @property {Range} [promised]
 * @property {Marks} [marks]
 * @property {number} as_of
 * @property {number} [now]
 */

/**
 * @typedef {object} Marks
 * @property {number[]} [ticked]
 * @property {number} [acknowledged_at]
 * @property {number} [missing_at]
 * @property {'listening' | 'hidden' | 'gone'} [presence] what the phone is doing
 * @property {number} [presence_at] when it said so
 * @property {string} [reason] what staff said of why it is made once more or was cancelled
 * @property {number} [taken_back] how many rounds only took back a call that came too soon
 */

/**
 * @typedef {'loading' | 'starting' | 'catching_up' | 'unknown' | 'forgotten' | 'lost' | 'undecided' | 'unpaid' |
 *   'received' | 'making' | 'recalled' | 'ready' | 'coming' | 'collected' | 'uncollected' | 'cancelled'} Screen
 */

/** It rings when it is ready and, as long as nobody answers, these times after that. */
const RINGS_MS = [0, 30_000, 90_000];
/** How long one ring lasts. */
export const RING_MS = 12_000;
/** The reason of a recall that only takes back a call that came too soon: a code and no words, and nothing is made again. */
export const UNDONE = 'undo';

/** Whether it is made once more. @param {Pick<Order, 'round' | 'marks'>} order */
export function isRemake({ round, marks }) {
  return round - (marks?.taken_back ?? 0) > 1;
}

/** An order that nobody has decided on for this long: nobody decides. */
const UNDECIDED_MS = 5_000;

/**
 * The screen for what is known.
 * @param {import('./live.js').News<Order>} news
 * @param {(round: number) => boolean} answered whether the customer answered the bell of this round here
 * @returns {Screen}
 */
export function screen({ status, value: order }, answered) {
  // Whoever knows an order's id needs no sign-in.
  if (status === 'signed_out') return 'starting';
  if (status !== 'live' && status !== 'old') return status;
  if (order === null) return 'loading';
  const { state } = order;
  // What has come to its end is so, however long ago that was heard.
  if (state === 'collected' || state === 'uncollected' || state === 'cancelled') return state;
  if (status === 'old') return 'lost';
  if (state === 'ready') return hasAnswer(order) || answered(order.round) ? 'coming' : 'ready';
  if (order.round > 1) return 'recalled';
  if (state === 'making') return 'making';
  if (!order.code) return 'undecided';
  return order.unpaid ? 'unpaid' : 'received';
}

/** Whether the customer answered the bell of this round, here or on another phone. @param {Order} order */
export function hasAnswer(order) {
  return Boolean(order.marks?.acknowledged_at || order.marks?.missing_at);
}

/**
 * Which ring of this round is due, counted from 0; -1: none. One that was slept through is not made up for by two.
 * @param {Order} order
 * @param {number} now the counter's clock
 */
export function dueRing(order, now) {
  // Whoever learns only now that it waited for them in vain gets to hear it, once.
  if (order.state === 'uncollected') return 0;
  if (order.state !== 'ready' || hasAnswer(order)) return -1;
  const since = now - (order.ready_at ?? order.changed_at);
  // It is ready, so the first one is due, whatever the clocks say.
  return Math.max(0, RINGS_MS.filter((ms) => since >= ms).length - 1);
}

/**
 * How long until the next ring of this round, in milliseconds; `null`: there is none.
 * @param {Order} order
 * @param {number} now the counter's clock
 */
export function untilNextRing(order, now) {
  if (order.state !== 'ready' || hasAnswer(order)) return null;
  const since = now - (order.ready_at ?? order.changed_at);
  const next = RINGS_MS.find((ms) => ms > since);
  return next === undefined ? null : next - since;
}

/** Whether it rang for the last time and nobody came, so that the bar sees it. @param {Order} order @param {number} now */
export function isBarTold(order, now) {
  return order.state === 'ready' && dueRing(order, now) === RINGS_MS.length - 1;
}

/** Whether nobody decides on orders now: then no time can be said. @param {Order} order */
export function isUndecided(order) {
  return Boolean(order.no_barista) || (order.undecided_ms ?? 0) >= UNDECIDED_MS;
}

/** Whether somebody still waits for it. @param {Order | null} order */
export function isLive(order) {
  return order !== null && ['received', 'making', 'ready'].includes(order.state);
}

/**
 * The promise, if there is one to be made now.
 * @param {Order} order
 * @param {number} now the counter's clock
 * @returns {{from: number, to: number, minutes: {from: number, to: number}} | null}
 */
export function promise(order, now) {
  if (!order.promise || order.unpaid || isUndecided(order)) return null;
  return { ...order.promise, minutes: inMinutes(order.promise, now) };
}

/**
 * A range of times as whole minutes from `since`, at least 1.
 * @param {Range} range
 * @param {number} since
 */
export function inMinutes({ from, to }, since) {
  const first = Math.max(1, Math.round((from - since) / 60_000));
  return { from: first, to: Math.max(first, Math.round((to - since) / 60_000)) };
}

/**
 * How many are done and how many there are, by what the bar ticked off.
 * @param {Order} order
 */
export function progress(order) {
  const items = order.items ?? [];
  const ticked = new Set(order.marks?.ticked);
  const count = (/** @type {Item[]} */ lines) => lines.reduce((sum, line) => sum + (line.quantity ?? 1), 0);
  return { done: count(items.filter((_, line) => ticked.has(line))), of: items.length ? count(items) : order.amount };
}

/**
 * About how wide a text in bold capitals is, in units of its size, whatever the font: so that a code can be as large as
 * there is room.
 * @param {string} text
 */
export function widthOf(text) {
  return [...text].reduce((width, letter) => width + letterWidth(letter), 0);
}

/** @param {string} letter */
function letterWidth(letter) {
  if (letter === ' ') return 0.28;
  if (/[0-9]/.test(letter)) return 0.7;
  if (/[IJ]/.test(letter)) return 0.45;
  if (/[MW]/.test(letter)) return 1.02;
  return /[A-Z]/.test(letter) ? 0.82 : 1;
}
