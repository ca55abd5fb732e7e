/** The bar's sheets by themselves: what is sold out, how the shop works, what is left, and how the day went. */

import assert from 'node:assert/strict';
import test from 'node:test';

import * as state from '../../lib/sheet-state.js';

const HOUR = 60 * 60_000;
const NOW = Date.UTC(2026, 2, 6, 12);
/** @param {number} ms */
const dayOf = (ms) => Math.floor(ms / (24 * HOUR));

/** @param {string} id @param {Record<string, any>} [more] @returns {any} */
const order = (id, more = {}) => ({
  order_id: id, amount: 1, state: 'received', round: 1, version: 1, decided: true, mode: 'manual', received_at: NOW, changed_at: NOW, as_of: NOW, ...more,
});

/** @param {string} text */
const words = (text) => ({ en: text, ko: text });
const MENU = {
  options: [
    { id: 'milk', name: words('Milk'), choices: [{ id: 'whole', name: words('Whole') }, { id: 'oat', name: words('Oat') }] },
    { id: 'cup', name: words('Cup'), choices: [{ id: 'paper', name: words('Paper') }] },
  ],
  categories: [{ id: 'c', name: words('C'), items: [{ id: 'latte', name: words('Latte') }, { id: 'tea', name: words('Tea') }] }],
};

test('what is sold out comes first, then what most open orders have, then as on the menu', () => {
  const latte = { item: 'latte', quantity: 1, options: ['milk/oat'] };
  const orders = [
    order('a', { items: [latte, latte] }),
    order('b', { items: [latte], state: 'making' }),
    order('c', { items: [{ item: 'tea', quantity: 9 }], state: 'ready' }),
  ];
  const all = state.entries(MENU, new Set(['tea']), orders);
  assert.deepEqual(all.map(({ id, isSoldOut, inOrders }) => [id, isSoldOut, inOrders]), [
    ['tea', true, 0],
    ['latte', false, 2],
    ['milk/oat', false, 2],
    ['milk/whole', false, 0],
  ]);
  assert.equal(all.find(({ id }) => id === 'milk/oat')?.group?.en, 'Milk');
});

test('what was sold out and has left the menu can be brought back, and without a menu there is nothing', () => {
  assert.deepEqual(state.entries(MENU, new Set(['gone']), []).map(({ id }) => id)[0], 'gone');
  assert.deepEqual(state.entries(null, new Set(), []), []);
});

test('a pause ends on a whole minute, no sooner than it was said', () => {
  assert.equal(state.reopensAt(NOW, 10), NOW + 10 * 60_000);
  assert.equal(state.reopensAt(NOW + 1, 10), NOW + 11 * 60_000);
});

test('only what staff said is their pace: a wait that is too long is none', () => {
  assert.equal(state.paceOf({ ordering: 'paused', reason: 'staff', busy_minutes: 5 }), 'paused');
  assert.equal(state.paceOf({ ordering: 'paused', reason: 'wait', busy_minutes: 5 }), 'busy');
  assert.equal(state.paceOf({ ordering: 'open', busy_minutes: 0 }), 'normal');
  assert.equal(state.paceOf(null), 'normal');
});

test('whether it is open, and by whose word', () => {
  assert.equal(state.openOf({ open: { open: true }, ordering: 'paused' }), 'open');
  assert.equal(state.openOf({ open: { open: false }, ordering: 'closed' }), 'closed');
  assert.equal(state.openOf({ open: { open: null }, ordering: 'closed' }), 'closed_by_hours');
  assert.equal(state.openOf({ open: null, ordering: 'till' }), 'open_by_hours');
  assert.equal(state.openOf(null), 'open_by_hours');
});

test('an order is left from before if it is of another day and long forgotten, and midnight alone leaves none', () => {
  const left = (/** @type {any[]} */ orders, now = NOW) => state.leftFromBefore(orders, now, dayOf).map(({ order_id: id }) => id);
  const night = NOW - 14 * HOUR;
  assert.deepEqual(left([order('b', { received_at: night + 1, changed_at: night + 1 }), order('a', { received_at: night, changed_at: night })]), ['a', 'b'], 'the oldest first');
  assert.deepEqual(left([order('a', { received_at: night, changed_at: NOW - 2 * HOUR + 1 })]), [], 'somebody did something about it');
  const midnight = Date.UTC(2026, 2, 7);
  assert.deepEqual(left([order('a', { received_at: midnight - 60_000, changed_at: midnight - 60_000 })], midnight + 60_000), []);
  assert.deepEqual(left([order('a', { received_at: NOW - 3 * HOUR, changed_at: NOW - 3 * HOUR })]), [], 'of the same day');
  assert.deepEqual(left([order('a', { received_at: NOW - 9 * HOUR, changed_at: NOW - 8 * HOUR })]), ['a'], 'long enough on any day');
  assert.deepEqual(left([order('a', { received_at: night, changed_at: night, state: 'collected' })]), []);
  assert.deepEqual(left([order('a', { received_at: night, changed_at: night, mode: undefined })]), [], 'another program makes it');
  assert.deepEqual(left([order('a', { received_at: night, changed_at: night })], NaN), [], 'nobody knows the time yet');
});

test('what can be recalled, cancelled and paid', () => {
  const can = (/** @type {(order: any) => boolean} */ what) =>
    ['received', 'making', 'ready', 'collected', 'uncollected', 'cancelled'].filter((is) => what(order('a', { state: is })));
  assert.deepEqual(can(state.canRecall), ['ready', 'collected', 'uncollected']);
  assert.deepEqual(can(state.canCancel), ['received', 'making', 'ready']);
  assert.ok(!state.canCancel(order('a', { decided: false })), 'nobody has decided on it yet');
  assert.ok(!state.canRecall(order('a', { state: 'ready', mode: undefined })));
  assert.ok(state.awaitsPayment(order('a', { unpaid: true })) && !state.awaitsPayment(order('a', { unpaid: true, state: 'cancelled' })));
});

test('a list holds still until it is renewed', () => {
  const still = new state.Still();
  assert.deepEqual(still.look(['a', 'b']), { ids: ['a', 'b'], more: 0 });
  assert.deepEqual(still.look(['c', 'b']), { ids: ['a', 'b'], more: 1 });
  still.renew();
  assert.deepEqual(still.look(['c', 'b']), { ids: ['c', 'b'], more: 0 });
});

test('a day sheet is what the ledger counted, and nothing where it did not', () => {
  const day = { orders: 214, drinks: 351, remakes: 3, uncollected: 2, cancelled: 4, promise: { inside: 201, total: 210 }, holds: true };
  assert.deepEqual(state.daySheet(day), { orders: 214, drinks: 351, remakes: 3, uncollected: 2, cancelled: 4, inside: 201, promised: 210, holds: true });
  for (const body of [null, {}, { ...day, orders: undefined }, { ...day, promise: undefined }]) assert.equal(state.daySheet(body), null);
});
