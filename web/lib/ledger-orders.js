/** The orders of the ledger: found, filtered, a page at a time. */

import { html, nothing } from '../vendor/lit-html.js';
import * as i18n from './i18n.js';
import * as icons from './icons.js';
import { stopwatch } from './ledger-format.js';
import { FILTERS, nameOf, times } from './ledger-model.js';
import { found } from './ledger-search.js';
import { rich, symbol } from './pager-parts.js';

const { t, word } = i18n;

/**
 * @typedef {import('./ledger-model.js').Model} Model
 * @typedef {import('./ledger-model.js').Acts} Acts
 * @typedef {import('./ledger-model.js').Row} Row
 * @typedef {import('./ledger-model.js').Words} Words
 */

const COLUMNS = /** @type {const} */ (['time', 'code', 'drinks', 'state', 'wait', 'promise']);

/** @param {Model} model @param {Acts} acts */
export function orders(model, acts) {
  const { orders } = model;
  const { matching, total, query, filter } = orders;
  return html`<section class="p or" aria-label=${t('ledger.orders')}>
    <div class="find">
      <label>${icons.find()}<input type="search" id="find" aria-label=${t('ledger.find')} placeholder=${t('ledger.find_what')}
          autocomplete="off" spellcheck="false" maxlength="64" .value=${query}
          @input=${(/** @type {any} */ event) => acts.search(event.target.value)}>
        <span class="muted" role="status">${orders.got === 'here' ? t('ledger.matching', { matching, total }) : nothing}</span></label>
      <div class="filters" role="group" aria-label=${t('ledger.filter')}>${FILTERS.map((name) => html`<button
        aria-pressed=${name === filter} @click=${() => acts.filter(name)}>${t(`ledger.filter.${name}`)}</button>`)}</div>
    </div>
    ${list(model, acts)}
    ${pages(model, acts)}
  </section>`;
}

/** @param {Model} model @param {Acts} acts */
function list(model, acts) {
  const { got, rows, total, query, filter } = model.orders;
  if (got === 'failed') {
    return html`<div class="none" role="alert"><p>${t('ledger.orders_failed')}</p><button class="quiet" @click=${acts.again}>${t('ledger.again')}</button></div>`;
  }
  if (got === 'here' && rows.length === 0) {
    const isNarrowed = query !== '' || filter !== 'all';
    return html`<div class="none"><p>${t(isNarrowed && total > 0 ? 'ledger.found_none' : 'ledger.orders_none')}</p>
      ${isNarrowed ? html`<button class="quiet" @click=${() => (acts.search(''), acts.filter('all'))}>${t('ledger.found_all')}</button>` : nothing}</div>`;
  }
  // With roles, because on a narrow screen they are no longer laid out as a table.
  return html`<div class="list" tabindex="0" role="group" aria-label=${t('ledger.orders')}>
    <table role="table" aria-busy=${got === 'loading'}>
      <thead role="rowgroup"><tr role="row">${COLUMNS.map((column) => html`<th role="columnheader" scope="col">${t(`ledger.column.${column}`)}</th>`)}</tr></thead>
      <tbody role="rowgroup">${rows.map((row) => oneRow(model, row, acts))}</tbody>
    </table>
  </div>`;
}

/** @param {Model} model @param {Row} row @param {Acts} acts */
function oneRow({ orders: { query }, selected, shop }, row, acts) {
  const isSelected = row.order_id === selected;
  const { code, promised, wait_ms: wait } = row;
  return html`<tr role="row" aria-current=${isSelected ? 'true' : nothing} @click=${() => acts.select(row.order_id)}>
    <td role="cell">${i18n.timeWithSeconds(row.received_at, shop.timeZone)}</td>
    <td role="cell"><button class="name" aria-expanded=${isSelected} aria-controls="story"
      @click=${(/** @type {Event} */ event) => (event.stopPropagation(), acts.select(row.order_id))}>${code ? symbol(code.symbol) : nothing}<span>${
        code ? marked(nameOf(row), query, code.words[i18n.otherLanguage()]) : nameOf(row)}</span></button></td>
    <td role="cell" class="it" dir="auto">${drinks(row, query)}</td>
    <td role="cell">${state(row)}</td>
    <td role="cell" class=${row.late ? 'lt' : ''}>${wait === undefined ? nothing : stopwatch(wait)}${
      row.late ? html`<span class="vh"> ${t('ledger.late')}</span> <span aria-hidden="true">▲</span>` : nothing}</td>
    <td role="cell">${promised ? times(promised, shop.timeZone) : nothing}</td>
  </tr>`;
}

/** @param {Row} row @param {string} query */
function drinks({ drinks = [], amount, ref }, query) {
  const lines = drinks.map(({ quantity = 1, title, item = '', option_titles: options = [] }, i) => {
    const name = title ? both(title, query) : item;
    const said = quantity > 1 ? rich('ledger.quantity', { quantity, item: name }) : name;
    return html`${i > 0 ? ' · ' : nothing}${said}${options.map((option) => html`, ${both(option, query)}`)}`;
  });
  const what = lines.length ? lines : amount ? t('ledger.cups', { count: amount }) : nothing;
  return html`${what}${ref ? html` <span class="ref">${rich('ledger.ticket', { ref: marked(ref, query) })}</span>` : nothing}`;
}

/** @param {Partial<Words>} words @param {string} query */
function both(words, query) {
  return marked(word(words), query, words[i18n.otherLanguage()] ?? '');
}

/** @param {string} text @param {string} query @param {string} [other] */
function marked(text, query, other) {
  return found(text, query, other).map((part) => (part.isFound ? html`<mark>${part.text}</mark>` : part.text));
}

const STATES = /** @type {const} */ (['received', 'making', 'ready', 'collected', 'uncollected', 'cancelled']);
const SHAPES = { received: '', making: 'mk', ready: 'rd', collected: 'co', uncollected: 'co', cancelled: 'ca', remake: '' };

/** @param {Row} row */
function state({ state, remade }) {
  const known = STATES.find((name) => name === state) ?? 'received';
  const is = remade && known === 'making' ? 'remake' : known;
  return html`<span class="st ${SHAPES[is]}">${t(`ledger.state.${is}`)}</span>`;
}

/** @param {Model} model @param {Acts} acts */
function pages({ orders }, acts) {
  const { first, rows, matching, isNewest, isOldest, got } = orders;
  if (got !== 'here' || (isNewest && isOldest)) return nothing;
  return html`<nav class="pages" aria-label=${t('ledger.orders')}>
    <span class="muted grow">${t('ledger.rows', { from: first + 1, to: first + rows.length, total: matching })}</span>
    <button class="quiet" ?disabled=${isNewest} @click=${() => acts.turn('newer')}>${t('ledger.newer')}</button>
    <button class="quiet" ?disabled=${isOldest} @click=${() => acts.turn('older')}>${t('ledger.older')}</button>
  </nav>`;
}
