/** What becomes of taps: kept, sent in their order, once, and told of. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { isAsMeant, outcomeOf } from '../../lib/commands.js';
import { createTaps, OLD_MS, TAPS_MAX } from '../../lib/taps.js';

const NOW = 1_800_000_000_000;

/** A device, and a line that answers when it is told to. */
class World {
  constructor() {
    this.now = NOW;
    /** @type {Map<string, string>} */
    this.kept = new Map();
    /** @type {{tap: import('../../lib/taps.js').Tap, answer: (outcome: import('../../lib/taps.js').Outcome) => Promise<void>}[]} */
    this.sent = [];
    /** @type {[string, string][]} */
    this.ended = [];
    /** @type {{at: number, act: () => void}[]} */
    this.timers = [];
    this.ids = 0;
  }

  storage() {
    const { kept } = this;
    return {
      get length() {
        return kept.size;
      },
      key: (/** @type {number} */ n) => [...kept.keys()][n] ?? null,
      getItem: (/** @type {string} */ name) => kept.get(name) ?? null,
      setItem: (/** @type {string} */ name, /** @type {string} */ text) => void kept.set(name, text),
      removeItem: (/** @type {string} */ name) => void kept.delete(name),
    };
  }

  /** The page, opened. @param {{storage?: boolean}} [options] */
  taps({ storage = true } = {}) {
    return createTaps({
      storage: storage ? this.storage() : null,
      now: () => this.now,
      id: () => `tap-${(this.ids += 1)}`,
      later: (act, ms) => this.timers.push({ at: this.now + ms, act }),
      ended: (tap, outcome) => this.ended.push([tap.command, outcome.is]),
      send: (tap) =>
        new Promise((done) => {
          const answer = async (/** @type {import('../../lib/taps.js').Outcome} */ outcome) => {
            done(outcome);
            await new Promise(setImmediate);
          };
          this.sent.push({ tap, answer });
        }),
    });
  }

  /** What is on its way, in the order of its sending; and no more on its way after this. */
  take() {
    return this.sent.splice(0);
  }

  /** Time goes by. @param {number} ms */
  pass(ms) {
    this.now += ms;
    const due = this.timers.filter(({ at }) => at <= this.now);
    this.timers = this.timers.filter(({ at }) => at > this.now);
    for (const { act } of due) act();
  }
}

const start = { order: 'a', label: 'MANGO 27', command: 'start', body: { state: 'received', round: 1 } };
const ready = { order: 'a', label: 'MANGO 27', command: 'ready', body: { state: 'making', round: 1 } };
const OFFLINE = /** @type {const} */ ({ is: 'kept', why: 'offline' });

test('a tap is sent with its id and what was seen, and is gone when it is done', async () => {
  const world = new World();
  const taps = world.taps();
  taps.add(start);
  const [{ tap, answer } = assert.fail()] = world.take();
  assert.deepEqual([tap.id, tap.body], ['tap-1', { command: 'start', state: 'received', round: 1 }]);
  assert.equal(world.kept.size, 1);
  await answer({ is: 'done' });
  assert.deepEqual([taps.waiting.length, world.kept.size, world.ended], [0, 0, [['start', 'done']]]);
});

test('taps on one order go one after the other, those on others beside them', async () => {
  const world = new World();
  const taps = world.taps();
  taps.add(start);
  taps.add(ready);
  taps.add({ ...start, order: 'b' });
  const sent = world.take();
  assert.deepEqual(sent.map(({ tap }) => tap.id), ['tap-1', 'tap-3']);
  await sent[0]?.answer({ is: 'done' });
  assert.deepEqual(world.take().map(({ tap }) => tap.id), ['tap-2']);
});

test('a tap that did not get through is sent again with the same id, ever more seldom', async () => {
  const world = new World();
  const taps = world.taps();
  taps.add(start);
  const waits = [];
  for (let tries = 0; tries < 6; tries += 1) {
    const [{ tap, answer } = assert.fail()] = world.take();
    assert.equal(tap.id, 'tap-1');
    await answer(OFFLINE);
    assert.deepEqual(taps.kept().map(({ why }) => why), ['offline']);
    const wait = Math.min(...world.timers.map(({ at }) => at)) - world.now;
    waits.push(wait);
    world.pass(wait - 1);
    assert.equal(world.sent.length, 0, 'not too early');
    world.pass(1);
  }
  assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
});

test('a clock that is set back in between holds no tap up', async () => {
  for (const outcome of /** @type {import('../../lib/taps.js').Outcome[]} */ ([OFFLINE, { is: 'kept', why: 'undecided' }])) {
    const world = new World();
    const taps = world.taps();
    taps.add(start);
    await world.take()[0]?.answer(outcome);
    // A timer goes on whatever the clock says: it calls after the time that it was given.
    const [timer = assert.fail()] = world.timers.splice(0);
    world.now -= 5 * 60_000;
    timer.act();
    assert.equal(world.take().length, 1, outcome.is === 'kept' ? outcome.why : '');
  }
});

test('while the line is gone not every tap asks whether it is back', async () => {
  const world = new World();
  const taps = world.taps();
  taps.add(start);
  await world.take()[0]?.answer(OFFLINE);
  for (const order of ['b', 'c', 'd']) taps.add({ ...start, order });
  assert.equal(world.take().length, 0);
  taps.flush();
  assert.equal(world.take().length, 4, 'but all do when it is');
});

test('so many are on their way at once and no more', () => {
  const world = new World();
  const taps = world.taps();
  for (let n = 0; n < 10; n += 1) taps.add({ ...start, order: `${n}` });
  assert.equal(world.take().length, 4);
});

test('a page that is loaded again goes on with what it had, by the same ids', async () => {
  const world = new World();
  world.taps().add(start);
  world.take();
  const taps = world.taps();
  const [{ tap, answer } = assert.fail()] = world.take();
  assert.deepEqual([tap.id, tap.body], ['tap-1', { command: 'start', state: 'received', round: 1 }]);
  assert.equal(taps.drop('tap-1'), false, 'it may have arrived before');
  await answer({ is: 'done' });
  assert.equal(world.kept.size, 0);
});

test('what stands in storage and is no tap is left alone', () => {
  const world = new World();
  world.kept.set('brewline.tap.x', '{"id":1}').set('brewline.tap.y', 'nonsense').set('else', '{}');
  assert.equal(world.taps().waiting.length, 0);
});

test('where nothing may be kept, memory does', async () => {
  const world = new World();
  const taps = world.taps({ storage: false });
  taps.add(start);
  await world.take()[0]?.answer(OFFLINE);
  taps.flush();
  assert.equal(world.take().length, 1);
});

test('a tap that is ten minutes old is sent only if somebody says that it counts', async () => {
  const world = new World();
  let taps = world.taps();
  taps.add(start);
  await world.take()[0]?.answer(OFFLINE);
  world.now += OLD_MS + 1;
  taps = world.taps();
  taps.flush();
  assert.deepEqual([world.take().length, taps.old().length], [0, 1]);
  taps.add(ready);
  assert.equal(world.take().length, 0, 'what was tapped after it waits for that too');
  taps.sendOld('tap-1');
  const [{ tap, answer } = assert.fail()] = world.take();
  assert.equal(tap.command, 'start');
  await answer({ is: 'done' });
  assert.deepEqual(world.take().map(({ tap }) => tap.command), ['ready']);
});

test('an old tap that counts no more is forgotten, also by the device', () => {
  const world = new World();
  const taps = world.taps();
  taps.add(start);
  world.now += OLD_MS + 1;
  taps.forget('tap-1');
  assert.deepEqual([taps.waiting.length, world.kept.size], [0, 0]);
});

test('a clock that was set back makes a tap old too: nobody knows how long ago it was', () => {
  const world = new World();
  world.taps().add(start);
  world.take();
  world.now -= OLD_MS + 1;
  assert.equal(world.taps().old().length, 1);
});

test('a tap that was never sent can be taken back, one that may have arrived can not', async () => {
  const world = new World();
  const taps = world.taps();
  taps.add(start);
  taps.add(ready);
  assert.deepEqual([taps.drop('tap-1'), taps.drop('tap-2')], [false, true]);
  await world.take()[0]?.answer({ is: 'done' });
  assert.equal(world.take().length, 0);
});

test('a tap that did not even leave the device can be taken back', async () => {
  const world = new World();
  const taps = world.taps();
  taps.add(start);
  await world.take()[0]?.answer({ ...OFFLINE, isUnsent: true });
  assert.equal(taps.drop('tap-1'), true);
  taps.add(ready);
  taps.flush();
  await world.take()[0]?.answer(OFFLINE);
  taps.flush();
  await world.take()[0]?.answer({ ...OFFLINE, isUnsent: true });
  assert.equal(taps.drop('tap-2'), false, 'it may have arrived the first time');
});

test('a tap that lost is told of with the reason, and the next one has its turn', async () => {
  const world = new World();
  const taps = world.taps();
  taps.add(start);
  taps.add(ready);
  await world.take()[0]?.answer({ is: 'lost', code: 'changed', order: { state: 'cancelled' } });
  assert.deepEqual(taps.lost.map(({ tap, code, order }) => [tap.command, code, order.state]), [['start', 'changed', 'cancelled']]);
  assert.deepEqual(world.take().map(({ tap }) => tap.command), ['ready']);
  taps.seen('tap-1');
  assert.equal(taps.lost.length, 0);
});

test('signed out, everything is kept until somebody signs in', async () => {
  const world = new World();
  const taps = world.taps();
  taps.add(start);
  await world.take()[0]?.answer({ is: 'kept', why: 'signed_out' });
  assert.deepEqual(taps.kept().map(({ why }) => why), ['signed_out']);
  taps.flush();
  await world.take()[0]?.answer({ is: 'done' });
  assert.equal(taps.waiting.length, 0);
});

test('what nobody decides on yet holds up its own order only, and is asked for again', async () => {
  const world = new World();
  const taps = world.taps();
  taps.add(start);
  await world.take()[0]?.answer({ is: 'kept', why: 'undecided' });
  taps.add({ ...start, order: 'b' });
  assert.deepEqual(world.take().map(({ tap }) => tap.order), ['b']);
  world.pass(2_000);
  assert.deepEqual(world.take().map(({ tap }) => tap.id), ['tap-1']);
});

test('a tap that another tablet was faster with has nothing to tell, one that wanted something else has', () => {
  const tap = { command: 'start', body: { round: 1 } };
  assert.ok(isAsMeant(tap, { state: 'making', round: 1 }));
  assert.ok(!isAsMeant(tap, { state: 'ready', round: 1 }));
  assert.ok(!isAsMeant(tap, { state: 'making', round: 2 }), 'it is made once more');
  assert.ok(!isAsMeant(tap, undefined));
  assert.ok(!isAsMeant({ command: 'note', body: { round: 1 } }, { state: 'making', round: 1 }));
});

test('taps have a bound', () => {
  const world = new World();
  const taps = world.taps();
  for (let n = 0; n < TAPS_MAX; n += 1) assert.ok(taps.add(start));
  assert.equal(taps.add(start), null);
});

test('each answer of the counter means one thing for a tap', () => {
  const order = { order_id: 'a' };
  assert.deepEqual(outcomeOf(0, undefined), { is: 'kept', why: 'offline' });
  assert.deepEqual(outcomeOf(200, order), { is: 'done', order });
  assert.deepEqual(outcomeOf(202, { code: 'no_answer_yet' }), { is: 'kept', why: 'undecided' });
  assert.deepEqual(outcomeOf(401, { code: 'signed_out' }), { is: 'kept', why: 'signed_out' });
  assert.deepEqual(outcomeOf(503, { code: 'starting' }, 2_000), { is: 'kept', why: 'busy', waitMs: 2_000 });
  assert.deepEqual(outcomeOf(429, { code: 'busy' }), { is: 'kept', why: 'busy' });
  assert.deepEqual(outcomeOf(404, {}), { is: 'kept', why: 'busy' }, 'not the counter');
  assert.deepEqual(outcomeOf(409, { code: 'no_barista', command_id: 'x' }), { is: 'kept', why: 'undecided' });
  assert.deepEqual(outcomeOf(409, { code: 'no_barista', order }), { is: 'lost', code: 'no_barista', order });
  assert.deepEqual(outcomeOf(409, { code: 'changed', order }), { is: 'lost', code: 'changed', order });
  assert.deepEqual(outcomeOf(404, { code: 'unknown_order' }), { is: 'lost', code: 'unknown_order', order: undefined });
});
