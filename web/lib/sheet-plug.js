/** What the sheets put into the bar's page: the head's buttons, and one sheet at a time over the right of the rail. */

import { html, nothing } from '../vendor/lit-html.js';
import { t } from './i18n.js';
import * as icons from './icons.js';
import { printerBadge } from './printer-state.js';
import { LiveOrders } from './sheet-orders.js';
import { Busy, pace, Pause } from './sheet-pace.js';
import { frame, Reasons } from './sheet-parts.js';
import { Recent } from './sheet-recent.js';
import { Before, leftOf, OpenClose } from './sheet-shop.js';
import { SoldOut } from './sheet-soldout.js';
import { awaitsPayment, openOf } from './sheet-state.js';
import { fetchStaff } from './staff.js';

/**
 * @typedef {import('./bar-plug.js').Bar} Bar
 * @typedef {import('./sheet-parts.js').Desk} Desk
 * @typedef {import('./sheet-parts.js').Failure} Failure
 */

/** @type {Record<string, import('./sheet-parts.js').Sheet>} */
const SHEETS = {
  recent: new Recent(),
  orders: new LiveOrders(),
  soldout: new SoldOut(),
  busy: Busy,
  pause: Pause,
  shop: new OpenClose(),
  before: Before,
};

let name = '';
/** Who has the focus again when it is closed. @type {HTMLElement | null} */
let opener = null;
/** The sheet has just been opened, and the focus is not in it yet. */
let isNew = false;
/** The shop as the last answer had it: the stream may be a moment behind. @type {any} */
let answered = null;
/** @type {Failure | null} */
let failure = null;
/** @type {Set<string>} */
const sending = new Set();
const reasons = new Reasons();
/** The page, as it was when it was drawn last. @type {Bar | null} */
let page = null;

/** @param {Bar} bar @returns {Desk} */
function desk(bar) {
  page = bar;
  const heard = bar.shop.value;
  const shop = answered !== null && answered.as_of > (heard?.as_of ?? 0) ? answered : heard;
  return { bar, shop, put: (path, body) => put(bar, path, body), isSending: (path) => sending.has(path), failure, close, go: open, reasons };
}

/** @param {Bar} bar @param {string} path @param {unknown} body */
async function put(bar, path, body) {
  // A second touch on the same thing, while the first is on its way, is none.
  if (sending.has(path)) return false;
  sending.add(path);
  failure = null;
  bar.show();
  const answer = await fetchStaff(path, { method: 'PUT', body });
  sending.delete(path);
  if (answer.ok) answered = answer.body;
  else {
    // What was said with one of the head's buttons, and not taken, needs a place where that is seen.
    if (name === '') open(path === '/shop/pause' ? 'pause' : 'busy');
    failure = { path, body, code: answer.code, why: answer.status === 0 ? 'offline' : answer.status === 401 ? 'signed_out' : 'refused' };
  }
  bar.show();
  return answer.ok;
}

/** @param {string} wanted */
function open(wanted) {
  const { activeElement } = document;
  // One that is opened from another sheet gives the focus back to where that one came from.
  if (name === '') opener = activeElement instanceof HTMLElement ? activeElement : null;
  name = wanted;
  isNew = true;
  failure = null;
  reasons.stop();
  if (page) SHEETS[name]?.opened?.(desk(page));
  page?.show();
}

function close() {
  if (name === '') return;
  name = '';
  failure = null;
  reasons.stop();
  page?.show();
  const back = opener?.isConnected ? opener : document.getElementById('rail');
  opener = null;
  back?.focus({ preventScroll: true });
}

document.addEventListener('keydown', ({ key, defaultPrevented }) => {
  if (key === 'Escape' && !defaultPrevented) close();
});

/** @param {string} wanted */
function toggle(wanted) {
  if (name === wanted) close();
  else open(wanted);
}

/** One of the head's buttons. @param {string} wanted @param {unknown} icon @param {string} text @param {unknown} [badge] */
function button(wanted, icon, text, badge = nothing) {
  return html`<button class="hb" aria-haspopup="dialog" aria-expanded=${name === wanted} @click=${() => toggle(wanted)}>${icon}<span>${text}</span>${badge}</button>`;
}

/** @type {import('./bar-plug.js').Plug} */
export const plug = {
  tools(bar) {
    const { shop } = desk(bar);
    const orders = [...(bar.news.value?.orders.values() ?? [])];
    const unpaid = orders.filter(awaitsPayment).length;
    const before = leftOf({ bar }).length;
    const soldOut = shop?.sold_out?.length ?? 0;
    const count = (/** @type {number} */ number, /** @type {'sheet.badge.unpaid' | 'sheet.badge.sold_out' | 'sheet.badge.before'} */ key) =>
      number === 0 ? nothing : html`<i aria-hidden="true">${number}</i><span class="vh">, ${t(key, { count: number })}</span>`;
    // What comes and goes stands first: nothing beside it moves.
    return html`${printerBadge(bar.news.value?.printer)}${before > 0 || name === 'before' ? button('before', icons.warning(), t('sheet.before.short'), count(before, 'sheet.badge.before')) : nothing}
      ${button('orders', icons.list(), t('sheet.orders.short'), count(unpaid, 'sheet.badge.unpaid'))}
      ${button('recent', icons.back(), t('sheet.recent.short'))}
      ${button('soldout', icons.none(), t('sheet.sold_out'), count(soldOut, 'sheet.badge.sold_out'))}`;
  },

  pace(bar) {
    const own = desk(bar);
    const is = openOf(own.shop);
    const isOpen = is === 'open' || is === 'open_by_hours';
    return html`${pace(own, open)}${button('shop', icons.door(), t(isOpen ? 'sheet.shop.is_open' : 'sheet.shop.is_closed'))}`;
  },

  sheet(bar) {
    const sheet = SHEETS[name];
    if (!sheet) return nothing;
    const own = desk(bar);
    const hasFocus = document.activeElement?.closest('.sheet') != null;
    // As soon as it is drawn: what is new takes the focus, and keeps it when the button that had it is gone.
    queueMicrotask(() => {
      if (isNew || (hasFocus && name !== '' && document.activeElement?.closest('.sheet') == null)) takeFocus();
    });
    return frame(sheet.title(own), sheet.body(own), close);
  },

  isOpen: () => name !== '',
};

function takeFocus() {
  isNew = false;
  document.getElementById('sheet-title')?.focus({ preventScroll: true });
}
