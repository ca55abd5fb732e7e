/** The pager as HTML: each screen from what is known. Nothing here decides anything. */

import { html, nothing } from '../vendor/lit-html.js';
import * as i18n from './i18n.js';
import * as icons from './icons.js';
import {
  asking, bell, bellAgain, called, cancel, code, footer, header, lines, own, rich, steps, symbol,
} from './pager-parts.js';
import { inMinutes, isBarTold, isUndecided, progress, promise } from './pager-screen.js';
import { reasonText } from './reasons.js';

const { t } = i18n;

/**
 * @typedef {import('./pager-screen.js').Order} Order
 * @typedef {import('./pager-screen.js').Screen} Screen
 * @typedef {import('./pager-parts.js').Model} Model
 * @typedef {import('./pager-parts.js').Known} Known
 * @typedef {import('./pager-parts.js').Taps} Taps
 */

/** @param {Model} model @param {Taps} taps */
export function view(model, taps) {
  // The call has the phone to itself.
  if (model.screen === 'ready') return inside(model, taps);
  return html`${header(model, taps)}
    <main class="v ${model.screen}" aria-busy=${model.screen === 'loading'}>${inside(model, taps)}</main>
    ${footer()}`;
}

/** @param {Model} model @param {Taps} taps */
function inside(model, taps) {
  const { screen, order } = model;
  if (screen in WITHOUT_ORDER) return WITHOUT_ORDER[/** @type {keyof typeof WITHOUT_ORDER} */ (screen)](model, taps);
  // What shows an order is shown only where there is one.
  const known = order === null ? null : { ...model, order };
  return known && OF_ORDER[/** @type {keyof typeof OF_ORDER} */ (screen)](known, taps);
}

const WITHOUT_ORDER = { loading, starting: loading, catching_up: loading, unknown, forgotten };
/** @satisfies {Record<Exclude<Screen, keyof typeof WITHOUT_ORDER>, (model: Known, taps: Taps) => unknown>} */
const OF_ORDER = {
  lost, undecided, unpaid, received, making, recalled, ready, coming, collected, uncollected, cancelled,
};

// Before there is an order to show.

/** @param {Model} model */
function loading({ screen, slow }) {
  // Lines where text will be; what takes long is said.
  const says = screen === 'catching_up' ? 'pager.catching_up' : screen === 'starting' ? 'pager.starting' : 'common.loading';
  return html`<h1 class="vh">${t('pager.title')}</h1><div class="bones" aria-hidden="true"><i></i><i></i><i></i><i></i></div>
    <p class="lead muted" role="status">${slow || screen !== 'loading' ? t(says) : nothing}</p>`;
}

/** @param {Model} model @param {Taps} taps */
function unknown(model, taps) {
  const { order } = model;
  // It was there: then it is not the link, and whoever waits for it has a code to show.
  if (order !== null) {
    return html`${code({ ...model, order })}
      <div class="alone"><h2 class="state" tabindex="-1">${t('pager.vanished')}</h2><p class="lead">${t('pager.vanished.why')}</p></div>
      <div class="end"><button class="quiet big" @click=${taps.tryNow}>${t('pager.try_now')}</button></div>`;
  }
  return html`<div class="alone"><h1 class="state">${t('pager.unknown')}</h1><p class="lead">${t('pager.unknown.why')}</p></div>
    <div class="end two"><a class="button primary big" href=${i18n.withLanguage('/')}>${t('pager.order')}</a>
    <button class="big plain" @click=${taps.tryNow}>${t('pager.try_now')}</button></div>`;
}

function forgotten() {
  return html`<div class="alone"><h1 class="state">${t('pager.forgotten')}</h1><p class="lead">${t('pager.forgotten.why')}</p></div>
    <div class="end"><a class="button primary big" href=${i18n.withLanguage('/')}>${t('pager.order')}</a></div>`;
}

// While it is waited for.

/** @param {Known} model @param {Taps} taps */
function undecided(model, taps) {
  const why = isUndecided(model.order) ? 'pager.undecided.nobody' : 'pager.undecided.why';
  return html`${code(model)}<div class="code none" aria-hidden="true"><i></i></div>
    ${steps(0)}<h2 class="state" tabindex="-1">${t('pager.undecided')}</h2><p class="lead muted">${t(why)}</p>
    ${lines(model)}${cancel(model, taps)}${asking(model)}${bell(model, taps)}`;
}

/** @param {Known} model @param {Taps} taps */
function unpaid(model, taps) {
  const { order, shop } = model;
  const until = order.due_at ? t('pager.unpaid.until', { time: i18n.time(order.due_at, shop.timeZone) }) : '';
  return html`${code(model)}
    <div class="sorry"><h2 class="state" tabindex="-1">${t('pager.unpaid')}</h2><p class="lead">${t('pager.unpaid.why')}</p></div>
    ${order.total !== undefined && order.currency
      ? html`<div class="fact"><p class="muted">${t('pager.total')}</p>
          <p class="amount">${i18n.price(order.total, order.currency)}</p><p class="muted">${until}</p></div>`
      : html`<p class="lead muted">${until}</p>`}
    ${lines(model)}${cancel(model, taps)}${asking(model)}${bell(model, taps)}`;
}

/** @param {Known} model @param {Taps} taps */
function received(model, taps) {
  const { order, shop, now } = model;
  const soon = promise(order, now);
  return html`${code(model)}${steps(0)}
    <h2 class="state" tabindex="-1">${soon ? readyAt(soon, shop.timeZone) : t('pager.received')}</h2>
    <p class="lead muted">
      ${isUndecided(order) ? t('pager.nobody') : html`${soon ? html`${i18n.minutes(soon.minutes.from, soon.minutes.to)} · ` : nothing}${ahead(order)}`}
    </p>
    ${lines(model)}${cancel(model, taps)}${asking(model)}${bell(model, taps)}`;
}

/** @param {import('./pager-screen.js').Range} range @param {string} [timeZone] */
function readyAt({ from, to }, timeZone) {
  const [first, last] = [i18n.time(from, timeZone), i18n.time(to, timeZone)];
  const times = html`<span class="times">${first === last ? first : t('pager.range', { from: first, to: last })}</span>`;
  return rich('pager.ready_at_about', { times });
}

/** @param {Order} order */
function ahead({ queue }) {
  if (!queue) return '';
  if (queue.ahead === 0) return t('pager.next');
  return t(queue.more ? 'pager.ahead_more' : 'pager.ahead', { count: queue.ahead });
}

/** @param {Known} model @param {Taps} taps */
function making(model, taps) {
  return html`${code(model)}${steps(1)}
    <h2 class="state" tabindex="-1">${beingMade(model)}</h2>
    <p class="lead muted">${isUndecided(model.order) ? t('pager.nobody') : drinksDone(model.order)}</p>
    ${lines(model)}${asking(model)}${bellAgain(model, taps)}`;
}

/** @param {Known} model */
function beingMade({ order, now }) {
  const soon = promise(order, now);
  if (!soon) return t('pager.making');
  // What should be there already is promised no minute.
  if (soon.to <= now) return t('pager.making.soon');
  return t('pager.making.about', { minutes: i18n.minutes(soon.minutes.from, soon.minutes.to) });
}

/** @param {Order} order */
function drinksDone(order) {
  const { done, of } = progress(order);
  return hasBegun(order) ? t('pager.drinks_done', { done, of }) : nothing;
}

/** Whether some of several drinks are done. Where nobody ticks them off, as in auto mode, "0 of 2" would stand to the end. @param {Order} order */
function hasBegun(order) {
  const { done, of } = progress(order);
  return order.items !== undefined && of > 1 && done > 0;
}

/** @param {Known} model @param {Taps} taps */
function recalled(model, taps) {
  const { order, shop, now } = model;
  const soon = promise(order, now);
  const isNext = order.queue?.ahead === 0;
  return html`${code(model)}
    <div class="sorry"><h2 class="state" tabindex="-1">${t('pager.recalled')}</h2>
      <p class="lead">${t('pager.recalled.leave')}</p>${reason(order)}</div>
    <div class="fact"><p class="muted">${t('pager.recalled.time')}</p>
      <p class="amount">${soon ? newTime(soon, now, shop.timeZone) : t('pager.recalled.no_time')}</p>
      <p class="muted">${isUndecided(order) ? t('pager.nobody') : html`${isNext ? `${t('pager.recalled.first')} ` : nothing}${t('pager.recalled.again')}`}</p></div>
    ${asking(model)}${bellAgain(model, taps)}`;
}

/** @param {NonNullable<ReturnType<typeof promise>>} soon @param {number} now @param {string} [timeZone] */
function newTime({ to, minutes }, now, timeZone) {
  if (to <= now) return t('pager.recalled.soon');
  return t('pager.recalled.by', { minutes: i18n.minutes(minutes.to, minutes.to), time: i18n.time(to, timeZone) });
}

/** What the bar says: in its own words, or one that it had ready. @param {Order} order */
function reason(order) {
  const reason = order.marks?.reason;
  return reason ? html`<p class="lead">${rich('pager.reason', { reason: own(reasonText(reason, i18n.word)) })}</p>` : nothing;
}

/** @param {Known} model @param {Taps} taps */
function lost(model, taps) {
  const { order, ageMs, offline, shop } = model;
  const seconds = Math.max(1, Math.round(ageMs / 1_000));
  const age = seconds < 120 ? t('pager.lost.seconds', { count: seconds }) : t('pager.lost.minutes', { count: Math.floor(seconds / 60) });
  const time = i18n.timeWithSeconds(order.as_of, shop.timeZone);
  return html`<div class="band">${icons.noSignal()}<div><h2 class="state" tabindex="-1">${t('pager.lost')}</h2>
      <p>${age} ${t(offline ? 'pager.lost.offline' : 'pager.lost.reconnecting')}</p></div></div>
    <div class="still">${code(model)}</div>
    <div class="stale">${t('pager.lost.when', { time })}<b>${lastHeard(order)}</b></div>
    <p class="lead muted">${t(order.state === 'ready' ? 'pager.lost.ready' : 'pager.lost.safe')}</p>
    ${asking(model)}
    <div class="end two">
      ${order.state === 'ready' && !model.answered
        ? html`<button class="primary big" @click=${taps.acknowledge}>${t('pager.acknowledge')}</button>` : nothing}
      <button class="quiet big" @click=${taps.tryNow}>${t('pager.try_now')}</button>
    </div>`;
}

/** @param {Order} order */
function lastHeard(order) {
  if (order.state === 'ready') return t('pager.ready');
  if (order.unpaid) return t('pager.unpaid');
  if (order.state === 'received') return t('pager.lost.received');
  const { done, of } = progress(order);
  return hasBegun(order) ? t('pager.lost.making_done', { done, of }) : t('pager.making');
}

// Ready, and after that.

/** @param {Known} model @param {Taps} taps */
function ready(model, taps) {
  const { order, shop, now, flashing } = model;
  const time = i18n.time(order.ready_at ?? order.changed_at, shop.timeZone);
  return html`<main class="v ready ${flashing ? 'beat' : ''}">
    <div class="call" role="alertdialog" aria-label=${t('pager.title')} tabindex="-1">
      <h1 class="state">${t('pager.ready')}</h1>
      <p class="where">${t(isBarTold(order, now) ? 'pager.ready.told' : 'pager.ready.where')}</p>
      ${order.code
        ? html`<h2 class="giant">${symbol(order.code.symbol)}
            <span class="w">${order.code.words[i18n.language].toUpperCase()}</span>
            <span class="n">${order.code.label ?? order.code.number}</span></h2>`
        : html`<div class="giant">${icons.check()}</div>`}
      <div class="end">
        <p class="alt">${order.code ? rich('pager.ready.alt', { time, code: called(order) }) : t('pager.ready.at', { time })}</p>
        <button class="big" @click=${taps.acknowledge}>${t('pager.acknowledge')}</button>
      </div>
    </div>
  </main>`;
}

/** @param {Known} model @param {Taps} taps */
function coming(model, taps) {
  const { order, shop } = model;
  const isMissing = Boolean(order.marks?.missing_at);
  const time = i18n.time(order.ready_at ?? order.changed_at, shop.timeZone);
  const isKnown = isMissing || Boolean(order.marks?.acknowledged_at);
  const says = isMissing ? 'pager.missing' : isKnown ? 'pager.coming' : 'pager.coming.sending';
  const why = isMissing ? t('pager.missing.why') : t('pager.coming.why', { time });
  return html`${code(model, 'pager.match')}${steps(3)}
    <h2 class="state" tabindex="-1">${t(says)}</h2><p class="lead muted">${why}</p>
    ${lines(model, true)}${asking(model)}
    <div class="end two">
      <button class="primary big" @click=${taps.collect} ?disabled=${model.asking === 'sending'}>${t('pager.collect')}</button>
      ${isMissing ? nothing : html`<button class="big plain" @click=${taps.missing} ?disabled=${model.asking === 'sending'}>${t('pager.missing.tell')}</button>`}
    </div>`;
}

/** @param {Known} model @param {Taps} taps */
function collected(model, taps) {
  const { order, shop } = model;
  const time = i18n.time(order.finished_at ?? order.changed_at, shop.timeZone);
  return html`${code(model)}${steps(3)}
    <h2 class="state" tabindex="-1">${t('pager.collected', { time })}</h2><p class="lead muted">${madeIn(order, shop.timeZone)}</p>
    ${lines(model, true)}
    ${model.open === 'not_me' ? html`<div class="fact" role="status"><p class="lead">${t('pager.not_me.what')}</p></div>` : nothing}
    <div class="end two"><a class="button quiet big" href=${i18n.withLanguage('/')}>${t('pager.again')}</a>
      ${model.open === 'not_me' ? nothing : html`<button class="big plain" @click=${() => taps.show('not_me')}>${t('pager.not_me')}</button>`}</div>`;
}

/** How long it took, and what was said before. @param {Order} order @param {string} [timeZone] */
function madeIn(order, timeZone) {
  const { ready_at, received_at, promised } = order;
  if (!ready_at) return nothing;
  // Where it was paid first, nobody waited for the bar until then: the clock tells more than the minutes.
  if (order.paid) return t('pager.ready.at', { time: i18n.time(ready_at, timeZone) });
  const { from: count } = inMinutes({ from: ready_at, to: ready_at }, received_at);
  if (!promised) return t('pager.made_in', { minutes: i18n.minutes(count, count) });
  const { from, to } = inMinutes(promised, received_at);
  return t(from === to ? 'pager.made_in_one' : 'pager.made_in_promised', { minutes: i18n.minutes(count, count), from, to });
}

/** @param {Known} model */
function uncollected(model) {
  const { order, shop } = model;
  const time = i18n.time(order.ready_at ?? order.changed_at, shop.timeZone);
  return html`${code(model)}
    <div class="alone"><h2 class="state" tabindex="-1">${t('pager.uncollected')}</h2><p class="lead">${t('pager.uncollected.why', { time })}</p></div>
    <div class="fact"><p class="lead">${t('pager.uncollected.what')}</p></div>
    <div class="end"><a class="button quiet big" href=${i18n.withLanguage('/')}>${t('pager.again')}</a></div>`;
}

/** @param {Known} model */
function cancelled(model) {
  const { order, shop } = model;
  const time = i18n.time(order.finished_at ?? order.changed_at, shop.timeZone);
  const reason = order.marks?.reason;
  return html`${code(model)}
    <div class="alone"><h2 class="state" tabindex="-1">${t('pager.cancelled')}</h2>
      ${reason
        ? html`<p class="lead">${rich('pager.reason_at', { reason: own(reasonText(reason, i18n.word)), time })}</p>`
        : html`<p class="lead">${t('pager.cancelled.at', { time })}</p>`}</div>
    <div class="fact">${order.paid
      ? html`<p class="strong">${t('pager.refund')}</p><p class="muted">${t('pager.refund.how')}</p>`
      : html`<p class="strong">${t('pager.nothing_to_pay')}</p><p class="muted">${t('pager.refund.if')}</p>`}</div>
    <div class="end"><a class="button primary big" href=${i18n.withLanguage('/')}>${t('pager.else')}</a></div>`;
}
