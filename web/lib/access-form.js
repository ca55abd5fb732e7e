/** The form that signs this device in: on the page for it, and in the sheet over any other. */

import { printable } from './cart.js';
import { t } from './i18n.js';
import { lastDeviceName, signIn } from './staff.js';
import { html, nothing } from '../vendor/lit-html.js';

/** What can be wrong, and whether it is about the name, the code, or neither. */
const WRONG = /** @type {const} */ ({
  no_name: 'device',
  no_code: 'code',
  wrong_code: 'code',
  code_used: 'code',
  code_expired: 'code',
  too_many_codes: 'code',
  lost: '',
  starting: '',
  refused: '',
});
/** @typedef {keyof typeof WRONG} Wrong */

/** Full-width digits, as Korean and Japanese keyboards write them, are digits; what people write between them is not. */
const digits = (/** @type {string} */ text) => text.normalize('NFKC').replace(/[\s-]/g, '');

export class SignInForm {
  /**
   * @param {object} options
   * @param {string} [options.code] of the link that was opened
   * @param {() => void} options.changed shows it again
   * @param {() => void} options.done somebody is signed in
   */
  constructor({ code = '', changed, done }) {
    this.linked = code;
    this.changed = changed;
    this.done = done;
    this.device = lastDeviceName();
    this.code = '';
    this.isSending = false;
    /** @type {Wrong | ''} */
    this.wrong = '';
    this.waitUntil = 0;
    this.timer = 0;
  }

  /** Seconds until another code may be tried. */
  get wait() {
    return Math.max(0, Math.ceil((this.waitUntil - performance.now()) / 1_000));
  }

  view() {
    const about = this.wrong === '' ? '' : WRONG[this.wrong];
    const label = this.isSending ? t('access.signing_in') : this.wait > 0 ? t('access.again_in', { count: this.wait }) : t('access.sign_in');
    return html`<form class="sign-in" novalidate @submit=${(/** @type {SubmitEvent} */ event) => this.#send(event)}>
      <label>${t('access.device')}
        <input name="device" maxlength="80" autocomplete="off" .value=${this.device} aria-describedby="access-device-hint access-wrong"
          aria-invalid=${about === 'device'} @input=${(/** @type {any} */ event) => (this.device = event.target.value)}></label>
      <p id="access-device-hint" class="muted hint">${t('access.device_hint')}</p>
      ${this.linked
        ? html`<p class="muted">${t('access.linked')}</p>`
        : html`<label>${t('access.code')}
            <input name="code" class="code" inputmode="numeric" autocomplete="one-time-code" maxlength="40" .value=${this.code}
              ?autofocus=${this.device !== ''}
              aria-describedby="access-code-hint access-wrong" aria-invalid=${about === 'code'}
              @input=${(/** @type {any} */ event) => (this.code = event.target.value)}></label>
          <p id="access-code-hint" class="muted hint">${t('access.code_hint')} ${t('access.first_hint')}</p>`}
      <p id="access-wrong" class="wrong" role="alert">${this.wrong === '' ? nothing : t(`access.${this.wrong}`)}</p>
      <button class="primary" aria-disabled=${this.isSending || this.wait > 0}>${label}</button>
    </form>`;
  }

  /** @param {SubmitEvent} event */
  async #send(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    if (this.isSending || this.wait > 0) return;
    const device = printable(this.device);
    if (device === '') return this.#refuse('no_name', form);
    const code = this.linked || digits(this.code);
    if (!this.linked && !/^\d{8}$/.test(code)) return this.#refuse('no_code', form);
    this.isSending = true;
    this.wrong = '';
    this.changed();
    const answer = await signIn(code, device);
    this.isSending = false;
    if (answer.ok) {
      this.code = '';
      this.done();
      return;
    }
    this.#waitFor(answer.retryMs);
    this.#refuse(reason(answer), form);
  }

  /**
   * @param {Wrong} why
   * @param {HTMLFormElement} form
   */
  #refuse(why, form) {
    this.wrong = why;
    // A link that is used up or wrong is of no use any more: digits may be.
    if (this.linked && WRONG[why] === 'code' && why !== 'too_many_codes') this.linked = '';
    this.changed();
    const field = form.elements.namedItem(WRONG[why]);
    if (field instanceof HTMLElement) field.focus();
  }

  /** @param {number} ms */
  #waitFor(ms) {
    clearInterval(this.timer);
    this.waitUntil = performance.now() + ms;
    if (ms <= 0) return;
    this.timer = setInterval(() => {
      if (this.wait === 0) clearInterval(this.timer);
      this.changed();
    }, 250);
  }
}

/**
 * @param {import('./staff.js').Answer} answer
 * @returns {Wrong}
 */
function reason({ status, code }) {
  if (Object.hasOwn(WRONG, code)) return /** @type {Wrong} */ (code);
  if (status === 0) return 'lost';
  return status === 503 ? 'starting' : 'refused';
}
