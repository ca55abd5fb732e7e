/** The code that signs in one more device: shown large, and as a QR code for a device with a camera. */

import { t } from './i18n.js';
import { fetchStaff } from './staff.js';
import { html, nothing } from '../vendor/lit-html.js';

/** @typedef {import('./staff.js').StaffRole} StaffRole */
/** @typedef {{code: string, role: StaffRole, goodUntil: number, url: string, picture: string, port: string}} Shown `goodUntil` by our steady clock. */

export class Codes {
  /**
   * @param {object} means
   * @param {() => void} means.changed shows it again
   */
  constructor({ changed }) {
    this.changed = changed;
    /** @type {Shown | null} */
    this.shown = null;
    this.isAsking = false;
    /** @type {'' | 'lost' | 'too_many' | 'refused'} */
    this.wrong = '';
    this.timer = 0;
  }

  /** Whole minutes for which the code is good, the one that has begun among them. */
  get minutes() {
    return this.shown ? Math.max(0, Math.ceil((this.shown.goodUntil - performance.now()) / 60_000)) : 0;
  }

  /** @param {StaffRole} mine what this device may do: a barista can't make a manager */
  view(mine) {
    const roles = /** @type {StaffRole[]} */ (mine === 'manager' ? ['barista', 'manager'] : ['barista']);
    return html`<section aria-labelledby="access-more">
      <h2 id="access-more">${t('access.more')}</h2>
      <p class="muted">${t('access.more_text')}</p>
      <div class="row wrap">${roles.map((role) => html`<button class="quiet" aria-disabled=${this.isAsking}
        @click=${() => this.ask(role)}>${t(`access.code_for_${role}`)}</button>`)}</div>
      <div role="status">${this.shown ? this.#card(this.shown) : nothing}</div>
      <p class="wrong" role="alert">${this.wrong === '' ? nothing : t(`access.code_${this.wrong}`)}</p>
    </section>`;
  }

  /** @param {Shown} shown */
  #card({ code, role, url, picture, port }) {
    if (this.minutes === 0) return html`<p class="offer muted">${t('access.code_over')}</p>`;
    return html`<div class="offer">
      <p class="muted">${t(`access.code_is_${role}`)}</p>
      <p class="digits">${code}</p>
      ${picture ? html`<img src=${picture} alt=${t('access.code_picture')} width="200" height="200">` : nothing}
      <p class="muted">${isHere(url) ? t('access.code_here', { port }) : t('access.code_where', { url })}</p>
      <p class="muted">${t('access.code_good', { count: this.minutes })}</p>
    </div>`;
  }

  /** @param {StaffRole} role */
  async ask(role) {
    if (this.isAsking) return;
    this.isAsking = true;
    this.changed();
    const answer = await fetchStaff('/session/codes', { method: 'POST', body: { role } });
    this.isAsking = false;
    this.wrong = answer.ok ? '' : answer.status === 0 ? 'lost' : answer.code === 'busy' ? 'too_many' : 'refused';
    if (answer.ok) {
      const { code, expires_at, now, url = `${location.origin}/sign-in#${code.replace(' ', '')}` } = answer.body;
      const [page = url] = url.split('#');
      const [picture, port] = await Promise.all([drawn(url), isHere(url) ? portOfCounter() : '']);
      this.shown = { code, role, goodUntil: performance.now() + (expires_at - now), url: page, picture, port };
      clearInterval(this.timer);
      this.timer = setInterval(() => {
        if (this.minutes === 0) this.#end();
        this.changed();
      }, 5_000);
    }
    this.changed();
  }

  /** The code is used, or nobody needs it any more. */
  hide() {
    this.shown = null;
    this.#end();
  }

  #end() {
    clearInterval(this.timer);
  }
}

/** Whether an address leads each device to itself. @param {string} url */
function isHere(url) {
  return /^\w+:\/\/(localhost|127\.|\[::1\])/.test(url);
}

/** On which port the counter listens: this page may have come through another. */
async function portOfCounter() {
  const { body } = await fetchStaff('/table/address');
  return String(body?.port ?? (location.port || '80'));
}

/**
 * The address as a picture; '' where it leads nowhere, or can't be drawn: the digits are enough.
 * @param {string} url
 */
async function drawn(url) {
  if (isHere(url)) return '';
  try {
    const response = await fetch('/table/qr.svg', { method: 'POST', body: url });
    return response.ok ? `data:image/svg+xml,${encodeURIComponent(await response.text())}` : '';
  } catch {
    return '';
  }
}
