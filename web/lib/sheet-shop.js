/** The sheets of opening and closing: what is left, how the day went, and what was left from before. */

import { html, nothing } from '../vendor/lit-html.js';
import { Guard } from './bar-guard.js';
import * as i18n from './i18n.js';
import { REASONS } from './reasons.js';
import { codeOf, failed, stateText } from './sheet-parts.js';
import { byAge, daySheet, entries, leftFromBefore, openOf } from './sheet-state.js';
import { fetchStaff } from './staff.js';

const { t } = i18n;

/**
 * @typedef {import('./orders.js').Order} Order
 * @typedef {import('./sheet-parts.js').Desk} Desk
 */

/** How long the ledger may take to count what has just happened before it is asked again. */
const AGAIN_MS = 3_000;

export class OpenClose {
  constructor() {
    this.guard = new Guard();
    /** What is being confirmed. @type {'' | 'closing' | 'opening'} */
    this.step = '';
    /** What stays sold out when the shop opens. @type {Set<string>} */
    this.kept = new Set();
    /** @type {import('./sheet-state.js').DaySheet | null} */
    this.day = null;
    this.askedAt = -Infinity;
  }

  /** @param {Desk} desk */
  title({ shop }) {
    const is = openOf(shop);
    const isOpen = is === 'open' || is === 'open_by_hours';
    // Another tablet was faster.
    if (this.step === (isOpen ? 'opening' : 'closing')) this.step = '';
    if (this.step === 'closing') return t('sheet.shop.close');
    if (this.step === 'opening') return t('sheet.shop.open');
    return t(`sheet.shop.title.${is}`);
  }

  opened() {
    this.step = '';
    this.kept.clear();
    this.day = null;
    this.askedAt = -Infinity;
  }

  /** @param {Desk} desk */
  body(desk) {
    const is = openOf(desk.shop);
    const isOpen = is === 'open' || is === 'open_by_hours';
    // The button in the same place means something else after each step.
    this.guard.means('next', `${is} ${this.step}`, performance.now());
    const hours = is === 'open' || is === 'closed' ? html`<button class="quiet" @click=${() => this.say(desk, null)}>${t('sheet.shop.by_hours')}</button>` : nothing;
    if (this.step === 'opening') return this.opening(desk);
    if (this.step === 'closing') return this.closing(desk);
    return html`<p class="what">${this.what(desk, is)}</p>
      ${failed(desk)}
      ${isOpen ? nothing : html`${this.dayOf(desk)}${left(desk)}`}
      <p class="what ways"><a href=${i18n.withLanguage('/sign-in')}>${t('access.pages')}</a>
        <button class="quiet" lang=${i18n.otherLanguage()} @click=${() => i18n.setLanguage(i18n.otherLanguage())}>${t('common.other_language')}</button></p>
      <div class="end">${hours}
        ${isOpen
          ? html`<button class="primary" @click=${() => this.next(desk, 'closing')}>${t('sheet.shop.close')}</button>`
          : html`<button class="primary" @click=${() => this.next(desk, 'opening')}>${t('sheet.shop.open')}</button>`}
      </div>`;
  }

  /** @param {Desk} desk @param {ReturnType<typeof openOf>} is */
  what({ bar, shop }, is) {
    const time = (/** @type {number} */ at) => i18n.time(at, bar.timeZone);
    if (is === 'open_by_hours') return shop?.closes_at ? t('sheet.shop.until', { time: time(shop.closes_at) }) : t('sheet.shop.always');
    if (is === 'closed_by_hours') return shop?.opens_at ? t('sheet.shop.opens', { time: time(shop.opens_at) }) : t('sheet.shop.closed.what');
    return t(is === 'open' ? 'sheet.shop.open.what' : 'sheet.shop.closed.what');
  }

  /** @param {Desk} desk */
  closing(desk) {
    return html`<p class="what">${t('sheet.shop.closing.what')}</p>
      ${failed(desk)}
      ${left(desk)}
      <div class="end"><button class="quiet" @click=${() => this.next(desk, '')}>${t('sheet.shop.not_yet')}</button>
        <button class="primary" @click=${() => this.say(desk, false)}>${t('sheet.shop.close_now')}</button></div>`;
  }

  /** @param {Desk} desk */
  opening(desk) {
    const { bar, shop } = desk;
    const sold = entries(bar.menu, new Set(shop?.sold_out), []).filter(({ isSoldOut }) => isSoldOut);
    const before = leftOf(desk);
    const open = bar.news.value?.orders.size ?? 0;
    const keep = (/** @type {string} */ id) => {
      if (!this.kept.delete(id)) this.kept.add(id);
      bar.show();
    };
    return html`${failed(desk)}
      ${before.length > 0 ? leftBefore(desk, before) : nothing}
      ${sold.length === 0
        ? html`<p class="what">${t('sheet.shop.opening.what')} ${before.length === 0 && open > 0 ? t('sheet.shop.opening.left', { count: open }) : nothing}</p>`
        : html`<h3>${t('sheet.shop.back')}</h3><p class="what">${t('sheet.shop.back.what')}</p>
            <ul>${sold.map(({ id, name, group }) => {
              const title = group ? `${i18n.word(group)}: ${i18n.word(name)}` : i18n.word(name);
              return html`<li><div class="row"><span class="grow"><b><span dir="auto">${title}</span></b>
                  <small>${t(this.kept.has(id) ? 'sheet.shop.back.stays' : 'sheet.shop.back.comes')}</small></span>
                <button class="sw" role="switch" aria-checked=${this.kept.has(id)} aria-label=${t('sheet.shop.back.keep', { item: title })} @click=${() => keep(id)}></button></div></li>`;
            })}</ul>`}
      <div class="end"><button class="quiet" @click=${() => this.next(desk, '')}>${t('sheet.shop.not_yet')}</button>
        <button class="primary" @click=${() => this.open(desk, sold.map(({ id }) => id))}>${t('sheet.shop.open_now')}</button></div>`;
  }

  /** @param {Desk} desk @param {'' | 'closing' | 'opening'} step */
  next({ bar }, step) {
    if (!this.guard.allows('next', performance.now())) return;
    this.step = step;
    bar.show();
  }

  /** @param {Desk} desk @param {string[]} soldOut */
  async open(desk, soldOut) {
    if (!(await this.say(desk, true))) return;
    // What is not kept is back: one after the other, and what fails is said and can be tried again.
    for (const id of soldOut.filter((id) => !this.kept.has(id))) {
      if (!(await desk.put(`/shop/sold-out/${id}`, { sold_out: false }))) return;
    }
  }

  /** @param {Desk} desk @param {boolean | null} open */
  async say(desk, open) {
    if (!this.guard.allows('next', performance.now())) return false;
    const isTaken = await desk.put('/shop/open', { open });
    if (isTaken) {
      this.askedAt = -Infinity;
      desk.bar.say(t(open === false ? 'sheet.shop.closed.said' : 'sheet.shop.open.said'));
      this.step = '';
    }
    return isTaken;
  }

  /** The day in numbers. @param {Desk} desk */
  dayOf({ bar }) {
    this.ask(bar);
    if (this.day === null) return nothing;
    const { orders, drinks, remakes, uncollected, cancelled, inside, promised, holds } = this.day;
    const line = (/** @type {i18n.MessageKey} */ key, /** @type {unknown} */ number) => html`<div><dt>${t(key)}</dt><dd>${number}</dd></div>`;
    return html`<h3>${t('sheet.day')}</h3><dl class="day-sheet">
        ${line('sheet.day.orders', orders)}${line('sheet.day.drinks', drinks)}${line('sheet.day.remakes', remakes)}
        ${line('sheet.day.uncollected', uncollected)}${line('sheet.day.cancelled', cancelled)}
        ${promised > 0 ? line('sheet.day.promise', t('sheet.day.of', { inside, promised })) : nothing}
      </dl>
      ${holds === undefined ? nothing : html`<p class=${holds ? 'what' : 'failed'}>${t(holds ? 'sheet.day.holds' : 'sheet.day.differs')}</p>`}`;
  }

  /** @param {import('./bar-plug.js').Bar} bar */
  async ask(bar) {
    const at = performance.now();
    if (at - this.askedAt < AGAIN_MS) return;
    this.askedAt = at;
    const answer = await fetchStaff('/ledger/day');
    if (answer.ok) this.day = daySheet(answer.body);
    bar.show();
  }
}

export const Before = {
  title: () => t('sheet.before'),

  /** @param {Desk} desk */
  body(desk) {
    const orders = leftOf(desk);
    return orders.length === 0 ? html`<p class="what">${t('sheet.before.none')}</p>` : leftBefore(desk, orders);
  },
};

/** Orders that were left from before, without those that are being cancelled. @param {Pick<Desk, 'bar'>} desk */
export function leftOf({ bar }) {
  const orders = leftFromBefore(bar.news.value?.orders.values() ?? [], bar.now(), (ms) => i18n.dayNumber(ms, bar.timeZone));
  return orders.filter(({ order_id: id }) => bar.taps.of(id).length === 0);
}

/** What was left from before, and one tap that closes all of it: no phone rings. @param {Desk} desk @param {Order[]} orders */
function leftBefore({ bar }, orders) {
  const reason = i18n.word(REASONS.before);
  const closeAll = () => {
    // A second tap may come before the first one is drawn: what is being closed is not closed again.
    const closed = orders.filter((order) => bar.taps.of(order.order_id).length === 0 && bar.tap(order, 'cancel', { reason }));
    if (closed.length === 0) return;
    bar.say(t('sheet.before.said', { count: closed.length }));
    bar.show();
  };
  return html`<h3>${t('sheet.before.count', { count: orders.length })}</h3><p class="what">${t('sheet.before.what')}</p>
    ${list({ bar }, orders)}
    <div class="end"><button class="primary" @click=${closeAll}>${t('sheet.before.close', { count: orders.length })}</button></div>`;
}

/** What is not finished. @param {Desk} desk */
function left(desk) {
  const orders = byAge([...(desk.bar.news.value?.orders.values() ?? [])]);
  if (orders.length === 0) return html`<p class="what">${t('sheet.shop.nothing_left')}</p>`;
  return html`<h3>${t('sheet.shop.left', { count: orders.length })}</h3>${list(desk, orders)}
    <p class="what"><button class="quiet" @click=${() => desk.go('orders')}>${t('sheet.shop.see_left')}</button></p>`;
}

/** So many are named; who wants to see more looks at the rail. */
const LISTED = 20;

/** @param {Pick<Desk, 'bar'>} desk @param {Order[]} orders */
function list({ bar }, orders) {
  return html`<ul>${orders.slice(0, LISTED).map((order) => html`<li><div class="row"><span class="grow">${codeOf(order)}<small>${stateText(bar, order)}</small></span></div></li>`)}
    ${orders.length > LISTED ? html`<li class="what">${t('sheet.and_more', { count: orders.length - LISTED })}</li>` : nothing}</ul>`;
}

