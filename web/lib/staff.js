/**
 * What staff's pages share: which device this is and what it may do, requests as staff, and word of it when the session is
 * over. None of it throws.
 */

import { keep, kept } from './kept.js';

/** @typedef {'barista' | 'manager'} StaffRole */
/** @typedef {{id?: string, device?: string, role: StaffRole, expires_at?: number}} Session */
/**
 * What the counter answered.
 *
 * - `status`: as in HTTP; 0 if no answer came
 * - `body`: what was in it, if that was JSON
 * - `code`: of a problem, as `docs/errors.md` explains it; '' if there was none
 * - `retryMs`: when it is worth asking again; 0 if it did not say
 *
 * @typedef {{ok: boolean, status: number, body: any, code: string, retryMs: number}} Answer
 */

/** How long an answer may take: the counter itself waits 5 s for one. */
const ANSWER_MS = 8_000;
/** A page that stays open says so often enough that the device stays signed in. */
const COME_BACK_MS = 6 * 60 * 60 * 1_000;
const NAME_STORED_AS = 'brewline.device-name';

/** @type {Promise<Session | null | undefined> | undefined} */
let asked;
/** @type {Session | null | undefined} */
let known;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
/** @type {Set<() => void>} */
const whenOut = new Set();
/** @type {Set<(session: Session) => void>} */
const whenIn = new Set();

/**
 * Who is signed in on this device; `null`: nobody, `undefined`: nobody could say. Asked once, unless it is to be asked
 * again.
 * @param {{again?: boolean}} [options]
 * @returns {Promise<Session | null | undefined>}
 */
export function session({ again = false } = {}) {
  if (asked === undefined || again) asked = askSession();
  return asked;
}

async function askSession() {
  clearTimeout(timer);
  timer = setTimeout(() => session({ again: true }), COME_BACK_MS);
  const answer = await fetchStaff('/session');
  if (answer.ok) return take(answer.body);
  if (answer.status === 401) return null;
  asked = undefined;
  return known;
}

/** @param {Session} session */
function take(session) {
  const isNew = known === null || known?.id !== session.id;
  known = session;
  asked = Promise.resolve(session);
  keep(NAME_STORED_AS, session.device ?? '');
  if (isNew) for (const listener of whenIn) listener(session);
  return session;
}

/** What this device is called in what it does; '' if nobody is signed in, or nobody has asked yet. */
export function deviceName() {
  return known?.device ?? '';
}

/** What it was called when somebody was last signed in here. */
export function lastDeviceName() {
  return kept(NAME_STORED_AS) ?? '';
}

/**
 * Calls back when a request was refused because nobody is signed in here any more, once each time that becomes so. What
 * it returns ends that.
 * @param {() => void} listener
 */
export function onSignedOut(listener) {
  whenOut.add(listener);
  return () => whenOut.delete(listener);
}

/**
 * Calls back when somebody has signed in here, after nobody was: streams are worth opening again.
 * @param {(session: Session) => void} listener
 */
export function onSignedIn(listener) {
  whenIn.add(listener);
  return () => whenIn.delete(listener);
}

/**
 * Asks the counter as staff. A body that is no text is sent as JSON.
 * @param {string} path
 * @param {{method?: string, body?: unknown, headers?: Record<string, string>, timeoutMs?: number, signal?: AbortSignal}} [init]
 * @returns {Promise<Answer>}
 */
export async function fetchStaff(path, { method = 'GET', body, headers = {}, timeoutMs = ANSWER_MS, signal } = {}) {
  // Not `AbortSignal.timeout`: older tablets have none.
  const cut = new AbortController();
  const late = setTimeout(() => cut.abort(), timeoutMs);
  const stop = () => cut.abort();
  if (signal?.aborted) cut.abort();
  signal?.addEventListener('abort', stop);
  try {
    const response = await fetch(path, {
      method,
      headers: {
        // Where customers ask, too, the session counts only with this.
        'brewline-as': 'staff',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      cache: 'no-store',
      signal: cut.signal,
    });
    const answer = await read(response);
    if (answer.status === 401) signedOut();
    return answer;
  } catch {
    return { ok: false, status: 0, body: undefined, code: '', retryMs: 0 };
  } finally {
    clearTimeout(late);
    signal?.removeEventListener('abort', stop);
  }
}

/**
 * @param {Response} response
 * @returns {Promise<Answer>}
 */
async function read(response) {
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  const body = isJson ? await response.json() : undefined;
  const code = !response.ok && typeof body?.code === 'string' ? body.code : '';
  const retryMs = Number(response.headers.get('retry-after') ?? 0) * 1_000;
  return { ok: response.ok, status: response.status, body, code, retryMs: Number.isFinite(retryMs) ? retryMs : 0 };
}

function signedOut() {
  const wasKnown = known !== null;
  known = null;
  asked = Promise.resolve(null);
  if (wasKnown) for (const listener of whenOut) listener();
}

/**
 * Signs this device in with a code.
 * @param {string} code
 * @param {string} device what it is called from then on
 * @returns {Promise<Answer>}
 */
export async function signIn(code, device) {
  const answer = await fetchStaff('/session', { method: 'POST', body: { code, device } });
  if (answer.ok) take(answer.body);
  return answer;
}

/** Signs this device out. */
export async function signOut() {
  const answer = await fetchStaff('/session', { method: 'DELETE' });
  if (answer.ok) signedOut();
  return answer;
}

/**
 * Sends whoever is not signed in to the page for that, which leads back here; whether somebody is. For a page that has
 * nothing to show otherwise; one that had shows the sheet of `access-sheet.js` instead.
 */
export async function signedInOrSent() {
  const here = await session();
  if (here === null) location.replace(`/sign-in?to=${encodeURIComponent(location.pathname + location.search)}`);
  return here !== null;
}
