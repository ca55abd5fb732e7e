/**
 * The page of the till: a bell for so many cups with one tap, its code over the whole screen for the customer to scan, and
 * an order from the menu for someone without a phone. Keeps what is known and what is tapped; `lib/till-view.js` and
 * `lib/till-code.js` show it, `lib/till-sale.js` makes an order once.
 */

import { signInInPlace } from './lib/access-sheet.js';
import * as cart from './lib/cart.js';
import { language, onLanguage, otherLanguage, setLanguage, t } from './lib/i18n.js';
import { follow } from './lib/live.js';
import { followOrders } from './lib/orders.js';
import { codeText } from './lib/pager-parts.js';
import { printerText, reprint } from './lib/printer-state.js';
import { fetchStaff, onSignedIn, signedInOrSent } from './lib/staff.js';
import { Sales } from './lib/till-sale.js';
import { codeScreen, shownOrder } from './lib/till-code.js';
import { CUPS, desk, REF_MAX } from './lib/till-view.js';
import { render } from './vendor/lit-html.js';

/** @typedef {import('./lib/till-view.js').Page} Page */
/** @typedef {import('./lib/cart.js').Line} Line */
/** @typedef {typeof actions} Actions */

const LINES = 'brewline.till.lines';
/** From here on one notices that something takes time. */
const SLOW_MS = 400;
/** A button that stands where another one stood takes no touch for so long. */
const DEAF_MS = 700;
/** Those that came to their end are asked for at most this often by themselves. */
const RECENT_MS = 2_000;
/** How long to wait before what did not come is asked for again. */
const AGAIN_MS = 5_000;
/** What the counter keeps of a name. @type {RegExp} */
const CONTROLS = /\p{Cc}/u;

const app = /** @type {HTMLElement} */ (document.getElementById('app'));
// What stood there until now is none of the renderer's.
app.replaceChildren();

/** @param {'localStorage' | 'sessionStorage'} name */
function storage(name) {
  try {
    return window[name];
  } catch {
    return null; // refused: then memory has it
  }
}

const sales = new Sales({
  storage: storage('localStorage'),
  send: sendSale,
  now: Date.now,
  key: () => cart.newKey(),
  changed: saleChanged,
});

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
  going: sales.going,
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

let slowTimer = 0;

/** Says that it takes a moment, once one would notice. */
function becomeSlow() {
  clearTimeout(slowTimer);
  page.slow = false;
  slowTimer = setTimeout(() => {
    page.slow = true;
    draw();
  }, SLOW_MS);
}

// Making.

/** @param {import('./lib/till-sale.js').Sale} sale @returns {Promise<import('./lib/till-sale.js').Verdict>} */
async function sendSale({ key, body }) {
  const answer = await fetchStaff('/orders', { method: 'POST', body, headers: { 'idempotency-key': key } });
  if (answer.status === 401) return { is: 'signed_out' };
  if (answer.status === 0) return { is: 'unknown', after_s: 0 };
  return cart.verdict(answer.status, answer.body ?? null, answer.retryMs > 0 ? answer.retryMs / 1_000 : NaN);
}

function saleChanged() {
  // Called while `sales` itself is made, when one was kept.
  queueMicrotask(() => {
    const { going } = sales;
    if (going === page.going) return;
    const before = page.going;
    page.going = going;
    if (going.is === 'sending' && before.is === 'none') becomeSlow();
    if (going.is === 'made') saleMade(going);
    if (going.is === 'failed' && going.why === 'changed') {
      page.soldOut = new Set([...page.soldOut, ...going.sold_out]);
      loadMenu();
    }
    draw();
  });
}

/** @param {Extract<import('./lib/till-sale.js').Going, {is: 'made'}>} going */
function saleMade({ id, sale }) {
  if (!sale.what.is_bell) setLines([]);
  page.ref = '';
  show(id);
}

/** @param {object} body @param {import('./lib/till-sale.js').What} what */
function make(body, what) {
  const ref = page.ref.trim();
  page.wrong = cart.characters(ref) > REF_MAX || CONTROLS.test(ref) ? t('till.ref_wrong', { max: REF_MAX }) : '';
  if (page.wrong) {
    drawNow();
    find('#ref')?.focus();
    return;
  }
  if (sales.begin({ ...body, ...(ref ? { ref } : {}) }, { ...what, ref })) {
    page.told = '';
    becomeSlow();
  }
}

/** @param {Line[]} lines */
function setLines(lines) {
  page.lines = lines;
  if (!lines.some(({ id }) => id === page.open)) page.open = 0;
  try {
    storage('sessionStorage')?.setItem(LINES, JSON.stringify({ key: '', lines }));
  } catch {
    // The page has them.
  }
}

function keptLines() {
  try {
    return cart.parse(storage('sessionStorage')?.getItem(LINES) ?? null).lines;
  } catch {
    return [];
  }
}

// The code.

let lastShown = '';
/** Whose code is being drawn, or was. */
let drawnOf = '';

/** @param {string} id */
function show(id) {
  if (page.showing !== id) {
    Object.assign(page, { showing: id, qr: '', qrFailed: false, sure: false, asking: '' });
    becomeSlow();
  }
  lastShown = id;
  drawQr(id);
}

/** @param {string} id */
async function drawQr(id) {
  if (typeof page.address !== 'object') return;
  drawnOf = id;
  const url = `${page.address.url}/o/${encodeURIComponent(id)}`;
  const answer = await ask('/table/qr.svg', { method: 'POST', body: url });
  if (drawnOf !== id) return;
  page.qr = answer?.ok ? `data:image/svg+xml,${encodeURIComponent(await answer.text())}` : '';
  page.qrFailed = page.qr === '';
  draw();
}

/**
 * What the counter answers to anyone; nothing if it does not.
 * @param {string} path
 * @param {RequestInit} [how]
 */
async function ask(path, how) {
  const cut = new AbortController();
  const late = setTimeout(() => cut.abort(), 8_000);
  try {
    return await fetch(path, { ...how, signal: cut.signal });
  } catch {
    return undefined;
  } finally {
    clearTimeout(late);
  }
}

async function loadAddress() {
  const answer = await ask('/table/address');
  try {
    if (answer?.ok) page.address = await answer.json();
    else page.address = answer?.status === 409 ? 'nowhere' : 'lost';
  } catch {
    page.address = 'lost';
  }
  if (page.address === 'lost') setTimeout(loadAddress, AGAIN_MS);
  else if (page.showing) drawQr(page.showing);
  draw();
}

// The menu.

let menuAsked = false;
let menuFailed = false;

async function loadMenu() {
  if (menuAsked) return;
  menuAsked = true;
  const answer = await ask('/menu');
  menuAsked = false;
  try {
    // A counter may have none: then there are only bells.
    if (answer?.status === 404) return;
    if (!answer?.ok) throw new TypeError('no menu');
    const menu = await answer.json();
    menuFailed = false;
    page.menu = menu;
    setLines(cart.fit(menu, page.lines).lines);
    draw();
  } catch {
    if (!menuFailed) setTimeout(loadMenu, AGAIN_MS);
    menuFailed = true;
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
  if (news.value !== before.value) {
    tellCode();
    // An order that is gone from the live ones came to its end.
    if ((news.value?.over.size ?? 0) !== overSeen || before.value === null) loadRecent();
    overSeen = news.value?.over.size ?? 0;
  }
  draw();
}

let overSeen = 0;
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

/** The key of the cancelling that is being asked: each try is the same command. */
let cancelKey = '';

const actions = {
  language: () => setLanguage(otherLanguage()),
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
  /** @param {number} cups */
  bell(cups) {
    if (isMeant()) make({ amount: cups }, { cups, ref: '', is_bell: true });
  },
  order() {
    if (!isMeant() || !page.menu || page.lines.length === 0) return;
    make(cart.request(page.menu, page.lines), { cups: cart.count(page.lines), ref: '', is_bell: false });
  },
  retry() {
    if (isMeant()) sales.retry(true);
  },
  giveUp() {
    if (!isMeant()) return;
    const { going } = page;
    if ('sale' in going && (going.sale.doubt || going.is === 'sending')) page.told = t('till.given_up');
    sales.done();
    page.going = sales.going;
    loadRecent();
    drawNow();
  },
  done() {
    if (!isMeant()) return;
    Object.assign(page, { showing: '', qr: '', sure: false, asking: '', said: '' });
    drawnOf = '';
    sales.done();
    page.going = sales.going;
    drawNow();
  },
  drawAgain() {
    page.qrFailed = false;
    if (page.address === 'lost') loadAddress();
    else drawQr(page.showing);
    draw();
  },
  /** @param {'slip' | 'ticket'} what */
  async print(what) {
    if (page.busy || !isMeant()) return;
    page.busy = true;
    drawNow();
    const refused = await reprint(page.showing, what);
    page.busy = false;
    page.asking = refused || t(`till.printing_${what}`);
    page.refused = refused !== '';
    draw();
  },
  takeBack() {
    page.sure = true;
    cancelKey = cart.newKey();
    drawNow();
    find('.sure button')?.focus();
  },
  keep() {
    page.sure = false;
    drawNow();
    find('.acts .link')?.focus();
  },
  async cancel() {
    const order = shownOrder(page);
    if (page.busy || !order) return;
    page.busy = true;
    drawNow();
    const { order_id: id, state, round } = order;
    const answer = await fetchStaff(`/orders/${encodeURIComponent(id)}/commands`, {
      method: 'POST',
      body: { command: 'cancel', reason: t('till.take_back_reason'), state, round },
      headers: { 'idempotency-key': cancelKey },
    });
    page.busy = false;
    const after = answer.body?.order ?? answer.body;
    if (after?.order_id === id) {
      orders?.change('order', after);
      page.recent = [after, ...page.recent.filter((other) => other.order_id !== id)];
    }
    page.refused = answer.status !== 200;
    if (!page.refused) Object.assign(page, { sure: false, asking: '' });
    else page.asking = t(answer.status === 409 ? 'till.take_back_late' : 'till.take_back_lost');
    if (answer.status === 409) page.sure = false;
    drawNow();
    find('.done')?.focus();
  },
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
  /** @param {string} id */
  category(id) {
    page.category = id;
    draw();
  },
  /** One more of it as everyone gets it. @param {import('./lib/cart.js').Item} item */
  add(item) {
    const { menu, lines, soldOut } = page;
    if (!menu || !cart.room(lines).cup) return;
    const added = cart.add(menu, lines, item, soldOut);
    const line = added[added.length - 1];
    const same = lines.find((other) => other.item === item.id && other.note === '' && JSON.stringify(other.options) === JSON.stringify(line?.options));
    if (same) setLines(cart.setQuantity(lines, same.id, same.quantity + 1));
    else if (cart.room(lines).line) setLines(added);
    page.open = same?.id ?? line?.id ?? 0;
    draw();
  },
  /** @param {Line} line @param {number} quantity */
  quantity(line, quantity) {
    if (quantity > line.quantity && !cart.room(page.lines).cup) return;
    setLines(cart.setQuantity(page.lines, line.id, quantity));
    drawNow();
    if (quantity === 0) (find('.cart .what') ?? find('.tile'))?.focus();
  },
  /** @param {Line} line @param {import('./lib/cart.js').Group} group @param {import('./lib/cart.js').Choice} choice */
  choose(line, group, choice) {
    if (!page.menu) return;
    setLines(cart.choose(page.menu, page.lines, line.id, group.id, choice.id));
    drawNow();
  },
  /** @param {Line} line */
  open(line) {
    page.open = page.open === line.id ? 0 : line.id;
    drawNow();
  },
  /** @param {Line} line */
  note(line) {
    page.noteOf = line.id;
    drawNow();
    find(`#note-${line.id}`)?.focus();
  },
  /** @param {Line} line @param {string} text */
  write(line, text) {
    page.noteOf = line.id;
    setLines(cart.setNote(page.lines, line.id, text));
    draw();
  },
  clear() {
    setLines([]);
    drawNow();
    find('.tile')?.focus();
  },
};

/** @param {KeyboardEvent} event */
function key(event) {
  if (event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
  const isWriting = event.target instanceof HTMLInputElement;
  if (screen !== 'desk') {
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
  onLanguage(() => {
    page.said = '';
    drawNow();
  });
  signInInPlace();
  onSignedIn(() => {
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
  loadAddress();
}

signedInOrSent().then((isHere) => isHere && begin());
