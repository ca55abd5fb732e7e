/**
 * The page of the till: a bell for so many cups with one tap, its code over the whole screen for the customer to scan, and
 * an order from the menu for someone without a phone. Keeps what is known; `lib/till-view.js` and `lib/till-code.js` show
 * it, `lib/till-make.js` and `lib/till-sale.js` make an order once, `lib/till-lines.js` puts one from the menu together,
 * `lib/till-qr.js` draws what is scanned, and `lib/till-after.js` does what can be done with an order that is made.
 */

import { openSignIn } from './lib/access-sheet.js';
import * as cart from './lib/cart.js';
import { language, onLanguage, otherLanguage, setLanguage, t } from './lib/i18n.js';
import { follow, patience } from './lib/live.js';
import { followOrders } from './lib/orders.js';
import { codeText } from './lib/pager-parts.js';
import { printerText } from './lib/printer-state.js';
import { fetchStaff, onSignedIn, onSignedOut, signedInOrSent } from './lib/staff.js';
import { actsAfter } from './lib/till-after.js';
import { codeScreen, shownOrder } from './lib/till-code.js';
import { actsOnLines, keptLines, setLines } from './lib/till-lines.js';
import { createMaking } from './lib/till-make.js';
import { ask, Qr } from './lib/till-qr.js';
import { CUPS, desk } from './lib/till-view.js';
import { render } from './vendor/lit-html.js';

/** @typedef {import('./lib/till-view.js').Page} Page */
/** @typedef {typeof actions} Actions */

/** A button that stands where another one stood takes no touch for so long. */
const DEAF_MS = 700;
/** Those that came to their end are asked for at most this often by themselves. */
const RECENT_MS = 2_000;
/** How long to wait before what did not come is asked for again. */
const AGAIN_MS = 5_000;

const app = /** @type {HTMLElement} */ (document.getElementById('app'));
// What stood there until now is none of the renderer's.
app.replaceChildren();

/** @type {Page} */
const page = {
  news: { status: 'loading', value: null, ageMs: NaN, offline: false },
  recent: [],
  shop: { status: 'loading', value: null, ageMs: NaN, offline: false },
  menu: null,
  soldOut: new Set(),
  lines: keptLines(),
  open: 0,
  noteOf: 0,
  category: '',
  ref: '',
  wrong: '',
  query: '',
  address: 'loading',
  going: { is: 'none' },
  kept: [],
  fleeting: false,
  told: '',
  showing: '',
  qr: '',
  qrFailed: false,
  sure: false,
  asking: '',
  refused: false,
  busy: false,
  slow: false,
  now: Date.now(),
  said: '',
  isOut: false,
};

// Showing.

let drawn = 0;
/** What filled the screen when it was drawn last. */
let screen = 'desk';

function draw() {
  drawn ||= requestAnimationFrame(drawNow);
}

function drawNow() {
  cancelAnimationFrame(drawn);
  drawn = 0;
  const isCode = page.showing !== '' || (page.going.is !== 'none' && page.going.is !== 'made');
  const now = isCode ? page.showing || 'making' : 'desk';
  document.title = t('till.title');
  document.documentElement.classList.toggle('code', isCode);
  const wasOnCode = document.activeElement?.id === 'code';
  render(isCode ? codeScreen(page, actions) : desk(page, actions), app);
  // The code stands where its place was kept, and is read out from there.
  if (wasOnCode && isCode) find('#code')?.focus({ preventScroll: true });
  if (now === screen) return;
  const wasDesk = screen === 'desk';
  const back = wasDesk || now !== 'desk' ? null : lastShown && `[data-order="${CSS.escape(lastShown)}"]`;
  screen = now;
  // The finger that tapped is still where a button of the other screen is now.
  settle();
  if (now === 'desk') {
    (back && find(back) ? find(back) : find('#ref'))?.focus({ preventScroll: true });
  } else if (wasDesk || now !== 'making') {
    scrollTo(0, 0);
    find('#code')?.focus({ preventScroll: true });
  }
}

/** @param {string} selector */
function find(selector) {
  return /** @type {HTMLElement | null} */ (app.querySelector(selector));
}

let settling = 0;

/** For a moment no touch is taken. */
function settle() {
  const { classList } = document.documentElement;
  classList.add('settling');
  clearTimeout(settling);
  settling = setTimeout(() => classList.remove('settling'), DEAF_MS);
}

/** Whether a touch is meant for what stands there now. */
function isMeant() {
  return !document.documentElement.classList.contains('settling');
}

/** @param {string} text */
function say(text) {
  page.said = text;
}

const becomeSlow = patience(page, draw);

// The code.

const qr = new Qr(page, draw);
/** Whose code was shown last. */
let lastShown = '';

/** @param {string} id */
function show(id) {
  if (page.showing !== id) {
    Object.assign(page, { showing: id, qr: '', qrFailed: false, sure: false, asking: '' });
    becomeSlow();
  }
  lastShown = id;
  qr.draw();
}

// The menu.

let menuAsked = false;
let menuTimer = 0;

async function loadMenu() {
  if (menuAsked) return;
  menuAsked = true;
  clearTimeout(menuTimer);
  const answer = await ask('/menu');
  menuAsked = false;
  try {
    // A counter may have none: then there are only bells.
    if (answer?.status === 404) return;
    if (!answer?.ok) throw new TypeError('no menu');
    const menu = await answer.json();
    page.menu = menu;
    setLines(page, cart.fit(menu, page.lines).lines);
    draw();
  } catch {
    menuTimer = setTimeout(loadMenu, AGAIN_MS);
  }
}

// What is heard.

/** @type {import('./lib/live.js').Live<import('./lib/orders.js').Orders> | null} */
let orders = null;

/** @param {import('./lib/live.js').News<import('./lib/orders.js').Orders>} news */
function hear(news) {
  const { news: before } = page;
  page.news = news;
  const now = orders?.now() ?? NaN;
  page.now = Number.isNaN(now) ? Date.now() : now;
  // The line is back, which no browser tells where it was the counter that was gone.
  if (news.status === 'live' && before.status !== 'live') sales.retry();
  if (news.value !== before.value) {
    tellCode();
    // An order that is gone from the live ones came to its end.
    if (news.value?.ended !== before.value?.ended) loadRecent();
  }
  draw();
}

let recentAt = -Infinity;
let recentTimer = 0;

function loadRecent() {
  const wait = recentAt + RECENT_MS - performance.now();
  clearTimeout(recentTimer);
  recentTimer = setTimeout(async () => {
    recentAt = performance.now();
    const answer = await fetchStaff('/orders?recent');
    if (answer.ok && Array.isArray(answer.body?.orders)) page.recent = answer.body.orders;
    else if (answer.status !== 401) recentTimer = setTimeout(loadRecent, AGAIN_MS);
    draw();
  }, Math.max(0, wait));
}

let codeTold = '';

/** The code is told once, when it is there, and that the customer has it on a phone. */
function tellCode() {
  const order = page.showing ? shownOrder(page) : undefined;
  const presence = order?.marks?.presence === 'listening' ? 'listening' : '';
  const what = `${page.showing} ${order?.code ? 'code' : ''} ${presence}`;
  if (!order?.code || what === codeTold) return;
  codeTold = what;
  say([codeText(order, language), presence && t('till.on_phone')].filter(Boolean).join('. '));
}

/** @param {import('./lib/live.js').News<any>} news */
function hearShop(news) {
  const { value } = news;
  if (value && value !== page.shop.value) {
    page.soldOut = new Set(value.sold_out ?? []);
    if (value.menu && value.menu !== page.menu?.version) loadMenu();
  }
  page.shop = news;
  draw();
}

// What staff do.

/** What the parts of the page are given. @type {import('./lib/till-view.js').Screen} */
const given = { page, draw, drawNow, find, isMeant, take };

/** An order as an answer has it: the stream may be a moment behind. @param {import('./lib/orders.js').Order} order */
function take(order) {
  orders?.change('order', order);
  page.recent = [order, ...page.recent.filter(({ order_id: id }) => id !== order.order_id)];
}

const making = createMaking(given, { say, becomeSlow, loadMenu, loadRecent, code: { show, leave: () => (lastShown = '') } });
const { sales } = making;

const actions = {
  ...actsOnLines(given),
  ...actsAfter(given),
  ...making.acts,
  language: () => setLanguage(otherLanguage()),
  signIn: () => openSignIn(),
  /** @param {string} text */
  ref(text) {
    page.ref = text;
    page.wrong = '';
    draw();
  },
  /** @param {KeyboardEvent} event */
  refKey(event) {
    if (event.key !== 'Enter' || event.isComposing) return;
    event.preventDefault();
    find('.cups button')?.focus();
  },
  drawAgain: () => qr.again(),
  /** @param {string} query */
  find(query) {
    if (page.query === '' && query !== '') loadRecent();
    page.query = query;
    draw();
  },
  /** @param {string} id */
  show(id) {
    if (!isMeant()) return;
    show(id);
    drawNow();
  },
};

/** @param {KeyboardEvent} event */
function key(event) {
  if (event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
  // While somebody is asked to sign in keys are for that.
  if (document.querySelector('dialog[open]')) return;
  const isWriting = event.target instanceof HTMLInputElement;
  if (screen !== 'desk') {
    // Giving up what is not made yet takes more than a key that leads back.
    if (event.key === 'Escape') find('.done')?.click();
    return;
  }
  if (event.key === 'Escape' && isWriting) return void (/** @type {HTMLElement} */ (event.target).blur());
  if (isWriting) return;
  if (CUPS.includes(Number(event.key))) actions.bell(Number(event.key));
  else if (event.key === '/') {
    event.preventDefault();
    find('#find')?.focus();
  }
}

/** The printer's state is told when it becomes another. */
let printerTold = '';

function begin() {
  addEventListener('keydown', key);
  addEventListener('online', () => sales.retry());
  addEventListener('beforeunload', (event) => sales.isFleeting && event.preventDefault());
  onLanguage(() => {
    page.said = '';
    drawNow();
  });
  // What is asked by itself is no reason to put a form over what somebody types: the band says it, and whoever taps is asked.
  onSignedOut(() => {
    page.isOut = true;
    draw();
  });
  onSignedIn(() => {
    page.isOut = false;
    sales.retry();
    orders?.tryNow();
    loadRecent();
  });
  orders = followOrders((news) => {
    const text = printerText(news.value?.printer);
    if (text !== printerTold) say(text);
    printerTold = text;
    hear(news);
  });
  follow({ snapshot: '/shop', stream: '/shop/events', event: 'shop', tell: hearShop });
  drawNow();
  loadMenu();
  qr.begin();
}

signedInOrSent().then((isHere) => isHere && begin());
