/**
 * The pager: one order as it goes on its way, and the phone as its bell. What is known comes in from `live`, what is to
 * be seen follows from that, and what happens on this phone goes to the line.
 */

import { Announcer } from './lib/announcer.js';
import { Bell, canBeNoticed } from './lib/bell.js';
import { language, onLanguage, otherLanguage, setLanguage, t, time, word } from './lib/i18n.js';
import { Line } from './lib/line.js';
import { OLD_MS, follow } from './lib/live.js';
import { RING_MS, dueRing, hasAnswer, isLive, screen, untilNextRing, widthOf } from './lib/pager-screen.js';
import { calledText, codeText } from './lib/pager-parts.js';
import { view } from './lib/pager-view.js';
import { Rung } from './lib/rung.js';
import { render } from './vendor/lit-html.js';

/**
 * @typedef {import('./lib/pager-screen.js').Order} Order
 * @typedef {import('./lib/pager-parts.js').Model} Model
 */

/** Nothing is said of waiting before this. */
const SLOW_MS = 400;
/** A button that has just come to stand under the finger is not meant yet. */
const SETTLE_MS = 700;
const FLASH_TEST_MS = 1_000;
/** The order matters more than the shop's name. */
const SHOP_AGAIN_MS = 10_000;

const app = /** @type {HTMLElement} */ (document.getElementById('app'));
app.replaceChildren();
const root = document.documentElement;
const id = decoded(location.pathname.replace(/^\/o\//, ''));
const path = `/orders/${encodeURIComponent(id)}`;
/** Where the order stands in the log: a counter that has not read that far says so. */
const at = new URLSearchParams(location.search).get('at');

const announcer = new Announcer();
const bell = new Bell(() => show());
const rung = new Rung(id, () => (bell.isArmed() ? 0 : 2) + (document.hidden ? 1 : 0) + Math.random());
/** @type {Model} */
const model = {
  screen: 'loading',
  order: null,
  now: NaN,
  ageMs: 0,
  offline: false,
  shop: {},
  tested: false,
  abilities: bell.abilities,
  flashing: false,
  answered: false,
  slow: false,
  open: '',
  asking: '',
};
/** The last round that was answered on this phone, whether or not the line knows yet. */
let answeredRound = 0;
/** The last round of which the line took the answer; the order shows it a moment later. */
let takenRound = 0;
/** The last ring that was seen to, of whatever outcome. */
let seenTo = '';
/** The last screen that showed something: what differs from it is told to those who hear the page. @type {Model['screen']} */
let told = 'loading';
let settleTimer = 0;
/** The bell was tried since the page was loaded. */
let tried = false;
/** A ring of this round is due, or was, and nobody has answered. */
let calling = false;
let ringTimer = 0;
let flashTimer = 0;

const live = follow({
  snapshot: at ? `${path}?at=${encodeURIComponent(at)}` : path,
  stream: `${path}/events`,
  event: 'order',
  tell: (/** @type {import('./lib/live.js').News<Order>} */ news) => hear(news),
});
const line = new Line(id, () => model.order, (order) => live.take(order));

/** @param {import('./lib/live.js').News<Order>} news */
function hear(news) {
  const before = model.order;
  model.order = news.value;
  model.ageMs = news.ageMs;
  model.offline = news.offline;
  model.now = live.now();
  model.answered = model.order !== null && (hasAnswer(model.order) || isAnswered(model.order.round));
  const next = screen(news, isAnswered);
  // Before anything is drawn: it rings first. As ready as it was last heard of it rings too, however old that is: a bell
  // that is missed is worse than one too many.
  if (model.order !== null) attend(model.order, next);
  if (next !== model.screen) enter(next);
  if (before !== null && model.order !== null && before.state !== model.order.state) model.asking = '';
  // The answer to the bell has no button any more: what is not in the log yet is sent again, however often that takes.
  const owesAnswer = next === 'coming' && model.order !== null && !hasAnswer(model.order) && model.order.round > takenRound;
  if (owesAnswer && (model.asking === '' || model.asking === 'unsent')) ask('acknowledge');
  show();
  if (document.hidden) line.is('hidden');
  else if (model.order !== null) line.is('listening');
  if (model.order !== null) line.hear(model.order.marks);
  if (model.order !== null && !isLive(model.order)) bell.rest();
}

/** @param {number} round */
function isAnswered(round) {
  return round <= answeredRound;
}

// The bell.

/** Rings if it is time to; stops if it is not any more. @param {Order} order @param {Model['screen']} on */
function attend(order, on) {
  clearTimeout(ringTimer);
  // Of what the counter does not know nobody can say that it is still there.
  const due = isAnswered(order.round) || on === 'unknown' ? -1 : dueRing(order, model.now);
  if (due < 0) {
    // Only what was called for ends here: a test of the bell rings on.
    if (calling) quiet();
    calling = false;
    return;
  }
  calling = true;
  const wait = untilNextRing(order, model.now);
  if (wait !== null) ringTimer = setTimeout(() => hear(live.news()), wait + 50);
  const ring = { round: order.round, ring: due };
  const name = `${order.round}/${due}`;
  if (seenTo === name) return;
  seenTo = name;
  if (rung.has(ring)) return;
  if (order.state === 'ready') flash(RING_MS);
  if (due > 0) announceReady(order);
  ringOnce(ring, order);
}

/** @param {import('./lib/rung.js').Ring} ring @param {Order} order */
async function ringOnce(ring, order) {
  const isOurs = await rung.claim(ring);
  // Taken back, or answered, while the tabs agreed.
  if (!isOurs || model.order?.round !== ring.round || model.answered || !isRinging(model.order)) return;
  const body = t('pager.ready.notice', { code: calledText(order, language) });
  const rings = bell.ring(RING_MS / 1_000, { title: t('pager.ready'), body, tag: id, lang: language });
  // The bar counts on it: what nobody could hear or see is not said to have rung.
  if (rings || (model.flashing && model.screen === 'ready' && !document.hidden)) line.mention('rang');
}

/** @param {Order} order */
function isRinging({ state }) {
  return state === 'ready' || state === 'uncollected';
}

function quiet() {
  bell.stop();
  clearTimeout(flashTimer);
  model.flashing = false;
}

/** @param {number} ms */
function flash(ms) {
  clearTimeout(flashTimer);
  model.flashing = true;
  flashTimer = setTimeout(() => {
    model.flashing = false;
    show();
  }, ms);
}

// What is seen.

/** @param {Model['screen']} next */
function enter(next) {
  const last = model.screen;
  model.screen = next;
  model.open = '';
  settle();
  if (next !== 'loading') {
    announce(next, told);
    told = next;
  }
  // Whoever reads with a keyboard or hears the page is taken along; the first screen is where everyone begins.
  const had = document.activeElement;
  const isLost = had !== null && had !== document.body;
  queueMicrotask(() => {
    if (next === 'ready') focus('.call');
    else if (isLost || last === 'ready') focus('.state');
    window.scrollTo(0, 0);
  });
}

/** @param {string} selector */
function focus(selector) {
  const element = app.querySelector(selector);
  if (element instanceof HTMLElement) element.focus({ preventScroll: true });
}

/** @param {Model['screen']} next @param {Model['screen']} last */
function announce(next, last) {
  const { order, shop } = model;
  if (next === 'ready' && order) announceReady(order);
  else if (next === 'lost') announcer.say(t('pager.lost'));
  else if (next === 'recalled') announcer.say(`${t('pager.recalled')}. ${t('pager.recalled.leave')}`);
  else if (next === 'cancelled') announcer.say(t('pager.cancelled'));
  // What the page begins with is read as a page; what is as it was before the phone was put away is no news.
  else if (last === 'loading' || last === next || !order) return;
  else if (next === 'received' || next === 'unpaid') announceCode(order, next);
  else if (next === 'making') announcer.say(t('pager.making'));
  else if (next === 'coming' && last === 'ready') announcer.say(t('pager.coming.quiet'));
  else if (next === 'collected') {
    announcer.say(t('pager.collected', { time: time(order.finished_at ?? order.changed_at, shop.timeZone) }));
  } else if (next === 'uncollected') announcer.say(`${t('pager.uncollected')}. ${t('pager.uncollected.what')}`);
}

/** @param {Order} order */
function announceReady(order) {
  announcer.assert(t('pager.ready.announce', { code: calledText(order, language) }));
}

/** @param {Order} order @param {'received' | 'unpaid'} next */
function announceCode(order, next) {
  const says = t('pager.code', { code: calledText(order, language) });
  announcer.say(next === 'unpaid' ? `${says} ${t('pager.unpaid')}.` : says);
}

function show() {
  // A sound that the browser has locked again needs another tap.
  model.tested = tried && bell.abilities.sound !== 'locked';
  const { order } = model;
  document.title = title();
  root.dataset.screen = model.screen;
  if (order?.code) {
    const units = widthOf(codeText(order, language));
    root.style.setProperty('--code-width', String(units));
    root.style.setProperty('--word-width', String(widthOf(order.code.words[language].toUpperCase())));
    root.style.setProperty('--number-width', String(widthOf(String(order.code.label ?? order.code.number))));
  }
  render(view(model, taps), app);
}

function title() {
  const { order, screen, shop } = model;
  const code = order ? codeText(order, language) : '';
  // In a tab that nobody sees the screen waits, and the title does not; what is old it does not claim either.
  const isCalling = order?.state === 'ready' && !model.answered && model.ageMs <= OLD_MS;
  if (isCalling && !['unknown', 'forgotten'].includes(screen)) {
    return code ? t('pager.title.ready', { code }) : t('pager.title.ready_only');
  }
  return [code || t('pager.title'), word(shop.name)].filter(Boolean).join(' · ');
}

// What is tapped.

/** Until the finger has seen what came under it, nothing can be touched. */
function settle() {
  clearTimeout(settleTimer);
  root.classList.add('settling');
  settleTimer = setTimeout(() => root.classList.remove('settling'), SETTLE_MS);
}

const taps = {
  async test() {
    root.classList.add('test-flash');
    setTimeout(() => root.classList.remove('test-flash'), FLASH_TEST_MS);
    await bell.test(trial());
    tried = true;
    show();
    announcer.say(t(canBeNoticed(bell.abilities) ? 'pager.bell.will' : 'pager.bell.flash_only'));
    line.mention('tested');
  },
  notices: () => void bell.askForNotices(trial()),
  acknowledge() {
    if (model.order === null) return;
    answeredRound = model.order.round;
    quiet();
    hear(live.news());
    ask('acknowledge');
  },
  missing: () => void ask('missing'),
  collect: () => void ask('collect'),
  cancel: () => void ask('cancel'),
  /** @param {Model['open']} what */
  show(what) {
    model.open = what;
    settle();
    show();
    document.getElementById(what === 'cancel' ? 'sure' : 'cancel')?.focus();
    if (what === 'cancel') app.querySelector('.confirm')?.scrollIntoView({ block: 'nearest' });
  },
  tryNow: () => live.tryNow(),
  language: () => void setLanguage(otherLanguage()),
};

/** A notification that is only tried. */
function trial() {
  return { title: t('pager.bell.will'), body: '', tag: id, lang: language };
}

/** @param {'acknowledge' | 'missing' | 'collect' | 'cancel'} name */
async function ask(name) {
  if (model.asking === 'sending') return;
  model.asking = 'sending';
  show();
  const round = model.order?.round ?? 0;
  const outcome = await line.ask(name);
  if (name === 'acknowledge' && outcome === 'done') takenRound = round;
  model.open = '';
  model.asking = outcome === 'done' ? '' : outcome === 'changed' && name === 'cancel' ? 'too_late' : outcome === 'changed' ? '' : outcome;
  show();
}

/** What stands in the address; what was typed wrongly there is no id, and is looked for as it is. @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The shop's name and where its clock stands; until then times are shown by the phone's zone. */
async function learnShop() {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), SHOP_AGAIN_MS);
  try {
    const response = await fetch('/menu', { signal: abort.signal });
    // A line without a menu has no shop to tell of.
    if (response.status === 404) return;
    const { shop } = await response.json();
    model.shop = { name: shop.name, timeZone: shop.time_zone };
    show();
  } catch {
    // no answer, or a counter that is not ready or has too much to do
    setTimeout(learnShop, SHOP_AGAIN_MS);
  } finally {
    clearTimeout(timer);
  }
}

document.addEventListener('visibilitychange', () => line.is(document.hidden ? 'hidden' : 'listening'));
window.addEventListener('pagehide', () => {
  line.leave();
  rung.leave();
});
window.addEventListener('pageshow', (event) => event.persisted && rung.comeBack());
onLanguage(() => {
  announcer.forget();
  show();
});
setTimeout(() => {
  model.slow = true;
  show();
}, SLOW_MS);
show();
learnShop();
