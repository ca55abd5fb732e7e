/** All live orders, from what comes in whatever order. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { change, OLD_MS, read } from '../../lib/orders.js';

const NOW = 1_800_000_000_000;

/** @param {string} id @param {number} version @param {Record<string, unknown>} [more] @returns {any} */
function order(id, version, more = {}) {
  return { order_id: id, version, state: 'received', round: 1, as_of: NOW, now: NOW, ...more };
}

/** @param {any[]} orders @param {Record<string, unknown>} [more] */
function snapshot(orders, more = {}) {
  return { as_of: NOW, now: NOW, total: orders.length, more: false, no_barista: false, orders, ...more };
}

const ids = (/** @type {import('../../lib/orders.js').Orders} */ known) => [...known.orders.values()].map(({ order_id: id, version }) => `${id}${version}`);

test('a change adds an order, changes it, and takes it away at its end', () => {
  let known = read(snapshot([order('a', 1)]), null);
  known = change(known, order('b', 1));
  known = change(known, order('a', 2, { state: 'making' }));
  assert.deepEqual([ids(known), known.total], [['a2', 'b1'], 2]);
  known = change(known, order('a', 3, { state: 'cancelled' }));
  assert.deepEqual([ids(known), known.total], [['b1'], 1]);
});

test('what comes late takes nothing back', () => {
  let known = read(snapshot([order('a', 3)]), null);
  known = change(known, order('a', 2));
  assert.deepEqual(ids(known), ['a3']);
  known = change(known, order('a', 4, { state: 'collected' }));
  known = change(known, order('a', 3));
  assert.deepEqual([ids(known), known.total], [[], 0], 'an answer that came after the end');
  known = read(snapshot([order('a', 3)]), known);
  assert.deepEqual(ids(known), [], 'a snapshot that was made before it');
  known = change(known, order('a', 5, { state: 'making', round: 2 }));
  assert.deepEqual(ids(known), ['a5'], 'recalled');
});

test('a snapshot forgets what is gone and keeps what was heard of after it was made', () => {
  let known = read(snapshot([order('a', 1), order('b', 1)]), null);
  known = change(known, order('c', 1, { as_of: NOW + 5 }));
  known = change(known, order('b', 2, { as_of: NOW + 5 }));
  known = read(snapshot([order('b', 1)], { as_of: NOW + 1 }), known);
  assert.deepEqual(ids(known), ['b2', 'c1']);
});

test('each end is counted, however many there were, whoever came back before, and whether or not it was heard', () => {
  let known = read(snapshot([]), null);
  const end = (/** @type {string} */ id, /** @type {number} */ version) => {
    const { ended } = known;
    known = change(known, order(id, version, { state: 'collected' }));
    return known.ended - ended;
  };
  for (let n = 0; n < 1_200; n += 1) {
    known = change(known, order(`${n}`, 1));
    assert.equal(end(`${n}`, 2), 1, `the end of order ${n}`);
  }
  known = change(known, order('1199', 3, { state: 'making', round: 2 }));
  assert.equal(end('1199', 4), 1, 'of one that was recalled');
  assert.equal(end('1199', 4), 0, 'the same once more');
  known = change(known, order('away', 1));
  const { ended } = known;
  known = read(snapshot([], { as_of: NOW + 1 }), known);
  assert.equal(known.ended, ended + 1, 'one that a later snapshot has no more');
});

test('a log that was put in the place of another begins anew', () => {
  let known = read(snapshot([order('a', 9)]), null);
  known = read(snapshot([order('a', 1)], { as_of: NOW + 11 * OLD_MS }), known);
  assert.deepEqual(ids(known), ['a1']);
});

test('the counter says how many there are, also of those that it does not tell of', () => {
  let known = read(snapshot([order('a', 1)], { total: 3_000, more: true }), null);
  known = change(known, order('b', 1));
  assert.deepEqual([known.total, known.more], [3_001, true]);
});
