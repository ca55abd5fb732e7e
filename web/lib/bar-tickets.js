/**
 * The tickets on the page: each one an element of its own that is drawn only when it changes, measured, and put where
 * the columns have a place for it. Elements stand in reading order and are moved without laying out the others.
 */

import { render } from '../vendor/lit-html.js';
import { columnsIn, place } from './bar-columns.js';
import { ticket as draw } from './bar-view.js';

/**
 * @typedef {import('./bar-rail.js').Ticket} Ticket
 * @typedef {import('./bar-columns.js').Place} Place
 * @typedef {import('./bar-columns.js').Size} Size
 * @typedef {import('./bar-view.js').Look} Look
 */

/** How narrow a ticket may be, in the page's text size, and how far apart tickets are, in CSS pixels. */
const LEAST_REM = 18.75;
const GAP_COLUMNS = 16;
const GAP = 12;
/** Tickets that are drawn beyond those that are seen, in columns. */
const AHEAD = 1;
/** About as many as a column holds when they are folded. */
const A_COLUMN = 8;
/** How many more are drawn when somebody comes to the end of those. */
const MORE = 40;
/** About how high the words "goes on" are, in the page's text size. */
const GOES_ON_REM = 2.5;

/**
 * A ticket as it is on the page.
 * @typedef {object} Entry
 * @property {Ticket} ticket
 * @property {string} key what it was drawn with
 * @property {HTMLElement[]} articles one for each piece
 * @property {(Place | null)[]} pieces
 * @property {Size} size
 * @property {number[]} heights of its pieces
 * @property {boolean} isDirty it was drawn and not measured
 * @property {string} said what stands beside its code, or on the button that takes back
 */

export class Tickets {
  /**
   * @param {HTMLElement} rail what scrolls
   * @param {HTMLElement} box where the tickets stand in it
   * @param {import('./bar-view.js').Taps} taps
   * @param {(id: string, isNew: boolean) => void} moved
   */
  constructor(rail, box, taps, moved) {
    this.rail = rail;
    this.box = box;
    this.taps = taps;
    this.moved = moved;
    /** How far the tickets reach, so that the rail scrolls: if the box itself became wider, all that stand in it were laid out anew. */
    this.extent = document.createElement('div');
    this.extent.className = 'extent';
    box.append(this.extent);
    /** @type {Map<string, Entry>} */
    this.entries = new Map();
    this.column = { columns: 1, width: 300 };
    this.height = 0;
    this.rem = 16;
    /** How many stand to the right of what is seen. */
    this.more = 0;
    this.total = 0;
    this.drawn = 0;
    /** What is seen of the rail. Asked for while drawing, it would lay out the whole page each time. */
    this.view = { left: 0, width: 0, whole: 0 };
    /** Something was drawn and not put in its place. */
    this.isDirty = true;
    /** It waits for the next frame. */
    this.waits = false;
    /** Whose elements stand there, in which order. */
    this.order = '';
    /** @type {Place[]} */
    this.places = [];
    /** Where each element stands: what its style says when it is asked is rounded. @type {WeakMap<HTMLElement, {x: number, top: number}>} */
    this.spots = new WeakMap();
  }

  /** The rail has another size: everything is measured again. */
  resized() {
    this.rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const { paddingLeft, paddingRight, paddingTop } = getComputedStyle(this.rail);
    const width = this.rail.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
    this.column = columnsIn(width, LEAST_REM * this.rem, GAP_COLUMNS);
    const isOne = this.column.columns === 1;
    this.rail.classList.toggle('one', isOne);
    // One below the other, the page scrolls.
    this.height = isOne ? Infinity : this.rail.clientHeight - parseFloat(paddingTop);
    this.box.style.setProperty('--column', `${this.column.width}px`);
    this.scrolled();
    for (const entry of this.entries.values()) entry.isDirty = true;
    this.isDirty = true;
  }

  /** Something else of the rail is seen. */
  scrolled() {
    const { scrollLeft, clientWidth, scrollWidth } = this.rail;
    this.view = { left: scrollLeft, width: clientWidth, whole: scrollWidth };
    this.count();
  }

  /**
   * Shows these, in this order.
   * @param {Ticket[]} tickets
   * @param {Look & {language: string, glides: boolean, number: (n: number) => number}} look `number`: what a ticket's key is, or 0;
   *   `glides`: what moves does so that an eye can follow it
   * @param {() => boolean} hasTime whether another one may be drawn now
   * @returns {boolean} whether all are drawn; the others are as they were
   */
  update(tickets, look, hasTime) {
    const focused = document.activeElement;
    // What nobody sees yet is drawn when somebody scrolls there.
    const seen = Math.ceil((this.view.left + this.view.width) / (this.column.width + GAP_COLUMNS)) + AHEAD;
    const most = Math.max(this.drawn, seen * A_COLUMN);
    this.total = tickets.length;
    const shown = tickets.slice(0, most);
    const ids = new Set(shown.map(({ id }) => id));
    const lost = this.remove(ids, focused);
    let [isAll, isFirst] = [true, true];
    for (const [n, ticket] of shown.entries()) {
      const key = keyOf(ticket, look, look.number(n));
      const entry = this.entries.get(ticket.id);
      if (entry?.key === key) entry.ticket = ticket;
      // One in any case, or a slow tablet would never come to the end.
      else if (isFirst || hasTime()) {
        this.draw(ticket, key, look, look.number(n), focused);
        isFirst = false;
      } else isAll = false;
    }
    this.drawn = shown.length;
    const there = shown.flatMap(({ id }) => this.entries.get(id)?.ticket ?? []);
    const order = there.map(({ id }) => id).join();
    const mustBePut = this.isDirty || order !== this.order;
    // What was drawn is put in its place in the next frame, if this one is full; not later, however much comes meanwhile.
    this.waits = mustBePut && !isFirst && !this.waits && !lost && !hasTime();
    if (mustBePut && !this.waits) {
      this.put(there, look);
      [this.isDirty, this.order] = [false, order];
    }
    if (lost) this.focusNear(lost, there);
    return isAll && !this.waits;
  }

  /** @param {Set<string>} ids @param {Element | null} focused @returns {Ticket | null} the one that had the focus */
  remove(ids, focused) {
    let lost = null;
    for (const [id, { articles, ticket }] of this.entries) {
      if (ids.has(id)) continue;
      if (articles.some((article) => article.contains(focused))) lost = ticket;
      for (const article of articles) article.remove();
      this.entries.delete(id);
    }
    return lost;
  }

  /** @param {Ticket} lost @param {Ticket[]} shown */
  focusNear(lost, shown) {
    const next = shown.find(({ order, kind }) => kind !== 'gone' && order.received_at >= lost.order.received_at) ?? shown.at(-1);
    const entry = next && this.entries.get(next.id);
    focusIn(entry?.articles.at(-1), '.go, .fold, .undo');
  }

  /** @param {Ticket} ticket @param {string} key @param {Look} look @param {number} number @param {Element | null} focused */
  draw(ticket, key, look, number, focused) {
    const { id, kind } = ticket;
    let entry = this.entries.get(id);
    const isLeft = kind === 'undo' || kind === 'gone';
    if (!entry) {
      entry = { ticket, key, articles: [article()], pieces: [null], size: noSize(id), heights: [], isDirty: true, said: '' };
      this.entries.set(id, entry);
    }
    const hadFocus = entry.articles.some((article) => article.contains(focused));
    // Its place stays as large as it was: nothing moves.
    if (isLeft && entry.ticket.kind !== kind) for (const [n, one] of entry.articles.entries()) one.style.minHeight = `${entry.heights[n] ?? 0}px`;
    if (!isLeft) for (const one of entry.articles) one.style.minHeight = '';
    // A drawing with fewer lines than it had has no place for its pieces.
    if (kind === 'fold' || (entry.ticket.kind === 'fold' && !isLeft)) this.cut(entry, [null]);
    Object.assign(entry, { ticket, key, isDirty: entry.isDirty || !isLeft, said: '' });
    this.isDirty ||= entry.isDirty;
    this.render(entry, look, number);
    if (hadFocus && !entry.articles.some((article) => article.contains(document.activeElement))) {
      focusIn(entry.articles.at(-1), '.undo, .go, .fold');
    }
  }

  /** @param {Entry} entry @param {Look} look @param {number} number */
  render({ ticket, articles, pieces }, look, number) {
    const { kind, urgency, isNew, order } = ticket;
    for (const [n, element] of articles.entries()) {
      const isOpen = kind === 'ticket' || kind === 'fold';
      const classes = ['tk', isOpen ? urgency : kind, isNew && isOpen ? 'new' : ''];
      for (const name of ['glides', 'arrives']) if (element.classList.contains(name)) classes.push(name);
      element.className = classes.filter(Boolean).join(' ');
      element.dataset.id = order.order_id;
      render(draw(ticket, pieces[n] ?? null, { ...look, key: number }, this.taps), element);
    }
  }

  /** Heights of all that was drawn, read at once. */
  measure() {
    for (const entry of this.entries.values()) {
      if (!entry.isDirty || !entry.articles[0]) continue;
      if (entry.ticket.kind === 'ticket') entry.size = sizeOf(entry, GOES_ON_REM * this.rem);
      else if (entry.ticket.kind === 'fold') entry.size = { ...noSize(entry.ticket.id), height: heightOf(entry.articles[0]) };
      entry.heights = entry.articles.map(heightOf);
      entry.isDirty = false;
    }
  }

  /** @param {Ticket[]} shown @param {Look & {glides: boolean, number: (n: number) => number}} look */
  put(shown, look) {
    // Elements first, in reading order; what is new is measured once it is there.
    let before = this.box.firstElementChild;
    for (const { id } of shown) {
      for (const article of this.entries.get(id)?.articles ?? []) {
        if (article === before) before = before.nextElementSibling;
        else this.box.insertBefore(article, before);
      }
    }
    this.measure();
    const sizes = shown.flatMap(({ id }) => this.entries.get(id)?.size ?? []);
    const { places, columns } = place(sizes, this.height, GAP);
    this.split(shown, places, look);
    this.move(places, look.glides);
    const step = this.column.width + GAP_COLUMNS;
    // A single line that is higher than a column must be reached all the same.
    const bottom = places.reduce((most, { id, part, top }) => Math.max(most, top + (this.entries.get(id)?.heights[part] ?? 0)), 0);
    const isTall = bottom > this.height;
    this.rail.classList.toggle('tall', isTall);
    this.box.style.height = isTall || this.height === Infinity ? `${bottom}px` : '';
    this.extent.style.width = `${Math.max(0, columns * step - GAP_COLUMNS)}px`;
    this.places = places;
    this.count();
  }

  /** Tickets that are cut otherwise than before get as many elements as they have pieces. @param {Ticket[]} shown @param {Place[]} places @param {Look & {number: (n: number) => number}} look */
  split(shown, places, look) {
    /** @type {Map<string, Place[]>} */
    const pieces = new Map();
    for (const at of places) pieces.set(at.id, [...(pieces.get(at.id) ?? []), at]);
    for (const [n, { id, kind }] of shown.entries()) {
      const entry = this.entries.get(id);
      const cut = pieces.get(id) ?? [];
      if (!entry || kind === 'fold' || sameCut(entry.pieces, cut)) continue;
      this.cut(entry, cut.length > 1 ? cut : [null]);
      this.render(entry, look, look.number(n));
      entry.heights = entry.articles.map(heightOf);
    }
  }

  /** @param {Entry} entry @param {(Place | null)[]} pieces */
  cut(entry, pieces) {
    while (entry.articles.length > pieces.length) entry.articles.pop()?.remove();
    while (entry.articles.length < pieces.length) {
      const next = article();
      entry.articles.at(-1)?.after(next);
      entry.articles.push(next);
    }
    entry.pieces = pieces;
  }

  /** Puts pieces where they belong, if wanted those that somebody can watch in a glide. @param {Place[]} places @param {boolean} glides */
  move(places, glides) {
    const step = this.column.width + GAP_COLUMNS;
    const { left, width } = this.view;
    const isSeen = (/** @type {number} */ x) => x < left + width && x + step > left;
    const moves = [];
    for (const { id, part, column, top } of places) {
      const element = this.entries.get(id)?.articles[part];
      const [before, x] = [element && this.spots.get(element), column * step];
      if (!element || (before?.x === x && before.top === top)) continue;
      moves.push({ element, id, x, top, isNew: before === undefined, isWatched: isSeen(x) || (before !== undefined && isSeen(before.x)) });
    }
    for (const { element, id, x, top, isNew, isWatched } of moves) {
      this.spots.set(element, { x, top });
      // What comes appears where it belongs; what was there moves there.
      element.classList.toggle('glides', !isNew && isWatched && glides);
      element.classList.toggle('arrives', isNew && isWatched && this.entries.get(id)?.ticket.isNew === true);
      element.style.transform = `translate(${x}px, ${top}px)`;
      this.moved(id, isNew);
    }
  }

  /** How many stand to the right of what is seen. */
  count() {
    const step = this.column.width + GAP_COLUMNS;
    const first = (this.view.left + this.view.width - this.column.width / 2) / step;
    const beyond = new Set(this.places.filter(({ column, isFirst }) => isFirst && this.column.columns > 1 && column >= first).map(({ id }) => id));
    this.more = beyond.size + this.total - this.drawn;
  }

  /** Whether somebody has come so close to the end of what is drawn that more has to be. */
  needsMore() {
    const { left, width, whole } = this.view;
    return this.drawn < this.total && left + width * 2 >= whole;
  }

  drawMore() {
    this.drawn += MORE;
  }

  /**
   * What counts on while a ticket stays as it is. Of tickets that nobody sees it is said when somebody scrolls there.
   * @param {(ticket: Ticket) => string} age what stands beside the code
   * @param {(ticket: Ticket) => string} undo what stands on the button that takes back
   * @param {number} most how many may be said anew, beside those that say nothing yet: each of them is laid out
   * @returns {boolean} whether all of them say what they should
   */
  tick(age, undo, most) {
    let [left, isAll] = [most, true];
    for (const entry of this.entries.values()) {
      const isNew = entry.said === '';
      const text = isNew || this.isSeen(entry) ? said(entry.ticket, age, undo) : entry.said;
      if (text === entry.said) continue;
      if (!isNew && left === 0) {
        isAll = false;
        continue;
      }
      if (!isNew) left -= 1;
      entry.said = text;
      const { articles, ticket } = entry;
      const element = ticket.kind === 'undo' ? articles.at(-1)?.querySelector('.left') : articles[0]?.querySelector('.t');
      if (element && text) element.textContent = text;
    }
    return isAll;
  }

  /** @param {Entry} entry */
  isSeen({ articles }) {
    const { left, width } = this.view;
    const at = articles.map((article) => this.spots.get(article)?.x ?? left);
    return this.column.columns === 1 || at.some((x) => x < left + width && x + this.column.width > left);
  }
}

/** @param {Ticket} ticket @param {(ticket: Ticket) => string} age @param {(ticket: Ticket) => string} undo */
function said(ticket, age, undo) {
  return ticket.kind === 'undo' ? undo(ticket) : age(ticket);
}

/**
 * All that decides how a ticket looks: what was ordered never changes, and a folded one shows no ticks.
 * @param {Ticket} ticket @param {Look & {language: string}} look @param {number} number
 */
function keyOf({ kind, order, urgency, isNew, pending, isReady }, { picked, usual, language, undoStays }, number) {
  const { code, state, round, unpaid, no_barista, undecided_ms = 0, decided, mode, marks = {} } = order;
  return [
    kind, urgency, isNew, pending, isReady, code?.label, state, round, unpaid, no_barista, undecided_ms >= 5_000, decided, mode,
    marks.reason, marks.staff_note, kind === 'fold' || marks.ticked?.join(), picked, usual.size, language, undoStays, number,
  ].join('|');
}

function article() {
  return document.createElement('article');
}

/** @param {string} id @returns {Size} */
function noSize(id) {
  return { id, height: 0, head: 0, lines: [], foot: 0, on: 0 };
}

/** @param {Entry} entry @param {number} on @returns {Size} */
function sizeOf({ ticket, articles }, on) {
  const lines = articles.flatMap((article) => [...article.querySelectorAll('.li')].map(heightOf));
  const head = heightOf(articles[0]?.querySelector('.top'));
  const foot = heightOf(articles.at(-1)?.querySelector('.end'));
  return { id: ticket.id, height: head + foot + lines.reduce((sum, line) => sum + line, 0), head, lines, foot, on };
}

/** To the fraction of a pixel. @param {Element | null | undefined} element */
function heightOf(element) {
  return element?.getBoundingClientRect().height ?? 0;
}

/** @param {(Place | null)[]} one @param {Place[]} other */
function sameCut(one, other) {
  const isWhole = one.length === 1 && one[0] === null;
  if (other.length <= 1) return isWhole;
  return one.length === other.length && one.every((piece, n) => piece?.from === other[n]?.from && piece?.to === other[n]?.to);
}

/** @param {Element | undefined} element @param {string} selector */
function focusIn(element, selector) {
  const target = element?.querySelector(selector);
  if (target instanceof HTMLElement) target.focus({ preventScroll: true });
}
