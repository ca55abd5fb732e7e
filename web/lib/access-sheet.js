/**
 * The form that signs this device in, over a page whose session is over in the middle of a shift: what the page has kept
 * stays, and is sent afterwards. A page links `lib/access-form.css` for it.
 */

import { SignInForm } from './access-form.js';
import { onLanguage, t } from './i18n.js';
import { onSignedIn, onSignedOut } from './staff.js';
import { html, render } from '../vendor/lit-html.js';

/** @typedef {'out' | 'managers'} Why The session is over, or is one of a barista where a manager's is needed. */

/** @type {HTMLDialogElement | null} */
let dialog = null;
/** @type {SignInForm | null} */
let form = null;
/** @type {Why} */
let why = 'out';

/** Shows the form whenever the counter says that nobody is signed in here any more, until somebody is. */
export function signInInPlace() {
  onSignedOut(() => openSignIn());
}

/**
 * Shows the form. Whoever closes it goes on with what the page has, and opens it again when they like.
 * @param {Why} [reason]
 */
export function openSignIn(reason = 'out') {
  why = reason;
  if (dialog?.open) return;
  if (!dialog) {
    dialog = document.createElement('dialog');
    dialog.className = 'access-sheet';
    dialog.setAttribute('aria-labelledby', 'access-sheet-title');
    document.body.append(dialog);
    onLanguage(show);
    // Somebody did, here or in another tab.
    onSignedIn(() => dialog?.close());
  }
  form = new SignInForm({ changed: show, done: () => dialog?.close() });
  show();
  // It keeps the focus, and gives it back to where it was.
  dialog.showModal();
}

function show() {
  if (!dialog || !form) return;
  render(html`
    <h2 id="access-sheet-title">${t(`access.sheet_${why}`)}</h2>
    <p class="muted">${t(`access.sheet_${why}_text`)}</p>
    ${form.view()}
    <button type="button" class="quiet" @click=${() => dialog?.close()}>${t('access.later')}</button>`, dialog);
}
