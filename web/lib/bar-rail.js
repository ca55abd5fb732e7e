/**
 * What stands on the rail and on the strip of those that are ready, and what has just left them. Pure: orders, taps and
 * times come in, so that a test can tell any story.
 */

import { isOpen, predict, urgency } from './bar-ticket.js';

/**
 * @typedef {import('./orders.js').Order} Order
 * @typedef {import('./taps.js').Tap} Tap
 */

/** How long what was done here can be taken back in place. */
export const UNDO_MS = 8_000;
/** How long the place of what others did is kept, so that nothing moves at once. */
const GONE_MS = 1_500;
/** How long an order is new, unless it is touched. */
const NEW_MS = 10_000;
/** With more open orders than this, those that need nothing yet are folded; and unfolded with so many. */
const RUSH_ABOVE = 16;
const CALM_AT = 12;

/**
 * A place on the rail.
 * - `ticket`: an order that is open
 * - `fold`: the same, folded
 * - `undo`: it was made ready here a moment ago, and that can be taken back
 * - `gone`: it was made ready, or ended, elsewhere a moment ago
 * @typedef {object} Ticket
 * @property {string} id
 * @property {'ticket' | 'fold' | 'undo' | 'gone'} kind
 * @property {Order} order as it will be once all taps are done
 * @property {'plain' | 'soon' | 'late'} urgency
 * @property {boolean} isNew
 * @property {'' | 'sending' | 'kept'} pending whether the line knows of all that was tapped
 * @property {number} until when its place closes, by the steady clock
 * @property {boolean} isReady of one that is `gone`: it is ready; else it came to its end
 */

/**
 * What is ready, or was handed over a moment ago.
 * - `back`: it is on the rail again
 * @typedef {Pick<Ticket, 'id' | 'order' | 'pending' | 'until'> & {kind: 'ready' | 'undo' | 'gone' | 'back'}} Waiting
 */

/**
 * What is known when the page looks.
 * @typedef {object} Now
 * @property {number} clock the counter's clock
 * @property {number} steady a clock that nobody sets
 * @property {boolean} [isHeld] a finger is down: no place closes
 */

export class Rail {
  constructor() {
    this.open = new Slots(byAge);
    this.ready = new Slots(byReadiness);
    this.isRush = false;
    /** Folded ones that were opened. @type {Set<string>} */
    this.opened = new Set();
    /** Since when each new one is. @type {Map<string, number>} */
    this.fresh = new Map();
    /** Late ones that were told of. @type {Set<string>} */
    this.lateOnes = new Set();
    this.lastReadyAt = NaN;
    this.looked = false;
  }

  /**
   * What is to be seen now, what has come since the last look, and what has become late.
   * @param {Iterable<Order>} orders live ones
   * @param {Tap[]} taps
   * @param {Now} now
   * @returns {{tickets: Ticket[], waiting: Waiting[], arrived: Order[], late: Order[]}}
   */
  look(orders, taps, now) {
    const tapped = groups(taps);
    /** @type {Order[]} */
    const open = [];
    /** @type {Order[]} */
    const ready = [];
    for (const order of orders) {
      const seen = predict(order, tapped.get(order.order_id) ?? NONE);
      if (isOpen(seen)) open.push(seen);
      else if (seen.state === 'ready') ready.push(seen);
    }
    open.sort(byAge);
    ready.sort(byReadiness);
    for (const { ready_at: at } of ready) if (at && !(at < this.lastReadyAt)) this.lastReadyAt = at;
    const arrived = this.open.look(open, now);
    this.ready.look(ready, now);
    this.note(open, arrived, now);
    const pending = (/** @type {string} */ id) => pendingOf(tapped.get(id) ?? NONE);
    const tickets = this.open.slots().map((slot) => this.ticket(slot, pending(slot.order.order_id), now));
    const waiting = this.ready.slots().map(({ order, until, is }) => {
      const { order_id: id } = order;
      const kind = /** @type {Waiting['kind']} */ (is === 'here' ? 'ready' : this.open.has(id) ? 'back' : is);
      return { id, order, until, kind, pending: pending(id) };
    });
    const late = this.late(open, now);
    const isFirst = !this.looked;
    this.looked = true;
    // What the page begins with is no news.
    return { tickets, waiting, arrived: isFirst ? [] : arrived, late: isFirst ? [] : late };
  }

  /** @param {Slot} slot @param {Ticket['pending']} pending @param {Now} now @returns {Ticket} */
  ticket({ order, until, is }, pending, { clock }) {
    const { order_id: id } = order;
    const pressing = urgency(order, clock);
    const folds = this.isRush && order.state === 'received' && pressing === 'plain' && !this.opened.has(id);
    const kind = is !== 'here' ? is : folds ? 'fold' : 'ticket';
    return { id, kind, order, urgency: pressing, isNew: this.fresh.has(id), pending, until, isReady: this.ready.has(id) };
  }

  /** @param {Order[]} open @param {Order[]} arrived @param {Now} now */
  note(open, arrived, { clock, steady }) {
    const count = open.length;
    this.isRush = count > RUSH_ABOVE || (this.isRush && count > CALM_AT);
    if (!this.isRush) this.opened.clear();
    for (const order of arrived) {
      if (this.looked || clock - order.received_at < NEW_MS) this.fresh.set(order.order_id, steady);
    }
    for (const [id, since] of this.fresh) if (steady - since >= NEW_MS || !this.open.has(id)) this.fresh.delete(id);
    for (const id of this.opened) if (!this.open.has(id)) this.opened.delete(id);
  }

  /** @param {Order[]} open @param {Now} now */
  late(open, { clock }) {
    const late = open.filter((order) => urgency(order, clock) === 'late');
    const news = late.filter(({ order_id: id }) => !this.lateOnes.has(id));
    this.lateOnes = new Set(late.map(({ order_id: id }) => id));
    return news;
  }

  /** It was touched: it is not new any more. @param {string} id */
  touch(id) {
    this.fresh.delete(id);
  }

  /** A folded one is opened. @param {string} id */
  unfold(id) {
    this.opened.add(id);
  }
}

/** A place: what stands there, or stood there and can be taken back (`undo`), or not (`gone`). @typedef {{order: Order, until: number, is: 'here' | 'undo' | 'gone'}} Slot */

/** Places that are kept for a while when what stood there is gone. */
export class Slots {
  /** @param {(a: Order, b: Order) => number} compare */
  constructor(compare) {
    this.compare = compare;
    /** How long what was done here can be taken back. */
    this.undoMs = UNDO_MS;
    /** @type {Map<string, Order>} */
    this.on = new Map();
    /** @type {Map<string, Slot>} */
    this.leaving = new Map();
    /** What is about to leave because of a tap here. @type {Set<string>} */
    this.taken = new Set();
    /** What comes back because of a tap here. @type {Set<string>} */
    this.given = new Set();
  }

  /** What leaves next does so because of a tap here, which can be taken back. @param {string} id */
  takes(id) {
    this.taken.add(id);
    this.given.delete(id);
  }

  /** The tap was taken back. @param {string} id */
  givesBack(id) {
    this.taken.delete(id);
    this.given.add(id);
    this.leaving.delete(id);
  }

  /** What was done before can't be taken back any more. */
  settle() {
    for (const slot of this.leaving.values()) slot.until = -Infinity;
  }

  /** @param {string} id */
  has(id) {
    return this.on.has(id);
  }

  /**
   * @param {Order[]} orders in the order of their places
   * @param {Now} now
   * @returns {Order[]} those that were not there before
   */
  look(orders, { steady, isHeld = false }) {
    const last = this.on;
    this.on = new Map(orders.map((order) => [order.order_id, order]));
    for (const [id, order] of last) {
      if (this.on.has(id)) continue;
      const isMine = this.taken.delete(id);
      this.leaving.set(id, { order, until: steady + (isMine ? this.undoMs : GONE_MS), is: isMine ? 'undo' : 'gone' });
    }
    for (const [id, { until }] of this.leaving) {
      if (this.on.has(id) || (!isHeld && steady >= until)) this.leaving.delete(id);
    }
    return orders.filter(({ order_id: id }) => !last.has(id) && !this.given.delete(id));
  }

  /** All places, in their order. @returns {Slot[]} */
  slots() {
    /** @type {Slot[]} */
    const slots = [...this.on.values()].map((order) => ({ order, until: Infinity, is: 'here' }));
    if (this.leaving.size === 0) return slots;
    return [...slots, ...this.leaving.values()].sort((a, b) => this.compare(a.order, b.order));
  }
}

/** @type {Tap[]} */
const NONE = [];

/** @param {Tap[]} taps */
function groups(taps) {
  /** @type {Map<string, Tap[]>} */
  const groups = new Map();
  for (const tap of taps) {
    const group = groups.get(tap.order);
    if (group) group.push(tap);
    else groups.set(tap.order, [tap]);
  }
  return groups;
}

/** @param {Tap[]} taps @returns {Ticket['pending']} */
function pendingOf(taps) {
  if (taps.length === 0) return '';
  return taps.some(({ state }) => state === 'kept') ? 'kept' : 'sending';
}

/** @param {Order} a @param {Order} b */
function byAge(a, b) {
  return a.received_at - b.received_at || (a.order_id < b.order_id ? -1 : 1);
}

/** Those that were tapped here and are not in the log yet come last. @param {Order} a @param {Order} b */
function byReadiness(a, b) {
  return (a.ready_at ?? Infinity) - (b.ready_at ?? Infinity) || byAge(a, b);
}
