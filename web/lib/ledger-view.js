/** The page of the ledger as HTML, from what is known. Nothing here decides anything. */

import { html, nothing } from '../vendor/lit-html.js';
import * as i18n from './i18n.js';
import { spanOf } from './ledger-clock.js';
import { header, timeMachine } from './ledger-head.js';
import { orders } from './ledger-orders.js';
import { days, story } from './ledger-story.js';
import { chart, equation, needs, percentiles } from './ledger-sums.js';

const { t } = i18n;

/**
 * @typedef {import('./ledger-model.js').Model} Model
 * @typedef {import('./ledger-model.js').Acts} Acts
 */

/** @param {Model} model @param {Acts} acts */
export function view(model, acts) {
  return html`${header(model, acts)}<main aria-busy=${model.shown === null}>${model.kept ? keptOut(model, acts) : main(model, acts)}</main>`;
}

/** @param {Model} model @param {Acts} acts */
function main(model, acts) {
  const { at, got } = model;
  // What is so now is there to choose another moment from.
  const shown = model.shown ?? (got === 'loading' ? null : model.news.value);
  if (shown === null) return at !== null && got !== 'loading' ? trouble(model, acts) : bones(model);
  const span = spanOf(model.whole ?? shown, model.now);
  // What could not be rebuilt is not what stands there from before.
  const isHere = at === null || got === 'here' || got === 'loading';
  return html`${timeMachine(model, span, acts)}
    ${isHere ? equation(model, shown, acts) : trouble(model, acts)}
    ${isHere ? html`${needs(model, shown, acts)}${chart(model, shown)}${percentiles(shown)}${orders(model, acts)}${story(model, acts)}` : nothing}
    ${days(model, acts)}${printed(model)}`;
}

/** On paper: whose sheet it is, and of when. @param {Model} model */
function printed({ shop, shown, at, now }) {
  const day = i18n.dayOfWeek(shown?.at ?? at ?? now, shop.timeZone);
  return html`<div class="sheet"><h2>${t('ledger.sheet')}</h2><p>${[i18n.word(shop.name), day].filter(Boolean).join(' · ')}</p>
    <p>${t('ledger.sheet.printed', { day: i18n.dayOfWeek(now, shop.timeZone), time: i18n.time(now, shop.timeZone) })}</p></div>`;
}

/** @param {Model} model @param {Acts} acts */
function trouble({ got }, acts) {
  const isGone = got === 'gone';
  return html`<section class="p eq trouble" role="alert">
    <div><h2>${t(isGone ? 'ledger.gone' : 'ledger.failed')}</h2>${isGone ? html`<p>${t('ledger.gone_why')}</p>` : nothing}</div>
    ${isGone
      ? html`<button class="quiet" @click=${() => acts.look(null)}>${t('ledger.back_now')}</button>`
      : html`<button class="quiet" @click=${acts.again}>${t('ledger.again')}</button>`}
  </section>`;
}

/** @param {Model} model @param {Acts} acts */
function keptOut({ kept }, acts) {
  const why = kept === 'managers_only' ? 'managers_only' : 'signed_out';
  return html`<section class="p kept"><h2>${t(`ledger.${why}`)}</h2><p>${t(`ledger.${why}_why`)}</p>
    <button class="primary" @click=${acts.signIn}>${t('ledger.sign_in')}</button></section>`;
}

/** Lines where text will be. @param {Model} model */
function bones({ news, slow }) {
  const says = news.status === 'starting' ? 'ledger.starting' : slow ? 'common.loading' : null;
  return html`${['time', 'eq', 'al', 'ch', 'pt', 'or', 'ev'].map((name) => html`<div class="p bones ${name}" aria-hidden="true"><i></i><i></i></div>`)}
    <p class="says muted" role="status">${says ? t(says) : nothing}</p>`;
}
