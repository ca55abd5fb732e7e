/** New orders that are still to be told of: each once, by what it is called. */

/** @typedef {import('./orders.js').Order} Order */

/** An order that nobody has given a code to for this long is told of without one. By then the page says that nobody decides, or is about to. */
const NAMELESS_MS = 5_000;

export class Arrivals {
  constructor() {
    /** Since when each of them is there, by the steady clock. @type {Map<string, number>} */
    this.untold = new Map();
  }

  /**
   * Those to tell of now. The counter knows of an order before the barista has given it its code, a moment later on Kafka.
   * @param {Order[]} arrived since the last look
   * @param {ReadonlyMap<string, Order>} open all that are on the rail: of what has left it there is nothing to tell
   * @param {number} steady a clock that nobody sets
   * @returns {Order[]}
   */
  look(arrived, open, steady) {
    for (const { order_id: id } of arrived) this.untold.set(id, steady);
    const told = [];
    for (const [id, since] of this.untold) {
      const order = open.get(id);
      if (order && !order.code && steady - since < NAMELESS_MS) continue;
      this.untold.delete(id);
      if (order) told.push(order);
    }
    return told;
  }
}
