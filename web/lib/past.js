/**
 * Pages of the staff as they were: whoever opens one with `?at=MS` sees it as it was at that moment, from the log, and can
 * do nothing on it. The ledger leads there.
 */

import { html, render } from '../vendor/lit-html.js';
import { dayOfWeek, onLanguage, t, timeWithSeconds, withLanguage } from './i18n.js';
import { fetchStaff } from './staff.js';

/** How long to wait before it is asked for again. */
const AGAIN_MS = 3_000;
/** What reads a page, and does nothing on it. */
const READING_KEYS = new Set(['Tab', 'ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight', 'PageUp', 'PageDown', 'Home', 'End']);

/** The moment in the address, in milliseconds since 1970; `null`: the page shows what is so now. */
export const PAST = moment(new URLSearchParams(location.search).get('at'));

/** @param {string | null} text */
function moment(text) {
  const at = text === null || text === '' ? NaN : Number(text);
  return Number.isSafeInteger(at) && at >= 0 ? at : null;
}

/**
 * What `follow` of `live.js` gives, of a moment: asked for until it came, and the clock stands still.
 *
 * @template {import('./live.js').Stamped} S
 * @param {number} at
 * @param {object} subject
 * @param {string} subject.snapshot its path, with the moment in it
 * @param {(said: any, known: S | null) => S} [subject.read] what is kept of it
 * @param {(news: import('./live.js').News<S>) => void} subject.tell
 * @returns {import('./live.js').Live<S>}
 */
export function lookBack(at, { snapshot, read = (said) => said, tell }) {
  /** @type {import('./live.js').News<S>} */
  let news = { status: 'loading', value: null, ageMs: 0, offline: false };
  let timer = 0;
  const ask = async () => {
    clearTimeout(timer);
    const { ok, status, code, body } = await fetchStaff(snapshot);
    if (ok && body) {
      // As if it had been read right then: nothing of it is old.
      news = { ...news, status: 'live', value: read({ ...body, as_of: at, now: at }, null) };
    } else if (status === 401) {
      news = { ...news, status: 'signed_out' };
    } else if (code === 'past_gone' || code === 'managers_only') {
      fail(code);
    } else {
      timer = setTimeout(ask, AGAIN_MS);
    }
    tell(news);
  };
  queueMicrotask(ask);
  const nothing = () => {};
  return { news: () => news, now: () => at, tryNow: () => void ask(), take: nothing, change: nothing, stop: () => clearTimeout(timer) };
}

/** @type {'' | 'past_gone' | 'managers_only'} Why the moment can't be shown. */
let failed = '';
/** @type {() => void} */
let showBand = () => {};

/** @param {typeof failed} why */
function fail(why) {
  failed = why;
  showBand();
}

/**
 * Says above the page of when it is, and lets nothing be done on it. What it returns says it again, once more is known.
 *
 * @param {number} at
 * @param {() => string | undefined} timeZone the shop's
 */
export function stayInThePast(at, timeZone) {
  document.documentElement.dataset.past = '';
  const band = document.createElement('aside');
  band.className = 'past';
  document.body.prepend(band);
  showBand = () => {
    const zone = timeZone();
    const day = dayOfWeek(at, zone);
    const back = withLanguage(`/ledger?at=${at}`);
    render(
      html`<p><b>${t('ledger.then', { day, time: timeWithSeconds(at, zone) })}</b>
        <span role="status">${failed === '' ? t('ledger.then_only') : t(`ledger.then_${failed}`)}</span></p>
        <a class="button" href=${back}>${t('ledger.then_back')}</a>`,
      band,
    );
  };
  showBand();
  onLanguage(showBand);
  // Before the page itself hears of it.
  for (const name of ['click', 'pointerdown', 'pointerup', 'keydown', 'keyup', 'change', 'submit']) {
    document.addEventListener(name, (event) => isOfPage(event, band) && halt(event), { capture: true });
  }
  return showBand;
}

/** @param {Event} event @param {HTMLElement} band */
function isOfPage(event, band) {
  if (event.target instanceof Node && band.contains(event.target)) return false;
  // The language is no action, and neither is a way to another page.
  if (event.target instanceof Element && event.target.closest('.lang, a[href]')) return false;
  return !(event instanceof KeyboardEvent && (READING_KEYS.has(event.key) || event.ctrlKey || event.metaKey));
}

/** @param {Event} event */
function halt(event) {
  event.stopImmediatePropagation();
  if (event.cancelable && event.type !== 'pointerdown') event.preventDefault();
}

