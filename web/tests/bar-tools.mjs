/** What the tests of the bar have in common: a tablet, and orders as the drawings have them. */

import { open, signIn } from './harness.mjs';
import { note, watchCommands } from './pager-tools.mjs';

/** What Chromium logs of answers that a test provokes. */
export const REFUSED = /status of (401|404|409|503)/;
/** What it logs where a test answers instead of the line. */
export const NO_STREAM = [/ERR_FAILED/, REFUSED];

/** Pages that have the menu. @type {WeakSet<import('playwright-core').Page>} */
const withMenu = new WeakSet();

/** @param {import('playwright-core').Request} request */
function isMenu(request) {
  return new URL(request.url()).pathname === '/menu';
}

/**
 * A tablet with the bar's page, that notes what it did.
 * @param {import('playwright-core').Browser} browser
 * @param {import('./harness.mjs').Line} line
 * @param {import('./harness.mjs').Phone & {clock?: boolean, at?: number, device?: string, query?: string, url?: string, prepare?: (page: import('playwright-core').Page) => Promise<void>}} [tablet] `clock`: time can be moved; `at`: from when on
 */
export async function tablet(browser, line, { clock = false, at, query = '', url = line.url, device = 'Main bar', prepare, theme = 'dark', ...looks } = {}) {
  const opened = await open(browser, 'about:blank', { width: 1280, height: 800, theme, ...looks });
  await signIn(opened.context, line, 'barista', device);
  const { page } = opened;
  if (clock || at !== undefined) await page.clock.install(at === undefined ? {} : { time: at });
  const notes = await note(opened.context);
  watchCommands(page, notes);
  page.on('domcontentloaded', () => withMenu.delete(page));
  page.on('requestfinished', (request) => isMenu(request) && withMenu.add(page));
  await prepare?.(page);
  const asks = new URLSearchParams(query);
  if (theme === 'light') asks.set('theme', 'light');
  await page.goto(`${url}/bar${asks.size ? `?${asks}` : ''}`);
  return Object.assign(opened, { notes });
}

/**
 * Waits until the shop is as wanted.
 * @param {import('./harness.mjs').Line} line
 * @param {(shop: any) => boolean} wanted
 */
export async function shopSays(line, wanted) {
  const cut = AbortSignal.timeout(30_000);
  const response = await fetch(`${line.url}/shop/events`, { signal: cut });
  let text = '';
  for await (const part of /** @type {any} */ (response.body).pipeThrough(new TextDecoderStream())) {
    text += part;
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    const shops = events.filter((event) => /^event: shop$/m.test(event)).map((event) => JSON.parse(/^data: (.*)$/m.exec(event)?.[1] ?? '{}'));
    if (shops.some(wanted)) return;
  }
  throw new Error('the stream ended before the shop was as wanted');
}

/** The ticket with this code. @param {import('playwright-core').Page} page @param {string | RegExp} code */
export function ticket(page, code) {
  return page.locator('.tk').filter({ has: page.getByText(code, { exact: typeof code === 'string' }) });
}

/** Everything stands where it will stand, and has for long enough to be meant. @param {import('playwright-core').Page} page */
export async function settle(page) {
  // What is usual in it is not said on tickets: they become smaller, and stand elsewhere.
  if (!withMenu.has(page)) await page.waitForEvent('requestfinished', isMenu);
  await page.waitForFunction(() => [...document.querySelectorAll('.sym')].every((drawing) => drawing.getBoundingClientRect().width > 0));
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await page.clock.fastForward(1_000);
}

/** An order's code as tickets have it. @param {any} order */
export function codeOf({ code }, language = 'en') {
  return `${code.words[language].toUpperCase()} ${code.label}`;
}

/**
 * Lets the page have these orders instead of the line's, and no stream.
 * @param {import('playwright-core').Page} page
 * @param {() => {status?: number, body: any}} answer
 */
export async function answerWith(page, answer) {
  await page.route(/\/events$/, (route) => (new URL(route.request().url()).pathname === '/events' ? route.abort() : route.continue()));
  await page.route(/\/orders\?live$/, (route) => {
    const { status = 200, body } = answer();
    return route.fulfill({ status, json: body });
  });
}

/** 08:42 on the day of the drawings, in Seoul. */
export const NOW = Date.UTC(2026, 2, 5, 23, 42);

/** @param {string} symbol @param {string} en @param {string} ko @param {number} number */
const code = (symbol, en, ko, number) => ({ symbol, words: { en, ko }, number, label: `${number}` });

/**
 * @param {string} item @param {string} en @param {string} ko
 * @param {{quantity?: number, mods?: [string, string][], note?: string}} [more]
 */
function line(item, en, ko, { quantity = 1, mods = [], note } = {}) {
  const options = mods.map(([mod]) => `own/${mod.toLowerCase().replaceAll(' ', '-')}`);
  return { item, quantity, title: { en, ko }, options, option_titles: mods.map(([en, ko]) => ({ en, ko })), ...(note ? { note } : {}) };
}

const OAT = /** @type {[string, string]} */ (['Oat', '오트']);
const LARGE = /** @type {[string, string]} */ (['Large', '라지']);

/** @param {number} minutes @param {number} seconds how long ago @param {Record<string, unknown>} more */
function drawn(minutes, seconds, more) {
  const received_at = NOW - (minutes * 60 + seconds) * 1_000;
  const promised = { from: received_at + 6 * 60_000, to: received_at + 8 * 60_000 };
  const when = { received_at, changed_at: received_at, promised, as_of: NOW, now: NOW };
  return { state: 'received', round: 1, version: 1, decided: true, mode: 'manual', amount: 1, ...when, ...more };
}

/** The shift of the drawing. @type {any[]} */
export const SHIFT = [
  drawn(9, 50, { order_id: 'star', code: code('star', 'star', '샛별', 18), state: 'making', round: 2, marks: { reason: 'wrong milk' }, items: [line('latte', 'Latte', '카페라테', { mods: [OAT] })] }),
  drawn(8, 34, {
    order_id: 'key', code: code('key', 'key', '열쇠', 21), state: 'making', marks: { ticked: [0] }, ref: 'A-17', channel: 'till',
    items: [line('flat-white', 'Flat white', '플랫화이트'), line('vanilla-latte', 'Vanilla latte', '바닐라 라테', { mods: [OAT, ['Extra shot', '샷 추가']] })],
  }),
  drawn(7, 2, { order_id: 'cloud', code: code('cloud', 'cloud', '구름', 22), state: 'making', name: 'Kim', items: [line('latte', 'Latte', '카페라테', { quantity: 2, mods: [LARGE], note: 'Allergy: tree nuts' })] }),
  drawn(6, 20, { order_id: 'lemon', code: code('lemon', 'lemon', '레몬', 24), items: [line('matcha', 'Matcha latte', '말차 라테', { mods: [OAT, ['Less sweet', '덜 달게']] })] }),
  drawn(5, 10, { order_id: 'mango', code: code('mango', 'mango', '망고', 27), state: 'making', items: [line('latte', 'Latte', '카페라테')] }),
  drawn(4, 48, { order_id: 'leaf', code: code('leaf', 'leaf', '나뭇잎', 28), channel: 'till', ref: '118', items: [line('americano', 'Americano', '아메리카노')] }),
  drawn(3, 15, { order_id: 'fish', code: code('fish', 'fish', '물고기', 29), amount: 3, channel: 'till' }),
  drawn(2, 40, { order_id: 'moon', code: code('moon', 'moon', '초승달', 30), items: [line('iced-latte', 'Iced latte', '아이스 라테', { mods: [OAT] })] }),
  drawn(1, 20, {
    order_id: 'cherry', code: code('cherry', 'cherry', '체리', 31), amount: 3,
    items: [line('sesame', 'Sesame cream latte', '흑임자 크림 라테', { note: 'Cream on the side, please' }), line('iced-americano', 'Iced americano', '아이스 아메리카노', { quantity: 2, mods: [['Decaf', '디카페인'], LARGE] })],
  }),
  drawn(0, 45, { order_id: 'anchor', code: code('anchor', 'anchor', '닻줄', 32), items: [line('latte', 'Latte', '카페라테')] }),
  drawn(0, 4, { order_id: 'flag', code: code('flag', 'flag', '깃발', 33), items: [line('cappuccino', 'Cappuccino', '카푸치노')] }),
];

/** Orders that are ready, with each thing that can be known of the phone. @type {any[]} */
export const READY = /** @type {[string, string, string, number, Record<string, unknown> | undefined, number][]} */ ([
  ['sun', 'sun', '해님', 9, { presence: 'listening', presence_at: NOW, rang_at: NOW - 95_000 }, 95],
  ['pear', 'pear', '배', 11, undefined, 60],
  ['robot', 'robot', '로봇', 12, { presence: 'listening', presence_at: NOW, rang_at: NOW - 30_000, acknowledged_at: NOW - 20_000 }, 31],
  ['whale', 'whale', '고래', 14, { presence: 'hidden', presence_at: NOW }, 12],
  ['tent', 'tent', '텐트', 15, { missing_at: NOW - 5_000 }, 40],
]).map(([symbol, en, ko, number, marks, ago]) =>
  drawn(12, 0, { order_id: symbol, code: code(symbol, en, ko, number), state: 'ready', ready_at: NOW - ago * 1_000, marks, items: [line('latte', 'Latte', '카페라테')] }),
);

/** A rush: so many more, behind those of the shift. @param {number} count @returns {any[]} */
export function rush(count) {
  const kinds = [
    line('americano', 'Americano', '아메리카노', { quantity: 2 }),
    line('vanilla-latte', 'Vanilla latte', '바닐라 라테', { quantity: 2 }),
    line('flat-white', 'Flat white', '플랫화이트'),
    line('latte', 'Latte', '카페라테', { mods: [OAT] }),
  ];
  const later = SHIFT.map((order) => ({ ...order, promised: { from: order.promised.from + 600_000, to: order.received_at + (order.received_at < NOW - 500_000 ? 480_000 : order.received_at < NOW - 380_000 ? 500_000 : 1_200_000) } }));
  const more = Array.from({ length: count - later.length }, (_, n) => {
    const { code: drawing } = SHIFT[n % SHIFT.length];
    const order = { order_id: `more-${n}`, code: { ...drawing, number: 34 + n, label: `${34 + n}` }, items: [kinds[n % kinds.length]] };
    const one = drawn(0, 3, order);
    return { ...one, received_at: NOW - 3_000 + n, promised: { from: NOW + 900_000, to: NOW + 1_200_000 } };
  });
  return [...later, ...more];
}

/** An order that no column holds. @type {any} */
export const LONG = drawn(3, 0, {
  order_id: 'long', code: code('rocket', 'rocket', '로켓', 40), amount: 14, note: 'For the meeting on the second floor, 14 people',
  items: Array.from({ length: 14 }, (_, n) => line(`drink-${n}`, `Latte number ${n + 1}`, `카페라테 ${n + 1}번`, { mods: n % 3 ? [] : [OAT, LARGE] })),
});

/** Texts that are as long as they may be, and worse. @type {any} */
export const HARD = drawn(2, 0, {
  order_id: 'hard', code: code('balloon', 'balloon', '열기구', 99), name: '김수한무거북이와두루미삼천갑자동방삭치치카포사리사리센타워리워리세브리깡', ref: 'A-1234567890-1234567890-12345678',
  items: [
    line('x', 'Double-roasted single-origin decaffeinated oat-milk honey cinnamon latte', '두 번 볶은 싱글 오리진 디카페인 오트 우유 꿀 시나몬 라테', {
      mods: [['Supercalifragilisticexpialidocious-syrup', '아주아주아주길고긴이름을가진특별한시럽추가']],
      note: '🧋<script>window.hacked = 1</script><img src=x onerror=alert(1)> שלום عليكم \u202egnorw {name}',
    }),
  ],
});

/** `GET /orders?live` with these. @param {any[]} orders @param {Record<string, unknown>} [more] */
export function snapshot(orders, more = {}) {
  return { as_of: NOW, now: NOW, total: orders.length, more: false, no_barista: false, orders, ...more };
}
