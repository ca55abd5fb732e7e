/** What the bar says in sentences: how old something is, what became of a tap, what somebody hears. */

import * as i18n from './i18n.js';
import { calledText } from './pager-parts.js';
import { drinks } from './bar-ticket.js';

const { t } = i18n;

/**
 * @typedef {import('./orders.js').Order} Order
 * @typedef {import('./i18n.js').MessageKey} MessageKey
 */

/** `14 s`, `3 min`, `2 h`. @param {number} ms */
export function span(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 100) return t('bar.seconds', { count: seconds });
  if (seconds < 6_000) return t('bar.minutes', { count: Math.floor(seconds / 60) });
  return t('bar.hours', { count: Math.floor(seconds / 3_600) });
}

/** What a tap asked for. @param {string} command */
export function commandText(command) {
  return t(/** @type {MessageKey} */ (`bar.command.${KNOWN.has(command) ? command : 'note'}`));
}

const KNOWN = new Set(['start', 'ready', 'recall', 'collect', 'uncollect', 'cancel', 'accept', 'tick', 'untick', 'note']);

/**
 * What happened to a tap that lost.
 * @param {import('./taps.js').Lost} lost
 * @param {string} who the device that was faster, if anyone knows
 */
export function lostText({ tap, code, order }, who) {
  const is = why(code, order);
  const now = who ? t('bar.lost.by', { who, now: is }) : is;
  return t('bar.lost', { code: tap.label, command: commandText(tap.command), now });
}

/** @param {string} code @param {Order | undefined} order */
function why(code, order) {
  if (code === 'unknown_order') return t('bar.lost.unknown');
  if (code === 'no_barista') return t('bar.lost.elsewhere');
  if (code === 'unpaid') return t('bar.lost.unpaid');
  if (code === 'changed' || code === 'wrong_state') return order ? t(/** @type {MessageKey} */ (`bar.is.${order.state}`)) : t('bar.gone.over');
  return t('bar.lost.refused', { reason: code });
}

/** As one says it. @param {Order} order */
export function called(order) {
  return order.code ? calledText(order, i18n.language) : t('bar.no_code');
}

/** @param {Order} order */
export function newOrder(order) {
  return t('bar.announce.new', { code: called(order), drinks: t('bar.drinks', { count: drinks(order) }) });
}
