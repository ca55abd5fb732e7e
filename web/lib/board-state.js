/** What a board shows, and what it calls aloud: decisions, without a browser. Times are the counter's. */

/** From this age on a board says how old it is. A heartbeat comes every 2 s. */
export const OLD_MS = 5_000;
/** How long the newest code is the one that everybody sees, unless another one comes. */
export const HERO_MS = 20_000;
/** How long a code is called. The counter lets go of it then, too; a board that does not hear it goes by the clock. */
export const CALLED_MS = 10 * 60_000;
/** How long one page of a long list is shown. */
const PAGE_MS = 6_000;
/** How long the headings stay in one language. */
const HEADING_MS = 10_000;

/** Heights, in pixels of a screen of 1080 lines. */
const COLUMN = 799;
const BAND = 136;
const MAKING_ROW = 112;
const WAITING_HEADING = 90;
const WAITING_ROW = 68;
const WAITING_IN_ROW = 3;

/**
 * One code on the board.
 * @typedef {object} Entry
 * @property {number} number
 * @property {{en: string, ko: string}} words
 * @property {string} symbol
 * @property {string} label
 * @property {number} round
 * @property {number} since when it got where it is
 */

/**
 * What `GET /board/codes` and its stream say.
 * @typedef {object} Board
 * @property {number} as_of
 * @property {number} [now]
 * @property {Entry[]} waiting oldest first
 * @property {Entry[]} making oldest first
 * @property {Entry[]} ready newest first
 * @property {boolean} [no_barista]
 */

/** A part of a list that is too long for the screen. @typedef {{entries: Entry[], page: number, pages: number}} Part */

/**
 * - `loading`: nothing was heard yet, and it may still come in a moment
 * - `never`: nothing was heard, and the counter is not reached
 * - `starting`: the counter has not read its log yet
 * - `old`: what was last heard, with its age
 * - `empty`: nobody waits
 * - `live`
 * @typedef {'loading' | 'never' | 'starting' | 'old' | 'empty' | 'live'} Screen
 */

/**
 * @typedef {object} Shown
 * @property {Screen} screen
 * @property {boolean} hasBand something is wrong, and stands above the codes
 * @property {Entry | null} hero
 * @property {boolean} isDense the codes beside it stand closer
 * @property {Part} ready
 * @property {Part} making
 * @property {Part} waiting
 * @property {number} heading counts up each time the headings change their language
 */

/**
 * @param {import('./live.js').News<Board>} news
 * @param {number} now by the counter's clock; `NaN`: it was never heard
 * @param {{fixed: boolean, waitedMs: number}} how whether everything has to fit on the screen, and how long the page is
 *   there
 * @returns {Shown}
 */
export function shown(news, now, { fixed, waitedMs }) {
  const screen = screenOf(news, waitedMs);
  const { value } = news;
  const { waiting = [], making = [] } = value ?? {};
  const called = (value?.ready ?? []).filter(({ since }) => !(now - since >= CALLED_MS));
  const hasBand = screen !== 'live' && screen !== 'empty' && screen !== 'loading' ? true : value?.no_barista === true;
  const hero = screen === 'live' ? heroOf(called, now) : null;
  const rest = hero ? called.slice(1) : called;
  const isDense = hero !== null && rest.length > 4;
  const room = fixed ? roomFor({ hasBand, hasHero: hero !== null, isDense, making: making.length, waiting: waiting.length }) : ALL;
  return {
    screen,
    hasBand,
    hero,
    isDense,
    ready: part(rest, room.ready, now),
    making: part(making, room.making, now),
    waiting: part(waiting, room.waiting, now),
    heading: turn(now, HEADING_MS),
  };
}

/** The one that has just become ready. @param {Entry[]} ready newest first @param {number} now */
function heroOf([newest], now) {
  return newest && now - newest.since < HERO_MS ? newest : null;
}

/** How long a counter may be silent at first before that is said. */
const PATIENCE_MS = 5_000;

/** @param {import('./live.js').News<Board>} news @param {number} waitedMs @returns {Screen} */
function screenOf({ status, value }, waitedMs) {
  // A TV has no other tab: what may not be shown yet comes in a moment, and what was there may stand until then.
  if (value === null) return status === 'starting' ? 'starting' : waitedMs < PATIENCE_MS ? 'loading' : 'never';
  if (status !== 'live') return 'old';
  const isEmpty = value.waiting.length + value.making.length + value.ready.length === 0;
  return isEmpty && !value.no_barista ? 'empty' : 'live';
}

const ALL = { ready: Infinity, making: Infinity, waiting: Infinity };

/**
 * How many codes of each kind fit.
 * @param {{hasBand: boolean, hasHero: boolean, isDense: boolean, making: number, waiting: number}} what
 */
function roomFor({ hasBand, hasHero, isDense, making, waiting }) {
  const height = COLUMN - (hasBand ? BAND : 0);
  const beside = waiting === 0 ? 0 : WAITING_HEADING + WAITING_ROW * Math.min(3, Math.ceil(waiting / WAITING_IN_ROW));
  const makingRows = Math.max(1, Math.floor((height - beside) / MAKING_ROW));
  const left = height - WAITING_HEADING - Math.min(making, makingRows) * MAKING_ROW;
  const waitingRows = Math.max(1, Math.floor(left / WAITING_ROW));
  // As drawn: two rows below the newest, three where they stand closer, and four where there is none.
  const readyRows = hasHero ? (isDense ? 3 : 2) : hasBand ? 3 : 4;
  return { ready: readyRows * 2 - (hasHero && hasBand ? 2 : 0), making: makingRows, waiting: waitingRows * WAITING_IN_ROW };
}

/** @param {Entry[]} all @param {number} size @param {number} now @returns {Part} */
function part(all, size, now) {
  const pages = Math.max(1, Math.ceil(all.length / size));
  const page = pages === 1 ? 0 : turn(now, PAGE_MS) % pages;
  return { entries: pages === 1 ? all : all.slice(page * size, (page + 1) * size), page, pages };
}

/** @param {number} now @param {number} ms */
function turn(now, ms) {
  return Number.isNaN(now) ? 0 : Math.floor(now / ms);
}

/** Names one call: the same order called again after a recall is another one. @param {Entry} entry */
export function nameOf({ label, round, since }) {
  return `${label} ${round} ${since}`;
}

/** Which codes have just become ready. */
export class Calls {
  constructor() {
    /** Those that were ready when the board was looked at last; no more than it shows. @type {Set<string> | null} */
    this.known = null;
  }

  /**
   * Those that nobody has called yet, the oldest first. What was ready before the page was there has been called, and
   * what it missed for long is not called late.
   * @param {Entry[]} ready newest first
   * @param {number} now
   */
  news(ready, now) {
    const { known } = this;
    this.known = new Set(ready.map(nameOf));
    if (known === null) return [];
    const isNew = (/** @type {Entry} */ entry) => !known.has(nameOf(entry)) && now - entry.since < HERO_MS;
    return ready.filter(isNew).reverse();
  }

  /** Whether a code is still ready: it may have been recalled, or handed over. @param {Entry} entry */
  isReady(entry) {
    return this.known?.has(nameOf(entry)) === true;
  }
}
