/** What managers see of who may do what: devices that are signed in, and tokens of programs. */

import { day, t, time } from './i18n.js';
import { fetchStaff } from './staff.js';
import { html, nothing } from '../vendor/lit-html.js';

/** @typedef {import('./staff.js').StaffRole} StaffRole */
/** @typedef {{id: string, device: string, role: StaffRole, signed_in_at: number, seen_at: number, this: boolean}} Device */
/** @typedef {{id: string, name: string, role: StaffRole, at: number}} Token */

/** How often devices are asked for while the page is looked at: one that signs in is seen soon. */
const LOOK_AGAIN_MS = 4_000;

export class Lists {
  /**
   * @param {object} means
   * @param {() => void} means.changed shows it again
   * @param {() => void} means.joined a device was signed in that was not there before
   */
  constructor({ changed, joined }) {
    this.changed = changed;
    this.joined = joined;
    /** @type {Device[] | null} */
    this.devices = null;
    /** @type {Token[] | null} */
    this.tokens = null;
    /** The counter's time of the devices. */
    this.now = 0;
    /** What is asked once more before it is done: a device's or a token's id, or `all`. */
    this.asks = '';
    /** A token that was made just now. @type {{name: string, token: string} | null} */
    this.made = null;
    /** @type {'' | 'lost' | 'no_token_name'} */
    this.wrong = '';
    this.timer = 0;
  }

  /** Looks, and again from time to time. */
  async begin() {
    clearInterval(this.timer);
    this.timer = setInterval(() => {
      if (document.hidden) return;
      this.#lookAtDevices();
      // They change by this page alone, but the first time nothing may have come.
      if (this.tokens === null) this.#lookAtTokens();
    }, LOOK_AGAIN_MS);
    await Promise.all([this.#lookAtDevices(), this.#lookAtTokens()]);
  }

  end() {
    clearInterval(this.timer);
    this.devices = this.tokens = this.made = null;
  }

  async #lookAtDevices() {
    const answer = await fetchStaff('/devices');
    if (!answer.ok) return;
    const before = this.devices;
    this.devices = answer.body.devices;
    this.now = answer.body.now;
    if (before && this.devices?.some(({ id }) => !before.some((other) => other.id === id))) this.joined();
    this.changed();
  }

  async #lookAtTokens() {
    const answer = await fetchStaff('/tokens');
    if (!answer.ok) return;
    this.tokens = answer.body.tokens;
    this.changed();
  }

  view() {
    if (!this.devices) return nothing;
    return html`<section aria-labelledby="access-devices">
        <h2 id="access-devices" tabindex="-1">${t('access.devices')}</h2>
        <ul class="list">${this.devices.map((device) => this.#device(device))}</ul>
        ${this.#asking('all', t('access.sign_out_all'), t('access.sign_out_all_sure'), '/devices')}
      </section>
      <section aria-labelledby="access-tokens">
        <h2 id="access-tokens" tabindex="-1">${t('access.tokens')}</h2>
        <p class="muted">${t('access.tokens_text')}</p>
        ${this.tokens?.length ? html`<ul class="list">${this.tokens.map((token) => this.#token(token))}</ul>` : nothing}
        ${this.#newToken()}
      </section>
      <p class="wrong" role="alert">${this.wrong === '' ? nothing : t(`access.${this.wrong}`)}</p>`;
  }

  /** @param {Device} device */
  #device({ id, device, role, seen_at, this: isThis }) {
    const seen = isThis ? t('access.this_device') : t('access.seen', { day: day(seen_at, this.now) });
    return html`<li><div class="grow"><b><bdi>${device}</bdi></b><br><span class="muted">${t(`access.role_${role}`)} · ${seen}</span></div>
      ${isThis ? nothing : this.#asking(id, t('access.sign_out_one'), t('access.sign_out_one_sure'), `/devices/${id}`, device)}</li>`;
  }

  /** @param {Token} token */
  #token({ id, name, role, at }) {
    const made = t('access.made', { day: day(at, this.now), time: time(at) });
    return html`<li><div class="grow"><b><bdi>${name}</bdi></b><br><span class="muted">${t(`access.role_${role}`)} · ${made}</span></div>
      ${this.#asking(id, t('access.take_back'), t('access.take_back_sure'), `/tokens/${id}`, name)}</li>`;
  }

  /**
   * A button that asks once more, in its own place.
   * @param {string} id
   * @param {string} label
   * @param {string} sure
   * @param {string} path what is deleted
   * @param {string} [whose]
   */
  #asking(id, label, sure, path, whose = '') {
    if (this.asks !== id) {
      return html`<button class="quiet" data-ask=${id} aria-label=${whose ? `${label}: ${whose}` : label} @click=${() => this.#ask(id)}>${label}</button>`;
    }
    return html`<div class="row wrap sure" role="group" aria-label=${sure}>
      <span>${sure}</span>
      <button class="late" @click=${() => this.#remove(path)}>${t('access.yes')}</button>
      <button class="quiet" @click=${() => this.#ask('')}>${t('access.no')}</button>
    </div>`;
  }

  #newToken() {
    return html`<form class="sign-in token" novalidate @submit=${(/** @type {SubmitEvent} */ event) => this.#make(event)}>
        <label>${t('access.token_name')}
          <input name="name" maxlength="80" autocomplete="off" aria-invalid=${this.wrong === 'no_token_name'}></label>
        <label>${t('access.token_role')}
          <select name="role"><option value="barista">${t('access.role_barista')}</option><option value="manager">${t('access.role_manager')}</option></select></label>
        <button class="quiet">${t('access.token_make')}</button>
      </form>
      <div role="status">${this.made
        ? html`<div class="offer"><p>${t('access.token_made', { name: this.made.name })}</p><pre tabindex="0">${this.made.token}</pre></div>`
        : nothing}</div>`;
  }

  /** @param {string} id */
  #ask(id) {
    const before = this.asks;
    this.asks = id;
    this.changed();
    // What is asked stands in the button's place, and the button in its: the focus goes along, and changes nothing by itself.
    focus(id === '' ? `[data-ask="${CSS.escape(before)}"]` : '.sure .quiet');
  }

  /** @param {string} path */
  async #remove(path) {
    const answer = await fetchStaff(path, { method: 'DELETE' });
    this.wrong = answer.ok ? '' : 'lost';
    if (answer.ok) this.asks = '';
    this.changed();
    if (!answer.ok) return;
    focus(path.startsWith('/tokens') ? '#access-tokens' : '#access-devices');
    // The session may have been among them: whoever asks then is told so.
    await Promise.all([this.#lookAtDevices(), this.#lookAtTokens()]);
  }

  /** @param {SubmitEvent} event */
  async #make(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    const said = new FormData(form);
    const name = String(said.get('name')).trim();
    if (name === '') {
      this.wrong = 'no_token_name';
      this.changed();
      /** @type {HTMLElement} */ (form.elements.namedItem('name')).focus();
      return;
    }
    const answer = await fetchStaff('/tokens', { method: 'POST', body: { name, role: said.get('role') } });
    this.wrong = answer.ok ? '' : 'lost';
    if (answer.ok) {
      this.made = { name, token: answer.body.token };
      form.reset();
    }
    this.changed();
    await this.#lookAtTokens();
  }
}

/** @param {string} selector */
function focus(selector) {
  const target = document.querySelector(selector);
  if (target instanceof HTMLElement) target.focus();
}
