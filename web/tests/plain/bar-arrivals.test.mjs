/** When a new order is told of: a decision, without a browser. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { Arrivals } from '../../lib/bar-arrivals.js';

const CODE = { number: 27, words: { en: 'mango', ko: '망고' }, symbol: 'mango', label: '27' };
/** @param {string} id @param {Record<string, unknown>} [more] @returns {any} */
const order = (id, more = { code: CODE }) => ({ order_id: id, ...more });
/** @param {Arrivals} arrivals @param {any[]} arrived @param {any[]} orders @param {number} steady */
const called = (arrivals, arrived, orders, steady) => {
  const all = new Map(orders.map((one) => [one.order_id, one]));
  return arrivals.look(arrived, all, steady).map(({ order_id: id, code }) => `${id} ${code?.label ?? 'nameless'}`);
};

test('a new order is told of once, and that with its code', () => {
  const arrivals = new Arrivals();
  const [a, b] = [order('a'), order('b', {})];
  assert.deepEqual(called(arrivals, [a, b], [a, b], 0), ['a 27']);
  assert.deepEqual(called(arrivals, [], [a, b], 4_999), []);
  assert.deepEqual(called(arrivals, [], [a, order('b')], 4_999), ['b 27']);
  assert.deepEqual(called(arrivals, [], [a, order('b')], 9_000), []);
});

test('an order that gets no code is told of without, as soon as nobody can be said to be about to decide', () => {
  const arrivals = new Arrivals();
  const a = order('a', {});
  assert.deepEqual(called(arrivals, [a], [a], 0), []);
  assert.deepEqual(called(arrivals, [], [a], 5_000), ['a nameless']);
  assert.deepEqual(called(arrivals, [], [order('a')], 6_000), [], 'it is not new again with its code');
});

test('an order that goes before it has a code is not told of', () => {
  const arrivals = new Arrivals();
  const a = order('a', {});
  assert.deepEqual(called(arrivals, [a], [a], 0), []);
  assert.deepEqual(called(arrivals, [], [], 100), []);
  assert.deepEqual(called(arrivals, [], [order('a')], 200), []);
});
