/** How a board is set by hand: a dialog for whoever has a mouse or a keyboard there. */

import { html, nothing } from '../vendor/lit-html.js';
import * as i18n from './i18n.js';
import * as icons from './icons.js';

const { t } = i18n;

/**
 * @typedef {import('./board-settings.js').Settings} Settings
 * @typedef {object} Panel
 * @property {Settings} settings
 * @property {import('./board-sound.js').BoardSound} sound
 * @property {string} address what a TV opens to have it like this
 * @property {(change: Partial<Settings>) => void} set
 * @property {() => void} tryOut lets it be heard once
 * @property {() => void} close
 */

/** What it may say, and how that is called. @type {{say: i18n.Language[], key: i18n.MessageKey}[]} */
const SAY = [
  { say: [], key: 'board.say.off' },
  { say: ['ko'], key: 'board.say.ko' },
  { say: ['en'], key: 'board.say.en' },
  { say: ['ko', 'en'], key: 'board.say.both' },
];

/** @param {Panel} panel */
export function panel({ settings, sound, address, set, tryOut, close }) {
  const says = [...settings.say].sort().join();
  return html`
    <div class="title"><h2 id="settings">${t('board.settings')}</h2>
      <button aria-label=${t('board.close')} @click=${close}>${icons.cross()}</button></div>
    <label class="line"><span>${t('board.chime')}</span>
      <input type="checkbox" .checked=${settings.chime}
        @change=${(/** @type {any} */ { target }) => set({ chime: target.checked })}></label>
    ${choice('say', t('board.say'), SAY.map(({ say, key }) => ({ text: t(key), isChosen: [...say].sort().join() === says, choose: () => set({ say }) })))}
    ${choice('theme', t('board.theme'), (/** @type {const} */ (['dark', 'light'])).map((theme) => ({
      text: t(`board.theme.${theme}`),
      isChosen: settings.theme === theme,
      choose: () => set({ theme }),
    })))}
    <div class="line"><span>${t('board.larger')}</span>
      <button class="quiet" lang=${i18n.otherLanguage()} @click=${() => i18n.setLanguage(i18n.otherLanguage())}>${t('common.other_language')}</button></div>
    ${settings.chime || settings.say.length > 0
      ? html`<div class="line"><span role="status">${state(sound)}</span><button class="quiet" @click=${tryOut}>${t('board.sound.try')}</button></div>`
      : nothing}
    <p class="address">${t('board.address')}<output>${address}</output></p>`;
}

/**
 * @param {string} name
 * @param {string} title
 * @param {{text: string, isChosen: boolean, choose: () => void}[]} choices
 */
function choice(name, title, choices) {
  return html`<fieldset class="line"><legend>${title}</legend>
    <span class="choices">${choices.map(
      ({ text, isChosen, choose }) =>
        html`<label class="choice"><input type="radio" name=${name} .checked=${isChosen} @change=${choose}><span>${text}</span></label>`,
    )}</span></fieldset>`;
}

/** What can be heard. @param {import('./board-sound.js').BoardSound} sound */
function state(sound) {
  const notice = noticeOf(sound);
  return notice ? t(notice) : t('board.sound.works');
}

/**
 * What is wrong with the sound, if anything is.
 * @param {import('./board-sound.js').BoardSound} sound
 */
export function noticeOf(sound) {
  if (sound.isBlocked()) return 'board.sound.blocked';
  if (sound.chime === 'none') return 'board.sound.none';
  if (sound.voice === 'none') return 'board.voice.none';
  if (sound.voice === 'works' && sound.mute.has('ko')) return 'board.voice.no_ko';
  return sound.voice === 'works' && sound.mute.has('en') ? 'board.voice.no_en' : null;
}
