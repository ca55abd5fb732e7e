/** What the tests of the pager have in common: a phone that notes how it rings, and orders as the drawings have them. */

import { createServer, connect } from 'node:net';

import { open, PATIENCE_MS } from './harness.mjs';

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

/** What a phone did, in the order of its doing. */
export class Notes {
  /** @type {number[]} How long it was to buzz, in seconds. */
  buzzes = [];
  /** @type {number[]} How many tones each call has. */
  tones = [];
  /** @type {number[]} When tones ended that were heard to their end, in seconds since their call was planned. */
  heard = [];
  /** @type {string[]} What was cut off: a tone, a buzz. */
  stops = [];
  /** @type {string[]} States of the order, as the stream has brought them. */
  states = [];
  /** @type {(string | undefined)[]} What the line knew of the phone with each of them. */
  presences = [];
  /** @type {number} Claims to ring that came from other tabs. */
  claims = 0;
  /** @type {any[]} What was sent to the line. */
  commands = [];
  /** @type {Set<() => void>} */
  #waiting = new Set();

  /** Something was noted: whoever waits looks again. @param {() => unknown} note */
  add(note) {
    note();
    for (const look of this.#waiting) look();
  }

  /**
   * Waits until it is so.
   * @param {() => boolean} isSo by what is noted
   * @returns {Promise<void>}
   */
  until(isSo) {
    return new Promise((done, fail) => {
      const look = () => {
        if (!isSo()) return;
        end();
        done();
      };
      const timer = setTimeout(() => {
        end();
        fail(new Error(`Within ${PATIENCE_MS / 1_000} s it never became so: ${isSo}`));
      }, PATIENCE_MS);
      const end = () => {
        clearTimeout(timer);
        this.#waiting.delete(look);
      };
      this.#waiting.add(look);
      look();
    });
  }
}

/** @param {import('playwright-core').BrowserContext} context */
export async function note(context) {
  const notes = new Notes();
  const note = (/** @type {string} */ name, /** @type {(value: any) => unknown} */ take) =>
    context.exposeFunction(name, (/** @type {any} */ value) => notes.add(() => take(value)));
  await note('noteBuzz', (seconds) => notes.buzzes.push(seconds));
  await note('noteTones', (tones) => notes.tones.push(tones));
  await note('noteHeard', (second) => notes.heard.push(second));
  await note('noteStop', (what) => notes.stops.push(what));
  await note('noteState', ({ state, marks }) => {
    notes.presences.push(marks?.presence);
    notes.states.push(state);
  });
  await note('noteClaim', () => (notes.claims += 1));
  await context.addInitScript(() => {
    const { noteBuzz, noteTones, noteHeard, noteStop, noteState, noteClaim } = /** @type {any} */ (window);
    Object.defineProperty(navigator, 'vibrate', {
      configurable: true,
      value: (/** @type {number | number[]} */ pattern) => {
        if (Array.isArray(pattern)) noteBuzz(pattern.length / 2);
        else noteStop('buzz');
        // Browsers do not let a page buzz that nobody sees.
        return !document.hidden;
      },
    });
    // Where each node's sound goes: what does not end in the speaker is not heard.
    /** @type {WeakMap<AudioNode, AudioNode>} */
    const next = new WeakMap();
    const { connect, disconnect } = AudioNode.prototype;
    AudioNode.prototype.connect = /** @type {any} */ (/** @this {AudioNode} */ function (/** @type {any[]} */ ...args) {
      next.set(this, args[0]);
      return connect.apply(this, /** @type {any} */ (args));
    });
    AudioNode.prototype.disconnect = function (/** @type {any[]} */ ...args) {
      noteStop('sound');
      next.delete(this);
      return disconnect.apply(this, /** @type {any} */ (args));
    };
    const isHeard = (/** @type {AudioNode | undefined} */ node) => {
      while (node && !(node instanceof AudioDestinationNode)) node = next.get(node);
      return node !== undefined;
    };
    // Tones of one call are planned at once.
    let tones = 0;
    const { start, stop } = OscillatorNode.prototype;
    OscillatorNode.prototype.start = function (...args) {
      if (tones === 0) queueMicrotask(() => (noteTones(tones), (tones = 0)));
      tones += 1;
      return start.apply(this, args);
    };
    OscillatorNode.prototype.stop = function (at = 0) {
      const planned = this.context.currentTime;
      this.addEventListener('ended', () => isHeard(this) && noteHeard(at - planned));
      return stop.call(this, at);
    };
    const Source = window.EventSource;
    Object.defineProperty(window, 'EventSource', {
      value: class extends Source {
        /** @param {string} url */
        constructor(url) {
          super(url);
          this.addEventListener('order', ({ data }) => noteState(JSON.parse(data)));
        }
      },
    });
    const Channel = window.BroadcastChannel;
    Object.defineProperty(window, 'BroadcastChannel', {
      value: class extends Channel {
        /** @param {string} name */
        constructor(name) {
          super(name);
          this.addEventListener('message', ({ data }) => data.kind === 'claim' && noteClaim());
        }
      },
    });
  });
  return notes;
}

/** @param {import('playwright-core').Page} page @param {Notes} notes */
export function watchCommands(page, notes) {
  page.on('request', (request) => {
    if (request.method() !== 'POST' || !request.url().endsWith('/commands')) return;
    notes.add(() => notes.commands.push({ ...request.postDataJSON(), key: request.headers()['idempotency-key'] }));
  });
}

/**
 * Lets so many seconds pass for those who listen, whatever the page's own clock says.
 * @param {import('playwright-core').Page} page
 * @param {number} seconds
 */
export function listen(page, seconds) {
  return page.evaluate(async (seconds) => {
    const context = new AudioContext();
    await context.resume();
    const silence = new ConstantSourceNode(context, { offset: 0 });
    silence.connect(context.destination);
    silence.start();
    silence.stop(context.currentTime + seconds);
    await new Promise((done) => silence.addEventListener('ended', done));
    await context.close();
  }, seconds);
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

/** Times that the line was told that the phone rang. What got no answer is sent again, and is the same. @param {Notes} notes */
export function rangs({ commands }) {
  return new Set(commands.filter(({ command }) => command === 'rang').map(({ key }) => key)).size;
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

/**
 * From now on time stands still on the page, some seconds later than now: the page's clock, which may be ahead of the machine's,
 * goes on until the page hears of it. By then no stream has been silent for too long.
 * @param {import('playwright-core').Page} page
 */
export async function standStill(page) {
  await page.clock.pauseAt((await page.evaluate(() => Date.now())) + 5_000);
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
