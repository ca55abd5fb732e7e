/** Sends what staff tapped to the counter, once for each call, and says what became of it. */

import { fetchStaff } from './staff.js';

/**
 * @typedef {import('./taps.js').Tap} Tap
 * @typedef {import('./taps.js').Outcome} Outcome
 */

/**
 * One try; never throws.
 * @param {Tap} tap
 * @returns {Promise<Outcome>}
 */
export async function sendCommand(tap) {
  // Where there is no network it can't have arrived, and can still be taken back.
  if (navigator.onLine === false) return { is: 'kept', why: 'offline', isUnsent: true };
  const path = `/orders/${encodeURIComponent(tap.order)}/commands`;
  const { status, body, retryMs } = await fetchStaff(path, { method: 'POST', body: tap.body, headers: { 'idempotency-key': tap.id } });
  const outcome = outcomeOf(status, body, retryMs);
  return outcome.is === 'lost' && isAsMeant(tap, outcome.order) ? { is: 'done', order: outcome.order } : outcome;
}

/** What an order is after a command, whoever gave it. */
const AFTER = new Map([['start', 'making'], ['ready', 'ready'], ['collect', 'collected'], ['cancel', 'cancelled']]);

/**
 * Whether somebody else did the same: then there is nothing to be told.
 * @param {Pick<Tap, 'command' | 'body'>} tap
 * @param {any} order as it is instead
 */
export function isAsMeant({ command, body }, order) {
  return order !== undefined && order.state === AFTER.get(command) && order.round === body.round;
}

/**
 * What an answer of the counter means for a command.
 * @param {number} status
 * @param {any} body JSON
 * @param {number} [retryMs] when to come again, if it says so
 * @returns {Outcome}
 */
export function outcomeOf(status, body, retryMs = 0) {
  const waitMs = retryMs > 0 ? { waitMs: retryMs } : {};
  if (status === 0) return { is: 'kept', why: 'offline' };
  if (status === 200) return { is: 'done', order: body };
  if (status === 202) return { is: 'kept', why: 'undecided', ...waitMs };
  if (status === 401) return { is: 'kept', why: 'signed_out' };
  // Without an id it was not written, and somebody else makes this order.
  if (body?.code === 'no_barista' && body.command_id) return { is: 'kept', why: 'undecided', ...waitMs };
  // An answer that is not the counter's, as a hotel's login page, says nothing of the tap.
  if (status === 429 || status >= 500 || typeof body?.code !== 'string') return { is: 'kept', why: 'busy', ...waitMs };
  return { is: 'lost', code: body.code, order: body.order };
}
