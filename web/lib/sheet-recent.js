/** The sheet of orders that are ready or finished: what was called or handed over is made once more from here. */

import { html, nothing } from '../vendor/lit-html.js';
import { t } from './i18n.js';
import { asks, codeOf, moreButton, reasonsFor, stateText } from './sheet-parts.js';
import { canRecall, Still } from './sheet-state.js';
import { fetchStaff } from './staff.js';

/**
 * @typedef {import('./orders.js').Order} Order
 * @typedef {import('./sheet-parts.js').Desk} Desk
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
  }

  title() {
    return t('sheet.recent');
  }

  opened() {
    this.still.renew();
    this.state = 'loading';
    this.askedAt = -Infinity;
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
      <ul>${rows.orders.map((order) => row(desk, order))}</ul>`;
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
    for (const id of this.orders.keys()) if (!kept.has(id)) this.orders.delete(id);
  }
}

/** @param {Desk} desk @param {Order} order */
function row(desk, order) {
  const isOver = !canRecall(order);
  return html`<li>
    <div class="row"><span class="grow">${codeOf(order)}<small>${stateText(desk.bar, order)}</small></span>
      ${isOver ? nothing : asks(desk, order, 'recall')}</div>
    ${isOver ? nothing : reasonsFor(desk, order, 'recall')}
  </li>`;
}
