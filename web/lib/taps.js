/**
 * What staff tapped and the line has not answered yet: commands with the ids that they got when they were tapped. They
 * are kept on the device until there is an answer, sent in their order for each order, and a repeat is the same command:
 * however often one is sent, it is done once.
 */

/** A tap that was kept for longer is not sent by itself: whoever tapped may have helped himself meanwhile. */
export const OLD_MS = 10 * 60_000;
/** Taps that are kept at most. */
export const TAPS_MAX = 500;
/** How many are on their way at once. */
const AT_ONCE = 4;
/** How long to wait before another try; then twice as long each time, up to the second one. */
const AGAIN_MS = 1_000;
const AGAIN_MAX_MS = 10_000;
/** However long the counter says: the line may be back before. */
const WAIT_MAX_MS = 30_000;
/** Lost taps that are told of at once; older ones were seen. */
const LOST_MAX = 8;
const STORED_AS = 'brewline.tap.';
const UNSENT = { tried: false, trying: false, notBefore: -Infinity };

/**
 * One tap.
 * @typedef {object} Tap
 * @property {string} id the command's: the `Idempotency-Key` of each try
 * @property {string} order the order's id
 * @property {string} label what people call the order: its pickup code
 * @property {string} command `start`, `ready`, …
 * @property {Record<string, unknown>} body of the request, with the state and round that were seen
 * @property {number} at when it was tapped, in milliseconds since 1970 by this device
 * @property {'sending' | 'kept'} state
 * @property {Why} [why] why it is kept
 * @property {boolean} tried it was sent at least once, so nobody knows whether it arrived
 * @property {boolean} trying it is on its way at this moment
 * @property {number} notBefore when it is tried again
 */

/**
 * Why a tap is kept.
 * - `offline`: no answer came
 * - `busy`: the counter takes nothing at the moment
 * - `signed_out`: this device is not signed in any more
 * - `undecided`: it stands in the log, and nobody has decided on it yet
 * - `old`: it is ten minutes old; somebody has to say whether it still counts
 * @typedef {'offline' | 'busy' | 'signed_out' | 'undecided' | 'old'} Why
 */

/**
 * What became of one try.
 * - `done`, with the order after it
 * - `lost`: it can't be done, with the stable code of the reason, and the order as it is instead
 * - `kept`: it has to be sent again; `isUnsent`: it did not even leave this device
 * @typedef {{is: 'done', order?: any} | {is: 'lost', code: string, order?: any} | {is: 'kept', why: Exclude<Why, 'old'>, waitMs?: number, isUnsent?: boolean}} Outcome
 */

/** A tap that did not do what was meant. @typedef {{tap: Tap, code: string, order: any}} Lost */

/**
 * @typedef {object} Means
 * @property {Pick<Storage, 'getItem' | 'setItem' | 'removeItem' | 'key' | 'length'> | null} storage where taps outlive the page; `null`: nowhere
 * @property {(tap: Tap) => Promise<Outcome>} send tries once; never throws
 * @property {() => number} now milliseconds since 1970
 * @property {() => string} id a new one
 * @property {(act: () => void, ms: number) => unknown} [later] calls once after so long; a timer of the browser's if not given
 * @property {() => void} [changed] something about the taps has changed
 * @property {(tap: Tap, outcome: Outcome) => void} [ended] a tap was done, or lost
 */

/** What is to be done for an order. @typedef {{order: string, label: string, command: string, body?: Record<string, unknown>}} Wanted */

/** @param {Means} means */
export function createTaps(means) {
  return new Taps(means);
}

export class Taps {
  /** @param {Means} means */
  constructor({ later = (act, ms) => setTimeout(act, ms), changed = () => {}, ended = () => {}, ...means }) {
    this.means = { ...means, later, changed, ended };
    /** Those without an answer, as they were tapped. @type {Tap[]} */
    this.waiting = restored(means.storage);
    /** Those that were lost, the newest last. @type {Lost[]} */
    this.lost = [];
    /** Not before this time another one is tried. */
    this.notBefore = -Infinity;
    this.failures = 0;
    this.timerAt = Infinity;
    /** Old ones that somebody said still count. @type {Set<string>} */
    this.wanted = new Set();
    this.pump();
  }

  /** What is kept of one order, as it was tapped. @param {string} order */
  of(order) {
    return this.waiting.filter((tap) => tap.order === order);
  }

  /** Those that did not get through at the first try. */
  kept() {
    return this.waiting.filter((tap) => tap.state === 'kept');
  }

  /** Those that somebody has to say of whether they still count. */
  old() {
    return this.waiting.filter((tap) => tap.why === 'old');
  }

  /**
   * Takes a tap, and sends it. `null`: too many are kept already.
   * @param {Wanted} wanted
   * @returns {Tap | null}
   */
  add({ order, label, command, body = {} }) {
    if (this.waiting.length >= TAPS_MAX) return null;
    const { id, now } = this.means;
    const tap = { id: id(), order, label, command, body: { command, ...body }, at: now(), state: /** @type {'sending'} */ ('sending'), ...UNSENT };
    this.waiting.push(tap);
    store(this.means.storage, tap);
    this.pump();
    return tap;
  }

  /**
   * Takes a tap back, if it can't have arrived: false where it may have.
   * @param {string} id
   */
  drop(id) {
    const tap = this.waiting.find((tap) => tap.id === id);
    if (!tap || tap.tried) return false;
    this.remove(tap);
    this.pump();
    return true;
  }

  /** Whoever tapped gives it up, whether or not it arrived. @param {string} id */
  forget(id) {
    const tap = this.waiting.find((tap) => tap.id === id);
    if (tap) this.remove(tap);
    this.pump();
  }

  /** It still counts, although it is old. @param {string} id */
  sendOld(id) {
    this.wanted.add(id);
    this.flush();
  }

  /** The line is back, or somebody signed in: all that is kept is tried now. */
  flush() {
    this.notBefore = -Infinity;
    this.failures = 0;
    for (const tap of this.waiting) tap.notBefore = -Infinity;
    this.pump();
  }

  /** It was seen that this one was lost. @param {string} id */
  seen(id) {
    this.lost = this.lost.filter(({ tap }) => tap.id !== id);
    this.means.changed();
  }

  // Below: how.

  pump() {
    const now = this.means.now();
    this.trustClock(now);
    /** @type {Set<string>} */
    const seen = new Set();
    let out = this.waiting.filter(({ trying }) => trying).length;
    let next = this.notBefore > now ? this.notBefore : Infinity;
    for (const tap of this.waiting) {
      const isFirst = !seen.has(tap.order);
      seen.add(tap.order);
      if (tap.trying) continue;
      const isOld = Math.abs(now - tap.at) > OLD_MS && !this.wanted.has(tap.id);
      if (isOld) this.keep(tap, 'old');
      if (isOld || !isFirst) continue;
      const notBefore = Math.max(this.notBefore, tap.notBefore);
      if (notBefore > now) next = Math.min(next, notBefore);
      else if (out < AT_ONCE) {
        out += 1;
        this.attempt(tap);
      }
    }
    this.wakeAt(next);
    this.means.changed();
  }

  /** A device's clock that was set back is no reason to wait for so long. @param {number} now */
  trustClock(now) {
    const latest = now + WAIT_MAX_MS;
    if (this.notBefore > latest) this.notBefore = now;
    for (const tap of this.waiting) if (tap.notBefore > latest) tap.notBefore = now;
  }

  /** @param {number} at */
  wakeAt(at) {
    if (at >= this.timerAt || at === Infinity) return;
    this.timerAt = at;
    this.means.later(() => {
      this.timerAt = Infinity;
      this.pump();
    }, Math.max(0, at - this.means.now()));
  }

  /** @param {Tap} tap */
  async attempt(tap) {
    const wasTried = tap.tried;
    tap.trying = tap.tried = true;
    const outcome = await this.means.send(tap);
    tap.trying = false;
    tap.tried = wasTried || !(outcome.is === 'kept' && outcome.isUnsent === true);
    // Given up meanwhile.
    if (!this.waiting.includes(tap)) return this.pump();
    if (outcome.is === 'kept') {
      this.keep(tap, outcome.why);
      this.holdOff(tap, outcome);
    } else {
      this.failures = 0;
      this.notBefore = -Infinity;
      this.remove(tap);
      if (outcome.is === 'lost') this.lost = [...this.lost, { tap, code: outcome.code, order: outcome.order }].slice(-LOST_MAX);
      this.means.ended(tap, outcome);
    }
    this.pump();
  }

  /** @param {Tap} tap @param {Why} why */
  keep(tap, why) {
    tap.state = 'kept';
    tap.why = why;
  }

  /** @param {Tap} tap @param {Extract<Outcome, {is: 'kept'}>} outcome */
  holdOff(tap, { why, waitMs }) {
    const now = this.means.now();
    if (why === 'undecided') {
      // The others are none the worse for it.
      tap.notBefore = now + Math.min(waitMs ?? AGAIN_MS * 2, WAIT_MAX_MS);
      return;
    }
    const backOff = Math.min(AGAIN_MS * 2 ** this.failures, AGAIN_MAX_MS);
    this.failures += 1;
    this.notBefore = now + Math.max(backOff, Math.min(waitMs ?? 0, WAIT_MAX_MS));
  }

  /** @param {Tap} tap */
  remove(tap) {
    this.waiting = this.waiting.filter((other) => other !== tap);
    this.wanted.delete(tap.id);
    attempt(() => this.means.storage?.removeItem(STORED_AS + tap.id));
  }
}

/** One entry for each tap, so that two tabs never overwrite each other's. @param {Means['storage']} storage @param {Tap} tap */
function store(storage, tap) {
  const { id, order, label, command, body, at } = tap;
  attempt(() => storage?.setItem(STORED_AS + id, JSON.stringify({ id, order, label, command, body, at })));
}

/** @param {Means['storage']} storage @returns {Tap[]} */
function restored(storage) {
  /** @type {Tap[]} */
  const taps = [];
  attempt(() => {
    for (let n = 0; storage && n < storage.length; n += 1) {
      const name = storage.key(n);
      const tap = name?.startsWith(STORED_AS) ? JSON.parse(storage.getItem(name) ?? 'null') : null;
      // It may have been sent before the page was left: nobody knows.
      if (isTap(tap)) taps.push({ ...tap, ...UNSENT, state: 'kept', why: 'offline', tried: true });
    }
  });
  return taps.sort((a, b) => a.at - b.at).slice(-TAPS_MAX);
}

/** @param {any} tap @returns {tap is Tap} */
function isTap(tap) {
  const texts = [tap?.id, tap?.order, tap?.label, tap?.command];
  return texts.every((text) => typeof text === 'string') && typeof tap.at === 'number' && typeof tap.body === 'object';
}

/** Storage may be refused, or full: then memory has it. @param {() => void} act */
function attempt(act) {
  try {
    act();
  } catch {
    // nothing to be done
  }
}
