/** What a board looks like. Nothing here decides anything. */

import en from '../messages/staff-en.js';
import ko from '../messages/staff-ko.js';
import { html, nothing } from '../vendor/lit-html.js';
import * as i18n from './i18n.js';
import * as icons from './icons.js';
import { symbol } from './pager-parts.js';

const { t, word } = i18n;
const TEXTS = { en, ko };

/**
 * @typedef {import('./board-state.js').Entry} Entry
 * @typedef {import('./board-state.js').Part} Part
 * @typedef {import('./board-state.js').Shown} Shown
 * @typedef {Extract<keyof typeof en, `board.${string}`>} BoardKey
 */

/**
 * What is known of the shop.
 * @typedef {object} Shop
 * @property {i18n.Words} [name]
 * @property {string} [timeZone]
 * @property {'open' | 'paused' | 'closed' | 'till'} [ordering]
 * @property {number} [opensAt]
 */

/**
 * @typedef {object} Model
 * @property {Shown} shown
 * @property {Shop} shop
 * @property {number} now by the counter's clock; `NaN`: it was never heard
 * @property {number} ageMs how old it is
 * @property {number} asOf when it was last heard
 * @property {boolean} nobody nobody marks orders at the moment
 * @property {number} lastReadyAt when a code last became ready; 0: not since the page is there
 * @property {BoardKey | null} notice what is wrong with the sound
 * @property {() => void} openSettings
 */

/** @param {Model} model */
export function board(model) {
  const { shown } = model;
  return html`${header(model)}
    ${shown.hasBand ? band(model) : nothing}
    ${shown.screen === 'empty' ? empty(model) : columns(model)}
    ${shown.screen === 'empty' && !model.notice ? nothing : footer(model)}`;
}

/** @param {Model} model */
function header({ shown, shop, now, asOf, openSettings }) {
  const isLive = shown.screen === 'live' || shown.screen === 'empty';
  return html`<header>
    <h1><span class="vh">${t('board.title')}</span> <span dir="auto">${word(shop.name)}</span></h1>
    <button class="gear" aria-label=${t('board.settings')} @click=${openSettings}>${icons.gear()}</button>
    <span class="grow"></span>
    ${isLive ? html`<span class="conn"><span class="dot"></span>${both('board.live')}</span>` : nothing}
    ${!isLive && asOf > 0
      ? html`<span class="conn down">${icons.noSignal()}${both('board.as_of', { time: i18n.time(asOf, shop.timeZone) })}</span>`
      : nothing}
    ${Number.isNaN(now) ? nothing : html`<span class="clock">${i18n.time(now, shop.timeZone)}</span>`}
  </header>`;
}

/** @param {Model} model */
function band({ shown, ageMs, nobody }) {
  const why = () => {
    if (shown.screen === 'never') return both('board.never');
    if (shown.screen === 'starting') return both('board.starting');
    if (nobody && shown.screen === 'live') return both('board.nobody');
    const seconds = Math.floor(ageMs / 1_000);
    if (seconds < 60) return both('board.lost_seconds', { count: seconds });
    const minutes = Math.floor(seconds / 60);
    return minutes < 60 ? both('board.lost_minutes', { count: minutes }) : both('board.lost_hours', { count: Math.floor(minutes / 60) });
  };
  // How long ago is no part of what is told: it would be told anew each second.
  return html`<aside class="band">${icons.noSignal()}<strong role="alert">${both('board.listen')}</strong><small>${why()}</small></aside>`;
}

/** @param {Model} model */
function columns({ shown, shop, asOf }) {
  const { hero, ready, making, waiting } = shown;
  const isOld = shown.screen === 'old';
  const time = i18n.time(asOf, shop.timeZone);
  return html`<main class=${isOld ? 'old' : ''}>
    <section class="making">
      ${heading(isOld ? both('board.making_at', { time }) : both('board.making'), making)}
      <ul>${making.entries.map((entry) => html`<li class="code">${parts(entry)}</li>`)}</ul>
      ${waiting.entries.length === 0
        ? nothing
        : html`<h3>${both('board.waiting')}${pages(waiting)}</h3>
            <ul class="line">
              ${waiting.entries.map(({ symbol: name, label, words }) => html`<li>${symbol(name)}<span class="vh">${word(words)} </span>${label}</li>`)}
            </ul>`}
    </section>
    <section class="ready">
      ${heading(both('board.ready'), ready)}
      <ul class=${shown.isDense ? 'dense' : ''}>
        ${hero ? html`<li class="code hero ${size(hero)}">${parts(hero)}</li>` : nothing}
        ${ready.entries.map((entry) => html`<li class="code ${size(entry)}">${parts(entry)}</li>`)}
      </ul>
    </section>
  </main>`;
}

/** @param {unknown} text @param {Part} part */
function heading(text, part) {
  return html`<h2>${text}${pages(part)}</h2>`;
}

/** Which part of a long list this is. @param {Part} part */
function pages({ page, pages }) {
  return pages === 1 ? nothing : html`<span class="pages">${page + 1}/${pages}</span>`;
}

/** A code: its drawing, its word in both languages, its number. @param {Entry} entry */
function parts({ symbol: name, words, label }) {
  const other = i18n.otherLanguage();
  return html`${symbol(name)}
    <span class="w"><b lang=${i18n.language}>${words[i18n.language].toUpperCase()}</b><i lang=${other}>${words[other].toUpperCase()}</i></span>
    <span class="n">${label}</span>`;
}

/** How much smaller its number has to be set. @param {Entry} entry */
function size({ label }) {
  return label.length > 3 ? 'n4' : label.length > 2 ? 'n3' : '';
}

/** @param {Model} model */
function empty({ shop, lastReadyAt }) {
  const { ordering, opensAt, timeZone } = shop;
  const time = (/** @type {number} */ at) => ({ time: i18n.time(at, timeZone) });
  const what = () => {
    if (ordering === 'closed') return { title: both('board.closed'), more: opensAt === undefined ? nothing : both('board.opens', time(opensAt)) };
    const how = ordering === 'paused' || ordering === 'till' ? both(`board.how_${ordering}`) : both('board.how_open');
    return { title: both('board.none'), more: how };
  };
  const { title, more } = what();
  return html`<main class="none"><div>
    <h2>${title}</h2><p>${more}</p>
    ${lastReadyAt > 0 ? html`<p class="last">${both('board.last', time(lastReadyAt))}</p>` : nothing}
  </div></main>`;
}

/** @param {Model} model */
function footer({ notice }) {
  return html`<footer><span>${both('board.match')}</span>
    ${notice ? html`<span class="notice">${both(notice)}</span>` : html`<span>${both('board.clears')}</span>`}</footer>`;
}

/**
 * A text in both languages, of which the root says which one is seen.
 * @param {BoardKey} key
 * @param {Record<string, string | number>} [values]
 */
function both(key, values = {}) {
  const languages = /** @type {i18n.Language[]} */ ([i18n.language, i18n.otherLanguage()]);
  const texts = languages.map((language) => {
    return html`<span lang=${language}>${said(language, key, values)}</span>`;
  });
  return html`<span class="both">${texts}</span>`;
}

/**
 * A text of the board in one of the languages, whichever is shown.
 * @param {i18n.Language} language
 * @param {BoardKey} key
 * @param {Record<string, string | number>} [values]
 */
export function said(language, key, values = {}) {
  return TEXTS[language][key].replace(/\{(\w+)\}/g, (all, name) => (Object.hasOwn(values, name) ? String(values[name]) : all));
}

/** What was fitted last. */
let fitted = '';

/**
 * Sets words smaller that would not fit beside their number: fonts differ, and so do words.
 * @param {HTMLElement} place where the board is
 */
export function fit(place) {
  const words = [.../** @type {NodeListOf<HTMLElement>} */ (place.querySelectorAll('.w > *'))];
  const codes = words.map((one) => one.closest('.code')).map((code) => `${code?.className} ${code?.textContent}`);
  const now = [innerWidth, innerHeight, ...codes].join();
  if (now === fitted) return;
  fitted = now;
  for (const one of words) one.style.removeProperty('--fit');
  // All are measured before any is changed: the layout is made once.
  const scales = words.map(({ clientWidth, scrollWidth }) => Math.floor((clientWidth / Math.max(scrollWidth, 1)) * 100) / 100);
  words.forEach((one, at) => {
    const scale = scales[at] ?? 1;
    if (scale < 1) one.style.setProperty('--fit', String(scale));
  });
}
