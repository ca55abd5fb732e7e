/** The head of the ledger, and the strip with which one moves through the day. */

import { html, nothing } from '../vendor/lit-html.js';
import * as i18n from './i18n.js';
import * as icons from './icons.js';
import { outline } from './ledger-chart.js';
import { marks, place } from './ledger-clock.js';
import { seconds } from './ledger-format.js';
import { ageText, dayText } from './ledger-model.js';

const { t } = i18n;

/**
 * @typedef {import('./ledger-model.js').Model} Model
 * @typedef {import('./ledger-model.js').Acts} Acts
 * @typedef {import('./ledger-clock.js').Span} Span
 */

/** Labels below the track; and how near its ends none stands, which have their own. */
const LABELS = 6;
const NEAR = 0.1;

/** @param {Model} model @param {Acts} acts */
export function header(model, acts) {
  const { shop, shown, news } = model;
  const day = shown?.day ? dayText(shown.day.date) : shown ? i18n.dayOfWeek(shown.at ?? shown.now, shop.timeZone) : '';
  const name = i18n.word(shop.name);
  return html`<header>
    <h1>${t('ledger.title')}</h1>
    <span class="muted grow" dir="auto">${name && day ? t('ledger.shop_day', { shop: name, day }) : name || day}</span>
    ${model.at === null || model.shown === null ? nothing : then(model, model.at, acts)}
    ${news.status === 'live' ? live(model) : news.value === null ? nothing : notLive(model, acts)}
    <button class="lang" lang=${i18n.otherLanguage()} @click=${acts.language}>${t('common.other_language')}</button>
  </header>`;
}

/** @param {Model} model */
function live({ news }) {
  return html`<span class="row"><span class="dot"></span>${t('ledger.live', { seconds: seconds(news.ageMs, i18n.language) })}</span>`;
}

/** @param {Model} model @param {Acts} acts */
function notLive({ news }, acts) {
  return html`<span class="row old">${icons.noSignal()}
    <span><b>${t('ledger.not_live', { age: ageText(news.ageMs) })}</b>
    <span class="then">${t(news.offline ? 'ledger.offline' : 'ledger.reconnecting')}</span></span>
    <button @click=${acts.tryNow}>${t('ledger.try_now')}</button></span>`;
}

/** @param {Model} model @param {Span} span @param {Acts} acts */
export function timeMachine(model, span, acts) {
  const { at, shop, whole } = model;
  const here = at ?? span.to;
  const line = outline((whole?.chart ?? []).map(({ at, open }) => ({ at, open })), span, { width: 1_000, height: 34 });
  const lookedAt = at === null ? i18n.time(span.to, shop.timeZone) : i18n.timeWithSeconds(at, shop.timeZone);
  return html`<section class="p time" aria-label=${t('ledger.time_machine')} aria-busy=${model.got === 'loading'}>
    <div class="at">${whenText(model, span)}</div>
    ${model.going ? goTo(model, model.going, acts) : html`
      <div class="track" @pointerdown=${acts.drag}>
        <svg viewBox="0 0 1000 34" preserveAspectRatio="none" aria-hidden="true"><polyline points=${line}/></svg>
        <div class="base"></div>
        ${labels(span, shop.timeZone).map(({ at, end }) => html`<span class="lab ${end}" .style=${`left:${place(at, span) * 100}%`}>${i18n.time(at, shop.timeZone)}</span>`)}
        <div class="hand" id="hand" role="slider" tabindex="0" aria-label=${t('ledger.slider')}
          aria-valuemin=${Math.round(span.from / 1_000)} aria-valuemax=${Math.round(span.to / 1_000)}
          aria-valuenow=${Math.round(here / 1_000)} aria-valuetext=${lookedAt}
          .style=${`left:${place(here, span) * 100}%`} @keydown=${acts.key}></div>
      </div>
      <div class="way">${button(model, acts)}</div>`}
  </section>`;
}

/** @param {Model} model @param {Span} span */
function whenText({ at, news, shop, now, got }, span) {
  if (at === null) {
    const isLive = news.status === 'live';
    const time = i18n.time(isLive ? span.to : (news.value?.as_of ?? span.to), shop.timeZone);
    return html`<span class="muted">${t(isLive ? 'ledger.looking_at' : 'ledger.last_heard')}</span>
      <b>${isLive ? t('ledger.now', { time }) : time}</b>`;
  }
  const day = i18n.day(at, now, shop.timeZone);
  const isToday = day === i18n.day(now, now, shop.timeZone);
  return html`<span class="muted">${got === 'loading' ? t('ledger.loading_then') : isToday ? t('ledger.as_it_was') : t('ledger.as_it_was_on', { day })}</span>
    <b>${i18n.timeWithSeconds(at, shop.timeZone)}</b>`;
}

/** The way to another minute, or back: in the same place, so that nothing moves under the hand. @param {Model} model @param {Acts} acts */
function button({ at, now, shop }, acts) {
  return at === null
    ? html`<button class="quiet" id="go" @click=${acts.go}>${t('ledger.go')}</button>`
    : html`<button class="primary" @click=${() => acts.look(null)}>${t('ledger.back', { time: i18n.time(now, shop.timeZone) })}</button>`;
}

/** What else can be looked at as it was. @param {Model} model @param {number} at @param {Acts} acts */
function then({ going }, at, acts) {
  return html`<nav class="then" aria-label=${t('ledger.as_it_was')}>
    ${going ? nothing : html`<button id="go" @click=${acts.go}>${t('ledger.go')}</button>`}
    <a class="button" href=${i18n.withLanguage(`/board?at=${at}`)}>${t('ledger.board_then')}</a>
    <a class="button" href=${i18n.withLanguage(`/bar?at=${at}`)}>${t('ledger.bar_then')}</a>
  </nav>`;
}

/** @param {Model} model @param {NonNullable<Model['going']>} going @param {Acts} acts */
function goTo({ days, shown, shop, now }, going, acts) {
  const dates = days.some(({ date }) => date === going.date) ? days : [{ date: going.date, from: shown?.day?.from ?? now }, ...days];
  const day = days.find(({ date }) => date === going.date) ?? shown?.day ?? { from: now, to: now };
  const wrong = {
    '': nothing,
    wrong: t('ledger.go_wrong'),
    outside: t('ledger.go_outside', { from: i18n.time(day.from, shop.timeZone), to: i18n.time(Math.min(day.to, now), shop.timeZone) }),
  };
  return html`<form class="go" novalidate @submit=${acts.went} @keydown=${(/** @type {KeyboardEvent} */ event) => event.key === 'Escape' && acts.stay()}>
    <label>${t('ledger.go_day')} <select name="date">${dates.map(
      ({ date }) => html`<option value=${date} ?selected=${date === going.date}>${dayText(date)}</option>`,
    )}</select></label>
    <label>${t('ledger.go_time')} <input name="time" id="minute" autocomplete="off" inputmode="numeric" maxlength="8"
      .value=${going.typed} aria-invalid=${going.wrong !== ''} aria-describedby="go-wrong"></label>
    <button class="primary">${t('ledger.go_now')}</button>
    <button type="button" class="quiet" @click=${acts.stay}>${t('ledger.go_cancel')}</button>
    <p id="go-wrong" role="status">${wrong[going.wrong]}</p>
  </form>`;
}

/** Both ends, and round times between them that leave those room. @param {Span} span @param {string} [timeZone] */
function labels(span, timeZone) {
  const between = marks(span, LABELS, timeZone).filter((at) => place(at, span) > NEAR && place(at, span) < 1 - NEAR);
  return [{ at: span.from, end: 'first' }, ...between.map((at) => ({ at, end: '' })), { at: span.to, end: 'last' }];
}
