/** When a new order is told of: a decision, without a browser. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { Arrivals } from '../../lib/bar-arrivals.js';
import { BarState } from '../../lib/bar-state.js';

const CODE = { number: 27, words: { en: 'mango', ko: '망고' }, symbol: 'mango', label: '27' };
/** @param {string} id @param {Record<string, unknown>} [more] @returns {any} */
const order = (id, more = { code: CODE }) => ({ order_id: id, ...more });
/** @param {Arrivals} arrivals @param {any[]} arrived @param {any[]} orders @param {number} steady */
const told = (arrivals, arrived, orders, steady) => {
  const all = new Map(orders.map((one) => [one.order_id, one]));
  return arrivals.look(arrived, all, steady).map(({ order_id: id, code }) => `${id} ${code?.label ?? 'nameless'}`);
};

test('a new order is told of once, and that with its code', () => {
  const arrivals = new Arrivals();
  const [a, b] = [order('a'), order('b', {})];
  assert.deepEqual(told(arrivals, [a, b], [a, b], 0), ['a 27']);
  assert.deepEqual(told(arrivals, [], [a, b], 4_999), []);
  assert.deepEqual(told(arrivals, [], [a, order('b')], 4_999), ['b 27']);
  assert.deepEqual(told(arrivals, [], [a, order('b')], 9_000), []);
});

test('an order that gets no code is told of without, as soon as nobody can be said to be about to decide', () => {
  const arrivals = new Arrivals();
  const a = order('a', {});
  assert.deepEqual(told(arrivals, [a], [a], 0), []);
  assert.deepEqual(told(arrivals, [], [a], 5_000), ['a nameless']);
  assert.deepEqual(told(arrivals, [], [order('a')], 6_000), [], 'it is not new again with its code');
});

test('an order that goes before it has a code is not told of', () => {
  const arrivals = new Arrivals();
  const a = order('a', {});
  assert.deepEqual(told(arrivals, [a], [a], 0), []);
  assert.deepEqual(told(arrivals, [], [], 100), []);
  assert.deepEqual(told(arrivals, [], [order('a')], 200), []);
});

/** A bar without orders, and whom it tells of when it looks again. */
function bar() {
  const state = new BarState();
  const now = 1_800_000_000_000;
  const promised = { from: now + 60_000, to: now + 120_000 };
  const look = (/** @type {any[]} */ orders, /** @type {number} */ steady, /** @type {any[]} */ taps = []) => {
    const all = orders.map((one) => ({ state: 'received', round: 1, version: 0, amount: 1, received_at: now, promised, ...one }));
    const value = /** @type {any} */ ({ orders: new Map(all.map((one) => [one.order_id, one])) });
    state.news = { status: 'live', value, ageMs: 0, offline: false };
    const known = /** @type {any} */ ({ waiting: taps, of: (/** @type {string} */ id) => taps.filter(({ order }) => order === id) });
    return state.look(known, now + steady, steady).told.map(({ order_id: id }) => id);
  };
  assert.deepEqual(look([], 0), []);
  return look;
}

const CANCEL = { id: 't', order: 'a', label: '', command: 'cancel', body: { command: 'cancel' }, at: 0, state: 'kept' };

test('an order that was cancelled here before it had a code is not told of, also while nobody decides', () => {
  const look = bar();
  assert.deepEqual(look([order('a', {})], 100), []);
  assert.deepEqual(look([order('a', {})], 1_000, [CANCEL]), []);
  assert.deepEqual(look([order('a', {})], 9_000, [CANCEL]), []);
});

test('an order that is ready by the time it has a code is no new one', () => {
  const look = bar();
  assert.deepEqual(look([order('a', {})], 100), []);
  assert.deepEqual(look([order('a', { code: CODE, state: 'ready', ready_at: 1 })], 200), []);
});

test('an order that is back on the rail as its code comes is told of once', () => {
  const look = bar();
  assert.deepEqual(look([order('a', {})], 100), []);
  assert.deepEqual(look([order('a', {})], 200, [CANCEL]), []);
  assert.deepEqual(look([order('a')], 300), ['a']);
  assert.deepEqual(look([order('a')], 9_000), []);
});
