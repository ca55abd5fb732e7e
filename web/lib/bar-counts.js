/** What is to be made in all, so that the same drinks can be made together. Pure. */

import { lines } from './bar-ticket.js';

/**
 * One drink, and how many of it are still to be made.
 * @typedef {object} Count
 * @property {string} key
 * @property {import('./i18n.js').Words | string} title
 * @property {number} count
 */

/**
 * What is left to be made, most first.
 * @param {import('./orders.js').Order[]} orders open ones
 * @returns {Count[]}
 */
export function toMake(orders) {
  /** @type {Map<string, Count>} */
  const counts = new Map();
  for (const order of orders) {
    for (const { key, title, quantity, ticked } of lines(order, NOTHING)) {
      if (ticked) continue;
      const count = counts.get(key) ?? { key, title, count: 0 };
      count.count += quantity;
      counts.set(key, count);
    }
  }
  return [...counts.values()].sort((a, b) => b.count - a.count || (a.key < b.key ? -1 : 1));
}

/** @type {ReadonlySet<string>} */
const NOTHING = new Set();

/**
 * Those for which there is room, and how many drinks the rest is. One that has been picked is always among them.
 * @param {Count[]} counts
 * @param {(count: Count) => number} widthOf how wide one is
 * @param {number} width how much room there is
 * @param {number} otherWidth how much the rest takes, if there is one
 * @param {string | null} picked
 * @returns {{shown: Count[], other: number}}
 */
export function fit(counts, widthOf, width, otherWidth, picked) {
  const all = counts.reduce((sum, count) => sum + widthOf(count), 0);
  if (all <= width) return { shown: counts, other: 0 };
  const first = counts.find(({ key }) => key === picked);
  let left = width - otherWidth - (first ? widthOf(first) : 0);
  const shown = counts.filter((count) => {
    if (count === first) return true;
    left -= widthOf(count);
    return left >= 0;
  });
  const other = counts.filter((count) => !shown.includes(count)).reduce((sum, { count }) => sum + count, 0);
  return { shown, other };
}

/** About how wide a text is, in units of its size, whatever the font. @param {string} text */
export function widthOf(text) {
  return [...text].reduce((width, letter) => width + (letter > WIDE ? 1 : 0.6), 0);
}

/** Letters beyond this one, as Korean ones, are as wide as they are high. */
const WIDE = '\u2e80';
