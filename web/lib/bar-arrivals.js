/** New orders that are still to be told of: each once, by what it is called. */

/** @typedef {import('./orders.js').Order} Order */

/** An order that nobody has given a code to for this long is told of without one. By then the page says that nobody decides, or is about to. */
const NAMELESS_MS = 5_000;

export class Arrivals {
  constructor() {
    /** Since when each is there, by the steady clock. @type {Map<string, number>} */
    this.nameless = new Map();
  }

  /**
   * Those to tell of now. The counter knows of an order before the barista has given it its code, a moment later on Kafka.
   * @param {Order[]} arrived since the last look
   * @param {ReadonlyMap<string, Order>} open all that are on the rail: of what has left it there is nothing to tell
   * @param {number} steady a clock that nobody sets
   * @returns {Order[]}
   */
  look(arrived, open, steady) {
    const called = arrived.filter(({ code }) => code);
    for (const { code, order_id: id } of arrived) if (!code) this.nameless.set(id, steady);
    for (const [id, since] of this.nameless) {
      const order = open.get(id);
      if (order && !order.code && steady - since < NAMELESS_MS) continue;
      this.nameless.delete(id);
      if (order) called.push(order);
    }
    return called;
  }
}
