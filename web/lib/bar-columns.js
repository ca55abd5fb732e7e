/** Where tickets stand: columns, filled downward, oldest first. Pure: heights come in, places go out. */

/**
 * How high a ticket is, in CSS pixels.
 * @typedef {object} Size
 * @property {string} id
 * @property {number} height all of it, if it stands in one piece
 * @property {number} head what is repeated where it goes on: its code
 * @property {number[]} lines its drinks
 * @property {number} foot its button
 * @property {number} on what stands there instead where it goes on
 */

/**
 * Where a piece of a ticket stands.
 * @typedef {object} Place
 * @property {string} id
 * @property {number} part which piece it is, from 0
 * @property {number} column
 * @property {number} top in CSS pixels
 * @property {number} from its first line
 * @property {number} to the line after its last one
 * @property {boolean} isFirst
 * @property {boolean} isLast
 */

/**
 * A ticket that fits into a column is never cut, and one that does not begins a column and goes on in the next.
 * @param {Size[]} tickets in their order
 * @param {number} height of a column
 * @param {number} gap between two tickets of one column
 * @returns {{places: Place[], columns: number}}
 */
export function place(tickets, height, gap) {
  /** @type {Place[]} */
  const places = [];
  let column = 0;
  let top = 0;
  const next = () => {
    if (top > 0) column += 1;
    top = 0;
  };
  for (const ticket of tickets) {
    const { id, lines } = ticket;
    if (top + Math.min(ticket.height, height) > height) next();
    if (ticket.height <= height || lines.length < 2) {
      places.push({ id, part: 0, column, top, from: 0, to: lines.length, isFirst: true, isLast: true });
      top += ticket.height + gap;
      continue;
    }
    next();
    for (const { from, to, isLast, tall } of pieces(ticket, height)) {
      const part = places.filter((place) => place.id === id).length;
      if (part > 0) next();
      places.push({ id, part, column, top: 0, from, to, isFirst: part === 0, isLast });
      top = tall + gap;
    }
  }
  const columns = places.reduce((most, place) => Math.max(most, place.column + 1), 0);
  return { places, columns };
}

/**
 * A long ticket in pieces that each fit into a column. Its button stands below at least one of its lines.
 * @param {Size} ticket
 * @param {number} height
 */
function pieces({ head, lines, foot, on, height: whole }, height) {
  // What stands in it beside these, as borders do.
  const rest = Math.max(0, whole - head - foot - lines.reduce((sum, line) => sum + line, 0));
  const found = [];
  let [from, tall] = [0, head + rest];
  for (const [n, line] of lines.entries()) {
    const isLast = n === lines.length - 1;
    if (n > from && tall + line + (isLast ? foot : on) > height) {
      found.push({ from, to: n, isLast: false, tall: tall + on });
      [from, tall] = [n, head + rest];
    }
    tall += line;
  }
  found.push({ from, to: lines.length, isLast: true, tall: tall + foot });
  return found;
}

/**
 * How many columns there is room for, and how wide each is.
 * @param {number} width of the rail, in CSS pixels
 * @param {number} least how narrow a ticket may be
 * @param {number} gap between two columns
 * @returns {{columns: number, width: number}}
 */
export function columnsIn(width, least, gap) {
  const columns = Math.max(1, Math.floor((width + gap) / (least + gap)));
  return { columns, width: Math.floor((width - gap * (columns - 1)) / columns) };
}
