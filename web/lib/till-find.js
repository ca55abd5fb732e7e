/** Which orders are found at the till: live ones and those that came to their end a while ago, by a ticket number or a code. */

/** @typedef {import('./orders.js').Order} Order */

/** Rows that are shown without a search, and with one. */
export const SHOWN = { own: 12, found: 50 };

/**
 * The newest first: what the till made, or, of all orders, those that are looked for.
 * @param {Iterable<Order>} live
 * @param {Iterable<Order>} recent
 * @param {string} query
 * @returns {Order[]}
 */
export function find(live, recent, query) {
  /** @type {Map<string, Order>} */
  const all = new Map();
  for (const order of [...recent, ...live]) {
    const other = all.get(order.order_id);
    if (!other || other.version <= order.version) all.set(order.order_id, order);
  }
  const wanted = plain(query);
  const found = [...all.values()].filter((order) => (wanted ? matches(order, wanted) : order.channel === 'till'));
  found.sort((a, b) => b.received_at - a.received_at || (a.order_id < b.order_id ? -1 : 1));
  return found.slice(0, wanted ? SHOWN.found : SHOWN.own);
}

/** @param {Order} order @param {string} wanted plain */
function matches({ ref, code }, wanted) {
  if (ref && plain(ref).includes(wanted)) return true;
  if (!code) return false;
  const label = plain(code.label ?? String(code.number));
  const words = [code.words.en, code.words.ko].map(plain);
  return label === wanted || words.some((word) => word.startsWith(wanted) || `${word}${label}` === wanted);
}

/** Without what people leave out or write otherwise: spaces, hyphens, capitals, full-width digits. @param {string} text */
function plain(text) {
  return text.normalize('NFKC').toLowerCase().replace(/[\s\-_#./]/g, '');
}
