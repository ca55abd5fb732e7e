/** What the page of the ledger asks the counter. Of two questions of one kind only the later one is answered. */

import { fetchStaff } from './staff.js';

/**
 * What it says, or the stable code of why it says nothing; empty where no answer came. `null`: another one of its kind
 * was asked meanwhile.
 * @typedef {{body: any, code: string} | null} Answer
 */

/** How long to wait where too much is asked at once, and how often. */
const BUSY_MS = 1_000;
const BUSY_TRIES = 5;

export class Asks {
  constructor() {
    /** The questions that wait for their answers, by kind. @type {Map<string, AbortController>} */
    this.open = new Map();
  }

  /** @param {string} kind @param {string} path @returns {Promise<Answer>} */
  async ask(kind, path) {
    this.drop(kind);
    const cut = new AbortController();
    this.open.set(kind, cut);
    for (let tries = 1; ; tries += 1) {
      const { ok, body, code, retryMs } = await fetchStaff(path, { signal: cut.signal });
      if (this.open.get(kind) !== cut) return null;
      if (ok || code !== 'busy' || tries === BUSY_TRIES) {
        this.open.delete(kind);
        // What is no JSON is no answer of the counter's.
        return ok && body !== undefined ? { body, code: '' } : { body: undefined, code };
      }
      await new Promise((done) => setTimeout(done, Math.max(BUSY_MS, retryMs)));
      if (this.open.get(kind) !== cut) return null;
    }
  }

  /** Nobody wants to know any more. @param {string} kind */
  drop(kind) {
    this.open.get(kind)?.abort();
    this.open.delete(kind);
  }

  /** Whether an answer is waited for. @param {string} kind */
  waits(kind) {
    return this.open.has(kind);
  }
}

/**
 * The path of a page of orders.
 * @param {{query: string, filter: string, at: number | null, after: string, limit: number}} what
 */
export function ordersPath({ query, filter, at, after, limit }) {
  const asked = new URLSearchParams({ filter, limit: String(limit) });
  if (query.trim() !== '') asked.set('q', query.trim());
  if (at !== null) asked.set('at', String(at));
  if (after !== '') asked.set('after', after);
  return `/ledger/orders?${asked}`;
}
