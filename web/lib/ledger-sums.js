/** What the ledger says of all orders together: the equation, who is needed, the chart, how long things take. */

import { html, nothing, svg } from '../vendor/lit-html.js';
import * as i18n from './i18n.js';
import * as icons from './icons.js';
import { layOut } from './ledger-chart.js';
import { helpFor, terms } from './ledger-equation.js';
import { seconds, share, stopwatch } from './ledger-format.js';
import { ageText, dayText, nameOf, waitText } from './ledger-model.js';
import { symbol } from './pager-parts.js';

const { t } = i18n;

/**
 * @typedef {import('./ledger-model.js').Model} Model
 * @typedef {import('./ledger-model.js').Acts} Acts
 * @typedef {import('./ledger-model.js').Ledger} Ledger
 * @typedef {import('./ledger-model.js').Need} Need
 * @typedef {import('./ledger-equation.js').Fault} Fault
 * @typedef {import('./ledger-equation.js').Action} Action
 */

/** Faults and needs that are shown at once: more than that are no longer read one by one. */
const FAULTS = 20;
const NAMED = 2;
const NEEDS = 20;
/** What is typed where the line runs. */
const COMMANDS = { open_dlq: 'brewline dlq list', check_barista: 'brewline up' };
/** The room of the chart, in the units of its drawing. */
const [WIDTH, HEIGHT] = [400, 150];

/** @param {Model} model @param {Ledger} ledger @param {Acts} acts */
export function equation(model, ledger, acts) {
  const { left, right } = terms(ledger.equation);
  const term = (/** @type {import('./ledger-equation.js').Term} */ { key, count }) =>
    html`<div><b>${count}</b> <span>${t(key, { count })}</span></div>`;
  const sum = (/** @type {import('./ledger-equation.js').Term[]} */ terms) =>
    terms.map((one, i) => html`${i > 0 ? html`<span class="op">+</span>` : nothing}${term(one)}`);
  return html`<section class="p eq ${ledger.holds ? '' : 'bad'}" aria-label=${t('ledger.equation')}>
    <div class="sum">${sum(left)}<span class="op">${ledger.holds ? '=' : '≠'}</span>${sum(right)}</div>
    ${ledger.holds ? balanced(model, ledger) : broken(ledger, acts)}
    ${!ledger.holds && ledger.faults.length > 1 ? faults(ledger.faults, acts) : nothing}
  </section>`;
}

/** @param {Model} model @param {Ledger} ledger */
function balanced({ at, news, shop }, ledger) {
  const isClaim = at !== null || news.status === 'live';
  const { events, began } = ledger;
  const beganAt = began?.at ?? null;
  const counted = at === null ? t('ledger.recounted', { events, age: ageText(news.ageMs) }) : t('ledger.rebuilt', { events });
  const from = beganAt === null ? '' : t(began?.why === 'balance' ? 'ledger.began.balance' : 'ledger.began.log', {
    day: began?.date ? dayText(began.date) : i18n.dayOfWeek(beganAt, shop.timeZone),
    time: i18n.time(beganAt, shop.timeZone),
  });
  return html`<div class="ok ${isClaim ? '' : 'stale'}">
    <strong>${icons.check()}${t(isClaim ? 'ledger.balanced' : 'ledger.balanced_then')}</strong>
    <p>${counted}</p>${from ? html`<p>${from}</p>` : nothing}
  </div>`;
}

/** @param {Ledger} ledger @param {Acts} acts */
function broken({ faults, faults_total }, acts) {
  const names = [...new Set(faults.map(faultName))];
  const named = names.slice(0, NAMED).join(', ');
  // Of those that are not listed nobody knows whether they are of the same orders.
  const count = names.length + faults_total - faults.length;
  const codes = count > NAMED ? t('ledger.broken_more', { codes: named, count: count - NAMED }) : named;
  const first = faults[0];
  return html`<div class="ok">
    <strong>${icons.warning()}<span>${names.length ? t('ledger.broken', { count, codes }) : t('ledger.broken_sum')}</span></strong>
    ${first ? html`<p>${faultText(first)}</p>` : nothing}
    ${first?.order_id ? html`<button @click=${() => acts.select(first.order_id ?? '', lastEvent(first))}>${t('ledger.show_last')}</button>` : nothing}
  </div>`;
}

/** @param {Fault[]} faults @param {Acts} acts */
function faults(faults, acts) {
  return html`<ul class="faults" aria-label=${t('ledger.faults')}>${faults.slice(0, FAULTS).map(
    (fault) => html`<li><span class="grow">${t('ledger.fault_says', { code: faultName(fault), what: faultText(fault) })}</span>
      ${fault.order_id
        ? html`<button aria-label=${t('ledger.do_for', { what: t('ledger.show_last'), code: faultName(fault) })}
            @click=${() => acts.select(fault.order_id ?? '', lastEvent(fault))}>${t('ledger.show_last')}</button>`
        : nothing}</li>`,
  )}</ul>`;
}

/** Its offset among what is told of the order: a bell is not. @param {Fault} fault */
function lastEvent({ topic, offset }) {
  return topic === 'order.event' || topic === 'order.received' ? offset : null;
}

/** @param {Fault} fault */
function faultName({ code, order_id, topic, partition, offset }) {
  if (order_id) return nameOf({ code, order_id });
  return t('ledger.place', { topic: topic ?? '', partition: partition ?? 0, offset: offset ?? 0 });
}

const FAULT_KINDS = /** @type {const} */ ([
  'never_accepted', 'passed_over', 'gap', 'not_announced', 'announced', 'dead_letter_of_nothing', 'not_dead_lettered', 'unreadable',
]);

/** @param {Fault} fault */
function faultText({ kind, text }) {
  const known = FAULT_KINDS.find((name) => name === kind);
  return known ? t(`ledger.fault.${known}`) : text;
}

/** @param {Model} model @param {Ledger} ledger @param {Acts} acts */
export function needs(model, ledger, acts) {
  const { needs, needs_total: count } = ledger;
  return html`<section class="p al" aria-labelledby="needs">
    <h2 id="needs">${t('ledger.needs')} ${count ? html`<span class="cnt">${count}</span>` : nothing}</h2>
    ${needs.length
      ? html`<ul>${needs.slice(0, NEEDS).map((need) => one(model, need, acts))}</ul>`
      : html`<p class="none">${t('ledger.needs_none')}</p>`}
    ${count > NEEDS ? html`<p>${t('ledger.needs_more', { count: count - NEEDS })}</p>` : nothing}
    <p class="muted means">${t('ledger.stuck_means')}</p>
  </section>`;
}

/** @param {Model} model @param {Need} need @param {Acts} acts */
function one(model, need, acts) {
  const { says, action } = helpFor(need);
  const { order_id: id = '', code } = need;
  const name = id ? nameOf(need) : '';
  const age = waitText((model.at ?? model.now) - need.since);
  const helped = id ? model.helped.get(id) : undefined;
  const title = html`${code ? symbol(code.symbol) : nothing}<span>${name}</span>`;
  return html`<li>
    <div class="grow">
      ${id ? html`<button class="name" @click=${() => acts.select(id)}>${title}</button>` : nothing}
      <span class="why">${t(says, { age })}</span>
      <span class="helped" role="status">${helped ? t(`ledger.done.${helped}`) : nothing}</span>
    </div>
    ${model.at === null && action !== null ? help(model, need, action, name, acts) : nothing}
  </li>`;
}

/** The one thing that helps; in the past there is nothing to be done. @param {Model} model @param {Need} need @param {Action} action @param {string} name @param {Acts} acts */
function help(model, need, action, name, acts) {
  if (action === 'open_dlq' || action === 'check_barista') {
    // It is done where the line runs.
    if (model.told.has(need.kind)) return html`<p class="how">${t(`ledger.how.${action}`)} <code>${COMMANDS[action]}</code></p>`;
    return html`<button class="quiet" aria-expanded="false" @click=${() => acts.help(need, action)}>${t('ledger.do.how')}</button>`;
  }
  const isBusy = model.helped.get(need.order_id ?? '') === 'sending' || model.news.status !== 'live';
  return html`<button class="quiet" ?disabled=${isBusy} aria-label=${t('ledger.do_for', { what: t(`ledger.do.${action}`), code: name })}
    @click=${() => acts.help(need, action)}>${t(`ledger.do.${action}`)}</button>`;
}

/** @param {Model} model @param {Ledger} ledger */
export function chart({ whole, shop, at }, ledger) {
  const { bars, line, grid, marks } = layOut(ledger.chart, at === null ? [] : (whole?.chart ?? []), { width: WIDTH, height: HEIGHT }, shop.timeZone);
  const label = (/** @type {number} */ at) => i18n.time(at, shop.timeZone);
  return html`<section class="p ch" aria-labelledby="chart">
    <h2 id="chart"><span class="grow">${t('ledger.chart')}</span>
      <span class="muted key" aria-hidden="true"><i class="bar"></i>${t('ledger.chart_new')} <i class="line"></i>${t('ledger.chart_open')}</span></h2>
    ${bars.length === 0 ? html`<p class="none">${t('ledger.chart_none')}</p>` : nothing}
    <svg viewBox="0 -8 424 182" preserveAspectRatio="xMinYMid" aria-hidden="true">
      ${grid.map(({ y, count }) => svg`<line class="grid" x1="0" x2=${WIDTH} y1=${y} y2=${y}/><text x=${WIDTH + 6} y=${y + 4}>${count}</text>`)}
      ${bars.map(({ x, y, width, height, isGhost }) => svg`<rect class=${isGhost ? 'ghost' : ''} x=${x} y=${y} width=${width} height=${height} rx=${Math.min(1.5, width / 4)}/>`)}
      <polyline points=${line}/>
      ${marks.map(({ x, at }) => svg`<text x=${x} y=${HEIGHT + 20}>${label(at)}</text>`)}
    </svg>
    <div class="vh"><table><caption>${t('ledger.chart_label')}</caption>
      <thead><tr><th>${t('ledger.chart_time')}</th><th>${t('ledger.chart_new')}</th><th>${t('ledger.chart_open')}</th></tr></thead>
      <tbody>${ledger.chart.map((bucket) => html`<tr><th scope="row">${label(bucket.at)}</th><td>${bucket.new}</td><td>${bucket.open}</td></tr>`)}</tbody>
    </table></div>
  </section>`;
}

const MEASURES = /** @type {const} */ (['order_to_ready', 'ready_to_collected', 'ready_to_phone']);

/** @param {Ledger} ledger */
export function percentiles({ percentiles, promise }) {
  // A phone rings within seconds, people take minutes.
  const shown = (/** @type {string} */ measure, /** @type {number | undefined} */ ms) => {
    if (ms === undefined) return t('ledger.none');
    return measure === 'ready_to_phone' && ms < 60_000 ? t('ledger.seconds', { seconds: seconds(ms, i18n.language) }) : stopwatch(ms);
  };
  return html`<section class="p pt" aria-label=${t('ledger.within')}>
    <table><thead><tr><th scope="col">${t('ledger.within')}</th>${[50, 90, 99].map((count) => html`<th scope="col">${t('ledger.percent', { count })}</th>`)}</tr></thead>
      <tbody>${MEASURES.map((measure) => html`<tr><th scope="row">${t(`ledger.within.${measure}`)}</th>
        ${[0, 1, 2].map((i) => html`<td>${shown(measure, percentiles[measure]?.[i])}</td>`)}</tr>`)}</tbody></table>
    ${promiseKept(promise)}
  </section>`;
}

/** @param {Ledger['promise']} promise */
function promiseKept({ inside, early, late, total, worst_late_ms: worst }) {
  if (total === 0) return html`<div class="eta"><p class="none">${t('ledger.promise.none')}</p></div>`;
  const part = (/** @type {string} */ name, /** @type {number} */ count) =>
    count === 0 ? nothing : html`<i class=${name} .style=${`flex-grow:${count}`}></i>`;
  return html`<div class="eta">
    <p><b>${t('ledger.percent', { count: share(inside, total) })}</b> <span>${t('ledger.promise.inside', { inside, total })}</span></p>
    <div class="etab" aria-hidden="true">${part('e1', early)}${part('e2', inside)}${part('e3', late)}</div>
    <p class="key"><span>${t('ledger.promise.early', { count: early })}</span>
      <span>${late === 0 ? t('ledger.promise.late_none') : t('ledger.promise.late', { count: late, worst: stopwatch(worst) })}</span></p>
  </div>`;
}
