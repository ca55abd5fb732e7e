/** What the tests of the pager have in common: a phone that notes how it rings, and orders as the drawings have them. */

import { createServer, connect } from 'node:net';

import { open } from './harness.mjs';

/**
 * A phone with the pager of an order, that notes what it did.
 * @param {import('playwright-core').Browser} browser
 * @param {string} url of the line, or what stands before it
 * @param {string} id
 * @param {import('./harness.mjs').Phone & {clock?: boolean, query?: string}} [phone] `clock`: time can be moved
 */
export async function pager(browser, url, id, { clock = false, query = '', ...phone } = {}) {
  // What a phone says can cross with what the bar does: then it is said again.
  const expected = [...(phone.expected ?? []), /status of 409/];
  const opened = await open(browser, 'about:blank', { ...phone, expected });
  if (clock) await opened.page.clock.install();
  const notes = await note(opened.context);
  watchCommands(opened.page, notes);
  await opened.page.goto(`${url}/o/${id}${query}`);
  return Object.assign(opened, { notes });
}

/**
 * What a phone did, in the order of its doing; `stops` are tones and buzzes that were cut off.
 * @typedef {{buzzes: number[], tones: number[], stops: string[], commands: any[]}} Notes
 */

/** @param {import('playwright-core').BrowserContext} context @returns {Promise<Notes>} */
export async function note(context) {
  /** @type {Notes} */
  const notes = { buzzes: [], tones: [], stops: [], commands: [] };
  await context.exposeFunction('noteBuzz', (/** @type {number} */ seconds) => void notes.buzzes.push(seconds));
  await context.exposeFunction('noteTones', (/** @type {number} */ tones) => void notes.tones.push(tones));
  await context.exposeFunction('noteStop', (/** @type {string} */ what) => void notes.stops.push(what));
  await context.addInitScript(() => {
    const { noteBuzz, noteTones, noteStop } = /** @type {any} */ (window);
    Object.defineProperty(navigator, 'vibrate', {
      configurable: true,
      value: (/** @type {number | number[]} */ pattern) => {
        if (Array.isArray(pattern)) noteBuzz(pattern.length / 2);
        else noteStop('buzz');
        // Browsers do not let a page buzz that nobody sees.
        return !document.hidden;
      },
    });
    const { disconnect } = AudioNode.prototype;
    AudioNode.prototype.disconnect = function (/** @type {any[]} */ ...args) {
      noteStop('sound');
      return disconnect.apply(this, /** @type {any} */ (args));
    };
    // Tones of one call are planned at once.
    let tones = 0;
    const { start } = OscillatorNode.prototype;
    OscillatorNode.prototype.start = function (...args) {
      if (tones === 0) queueMicrotask(() => (noteTones(tones), (tones = 0)));
      tones += 1;
      return start.apply(this, args);
    };
  });
  return notes;
}

/** @param {import('playwright-core').Page} page @param {Notes} notes */
export function watchCommands(page, notes) {
  page.on('request', (request) => {
    if (request.method() !== 'POST' || !request.url().endsWith('/commands')) return;
    notes.commands.push({ ...request.postDataJSON(), key: request.headers()['idempotency-key'] });
  });
}

/**
 * An order that the bar knows of; its id.
 * @param {import('./harness.mjs').Line} line
 * @param {unknown} body of `POST /orders`
 */
export async function place(line, body = { amount: 2 }) {
  // By staff: no bar page runs here, and without one phones are sent to the till.
  const { order_id: id } = await line.place(body, { staff: true });
  await line.shown(id, ({ version }) => version > 0);
  return id;
}

/** Calls of twelve seconds that were heard. @param {Notes} notes */
export function calls({ tones }) {
  return tones.filter((count) => count > 4).length;
}

/** Times that the line was told that the phone rang. @param {Notes} notes */
export function rangs({ commands }) {
  return commands.filter(({ command }) => command === 'rang').length;
}

/**
 * The phone is put away, or taken out again.
 * @param {import('playwright-core').Page} page
 * @param {boolean} hidden
 */
export async function hide(page, hidden) {
  await page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
    Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => (hidden ? 'hidden' : 'visible') });
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  }, hidden);
}

/** A tap where a button is, whether or not it takes any. @param {import('playwright-core').Page} page @param {string} name */
export async function tapAt(page, name) {
  const box = await page.getByRole('button', { name }).boundingBox();
  if (box === null) throw new Error(`there is no button ${name}`);
  await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
}

/** Snapshots that a test makes up come without a stream, and the browser says so. */
export const NO_STREAM = [/ERR_FAILED/, /status of (404|503)/];

/** What a browser says of a counter that was killed. */
export const GONE = [/ERR_CONNECTION_REFUSED/, /ERR_INCOMPLETE_CHUNKED_ENCODING/, /ERR_CONNECTION_RESET/, /ERR_EMPTY_RESPONSE/, /status of 503/];

/** A time of day in Seoul on the day of the drawings. @param {number} hour @param {number} minute */
export function seoul(hour, minute) {
  return Date.UTC(2026, 2, 6, hour - 9, minute);
}

/** The order of the drawings, just received. */
export const DRAWN = {
  order_id: 'drawn',
  amount: 3,
  items: [
    {
      item: 'latte',
      quantity: 2,
      title: { en: 'Iced latte', ko: '아이스 카페라테' },
      option_titles: [{ en: 'Oat milk', ko: '오트 우유' }],
    },
    { item: 'americano', quantity: 1, title: { en: 'Americano', ko: '아메리카노' }, option_titles: [{ en: 'Hot', ko: '따뜻하게' }] },
  ],
  state: 'received',
  round: 1,
  version: 1,
  decided: true,
  code: { number: 27, words: { en: 'mango', ko: '망고' }, symbol: 'mango', label: '27' },
  queue: { ahead: 5 },
  received_at: seoul(8, 36),
  changed_at: seoul(8, 36),
  promise: { from: seoul(8, 42), to: seoul(8, 44) },
  promised: { from: seoul(8, 42), to: seoul(8, 44) },
  total: 16_500,
  currency: 'KRW',
  as_of: seoul(8, 36),
  now: seoul(8, 36),
};

/** Other states of it, by what differs. @type {Record<string, any>} */
export const DRAWN_STATES = {
  received: {},
  unpaid: { unpaid: true, promise: undefined, due_at: seoul(9, 6) },
  undecided: { version: 0, decided: false, code: undefined, promise: undefined, undecided_ms: 300 },
  nobody: { promise: undefined, no_barista: true },
  making: { state: 'making', marks: { ticked: [0] }, promise: { from: seoul(8, 44), to: seoul(8, 44) }, ...at(8, 41) },
  ready: { state: 'ready', ready_at: seoul(8, 42), promise: undefined, ...at(8, 42) },
  told: { state: 'ready', ready_at: seoul(8, 42), promise: undefined, ...at(8, 44) },
  coming: { state: 'ready', ready_at: seoul(8, 42), marks: { acknowledged_at: seoul(8, 42) }, ...at(8, 43) },
  missing: { state: 'ready', ready_at: seoul(8, 42), marks: { missing_at: seoul(8, 43) }, ...at(8, 43) },
  recalled: {
    state: 'making',
    round: 2,
    queue: { ahead: 0 },
    marks: { reason: 'wrong milk' },
    promise: { from: seoul(8, 47), to: seoul(8, 48) },
    ...at(8, 44),
  },
  collected: { state: 'collected', ready_at: seoul(8, 42), finished_at: seoul(8, 45), ...at(8, 45) },
  uncollected: { state: 'uncollected', ready_at: seoul(8, 42), finished_at: seoul(10, 42), ...at(10, 43) },
  cancelled: { state: 'cancelled', finished_at: seoul(8, 38), marks: { reason: 'We ran out of oat milk' }, ...at(8, 38) },
  lost: { state: 'making', marks: { ticked: [0] }, ...at(8, 41), now: seoul(8, 41) + 14_000 + 4_000 },
};

/** @param {number} hour @param {number} minute */
function at(hour, minute) {
  return { as_of: seoul(hour, minute), now: seoul(hour, minute) };
}

/**
 * Lets the page have these snapshots instead of the line's, and no stream.
 * @param {import('playwright-core').Page} page
 * @param {() => {status?: number, body: any}} answer
 */
export async function answerWith(page, answer) {
  await page.route(/\/orders\/[^/]+\/events$/, (route) => route.abort());
  await page.route(/\/orders\/[^/]+$/, (route) => {
    const { status = 200, body } = answer();
    return route.fulfill({ status, json: body });
  });
}

/** What stands between a phone and the line, and can hold everything back without a word. */
export async function between(/** @type {string} */ url) {
  const { port } = new URL(url);
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set();
  let holds = false;
  const server = createServer((phone) => {
    const line = connect(Number(port), '127.0.0.1');
    for (const [one, other] of [[phone, line], [line, phone]]) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => (sockets.delete(one), other.destroy()));
      one.pipe(other);
      if (holds) one.pause();
    }
  });
  await new Promise((/** @type {(value?: unknown) => void} */ done) => server.listen(0, '127.0.0.1', done));
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${address.port}`,
    hold() {
      holds = true;
      for (const socket of sockets) socket.pause();
    },
    release() {
      holds = false;
      for (const socket of sockets) socket.resume();
    },
    end() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
