/** The sheet of orders that are ready or finished: what was called or handed over is made once more from here. */

import { html, nothing } from '../vendor/lit-html.js';
import { t } from './i18n.js';
import { reprint } from './printer-state.js';
import { asks, called, codeOf, moreButton, reasonsFor, stateText } from './sheet-parts.js';
import { canRecall, Still } from './sheet-state.js';
import { fetchStaff } from './staff.js';

/**
 * @typedef {import('./orders.js').Order} Order
 * @typedef {import('./sheet-parts.js').Desk} Desk
 *
 * @typedef {{isTaken: boolean, text: string}} Printed
 */

/** How often what is finished is asked for while the sheet is open: the page's own stream has the live ones only. */
const AGAIN_MS = 3_000;

export class Recent {
  constructor() {
    this.still = new Still();
    /** @type {Map<string, Order>} */
    this.orders = new Map();
    /** @type {string[]} */
    this.ids = [];
    /** @type {'loading' | 'known' | 'failed'} */
    this.state = 'loading';
    this.askedAt = -Infinity;
    /** What became of tickets that were printed once more, by order; `null`: nobody knows yet. @type {Map<string, Printed | null>} */
    this.prints = new Map();
  }

  title() {
    return t('sheet.recent');
  }

  opened() {
    this.still.renew();
    this.state = 'loading';
    this.askedAt = -Infinity;
    this.prints.clear();
  }

  /** @param {Desk} desk */
  body(desk) {
    const { bar } = desk;
    this.ask(bar);
    const rows = this.state === 'known' ? this.rows(bar) : { orders: [], more: 0 };
    return html`<p class="what">${t('sheet.recent.what')}</p>
      ${moreButton(rows.more, () => {
        this.still.renew();
        bar.show();
      })}
      ${this.state === 'loading' ? html`<p class="what">${t('common.loading')}</p>` : nothing}
      ${this.state === 'failed' ? html`<p class="failed" role="alert">${t('sheet.recent.failed')}</p>` : nothing}
      ${this.state === 'known' && rows.orders.length === 0 ? html`<p class="what">${t('sheet.recent.none')}</p>` : nothing}
      <ul>${rows.orders.map((order) => this.row(desk, order))}</ul>`;
  }

  /** @param {Desk} desk @param {Order} order */
  row(desk, order) {
    const isOver = !canRecall(order);
    const printed = this.prints.get(order.order_id);
    return html`<li>
      <div class="row"><span class="grow">${codeOf(order)}<small>${stateText(desk.bar, order)}</small></span>
        ${desk.bar.news.value?.printer ? this.printButton(desk.bar, order) : nothing}${isOver ? nothing : asks(desk, order, 'recall')}</div>
      ${printed ? html`<p class=${printed.isTaken ? 'what' : 'failed'} role="status">${printed.text}</p>` : nothing}
      ${isOver ? nothing : reasonsFor(desk, order, 'recall')}
    </li>`;
  }

  /** @param {import('./bar-plug.js').Bar} bar @param {Order} order */
  printButton(bar, order) {
    const { order_id: id } = order;
    const isSending = this.prints.get(id) === null;
    return html`<button class="quiet" aria-busy=${isSending} @click=${() => this.print(bar, id)}>${t('sheet.print')}<span class="vh"> ${called(order)}</span></button>`;
  }

  /** @param {import('./bar-plug.js').Bar} bar @param {string} id */
  async print(bar, id) {
    // A second touch while the first is on its way is none: each would be a sheet of paper.
    if (this.prints.get(id) === null) return;
    this.prints.set(id, null);
    bar.show();
    const refused = await reprint(id, 'ticket');
    this.prints.set(id, { isTaken: refused === '', text: refused || t('till.printing_ticket') });
    bar.show();
  }

  /** @param {import('./bar-plug.js').Bar} bar */
  rows({ news }) {
    const live = news.value?.orders;
    const { ids, more } = this.still.look(this.ids);
    const newer = (/** @type {string} */ id) => {
      const [one, other] = [this.orders.get(id), live?.get(id)];
      return one && other ? (other.version >= one.version ? other : one) : (other ?? one);
    };
    return { orders: ids.map(newer).filter((order) => order !== undefined), more };
  }

  /** @param {import('./bar-plug.js').Bar} bar */
  async ask(bar) {
    const at = performance.now();
    if (at - this.askedAt < AGAIN_MS) return;
    this.askedAt = at;
    const answer = await fetchStaff('/orders?recent');
    if (answer.ok) this.take(answer.body.orders);
    else if (this.state === 'loading') this.state = 'failed';
    bar.show();
  }

  /** @param {Order[]} orders the last that became ready or came to its end first */
  take(orders) {
    this.state = 'known';
    // As drawn: first those that somebody still waits for.
    const sorted = [...orders.filter(({ state }) => state === 'ready'), ...orders.filter(({ state }) => state !== 'ready')];
    this.ids = sorted.map(({ order_id: id }) => id);
    const kept = new Set([...this.ids, ...(this.still.ids ?? [])]);
    for (const order of orders) this.orders.set(order.order_id, order);
    for (const known of [this.orders, this.prints]) for (const id of known.keys()) if (!kept.has(id)) known.delete(id);
  }
}
