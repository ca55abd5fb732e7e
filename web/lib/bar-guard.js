/** Which touches count: none on what has just changed under the finger. Pure: the time comes in. */

/** A button that means something else now is not meant yet. */
const MEANT_MS = 700;
/** What has just moved here is not meant yet. */
const MOVED_MS = 400;

/** Places that are kept in mind although nothing stands there any more. */
const SPARE = 200;

export class Guard {
  constructor() {
    /** @type {Map<string, {meaning: string, since: number}>} */
    this.meanings = new Map();
    /** @type {Map<string, number>} */
    this.moves = new Map();
  }

  /**
   * What the button of this place does, as it is shown from now on.
   * @param {string} id
   * @param {string} meaning
   * @param {number} now in milliseconds, by a clock that nobody sets
   */
  means(id, meaning, now) {
    const known = this.meanings.get(id);
    if (known?.meaning !== meaning) this.meanings.set(id, { meaning, since: known ? now : -Infinity });
  }

  /** It stands somewhere else, or was not there before. @param {string} id @param {number} now */
  moved(id, now) {
    this.moves.set(id, now);
  }

  /**
   * What is there now. What else was there is forgotten, once it is much more: a page is open for days.
   * @param {string[]} ids
   */
  keep(ids) {
    if (this.meanings.size + this.moves.size <= SPARE + 4 * ids.length) return;
    const isThere = new Set(ids);
    for (const places of [this.meanings, this.moves]) for (const id of places.keys()) if (!isThere.has(id)) places.delete(id);
  }

  /** Whether a touch on it is meant. @param {string} id @param {number} now */
  allows(id, now) {
    return this.stands(id, now) && now - (this.meanings.get(id)?.since ?? -Infinity) >= MEANT_MS;
  }

  /** Whether it stands where it stood: enough for what means the same whatever has changed. @param {string} id @param {number} now */
  stands(id, now) {
    return now - (this.moves.get(id) ?? -Infinity) >= MOVED_MS;
  }
}
