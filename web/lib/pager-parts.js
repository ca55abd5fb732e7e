/** What the screens of the pager are made of. Nothing here decides anything. */

import { html, nothing } from '../vendor/lit-html.js';
import { canBeNoticed } from './bell.js';
import * as i18n from './i18n.js';
import * as icons from './icons.js';

const { t, word } = i18n;

/** Of a text that people wrote: the language, if it is not the page's. @param {string} text */
const langOf = (text) => i18n.foreign(text) ?? nothing;

/**
 * @typedef {import('./pager-screen.js').Order} Order
 * @typedef {import('./pager-screen.js').Item} Item
 * @typedef {import('./pager-screen.js').Screen} Screen
 * @typedef {import('./i18n.js').MessageKey} MessageKey
 */

/** What is known of the shop. @typedef {{name?: import('./i18n.js').Words, timeZone?: string}} Shop */

/**
 * What a command of the customer's is at: on its way, or why it did not do what was asked.
 * @typedef {'' | 'sending' | 'kept' | 'unsent' | 'too_late' | 'refused'} Asking
 */

/**
 * All that the page shows.
 * @typedef {object} Model
 * @property {Screen} screen
 * @property {Order | null} order
 * @property {number} now the counter's clock
 * @property {number} ageMs
 * @property {boolean} offline
 * @property {Shop} shop
 * @property {boolean} tested the bell was tried since the page was loaded, and can be heard
 * @property {import('./bell.js').Abilities} abilities
 * @property {boolean} flashing the bell rings at this moment
 * @property {boolean} answered the customer answered the bell of this round
 * @property {boolean} slow nothing came for so long that it must be said
 * @property {'' | 'cancel' | 'not_me'} open what was opened in place
 * @property {Asking} asking
 */

/**
 * What can be tapped.
 * @typedef {object} Taps
 * @property {() => void} test
 * @property {() => void} notices
 * @property {() => void} acknowledge
 * @property {() => void} missing
 * @property {() => void} collect
 * @property {() => void} cancel
 * @property {(what: Model['open']) => void} show
 * @property {() => void} tryNow
 * @property {() => void} language
 */

/** A model that has an order. @typedef {Model & {order: Order}} Known */

/** @param {Model} model @param {Taps} taps */
export function header({ screen, shop }, taps) {
  const isLive = !['loading', 'starting', 'catching_up', 'unknown', 'forgotten', 'lost'].includes(screen);
  const isOver = ['collected', 'uncollected', 'cancelled'].includes(screen);
  return html`<header>
    <b dir="auto" lang=${langOf(word(shop.name))}>${word(shop.name)}</b>
    ${isLive && !isOver ? html`<span class="row"><span class="dot"></span>${t('pager.live')}</span>` : nothing}
    ${screen === 'lost' ? html`<span class="row muted">${icons.noSignal()}${t('pager.not_live')}</span>` : nothing}
    <button class="lang" lang=${i18n.otherLanguage()} @click=${taps.language}>${t('common.other_language')}</button>
    ${i18n.languageFailed ? html`<p class="unchanged" role="alert" lang=${i18n.otherLanguage()}>${t('common.language_failed')}</p>` : nothing}
  </header>`;
}

export function footer() {
  return html`<footer><a href=${i18n.withLanguage('/privacy')}>${t('pager.privacy')}</a></footer>`;
}

/** The code, which is what the order is called, and how it may be called in the other language. @param {Known} model @param {MessageKey} [hear] */
export function code({ order }, hear = 'pager.hear') {
  if (!order.code) return html`<h1 class="vh">${t('pager.title')}</h1>`;
  return html`<h1 class="code">${symbol(order.code.symbol)}<span>${codeText(order, i18n.language)}</span></h1>
    <p class="hear">${rich(hear, { code: called(order) })}</p>`;
}

/** The code in the other language, as it may be called or stand on the cup. @param {Order} order */
export function called(order) {
  const other = i18n.otherLanguage();
  return html`<span lang=${other}>${other === 'en' ? calledText(order, other) : codeText(order, other)}</span>`;
}

/** `MANGO 27`, `망고 27`. @param {Order} order @param {i18n.Language} language */
export function codeText(order, language) {
  const { code } = order;
  return code ? `${code.words[language].toUpperCase()} ${code.label ?? code.number}` : '';
}

/** As one says it: `Mango 27`. @param {Order} order @param {i18n.Language} language */
export function calledText(order, language) {
  const { code } = order;
  const said = code?.words[language] ?? '';
  return code ? `${said.charAt(0).toUpperCase()}${said.slice(1)} ${code.label ?? code.number}` : '';
}

/** The drawing of a code. @param {string} name */
export function symbol(name) {
  // What the counter names becomes part of an address.
  if (!/^[a-z]+$/.test(name)) return nothing;
  const address = new URL(`../symbols/${name}.svg#s`, import.meta.url).href;
  return html`<svg class="sym" aria-hidden="true"><use href=${address}></use></svg>`;
}

/** Where it is: received, making, ready. @param {number} at the step that is under way; 3: all are done */
export function steps(at) {
  const names = /** @type {const} */ (['pager.step.received', 'pager.step.making', 'pager.step.ready']);
  const step = (/** @type {MessageKey} */ name, /** @type {number} */ i) =>
    html`<li class=${i < at ? 'done' : i === at ? 'now' : ''} aria-current=${i === at ? 'step' : nothing}>
      ${i < at ? html`${icons.check()}<span class="vh">${t('pager.done')}</span>` : nothing}<span>${t(name)}</span>
    </li>`;
  return html`<ol class="steps">${names.map(step)}</ol>`;
}

/** How many lines are shown before the rest is folded. */
const LINES = 4;

/** What was ordered. @param {Known} model @param {boolean} [allDone] */
export function lines({ order, tested }, allDone = false) {
  const items = order.items ?? [];
  const ticked = new Set(order.marks?.ticked);
  const line = (/** @type {Item} */ item, /** @type {number} */ i) => itemLine(item, allDone || ticked.has(i));
  const all = items.length ? items.map(line) : [cups(order.amount, allDone)];
  const note = order.note ? html`<p class="note" dir="auto" lang=${langOf(order.note)}>${order.note}</p>` : nothing;
  // What this phone can do, or what is to be paid, takes their place.
  if (order.state === 'received' && (tested || order.unpaid)) {
    return html`<details class="more"><summary>${t('pager.lines', { count: order.amount })}</summary>
      <ul class="lines">${all}</ul>${note}</details>`;
  }
  const shown = all.length > LINES ? LINES - 1 : LINES;
  const folded = all.slice(shown);
  return html`<ul class="lines">${all.slice(0, shown)}</ul>
    ${folded.length
      ? html`<details class="more"><summary>${t('pager.more_lines', { count: folded.length })}</summary>
          <ul class="lines">${folded}</ul></details>`
      : nothing}
    ${note}`;
}

/** @param {Item} item @param {boolean} isDone */
function itemLine(item, isDone) {
  const options = item.option_titles?.map(word) ?? item.options?.map((option) => option.split('/').at(-1) ?? option) ?? [];
  const name = own(word(item.title) || item.item);
  return html`<li>
    <span class="grow">${rich('pager.line', { item: name, quantity: item.quantity ?? 1 })}
      ${options.length ? html`<small dir="auto" lang=${langOf(options.join(', '))}>${options.join(', ')}</small>` : nothing}
      ${item.note ? html`<small dir="auto" lang=${langOf(item.note)}>${item.note}</small>` : nothing}</span>
    ${isDone ? done() : nothing}
  </li>`;
}

/** A text that people wrote, within one of ours. @param {string} text */
export function own(text) {
  return html`<bdi lang=${langOf(text)}>${text}</bdi>`;
}

/** @param {number} count @param {boolean} isDone */
function cups(count, isDone) {
  return html`<li><span class="grow">${t('pager.cups', { count })}</span>${isDone ? done() : nothing}</li>`;
}

function done() {
  return html`${icons.check()}<span class="vh">${t('pager.done')}</span>`;
}

/** The way to the bell: once it was tried, what this phone can do. @param {Model} model @param {Taps} taps */
export function bell({ tested, abilities }, taps) {
  if (!tested) {
    return html`<section class="end"><div class="cta">
      <h2>${t('pager.bell.offer')}</h2>
      <p>${t('pager.bell.why')}</p>
      <button class="primary big" @click=${taps.test}>${icons.buzz()}${t('pager.bell.test')}</button>
    </div></section>`;
  }
  const isNoticed = canBeNoticed(abilities);
  return html`<section class="end"><div class="cta">
    <h2>${t(isNoticed ? 'pager.bell.will' : 'pager.bell.flash_only')}</h2>
    <ul class="caps">
      ${ability(icons.sound(), 'pager.sound', /** @type {const} */ (`pager.sound.${abilities.sound}`), abilities.sound)}
      ${ability(icons.flash(), 'pager.flash', 'pager.flash.works', 'works')}
      ${ability(icons.buzz(), 'pager.vibration', /** @type {const} */ (`pager.vibration.${abilities.vibration}`), abilities.vibration)}
      ${ability(icons.light(), 'pager.awake', /** @type {const} */ (`pager.awake.${abilities.awake}`), abilities.awake)}
      ${abilities.notification === 'ask'
        ? html`<li class="ask">${icons.notice()}<span>${t('pager.notice')}</span>
            <button class="quiet" @click=${taps.notices}>${t('pager.notice.ask')}</button></li>`
        : ability(icons.notice(), 'pager.notice', /** @type {const} */ (`pager.notice.${abilities.notification}`), abilities.notification)}
    </ul>
    <p class="limits">${t(isNoticed ? 'pager.bell.limits' : 'pager.bell.flash_limits')}</p>
    <button class="quiet big again" @click=${taps.test}>${t('pager.bell.again')}</button>
  </div></section>`;
}

/** @param {unknown} icon @param {MessageKey} name @param {MessageKey} what @param {string} is */
function ability(icon, name, what, is) {
  return html`<li class=${is === 'works' ? 'ok' : 'no'}>${icon}<span>${t(name)}</span><b>${t(what)}</b></li>`;
}

/** The same where other things come first. @param {Model} model @param {Taps} taps */
export function bellAgain(model, taps) {
  if (!model.tested) return bell(model, taps);
  const isNoticed = canBeNoticed(model.abilities);
  return html`<section class="end">
    <p class="row keep">${isNoticed ? icons.sound() : icons.flash()}<span>${t(isNoticed ? 'pager.bell.keep' : 'pager.bell.flash_keep')}</span></p>
    <button class="quiet big again" @click=${taps.test}>${icons.buzz()}${t('pager.bell.test_again')}</button>
  </section>`;
}

/** What became of the last tap, if that must be said. @param {Model} model */
export function asking({ asking }) {
  const said = asking === '' || asking === 'sending' ? nothing : t(`pager.asked.${asking}`);
  return html`<p class="asked" role="status">${said}</p>`;
}

/**
 * Taking the order back: one confirmation, in place. It stands with what was ordered, away from the buttons at the bottom
 * that are tapped again and again.
 * @param {Model} model @param {Taps} taps
 */
export function cancel(model, taps) {
  if (model.open !== 'cancel') {
    return html`<div class="cancel"><button id="cancel" @click=${() => taps.show('cancel')}>${t('pager.cancel')}</button></div>`;
  }
  return html`<div class="confirm" role="group" aria-labelledby="sure">
    <h2 id="sure" tabindex="-1">${t('pager.cancel.sure')}</h2>
    <div class="choice">
      <button class="quiet" @click=${taps.cancel} ?disabled=${model.asking === 'sending'}>${t('pager.cancel.yes')}</button>
      <button class="quiet" @click=${() => taps.show('')}>${t('pager.cancel.no')}</button>
    </div>
  </div>`;
}

/**
 * A message with elements where its `{name}`s are.
 * @param {MessageKey} key
 * @param {Record<string, unknown>} parts
 */
export function rich(key, parts) {
  return t(key)
    .split(/\{(\w+)\}/)
    .map((part, i) => (i % 2 ? parts[part] : part));
}
