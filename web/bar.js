/**
 * The bar: every open order on one rail, and those that are ready on a strip. What is known comes in from `orders`, what
 * is to be seen follows from that and from what was tapped here, and what is tapped goes to the line by `taps`.
 */

import { openSignIn } from './lib/access-sheet.js';
import { Announcer } from './lib/announcer.js';
import { Chime } from './lib/bar-chime.js';
import { fit, toMake, widthOf } from './lib/bar-counts.js';
import { Guard } from './lib/bar-guard.js';
import { Notes } from './lib/bar-notes.js';
import { Rail, UNDO_MS } from './lib/bar-rail.js';
import * as ticketOf from './lib/bar-ticket.js';
import { Tickets } from './lib/bar-tickets.js';
import * as view from './lib/bar-view.js';
import * as words from './lib/bar-words.js';
import { sendCommand } from './lib/commands.js';
import { language, onLanguage, t, time } from './lib/i18n.js';
import { follow } from './lib/live.js';
import { followOrders, isLive, read } from './lib/orders.js';
import { calledText, codeText } from './lib/pager-parts.js';
import { PAST, lookBack, stayInThePast } from './lib/past.js';
import { randomText } from './lib/rung.js';
import { plug } from './lib/sheet-plug.js';
import { deviceName, fetchStaff, onSignedIn, signedInOrSent } from './lib/staff.js';
import { createTaps } from './lib/taps.js';
import { html, nothing, render } from './vendor/lit-html.js';

/**
 * @typedef {import('./lib/orders.js').Order} Order
 * @typedef {import('./lib/orders.js').Orders} Orders
 */

/** How often a bar page says that it is there. */
const PRESENT_MS = 30_000;
const PRESENT_AGAIN_MS = 5_000;
/** A finger that lies longer is something that was put on the screen. */
const HELD_MS = 10_000;
/** Polite messages come at most this often. */
const SAY_MS = 1_000;
/** Orders that ended because of a tap here, which can still be taken back. */
const ENDED_MAX = 50;
const UNDO_STAYS = 'brewline.bar.undo';
const KEYS = 'brewline.bar.keys';

const root = document.documentElement;
const asked = new URLSearchParams(location.search).get('theme');
if (asked === 'light' || asked === 'dark') root.dataset.theme = asked;

const app = /** @type {HTMLElement} */ (document.getElementById('app'));
app.replaceChildren();
const announcer = new Announcer(SAY_MS);
const guard = new Guard();
const rail = new Rail();
const notes = new Notes();
const chime = new Chime(() => show());

/** @type {import('./lib/live.js').News<Orders>} */
let news = { status: 'loading', value: null, ageMs: 0, offline: false };
/** @type {import('./lib/live.js').News<any>} */
let shop = { status: 'loading', value: null, ageMs: 0, offline: false };
/** @type {any} */
let menu = null;
/** @type {ReadonlySet<string>} */
let usual = new Set();
let menuVersion = '';
/** @type {string | null} */
let picked = null;
/** What was on the rail and on the strip when it was drawn last: a tap is on that. */
/** @type {ReturnType<Rail['look']>} */
let seen = { tickets: [], waiting: [], arrived: [], late: [] };
/** @type {Map<string, Order>} */
const ended = new Map();
/** Who was faster than a tap that lost. @type {Map<string, string>} */
const winners = new Map();
let undoStays = stored(UNDO_STAYS) === 'stay';
/** A finger is down since. */
let heldSince = -Infinity;
/** Somebody uses keys here: tickets show theirs. */
let hasKeys = stored(KEYS) === 'shown';
let drawing = 0;
let presentAt = -Infinity;
let wasLive = false;
let isFull = false;

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
      if (!isLive(order)) remember(order);
      live.change('order', order);
    }
    if (outcome.is === 'lost') findWinner(tap);
  },
});

const live = PAST === null
  ? followOrders((heard) => hear(heard))
  : lookBack(PAST, { snapshot: `/orders?at=${PAST}`, read, tell: (heard) => hear(heard) });
const sayPast = PAST === null ? () => {} : stayInThePast(PAST, timeZone);
follow({
  snapshot: '/shop',
  stream: '/shop/events',
  event: 'shop',
  tell(/** @type {import('./lib/live.js').News<any>} */ heard) {
    // How the shop is now is nothing of the past.
    if (PAST === null) shop = heard;
    if (heard.value?.menu !== undefined && heard.value.menu !== menuVersion) learnMenu(heard.value.menu);
    show();
  },
});

/** @type {import('./lib/bar-plug.js').Bar} */
const bar = {
  get news() {
    return news;
  },
  get shop() {
    return shop;
  },
  get menu() {
    return menu;
  },
  now: () => live.now(),
  get timeZone() {
    return timeZone();
  },
  get device() {
    return deviceName();
  },
  get taps() {
    return taps;
  },
  tap,
  say: (text) => announcer.say(text),
  show: () => show(),
};

// The frame: what is drawn by lit, and the rail, which draws its tickets itself.

render(
  html`<div id="head"></div><div id="day"></div><div id="notice"></div>
    <main class="rail" id="rail" tabindex="-1"><div class="tickets" id="tickets"></div><div id="idle"></div></main>
    <div id="strip"></div><div id="sheet"></div>`,
  app,
);
const part = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const [headPart, dayPart, noticePart, railPart, idlePart, stripPart, sheetPart] = ['head', 'day', 'notice', 'rail', 'idle', 'strip', 'sheet'].map(part);

const on = {
  /** @param {string} id */
  step(id) {
    const ticket = seen.tickets.find((one) => one.id === id);
    if (!ticket || !allows(`rail/${id}`)) return;
    settle();
    rail.touch(id);
    const { order, kind } = ticket;
    const step = ticketOf.nextStep(order);
    if (kind === 'fold') {
      rail.unfold(id);
    } else if (kind === 'ticket' && step === 'start') {
      tap(order, 'start');
    } else if (kind === 'ticket' && step === 'ready') {
      rail.open.takes(id);
      if (tap(order, 'ready')) announcer.say(t(undoStays ? 'bar.announce.ready_stays' : 'bar.announce.ready', { code: called(order) }));
      else rail.open.givesBack(id);
    }
    look();
    show();
  },
  /** @param {string} id @param {number} line */
  tick(id, line) {
    const ticket = seen.tickets.find((one) => one.id === id);
    if (ticket?.kind !== 'ticket' || !guard.stands(`rail/${id}`, performance.now())) return;
    rail.touch(id);
    const isTicked = ticket.order.marks?.ticked?.includes(line) ?? false;
    // Whatever the order is like meanwhile, this drink is made.
    send(ticket.order, isTicked ? 'untick' : 'tick', { line });
    look();
    show();
  },
  /** @param {string} id */
  undo(id) {
    const ticket = seen.tickets.find((one) => one.id === id);
    if (ticket?.kind !== 'undo' || !allows(`rail/${id}`)) return;
    takeBack(ticket.order, 'ready', 'recall', 'ready', rail.open);
  },
  /** @param {string} id */
  handOver(id) {
    const waiting = seen.waiting.find((one) => one.id === id);
    if (waiting?.kind !== 'ready' || !allows(`strip/${id}`)) return;
    settle();
    rail.ready.takes(id);
    if (tap(waiting.order, 'collect')) announcer.say(t(undoStays ? 'bar.announce.handed_stays' : 'bar.announce.handed', { code: called(waiting.order) }));
    else rail.ready.givesBack(id);
    look();
    show();
  },
  /** @param {string} id */
  takeBack(id) {
    const waiting = seen.waiting.find((one) => one.id === id);
    if (waiting?.kind !== 'undo' || !allows(`strip/${id}`)) return;
    remember({ ...waiting.order, state: 'collected' });
    takeBack(waiting.order, 'collect', 'uncollect', 'collected', rail.ready);
  },
};
const tickets = new Tickets(
  /** @type {HTMLElement} */ (railPart),
  part('tickets'),
  on,
  // What comes where nothing was is as little meant as what has moved.
  (id) => guard.moved(`rail/${id}`, performance.now()),
);

// What is tapped.

/** What was done is undone: not sent at all if it was not sent yet, else by the command that takes it back.
 * @param {Order} order @param {string} done @param {string} command @param {Order['state']} state that it has by then
 * @param {import('./lib/bar-rail.js').Rail['open']} slots */
function takeBack(order, done, command, state, slots) {
  const { order_id: id } = order;
  const unsent = taps.of(id).reverse().find((one) => one.command === done);
  const isDropped = unsent !== undefined && taps.drop(unsent.id);
  if (isDropped || tap({ ...order, state }, command)) {
    slots.givesBack(id);
    announcer.say(t('bar.announce.undone', { code: called(order) }));
  }
  look();
  show();
}

/** @param {Order} order as it is shown @param {string} command @param {Record<string, unknown>} [more] */
function tap(order, command, more = {}) {
  return send(order, command, { state: order.state, round: order.round, ...more });
}

/** @param {Order} order @param {string} command @param {Record<string, unknown>} body */
function send(order, command, body) {
  const label = order.code ? codeText(order, language) : t('bar.no_code');
  isFull = taps.add({ order: order.order_id, label, command, body }) === null;
  return !isFull;
}

/** Whether a touch on this is meant: nothing changed there a moment ago. @param {string} id */
function allows(id) {
  return guard.allows(id, performance.now());
}

/** Something else is done: what stayed to be taken back does so no longer. */
function settle() {
  if (!undoStays) return;
  rail.open.settle();
  rail.ready.settle();
}

/** @param {Order} order */
function remember(order) {
  ended.delete(order.order_id);
  ended.set(order.order_id, order);
  if (ended.size > ENDED_MAX) ended.delete(/** @type {string} */ (ended.keys().next().value));
}

/** Who was faster, by the order's history. @param {import('./lib/taps.js').Tap} tap */
async function findWinner({ id, order }) {
  const { body } = await fetchStaff(`/orders/${encodeURIComponent(order)}/history`);
  /** @type {any[]} */
  const events = body?.events ?? [];
  const last = events.reverse().find((event) => !event.refused && !event.repeat && event.from !== event.to);
  // Without an answer it is said without a name.
  if (!last?.by?.device || last.by.device === deviceName()) return;
  winners.set(id, last.by.device);
  if (winners.size > ENDED_MAX) winners.delete(/** @type {string} */ (winners.keys().next().value));
  show();
}

// What is known.

/** @param {import('./lib/live.js').News<Orders>} heard */
function hear(heard) {
  news = heard;
  const isUp = news.status === 'live';
  if (isUp && !wasLive) taps.flush();
  wasLive = isUp;
  if (isUp && PAST === null) sayPresent();
  look();
  show();
}

/** What is to be seen; told of what has come. Also right after a tap, so that the next one is on what is then. */
function look() {
  const { value } = news;
  if (value === null) return;
  const steady = performance.now();
  const clock = live.now();
  rail.open.undoMs = rail.ready.undoMs = undoStays ? Infinity : UNDO_MS;
  const orders = value.orders;
  const back = [...ended.values()].filter(({ order_id: id }) => !orders.has(id) && taps.of(id).length > 0);
  seen = rail.look(back.length ? [...orders.values(), ...back] : orders.values(), taps.waiting, { clock, steady, isHeld: isHeld() });
  for (const { id, kind, order } of seen.tickets) guard.means(`rail/${id}`, kind === 'ticket' ? ticketOf.nextStep(order) : kind, steady);
  for (const { id, kind } of seen.waiting) guard.means(`strip/${id}`, kind, steady);
  guard.keep([...seen.tickets.map(({ id }) => `rail/${id}`), ...seen.waiting.map(({ id }) => `strip/${id}`)]);
  const noted = notes.news(orders.values());
  if (noted.length > 0) {
    chime.ring(steady);
    announcer.say(noted.map((order) => t('ledger.note.announce', { code: called(order), note: order.marks?.staff_note ?? '' })).join(' '));
  }
  if (seen.arrived.length > 0) {
    chime.ring(steady);
    announcer.say(seen.arrived.map(words.newOrder).join(' '));
  } else if (seen.late.length > 0) announcer.say(seen.late.map((order) => t('bar.announce.late', { code: called(order) })).join(' '));
}

function isHeld() {
  return performance.now() - heldSince < HELD_MS;
}

// What is seen.

/** Draws the page, once for all that changes until then. */
function show() {
  if (drawing !== 0) return;
  // Nothing is drawn where nobody looks, but the title says what waits.
  drawing = document.hidden ? setTimeout(draw, 250) : requestAnimationFrame(draw);
}

function draw() {
  drawing = 0;
  look();
  const { value } = news;
  const open = seen.tickets.filter(({ kind }) => kind === 'ticket' || kind === 'fold');
  drawDay(open);
  drawNotice();
  // A button that becomes wider moves those beside it, and with them the finger's.
  if (!isHeld()) {
    drawHead();
    drawStrip();
    drawTickets();
  }
  railPart.setAttribute('aria-label', t('bar.rail'));
  const isEmpty = value !== null && seen.tickets.length === 0;
  render(isEmpty ? (plug.idle?.(bar) ?? view.allDone(emptyText())) : value === null ? view.sketch() : nothing, idlePart);
  if (!isHeld()) render(plug.sheet?.(bar) ?? nothing, sheetPart);
  document.title = [open.length ? `(${open.length})` : '', deviceName() || t('bar.title')].filter(Boolean).join(' ');
}

function drawHead() {
  const now = live.now();
  const { status } = news;
  const line = status === 'live' || status === 'loading' || status === 'starting' || status === 'signed_out' ? status : 'offline';
  const clock = Number.isNaN(now) ? '' : time(now, timeZone());
  const sound = chime.state();
  const tools = html`${plug.tools?.(bar) ?? nothing}`;
  const stay = html`<button class="hb unseen" aria-pressed=${undoStays} @click=${toggleUndo}>${t('bar.undo_stay')}</button>`;
  render(view.head({ device: deviceName(), clock, line, sound, mute: () => void chime.toggle(), tools: html`${stay}${tools}`, pace: plug.pace?.(bar) ?? nothing }), headPart);
}

/** @param {import('./lib/bar-rail.js').Ticket[]} open */
function drawDay(open) {
  const counts = toMake(open.map(({ order }) => order));
  if (picked !== null && !counts.some(({ key }) => key === picked)) picked = null;
  const { rem } = tickets;
  // Beside the counts stand the heading, the sum and the way on. On a narrow screen they have a row of their own, and scroll.
  const width = tickets.column.columns === 1 ? Infinity : app.clientWidth - 19 * rem;
  const widthOfCount = (/** @type {import('./lib/bar-counts.js').Count} */ { title, count }) =>
    (widthOf(view.titleText(title)) * 1.125 + String(count).length * 0.95) * rem + 40;
  const isKnown = news.value !== null;
  const day = {
    counts: fit(counts, widthOfCount, width, 6 * rem, picked),
    open: open.length,
    more: tickets.more,
    picked,
    isKnown,
    pick(/** @type {string} */ key) {
      picked = picked === key ? null : key;
      show();
    },
    forward() {
      if (tickets.column.columns === 1) tickets.drawMore();
      else railPart.scrollBy({ left: railPart.clientWidth, behavior: isCalm() ? 'auto' : 'smooth' });
      show();
    },
  };
  render(view.day(day), dayPart);
}

function drawTickets() {
  const look = { usual, picked, undoStays, language, number: (/** @type {number} */ n) => (hasKeys && n < 9 ? n + 1 : 0) };
  const more = tickets.more;
  tickets.update(seen.tickets, look);
  tickets.tick(ageText, undoText);
  // It is known only after the rail has been drawn.
  if (tickets.more !== more) show();
}

/** The order of the chips, to know which of them stand elsewhere now. @type {string[]} */
let chips = [];

function drawStrip() {
  const steady = performance.now();
  const focused = document.activeElement;
  const ids = seen.waiting.map(({ id }) => id);
  for (const [n, { id }] of seen.waiting.entries()) {
    if (chips[n] !== id) guard.moved(`strip/${id}`, steady);
  }
  const had = focused instanceof HTMLElement && stripPart.contains(focused) ? focused.dataset.id : undefined;
  chips = ids;
  render(view.strip(seen.waiting, live.now(), on), stripPart);
  // Chips are drawn in the places of others: the focus stays with the order.
  if (had !== undefined && document.activeElement instanceof HTMLElement && document.activeElement.dataset.id !== had) {
    const own = [...stripPart.querySelectorAll('button')].find((button) => button.dataset.id === had);
    (own ?? stripPart.querySelector('button'))?.focus({ preventScroll: true });
  }
}

/** @param {import('./lib/bar-rail.js').Ticket} ticket */
function ageText({ order }) {
  const age = ticketOf.age(order, live.now());
  return typeof age === 'string' ? age : t('bar.hours', { count: age.hours });
}

/** @param {import('./lib/bar-rail.js').Ticket} ticket */
function undoText({ until }) {
  if (undoStays) return '';
  return t('bar.undo', { count: Math.max(1, Math.ceil((until - performance.now()) / 1_000)) });
}

function emptyText() {
  if (chime.state() === 'off') return t('bar.empty.muted');
  if (Number.isNaN(rail.lastReadyAt)) return t('bar.empty.first');
  return t('bar.empty.last', { time: time(rail.lastReadyAt, timeZone()) });
}

/** What was said last to those who hear the page. */
let told = '';

function drawNotice() {
  const said = notice();
  const hadFocus = noticePart.contains(document.activeElement);
  render(view.notice(said), noticePart);
  // What was answered is gone, and its button with it.
  if (hadFocus && !noticePart.contains(document.activeElement)) railPart.focus({ preventScroll: true });
  // Once, however its age counts on.
  if (said.about !== told && said.text !== '') announcer.assert(said.text);
  told = said.about;
}

/** The one thing that has to be said now. @returns {import('./lib/bar-view.js').Notice} */
function notice() {
  const { status, value, ageMs } = news;
  const kept = taps.kept().length;
  const end = kept > 0 ? t('bar.taps_kept', { count: kept }) : '';
  // The stream may go on for a while where the session does not.
  const isOut = status === 'signed_out' || taps.waiting.some(({ why }) => why === 'signed_out');
  if (isOut) return { about: 'signed_out', look: 'warn', text: t('bar.band.signed_out'), end, actions: [{ label: t('bar.sign_in'), act: () => openSignIn() }] };
  if (isFull) return { about: 'full', look: 'warn', text: t('bar.band.full'), end };
  if (status === 'starting') return { about: 'starting', look: 'warn', text: t('bar.band.starting'), end };
  // Behind the veil of a page that was just taken out again nothing is known yet.
  if (status === 'old') return { about: 'offline', look: 'warn', text: t('bar.band.offline', { age: words.span(ageMs) }), end };
  const [old] = taps.old();
  if (old) {
    const text = t('bar.old', { code: old.label, command: words.commandText(old.command), time: time(old.at, timeZone()) });
    const actions = [
      { label: t('bar.send'), act: () => taps.sendOld(old.id) },
      { label: t('bar.drop'), act: () => taps.forget(old.id) },
    ];
    return { about: `old ${old.id}`, look: 'warn', text, end: taps.old().length > 1 ? end : '', actions };
  }
  const [lost] = taps.lost;
  if (lost) {
    const text = words.lostText(lost, winners.get(lost.tap.id) ?? '');
    return { about: `lost ${lost.tap.id}`, look: 'told', text, actions: [{ label: t('bar.ok'), act: () => taps.seen(lost.tap.id) }] };
  }
  if (value?.no_barista) return { about: 'nobody', look: 'warn', text: t('bar.band.nobody'), end };
  if (value?.more) return { about: 'many', look: 'told', text: t('bar.band.many', { count: value.total }), end };
  return { about: '', look: '', text: '', end };
}

/** @param {Order} order */
function called(order) {
  return order.code ? calledText(order, language) : t('bar.no_code');
}

function timeZone() {
  return menu?.shop?.time_zone;
}

function isCalm() {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}

function toggleUndo() {
  undoStays = !undoStays;
  keep(UNDO_STAYS, undoStays ? 'stay' : '');
  show();
}

// What the page tells the line, and what it learns.

/** That somebody is there to make orders: without that phones are sent to the till. */
async function sayPresent() {
  const steady = performance.now();
  if (document.hidden || steady - presentAt < PRESENT_MS) return;
  presentAt = steady;
  const path = `/shop/bars/${encodeURIComponent(deviceName() || t('bar.title'))}`;
  const { ok } = await fetchStaff(path, { method: 'PUT', body: {} });
  if (!ok) presentAt = steady - PRESENT_MS + PRESENT_AGAIN_MS;
}

let asksMenu = false;

/** @param {string} version */
async function learnMenu(version) {
  // The shop says its version every second, also while an answer is waited for.
  if (asksMenu) return;
  asksMenu = true;
  try {
    const response = await fetch('/menu');
    if (!response.ok) return;
    menu = await response.json();
    menuVersion = version;
    usual = ticketOf.usualChoices(menu);
    sayPast();
    show();
  } catch {
    // it is asked for again with what the shop says next
  } finally {
    asksMenu = false;
  }
}

/** @param {string} name */
function stored(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/** @param {string} name @param {string} text */
function keep(name, text) {
  try {
    localStorage.setItem(name, text);
  } catch {
    // refused: until the page is loaded again
  }
}

function storage() {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

// Fingers and keys.

app.addEventListener('pointerdown', ({ target }) => {
  heldSince = performance.now();
  if (target instanceof Element && target.closest('.sound') === null) chime.touched();
  const ticket = target instanceof Element ? target.closest('.tk') : null;
  if (ticket instanceof HTMLElement) rail.touch(ticket.dataset.id ?? '');
});
for (const name of ['pointerup', 'pointercancel', 'blur']) {
  window.addEventListener(name, () => {
    heldSince = -Infinity;
    show();
  });
}
document.addEventListener('keydown', (event) => {
  chime.touched();
  const { key, code, target, repeat, altKey, ctrlKey, metaKey } = event;
  const isTyping = target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable]') !== null;
  if (repeat || altKey || ctrlKey || metaKey || isTyping || plug.isOpen?.()) return;
  if (/^[1-9]$/.test(key)) pressed(seen.tickets[Number(key) - 1]);
  else if (code === 'KeyU' || key.toLowerCase() === 'u') undoLast();
  else return;
  if (!hasKeys) keep(KEYS, 'shown');
  hasKeys = true;
  event.preventDefault();
  show();
});

/** @param {import('./lib/bar-rail.js').Ticket | undefined} ticket */
function pressed(ticket) {
  // Before the keys are shown nobody knows which is whose.
  if (ticket && hasKeys && (ticket.kind === 'ticket' || ticket.kind === 'fold')) on.step(ticket.id);
}

function undoLast() {
  const places = [...seen.tickets, ...seen.waiting].filter(({ kind }) => kind === 'undo');
  const last = places.reduce((/** @type {typeof places[number] | null} */ last, one) => (last === null || one.until >= last.until ? one : last), null);
  if (last === null) return;
  if ('urgency' in last) on.undo(last.id);
  else on.takeBack(last.id);
}

railPart.addEventListener('scroll', () => {
  tickets.scrolled();
  if (tickets.needsMore()) tickets.drawMore();
  show();
}, { passive: true });
new ResizeObserver(() => {
  tickets.resized();
  show();
}).observe(railPart);
document.addEventListener('visibilitychange', () => show());
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
tickets.resized();
show();
