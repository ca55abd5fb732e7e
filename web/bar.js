/**
 * The bar: every open order on one rail, and those that are ready on a strip. What is known comes in from `orders`, what
 * is to be seen follows from that and from what was tapped here, and what is tapped goes to the line by `taps`.
 */

import { Announcer } from './lib/announcer.js';
import { createActs } from './lib/bar-acts.js';
import { Chime } from './lib/bar-chime.js';
import { Frames } from './lib/bar-frames.js';
import { listenToHands } from './lib/bar-hands.js';
import { createParts } from './lib/bar-parts.js';
import { createPresence } from './lib/bar-presence.js';
import { BarState } from './lib/bar-state.js';
import { usualChoices } from './lib/bar-ticket.js';
import * as words from './lib/bar-words.js';
import { sendCommand } from './lib/commands.js';
import { onLanguage, t } from './lib/i18n.js';
import { keep, kept, storage } from './lib/kept.js';
import { follow } from './lib/live.js';
import { followOrders, isLive, read } from './lib/orders.js';
import { PAST, lookBack, stayInThePast } from './lib/past.js';
import { randomText } from './lib/rung.js';
import { deviceName, fetchStaff, onSignedIn, signedInOrSent } from './lib/staff.js';
import { createTaps } from './lib/taps.js';

/** Polite messages come at most this often. */
const SAY_MS = 1_000;
/** Each is about something else: of those that wait meanwhile, so many of the last ones are all said. */
const SAY_KEEPS = 8;
const UNDO_STAYS = 'brewline.bar.undo';
const KEYS = 'brewline.bar.keys';

const root = document.documentElement;
const asked = new URLSearchParams(location.search).get('theme');
if (asked === 'light' || asked === 'dark') root.dataset.theme = asked;

const app = /** @type {HTMLElement} */ (document.getElementById('app'));
app.replaceChildren();
const announcer = new Announcer(SAY_MS, SAY_KEEPS);
const state = new BarState();
state.undoStays = kept(UNDO_STAYS) === 'stay';
state.hasKeys = kept(KEYS) === 'shown';
const frames = new Frames(() => look(), () => parts.due());
const show = () => frames.show();
const chime = new Chime(show);

const taps = createTaps({
  storage: storage(),
  now: () => Date.now(),
  id: randomText,
  send: sendCommand,
  changed: () => show(),
  ended(tap, outcome) {
    if (outcome.is === 'kept') return;
    const { order } = outcome;
    if (order) {
      if (!isLive(order)) state.remember(order);
      live.change('order', order);
    }
    if (outcome.is === 'lost') findWinner(tap);
  },
});
const acts = createActs({
  state,
  taps,
  say: (text) => announcer.say(text),
  shown() {
    look();
    show();
  },
});

/** @type {import('./lib/bar-plug.js').Bar} */
const bar = {
  get news() {
    return state.news;
  },
  get shop() {
    return state.shop;
  },
  get menu() {
    return state.menu;
  },
  now: () => live.now(),
  get timeZone() {
    return state.timeZone;
  },
  get device() {
    return deviceName();
  },
  taps,
  tap: acts.tap,
  say: (text) => announcer.say(text),
  show,
};

const parts = createParts({
  app, bar, state, taps, acts, announcer, chime,
  toggleUndo() {
    state.undoStays = !state.undoStays;
    keep(UNDO_STAYS, state.undoStays ? 'stay' : '');
    show();
  },
});
const sayPresent = createPresence();
let wasLive = false;
let menuVersion = '';
let asksMenu = false;

const live = PAST === null
  ? followOrders((heard) => hear(heard))
  : lookBack(PAST, { snapshot: `/orders?at=${PAST}`, read, tell: (heard) => hear(heard) });
const sayPast = PAST === null ? () => {} : stayInThePast(PAST, () => state.timeZone);
follow({
  snapshot: '/shop',
  stream: '/shop/events',
  event: 'shop',
  tell(/** @type {import('./lib/live.js').News<any>} */ heard) {
    // How the shop is now is nothing of the past.
    if (PAST === null) state.shop = heard;
    if (heard.value?.menu !== undefined && heard.value.menu !== menuVersion) learnMenu(heard.value.menu);
    show();
  },
});

/** @param {import('./lib/live.js').News<import('./lib/orders.js').Orders>} heard */
function hear(heard) {
  state.news = heard;
  const isUp = heard.status === 'live';
  if (isUp && !wasLive) taps.flush();
  wasLive = isUp;
  if (isUp && PAST === null) sayPresent();
  show();
}

/** What is to be seen; told of what has come. Also right after a tap, so that the next one is on what is then. */
function look() {
  const steady = performance.now();
  const { arrived, told, late, noted } = state.look(taps, live.now(), steady);
  if (arrived.length > 0 || noted.length > 0) chime.ring(steady);
  for (const order of told) announcer.say(words.newOrder(order));
  for (const order of late) announcer.say(t('bar.announce.late', { code: words.called(order) }));
  for (const order of noted) announcer.say(t('ledger.note.announce', { code: words.called(order), note: order.marks?.staff_note ?? '' }));
}

/** Who was faster, by the order's history. @param {import('./lib/taps.js').Tap} tap */
async function findWinner({ id, order }) {
  const { body } = await fetchStaff(`/orders/${encodeURIComponent(order)}/history`);
  /** @type {any[]} */
  const events = body?.events ?? [];
  const last = events.reverse().find((event) => !event.refused && !event.repeat && event.from !== event.to);
  // Without an answer it is said without a name.
  if (!last?.by?.device || last.by.device === deviceName()) return;
  state.won(id, last.by.device);
  show();
}

/** @param {string} version */
async function learnMenu(version) {
  // The shop says its version every second, also while an answer is waited for.
  if (asksMenu) return;
  asksMenu = true;
  try {
    const response = await fetch('/menu');
    if (!response.ok) return;
    state.menu = await response.json();
    menuVersion = version;
    state.usual = usualChoices(state.menu);
    sayPast();
    show();
  } catch {
    // it is asked for again with what the shop says next
  } finally {
    asksMenu = false;
  }
}

listenToHands({
  app, state, acts, chime, show,
  keysShown: () => keep(KEYS, 'shown'),
});
document.addEventListener('visibilitychange', show);
onLanguage(() => {
  announcer.forget();
  show();
});
onSignedIn(() => {
  live.tryNow();
  taps.flush();
  show();
});
signedInOrSent();
parts.begin(show);
show();
