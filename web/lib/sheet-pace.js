/** How busy it is, and a pause: what phones are promised, and whether they may order. */

import { html, nothing } from '../vendor/lit-html.js';
import * as i18n from './i18n.js';
import { failed } from './sheet-parts.js';
import { BUSY_MINUTES, paceOf, PAUSE_MINUTES, reopensAt } from './sheet-state.js';

const { t } = i18n;

/** @typedef {import('./sheet-parts.js').Desk} Desk */

export const Busy = {
  title: () => t('sheet.busy'),

  /** @param {Desk} desk */
  body(desk) {
    const now = desk.shop?.busy_minutes ?? 0;
    const choose = (/** @type {number} */ minutes) => desk.put('/shop/pace', { busy_minutes: minutes });
    return html`<p class="what">${t('sheet.busy.what')}</p>
      ${failed(desk)}
      <div class="choices" role="group" aria-label=${t('sheet.busy')}>
        ${[0, ...BUSY_MINUTES].map(
          (minutes) => html`<button class="quiet" aria-pressed=${now === minutes} @click=${() => choose(minutes)}>
            ${minutes === 0 ? t('sheet.pace.normal') : t('sheet.busy.more', { count: minutes })}</button>`,
        )}
      </div>`;
  },
};

export const Pause = {
  title: () => t('sheet.pause'),

  /** @param {Desk} desk */
  body(desk) {
    const { bar, shop, put } = desk;
    const now = bar.now();
    const isPaused = paceOf(shop) === 'paused';
    const time = (/** @type {number} */ at) => i18n.time(at, bar.timeZone);
    const pause = (/** @type {number | null} */ until) => put('/shop/pause', { until });
    const is = shop?.reopens_at ? t('sheet.pause.until', { time: time(shop.reopens_at) }) : t('sheet.pause.open_end');
    return html`<p class="what">${t('sheet.pause.what')}</p>
      ${failed(desk)}
      ${isPaused
        ? html`<p class="now"><strong>${is}</strong>
            <button class="primary" @click=${() => put('/shop/pause', { paused: false })}>${t('sheet.pause.end')}</button></p>`
        : nothing}
      ${shop?.ordering === 'paused' && shop.reason === 'wait' ? html`<p class="what">${t('sheet.pause.wait')}</p>` : nothing}
      ${Number.isNaN(now)
        ? nothing
        : html`<h3>${t(isPaused ? 'sheet.pause.change' : 'sheet.pause.when')}</h3>
            <div class="choices" role="group" aria-label=${t('sheet.pause.when')}>
              ${PAUSE_MINUTES.map((minutes) => {
                const until = reopensAt(now, minutes);
                return html`<button class="quiet" @click=${() => pause(until)}>
                  ${i18n.minutes(minutes, minutes)}<small>${t('sheet.pause.at', { time: time(until) })}</small></button>`;
              })}
              <button class="quiet wide" @click=${() => pause(null)}>${t('sheet.pause.none')}</button>
            </div>`}`;
  },
};

/**
 * The head's end: normal, busy, or paused.
 * @param {Desk} desk
 * @param {(name: string) => void} open
 */
export function pace(desk, open) {
  const { shop, put } = desk;
  const is = paceOf(shop);
  const busy = shop?.busy_minutes > 0 ? shop.busy_minutes : BUSY_MINUTES[0];
  const normal = () => {
    if (is === 'paused') put('/shop/pause', { paused: false });
    if (shop?.busy_minutes > 0) put('/shop/pace', { busy_minutes: 0 });
  };
  const later = () => {
    // One tap is enough; how much later can be chosen then.
    if (is === 'normal') put('/shop/pace', { busy_minutes: busy });
    open('busy');
  };
  return html`<div class="pace" role="group" aria-label=${t('sheet.pace')}>
    <button aria-pressed=${is === 'normal'} @click=${normal}>${t('sheet.pace.normal')}</button>
    <button aria-pressed=${is === 'busy'} @click=${later} aria-haspopup="dialog">${t('sheet.pace.busy', { count: busy ?? 5 })}</button>
    <button aria-pressed=${is === 'paused'} @click=${() => open('pause')} aria-haspopup="dialog">${t('sheet.pace.pause')}</button>
  </div>`;
}
