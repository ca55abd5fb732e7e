/** What the tests of the ledger have in common: the day of the drawings, and a line that tells of it. */

import { open } from './harness.mjs';

/** A time of day in Seoul on the day of the drawings. @param {number} hour @param {number} minute @param {number} [second] */
export function seoul(hour, minute, second = 0) {
  return Date.UTC(2026, 10, 22, hour - 9, minute, second);
}

/** @param {string} symbol @param {string} en @param {string} ko @param {number} number */
function code(symbol, en, ko, number) {
  return { number, words: { en, ko }, symbol, label: String(number) };
}

const STAR = code('star', 'star', '샛별', 18);
const CABIN = code('house', 'cabin', '오두막', 20);
const MANGO = code('mango', 'mango', '망고', 27);
const FISH = code('fish', 'fish', '물고기', 34);
const NOW = seoul(9, 14, 2);

/** New orders and open ones, every five minutes from half past seven. */
const NEW = [1, 1, 2, 1, 2, 2, 3, 2, 3, 2, 3, 3, 3, 3, 2, 4, 5, 5, 4, 4, 4];
const OPEN = [1, 1, 2, 2, 3, 2, 3, 3, 4, 5, 5, 6, 8, 9, 10, 11, 11, 10, 10, 9, 8];
const CHART = NEW.map((count, i) => ({ at: seoul(7, 30) + i * 300_000, new: count, open: OPEN[i] ?? 0 }));

/** The ledger as it is drawn: live. @type {any} */
export const LIVE = {
  as_of: NOW - 200,
  now: NOW,
  began: { at: null, why: 'first' },
  events: 402,
  equation: { accepted: 59, received: 5, making: 3, ready: 3, collected: 45, uncollected: 0, cancelled: 3, dead_lettered: 0, carried_over: 0 },
  holds: true,
  faults: [],
  faults_total: 0,
  needs_total: 2,
  needs: [
    { order_id: 'star', code: STAR, kind: 'remake_waits', since: NOW - 130_000, action: 'ring_bar' },
    { order_id: 'cabin', code: CABIN, kind: 'nobody_came', since: NOW - 12 * 60_000, action: 'call_again' },
  ],
  chart: CHART,
  percentiles: { order_to_ready: [310_000, 500_000, 590_000], ready_to_collected: [80_000, 245_000, 720_000], ready_to_phone: [200, 600, 1_900] },
  promise: { inside: 37, early: 2, late: 6, worst_late_ms: 132_000, total: 45 },
  day: { date: '2026-11-22', from: seoul(0, 0), to: seoul(24, 0) },
  orders_total: 59,
  orders: 59,
  drinks: 91,
  remakes: 1,
  uncollected: 0,
  cancelled: 3,
  before: seoul(9, 14, 0),
  after: null,
};

/** The same when one order is missing. */
export const BROKEN = {
  ...LIVE,
  equation: { ...LIVE.equation, collected: 44 },
  holds: false,
  faults_total: 1,
  faults: [{ kind: 'gap', order_id: 'fish', code: FISH, text: 'order fish: version 5 follows version 3', topic: 'order.event', partition: 0, offset: 399 }],
};

/** The same as it was at a moment. @param {number} at */
export function past(at) {
  const passed = (at - seoul(7, 30)) / (NOW - seoul(7, 30));
  const buckets = CHART.filter((bucket) => bucket.at <= at);
  return {
    ...LIVE,
    at,
    events: Math.round(402 * passed),
    equation: { ...LIVE.equation, accepted: 33, received: 6, making: 4, ready: 4, collected: 17, cancelled: 2 },
    needs: [
      { order_id: 'star', code: STAR, kind: 'remake_waits', since: at - 130_000, action: 'ring_bar' },
      { order_id: 'cabin', code: CABIN, kind: 'nobody_came', since: at - 12 * 60_000, action: 'call_again' },
    ],
    chart: buckets,
    promise: { inside: 14, early: 1, late: 2, worst_late_ms: 51_000, total: 17 },
    orders_total: 33,
    orders: 33,
    cancelled: 2,
    before: at - 7_000,
    after: at + 11_000,
  };
}

const [oat, latte, iced] = [{ en: 'oat', ko: '오트' }, { en: 'Latte', ko: '카페라테' }, { en: 'Iced latte', ko: '아이스 라테' }];

/** The orders of the drawing. @type {any[]} */
export const ROWS = [
  row('moon', code('moon', 'moon', '초승달', 30), [9, 11, 30], [{ quantity: 1, title: iced, option_titles: [oat] }], 'received', 160, [9, 18]),
  row('mango', MANGO, [9, 8, 2], [{ quantity: 2, title: iced, option_titles: [oat] }, { title: { en: 'Americano', ko: '아메리카노' } }], 'ready', 358, [9, 14], { channel: 'phone' }),
  row('lemon', code('lemon', 'lemon', '레몬', 24), [9, 7, 50], [{ title: { en: 'Matcha latte', ko: '말차 라테' }, option_titles: [oat] }], 'received', 380, [9, 14]),
  row('key', code('key', 'key', '열쇠', 21), [9, 5, 36], [{ title: { en: 'Flat white', ko: '플랫화이트' } }, { title: { en: 'Vanilla latte', ko: '바닐라 라테' }, option_titles: [oat] }], 'making', 514, [9, 11], { late: true }),
  row('star', STAR, [9, 4, 20], [{ title: latte, option_titles: [oat] }], 'making', 590, [9, 10], { late: true, round: 2, remade: true }),
  row('moon-2', code('moon', 'moon', '초승달', 17), [9, 3, 10], [{ title: latte, option_titles: [oat] }], 'cancelled', undefined, [9, 9]),
];

/** @param {string} id @param {any} code @param {[number, number, number]} time @param {any[]} drinks @param {string} state @param {number | undefined} wait @param {[number, number]} promised @param {any} [more] */
function row(id, code, time, drinks, state, wait, [hour, minute], more = {}) {
  return { order_id: id, code, received_at: seoul(...time), drinks, state, round: 1, ...(wait && { wait_ms: wait * 1_000 }), promised: { from: seoul(hour, minute), to: seoul(hour, minute + 2) }, ...more };
}

const STAFF = { role: 'staff', device: 'Main bar' };
const HOLDER = { role: 'holder' };

/** The story of the drawing. */
export const STORY = {
  order_id: 'mango',
  partition: 0,
  complete: true,
  carried_over: false,
  events: [
    decision(378, [9, 8, 2], 'received', undefined, 'received', { taken: { amount: 3, items: [{ item: 'latte', quantity: 2, title: iced }, { item: 'americano', title: { en: 'Americano', ko: '아메리카노' } }] } }),
    decision(380, [9, 8, 9], 'tested', 'received', 'received', { by: HOLDER }),
    decision(386, [9, 10, 40], 'start', 'received', 'making', { by: STAFF }),
    decision(390, [9, 12, 5], 'tick', 'making', 'making', { by: STAFF, line: 0 }),
    decision(394, [9, 13, 50], 'tick', 'making', 'making', { by: STAFF, line: 1 }),
    decision(395, [9, 14, 0], 'ready', 'making', 'ready', { by: STAFF }),
    { ...decision(396, [9, 14, 0], 'rang', 'ready', 'ready', { by: HOLDER }), at: seoul(9, 14, 0) + 300 },
  ],
};

/** @param {number} offset @param {[number, number, number]} time @param {string} event @param {string | undefined} from @param {string} to @param {any} more */
function decision(offset, time, event, from, to, more) {
  const at = seoul(...time);
  return { offset, timestamp: at, v: 1, order_id: 'mango', version: 1, round: 1, event, ...(from && { from }), to, at, ...more };
}

export const DAYS = {
  days: [
    { date: '2026-11-20', from: seoul(0, 0) - 2 * 86_400_000, to: seoul(0, 0) - 86_400_000, orders: 241, drinks: 377, remakes: 4, uncollected: 2, cancelled: 6, promise: { inside: 197, total: 233 }, holds: true, closed: true },
    { date: '2026-11-21', from: seoul(0, 0) - 86_400_000, to: seoul(0, 0), orders: 318, drinks: 502, remakes: 7, uncollected: 5, cancelled: 9, promise: { inside: 262, total: 304 }, holds: true, closed: true },
  ],
};

/**
 * A line that tells of the drawn day, in place of the real one; what it says can be changed.
 * @typedef {object} Drawn
 * @property {any} ledger
 * @property {any[]} rows
 * @property {any} story
 * @property {any} days
 * @property {any} session
 * @property {any} [past] instead of what any moment of the past says
 * @property {boolean} gone no answer comes any more
 */

/**
 * Lets the page have this day instead of the line's, and no stream.
 * @param {import('playwright-core').Page} page
 * @param {Partial<Drawn>} [told]
 * @returns {Promise<Drawn>}
 */
export async function tell(page, told = {}) {
  /** @type {Drawn} */
  const drawn = { ledger: LIVE, rows: ROWS, story: STORY, days: DAYS, session: { device: 'Office', role: 'manager' }, gone: false, ...told };
  const answer = (/** @type {RegExp} */ path, /** @type {(url: URL) => any} */ json) =>
    page.route(path, (route) => {
      // The page has the same address.
      if (route.request().resourceType() === 'document') return route.fallback();
      if (drawn.gone) return route.abort();
      const body = json(new URL(route.request().url()));
      return route.fulfill({ status: body.code_status ?? 200, json: body });
    });
  // It says how things are once, and is not opened again.
  await page.route(/\/ledger\/events$/, (route) => {
    if (drawn.gone) return route.abort();
    if (drawn.ledger.code) return route.fulfill({ status: drawn.ledger.code_status, json: drawn.ledger });
    const body = `retry: 3600000\nevent: ledger\ndata: ${JSON.stringify(drawn.ledger)}\n\n`;
    return route.fulfill({ contentType: 'text/event-stream', body });
  });
  await answer(/\/session$/, () => drawn.session);
  await answer(/\/menu$/, () => ({ shop: { name: { en: 'Onharu Coffee', ko: '온하루 커피' }, time_zone: 'Asia/Seoul' } }));
  await answer(/\/ledger(\?.*)?$/, ({ searchParams }) => {
    const at = searchParams.get('at');
    return at === null ? drawn.ledger : (drawn.past ?? past(Number(at)));
  });
  await answer(/\/ledger\/orders/, ({ searchParams }) => {
    const query = searchParams.get('q') ?? '';
    const found = drawn.rows.filter((row) => JSON.stringify(row).toLowerCase().includes(query.toLowerCase()));
    const from = found.findIndex(({ order_id }) => order_id === searchParams.get('after')) + 1;
    const orders = found.slice(from, from + Number(searchParams.get('limit')));
    const next = from + orders.length < found.length ? { next: orders.at(-1).order_id } : {};
    return { total: drawn.ledger.orders_total, matching: query === 'oat' ? 11 : found.length, orders, ...next };
  });
  await answer(/\/ledger\/minutes$/, () => drawn.days);
  await answer(/\/orders\/[^/]+\/history(\?.*)?$/, () => drawn.story);
  return drawn;
}

/** What a browser says where a test lets nothing through. */
export const NO_STREAM = [/ERR_FAILED/, /status of (401|403|404|410|500|503)/];

/**
 * A ledger on a screen of a manager's.
 * @param {import('playwright-core').Browser} browser
 * @param {string} url
 * @param {import('./harness.mjs').Phone & {told?: Partial<Drawn>, query?: string}} [screen]
 */
export async function drawnLedger(browser, url, { told, query = '', ...screen } = {}) {
  const expected = [...NO_STREAM, ...(screen.expected ?? [])];
  const opened = await open(browser, 'about:blank', { width: 1_440, height: 900, calm: true, ...screen, expected });
  await opened.page.clock.install({ time: NOW });
  const drawn = await tell(opened.page, told);
  await opened.page.goto(`${url}/ledger${query}`);
  return Object.assign(opened, { drawn });
}
