/** The story of one order, and the days that were. */

import { html, nothing } from '../vendor/lit-html.js';
import * as i18n from './i18n.js';
import { seconds, share } from './ledger-format.js';
import { dayText, nameOf } from './ledger-model.js';
import { story as tell } from './ledger-timeline.js';
import { symbol } from './pager-parts.js';

const { t } = i18n;

/**
 * @typedef {import('./ledger-model.js').Model} Model
 * @typedef {import('./ledger-model.js').Acts} Acts
 * @typedef {import('./ledger-model.js').Day} Day
 */

/** The story that is read, in the language of the page. @param {Model} model */
export function lines({ story, row, at, shop }) {
  const words = {
    t: i18n.t,
    word: i18n.word,
    time: (/** @type {number} */ ms) => i18n.time(ms, shop.timeZone),
    seconds: (/** @type {number} */ ms) => seconds(ms, i18n.language),
  };
  const about = { ...(row?.channel && { channel: row.channel }), ...(row?.promised && { promised: row.promised }) };
  return tell(story.decisions, about, words, at ?? Infinity, story.accepted);
}

/** @param {Model} model @param {Acts} acts */
export function story(model, acts) {
  const { selected, row } = model;
  if (!selected) return html`<section class="p ev" id="story" aria-label=${t('ledger.story')}><p class="none">${t('ledger.story_choose')}</p></section>`;
  const name = row ? nameOf(row) : nameOf({ order_id: selected });
  const copied = model.copied === '' ? nothing : t(model.copied === 'done' ? 'ledger.copied' : 'ledger.copy_failed');
  return html`<section class="p ev" id="story" aria-label=${t('ledger.story')}>
    <h2 tabindex="-1">${row?.code ? symbol(row.code.symbol) : nothing}<span class="grow">${name}</span>
      <span class="copied" role="status">${copied}</span>
      <button class="quiet" ?disabled=${model.story.got !== 'here'} @click=${acts.copy}>${t('ledger.copy')}</button></h2>
    ${told(model, acts)}
  </section>`;
}

/** @param {Model} model @param {Acts} acts */
function told(model, acts) {
  const { got, partition, isCarriedOver, mark } = model.story;
  if (got === 'gone') return html`<p class="none">${t('ledger.story_removed')}</p>`;
  if (got === 'none') return html`<p class="none">${t('ledger.story_none')}</p>`;
  if (got === 'failed') {
    return html`<div class="none" role="alert"><p>${t('ledger.story_failed')}</p><button class="quiet" @click=${acts.again}>${t('ledger.again')}</button></div>`;
  }
  const all = lines(model);
  if (got === 'here' && all.length === 0) return html`<p class="none">${t('ledger.story_not_yet')}</p>`;
  return html`${isCarriedOver ? html`<p class="none">${t('ledger.story_carried_over')}</p>` : nothing}
    <ol aria-busy=${got === 'loading'}>${all.map(({ at, topic, offset, text, tone }) => html`<li class="${tone} ${offset === mark ? 'mark' : ''}"
      aria-current=${offset === mark ? 'true' : nothing}>
      <time>${i18n.timeWithSeconds(at, model.shop.timeZone)}</time><i></i>
      <span dir="auto">${tone === 'ready' ? html`<b>${text}</b>` : text}</span><span class="seq">${topic === 'order.event' ? t('ledger.offset', { offset }) : t('ledger.place', { topic, partition, offset })}</span>
    </li>`)}</ol>`;
}

const COLUMNS = /** @type {const} */ (['date', 'orders', 'drinks', 'remakes', 'uncollected', 'cancelled', 'promise', 'balance', 'export']);

/** @param {Model} model @param {Acts} acts */
export function days(model, acts) {
  const today = todayOf(model);
  const all = today ? [today, ...model.days.filter(({ date }) => date !== today.date)] : model.days;
  return html`<section class="p ds" aria-labelledby="days">
    <h2 id="days">${t('ledger.days')}</h2>
    ${all.length === 0
      ? html`<p class="none">${t('ledger.days_none')}</p>`
      : html`<div class="list" tabindex="0" role="group" aria-labelledby="days"><table>
          <thead><tr>${COLUMNS.map((column) => html`<th scope="col">${t(`ledger.day.${column}`)}</th>`)}</tr></thead>
          <tbody>${all.map((day) => oneDay(model, day, acts))}</tbody></table></div>`}
  </section>`;
}

/** The day that goes on: its balance is not written yet. @param {Model} model @returns {Day | null} */
function todayOf({ news: { value } }) {
  if (!value?.day) return null;
  const { day, orders, drinks, remakes, uncollected, cancelled, promise, holds } = value;
  return { ...day, orders, drinks, remakes, uncollected, cancelled, promise, holds };
}

/** @param {Model} model @param {Day} day @param {Acts} acts */
function oneDay({ now }, day, acts) {
  const name = dayText(day.date);
  const isToday = now < day.to;
  const counted = (/** @type {number | undefined} */ count) => html`<td>${count ?? t('ledger.none')}</td>`;
  const kept = day.promise?.total ? share(day.promise.inside, day.promise.total) : undefined;
  const file = (/** @type {'csv' | 'jsonl'} */ format) => html`<a class="button" download
    href=${`/ledger/export?format=${format}&day=${day.date}`} aria-label=${t('ledger.do_for', { what: t(`ledger.day.${format}`), code: name })}>${t(`ledger.day.${format}`)}</a>`;
  return html`<tr>
    <th scope="row"><button class="name" aria-label=${t('ledger.day.show_of', { day: name })}
      @click=${() => acts.look(isToday ? null : day.to - 1)}>${name}</button></th>
    ${counted(day.orders)}${counted(day.drinks)}${counted(day.remakes)}${counted(day.uncollected)}${counted(day.cancelled)}
    <td>${kept === undefined ? t('ledger.none') : t('ledger.percent', { count: kept })}</td>
    <td class=${day.holds ? '' : 'lt'}>${isToday && day.holds ? t('ledger.day.today') : t(day.holds ? 'ledger.day.holds' : 'ledger.day.broken')}</td>
    <td class="files">${file('csv')}${file('jsonl')}<button @click=${() => acts.print(day)} aria-label=${t('ledger.do_for', { what: t('ledger.print'), code: name })}>${t('ledger.print')}</button></td>
  </tr>`;
}
