/** The sheet of what is sold out: off the menu of every phone at once, and back again. */

import { html, nothing } from '../vendor/lit-html.js';
import { t, word } from './i18n.js';
import { failed } from './sheet-parts.js';
import { entries, Still } from './sheet-state.js';

/**
 * @typedef {import('./sheet-parts.js').Desk} Desk
 * @typedef {import('./sheet-state.js').Entry} Entry
 */

/** From so many entries on one looks for them. */
const MANY = 12;

export class SoldOut {
  constructor() {
    this.still = new Still();
    this.query = '';
  }

  title() {
    return t('sheet.sold_out');
  }

  opened() {
    this.still.renew();
    this.query = '';
  }

  /** @param {Desk} desk */
  body(desk) {
    const { bar, shop } = desk;
    const all = entries(bar.menu, new Set(shop?.sold_out), bar.news.value?.orders.values() ?? []);
    const byId = new Map(all.map((entry) => [entry.id, entry]));
    // Each stays where it was when the sheet was opened; what is new on the menu comes at the end.
    const { ids } = this.still.look(all.map(({ id }) => id));
    const shown = [...ids, ...all.map(({ id }) => id).filter((id) => !ids.includes(id))].flatMap((id) => byId.get(id) ?? []);
    const found = shown.filter((entry) => isFound(entry, this.query));
    const look = (/** @type {any} */ { target }) => {
      this.query = target.value;
      bar.show();
    };
    return html`<p class="what">${t('sheet.sold_out.what')}</p>
      ${failed(desk)}
      ${shown.length > MANY
        ? html`<input class="search" type="search" .value=${this.query} @input=${look} autocomplete="off"
            aria-label=${t('sheet.sold_out.search')} placeholder=${t('sheet.sold_out.search')}>`
        : nothing}
      ${shown.length === 0 ? html`<p class="what">${t('sheet.sold_out.no_menu')}</p>` : nothing}
      ${shown.length > 0 && found.length === 0 ? html`<p class="what">${t('sheet.sold_out.not_found')}</p>` : nothing}
      <ul>${found.map((entry) => html`<li>${toggle(desk, entry)}</li>`)}</ul>`;
  }
}

/**
 * One thing with its switch.
 * @param {Desk} desk @param {Entry} entry
 */
export function toggle(desk, { id, name, group, isSoldOut, inOrders }) {
  const path = `/shop/sold-out/${id}`;
  const isSending = desk.isSending(path);
  const title = group ? `${word(group)}: ${word(name)}` : word(name);
  const state = isSoldOut ? t('sheet.sold_out.is') : inOrders > 0 ? t('sheet.sold_out.in', { count: inOrders }) : '';
  return html`<div class="row"><span class="grow"><b><span dir="auto">${title}</span></b>${state ? html`<small>${state}</small>` : nothing}</span>
    <button class="sw" role="switch" aria-checked=${isSending ? !isSoldOut : isSoldOut} aria-busy=${isSending}
      aria-label=${t('sheet.sold_out.switch', { item: title })}
      @click=${() => desk.put(path, { sold_out: !isSoldOut })}></button></div>`;
}

/** @param {Entry} entry @param {string} query */
function isFound({ name, group }, query) {
  const wanted = query.trim().toLowerCase();
  const texts = [name.en, name.ko, group?.en ?? '', group?.ko ?? ''];
  return wanted === '' || texts.some((text) => text.toLowerCase().includes(wanted));
}
