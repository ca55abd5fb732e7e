/** The list of orders: what is looked for, which page of it is shown, and when it is asked for again. */

import { ordersPath } from './ledger-asks.js';

/**
 * @typedef {import('./ledger-model.js').Model} Model
 * @typedef {import('./ledger-model.js').Filter} Filter
 */

const PAGE = 100;
/** Who types is not interrupted. */
const TYPING_MS = 200;
/** How often a list that changes is asked for again. */
const AGAIN_MS = 2_000;

export class List {
  /**
   * @param {Model} model
   * @param {import('./ledger-asks.js').Asks} asks
   * @param {() => void} show
   */
  constructor(model, asks, show) {
    this.model = model;
    this.asks = asks;
    this.show = show;
    /** Where the pages before this one begin: behind these orders. @type {string[]} */
    this.before = [];
    this.after = '';
    /** Where the page behind this one begins; empty: there is none. */
    this.next = '';
    this.typing = 0;
    this.again = 0;
    this.askedAt = -Infinity;
    /** Of which count of the log the page is. */
    this.events = -1;
  }

  /** @param {string} query */
  search(query) {
    this.model.orders.query = query;
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.first(), TYPING_MS);
    this.show();
  }

  /** @param {Filter} filter */
  filter(filter) {
    this.model.orders.filter = filter;
    this.first();
  }

  /** @param {'newer' | 'older'} way */
  turn(way) {
    if (way === 'older' && this.next !== '') {
      this.before.push(this.after);
      this.after = this.next;
    } else {
      this.after = this.before.pop() ?? '';
    }
    this.load();
  }

  /** From the newest on: something else is looked for, or another moment looked at. */
  first() {
    this.before = [];
    this.after = '';
    this.load();
  }

  /** The log has gone on. @param {number} events */
  follow(events) {
    if (events === this.events || this.asks.waits('orders')) return;
    const wait = this.askedAt + AGAIN_MS - performance.now();
    clearTimeout(this.again);
    if (wait > 0) this.again = setTimeout(() => this.follow(events), wait);
    else this.load(true);
  }

  /** @param {boolean} [isAgain] what is shown stays until the answer is there */
  async load(isAgain = false) {
    const { model } = this;
    const { query, filter } = model.orders;
    clearTimeout(this.again);
    this.askedAt = performance.now();
    this.events = model.shown?.events ?? -1;
    if (!isAgain) model.orders.got = 'loading';
    this.show();
    const answer = await this.asks.ask('orders', ordersPath({ query, filter, at: model.at, after: this.after, limit: PAGE }));
    if (answer === null) return;
    if (answer.body === undefined) {
      // What came before is better than nothing, where it is the same that was asked for.
      if (model.orders.got === 'loading') model.orders.got = 'failed';
      // Also where nothing happens any more, the next try may come through.
      this.events = -1;
    } else {
      const { total, matching, next = '', orders: rows } = answer.body;
      this.next = next;
      const first = this.before.length * PAGE;
      Object.assign(model.orders, { got: 'here', total, matching, rows, first, isNewest: this.before.length === 0, isOldest: next === '' });
      model.row = rows.find((/** @type {import('./ledger-model.js').Row} */ { order_id }) => order_id === model.selected) ?? model.row;
    }
    this.show();
  }
}
