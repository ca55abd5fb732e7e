/** What the till shows while no code is shown: the cups of a new bell, what was made before, an order from the menu. */

import { html, nothing } from '../vendor/lit-html.js';
import * as cart from './cart.js';
import { language, otherLanguage, price, t, time, withLanguage, word } from './i18n.js';
import { lineText, obstacleText, options, stepper } from './order-view.js';
import { codeText, symbol } from './pager-parts.js';
import { printerNotice } from './printer-state.js';
import { awaitsPayment } from './sheet-state.js';
import { find } from './till-find.js';
import { keptList } from './till-kept.js';
import { SALES_MAX } from './till-sale.js';
import { toPay } from './to-pay.js';

/** @typedef {import('./orders.js').Order} Order */
/** @typedef {import('./cart.js').Menu} Menu */
/** @typedef {import('./cart.js').Line} Line */
/** Where phones find the counter. @typedef {{url: string, reach: 'network' | 'everywhere', secure: boolean}} Address */
/**
 * Everything that shows.
 * @typedef {object} Page
 * @property {import('./live.js').News<import('./orders.js').Orders>} news
 * @property {Order[]} recent those that were ready or came to their end last
 * @property {import('./live.js').News<any>} shop
 * @property {Menu | null} menu
 * @property {cart.SoldOut} soldOut
 * @property {Line[]} lines of the order from the menu
 * @property {number} open the line whose options are shown
 * @property {number} noteOf the line whose note is being written
 * @property {string} category
 * @property {string} ref the ticket number of what is made next
 * @property {string} wrong what is wrong with it
 * @property {string} query what is looked for
 * @property {'loading' | 'lost' | 'nowhere' | Address} address
 * @property {import('./till-sale.js').Going} going how the order goes that is being made, as long as it fills the screen
 * @property {import('./till-sale.js').Begun[]} kept the others, as they were tapped
 * @property {boolean} fleeting this device keeps nothing: what has to be sent is lost with the page
 * @property {string} told what became of the last one, if it has to be said
 * @property {string} showing the order whose code fills the screen
 * @property {string} qr its code as a picture
 * @property {boolean} qrFailed it did not come
 * @property {boolean} sure whether the order is to be taken back was asked
 * @property {string} asking what became of the last thing that was asked for the order that is shown
 * @property {boolean} refused it was not done
 * @property {boolean} busy something is being asked
 * @property {boolean} slow it takes longer than one would notice
 * @property {number} now the counter's clock
 * @property {string} said for those who hear the page
 * @property {boolean} isOut nobody is signed in here any more
 */
/** @typedef {import('../till.js').Actions} Actions */
/**
 * What the parts of the page are given.
 * @typedef {object} Screen
 * @property {Page} page
 * @property {() => void} draw soon, once for all that changes until then
 * @property {() => void} drawNow
 * @property {(selector: string) => HTMLElement | null} find
 * @property {() => boolean} isMeant whether a touch is meant for what stands there now
 * @property {(order: Order) => void} take an order as an answer has it
 */

/** How many cups one tap makes. */
export const CUPS = [1, 2, 3, 4, 5, 6];
/** What a ticket number may be, in characters: as the counter takes it. */
export const REF_MAX = 32;
/** Categories are shown as tabs from this many items on. */
const TABS_OVER = 12;

/** @param {Page} page @param {Actions} on */
export function desk(page, on) {
  const printer = page.news.value?.printer;
  return html`
    <header>
      <h1>${t('till.title')}</h1>
      ${live(page)}
      ${printerNotice(printer)}
      <a class="pages" href=${withLanguage('/sign-in')}>${t('access.pages')}</a>
      <button class="language" lang=${otherLanguage()} @click=${on.language}>${t('common.other_language')}</button>
    </header>
    ${offline(page, on)}
    <main class=${page.lines.length > 0 ? 'desk ordering' : 'desk'}>
      <section class="bell" aria-labelledby="bell">${bell(page, on)}</section>
      <div class="side">
        ${keptList(page, on)}
        <section class="found" aria-labelledby="found">${found(page, on)}</section>
      </div>
      ${page.menu ? html`
        <section class="menu" aria-labelledby="menu">${menu(page, page.menu, on)}</section>
        <section class="cart" aria-labelledby="cart">${order(page, page.menu, on)}</section>` : nothing}
    </main>
    <p class="vh" role="status">${page.said}</p>`;
}

/** @param {Page} page */
function live({ news }) {
  return news.status === 'live' ? html`<p class="live"><span class="dot"></span>${t('till.live')}</p>` : nothing;
}

/** Room is kept for it only where it is: nothing of this page is under a finger when it comes. @param {Page} page @param {Actions} on */
export function offline({ news, isOut, fleeting }, on) {
  const lost = fleeting ? t('till.fleeting') : '';
  if (isOut || news.status === 'signed_out') {
    return html`<div class="band row"><p class="grow" role="alert"><strong>${t('access.sheet_out')}</strong> ${t('access.sheet_out_text')} ${lost}</p>
      <button class="quiet" @click=${on.signIn}>${t('access.sign_in')}</button></div>`;
  }
  if (news.status !== 'old' && !(news.status === 'loading' && news.offline)) return nothing;
  const age = Number.isFinite(news.ageMs) ? t('till.last_heard', { count: Math.round(news.ageMs / 1_000) }) : '';
  // The age is no part of what is told: it would be told anew each second.
  return html`<aside class="band"><p role="alert"><strong>${t('till.offline')}</strong> ${t('till.offline_why', { max: SALES_MAX })} ${lost}</p>
    ${age ? html`<p class="age">${age}</p>` : nothing}</aside>`;
}

/** @param {Page} page @param {Actions} on */
function bell(page, on) {
  const { address } = page;
  return html`
    <h2 id="bell">${t('till.bell')}</h2>
    ${address === 'nowhere' ? html`
      <div class="notice">
        <strong>${t('till.nowhere')}</strong>
        <p>${t('till.nowhere_why')} <a href=${withLanguage('/table')}>${t('till.nowhere_how')}</a></p>
      </div>` : nothing}
    ${page.told ? html`<p class="notice" role="alert">${page.told}</p>` : nothing}
    ${notTaken(page)}
    <label class="ref">${t('till.ref')}
      <input
        id="ref" autocomplete="off" autocapitalize="characters" spellcheck="false" enterkeyhint="done" dir="auto"
        .value=${page.ref} aria-invalid=${page.wrong !== ''} aria-describedby="ref-wrong"
        @input=${(/** @type {any} */ event) => on.ref(event.target.value)} @keydown=${on.refKey}
      /></label>
    <p id="ref-wrong" class="wrong" role="status">${page.wrong}</p>
    <div class="cups" role="group" aria-label=${t('till.cups')}>
      ${CUPS.map((cups) => html`
        <button data-cups=${cups} @click=${() => on.bell(cups)}>
          <b>${cups}</b><span>${t('till.cup', { count: cups })}</span>
        </button>`)}
    </div>
    <p class="muted hint">${t('till.cups_hint')}</p>`;
}

/** That phones can't order, which keeps no one from ordering here. @param {Page} page */
function notTaken({ shop: { status, value } }) {
  if (status !== 'live' || !value || value.ordering === 'open') return nothing;
  const why = value.ordering === 'closed' ? 'closed' : value.reason === 'wait' ? 'wait' : value.reason === 'no_bar' ? 'no_bar' : 'paused';
  return html`<p class="muted" role="status">${t(`till.phones_${why}`)} ${t('till.phones_not_here')}</p>`;
}

/** @param {Page} page @param {Actions} on */
function found(page, on) {
  const rows = find(page.news.value?.orders.values() ?? [], page.recent, page.query);
  const isKnown = page.news.value !== null;
  return html`
    <h2 id="found">${t('till.found')}</h2>
    <input
      id="find" type="search" autocomplete="off" enterkeyhint="search" dir="auto" .value=${page.query}
      aria-label=${t('till.find')} placeholder=${t('till.find')}
      @input=${(/** @type {any} */ event) => on.find(event.target.value)}
    />
    ${rows.length > 0 ? html`<ul>${rows.map((order) => row(page, order, on))}</ul>`
      : isKnown ? html`<p class="muted none">${page.query.trim() ? html`${t('till.found_none')} <bdi>“${page.query.trim()}”</bdi>` : t('till.none')}</p>`
      : html`<p class="bone wide"></p><p class="bone"></p>`}`;
}

/** @param {Page} page @param {Order} order @param {Actions} on */
function row(page, order, on) {
  return html`<li>
    <button data-order=${order.order_id} @click=${() => on.show(order.order_id)}>
      <span class="who">
        <b>${order.code ? html`${symbol(order.code.symbol)}${codeText(order, language)}` : t('till.no_code')}</b>
        ${order.ref ? html`<span class="ticket" dir="auto">${order.ref}</span>` : nothing}
      </span>
      <span class="what">
        <span class=${order.state === 'ready' ? 'is go' : 'is'}>${awaitsPayment(order) ? toPay(order) : t(`till.is_${order.state}`)}</span>
        <span>${t('till.cups_of', { count: order.amount })}</span>
        <span>${time(order.received_at, page.menu?.shop.time_zone)}</span>
      </span>
    </button>
  </li>`;
}

/** @param {Page} page @param {Menu} menu @param {Actions} on */
function menu(page, menu, on) {
  const size = menu.categories.reduce((sum, { items }) => sum + items.length, 0);
  const hasTabs = size > TABS_OVER && menu.categories.length > 1;
  const current = menu.categories.find(({ id }) => id === page.category) ?? menu.categories[0];
  const shown = hasTabs ? [current] : menu.categories;
  return html`
    <h2 id="menu">${t('till.menu')}</h2>
    ${hasTabs ? html`<nav class="tabs" aria-label=${t('till.menu')}>
      ${menu.categories.map(({ id, name }) => html`
        <button data-tab=${id} aria-current=${id === current?.id ? 'true' : nothing} @click=${() => on.category(id)}>${word(name)}</button>`)}
    </nav>` : nothing}
    ${shown.map((category) => category && html`
      ${!hasTabs ? html`<h3>${word(category.name)}</h3>` : nothing}
      <div class="tiles">${category.items.map((item) => tile(page, menu, item, on))}</div>`)}`;
}

/** @param {Page} page @param {Menu} menu @param {import('./cart.js').Item} item @param {Actions} on */
function tile(page, menu, item, on) {
  const gone = cart.isSoldOut(menu, item, page.soldOut);
  const many = cart.count(page.lines.filter((line) => line.item === item.id));
  return html`
    <button class="tile ${gone ? 'gone' : many > 0 ? 'chosen' : ''}" data-item=${item.id} aria-disabled=${gone ? 'true' : nothing} @click=${() => (gone ? undefined : on.add(item))}>
      <span class="name" dir="auto">${word(item.name)}</span>
      <span class="price">${gone ? t('order.sold_out') : price(item.price, menu.shop.currency)}</span>
      ${many > 0 ? html`<span class="many"><span class="vh">${t('till.in_order')}</span> ${many}</span>` : nothing}
    </button>`;
}

/** @param {Page} page @param {Menu} menu @param {Actions} on */
function order(page, menu, on) {
  const { lines } = page;
  const obstacles = cart.obstacles(menu, lines, page.soldOut);
  return html`
    <h2 id="cart">${t('till.order')}</h2>
    ${lines.length === 0 ? html`<p class="muted none">${t('till.order_none')}</p>` : html`
      <div class="rows">${lines.map((line) => lineView(page, menu, line, on))}</div>
      ${obstacles[0] ? html`<p class="wrong" role="alert">${obstacleText(obstacles[0])}</p>` : nothing}
      <div class="pay">
      ${cart.printable(page.ref) ? html`<p class="of"><span class="vh">${t('till.ref')}</span><bdi class="ticket">${cart.printable(page.ref)}</bdi></p>` : nothing}
      <div class="sum"><span>${t('order.items', { count: cart.count(lines) })}</span><strong>${price(cart.total(menu, lines), menu.shop.currency)}</strong></div>
      <button class="primary" aria-disabled=${obstacles.length > 0 ? 'true' : nothing} @click=${() => (obstacles.length > 0 ? undefined : on.order())}>${t('order.order')}</button>
      </div>
      <button class="quiet clear" @click=${on.clear}>${t('till.clear')}</button>`}`;
}

/** @param {Page} page @param {Menu} menu @param {Line} line @param {Actions} on */
function lineView(page, menu, line, on) {
  const item = cart.itemOf(menu, line.item);
  const gone = !item || cart.isSoldOut(menu, item, page.soldOut);
  const open = page.open === line.id && !gone;
  // What the order page knows of the shop keeps customers from ordering, not staff.
  const shown = /** @type {any} */ ({ soldOut: page.soldOut, cart: { lines: page.lines }, news: { status: 'old' } });
  const acts = /** @type {any} */ (on);
  return html`
    <div class="line ${gone ? 'gone' : ''}" data-line=${line.id}>
      <div class="head">
        <button class="what" aria-expanded=${open} @click=${() => on.open(line)}>
          <span class="name" dir="auto">${word(line.title)}</span>
          <span class="price">${lineText(menu, line, open)}</span>
          ${line.note && !open ? html`<span class="noted" dir="auto">${line.note}</span>` : nothing}
        </button>
        ${stepper(shown, menu, line, true, gone, acts)}
      </div>
      ${open && item ? html`${options(shown, menu, item, line, acts)}${note(page, item, line, on)}` : nothing}
    </div>`;
}

/** @param {Page} page @param {import('./cart.js').Item} item @param {Line} line @param {Actions} on */
function note(page, item, line, on) {
  if (!line.note && page.noteOf !== line.id) {
    return html`<button class="link" @click=${() => on.note(line)}>${t('order.note')}</button>`;
  }
  const has = cart.characters(cart.printable(line.note));
  return html`<label class="note">${t('order.note_for', { item: word(item.name) })}
    <input id="note-${line.id}" dir="auto" autocomplete="off" .value=${line.note} aria-invalid=${has > cart.LIMITS.note} @input=${(/** @type {any} */ event) => on.write(line, event.target.value)} /></label>`;
}
