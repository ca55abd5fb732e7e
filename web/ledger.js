/**
 * The ledger, for managers: what is so now comes in by a stream, a moment of the past is asked for, and what is to be
 * seen follows from both. The address says what is looked at, so that it can be sent to someone and comes back.
 */

import { openSignIn } from './lib/access-sheet.js';
import { Announcer } from './lib/announcer.js';
import { copied } from './lib/clipboard.js';
import { language, onLanguage, otherLanguage, setLanguage, t, timeWithSeconds } from './lib/i18n.js';
import { Asks } from './lib/ledger-asks.js';
import { dateOf, momentAt, spanOf, stepped, typedMoment } from './lib/ledger-clock.js';
import { isOf } from './lib/ledger-equation.js';
import { Helper } from './lib/ledger-help.js';
import { List } from './lib/ledger-list.js';
import { FILTERS, nameOf } from './lib/ledger-model.js';
import { lines } from './lib/ledger-story.js';
import { asText } from './lib/ledger-timeline.js';
import { view } from './lib/ledger-view.js';
import { follow, patience } from './lib/live.js';
import { onSignedIn, onSignedOut, session, signedInOrSent } from './lib/staff.js';
import { render } from './vendor/lit-html.js';

/**
 * @typedef {import('./lib/ledger-model.js').Model} Model
 * @typedef {import('./lib/ledger-model.js').Acts} Acts
 * @typedef {import('./lib/ledger-model.js').Ledger} Ledger
 * @typedef {import('./lib/ledger-model.js').Day} Day
 */

/** What stands on this page is old when it is older than this: its heartbeat comes every 2 s. */
const OLD_MS = 5_000;
/** The days change seldom: when one closes. */
const DAYS_MS = 60_000;
const SHOP_AGAIN_MS = 10_000;
/** How often at most the address follows the hand: some browsers refuse a hundred changes within 30 s. */
const ADDRESS_MS = 400;
/** How often the story of an order that goes on is asked for again. */
const STORY_MS = 2_000;

/** A story that was not told yet. @type {Model['story']} */
const UNTOLD = { got: 'loading', partition: 0, isCarriedOver: false, accepted: null, decisions: [], mark: null };

const app = /** @type {HTMLElement} */ (document.getElementById('app'));
app.replaceChildren();
const theme = new URLSearchParams(location.search).get('theme');
if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
const announcer = new Announcer();
const asks = new Asks();
const asked = new URLSearchParams(location.search);

/** @type {Model} */
const model = {
  shop: {},
  news: { status: 'loading', value: null, ageMs: Infinity, offline: false },
  now: Date.now(),
  kept: '',
  slow: false,
  at: moment(asked.get('at')),
  shown: null,
  got: 'loading',
  whole: null,
  going: null,
  days: [],
  orders: {
    query: asked.get('q') ?? '',
    filter: FILTERS.find((name) => name === asked.get('show')) ?? 'all',
    got: 'loading',
    total: 0,
    matching: 0,
    rows: [],
    first: 0,
    isNewest: true,
    isOldest: true,
  },
  selected: asked.get('order') ?? '',
  row: null,
  story: { ...UNTOLD, mark: moment(asked.get('event')) },
  copied: '',
  helped: new Map(),
  told: new Set(),
};
const list = new List(model, asks, () => show());
/** @type {boolean | null} Whether it held when it was last said. */
let held = null;
/** There is something to show the page in. */
let isBegun = false;
/** When the story was asked for last, and of which count of the log it is. */
let story = { askedAt: -Infinity, events: -1 };

const live = follow({
  snapshot: '/ledger',
  stream: '/ledger/events',
  event: 'ledger',
  oldMs: OLD_MS,
  tell: (/** @type {import('./lib/live.js').News<Ledger>} */ news) => hear(news),
});
// What comes in.

/** @param {import('./lib/live.js').News<Ledger>} news */
function hear(news) {
  model.news = news;
  model.now = Number.isNaN(live.now()) ? Date.now() : live.now();
  if (news.status === 'signed_out') keepOut();
  const { value } = news;
  if (value !== null) {
    if (model.at === null) {
      model.shown = value;
      model.got = 'here';
    }
    if (model.whole === null || isSameDay(model.whole, value)) model.whole = value;
    if (held !== null && held !== value.holds) {
      if (value.holds) announcer.say(t('ledger.balanced'));
      else announcer.assert(t('ledger.broken', { count: value.faults_total, codes: value.faults.slice(0, 2).map(nameOf).join(', ') }));
    }
    held = value.holds;
    if (model.at === null && model.kept === '' && news.status === 'live') {
      list.follow(value.events);
      followStory(value.events);
    }
  }
  show();
}

/** Only who may see it is told anything. */
async function keepOut() {
  // Whoever has seen nothing yet is sent to sign in, and comes back.
  if (model.news.value === null && !(await signedInOrSent())) return;
  const who = await session();
  const kept = who === null ? 'signed_out' : who?.role === 'barista' ? 'managers_only' : '';
  if (kept === model.kept) return;
  model.kept = kept;
  show();
}

/**
 * Looks at a moment; `null`: at what is so now.
 * @param {number | null} at
 * @param {() => void} [keep] puts it into the address
 */
async function look(at, keep = remember) {
  const isLeaving = document.activeElement?.closest('.way, .then') != null;
  model.at = at;
  model.going = null;
  model.copied = '';
  keep();
  if (at === null) {
    asks.drop('past');
    model.shown = model.news.value;
    model.whole = model.news.value;
    model.got = model.shown === null ? 'loading' : 'here';
    list.first();
    // The button that led back is none any more, and another stands in its place.
    if (isLeaving) document.getElementById('go')?.focus({ preventScroll: true });
    return;
  }
  model.got = 'loading';
  show();
  const answer = await asks.ask('past', `/ledger?at=${at}`);
  if (answer === null || model.at !== at) return;
  if (answer.body === undefined) {
    model.got = answer.code === 'past_gone' ? 'gone' : 'failed';
    return show();
  }
  model.got = 'here';
  model.shown = answer.body;
  if (!isSameDay(model.whole, answer.body)) await wholeDay(answer.body);
  list.first();
}

/** The day that is looked at, to its end: what is behind the hand is an outline. @param {Ledger} ledger */
async function wholeDay(ledger) {
  const { value } = model.news;
  if (isSameDay(value, ledger) || ledger.day === null) {
    model.whole = ledger.day === null ? ledger : value;
    return;
  }
  const answer = await asks.ask('whole', `/ledger?at=${ledger.day.to - 1}`);
  if (answer?.body !== undefined) model.whole = answer.body;
}

/** @param {Ledger | null} one @param {Ledger | null} other */
function isSameDay(one, other) {
  return one !== null && other !== null && one.day?.date === other.day?.date;
}

async function loadDays() {
  const answer = await asks.ask('days', '/ledger/minutes');
  if (answer?.body === undefined) return;
  model.days = [...answer.body.days].sort((a, b) => b.from - a.from);
  show();
}

/** @param {string} id @param {number | null} [mark] the offset that is pointed at; `null`: its last event is */
async function select(id, mark) {
  const isOther = id !== model.selected;
  model.selected = id;
  model.copied = '';
  if (isOther) {
    model.row = model.orders.rows.find(({ order_id }) => order_id === id) ?? null;
    model.story = { ...UNTOLD };
  }
  model.story.mark = mark ?? null;
  remember();
  show();
  await loadStory();
  if (mark === undefined) return;
  const pointed = app.querySelector('#story .mark') ?? app.querySelector('#story li:last-child');
  const heading = app.querySelector('#story h2');
  if (heading instanceof HTMLElement) heading.focus({ preventScroll: true });
  (pointed ?? heading)?.scrollIntoView({ block: 'center' });
}

async function loadStory() {
  const id = model.selected;
  if (id === '') return;
  story = { askedAt: performance.now(), events: model.news.value?.events ?? -1 };
  // One that is forgotten is looked for back from there.
  const moment = model.at === null ? '' : `?at=${model.at}`;
  const answer = await asks.ask('story', `/orders/${encodeURIComponent(id)}/history${moment}`);
  if (answer === null || model.selected !== id) return;
  if (answer.body === undefined) {
    const isGone = answer.code === 'past_gone';
    const isNone = answer.code === 'unknown_order';
    // What came before stays.
    if (isGone || isNone || model.story.got !== 'here') model.story.got = isGone ? 'gone' : isNone ? 'none' : 'failed';
    // The next try may come through, also where nothing happens any more.
    if (!isGone && !isNone) story.events = -1;
  } else {
    const { partition, carried_over: isCarriedOver, accepted = null, events: decisions } = answer.body;
    model.story = { ...model.story, got: 'here', partition, isCarriedOver, accepted, decisions };
  }
  if (model.row === null) await learnRow(id);
  show();
}

/** An order whose row is on another page of the list. @param {string} id */
async function learnRow(id) {
  const asked = new URLSearchParams({ q: id, limit: '1' });
  const answer = await asks.ask('row', `/ledger/orders?${asked}`);
  const row = answer?.body?.orders[0];
  if (row?.order_id === id && model.selected === id) model.row = row;
}

/** @param {number} events */
function followStory(events) {
  if (model.selected === '' || story.events === events || asks.waits('story')) return;
  if (performance.now() - story.askedAt >= STORY_MS) loadStory();
}

// What is seen.

function show() {
  document.title = [t('ledger.title'), model.shop.name?.[language]].filter(Boolean).join(' · ');
  document.documentElement.dataset.state = model.at !== null ? 'past' : model.news.status === 'live' ? 'live' : 'old';
  render(view(model, acts), app);
}

let remembering = 0;
let rememberedAt = -Infinity;

/** The same of a hand that may still move: every now and then, and where it comes to rest. */
function rememberSoon() {
  clearTimeout(remembering);
  const wait = rememberedAt + ADDRESS_MS - performance.now();
  if (wait > 0) remembering = setTimeout(remember, wait);
  else remember();
}

/** The address says what is looked at. */
function remember() {
  clearTimeout(remembering);
  rememberedAt = performance.now();
  const address = new URL(location.href);
  const { query, filter } = model.orders;
  const said = { at: model.at === null ? '' : String(model.at), q: query, show: filter === 'all' ? '' : filter, order: model.selected, event: model.story.mark === null ? '' : String(model.story.mark) };
  for (const [name, value] of Object.entries(said)) {
    if (value === '') address.searchParams.delete(name);
    else address.searchParams.set(name, value);
  }
  history.replaceState(history.state, '', address);
}

function span() {
  const ledger = model.whole ?? model.shown;
  return ledger === null ? { from: model.now, to: model.now } : spanOf(ledger, model.now);
}

/** Whether the end of the track is now. */
function isToday() {
  const day = (model.whole ?? model.shown)?.day;
  return !day || model.now < day.to;
}

// What is done.

/** @type {Acts} */
const acts = {
  look: (at) => void look(at),
  key(event) {
    const { shown, at } = model;
    if (event.ctrlKey || event.altKey || event.metaKey || shown === null) return;
    // The events beside a moment are known once it is there.
    const { before, after } = isOf(shown, at) ? shown : {};
    const next = stepped(event.key, { at, span: span(), isToday: isToday(), before, after });
    if (['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'PageUp', 'PageDown', 'Home', 'End'].includes(event.key)) event.preventDefault();
    if (next !== undefined && next !== at) look(next, rememberSoon);
  },
  drag(event) {
    const track = /** @type {HTMLElement} */ (event.currentTarget);
    const over = span();
    const to = (/** @type {PointerEvent} */ { clientX }) => {
      const { left, width } = track.getBoundingClientRect();
      const at = momentAt((clientX - left) / width, over);
      const wanted = isToday() && at >= over.to ? null : at;
      if (wanted !== model.at) look(wanted, rememberSoon);
    };
    track.setPointerCapture(event.pointerId);
    track.addEventListener('pointermove', to);
    track.addEventListener('lostpointercapture', () => track.removeEventListener('pointermove', to), { once: true });
    to(event);
    document.getElementById('hand')?.focus({ preventScroll: true });
    event.preventDefault();
  },
  go() {
    model.going = { date: model.shown?.day?.date ?? dateOf(model.now, model.shop.timeZone), typed: '', wrong: '' };
    show();
    document.getElementById('minute')?.focus();
  },
  went(event) {
    event.preventDefault();
    const said = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    const [date, typed] = [String(said.get('date')), String(said.get('time'))];
    const day = model.days.find((day) => day.date === date) ?? model.shown?.day ?? { from: model.now, to: model.now };
    const at = typedMoment(typed, date, day, model.shop.timeZone);
    const isOutside = at !== null && (at < day.from || at >= Math.min(day.to, model.now));
    if (at === null || isOutside) {
      model.going = { date, typed, wrong: at === null ? 'wrong' : 'outside' };
      show();
      document.getElementById('minute')?.focus();
      return;
    }
    look(at);
    document.getElementById('hand')?.focus();
  },
  stay() {
    model.going = null;
    show();
    document.getElementById('go')?.focus();
  },
  tryNow: () => live.tryNow(),
  again() {
    if (model.at !== null && model.got !== 'here') return void look(model.at);
    if (model.orders.got === 'failed') list.load();
    if (model.story.got === 'failed') loadStory();
  },
  signIn: () => openSignIn(model.kept === 'managers_only' ? 'managers' : 'out'),
  search(query) {
    list.search(query);
    remember();
  },
  filter(filter) {
    list.filter(filter);
    remember();
  },
  turn: (way) => list.turn(way),
  select: (id, mark) => void select(id, mark),
  copy: () => void copy(),
  help: (need, action) => void helper.help(need, action),
  print: (day) => void printDay(day),
  language: () => void setLanguage(otherLanguage()),
};

/** The story as text, to paste it where somebody asks. */
async function copy() {
  const id = model.selected;
  const title = model.row ? nameOf(model.row) : nameOf({ order_id: id });
  const { timeZone } = model.shop;
  const dateAndTime = (/** @type {number} */ ms) => `${dateOf(ms, timeZone)} ${timeWithSeconds(ms, timeZone)}`;
  const text = asText(lines(model), { title, id, partition: model.story.partition, dateAndTime });
  model.copied = (await copied(text)) ? 'done' : 'failed';
  show();
}

/** The sheet of a day is the page as it was at its end, on paper. @param {Day} day */
async function printDay(day) {
  await look(model.now < day.to ? null : day.to - 1);
  window.print();
}

/** @param {string | null} text */
function moment(text) {
  const at = Number(text);
  return text !== null && text !== '' && Number.isSafeInteger(at) && at >= 0 ? at : null;
}

/** The shop's name and where its clock stands; until then times are shown by the device's zone. */
async function learnShop() {
  const answer = await asks.ask('menu', '/menu');
  // A line without a menu has no shop to tell of.
  if (answer === null || answer.code === 'not_found') return;
  if (answer.body === undefined) setTimeout(learnShop, SHOP_AGAIN_MS);
  else {
    model.shop = { name: answer.body.shop.name, timeZone: answer.body.shop.time_zone };
    show();
  }
}

const helper = new Helper(model, asks, () => isBegun && show());

document.addEventListener('keydown', (event) => {
  const isTyping = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
  const isWanted = ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') || (event.key === '/' && !isTyping);
  const field = document.getElementById('find');
  if (!isWanted || !(field instanceof HTMLInputElement)) return;
  event.preventDefault();
  field.focus();
  field.select();
});
onLanguage(() => {
  announcer.forget();
  show();
});
onSignedOut(() => {
  keepOut();
  if (model.news.value !== null) openSignIn();
});
onSignedIn(() => {
  model.kept = '';
  helper.flush();
  live.tryNow();
  begin();
});
patience(model, show)();

async function begin() {
  await keepOut();
  if (model.kept !== '') return;
  loadDays();
  if (model.at !== null) look(model.at);
  else list.first();
  if (model.selected !== '') select(model.selected, model.story.mark ?? undefined);
}

isBegun = true;
show();
learnShop();
begin();
setInterval(loadDays, DAYS_MS);
