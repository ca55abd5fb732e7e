/** The order from the menu that is put together at the till: what taps make of its lines, which are kept for this tab. */

import * as cart from './cart.js';

/** @typedef {import('./cart.js').Line} Line */
/** @typedef {import('./till-view.js').Page} Page */

const LINES = 'brewline.till.lines';

/** @param {Page} page @param {Line[]} lines */
export function setLines(page, lines) {
  page.lines = lines;
  if (!lines.some(({ id }) => id === page.open)) page.open = 0;
  try {
    sessionStorage.setItem(LINES, JSON.stringify({ key: '', lines }));
  } catch {
    // Refused or full: the page has them.
  }
}

export function keptLines() {
  try {
    return cart.parse(sessionStorage.getItem(LINES)).lines;
  } catch {
    return [];
  }
}

/** @param {import('./till-view.js').Screen} screen */
export function actsOnLines({ page, draw, drawNow, find }) {
  return {
    /** @param {string} id */
    category(id) {
      page.category = id;
      draw();
    },
    /** One more of it as everyone gets it. @param {import('./cart.js').Item} item */
    add(item) {
      const { menu, lines, soldOut } = page;
      if (!menu || !cart.room(lines).cup) return;
      const added = cart.add(menu, lines, item, soldOut);
      const line = added[added.length - 1];
      const same = lines.find((other) => other.item === item.id && other.note === '' && JSON.stringify(other.options) === JSON.stringify(line?.options));
      if (same) setLines(page, cart.setQuantity(lines, same.id, same.quantity + 1));
      else if (cart.room(lines).line) setLines(page, added);
      page.open = same?.id ?? line?.id ?? 0;
      draw();
    },
    /** @param {Line} line @param {number} quantity */
    quantity(line, quantity) {
      if (quantity > line.quantity && !cart.room(page.lines).cup) return;
      setLines(page, cart.setQuantity(page.lines, line.id, quantity));
      drawNow();
      if (quantity === 0) (find('.cart .what') ?? find('.tile'))?.focus();
    },
    /** @param {Line} line @param {import('./cart.js').Group} group @param {import('./cart.js').Choice} choice */
    choose(line, group, choice) {
      if (!page.menu) return;
      setLines(page, cart.choose(page.menu, page.lines, line.id, group.id, choice.id));
      drawNow();
    },
    /** @param {Line} line */
    open(line) {
      page.open = page.open === line.id ? 0 : line.id;
      drawNow();
    },
    /** @param {Line} line */
    note(line) {
      page.noteOf = line.id;
      drawNow();
      find(`#note-${line.id}`)?.focus();
    },
    /** @param {Line} line @param {string} text */
    write(line, text) {
      page.noteOf = line.id;
      setLines(page, cart.setNote(page.lines, line.id, text));
      draw();
    },
    clear() {
      setLines(page, []);
      drawNow();
      find('.tile')?.focus();
    },
  };
}
