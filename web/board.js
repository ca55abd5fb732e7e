/** The page `board.html`: which codes wait, are made and are ready, for a screen that everybody sees and nobody touches. */

import { panel, noticeOf } from './lib/board-panel.js';
import * as settings from './lib/board-settings.js';
import { BoardSound } from './lib/board-sound.js';
import { Calls, OLD_MS, shown } from './lib/board-state.js';
import { board, fit, said } from './lib/board-view.js';
import { onLanguage, t } from './lib/i18n.js';
import { storage } from './lib/kept.js';
import { follow } from './lib/live.js';
import { PAST, lookBack, stayInThePast } from './lib/past.js';
import { nothing, render } from './vendor/lit-html.js';

/** How long the mouse rests before it hides. */
const IDLE_MS = 3_000;
/** How often name and time zone are asked for: they change with the shop's files. */
const MENU_MS = 5 * 60_000;
/** Where everything has to fit on the screen; elsewhere it is scrolled. In em: whoever has larger text scrolls. */
const FIXED = matchMedia('(min-width: 64em) and (min-aspect-ratio: 5/4)');

const root = document.documentElement;
const app = /** @type {HTMLElement} */ (document.getElementById('app'));
// What stood there until now is none of the renderer's.
app.replaceChildren();
const place = document.createElement('div');
place.className = 'board';
const dialog = document.createElement('dialog');
dialog.setAttribute('aria-labelledby', 'settings');
app.append(place, dialog);

let set = settings.load(location.search, storage());
const sound = new BoardSound(() => show());
const calls = new Calls();
const began = performance.now();
/** @type {import('./lib/board-view.js').Shop} */
let shop = {};
let lastReadyAt = 0;
/** Of the menu, which has the shop's name and time zone in it. */
let version = '';

const codes = PAST === null
  ? follow({ snapshot: '/board/codes', stream: '/board/events', event: 'board', oldMs: OLD_MS, tell: heard })
  : lookBack(PAST, { snapshot: `/board/codes?at=${PAST}`, tell: heard });
const sayPast = PAST === null ? () => {} : stayInThePast(PAST, () => shop.timeZone);
follow({ snapshot: '/shop', stream: '/shop/events', event: 'shop', tell: heardShop });

/** @param {import('./lib/live.js').News<import('./lib/board-state.js').Board>} news */
function heard({ status, value }) {
  if (value !== null && status === 'live') {
    for (const { since } of value.ready) lastReadyAt = Math.max(lastReadyAt, since);
    for (const entry of calls.news(value.ready, codes.now())) if (PAST === null) call(entry);
  }
  show();
}

/** @param {import('./lib/live.js').News<any>} news */
function heardShop({ status, value }) {
  // How the shop is now is nothing of the past.
  const { ordering, opens_at: opensAt } = status === 'live' && PAST === null ? value : /** @type {any} */ ({});
  shop = { ...shop, ordering, opensAt };
  if (value?.menu && value.menu !== version) load();
}

function show() {
  const news = codes.news();
  const now = codes.now();
  const model = shown(news, now, { fixed: FIXED.matches, waitedMs: performance.now() - began });
  document.title = t('board.title');
  root.dataset.theme = set.theme;
  root.dataset.heading = model.heading % 2 === 0 ? 'own' : 'other';
  render(board({
    shown: model,
    shop,
    now,
    ageMs: news.ageMs,
    asOf: Number.isFinite(news.ageMs) ? now - news.ageMs : 0,
    nobody: news.value?.no_barista === true,
    lastReadyAt,
    notice: noticeOf(sound),
    openSettings: open,
  }), place);
  fit(place);
  if (dialog.open) render(panel({ settings: set, sound, address: address(), set: change, tryOut, close: () => dialog.close() }), dialog);
}

/** @param {import('./lib/board-state.js').Entry} entry */
function call(entry) {
  const words = set.say.map((language) => {
    return { text: said(language, 'board.call', { word: entry.words[language], label: entry.label }), language };
  });
  if (set.chime || words.length > 0) sound.call({ chime: set.chime, words, isStill: () => calls.isReady(entry) });
}

async function load() {
  try {
    const response = await fetch('/menu');
    const menu = response.ok ? await response.json() : null;
    if (menu?.shop) shop = { ...shop, name: menu.shop.name, timeZone: menu.shop.time_zone };
    version = menu?.version ?? version;
    sayPast();
  } catch {
    // The line is away: the codes say so, and the name is no news.
  }
  show();
}

// The settings.

function open() {
  if (!dialog.open) dialog.showModal();
  show();
}

/** @param {Partial<settings.Settings>} what */
function change(what) {
  set = { ...set, ...what };
  settings.keep(set, storage());
  history.replaceState(history.state, '', address());
  sound.set(set);
  show();
}

function address() {
  const here = new URL(location.href);
  here.search = settings.write(set, here.search);
  return here.href.replaceAll('%2C', ',');
}

async function tryOut() {
  await sound.unlock();
  const words = set.say.map((language) => ({ text: said(language, 'board.sound.sample'), language }));
  sound.call({ chime: set.chime, words, isStill: () => true });
}

dialog.addEventListener('click', ({ target }) => {
  // Beside it.
  if (target === dialog) dialog.close();
});
dialog.addEventListener('close', () => render(nothing, dialog));

// A mouse that nobody moves is in the way.

let resting = 0;
function awake() {
  root.classList.remove('idle');
  clearTimeout(resting);
  resting = setTimeout(() => root.classList.add('idle'), IDLE_MS);
}
for (const name of ['pointermove', 'pointerdown', 'keydown']) addEventListener(name, awake);
for (const name of ['pointerdown', 'keydown']) addEventListener(name, () => sound.unlock());

// A screen that goes dark shows nothing. Where a page may not ask for that, the TV's own settings have to.

async function stayAwake() {
  if (document.hidden) return;
  try {
    await navigator.wakeLock?.request('screen');
  } catch {
    // refused, as where the page is not secure
  }
}
document.addEventListener('visibilitychange', stayAwake);

FIXED.addEventListener('change', show);
addEventListener('resize', show);
onLanguage(show);
setInterval(load, MENU_MS);
load();
awake();
stayAwake();
sound.set(set);
