/** What the till keeps: orders that could not be sent yet, each by its ticket number or its cups, and what became of them. */

import { html, nothing } from '../vendor/lit-html.js';
import { day, dayNumber, language, t, timeWithSeconds } from './i18n.js';
import { codeText, symbol } from './pager-parts.js';

/** @typedef {import('./till-view.js').Page} Page */
/** @typedef {import('./till-sale.js').Begun} Begun */
/** @typedef {import('./till-sale.js').Sale} Sale */
/** @typedef {import('../till.js').Actions} Actions */

/** What people call one that has no code: its ticket number, how many cups, when. @param {Page} page @param {Sale} sale */
export function saleText(page, { what: { ref, cups, drinks }, at }) {
  return [ref, drinks || t('till.cups_of', { count: cups }), timeOf(page, at)].filter(Boolean).join(' · ');
}

/** By the shop's clock, to the second: two of one minute are told apart by it. @param {Page} page @param {number} at */
function timeOf({ menu, now }, at) {
  const zone = menu?.shop.time_zone;
  const time = timeWithSeconds(at, zone);
  return dayNumber(at, zone) === dayNumber(now, zone) ? time : `${day(at, now, zone)} ${time}`;
}

/** The list of them, if there are any. @param {Page} page @param {Actions} on */
export function keptList(page, on) {
  const { kept, fleeting } = page;
  if (kept.length === 0) return nothing;
  const old = kept.filter((begun) => begun.is === 'asks' && begun.age === 'old').length;
  const isOpen = kept.some(({ is }) => is !== 'made' && is !== 'failed');
  const clear = (/** @type {'made' | 'failed'} */ end) => kept.some(({ is }) => is === end)
    ? html`<button class="quiet" @click=${() => on.clearKept(end)}>${t(`till.kept_clear_${end}`)}</button>` : nothing;
  return html`<section class="kept" aria-labelledby="kept">
    <h2 id="kept">${t(fleeting ? 'till.kept_fleeting' : 'till.kept', { count: kept.length })}</h2>
    ${fleeting && isOpen ? html`<p class="wrong">${t('till.fleeting')}</p>` : nothing}
    <ol>${kept.map((begun) => row(page, begun, on))}</ol>
    ${old > 1 ? html`<button class="quiet" @click=${on.sendOld}>${t('till.kept_send_old', { count: old })}</button>` : nothing}
    ${clear('made')}${clear('failed')}
  </section>`;
}

/** @param {Page} page @param {Begun} begun @param {Actions} on */
function row(page, begun, on) {
  const { sale: { key, what, at } } = begun;
  const order = begun.is === 'made' ? page.news.value?.orders.get(begun.id) : undefined;
  return html`<li>
    <button data-kept=${key} @click=${() => on.openKept(begun)}>
      <span class="who">
        <b>${order?.code ? html`${symbol(order.code.symbol)}${codeText(order, language)}` : t('till.no_code')}</b>
        ${what.ref ? html`<span class="ticket" dir="auto">${what.ref}</span>` : nothing}
      </span>
      <span class="what">
        <span class=${begun.is === 'made' ? 'is go' : 'is'}>${t(begun.is === 'asks' ? `till.kept_${begun.age}` : `till.kept_${begun.is}`)}</span>
        <span>${what.drinks || t('till.cups_of', { count: what.cups })}</span>
        <span>${timeOf(page, at)}</span>
      </span>
    </button>
  </li>`;
}
