/** Which touches count: none on what has just changed under the finger. Pure: the time comes in. */

/** A button that means something else now is not meant yet. */
const MEANT_MS = 700;
/** What has just moved here is not meant yet. */
const MOVED_MS = 400;

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

  /** It is gone. @param {string} id */
  forget(id) {
    this.meanings.delete(id);
    this.moves.delete(id);
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
