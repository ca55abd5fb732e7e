/** The sheet of live orders: payment is taken, and what is not to be made is cancelled. */

import { html, nothing } from '../vendor/lit-html.js';
import * as i18n from './i18n.js';
import { asks, called, codeOf, moreButton, reasonsFor, stateText } from './sheet-parts.js';
import { awaitsPayment, byAge, canCancel, Still } from './sheet-state.js';
import { toPay } from './to-pay.js';

const { t } = i18n;

/**
 * @typedef {import('./orders.js').Order} Order
 * @typedef {import('./sheet-parts.js').Desk} Desk
 */

export class LiveOrders {
  constructor() {
    this.still = new Still();
    /** Those that were there when it was opened. @type {Map<string, Order>} */
    this.seen = new Map();
  }

  title() {
    return t('sheet.orders');
  }

  opened() {
    this.still.renew();
    this.seen.clear();
  }

  /** @param {Desk} desk */
  body(desk) {
    const { bar } = desk;
    const live = bar.news.value?.orders ?? new Map();
    const all = byAge([...live.values()]);
    const { ids, more } = this.still.look([...all.filter(awaitsPayment), ...all.filter((order) => !awaitsPayment(order))].map(({ order_id: id }) => id));
    for (const id of ids) {
      const order = live.get(id);
      if (order) this.seen.set(id, order);
    }
    const orders = ids.flatMap((id) => this.seen.get(id) ?? []);
    return html`<p class="what">${t('sheet.orders.what')}</p>
      ${moreButton(more, () => {
        this.still.renew();
        bar.show();
      })}
      ${orders.length === 0 && more === 0 ? html`<p class="what">${t('sheet.orders.none')}</p>` : nothing}
      <ul>${orders.map((order) => row(desk, order, live.has(order.order_id)))}</ul>`;
  }
}

/** @param {Desk} desk @param {Order} order @param {boolean} isThere */
function row(desk, order, isThere) {
  const { bar } = desk;
  const isPayment = awaitsPayment(order);
  const pay = () => {
    // A second tap may come before the first one is drawn.
    const isTapped = bar.taps.of(order.order_id).some(({ command }) => command === 'accept');
    if (!desk.reasons.allows() || isTapped || !bar.tap(order, 'accept')) return;
    bar.say(t('sheet.paid.said', { code: called(order) }));
    bar.show();
  };
  const isOver = !isThere || bar.taps.of(order.order_id).some(({ command }) => command === 'cancel');
  return html`<li>
    <div class="row"><span class="grow">${codeOf(order)}
        <small>${isThere ? stateText(bar, order) : t('bar.gone.over')}${isThere && isPayment ? html`<br>${toPay(order)}` : nothing}</small></span>
      ${isThere && isPayment && canCancel(order) ? html`<button class="primary" @click=${pay}>${t('sheet.paid')}<span class="vh"> ${called(order)}</span></button>` : nothing}
      ${isOver || !canCancel(order) ? nothing : asks(desk, order, 'cancel')}</div>
    ${isOver ? nothing : reasonsFor(desk, order, 'cancel')}
  </li>`;
}
