/**
 * The page on which one orders: keeps what is known, the cart, and how sending it goes; `lib/order-view.js` shows it.
 *
 * One cart is one order. Its key is made with it and kept with it, and what was sent once is sent again with the same
 * key and the same body, so that a second tap, a reload, a lost answer or two tabs make no second order. While nobody
 * knows whether the order arrived, the cart can't be changed unless the customer says so.
 */

import * as cart from './lib/cart.js';
import { onLanguage, otherLanguage, setLanguage, t, withLanguage, word } from './lib/i18n.js';
import { follow, patience } from './lib/live.js';
import { slotText, view } from './lib/order-view.js';
import { render } from './vendor/lit-html.js';

/** @typedef {import('./lib/order-view.js').Page} Page */
/** @typedef {import('./lib/order-view.js').Shop} Shop */
/** @typedef {import('./lib/order-view.js').Mine} Mine */
/** @typedef {import('./lib/cart.js').Menu} Menu */
/** @typedef {import('./lib/cart.js').Line} Line */
/** @typedef {typeof actions} Actions */

const CART = 'brewline.cart';
/** With the version of what is kept: another one may be laid out otherwise. */
const MENU = 'brewline.menu.1';
const ORDERS = 'brewline.orders';
const DEVICE = 'brewline.device';
/** Orders of this phone that are remembered. */
const ORDERS_MAX = 5;
/** They are looked at again at most this often. */
const LOOK_EVERY_MS = 10_000;
/** How long one that ended badly is still shown. */
const ENDED_SHOWN_MS = 2 * 3_600_000;
/** How long a tap may take. */
const HELD_MS = 1_000;
/** Screen readers are told something at most this often. */
const SAY_EVERY_MS = 10_000;

const app = /** @type {HTMLElement} */ (document.getElementById('app'));
// What stood there until now is none of the renderer's.
app.replaceChildren();

/** @type {Page} */
const page = {
  ...keptMenu(),
  menuIsFresh: false,
  menuFailed: false,
  news: { status: 'loading', value: null, ageMs: NaN, offline: false },
  now: Date.now(),
  soldOut: new Set(),
  cart: keptCart(),
  open: new Set(),
  noteOf: 0,
  basket: false,
  query: '',
  category: '',
  sending: { is: 'no' },
  changes: [],
  menuChanged: false,
  mine: [],
  slow: false,
  elapsed: performance.now(),
  said: '',
};

// Showing.

let drawn = 0;
/** A finger is down: nothing may move under it, for as long as a tap takes. */
let held = false;
let holding = 0;

const becomeSlow = patience(page, draw);

/** Shows what is known, before the next frame. */
function draw() {
  if (drawn || held) return;
  drawn = requestAnimationFrame(drawNow);
}

function drawNow() {
  cancelAnimationFrame(drawn);
  drawn = 0;
  page.elapsed = performance.now();
  document.title = page.menu ? `${t('order.title')} · ${word(page.menu.shop.name)}` : t('order.title');
  const inFoot = document.activeElement?.closest('footer') ?? null;
  render(view(page, actions), app);
  // What had the focus is gone: it stays nearby, or whoever uses a keyboard begins anew at the top.
  if (inFoot && !inFoot.contains(document.activeElement)) focus('footer button');
}

/**
 * Shows the options of this one alone, without moving it: what is above it stays open if closing it would.
 * @param {string} what
 * @param {string} item
 */
function openOnly(what, item) {
  const article = find(`[data-item="${item}"]`);
  const top = article?.getBoundingClientRect().top ?? 0;
  const stay = () => {
    const moved = article?.getBoundingClientRect().top ?? top;
    scrollBy(0, moved - top);
    return Math.abs((article?.getBoundingClientRect().top ?? top) - top) < 1;
  };
  const before = page.open;
  page.open = new Set([what]);
  drawNow();
  if (stay()) return;
  page.open = new Set([...before, what]);
  drawNow();
  stay();
}

/** @param {string} selector */
function find(selector) {
  return /** @type {HTMLElement | null} */ (app.querySelector(selector));
}

/** @param {string} selector */
function focus(selector) {
  find(selector)?.focus({ preventScroll: true });
}

let saidAt = -Infinity;

/**
 * Tells screen readers, at most every ten seconds.
 * @param {string} text
 */
function say(text) {
  if (text === page.said || performance.now() - saidAt < SAY_EVERY_MS) return;
  saidAt = performance.now();
  page.said = text;
}

// What is kept. Where the browser refuses, it is kept as long as the page is open; the cart also when it is loaded again.

/** @param {string} key */
function read(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/**
 * @param {string} key
 * @param {string} text
 * @returns {boolean} whether it is kept
 */
function keep(key, text) {
  try {
    localStorage.setItem(key, text);
    return true;
  } catch {
    // What can't be kept must not leave something older behind.
    forget(key);
    return false;
  }
}

/** @param {string} key */
function forget(key) {
  try {
    localStorage.removeItem(key);
  } catch {
    // Then nothing was kept.
  }
}

/**
 * A signal that ends what takes too long; `AbortSignal.timeout` is too young for the phones that come in.
 * @param {number} ms
 */
function within(ms) {
  const abort = new AbortController();
  setTimeout(() => abort.abort(), ms);
  return abort.signal;
}

/** @returns {Pick<Page, 'menu' | 'menuAt'>} */
function keptMenu() {
  try {
    const { menu, at } = JSON.parse(read(MENU) ?? 'null');
    if (isMenu(menu) && Number.isFinite(at)) return { menu, menuAt: at };
  } catch {
    // None was kept, or it is of no use.
  }
  return { menu: null, menuAt: 0 };
}

/**
 * @param {any} menu
 * @returns {menu is Menu}
 */
function isMenu(menu) {
  return Array.isArray(menu?.categories) && Array.isArray(menu.options) && typeof menu.shop === 'object';
}

/** @param {cart.Cart} changed */
function setCart(changed) {
  page.cart = changed;
  if (changed.lines.length === 0) page.basket = false;
  const text = JSON.stringify(changed);
  setEntry(keep(CART, text) ? undefined : text);
}

/** The cart as this page, or another tab, left it. */
function keptCart() {
  return cart.parse(history.state?.cart ?? read(CART));
}

/**
 * Keeps the cart with the page's entry in the history, which outlives a reload where storage is refused: a key that is
 * lost while it is in doubt would be a second order.
 * @param {string | undefined} text
 */
function setEntry(text) {
  if (history.state?.cart === text) return;
  try {
    history.replaceState({ ...history.state, cart: text }, '');
  } catch {
    // Too often, or too much: the page has it.
  }
}

/**
 * Other lines are another order.
 * @param {Line[]} lines
 */
function setLines(lines) {
  if (lines === page.cart.lines) return;
  setCart({ key: cart.newKey(), lines });
  if (page.sending.is === 'failed' || page.sending.is === 'in') page.sending = { is: 'no' };
}

// The menu.

let menuAsked = false;
let menuFailures = 0;
let menuTimer = 0;

async function loadMenu() {
  if (menuAsked) return;
  menuAsked = true;
  clearTimeout(menuTimer);
  try {
    const response = await fetch('/menu', { signal: within(cart.ANSWER_MS) });
    const menu = response.ok ? await response.json() : null;
    if (!isMenu(menu)) throw new TypeError('no menu');
    menuFailures = 0;
    takeMenu(menu);
  } catch {
    page.menuFailed = true;
    menuTimer = setTimeout(loadMenu, cart.backOff(menuFailures++, Math.random()));
  }
  menuAsked = false;
  draw();
}

/** @param {Menu} menu */
function takeMenu(menu) {
  const differs = menu.version !== page.menu?.version;
  page.menu = differs ? menu : page.menu;
  page.menuAt = Date.now();
  page.menuIsFresh = true;
  page.menuFailed = false;
  keep(MENU, JSON.stringify({ menu, at: page.menuAt }));
  // What is on its way stays as it was sent; the counter says if that is no longer right.
  if (!page.cart.sent) fitCart();
}

function fitCart() {
  if (!page.menu) return;
  const { lines, changes } = cart.fit(page.menu, page.cart.lines);
  setLines(lines);
  page.changes = [...page.changes, ...changes];
}

// The shop.

/** @type {import('./lib/live.js').Live<Shop> | null} */
let shop = null;

function followShop() {
  becomeSlow();
  shop = follow({ snapshot: '/shop', stream: '/shop/events', event: 'shop', tell: hear });
}

/** What an answer to an order said of the shop, which then knew better than this. @type {{than: Shop, value: Shop} | null} */
let better = null;

/** @param {import('./lib/live.js').News<Shop>} news */
function hear(news) {
  const before = page.news;
  page.news = news.value && news.value === better?.than ? { ...news, value: better.value } : news;
  const now = shop?.now() ?? NaN;
  page.now = Number.isNaN(now) ? Date.now() : now;
  const { value } = page.news;
  if (value && value !== before.value) learn(value);
  if (news.status !== before.status) becomeSlow();
  const { said } = page;
  sayShop();
  // Ages and waits count, once a second.
  const counts = news.status === 'old' || page.sending.is === 'failed' || page.said !== said;
  if (counts || news.status !== before.status || value !== before.value) draw();
}

/** What has waited is said a second later: by then it is what is so. */
function sayShop() {
  const { status } = page.news;
  if (status === 'live' || status === 'old') say(slotText(page));
}

/** @param {Shop} value */
function learn(value) {
  page.soldOut = new Set(value.sold_out ?? []);
  if (value.menu && value.menu !== page.menu?.version) loadMenu();
  if (page.mine.length > 0) lookAtOrders();
}

// The orders that were made here.

/** @typedef {{id: string, at: string | null}} Kept An order, and where it stands in the log. */

/** @returns {Kept[]} the newest first */
function keptOrders() {
  try {
    const kept = JSON.parse(read(ORDERS) ?? '[]');
    if (!Array.isArray(kept)) return [];
    return kept.filter((order) => typeof order?.id === 'string').slice(0, ORDERS_MAX);
  } catch {
    return [];
  }
}

/** @param {string} id */
function forgetOrder(id) {
  keep(ORDERS, JSON.stringify(keptOrders().filter((other) => other.id !== id)));
}

/** @param {Kept} order */
function rememberOrder(order) {
  keep(ORDERS, JSON.stringify([order, ...keptOrders().filter(({ id }) => id !== order.id)].slice(0, ORDERS_MAX)));
}

/**
 * A path to an order. A counter that has not read as far as it stands says so, and not that there is no such order.
 * @param {string} to
 * @param {Kept} order
 */
function pathTo(to, { id, at }) {
  return `${to}${encodeURIComponent(id)}${at ? `?at=${encodeURIComponent(at)}` : ''}`;
}

let looked = -Infinity;

/** @param {boolean} [now] however short ago that was done */
async function lookAtOrders(now = false) {
  // Whoever comes back looks at once.
  if (document.hidden || (!now && performance.now() - looked < LOOK_EVERY_MS)) return;
  looked = performance.now();
  const found = await Promise.all(keptOrders().map(lookAtOrder));
  page.mine = found.filter((order) => order !== null);
  draw();
}

/**
 * An order of this phone, `null` if there is nothing to say about it any more: then it is forgotten. Where no answer
 * comes, it is known by its code, and not how far it is.
 * @param {Kept} kept
 * @returns {Promise<Mine | null>}
 */
async function lookAtOrder(kept) {
  const { id } = kept;
  try {
    const response = await fetch(pathTo('/orders/', kept), { signal: within(cart.ANSWER_MS) });
    if (response.status === 404) {
      forgetOrder(id);
      return null;
    }
    if (response.status !== 200) throw new TypeError('no order');
    const { state, code, changed_at, now, as_of } = await response.json();
    const ended = state === 'cancelled' || state === 'uncollected';
    if (state === 'collected' || (ended && (now ?? as_of) - changed_at > ENDED_SHOWN_MS)) {
      forgetOrder(id);
      return null;
    }
    return { id, path: pathTo('/o/', { id, at: null }), state, code: code?.words && code.label ? code : undefined };
  } catch {
    const code = page.mine.find((order) => order.id === id)?.code;
    const path = pathTo('/o/', kept);
    return code ? { id, path, code } : { id, path };
  }
}

// Sending.

let nextAttempt = 0;

/** @returns {cart.Here} */
function here() {
  return { now: Date.now(), elapsed: performance.now(), by: device(), key: cart.newKey(), random: Math.random() };
}

/** Goes on as it was decided. @param {cart.Step} step */
function go(step) {
  clearTimeout(nextAttempt);
  if (step.cart !== page.cart) setCart(step.cart);
  page.sending = step.sending;
  if (step.due_ms !== undefined) nextAttempt = setTimeout(attempt, step.due_ms);
  if (step.sending.is === 'sending') send(step.sending);
  draw();
}

/** Sends the cart, with its key, for the first time or again. */
function order() {
  if (!page.menu || page.sending.is === 'sending' || page.sending.is === 'waiting') return;
  // Another tab may have changed it, or sent it, a moment ago.
  const kept = cart.parse(read(CART));
  if (kept.key && kept.key !== page.cart.key) return takeOver(kept);
  page.changes = [];
  page.menuChanged = false;
  const body = JSON.stringify(cart.request(page.menu, page.cart.lines));
  go(cart.order(page.cart, body, here(), cart.phoneCups(page.menu), navigator.onLine === false));
}

function attempt() {
  const { sending } = page;
  go(cart.attempt(page.cart, sending.is === 'waiting' ? sending.failures : 0, here()));
}

/** @param {{is: 'sending', doubted: boolean, failures: number}} sending */
async function send(sending) {
  const { key, sent } = page.cart;
  if (!sent) return;
  becomeSlow();
  const { verdict, at } = await post(key, sent.body);
  if (verdict.is === 'accepted') return accepted(verdict.id, at, key);
  // Another tab was faster, or has another cart by now.
  if (page.cart.key !== key) return;
  learnFrom(verdict);
  go(cart.answered(page.cart, sending, verdict, here()));
}

/** What an answer says of the shop. @param {cart.Verdict} verdict */
function learnFrom(verdict) {
  if (verdict.is === 'changed') {
    page.soldOut = new Set([...page.soldOut, ...verdict.sold_out]);
    page.menuChanged = verdict.sold_out.length === 0;
    loadMenu();
  }
  if (verdict.is === 'too_large' && page.menu) {
    // It is so from here on, whatever else the menu says by now.
    page.menu = { ...page.menu, shop: { ...page.menu.shop, largest_phone_order_cups: verdict.cups } };
    loadMenu();
  }
  if (verdict.is === 'shut') {
    const { is: _, ...said } = verdict;
    const than = shop?.news().value;
    if (than) better = { than, value: { ...than, ...said } };
    shop?.tryNow();
  }
}

/**
 * @param {string} key
 * @param {string} body
 * @returns {Promise<{verdict: cart.Verdict, at: string | null}>} and where the order stands in the log
 */
async function post(key, body) {
  try {
    const response = await fetch('/orders', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key, 'Brewline-Device': device() },
      body,
      signal: within(cart.ANSWER_MS),
    });
    const json = await response.json().catch(() => null);
    const after_s = Number.parseInt(response.headers.get('Retry-After') ?? '', 10);
    const at = new URL(response.headers.get('Location') ?? '', location.href).searchParams.get('at');
    return { verdict: cart.verdict(response.status, json, after_s), at };
  } catch {
    return { verdict: { is: 'unknown', after_s: 0 }, at: null };
  }
}

let name = '';

/** A name for this phone, so that others behind the same address are not taken for it. It ends with the tab. */
function device() {
  try {
    name ||= sessionStorage.getItem(DEVICE) ?? '';
    name ||= cart.newKey();
    sessionStorage.setItem(DEVICE, name);
  } catch {
    // Then it ends with the page.
    name ||= cart.newKey();
  }
  return name;
}

/**
 * @param {string} id
 * @param {string | null} at
 * @param {string} key
 */
function accepted(id, at, key) {
  rememberOrder({ id, at });
  // Another tab may have begun the next one.
  const next = page.cart.key === key ? cart.EMPTY : page.cart;
  go({ cart: next, sending: { is: 'in', path: withLanguage(pathTo('/o/', { id, at })), failures: 0 } });
  openPager();
}

/** Goes to the order's page once that is there: a browser's own error page would say nothing of the order. */
async function openPager() {
  clearTimeout(nextAttempt);
  const { sending } = page;
  if (sending.is !== 'in') return;
  try {
    const response = await fetch(sending.path, { signal: within(cart.ANSWER_MS) });
    // Replaced, so that "back" does not come back to an order that is made.
    if (response.ok && page.sending === sending) return location.replace(sending.path);
  } catch {
    // Not there yet.
  }
  // The customer has begun another order meanwhile: the link stays.
  if (page.sending !== sending) return;
  page.sending = { ...sending, failures: sending.failures + 1 };
  nextAttempt = setTimeout(openPager, cart.backOff(sending.failures, Math.random()));
  draw();
}

/**
 * The cart as another tab, or this page before it was loaded again, left it.
 * @param {cart.Cart} kept
 */
function takeOver(kept) {
  page.cart = kept;
  if (kept.lines.length === 0) page.basket = false;
  go(cart.takeOver(kept, here()));
  if (!kept.sent) fitCart();
}

// What the customer does.

/** There is no room for more. */
function full() {
  page.sending = cart.failed('lines');
  draw();
}

const actions = {
  language: () => setLanguage(otherLanguage()),
  again() {
    page.menuFailed = false;
    loadMenu();
    shop?.tryNow();
    draw();
  },
  /** @param {import('./lib/cart.js').Item} item */
  add(item) {
    const { menu, cart: { lines } } = page;
    if (!menu) return;
    if (!cart.room(lines, cart.phoneCups(menu)).line) return full();
    setLines(cart.add(menu, lines, item, page.soldOut));
    const line = page.cart.lines[page.cart.lines.length - 1];
    openOnly(`line/${line.id}`, item.id);
    focus(`[data-line="${line.id}"] .plus`);
  },
  /**
   * @param {Line} line
   * @param {number} quantity
   */
  quantity(line, quantity) {
    if (quantity > line.quantity && !cart.room(page.cart.lines, cart.phoneCups(page.menu)).cup) return full();
    const inBasket = document.activeElement?.closest('.lines') !== null;
    setLines(cart.setQuantity(page.cart.lines, line.id, quantity));
    drawNow();
    if (quantity > 0) return;
    // The button that had the focus is gone.
    if (inBasket) focus(page.basket ? '.lines' : '.basket');
    else focus(`[data-item="${line.item}"] .plus, [data-item="${line.item}"] .add, [data-item="${line.item}"] .what`);
  },
  /**
   * @param {Line} line
   * @param {import('./lib/cart.js').Group} group
   * @param {import('./lib/cart.js').Choice} choice
   */
  choose(line, group, choice) {
    if (!page.menu || line.options[group.id] === choice.id) return;
    setLines(cart.choose(page.menu, page.cart.lines, line.id, group.id, choice.id));
    drawNow();
  },
  /**
   * @param {string} what
   * @param {string} item
   */
  toggle(what, item) {
    if (!page.open.has(what)) return openOnly(what, item);
    page.open = new Set([...page.open].filter((other) => other !== what));
    drawNow();
  },
  /** @param {Line} line */
  note(line) {
    page.noteOf = line.id;
    drawNow();
    focus(`#note-${line.id}`);
  },
  /**
   * @param {Line} line
   * @param {string} text
   */
  write(line, text) {
    page.noteOf = line.id;
    setLines(cart.setNote(page.cart.lines, line.id, text));
    draw();
  },
  /** @param {Line} line */
  split(line) {
    if (page.cart.lines.length >= cart.LIMITS.lines) return full();
    setLines(cart.split(page.cart.lines, line.id));
    const made = page.cart.lines[page.cart.lines.findIndex(({ id }) => id === line.id) + 1];
    page.open = new Set([...page.open, `line/${made.id}`]);
    drawNow();
    find(`[data-line="${made.id}"]`)?.scrollIntoView({ block: 'nearest' });
    focus(`[data-line="${made.id}"] .opts [tabindex="0"]`);
  },
  basket() {
    page.basket = !page.basket;
    drawNow();
  },
  /** @param {string} query */
  search(query) {
    page.query = query;
    drawNow();
  },
  /** @param {string} id */
  category(id) {
    page.category = id;
    jumped = true;
    drawNow();
    const section = find(`[data-category="${id}"]`);
    section?.scrollIntoView({ block: 'start' });
    section?.querySelector('h2')?.focus({ preventScroll: true });
  },
  order,
  openPager,
  dontSend: () => go(cart.giveUp(page.cart, here())),
  changeInstead() {
    if (page.sending.is !== 'unsure') return;
    page.sending = { ...page.sending, sure: true };
    drawNow();
  },
  keepIt() {
    if (page.sending.is !== 'unsure') return;
    page.sending = { ...page.sending, sure: false };
    drawNow();
  },
  changeAnyway() {
    page.sending = { is: 'no' };
    setCart({ key: cart.newKey(), lines: page.cart.lines });
    fitCart();
    drawNow();
    focus('.basket');
  },
  understood() {
    page.changes = [];
    page.menuChanged = false;
    drawNow();
    focus('footer .primary');
  },
  /**
   * Does away with what keeps the cart from being ordered, or shows where the customer can.
   * @param {import('./lib/cart.js').Obstacle} obstacle
   */
  resolve(obstacle) {
    const { is, line } = obstacle;
    if (is === 'item') {
      setLines(cart.setQuantity(page.cart.lines, line.id, 0));
      drawNow();
      return focus('footer .primary');
    }
    page.query = '';
    page.basket = false;
    page.open = new Set([...page.open, `line/${line.id}`]);
    drawNow();
    find(`[data-line="${line.id}"]`)?.scrollIntoView({ block: 'center' });
    focus(is === 'note' ? `#note-${line.id}` : `[aria-labelledby="group-${line.id}-${obstacle.group.id}"] [tabindex="0"]`);
  },
};

// What happens by itself.

/** The customer asked for a category: what is in view says nothing until they scroll. */
let jumped = false;
let spying = 0;

/** Which category is in view: the last one that begins above the middle of what is read. */
function spy() {
  spying = 0;
  if (jumped) {
    jumped = false;
    return;
  }
  const edge = (find('.tabs')?.getBoundingClientRect().bottom ?? 0) + 48;
  const sections = /** @type {HTMLElement[]} */ ([...app.querySelectorAll('[data-category]')]);
  const atEnd = innerHeight + scrollY >= document.documentElement.scrollHeight - 2 && scrollY > 0;
  const above = sections.filter((section) => section.getBoundingClientRect().top <= edge);
  const current = (atEnd ? sections : above).at(-1)?.dataset.category ?? sections[0]?.dataset.category;
  if (!current || current === page.category) return;
  page.category = current;
  drawNow();
  const tab = find(`[data-tab="${current}"]`);
  const tabs = tab?.parentElement;
  if (tab && tabs) tabs.scrollLeft = tab.offsetLeft - (tabs.clientWidth - tab.offsetWidth) / 2;
}

/** What scrolls into view must not end up below what sticks to the edges. */
function pad() {
  const edge = (/** @type {string} */ selector) => find(selector)?.offsetHeight ?? 0;
  document.documentElement.style.setProperty('--top', `${edge('.tabs')}px`);
  document.documentElement.style.setProperty('--bottom', `${edge('footer')}px`);
}

function begin() {
  addEventListener('scroll', () => (spying ||= requestAnimationFrame(spy)), { passive: true });
  addEventListener('resize', pad);
  new ResizeObserver(pad).observe(app);
  const release = () => {
    held = false;
    draw();
  };
  addEventListener('pointerdown', () => {
    held = true;
    clearTimeout(holding);
    holding = setTimeout(release, HELD_MS);
  });
  // After the click that it may be.
  for (const end of ['pointerup', 'pointercancel']) addEventListener(end, () => setTimeout(release));
  addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !page.basket) return;
    actions.basket();
    focus('.basket');
  });
  addEventListener('storage', ({ key, newValue }) => {
    if (key === CART && newValue !== null) {
      const kept = cart.parse(newValue);
      // On the way to the page of an order that has arrived: whatever becomes of the cart now, that goes on.
      if (page.sending.is === 'in' && kept.lines.length === 0) return;
      const waits = page.sending.is === 'waiting';
      const isSettled = !kept.sent || kept.sent.given_up;
      if (kept.key !== page.cart.key || (page.sending.is !== 'sending' && !waits) || (waits && isSettled)) takeOver(kept);
      // What the other tab has learnt of it: whether it may have arrived.
      else if (waits) page.cart = kept;
    } else if (key === ORDERS) {
      lookAtOrders(true);
    }
  });
  addEventListener('online', () => {
    if (page.sending.is === 'in') openPager();
    if (page.sending.is === 'waiting' && page.sending.why !== 'elsewhere') attempt();
    if (!page.menuIsFresh) loadMenu();
  });
  const comeBack = () => {
    if (document.hidden) return;
    const kept = cart.parse(read(CART));
    if (kept.key !== page.cart.key && read(CART) !== null) takeOver(kept);
    lookAtOrders(true);
  };
  document.addEventListener('visibilitychange', comeBack);
  addEventListener('pageshow', (event) => event.persisted && comeBack());
  onLanguage(() => {
    // In the language before, it would be read out as if it were this one.
    page.said = '';
    saidAt = -Infinity;
    sayShop();
    drawNow();
  });

  drawNow();
  loadMenu();
  followShop();
  if (keptOrders().length > 0) lookAtOrders(true);
  takeOver(page.cart);
}

begin();
