/**
 * One order that staff make, from the tap until the line has answered. Its key is made with the tap and kept with it on
 * the device, so that a second tap, a lost answer or a reload makes no second one. Pure but for what comes in.
 */

import { OLD_MS } from './taps.js';

const STORED_AS = 'brewline.till.sale';
/** How long to wait before another try; then twice as long each time, up to the second one. */
const AGAIN_MS = 1_000;
const AGAIN_MAX_MS = 8_000;

/** What it is, for those who wait for it. @typedef {{cups: number, ref: string, is_bell: boolean}} What */
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
 *   nobody is signed in here
 * - `asks`: it was tapped so long ago that somebody has to say whether it still counts
 * - `failed`: it was not made, and is not tried again by itself; `changed`: something in it is not to be had as it was
 * - `made`
 *
 * @typedef {{is: 'none'}
 *   | {is: 'sending' | 'asks', sale: Sale}
 *   | {is: 'waiting', sale: Sale, why: 'unreached' | 'busy' | 'signed_out'}
 *   | {is: 'failed', sale: Sale, why: 'not_written' | 'changed' | 'refused', sold_out: string[], detail: string}
 *   | {is: 'made', sale: Sale, id: string}} Going
 */
/** What an answer means: as for a customer, and that nobody is signed in. @typedef {import('./cart.js').Verdict | {is: 'signed_out'}} Verdict */
/**
 * @typedef {object} Means
 * @property {Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> | null} storage where it outlives the page; `null`: nowhere
 * @property {(sale: Sale) => Promise<Verdict>} send tries once; never throws
 * @property {() => number} now milliseconds since 1970
 * @property {() => string} key a new one
 * @property {(act: () => void, ms: number) => unknown} [later] calls once after so long; a timer of the browser's if not given
 * @property {() => void} changed how it goes is another
 */

export class Sales {
  /** @param {Means} means */
  constructor({ later = (act, ms) => setTimeout(act, ms), ...means }) {
    this.means = { ...means, later };
    /** @type {Going} */
    this.going = { is: 'none' };
    this.failures = 0;
    /** Tries so far: what comes of an earlier one changes nothing any more. */
    this.tries = 0;
    const sale = restored(means.storage);
    if (sale) this.resume(sale);
  }

  /**
   * Makes one, unless one is being made.
   * @param {object} body of `POST /orders`
   * @param {What} what
   */
  begin(body, what) {
    if (this.going.is !== 'none' && this.going.is !== 'made') return false;
    const { key, now } = this.means;
    const sale = { key: key(), body: JSON.stringify(body), at: now(), what, doubt: false };
    this.failures = 0;
    this.attempt(sale);
    return true;
  }

  /**
   * Tries again now: somebody signed in, or the network is back.
   * @param {boolean} [isAsked] somebody says that it still counts
   */
  retry(isAsked = false) {
    const { going } = this;
    const canBeAsked = going.is === 'asks' || (going.is === 'failed' && going.why === 'not_written');
    if (going.is === 'none' || (going.is !== 'waiting' && !(isAsked && canBeAsked))) return;
    this.failures = 0;
    this.attempt(going.sale);
  }

  /** It was seen, or is given up: the next one can be made. */
  done() {
    this.tries += 1;
    store(this.means.storage, null);
    this.become({ is: 'none' });
  }

  // Below: how.

  /** @param {Sale} sale as it was kept: nobody knows whether it arrived */
  resume(sale) {
    if (Math.abs(this.means.now() - sale.at) > OLD_MS) this.going = { is: 'asks', sale };
    else this.attempt(sale);
  }

  /** @param {Sale} sale */
  async attempt(sale) {
    this.tries += 1;
    const mine = this.tries;
    // From here on it may arrive, whatever becomes of this page.
    store(this.means.storage, sale);
    this.become({ is: 'sending', sale });
    const verdict = await this.means.send(sale);
    if (mine === this.tries) this.judge(verdict, sale);
  }

  /** @param {Verdict} verdict @param {Sale} sale */
  judge(verdict, sale) {
    switch (verdict.is) {
      case 'accepted':
      // The key is this sale's alone: whatever it stands for is what was made of it.
      case 'used':
        store(this.means.storage, null);
        return this.become({ is: 'made', sale, id: verdict.id });
      case 'unknown':
        return this.wait({ ...sale, doubt: true }, 'unreached', verdict.after_s);
      case 'later':
      case 'too_many':
        return this.wait(sale, 'busy', verdict.after_s);
      case 'signed_out':
        return this.become({ is: 'waiting', sale, why: 'signed_out' });
      case 'not_written':
        return this.fail(sale, 'not_written');
      case 'changed':
        return this.fail(sale, 'changed', { sold_out: verdict.sold_out });
      case 'refused':
        return this.fail(sale, 'refused', { detail: verdict.detail });
      case 'shut':
        // What staff make is never held up by that: somebody else answered.
        return this.fail(sale, 'refused');
    }
  }

  /** @param {Sale} sale @param {'unreached' | 'busy'} why @param {number} after_s */
  wait(sale, why, after_s) {
    const ms = Math.max(Math.min(AGAIN_MS * 2 ** this.failures, AGAIN_MAX_MS), after_s * 1_000);
    this.failures += 1;
    this.become({ is: 'waiting', sale, why });
    const mine = this.tries;
    this.means.later(() => {
      if (mine !== this.tries || this.going.is !== 'waiting') return;
      if (Math.abs(this.means.now() - sale.at) > OLD_MS) this.become({ is: 'asks', sale });
      else this.attempt(sale);
    }, ms);
  }

  /** @param {Sale} sale @param {'not_written' | 'changed' | 'refused'} why @param {{sold_out?: string[], detail?: string}} [more] */
  fail(sale, why, { sold_out = [], detail = '' } = {}) {
    // One that may have arrived before is still asked for by the same key.
    if (why !== 'not_written' || !sale.doubt) store(this.means.storage, null);
    this.become({ is: 'failed', sale, why, sold_out, detail });
  }

  /** @param {Going} going */
  become(going) {
    this.going = going;
    this.means.changed();
  }
}

/** @param {Means['storage']} storage @param {Sale | null} sale */
function store(storage, sale) {
  try {
    if (sale === null) storage?.removeItem(STORED_AS);
    else storage?.setItem(STORED_AS, JSON.stringify(sale));
  } catch {
    // Refused or full: then memory has it.
  }
}

/** @param {Means['storage']} storage @returns {Sale | null} */
function restored(storage) {
  try {
    const sale = JSON.parse(storage?.getItem(STORED_AS) ?? 'null');
    const { what } = sale ?? {};
    const isSale = [sale?.key, sale?.body, what?.ref].every((text) => typeof text === 'string') &&
      Number.isFinite(sale.at) && Number.isInteger(what.cups);
    // It may have been sent before the page was left.
    return isSale ? { ...sale, what: { ...what, is_bell: what.is_bell === true }, doubt: true } : null;
  } catch {
    return null;
  }
}
