/** The code of one order, over the whole screen: what the customer scans, and what staff can still do with it. */

import { html, nothing } from '../vendor/lit-html.js';
import en from '../messages/staff-en.js';
import ko from '../messages/staff-ko.js';
import { language, t, time, word } from './i18n.js';
import { check } from './icons.js';
import { codeText, symbol } from './pager-parts.js';
import { printerNotice } from './printer-state.js';
import { awaitsPayment } from './sheet-state.js';
import { saleText } from './till-kept.js';
import { offline } from './till-view.js';
import { toPay } from './to-pay.js';

/** @typedef {import('./till-view.js').Page} Page */
/** @typedef {import('./till-view.js').Address} Address */
/** @typedef {import('./orders.js').Order} Order */
/** @typedef {import('../till.js').Actions} Actions */

/**
 * The order that is shown, if it is known yet.
 * @param {Page} page
 */
export function shownOrder({ news, recent, showing }) {
  return news.value?.orders.get(showing) ?? recent.find((order) => order.order_id === showing);
}

/** @param {Page} page @param {Actions} on */
export function codeScreen(page, on) {
  const order = page.showing ? shownOrder(page) : undefined;
  return html`
    ${offline(page, on)}
    <main class="show" aria-labelledby="code">
      <section class="say">
        ${page.showing ? made(page, order) : making(page)}
        ${buttons(page, order, on)}
      </section>
      ${page.showing ? scan(page, order, on) : nothing}
    </main>
    <p class="vh" role="status">${page.said}</p>`;
}

/** Both languages, the one of this page first: customers read it. @param {'till.scan' | 'till.listen' | 'till.wifi_first'} key */
function both(key) {
  const languages = language === 'ko' ? /** @type {const} */ (['ko', 'en']) : /** @type {const} */ (['en', 'ko']);
  const texts = { en: en[key], ko: ko[key] };
  return languages.map((one) => html`<span lang=${one}>${texts[one]}</span>`);
}

/** @param {Page} page @param {Order | undefined} order */
function made(page, order) {
  const going = page.going;
  const what = order ?? (going.is === 'made' ? { amount: going.sale.what.cups, ref: going.sale.what.ref } : undefined);
  const other = language === 'ko' ? 'en' : 'ko';
  return html`
    ${what?.ref ? html`<p class="ticket" dir="auto"><span class="vh">${t('till.ref')}</span>${what.ref}</p>` : nothing}
    ${order?.code ? html`
      <h1 id="code" tabindex="-1" class="code">${symbol(order.code.symbol)}<span>${codeText(order, language)}</span></h1>
      <p class="other" lang=${other}>${codeText(order, other)}</p>`
    : html`
      <h1 id="code" tabindex="-1" class="code none"><span class="bone wide"></span><span class="vh">${t('till.code_comes')}</span></h1>
      <p class="muted">${page.news.value?.no_barista ? t('till.nobody_decides') : page.slow ? t('till.code_comes') : ''}</p>`}
    ${what ? html`<p class="muted">${drinks(order) || t('till.cups_of', { count: what.amount })}${order ? html` · ${time(order.received_at, page.menu?.shop.time_zone)}` : nothing}</p>` : nothing}
    ${state(page, order)}`;
}

/** @param {Order | undefined} order */
function drinks(order) {
  const items = order?.items ?? [];
  return items.map((item) => `${item.quantity}× ${word(item.title) || item.item}`).join(', ');
}

/** Where it is, and whether the customer has it on a phone. @param {Page} page @param {Order | undefined} order */
function state(page, order) {
  if (!order) return nothing;
  const presence = order.marks?.presence;
  const isOnPhone = presence === 'listening' || presence === 'hidden' || order.marks?.tested_at !== undefined;
  const isWaiting = order.state === 'received' || order.state === 'making';
  return html`<p class="phone ${isOnPhone && isWaiting ? 'on' : ''}" role="status">
    ${awaitsPayment(order) ? toPay(order)
      : !isWaiting ? t(`till.is_${order.state}`)
      : isOnPhone ? html`${check()}${t('till.on_phone')}`
      : typeof page.address === 'object' ? t('till.not_on_phone') : t('till.call_it')}
  </p>`;
}

/** What is scanned, or why nothing is. @param {Page} page @param {Order | undefined} order @param {Actions} on */
function scan(page, order, on) {
  const { address } = page;
  const isOver = order && ['collected', 'cancelled', 'uncollected'].includes(order.state);
  if (isOver) return nothing;
  if (address === 'nowhere') {
    return html`<section class="scan none"><p class="how">${both('till.listen')}</p><p class="muted">${t('till.nowhere')}</p></section>`;
  }
  if (page.qrFailed || address === 'lost') {
    return html`<section class="scan none"><p class="how">${both('till.listen')}</p>
      <p class="muted">${t('till.qr_failed')}</p><button class="quiet" @click=${on.drawAgain}>${t('table.again')}</button></section>`;
  }
  return html`<section class="scan">
    <div class="paper">${page.qr ? html`<img src=${page.qr} alt=${t('till.qr')} />` : nothing}</div>
    <p class="how">${both('till.scan')}</p>
    ${/** @type {Address} */ (address).reach === 'network' ? html`<p class="how small">${both('till.wifi_first')}</p>` : nothing}
  </section>`;
}

/** While there is no order yet. @param {Page} page */
function making(page) {
  const { going } = page;
  if (going.is === 'none' || going.is === 'made') return nothing;
  const head = (/** @type {string} */ text) => html`<h1 id="code" tabindex="-1">${text}</h1>`;
  const about = html`<p class="muted" dir="auto">${saleText(page, going.sale)}</p>`;
  const tell = (/** @type {string} */ text) => html`<p class="notice" role="alert">${text}</p>`;
  switch (going.is) {
    case 'sending':
      return html`<h1 id="code" tabindex="-1" class="code none"><span class="bone wide"></span><span class="vh">${t('till.sending')}</span></h1>
        ${about}<p class="muted">${page.slow ? t('till.sending') : ''}</p>`;
    case 'waiting':
      return html`${head(t('till.waiting'))}${about}${tell(`${t(`till.waiting_${going.why}`)} ${page.fleeting ? t('till.fleeting') : ''}`)}`;
    case 'asks':
      return html`${head(t('till.asks'))}${about}${tell(going.age === 'forgotten' ? t('till.asks_forgotten')
        : t('till.asks_why', { time: time(going.sale.at, page.menu?.shop.time_zone) }))}`;
    case 'failed':
      return html`${head(t('till.failed'))}${about}
        ${tell(going.why === 'refused' ? t('till.refused') : t(`till.failed_${going.why}`))}
        ${going.why === 'refused' && going.detail ? html`<p lang="en">${going.detail}</p>` : nothing}`;
  }
}

/** Another try, where one is worth it. @param {Page} page @param {Actions} on */
function again({ going }, on) {
  const canBe = going.is === 'waiting' || going.is === 'asks' || (going.is === 'failed' && going.why === 'not_written');
  if (!canBe) return nothing;
  if (going.is === 'waiting' && going.why === 'signed_out') return html`<button class="primary" @click=${on.signIn}>${t('access.sign_in')}</button>`;
  const isTried = going.is === 'waiting' && going.tried === true;
  return html`<button class=${going.is === 'asks' && going.age === 'old' ? 'primary' : 'quiet'} aria-disabled=${isTried ? 'true' : nothing} @click=${on.retry}>${t(going.is === 'asks' ? 'till.send_it' : 'till.try_now')}</button>`;
}

/** @param {Page} page @param {Order | undefined} order @param {Actions} on */
function buttons(page, order, on) {
  const printer = page.news.value?.printer;
  const { going } = page;
  const isMade = page.showing !== '';
  const canTakeBack = order && (order.state === 'received' || order.state === 'making');
  const isOpen = going.is === 'sending' || going.is === 'waiting' || going.is === 'asks';
  // What is best done next: the next one while this one waits, and where this one had better not be sent.
  const isNext = (going.is === 'waiting' && going.why !== 'signed_out') || (going.is === 'asks' && going.age === 'forgotten');
  return html`
    ${printerNotice(printer)}
    ${page.asking ? html`<p class=${page.refused ? 'notice' : 'told'} role="status">${page.asking}</p>` : nothing}
    <div class="acts">
      ${isMade || going.is === 'waiting' || isNext ? nothing : again(page, on)}
      ${order && awaitsPayment(order) ? html`<button class="primary paid" aria-disabled=${page.busy ? 'true' : nothing} @click=${on.paid}>${t('sheet.paid')}</button>` : nothing}
      ${isMade || going.is === 'failed'
        ? html`<button class=${order && awaitsPayment(order) ? 'quiet done' : 'primary done'} @click=${on.done}>${t('till.done')}</button>`
        : isOpen ? html`<button class=${isNext ? 'primary done' : 'quiet done'} @click=${on.next}>${t('till.next')}</button>
          ${going.is === 'waiting' || isNext ? again(page, on) : nothing}
          <button class="link" @click=${on.giveUp}>${t('till.give_up')}</button>` : nothing}
      ${isMade && printer ? html`
        <button class="quiet" aria-disabled=${page.busy ? 'true' : nothing} @click=${() => on.print('slip')}>${t('till.print_slip')}</button>
        <button class="quiet" aria-disabled=${page.busy ? 'true' : nothing} @click=${() => on.print('ticket')}>${t('till.print_ticket')}</button>` : nothing}
      ${!canTakeBack ? nothing : page.sure ? html`
        <div class="row sure" role="group" aria-label=${t('till.take_back_sure')}>
          <span class="grow">${t('till.take_back_sure')}</span>
          <button class="quiet" @click=${on.keep}>${t('till.take_back_no')}</button>
          <button class="quiet" aria-disabled=${page.busy ? 'true' : nothing} @click=${on.cancel}>${t('till.take_back_yes')}</button>
        </div>`
      : html`<button class="link" @click=${on.takeBack}>${t('till.take_back')}</button>`}
    </div>`;
}
