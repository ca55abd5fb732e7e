/** What is still to be paid of an order, for whoever takes the money. */

import * as i18n from './i18n.js';

/** @param {import('./orders.js').Order} order */
export function toPay({ total, currency }) {
  if (total === undefined || currency === undefined) return i18n.t('sheet.to_pay');
  return i18n.t('sheet.to_pay_amount', { amount: i18n.price(total, currency) });
}
