/**
 * How the printer of slips and tickets is, and having something printed once more. For pages that follow all live orders:
 *
 *     const { printer } = news.value;        // of `followOrders`; undefined where there is no printer
 *     printerNotice(printer)                 // nothing while it prints; else what is wrong, and how many wait
 *     printerBadge(printer)                  // the same in two words, for the bar's head
 *     await reprint(order.order_id, 'ticket') // or 'slip'; '' if it is taken, else the sentence to show
 */

import { html, nothing } from '../vendor/lit-html.js';
import { t } from './i18n.js';
import { fetchStaff } from './staff.js';

/** @typedef {{state: 'ok' | 'offline' | 'no_paper' | 'cover_open', waiting: number, since: number}} Printer */

/** @param {Printer | undefined} printer */
export function printerText(printer) {
  if (!printer || printer.state === 'ok') return '';
  const is = t(`till.printer_${printer.state}`);
  return printer.waiting > 0 ? `${is} ${t('till.printer_waiting', { count: printer.waiting })}` : is;
}

/** @param {Printer | undefined} printer */
export function printerNotice(printer) {
  const text = printerText(printer);
  return text ? html`<p class="printer" role="status">${icon()}${text}</p>` : nothing;
}

/** @param {Printer | undefined} printer */
export function printerBadge(printer) {
  if (!printer || printer.state === 'ok') return nothing;
  return html`<span class="hb printer" role="status">${icon()}<b aria-hidden="true">${t(`till.printer_short_${printer.state}`)}</b>${
    printer.waiting > 0 ? html`<i aria-hidden="true">${printer.waiting}</i>` : nothing}<span class="vh">${printerText(printer)}</span></span>`;
}

function icon() {
  return html`<svg class="ic" viewBox="0 0 24 24" aria-hidden="true"><path d="M7 9V3h10v6M7 17H4v-7h16v7h-3M7 14h10v7H7zM3 3l18 18"/></svg>`;
}

/**
 * @param {string} id of the order
 * @param {'ticket' | 'slip'} what
 * @returns {Promise<string>}
 */
export async function reprint(id, what) {
  const answer = await fetchStaff(`/orders/${encodeURIComponent(id)}/print`, { method: 'POST', body: { what } });
  if (answer.ok) return '';
  if (answer.code === 'no_printer') return t('till.printer_none');
  return t(answer.status === 0 ? 'till.printer_unreached' : 'till.printer_refused');
}
