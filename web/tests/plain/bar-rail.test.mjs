/** What stands on the rail, and what has just left it. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { Rail, UNDO_MS } from '../../lib/bar-rail.js';

const NOW = 1_800_000_000_000;
const MIN = 60_000;

/** @param {string} id @param {Record<string, unknown>} [more] @returns {import('../../lib/orders.js').Order} */
function order(id, more = {}) {
  const promised = { from: NOW + 6 * MIN, to: NOW + 8 * MIN };
  const when = { received_at: NOW + Number.parseInt(id, 36), changed_at: NOW, as_of: NOW, promised };
  return /** @type {any} */ ({ order_id: id, amount: 1, state: 'received', round: 1, version: 1, decided: true, mode: 'manual', ...when, ...more });
}

/** @param {string} order @param {string} command @param {Record<string, unknown>} [more] @returns {import('../../lib/taps.js').Tap} */
function tap(order, command, more = {}) {
  return /** @type {any} */ ({ id: 't', order, label: '', command, body: { command }, at: NOW, state: 'sending', ...more });
}

/** A bar, and what it shows in short. */
class Bar {
  constructor() {
    this.rail = new Rail();
    this.steady = 0;
  }

  /** @param {import('../../lib/orders.js').Order[]} orders @param {{taps?: import('../../lib/taps.js').Tap[], after?: number, isHeld?: boolean}} [how] */
  look(orders, { taps = [], after = 0, isHeld = false } = {}) {
    this.steady += after;
    const seen = this.rail.look(orders, taps, { clock: NOW + this.steady, steady: this.steady, isHeld });
    return {
      rail: seen.tickets.map(({ id, kind }) => (kind === 'ticket' ? id : `${id} ${kind}`)),
      strip: seen.waiting.map(({ id, kind }) => (kind === 'ready' ? id : `${id} ${kind}`)),
      arrived: seen.arrived.map(({ order_id: id }) => id),
      late: seen.late.map(({ order_id: id }) => id),
      seen,
    };
  }
}

test('open orders stand oldest first, ready ones in the order of their readiness', () => {
  const orders = [order('c'), order('a', { state: 'making' }), order('b', { unpaid: true }), order('e', { state: 'ready', ready_at: NOW + 9 }), order('f', { state: 'ready', ready_at: NOW + 3 })];
  const { rail, strip } = new Bar().look(orders);
  assert.deepEqual([rail, strip], [['a', 'c'], ['f', 'e']]);
});

test('what was there when the page was opened is no news, what comes then is', () => {
  const bar = new Bar();
  assert.deepEqual(bar.look([order('a')]).arrived, []);
  assert.deepEqual(bar.look([order('a'), order('b')]).arrived, ['b']);
  assert.deepEqual(bar.look([order('a'), order('b')]).arrived, []);
});

test('a new order is new for 10 s, or until it is touched', () => {
  const bar = new Bar();
  const isNew = (/** @type {number} */ after) => bar.look([order('a'), order('b')], { after }).seen.tickets.map(({ isNew }) => isNew);
  bar.look([], {});
  assert.deepEqual(isNew(0), [true, true]);
  bar.rail.touch('a');
  assert.deepEqual([isNew(9_999), isNew(1)], [[false, true], [false, false]]);
});

test('the place of what was made ready here is kept for 8 s', () => {
  const bar = new Bar();
  bar.look([order('a', { state: 'making' }), order('b')]);
  bar.rail.open.takes('a');
  const taps = [tap('a', 'ready')];
  assert.deepEqual(bar.look([order('a', { state: 'making' }), order('b')], { taps }).rail, ['a undo', 'b']);
  const ready = [order('a', { state: 'ready' }), order('b')];
  assert.deepEqual(bar.look(ready, { after: UNDO_MS - 1 }).rail, ['a undo', 'b']);
  assert.deepEqual(bar.look(ready, { after: 1 }).rail, ['b']);
});

test('the place of what somebody else made ready closes sooner, and can not be taken back', () => {
  const bar = new Bar();
  bar.look([order('a'), order('b')]);
  const there = bar.look([order('b'), order('a', { state: 'ready' })]);
  assert.deepEqual([there.rail, there.seen.tickets[0]?.isReady], [['a gone', 'b'], true]);
  assert.deepEqual(bar.look([order('b')], { after: 1_500 }).rail, ['b']);
  assert.equal(bar.look([]).seen.tickets[0]?.isReady, false, 'it came to its end');
});

test('no place closes while a finger is down', () => {
  const bar = new Bar();
  bar.look([order('a'), order('b')]);
  bar.look([order('b')]);
  assert.deepEqual(bar.look([order('b')], { after: 5_000, isHeld: true }).rail, ['a gone', 'b']);
  assert.deepEqual(bar.look([order('b')]).rail, ['b']);
});

test('what is taken back is where it was, and is no news', () => {
  const bar = new Bar();
  bar.look([order('a', { state: 'making' }), order('b')]);
  bar.rail.open.takes('a');
  bar.look([order('a', { state: 'ready' }), order('b')]);
  bar.rail.open.givesBack('a');
  const { rail, arrived } = bar.look([order('a', { state: 'making', round: 2 }), order('b')]);
  assert.deepEqual([rail, arrived], [['a', 'b'], []]);
});

test('what was ready and is made again is not said to be handed over', () => {
  const bar = new Bar();
  bar.look([order('a', { state: 'ready', ready_at: NOW }), order('b', { state: 'ready', ready_at: NOW + 1 })]);
  assert.deepEqual(bar.look([order('a', { state: 'making', round: 2 })]).strip, ['a back', 'b gone']);
});

test('a recall elsewhere brings it back at once, as news', () => {
  const bar = new Bar();
  bar.look([order('a', { state: 'making' })]);
  bar.rail.open.takes('a');
  bar.look([order('a', { state: 'ready' })]);
  const { rail, arrived } = bar.look([order('a', { state: 'making', round: 2 })]);
  assert.deepEqual([rail, arrived], [['a'], ['a']]);
});

test('what was handed over here can be taken back in its place on the strip', () => {
  const bar = new Bar();
  const ready = [order('a', { state: 'ready', ready_at: NOW }), order('b', { state: 'ready', ready_at: NOW + 1 })];
  bar.look(ready);
  bar.rail.ready.takes('a');
  assert.deepEqual(bar.look(ready, { taps: [tap('a', 'collect')] }).strip, ['a undo', 'b']);
  assert.deepEqual(bar.look([order('b', { state: 'ready', ready_at: NOW + 1 })], { after: UNDO_MS }).strip, ['b']);
});

test('whoever wants it can take back until something else is done', () => {
  const bar = new Bar();
  bar.rail.open.undoMs = Infinity;
  bar.look([order('a')]);
  bar.rail.open.takes('a');
  bar.look([]);
  assert.deepEqual(bar.look([], { after: 60_000 }).rail, ['a undo']);
  bar.rail.open.settle();
  assert.deepEqual(bar.look([]).rail, []);
});

test('in a rush what is not begun and not pressing folds, and unfolds well below that', () => {
  const bar = new Bar();
  const orders = (/** @type {number} */ count) => Array.from({ length: count }, (_, n) => order((n + 10).toString(36), n === 0 ? { state: 'making' } : {}));
  const folded = (/** @type {number} */ count) => bar.look(orders(count)).rail.filter((one) => one.endsWith('fold')).length;
  assert.deepEqual([16, 17, 16, 13, 12, 13].map((count) => folded(count)), [0, 16, 15, 12, 0, 0]);
});

test('a folded ticket that was opened stays open, and one that presses opens by itself', () => {
  const bar = new Bar();
  const orders = Array.from({ length: 20 }, (_, n) => order((n + 10).toString(36)));
  bar.look(orders);
  bar.rail.unfold('b');
  assert.deepEqual(bar.look(orders).rail.slice(0, 3), ['a fold', 'b', 'c fold']);
  assert.ok(bar.look(orders, { after: 6 * MIN + 100 }).rail.every((one) => !one.endsWith('fold')));
});

test('it is told once that an order is late', () => {
  const bar = new Bar();
  bar.look([order('a')]);
  assert.deepEqual(bar.look([order('a')], { after: 8 * MIN }).late, ['a']);
  assert.deepEqual(bar.look([order('a')], { after: 1_000 }).late, []);
});

test('what the line does not know of yet is marked', () => {
  const bar = new Bar();
  const taps = [tap('a', 'start', { state: 'kept' }), tap('b', 'start')];
  const { seen } = bar.look([order('a'), order('b'), order('c')], { taps });
  assert.deepEqual(seen.tickets.map(({ pending }) => pending), ['kept', 'sending', '']);
});

test('an order that is ready again is told of by when it became so last', () => {
  const bar = new Bar();
  bar.look([order('a', { state: 'ready', ready_at: NOW + 5 }), order('b', { state: 'ready', ready_at: NOW + 3 })]);
  assert.equal(bar.rail.lastReadyAt, NOW + 5);
});
