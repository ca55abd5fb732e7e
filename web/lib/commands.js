/** Sends what staff tapped to the counter, once for each call, and says what became of it. */

/** How long an answer may take: the counter itself waits 5 s for one. */
const ANSWER_MS = 8_000;

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
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), ANSWER_MS);
  try {
    const response = await fetch(`/orders/${encodeURIComponent(tap.order)}/commands`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Brewline-As': 'staff', 'Idempotency-Key': tap.id },
      body: JSON.stringify(tap.body),
      keepalive: true,
      signal: abort.signal,
    });
    return outcomeOf(response.status, await response.json(), Number(response.headers.get('retry-after')) * 1_000);
  } catch {
    return { is: 'kept', why: 'offline' };
  } finally {
    clearTimeout(timer);
  }
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
  if (status === 200) return { is: 'done', order: body };
  if (status === 202) return { is: 'kept', why: 'undecided', ...waitMs };
  if (status === 401) return { is: 'kept', why: 'signed_out' };
  // Without an id it was not written, and somebody else makes this order.
  if (body?.code === 'no_barista' && body.command_id) return { is: 'kept', why: 'undecided', ...waitMs };
  // An answer that is not the counter's, as a hotel's login page, says nothing of the tap.
  if (status === 429 || status >= 500 || typeof body?.code !== 'string') return { is: 'kept', why: 'busy', ...waitMs };
  return { is: 'lost', code: body.code, order: body.order };
}
