/**
 * Which rings of an order have rung on this phone, so that none rings twice: not after a reload, not after the counter
 * was restarted, not in two tabs.
 *
 * It is kept in memory; in `localStorage`, which all tabs share; and in the history entry of the page, which outlives a
 * reload where storage is refused. Tabs that are open at the same time ask each other before they ring: the one that can
 * be heard best does. A `BroadcastChannel` also works on a page without TLS, where Web Locks do not exist.
 */

const STORED_AS = 'brewline.rung';
/** How long other tabs have to object. */
const OBJECT_MS = 120;
/** An order is forgotten a day after it is finished. */
const KEPT_MS = 48 * 3_600_000;

/**
 * The last ring that rang: of which round, and which ring of it, counted from 0.
 * @typedef {{round: number, ring: number}} Ring
 */

/**
 * What tabs say to each other.
 * @typedef {{order: string, from: string} & (
 *   {kind: 'hello'} | {kind: 'here', last: Ring | null} | {kind: 'bye'} | {kind: 'rung', last: Ring} |
 *   {kind: 'claim', ring: Ring, rank: number})} Said
 */

export class Rung {
  /**
   * @param {string} order its id
   * @param {() => number} rank how well this tab can be heard: the lowest of all tabs rings
   */
  constructor(order, rank) {
    this.order = order;
    this.rank = rank;
    this.me = randomText();
    /** @type {Set<string>} The other tabs that show this order. */
    this.tabs = new Set();
    /** @type {{ring: Ring, rank: number} | null} The best claim of another tab. */
    this.rival = null;
    this.last = later(readHistory(order), readStorage()[order] ?? null);
    this.channel = openChannel((said) => this.hear(said));
    this.say({ kind: 'hello' });
    this.greeted = this.channel ? after(OBJECT_MS) : Promise.resolve();
  }

  /** Whether this ring, or a later one, rang here. @param {Ring} ring */
  has(ring) {
    this.last = later(this.last, readStorage()[this.order] ?? null);
    return this.last !== null && !isLater(ring, this.last);
  }

  /**
   * Whether this tab is the one to ring it. It is written down before it rings.
   * @param {Ring} ring
   * @returns {Promise<boolean>}
   */
  async claim(ring) {
    await this.greeted;
    if (this.has(ring)) return false;
    if (this.tabs.size > 0) {
      const rank = this.rank();
      this.say({ kind: 'claim', ring, rank });
      await after(OBJECT_MS);
      if (this.has(ring)) return false;
      const { rival } = this;
      if (rival !== null && !isLater(ring, rival.ring) && rival.rank < rank) return false;
    }
    this.remember(ring);
    this.say({ kind: 'rung', last: ring });
    return true;
  }

  /** This tab goes, or sleeps. */
  leave() {
    this.say({ kind: 'bye' });
  }

  /** This tab is back. */
  comeBack() {
    this.say({ kind: 'hello' });
    this.greeted = this.channel ? after(OBJECT_MS) : Promise.resolve();
  }

  /** @param {Said} said */
  hear(said) {
    if (said.order !== this.order || said.from === this.me) return;
    if (said.kind === 'bye') return void this.tabs.delete(said.from);
    this.tabs.add(said.from);
    if (said.kind === 'hello') this.say({ kind: 'here', last: this.last });
    if ((said.kind === 'here' || said.kind === 'rung') && said.last) this.remember(said.last);
    if (said.kind === 'claim') {
      if (this.last !== null && !isLater(said.ring, this.last)) this.say({ kind: 'rung', last: this.last });
      const isBetter = this.rival === null || isLater(said.ring, this.rival.ring) || said.rank < this.rival.rank;
      if (isBetter) this.rival = said;
    }
  }

  /** @param {Ring} ring */
  remember(ring) {
    this.last = later(this.last, ring);
    writeHistory(this.order, this.last);
    writeStorage(this.order, this.last);
  }

  /** @param {Record<string, unknown>} said */
  say(said) {
    this.channel?.postMessage({ ...said, order: this.order, from: this.me });
  }
}

/** @param {Ring} a @param {Ring} b */
function isLater(a, b) {
  return a.round > b.round || (a.round === b.round && a.ring > b.ring);
}

/** @template {Ring | null} R @param {R} a @param {R} b */
function later(a, b) {
  if (a === null || b === null) return a ?? b;
  return isLater(a, b) ? a : b;
}

/** @param {number} ms @returns {Promise<void>} */
function after(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Random enough for a name; there is no `randomUUID` on a page without TLS. */
export function randomText() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** @param {(said: Said) => void} hear @returns {BroadcastChannel | null} */
function openChannel(hear) {
  try {
    const channel = new BroadcastChannel(STORED_AS);
    channel.onmessage = (event) => hear(event.data);
    return channel;
  } catch {
    return null; // none here, or refused: then this tab is alone
  }
}

/** @returns {Record<string, Ring & {at: number}>} */
function readStorage() {
  try {
    const read = JSON.parse(localStorage.getItem(STORED_AS) ?? '{}');
    return typeof read === 'object' && read !== null ? read : {};
  } catch {
    return {}; // refused, or not ours
  }
}

/** @param {string} order @param {Ring | null} last */
function writeStorage(order, last) {
  const at = Date.now();
  const kept = Object.entries(readStorage()).filter(([, ring]) => Math.abs(at - ring.at) < KEPT_MS);
  try {
    localStorage.setItem(STORED_AS, JSON.stringify({ ...Object.fromEntries(kept), [order]: { ...last, at } }));
  } catch {
    // refused or full: the history entry has it
  }
}

/** @param {string} order @returns {Ring | null} */
function readHistory(order) {
  const kept = history.state?.rung;
  return kept?.order === order ? kept.last : null;
}

/** @param {string} order @param {Ring | null} last */
function writeHistory(order, last) {
  try {
    history.replaceState({ ...history.state, rung: { order, last } }, '');
  } catch {
    // too often, or refused: memory has it
  }
}
