/** Notes that came onto orders since the bar looked last: whoever looks at the ledger rings the bar with one. */

/** @typedef {import('./orders.js').Order} Order */

export class Notes {
  constructor() {
    /** What stands on each order; `null`: nobody has looked yet. @type {Map<string, string> | null} */
    this.known = null;
  }

  /**
   * The orders that have another note than before. What stands there at the first look is no news.
   * @param {Iterable<Order>} orders
   * @returns {Order[]}
   */
  news(orders) {
    const before = this.known;
    /** @type {Map<string, string>} */
    const now = new Map();
    const noted = [];
    for (const order of orders) {
      const note = order.marks?.staff_note ?? '';
      if (note === '') continue;
      now.set(order.order_id, note);
      if (before !== null && before.get(order.order_id) !== note) noted.push(order);
    }
    this.known = now;
    return noted;
  }
}
