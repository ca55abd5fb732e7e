/**
 * The page `table.html`: a card for the tables, to be printed. It is for staff, and holds no secret: what it says, every
 * guest reads.
 */

import { language, onLanguage, otherLanguage, setLanguage, t } from './lib/i18n.js';
import en from './messages/en.js';
import ko from './messages/ko.js';
import { html, nothing, render } from './vendor/lit-html.js';

/** @typedef {import('./lib/i18n.js').Words} Words */
/** @typedef {{url: string, reach: 'network' | 'everywhere', secure: boolean}} Address Where phones find the counter. */
/** @typedef {{name: string, password: string, code: string}} Wifi What stands on the card, with its code as a picture. */

/** What the counter is started with, for the shop's network and behind a proxy. */
const [FOR_NETWORK, FOR_PROXY] = ['brewline up --listen 0.0.0.0:', 'brewline up --public-url https://…'];
/** IEEE 802.11 and WPA, in bytes. */
const [NAME_BYTES, PASSWORD_BYTES] = [32, 63];

const app = /** @type {HTMLElement} */ (document.getElementById('app'));
// What stood there until now is none of the renderer's.
app.replaceChildren();

/** @type {'loading' | 'lost' | 'nowhere' | Address} */
let address = 'loading';
/** On which port the counter listens, where it says so: this page may have come through another. */
let port = Number(location.port) || (location.protocol === 'https:' ? 443 : 80);
/** @type {Words | undefined} */
let shop;
/** @type {Wifi | undefined} */
let wifi;
/** @type {'' | 'name' | 'password' | 'lost'} What is wrong with the Wi-Fi. */
let wrong = '';

function show() {
  document.title = t('table.title');
  render(html`
    <header>
      <button lang=${otherLanguage()} @click=${() => setLanguage(otherLanguage())}>${t('common.other_language')}</button>
    </header>
    <main>
      <div class="desk">
        <h1>${t('table.title')}</h1>
        ${address === 'loading' ? nothing : typeof address === 'string' ? trouble(address) : desk(address)}
      </div>
      ${typeof address === 'string' ? nothing : card(address)}
    </main>`, app);
}

/** @param {'lost' | 'nowhere'} why */
function trouble(why) {
  if (why === 'lost') {
    return html`<p class="notice" role="alert">${t('table.lost')}</p>
      <button class="primary" @click=${load}>${t('table.again')}</button>`;
  }
  return html`<p class="notice" role="alert"><strong>${t('table.nowhere')}</strong> ${t('table.nowhere_why')}</p>
    <p>${t('table.nowhere_network')}</p><pre tabindex="0">${FOR_NETWORK}${port}</pre>
    <p>${t('table.nowhere_proxy')}</p><pre tabindex="0">${FOR_PROXY}</pre>`;
}

/** @param {Address} address */
function desk(address) {
  return html`<p>${t('table.what')}</p>
    ${address.reach === 'network' ? html`<p class="notice">${t('table.network')}</p>` : nothing}
    ${address.secure ? nothing : html`<p class="notice">${t('table.plain')}</p>`}
    <button class="primary" @click=${() => print()}>${t('table.print')}</button>
    ${form()}`;
}

function form() {
  const field = { autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false' };
  const why = { '': nothing, name: t('table.wifi_name_wrong'), password: t('table.wifi_password_wrong'), lost: t('table.lost') };
  return html`<form @submit=${put} autocomplete=${field.autocomplete}>
    <h2>${t('table.wifi')}</h2>
    <p class="muted">${t('table.wifi_what')}</p>
    <label>${t('table.wifi_name')}
      <input name="name" autocapitalize=${field.autocapitalize} spellcheck=${field.spellcheck}
        autocomplete=${field.autocomplete} aria-invalid=${wrong === 'name'} aria-describedby="wrong"></label>
    <label>${t('table.wifi_password')}
      <input name="password" autocapitalize=${field.autocapitalize} spellcheck=${field.spellcheck}
        autocomplete=${field.autocomplete} aria-invalid=${wrong === 'password'} aria-describedby="wrong"></label>
    <label class="check"><input name="hidden" type="checkbox"> ${t('table.wifi_hidden')}</label>
    <p id="wrong" class="wrong" role="status">${why[wrong]}</p>
    <div class="row">
      <button class="quiet">${t('table.wifi_put')}</button>
      ${wifi ? html`<button type="button" class="quiet" @click=${remove}>${t('table.wifi_remove')}</button>` : nothing}
    </div>
  </form>`;
}

/** @param {Address} address */
function card(address) {
  // Both languages, the one of this page first.
  const languages = language === 'ko' ? /** @type {const} */ (['ko', 'en']) : /** @type {const} */ (['en', 'ko']);
  const names = shop ? languages.map((language) => ({ language, name: shop?.[language] })) : [];
  const shown = names.filter(({ name }, at) => name && names.findIndex((other) => other.name === name) === at);
  const order = html`<figure>
    <figcaption>${wifi ? html`<b>2</b>` : nothing}${both('table.card_order')}</figcaption>
    <img src="/table/qr.svg" alt=${t('table.card_code', { url: address.url })}>
    <p class="address">${address.url}</p>
  </figure>`;
  const join = wifi && html`<figure>
    <figcaption><b>1</b>${both('table.card_wifi')}</figcaption>
    <img src=${wifi.code} alt=${t('table.card_wifi_code', { name: wifi.name })}>
    <p class="address">${wifi.name}${wifi.password ? html`<br>${wifi.password}` : nothing}</p>
  </figure>`;
  return html`<section class="card ${wifi ? 'two' : 'one'}" aria-label=${t('table.card')}>
    <div class="shop">${shown.map(({ language, name }) => html`<p lang=${language}>${name}</p>`)}</div>
    <div class="codes">${join ?? nothing}${order}</div>
    <div class="how">${both('table.card_how')}</div>
  </section>`;

  /** @param {'table.card_order' | 'table.card_wifi' | 'table.card_how'} key */
  function both(key) {
    const texts = { en: en[key], ko: ko[key] };
    return languages.map((language) => html`<span lang=${language}>${texts[language]}</span>`);
  }
}

async function load() {
  address = 'loading';
  show();
  const [found, menu] = await Promise.all([ask('/table/address'), ask('/menu')]);
  const [said, dishes] = await Promise.all([json(found), json(menu)]);
  shop = menu?.ok ? dishes?.shop?.name : undefined;
  if (found?.ok && said?.url) address = said;
  else if (found?.status === 409 && said) [address, port] = ['nowhere', said.port ?? port];
  else address = 'lost';
  show();
}

/**
 * What is in an answer; nothing if that is no JSON: then somebody between here and the counter gave it.
 * @param {Response | undefined} answer
 * @returns {Promise<any>}
 */
async function json(answer) {
  try {
    return await answer?.json();
  } catch {
    return undefined;
  }
}

/**
 * What the counter answers; nothing if it does not.
 * @param {string} path
 * @param {RequestInit} [how]
 */
async function ask(path, how) {
  try {
    return await fetch(path, how);
  } catch {
    return undefined; // it is not there, and neither is the network
  }
}

/**
 * Puts the Wi-Fi on the card. The counter draws its code and keeps nothing of it.
 * @param {SubmitEvent} event
 */
async function put(event) {
  event.preventDefault();
  const form = /** @type {HTMLFormElement} */ (event.currentTarget);
  const said = new FormData(form);
  const [name, password] = [String(said.get('name')), String(said.get('password'))];
  const bytes = (/** @type {string} */ text) => new TextEncoder().encode(text).length;
  if (name === '' || bytes(name) > NAME_BYTES) return refuse(form, 'name');
  if (password !== '' && (bytes(password) < 8 || bytes(password) > PASSWORD_BYTES)) return refuse(form, 'password');
  const drawn = await ask('/table/qr.svg', { method: 'POST', body: wifiText(name, password, said.has('hidden')) });
  if (!drawn?.ok) return refuse(form, 'lost');
  wrong = '';
  wifi = { name, password, code: `data:image/svg+xml,${encodeURIComponent(await drawn.text())}` };
  show();
}

/**
 * @param {HTMLFormElement} form
 * @param {'name' | 'password' | 'lost'} why
 */
function refuse(form, why) {
  wrong = why;
  show();
  const field = form.elements.namedItem(why);
  if (field instanceof HTMLElement) field.focus();
}

function remove() {
  wifi = undefined;
  show();
}

/**
 * What cameras take for a Wi-Fi. Source: the Wi-Fi network config of ZXing, which both phone systems read.
 * @param {string} name
 * @param {string} password
 * @param {boolean} isHidden
 */
function wifiText(name, password, isHidden) {
  const escaped = (/** @type {string} */ text) => text.replace(/[\\;,:"]/g, '\\$&');
  const kind = password === '' ? 'nopass' : 'WPA';
  const secret = password === '' ? '' : `P:${escaped(password)};`;
  return `WIFI:T:${kind};S:${escaped(name)};${secret}${isHidden ? 'H:true;' : ''};`;
}

onLanguage(show);
load();
