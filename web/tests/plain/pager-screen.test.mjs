/** What the pager shows and when it rings: decisions, without a browser. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { dueRing, inMinutes, isBarTold, isUndecided, progress, promise, screen, untilNextRing, widthOf } from '../../lib/pager-screen.js';

/** @typedef {import('../../lib/pager-screen.js').Order} Order */

const NOW = 1_800_000_000_000;
const CODE = { number: 27, words: { en: 'mango', ko: '망고' }, symbol: 'mango' };

/** @param {{[Field in keyof Order]?: Order[Field] | undefined}} more @returns {Order} */
function order(more = {}) {
  const when = { received_at: NOW, changed_at: NOW, as_of: NOW };
  const fields = { order_id: 'a', amount: 1, state: 'received', round: 1, version: 1, code: CODE, ...when, ...more };
  return /** @type {Order} */ (fields);
}

/** @param {{[Field in keyof Order]?: Order[Field] | undefined}} more @param {import('../../lib/live.js').Status} [status] @param {number} [answered] */
function shown(more, status = 'live', answered = 0) {
  const news = { status, value: order(more), ageMs: 0, offline: false };
  return screen(news, (round) => round <= answered);
}

test('each state has its screen', () => {
  assert.equal(shown({}), 'received');
  assert.equal(shown({ code: undefined, version: 0 }), 'undecided');
  assert.equal(shown({ unpaid: true }), 'unpaid');
  assert.equal(shown({ state: 'making' }), 'making');
  assert.equal(shown({ state: 'making', round: 2 }), 'recalled');
  assert.equal(shown({ state: 'ready' }), 'ready');
  assert.equal(shown({ state: 'ready' }, 'live', 1), 'coming');
  assert.equal(shown({ state: 'ready', marks: { acknowledged_at: NOW } }), 'coming', 'on another phone');
  for (const state of /** @type {const} */ (['collected', 'uncollected', 'cancelled'])) assert.equal(shown({ state }), state);
});

test('an answer to one round is none to the next', () => {
  assert.equal(shown({ state: 'ready', round: 2 }, 'live', 1), 'ready');
});

test('what is old is shown as old, but for what has come to its end', () => {
  for (const state of /** @type {const} */ (['received', 'making', 'ready'])) assert.equal(shown({ state }, 'old'), 'lost');
  assert.equal(shown({ state: 'collected' }, 'old'), 'collected');
});

test('nothing is shown before there is something fresh', () => {
  for (const status of /** @type {const} */ (['loading', 'starting', 'catching_up', 'unknown', 'forgotten'])) {
    assert.equal(shown({ state: 'ready' }, status), status);
  }
});

test('it rings when it is ready, and 30 and 90 seconds after that', () => {
  const ready = order({ state: 'ready', ready_at: NOW });
  const due = [-5_000, 0, 29_999, 30_000, 89_999, 90_000, 1e9].map((ms) => dueRing(ready, NOW + ms));
  assert.deepEqual(due, [0, 0, 0, 1, 1, 2, 2]);
  const waits = [0, 29_000, 30_000, 90_000].map((ms) => untilNextRing(ready, NOW + ms));
  assert.deepEqual(waits, [30_000, 1_000, 60_000, null]);
});

test('it rings for nothing that is not ready, or was answered', () => {
  for (const state of /** @type {const} */ (['received', 'making', 'collected', 'cancelled'])) {
    assert.equal(dueRing(order({ state }), NOW), -1, state);
    assert.equal(untilNextRing(order({ state }), NOW), null, state);
  }
  for (const marks of [{ acknowledged_at: NOW }, { missing_at: NOW }]) {
    assert.equal(dueRing(order({ state: 'ready', ready_at: NOW, marks }), NOW), -1);
  }
});

test('whoever was away until it was put aside hears of it once', () => {
  assert.equal(dueRing(order({ state: 'uncollected', ready_at: NOW }), NOW + 1e7), 0);
});

test('the bar is told when the last ring was for nothing', () => {
  const ready = order({ state: 'ready', ready_at: NOW });
  assert.deepEqual([0, 89_999, 90_000].map((ms) => isBarTold(ready, NOW + ms)), [false, false, true]);
  assert.equal(isBarTold({ ...ready, marks: { acknowledged_at: NOW } }, NOW + 100_000), false);
});

test('nothing is promised while nobody decides, and nothing to who has not paid', () => {
  const promised = { promise: { from: NOW + 360_000, to: NOW + 480_000 } };
  assert.deepEqual(promise(order(promised), NOW)?.minutes, { from: 6, to: 8 });
  assert.equal(promise(order(), NOW), null);
  assert.equal(promise(order({ ...promised, no_barista: true }), NOW), null);
  assert.equal(promise(order({ ...promised, undecided_ms: 5_000 }), NOW), null);
  assert.equal(promise(order({ ...promised, unpaid: true }), NOW), null);
  assert.equal(isUndecided(order({ undecided_ms: 4_999 })), false);
});

test('minutes are whole, at least one, and never the wrong way round', () => {
  const minutes = (/** @type {number} */ from, /** @type {number} */ to) => inMinutes({ from: NOW + from, to: NOW + to }, NOW);
  assert.deepEqual(minutes(349_000, 470_000), { from: 6, to: 8 });
  assert.deepEqual(minutes(-60_000, 10_000), { from: 1, to: 1 });
  assert.deepEqual(minutes(300_000, 200_000), { from: 5, to: 5 });
});

test('what is done is counted in pieces, not in lines', () => {
  const items = [{ item: 'latte', quantity: 2 }, { item: 'americano' }];
  assert.deepEqual(progress(order({ amount: 3, items, marks: { ticked: [0] } })), { done: 2, of: 3 });
  assert.deepEqual(progress(order({ amount: 3 })), { done: 0, of: 3 });
});

test('longer codes are wider, and Korean letters are wider than Latin ones', () => {
  assert.ok(widthOf('BICYCLE 27') > widthOf('KEY 27'));
  assert.ok(widthOf('망고') > widthOf('IL'));
});
