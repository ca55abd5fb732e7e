/** What the bar's sheets are made of. */

import { html, nothing } from '../vendor/lit-html.js';
import * as ticketOf from './bar-ticket.js';
import { Guard } from './bar-guard.js';
import * as i18n from './i18n.js';
import { printable } from './cart.js';
import * as icons from './icons.js';
import { calledText, codeText, symbol } from './pager-parts.js';
import { isRemake } from './pager-screen.js';
import { REASONS, reasonText } from './reasons.js';

const { t } = i18n;

/**
 * @typedef {import('./orders.js').Order} Order
 * @typedef {import('./bar-plug.js').Bar} Bar
 * @typedef {import('./i18n.js').MessageKey} MessageKey
 */

/**
 * What sheets share while one is open.
 * @typedef {object} Desk
 * @property {Bar} bar
 * @property {any} shop as it is now, or as the last answer had it if that is newer
 * @property {(path: string, body: unknown) => Promise<boolean>} put says something of the shop; whether the line took it
 * @property {(path: string) => boolean} isSending
 * @property {Failure | null} failure of what was said last
 * @property {() => void} close
 * @property {(name: string) => void} go opens another one in place of this
 * @property {Reasons} reasons
 */

/** What was not taken. @typedef {{path: string, body: unknown, why: 'offline' | 'signed_out' | 'refused', code: string}} Failure */

/**
 * One sheet.
 * @typedef {object} Sheet
 * @property {(desk: Desk) => string} title
 * @property {(desk: Desk) => void} [opened]
 * @property {(desk: Desk) => unknown} body
 */

/** Reasons that are one tap; any other can be typed. */
const READY_MADE = /** @type {const} */ ({
  recall: ['milk', 'drink', 'size', 'spilled', 'missing'],
  cancel: ['sold_out', 'customer', 'mistake', 'closing'],
});
/** As the line takes it. */
const REASON_CHARS = 200;

/** Of which order a reason is being asked for, and for what. */
export class Reasons {
  constructor() {
    this.guard = new Guard();
    /** @type {{id: string, command: 'recall' | 'cancel'} | null} */
    this.asks = null;
  }

  /** @param {string} id @param {'recall' | 'cancel'} command */
  isAsking(id, command) {
    return this.asks?.id === id && this.asks.command === command;
  }

  /** @param {string} id @param {'recall' | 'cancel'} command */
  toggle(id, command) {
    this.asks = this.isAsking(id, command) ? null : { id, command };
    // What has just come under the finger is not meant yet.
    this.guard.moved('reason', performance.now());
  }

  stop() {
    this.asks = null;
  }

  allows() {
    return this.guard.allows('reason', performance.now());
  }
}

/**
 * The button that asks for a reason.
 * @param {Desk} desk @param {Order} order @param {'recall' | 'cancel'} command
 */
export function asks({ bar, reasons }, order, command) {
  const isOpen = reasons.isAsking(order.order_id, command);
  const act = () => {
    reasons.toggle(order.order_id, command);
    bar.show();
  };
  return html`<button class="quiet" aria-expanded=${isOpen} @click=${act}>
    ${t(`sheet.${command}`)}<span class="vh"> ${called(order)}</span></button>`;
}

/**
 * The reasons, where they are asked for: one tap each, another one to type, or none.
 * @param {Desk} desk @param {Order} order @param {'recall' | 'cancel'} command
 */
export function reasonsFor({ bar, reasons }, order, command) {
  if (!reasons.isAsking(order.order_id, command)) return nothing;
  const send = (/** @type {string} */ reason) => {
    // A second tap may come before the first one is drawn.
    if (!reasons.allows() || !reasons.isAsking(order.order_id, command)) return;
    if (!bar.tap(order, command, reason === '' ? {} : { reason })) return;
    reasons.stop();
    bar.say(t(`sheet.${command}.said`, { code: called(order) }));
    bar.show();
  };
  const submit = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const field = /** @type {HTMLInputElement} */ (/** @type {HTMLFormElement} */ (event.currentTarget).elements.namedItem('reason'));
    send(printable(field.value));
  };
  return html`<div class="why" role="group" aria-label=${t('sheet.why', { code: called(order) })}>
    <p>${t(`sheet.${command}.why`)}</p>
    <div class="chips">${READY_MADE[command].map((name) => {
      const text = i18n.word(REASONS[name]);
      return html`<button class="quiet" @click=${() => send(text)}>${text}</button>`;
    })}</div>
    <form @submit=${submit}>
      <input name="reason" maxlength=${REASON_CHARS} autocomplete="off" aria-label=${t('sheet.reason.other')} placeholder=${t('sheet.reason.other')}>
      <button class="quiet">${t(`sheet.${command}`)}</button>
    </form>
  </div>`;
}

/** A code as a row's heading. @param {Order} order */
export function codeOf(order) {
  const { code, ref } = order;
  return html`<b>${code ? html`${symbol(code.symbol)}<span>${codeText(order, i18n.language)}</span>` : t('bar.no_code')}
    ${ref ? html`<span class="ref">${ref}</span>` : nothing}</b>`;
}

/** As one says it. @param {Order} order */
export function called(order) {
  return order.code ? calledText(order, i18n.language) : t('bar.no_code');
}

/** Where it is, and since when. @param {Bar} bar @param {Order} order */
export function stateText({ now, timeZone, taps }, order) {
  const { state, marks } = order;
  const [tap] = taps.of(order.order_id).slice(-1);
  if (tap && (tap.command === 'recall' || tap.command === 'cancel' || tap.command === 'accept')) {
    return t(tap.state === 'kept' ? 'sheet.kept' : 'sheet.sending');
  }
  const time = (/** @type {number | undefined} */ at) => (at === undefined ? '' : i18n.time(at, timeZone));
  const drinks = t('bar.drinks', { count: ticketOf.drinks(order) });
  switch (state) {
    case 'ready':
      return t('sheet.is.ready', { time: time(order.ready_at), phone: t(`bar.phone.${ticketOf.phone(order, now())}`) });
    case 'collected':
    case 'uncollected':
      return t(`sheet.is.${state}`, { time: time(order.finished_at) });
    case 'cancelled':
      return marks?.reason ? t('sheet.is.cancelled_for', { time: time(order.finished_at), reason: reasonText(marks.reason, i18n.word) }) : t('sheet.is.cancelled', { time: time(order.finished_at) });
    case 'making':
      return isRemake(order) ? t('sheet.is.remade', { drinks }) : t('sheet.is.making', { drinks });
    default:
      return t('sheet.is.received', { time: time(order.received_at), drinks });
  }
}

/** How many have come since the list was opened. @param {number} count @param {() => void} show */
export function moreButton(count, show) {
  return count === 0 ? nothing : html`<button class="quiet more" @click=${show}>${t('sheet.more', { count })}</button>`;
}

/** What was not taken, and what to do. @param {Desk} desk */
export function failed({ failure, put }) {
  if (failure === null) return nothing;
  const { path, body, why, code } = failure;
  return html`<p class="failed" role="alert"><span>${t(`sheet.failed.${why}`, { code })}</span>
    ${why === 'signed_out' ? nothing : html`<button class="quiet" @click=${() => put(path, body)}>${t('sheet.again')}</button>`}</p>`;
}

/**
 * The frame of a sheet.
 * @param {string} title
 * @param {unknown} body
 * @param {() => void} close
 */
export function frame(title, body, close) {
  const keydown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== 'Escape') return;
    event.stopPropagation();
    close();
  };
  return html`<section class="sheet" role="dialog" aria-labelledby="sheet-title" @keydown=${keydown}>
    <div class="sheet-head"><h2 id="sheet-title" tabindex="-1">${title}</h2>
      <button aria-label=${t('sheet.close')} @click=${close}>${icons.cross()}</button></div>
    ${body}
  </section>`;
}
