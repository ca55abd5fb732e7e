/**
 * What the bar's page knows: what the line says, what was tapped here, and what is to be seen of both. Without a browser:
 * times come in.
 */

import { Arrivals } from './bar-arrivals.js';
import { Guard } from './bar-guard.js';
import { Notes } from './bar-notes.js';
import { Rail, UNDO_MS } from './bar-rail.js';
import { nextStep } from './bar-ticket.js';

/**
 * @typedef {import('./orders.js').Order} Order
 * @typedef {import('./orders.js').Orders} Orders
 */

/** Orders that ended because of a tap here, which can still be taken back; and lost taps whose winner is known. */
const ENDED_MAX = 50;
/** A finger that lies longer is something that was put on the screen. */
const HELD_MS = 10_000;

/**
 * What has come since the last look.
 * @typedef {object} Came
 * @property {Order[]} arrived new ones
 * @property {Order[]} told new ones to tell of now, each once
 * @property {Order[]} late
 * @property {Order[]} noted
 */

export class BarState {
  constructor() {
    this.guard = new Guard();
    this.rail = new Rail();
    this.notes = new Notes();
    this.arrivals = new Arrivals();
    /** @type {import('./live.js').News<Orders>} */
    this.news = { status: 'loading', value: null, ageMs: 0, offline: false };
    /** @type {import('./live.js').News<any>} */
    this.shop = { status: 'loading', value: null, ageMs: 0, offline: false };
    /** `GET /menu`. @type {any} */
    this.menu = null;
    /** @type {ReadonlySet<string>} */
    this.usual = new Set();
    /** The drink that is underlined. @type {string | null} */
    this.picked = null;
    /** What is on the rail and on the strip: a tap is on that. @type {Pick<ReturnType<Rail['look']>, 'tickets' | 'waiting'>} */
    this.seen = { tickets: [], waiting: [] };
    /** @type {Map<string, Order>} */
    this.ended = new Map();
    /** Who was faster than a tap that lost, by the tap's id. @type {Map<string, string>} */
    this.winners = new Map();
    this.undoStays = false;
    /** Somebody uses keys here: tickets show theirs. */
    this.hasKeys = false;
    /** A finger is down since, by the steady clock. */
    this.heldSince = -Infinity;
    /** No tap is taken any more: too many are kept. */
    this.isFull = false;
  }

  get timeZone() {
    return this.menu?.shop?.time_zone;
  }

  /** @param {number} steady the steady clock */
  isHeld(steady) {
    return steady - this.heldSince < HELD_MS;
  }

  /** What is open, and stands on the rail. */
  open() {
    return this.seen.tickets.filter(({ kind }) => kind === 'ticket' || kind === 'fold');
  }

  /**
   * What is to be seen now.
   * @param {import('./taps.js').Taps} taps
   * @param {number} clock the counter's clock
   * @param {number} steady a clock that nobody sets
   * @returns {Came}
   */
  look(taps, clock, steady) {
    const { rail, guard, ended } = this;
    const { value } = this.news;
    if (value === null) return { arrived: [], told: [], late: [], noted: [] };
    rail.open.undoMs = rail.ready.undoMs = this.undoStays ? Infinity : UNDO_MS;
    const { orders } = value;
    const back = [...ended.values()].filter(({ order_id: id }) => !orders.has(id) && taps.of(id).length > 0);
    const isHeld = this.isHeld(steady);
    const { arrived, late, ...seen } = rail.look(back.length ? [...orders.values(), ...back] : orders.values(), taps.waiting, { clock, steady, isHeld });
    this.seen = seen;
    for (const { id, kind, order } of seen.tickets) guard.means(`rail/${id}`, kind === 'ticket' ? nextStep(order) : kind, steady);
    for (const { id, kind } of seen.waiting) guard.means(`strip/${id}`, kind, steady);
    guard.keep([...seen.tickets.map(({ id }) => `rail/${id}`), ...seen.waiting.map(({ id }) => `strip/${id}`)]);
    const told = this.arrivals.look(arrived, rail.open.on, steady);
    return { arrived, told, late, noted: this.notes.news(orders.values()) };
  }

  /** What ended because of a tap here. @param {Order} order */
  remember(order) {
    this.ended.delete(order.order_id);
    this.ended.set(order.order_id, order);
    bound(this.ended);
  }

  /** @param {string} tap its id @param {string} device */
  won(tap, device) {
    this.winners.set(tap, device);
    bound(this.winners);
  }
}

/** @param {Map<string, unknown>} map */
function bound(map) {
  if (map.size > ENDED_MAX) map.delete(/** @type {string} */ (map.keys().next().value));
}
