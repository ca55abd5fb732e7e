/**
 * Orders that staff make, from the tap until the line has answered. Each has its key from the tap on, and both are kept on
 * the device, so that a second tap, a lost answer or a reload makes no second one. They are sent one after the other, as they
 * were tapped. Pure but for what comes in.
 */

import { OLD_MS } from './taps.js';

/** One entry for each, so that two tabs never overwrite each other's. */
const STORED_AS = 'brewline.till.sale';
/** How many may be kept that have to be sent; and at most so many that were made, or were not, and nobody has looked at. */
export const SALES_MAX = 50;
/**
 * From then on the counter may have forgotten the key of one that has arrived: it remembers an order until a day after its
 * end (`remember_ms` of the engine's rules).
 */
export const FORGOTTEN_MS = 24 * 60 * 60_000;
/** How long to wait before another try; then twice as long each time, up to the second one. */
const AGAIN_MS = 1_000;
const AGAIN_MAX_MS = 8_000;

/**
 * What it is, for those who wait for it.
 * @typedef {{cups: number, ref: string, is_bell: boolean, drinks?: string}} What `drinks` of an order from the menu
 */
/**
 * @typedef {object} Sale
 * @property {string} key its `Idempotency-Key`
 * @property {string} body of `POST /orders`: each try sends the same
 * @property {number} at when it was tapped, in milliseconds since 1970 by this device
 * @property {What} what
 * @property {boolean} doubt it may have arrived
 */
/**
 * How it goes.
 *
 * - `sending`: no answer yet
 * - `waiting`: it is tried again by itself, because nobody could be reached, the counter takes nothing at the moment, or
 *   nobody is signed in here; `tried`: just now
 * - `asks`: it was tapped so long ago that somebody has to say whether it still counts; `forgotten`: it may have been made
 *   then, and the same key may make a second one now
 * - `failed`: it was not made, and is not tried again by itself; `changed`: something in it is not to be had as it was
 * - `made`
 *
 * @typedef {{is: 'sending', sale: Sale}
 *   | {is: 'asks', sale: Sale, age: 'old' | 'forgotten'}
 *   | {is: 'waiting', sale: Sale, why: Why, tried?: boolean}
 *   | {is: 'failed', sale: Sale, why: 'not_written' | 'changed' | 'refused', sold_out: string[], detail: string}
 *   | {is: 'made', sale: Sale, id: string}} Begun
 */
/** @typedef {'unreached' | 'busy' | 'signed_out'} Why */
/** @typedef {'new' | 'old' | 'forgotten'} Age */
/** How the one goes that fills the screen. @typedef {{is: 'none'} | Begun} Going */
/** What an answer means: as for a customer, and that nobody is signed in. @typedef {import('./cart.js').Verdict | {is: 'signed_out'}} Verdict */
/**
 * @typedef {object} Means
 * @property {Pick<Storage, 'getItem' | 'setItem' | 'removeItem' | 'key' | 'length'> | null} storage where they outlive the page; `null`: nowhere
 * @property {(sale: Sale) => Promise<Verdict>} send tries once; never throws
 * @property {() => number} now milliseconds since 1970
 * @property {() => string} key a new one
 * @property {(act: () => void, ms: number) => unknown} [later] calls once after so long; a timer of the browser's if not given
 * @property {() => void} changed how one of them goes is another
 * @property {() => void} [needsSignIn] what somebody has just tapped is not sent until somebody signs in
 */

export class Sales {
  /** @param {Means} means */
  constructor({ later = (act, ms) => setTimeout(act, ms), ...means }) {
    this.means = { ...means, later };
    /** As they were tapped. @type {Begun[]} */
    this.all = restored(means.storage);
    /** The key of the one that fills the screen. */
    this.shown = '';
    /** Old ones that somebody said still count, and how old they were then. @type {Map<string, Age>} */
    this.wanted = new Map();
    /** Those that the device keeps. @type {Set<string>} */
    this.lasting = new Set(this.all.map(({ sale }) => sale.key));
    this.failures = 0;
    /** Somebody has tapped, and looks at what comes of it. */
    this.isAsked = false;
    /** The one that is on its way; what comes of one that was given up meanwhile changes nothing any more. */
    this.trying = '';
    /** Waits so far: only the last one ends in a try. */
    this.waits = 0;
    // Whoever loaded the page while one was made waits for its code.
    const [only] = this.all;
    if (this.all.length === 1 && only && only.is !== 'made') this.shown = only.sale.key;
    this.pump();
  }

  /** How the one goes that fills the screen. @returns {Going} */
  get going() {
    return this.all.find(({ sale }) => sale.key === this.shown) ?? { is: 'none' };
  }

  /** The others: those that wait, and those that were made meanwhile and nobody has looked at. */
  get kept() {
    return this.all.filter(({ sale }) => sale.key !== this.shown);
  }

  /** No other one can be kept until some are made. */
  get isFull() {
    return this.all.filter(isOpen).length >= SALES_MAX;
  }

  /** Some that have to be sent are in memory alone: a page that is loaded again has lost them. */
  get isFleeting() {
    return this.all.some((begun) => isOpen(begun) && !this.lasting.has(begun.sale.key));
  }

  /**
   * Makes one, and shows how it goes, unless another one is shown or too many are kept.
   * @param {object} body of `POST /orders`
   * @param {What} what
   */
  begin(body, what) {
    const { going } = this;
    if ((going.is !== 'none' && going.is !== 'made') || this.isFull) return false;
    if (going.is === 'made') this.drop(going.sale.key);
    const { key, now } = this.means;
    const sale = { key: key(), body: JSON.stringify(body), at: now(), what, doubt: false };
    // From here on it is there, whatever becomes of this page.
    this.store({ is: 'sending', sale });
    this.all.push({ is: 'sending', sale });
    this.shown = sale.key;
    this.isAsked = true;
    this.means.changed();
    this.pump();
    return true;
  }

  /**
   * Tries again now: somebody signed in, or the network is back.
   * @param {boolean} [isAsked] somebody says that the one that is shown still counts
   */
  retry(isAsked = false) {
    const { going } = this;
    if (isAsked && (going.is === 'asks' || (going.is === 'failed' && going.why === 'not_written'))) this.want(going);
    this.isAsked ||= isAsked;
    this.failures = 0;
    this.pump();
  }

  /** All that are old still count, but for those that may make a second one: each of them is looked up first. */
  retryOld() {
    for (const begun of this.all) if (begun.is === 'asks' && this.ageOf(begun.sale) !== 'forgotten') this.want(begun);
    this.isAsked = true;
    this.retry();
  }

  /** Leaves the one that is shown: it goes on by itself, and the next one can be made. */
  leave() {
    this.isAsked = false;
    this.shown = '';
    this.means.changed();
  }

  /** Shows one that is kept. @param {string} key */
  open(key) {
    this.isAsked = false;
    this.shown = key;
    this.means.changed();
  }

  /** The one that is shown was seen, or is given up: the next one can be made. */
  done() {
    this.isAsked = false;
    this.drop(this.shown);
    this.shown = '';
    this.means.changed();
    this.pump();
  }

  /** One that was made meanwhile has been looked at. @param {string} key */
  seen(key) {
    this.drop(key);
    this.means.changed();
  }

  /** All that came to this end have been looked at. @param {'made' | 'failed'} end */
  clear(end) {
    for (const { is, sale } of this.kept) if (is === end) this.drop(sale.key);
    this.means.changed();
  }

  // Below: how.

  /** Whether it may have arrived, whatever becomes of it here. @param {Sale} sale */
  mayBeMade(sale) {
    return sale.doubt || this.trying === sale.key;
  }

  /** Tries the first one that has to be made, if none is on its way. */
  pump() {
    this.waits += 1;
    if (this.trying !== '') return;
    // What another tab has given up, or shown, is not made by this one.
    const over = this.all.filter((begun) => this.isOver(begun.sale.key));
    if (over.length > 0) {
      this.all = this.all.filter((begun) => !over.includes(begun));
      this.means.changed();
    }
    for (const begun of this.all) {
      const age = this.ageOf(begun.sale);
      const wanted = this.wanted.get(begun.sale.key);
      const isWanted = wanted === 'forgotten' || wanted === age;
      if (age !== 'new' && !isWanted && isOpen(begun) && !(begun.is === 'asks' && begun.age === age)) this.put({ is: 'asks', sale: begun.sale, age });
    }
    const next = this.all.find(({ is }) => is === 'sending' || is === 'waiting');
    if (next) this.attempt(next.sale);
    else this.isAsked = false;
  }

  /** @param {Sale} sale @returns {Age} */
  ageOf({ at, doubt }) {
    const ms = Math.abs(this.means.now() - at);
    return doubt && ms > FORGOTTEN_MS ? 'forgotten' : ms > OLD_MS ? 'old' : 'new';
  }

  /** @param {Sale} sale */
  async attempt(sale) {
    this.trying = sale.key;
    const before = this.all.find((begun) => begun.sale.key === sale.key);
    // One that waits looks the same while it is tried again: no button moves under a finger.
    this.put(before?.is === 'waiting' ? { ...before, tried: true } : { is: 'sending', sale });
    const verdict = await this.means.send(sale);
    if (this.trying !== sale.key) return;
    this.trying = '';
    this.judge(verdict, sale);
  }

  /** @param {Verdict} verdict @param {Sale} sale */
  judge(verdict, sale) {
    const isAsked = this.isAsked;
    // What is tried by itself from here on nobody waits for.
    if (verdict.is !== 'accepted' && verdict.is !== 'used') this.isAsked = false;
    switch (verdict.is) {
      case 'accepted':
      // The key is this sale's alone: whatever it stands for is what was made of it.
      case 'used':
        this.failures = 0;
        return this.end({ is: 'made', sale, id: verdict.id });
      case 'unknown':
        return this.wait({ ...sale, doubt: true }, 'unreached', verdict.after_s);
      case 'later':
      case 'too_many':
        return this.wait(sale, 'busy', verdict.after_s);
      case 'signed_out':
        this.hold(sale, 'signed_out');
        if (isAsked) this.means.needsSignIn?.();
        return;
      case 'not_written':
        return this.fail(sale, 'not_written');
      case 'changed':
        return this.fail(sale, 'changed', { sold_out: verdict.sold_out });
      case 'refused':
        return this.fail(sale, 'refused', { detail: verdict.detail });
      case 'shut':
      case 'too_large':
        // What staff make is never held up by that: somebody else answered.
        return this.fail(sale, 'refused');
    }
  }

  /** @param {Sale} sale @param {'unreached' | 'busy'} why @param {number} after_s */
  wait(sale, why, after_s) {
    const ms = Math.max(Math.min(AGAIN_MS * 2 ** this.failures, AGAIN_MAX_MS), after_s * 1_000);
    this.failures += 1;
    this.hold(sale, why);
    const mine = this.waits;
    this.means.later(() => {
      if (mine === this.waits) this.pump();
    }, ms);
  }

  /** Those behind it wait for the same. @param {Sale} sale @param {Why} why */
  hold(sale, why) {
    this.put({ is: 'waiting', sale, why });
    for (const { is, sale } of this.all) {
      if (is !== 'sending' && is !== 'waiting') continue;
      this.put({ is: 'waiting', sale, why });
      // There may be room by now.
      if (!this.lasting.has(sale.key)) this.store({ is: 'sending', sale });
    }
  }

  /** @param {Sale} sale @param {'not_written' | 'changed' | 'refused'} why @param {{sold_out?: string[], detail?: string}} [more] */
  fail(sale, why, { sold_out = [], detail = '' } = {}) {
    this.end({ is: 'failed', sale, why, sold_out, detail });
  }

  /** It is tried no more, and the next one has its turn. @param {Extract<Begun, {is: 'made' | 'failed'}>} end */
  end(end) {
    const { sale } = end;
    // One that may have arrived before is still asked for by the same key, and one that nobody has seen is still shown.
    const isSeen = sale.key === this.shown && !(end.is === 'failed' && end.why === 'not_written' && sale.doubt);
    if (isSeen) this.forget(sale.key);
    // Another tab was done with it meanwhile.
    else if (this.isOver(sale.key)) this.drop(sale.key);
    else this.store(end);
    this.put(end);
    const unseen = this.kept.filter(({ is }) => is === end.is);
    if (unseen.length > SALES_MAX && unseen[0]) this.drop(unseen[0].sale.key);
    this.pump();
  }

  /** @param {Begun} begun an old one, or one that was not written */
  want(begun) {
    const { sale } = begun;
    const age = this.ageOf(sale);
    // Nobody has read yet that it may make a second one.
    if (age === 'forgotten' && !(begun.is === 'asks' && begun.age === 'forgotten')) return this.put({ is: 'asks', sale, age });
    this.wanted.set(sale.key, age);
    this.store({ is: 'sending', sale });
    this.put({ is: 'sending', sale });
  }

  /** @param {Begun} begun */
  put(begun) {
    this.all = this.all.map((other) => (other.sale.key === begun.sale.key ? begun : other));
    this.means.changed();
  }

  /** @param {string} key */
  drop(key) {
    if (key === '') return;
    if (this.trying === key) this.trying = '';
    this.all = this.all.filter(({ sale }) => sale.key !== key);
    this.forget(key);
  }

  /** @param {Begun} begun */
  store(begun) {
    const { sale, ...how } = begun;
    try {
      this.means.storage?.setItem(nameOf(sale.key), JSON.stringify(isOpen(begun) ? sale : { ...sale, ...how }));
      if (this.means.storage) this.lasting.add(sale.key);
    } catch {
      // Refused or full: then memory has it. What was kept of it before is no longer so.
      this.forget(sale.key);
    }
  }

  /** @param {string} key */
  forget(key) {
    this.lasting.delete(key);
    try {
      this.means.storage?.removeItem(nameOf(key));
    } catch {
      // Refused: then it was not there.
    }
  }

  /** Whether another tab is done with it. @param {string} key */
  isOver(key) {
    try {
      return this.lasting.has(key) && this.means.storage?.getItem(nameOf(key)) === null;
    } catch {
      return false;
    }
  }
}

/** It still has to be sent. @param {Begun} begun */
function isOpen({ is }) {
  return is !== 'made' && is !== 'failed';
}

/** @param {string} key */
function nameOf(key) {
  return `${STORED_AS}.${key}`;
}

/** @param {Means['storage']} storage @returns {Begun[]} */
function restored(storage) {
  /** @type {Begun[]} */
  const all = [];
  try {
    const names = Array.from({ length: storage?.length ?? 0 }, (_, n) => storage?.key(n) ?? '');
    for (const name of names) {
      const sale = name.startsWith(`${STORED_AS}.`) ? parsed(storage?.getItem(name)) : null;
      if (sale) all.push(sale);
    }
  } catch {
    // Refused: there are none.
  }
  return all.sort((a, b) => a.sale.at - b.sale.at).slice(-3 * SALES_MAX);
}

/** @param {string | null | undefined} text @returns {Begun | null} */
function parsed(text) {
  try {
    const { is, id, why, sold_out, detail, ...sale } = JSON.parse(text ?? 'null') ?? {};
    const { what } = sale;
    const texts = [sale.key, sale.body, what?.ref, what?.drinks ?? '', id ?? ''];
    const isSale = texts.every((text) => typeof text === 'string') && Number.isFinite(sale.at) && Number.isInteger(what.cups);
    if (!isSale) return null;
    // It may have been sent before the page was left.
    const kept = { ...sale, what: { ...what, is_bell: what.is_bell === true }, doubt: true };
    if (id) return { is: 'made', sale: kept, id };
    // It was told that it is not made: only somebody who says so has it made after all.
    if (is === 'failed') return { is, sale: kept, why, sold_out: Array.isArray(sold_out) ? sold_out : [], detail: String(detail ?? '') };
    return { is: 'sending', sale: kept };
  } catch {
    return null;
  }
}
