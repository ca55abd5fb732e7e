/** What the pager tells the line of the phone itself: what it is doing, whatever became of the order meanwhile. */

import assert from 'node:assert/strict';
import test, { mock } from 'node:test';

import { Line } from '../../lib/line.js';

/** @typedef {import('../../lib/pager-screen.js').Order} Order */

const GONE_AT = 1_800_000_000_000;

/** A page and the line it talks to. */
class World {
  constructor() {
    /** @type {any[]} What was said, as it was sent. */
    this.said = [];
    /** @type {Order} */
    this.order = /** @type {any} */ ({ id: 'order', state: 'received', round: 1 });
    mock.timers.enable({ apis: ['setTimeout'] });
    mock.method(globalThis, 'fetch', async (/** @type {string} */ _path, /** @type {{ body: string }} */ { body }) => {
      this.said.push(JSON.parse(body));
      return { status: 200, json: async () => this.order };
    });
    this.now = 0;
    mock.method(performance, 'now', () => this.now);
    this.line = new Line('order', () => this.order, () => undefined);
  }

  /** @param {number} ms */
  async pass(ms) {
    this.now += ms;
    mock.timers.tick(ms);
    await answered();
  }
}

/** Lets every answer come that is on its way. */
const answered = () => new Promise((resolve) => setImmediate(resolve));

test.afterEach(() => {
  mock.timers.reset();
  mock.restoreAll();
});

test('what a phone does is said whatever the order is by then; what a person asks for is of what they saw', async () => {
  const world = new World();
  world.line.is('listening');
  await answered();
  await world.line.ask('acknowledge');
  assert.deepEqual(world.said, [
    { command: 'presence', presence: 'listening' },
    { command: 'acknowledge', state: 'received', round: 1 },
  ]);
});

test('a page that is there corrects that the phone is gone, a moment later and once', async () => {
  const world = new World();
  world.line.is('listening');
  await answered();
  const gone = /** @type {const} */ ({ presence: 'gone', presence_at: GONE_AT });
  world.line.hear(gone);
  world.line.hear(gone);
  assert.equal(world.said.length, 1, 'not at once');
  await world.pass(1_000);
  assert.deepEqual(world.said.at(-1), { command: 'presence', presence: 'listening' });
  // It stands in the log, where nobody decides it yet.
  world.line.hear(gone);
  await world.pass(60_000);
  assert.equal(world.said.length, 2);
  world.line.hear({ ...gone, presence_at: GONE_AT + 1 });
  await world.pass(1_000);
  assert.equal(world.said.length, 3, 'each time that it is said');
});

test('a page says nothing against another that listens or is put away', async () => {
  const world = new World();
  world.line.is('hidden');
  await answered();
  for (const presence of /** @type {const} */ (['listening', 'hidden'])) world.line.hear({ presence, presence_at: GONE_AT });
  world.line.hear();
  await world.pass(60_000);
  assert.equal(world.said.length, 1);
});
