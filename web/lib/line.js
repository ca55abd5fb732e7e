/**
 * What the pager tells the line: the commands of whoever knows an order's id. Each has a key of its own, so that one sent
 * again is the same one, and names the state and round that were seen, but for what the phone itself is doing. None of them
 * throws.
 */

import { isLive } from './pager-screen.js';
import { randomText } from './rung.js';

/**
 * @typedef {import('./pager-screen.js').Order} Order
 * @typedef {'acknowledge' | 'missing' | 'collect' | 'cancel' | 'tested' | 'rang' | 'presence'} Name
 * @typedef {'listening' | 'hidden' | 'gone'} Presence
 */

/**
 * What became of a command.
 *
 * - `done`
 * - `kept`: it stands in the log, and is decided when somebody is there to do so
 * - `changed`: the order is no longer as it was seen; it was taken in as it is now
 * - `refused`: it can't be done
 * - `unsent`: no answer came, however often it was sent
 *
 * @typedef {'done' | 'kept' | 'changed' | 'refused' | 'unsent'} Outcome
 */

/** How long an answer may take: the counter itself waits 5 s for one. */
const ANSWER_MS = 8_000;
/** How long to wait before the second try; then twice as long each time. */
const AGAIN_MS = 1_000;
/** What a person asked for is tried for about half a minute, the rest less long. */
const TRIES = 6;
const QUIET_TRIES = 3;
/** Presence is said at most this often. */
const PRESENCE_MS = 10_000;

export class Line {
  /**
   * @param {string} id the order's
   * @param {() => Order | null} order as it is now
   * @param {(order: Order) => void} take takes in the order as an answer has it
   */
  constructor(id, order, take) {
    this.path = `/orders/${encodeURIComponent(id)}/commands`;
    this.order = order;
    this.take = take;
    /** What the line knows. @type {Presence | null} */
    this.saidPresence = null;
    /** What is on its way there. @type {Presence | null} */
    this.sayingPresence = null;
    /** @type {Presence | null} */
    this.presence = null;
    this.presenceAt = -Infinity;
    /** When the last "gone" was said that this page corrected, by the line's clock. */
    this.correctedAt = 0;
    /** @type {ReturnType<typeof setTimeout> | number} */
    this.timer = 0;
  }

  /**
   * What a person asked for.
   * @param {Name} name
   * @returns {Promise<Outcome>}
   */
  ask(name) {
    return this.send(name, {}, TRIES);
  }

  /**
   * What nobody waits for. If the order moved on meanwhile it is said once more, of the order as it is then.
   * @param {Name} name
   * @param {Record<string, string>} [more]
   * @returns {Promise<Outcome>}
   */
  async mention(name, more = {}) {
    const outcome = await this.send(name, more, QUIET_TRIES);
    return outcome === 'changed' ? this.send(name, more, 1) : outcome;
  }

  /** What this page is doing, if that is another thing than it said. @param {Presence} presence */
  is(presence) {
    this.presence = presence;
    this.sayPresence();
  }

  async sayPresence() {
    clearTimeout(this.timer);
    const { presence } = this;
    if (presence === null || presence === this.saidPresence || this.sayingPresence !== null || !isLive(this.order())) return;
    const wait = this.presenceAt + PRESENCE_MS - performance.now();
    if (wait > 0) {
      this.timer = setTimeout(() => this.sayPresence(), wait);
      return;
    }
    this.presenceAt = performance.now();
    this.sayingPresence = presence;
    const outcome = await this.mention('presence', { presence });
    // Left meanwhile: that was said last.
    if (this.sayingPresence !== presence) return;
    this.sayingPresence = null;
    // What did not arrive is said again, until it does.
    this.saidPresence = outcome === 'unsent' ? null : presence;
    this.sayPresence();
  }

  /**
   * What the order says of this phone. Another page of it that went, a tab or this one before a reload, says that it is
   * gone, and may be heard after what this one said. That is corrected once each time it is said: a correction that can't
   * be decided now stands in the log, and needs no second one.
   *
   * @param {import('./pager-screen.js').Marks} [marks] the order's
   */
  hear({ presence, presence_at: at = 0 } = {}) {
    if (presence !== 'gone' || at === this.correctedAt || this.saidPresence === null || this.saidPresence === 'gone') return;
    this.correctedAt = at;
    this.saidPresence = null;
    // Soon, for the bar counts on it; not at once, so that a phone with pages that come and go says little.
    this.presenceAt = performance.now() - PRESENCE_MS + AGAIN_MS;
    this.sayPresence();
  }

  /** The page goes: there is no time to wait for an answer. */
  leave() {
    clearTimeout(this.timer);
    if ((this.saidPresence === null && this.sayingPresence === null) || !isLive(this.order())) return;
    this.saidPresence = 'gone';
    this.sayingPresence = null;
    const body = this.body('presence', { presence: 'gone' });
    // A beacon has no headers, so no key. Presence said twice is presence said once.
    const sent = navigator.sendBeacon?.(this.path, new Blob([body], { type: 'application/json' }));
    if (!sent) this.post(body, randomText());
  }

  /** @param {Name} name @param {Record<string, string>} more */
  body(name, more) {
    // What a phone is doing is so whatever became of its order meanwhile, and a page that goes can't say it once more.
    const order = name === 'presence' ? null : this.order();
    return JSON.stringify({ command: name, ...more, ...(order && { state: order.state, round: order.round }) });
  }

  /**
   * @param {Name} name
   * @param {Record<string, string>} more
   * @param {number} tries
   * @returns {Promise<Outcome>}
   */
  async send(name, more, tries) {
    const key = randomText();
    const body = this.body(name, more);
    for (let tried = 1; ; tried += 1) {
      const outcome = await this.post(body, key);
      if (outcome !== null) return outcome;
      if (tried >= tries) return 'unsent';
      await online(AGAIN_MS * 2 ** (tried - 1));
    }
  }

  /** `null`: no answer; the same may be sent again. @param {string} body @param {string} key @returns {Promise<Outcome | null>} */
  async post(body, key) {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), ANSWER_MS);
    try {
      const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': key };
      // With `keepalive` it is not lost when the page is left a moment later.
      const request = { method: 'POST', headers, body, keepalive: true, signal: abort.signal };
      const response = await fetch(this.path, request);
      const answer = await response.json();
      return this.outcome(response.status, answer);
    } catch {
      return null;
    } finally {
      clearTimeout(timer);
    }
  }

  /** @param {number} status @param {any} answer @returns {Outcome | null} */
  outcome(status, answer) {
    if (status === 200) {
      this.take(answer);
      return 'done';
    }
    if (status === 202 || status === 429 || status >= 500) return null;
    if (answer.order) this.take(answer.order);
    if (answer.code === 'no_barista') return answer.command_id ? 'kept' : 'refused';
    return answer.code === 'changed' ? 'changed' : 'refused';
  }
}

/** Waits, but not while there is a network again. @param {number} ms @returns {Promise<void>} */
function online(ms) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      window.removeEventListener('online', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    window.addEventListener('online', done);
  });
}
