/**
 * The page `sign-in.html`: signs this device in, by a code that someone types or a link that brings it. Where it is signed
 * in, it shows the code for the next one, leads on, and shows managers who is signed in.
 */

import { Codes } from './lib/access-codes.js';
import { SignInForm } from './lib/access-form.js';
import { Lists } from './lib/access-lists.js';
import { onLanguage, otherLanguage, setLanguage, t } from './lib/i18n.js';
import { rich } from './lib/pager-parts.js';
import { onSignedOut, session, signOut } from './lib/staff.js';
import { html, nothing, render } from './vendor/lit-html.js';

/** @typedef {import('./lib/staff.js').Session} Session */

/** How soon the counter is asked again when it does not answer. */
const AGAIN_MS = 3_000;
/** Where staff go from here; the ledger is a manager's. */
const PAGES = /** @type {const} */ (['bar', 'till', 'board', 'ledger', 'table']);

const app = /** @type {HTMLElement} */ (document.getElementById('app'));
// What stood there until now is none of the renderer's.
app.replaceChildren();

/** @type {'loading' | 'lost' | null | Session} */
let here = 'loading';
let timer = 0;
// The code of a link stays in no history and in no address bar.
const linked = location.hash.slice(1);
if (linked) history.replaceState(history.state, '', location.pathname + location.search);
const form = new SignInForm({ code: linked, changed: show, done: goOn });
const codes = new Codes({ changed: show });
// The code has done its work once another device is there.
const lists = new Lists({ changed: show, joined: () => codes.hide() });

function show() {
  document.title = t('access.title');
  render(html`
    <header>
      <button lang=${otherLanguage()} @click=${() => setLanguage(otherLanguage())}>${t('common.other_language')}</button>
    </header>
    <main>${here === 'loading' ? nothing : here === 'lost' ? lost() : here === null || form.linked ? out() : signedIn(here)}</main>`, app);
}

function lost() {
  return html`<h1>${t('access.title')}</h1>
    <p class="notice" role="alert">${t('access.lost')}</p>
    <button class="primary" @click=${load}>${t('access.again')}</button>`;
}

function out() {
  return html`<h1>${t('access.title')}</h1>
    <p class="lead">${t('access.lead')}</p>
    ${form.view()}`;
}

/** @param {Session} session */
function signedIn(session) {
  const pages = PAGES.filter((page) => page !== 'ledger' || session.role === 'manager');
  return html`<h1>${rich('access.here', { device: html`<bdi>${session.device}</bdi>` })}</h1>
    <p class="lead">${t(`access.is_${session.role}`)}</p>
    <nav aria-label=${t('access.pages')}>${pages.map((page) => html`<a class="button quiet" href="/${page}">${t(`access.page_${page}`)}</a>`)}</nav>
    ${codes.view(session.role)}
    ${session.role === 'manager' ? lists.view() : nothing}
    <section class="leave"><button class="quiet" @click=${leave}>${t('access.sign_out')}</button></section>`;
}

async function leave() {
  const answer = await signOut();
  if (answer.status !== 0) return;
  here = 'lost';
  timer = setTimeout(load, AGAIN_MS);
  show();
}

async function goOn() {
  const to = destination();
  if (to) return location.replace(to);
  form.linked = '';
  await load();
}

/** Where it was sent from, if that is a page of this counter. */
function destination() {
  const to = new URLSearchParams(location.search).get('to');
  if (!to) return null;
  const url = urlOf(to);
  if (!url) return null;
  // Of `/.//evil.example` the path is `//evil.example`: whoever goes there by its path alone leaves this counter.
  return url.origin === location.origin && !url.pathname.startsWith('//') ? url.href : null;
}

/** @param {string} to */
function urlOf(to) {
  try {
    return new URL(to, location.href);
  } catch {
    return null; // no address at all
  }
}

async function load() {
  clearTimeout(timer);
  const found = await session({ again: true });
  here = found === undefined ? 'lost' : found;
  // The counter comes back by itself, and so does the page.
  if (here === 'lost') timer = setTimeout(load, AGAIN_MS);
  const to = destination();
  if (found && to && !form.linked) return location.replace(to);
  show();
  if (found?.role === 'manager' && !form.linked) await lists.begin();
}

onLanguage(show);
onSignedOut(() => {
  here = null;
  codes.hide();
  lists.end();
  show();
});
load();
