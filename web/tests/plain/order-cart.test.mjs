/** The cart by itself: what is chosen, what it costs, which order it is, and what is in its way. */

import assert from 'node:assert/strict';
import test from 'node:test';

import * as cart from '../../lib/cart.js';

/** @param {string} text */
const words = (text) => ({ en: text, ko: text });

/** @returns {cart.Menu} */
const menu = () => ({
  version: 'a',
  shop: { name: words('Shop'), currency: 'KRW', time_zone: 'Asia/Seoul', payment: 'after' },
  options: [
    {
      id: 'size',
      name: words('Size'),
      choices: [
        { id: 'regular', name: words('Regular'), price: 0, allergens: [] },
        { id: 'large', name: words('Large'), price: 500, allergens: [] },
      ],
    },
    {
      id: 'milk',
      name: words('Milk'),
      choices: [
        { id: 'whole', name: words('Whole'), price: 0, allergens: ['milk'] },
        { id: 'oat', name: words('Oat'), price: 700, allergens: ['oats'] },
      ],
    },
  ],
  categories: [
    {
      id: 'coffee',
      name: words('Coffee'),
      items: [
        { id: 'latte', name: words('Latte'), price: 5_500, options: ['size', 'milk'], allergens: [] },
        { id: 'bread', name: words('Bread'), price: 3_000, options: [], allergens: ['wheat'] },
      ],
    },
  ],
});

const NONE = new Set();
/** @param {cart.Menu} on */
const latte = (on) => /** @type {cart.Item} */ (cart.itemOf(on, 'latte'));

/** A cart of one latte on this menu. */
const one = (on = menu(), soldOut = NONE) => cart.add(on, [], latte(on), soldOut);

test('what is added has the default of each group', () => {
  const [line] = one();
  assert.deepEqual(line?.options, { size: 'regular', milk: 'whole' });
  assert.equal(line?.quantity, 1);
});

test('what is added has the first choice that is not sold out', () => {
  assert.deepEqual(one(menu(), new Set(['milk/whole']))[0]?.options, { size: 'regular', milk: 'oat' });
});

test('an item is sold out when it is, or when every choice of one of its groups is', () => {
  const on = menu();
  assert.equal(cart.isSoldOut(on, latte(on), new Set(['latte'])), true);
  assert.equal(cart.isSoldOut(on, latte(on), new Set(['milk/whole'])), false);
  assert.equal(cart.isSoldOut(on, latte(on), new Set(['milk/whole', 'milk/oat'])), true);
});

test('one made different is a line of its own below the first, and the note comes along', () => {
  const on = menu();
  let lines = cart.setNote(cart.setQuantity(one(on), 1, 3), 1, 'hot cup');
  lines = cart.split(lines, 1);
  assert.deepEqual(lines.map(({ id, quantity, note }) => [id, quantity, note]), [[1, 2, 'hot cup'], [2, 1, 'hot cup']]);
  lines = cart.choose(on, lines, 2, 'milk', 'oat');
  assert.deepEqual(lines.map((line) => cart.unitPrice(on, line)), [5_500, 6_200]);
  assert.equal(cart.total(on, lines), 17_200);
  assert.deepEqual(cart.split(lines, 2), lines, 'one alone has nothing to differ from');
});

test('none of a line takes it out, and its id is not given to another line meanwhile', () => {
  const on = menu();
  let lines = cart.split(cart.setQuantity(one(on), 1, 2), 1);
  lines = cart.setQuantity(lines, 1, 0);
  assert.deepEqual(cart.add(on, lines, latte(on), NONE).map(({ id }) => id), [2, 3]);
});

test('the order says every choice, and what the customer was shown as the total', () => {
  const on = menu();
  const lines = cart.setNote(cart.choose(on, one(on), 1, 'milk', 'oat'), 1, ' no lid ');
  assert.deepEqual(cart.request(on, lines), {
    items: [{ item: 'latte', quantity: 1, options: ['size/regular', 'milk/oat'], note: 'no lid' }],
    total: 6_200,
  });
});

test('a note is sent as it was written, but for what steers printers', () => {
  const on = menu();
  const note = (/** @type {string} */ text) => cart.request(on, cart.setNote(one(on), 1, text)).items[0]?.note;
  assert.equal(note('a\tb\r\nc\u0000\u001b[2J'), 'a b\nc  [2J');
  assert.equal(note('<script>alert(1)</script> 🧊 مرحبا'), '<script>alert(1)</script> 🧊 مرحبا');
  assert.equal(note(' \n '), undefined);
  assert.equal(note('\u202a \u200f'), undefined);
  // As `order::is_bidi_control` has them; of what joins emojis nothing is lost.
  const turning = '\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069';
  for (const one of turning) assert.equal(note(`a${one}b`), 'ab', one.codePointAt(0)?.toString(16));
  assert.equal(note('👩\u200d🍳 ❤\ufe0f'), '👩\u200d🍳 ❤\ufe0f');
});

test('a long note is kept whole, counted as the counter does, and in the way until it is shorter', () => {
  const on = menu();
  const long = '🧊'.repeat(10_000);
  const lines = cart.setNote(one(on), 1, long);
  assert.equal(lines[0]?.note, long);
  assert.deepEqual(cart.obstacles(on, lines, NONE).map((found) => found.is === 'note' && found.has), [10_000]);
  assert.deepEqual(cart.obstacles(on, cart.setNote(lines, 1, '🧊'.repeat(200)), NONE), []);
});

test('what is sold out is in the way: the item, or the choice', () => {
  const on = menu();
  const lines = one(on);
  const found = (/** @type {string[]} */ ...soldOut) => cart.obstacles(on, lines, new Set(soldOut)).map(({ is }) => is);
  assert.deepEqual(found('latte', 'milk/whole'), ['item']);
  assert.deepEqual(found('milk/whole'), ['choice']);
  assert.deepEqual(found('milk/oat', 'bread'), []);
});

test('on another menu, what became different is told', () => {
  const on = menu();
  const bread = /** @type {cart.Item} */ (cart.itemOf(on, 'bread'));
  const lines = cart.choose(on, cart.add(on, one(on), bread, NONE), 1, 'milk', 'oat');
  const next = menu();
  const [coffee] = next.categories;
  coffee?.items.pop();
  next.options[1]?.choices.pop();
  const { lines: fitted, changes } = cart.fit(next, lines);
  assert.deepEqual(changes, [
    { is: 'choice_gone', title: words('Latte'), choice: 'oat' },
    { is: 'price', title: words('Latte'), from: 6_200, to: 5_500 },
    { is: 'gone', title: words('Bread') },
  ]);
  assert.deepEqual(fitted.map(({ item, options, seen }) => [item, options, seen]), [
    ['latte', { size: 'regular', milk: 'whole' }, 5_500],
  ]);
  assert.deepEqual(cart.fit(next, fitted), { lines: fitted, changes: [] });
});

test('on a menu that is the same for it, a cart stays the very same order', () => {
  const on = menu();
  const lines = one(on);
  assert.equal(cart.fit({ ...menu(), version: 'b' }, lines).lines, lines);
});

test('an order holds so many lines and cups, and no more', () => {
  const on = menu();
  let lines = cart.setQuantity(one(on), 1, 998);
  lines = cart.add(on, lines, latte(on), NONE);
  assert.deepEqual(cart.room(lines), { cup: true, line: true });
  lines = cart.setQuantity(lines, 2, 2);
  assert.deepEqual(cart.room(lines), { cup: false, line: false });
  const many = Array.from({ length: 100 }).reduce((/** @type {cart.Line[]} */ lines) => cart.add(on, lines, latte(on), NONE), []);
  assert.deepEqual(cart.room(many), { cup: true, line: false });
});

test('a phone orders as many cups at once as the shop says, and as many as anyone where a counter says nothing', () => {
  const on = menu();
  assert.equal(cart.phoneCups(on), 1_000);
  assert.equal(cart.phoneCups(null), 1_000);
  const cups = cart.phoneCups({ ...on, shop: { ...on.shop, largest_phone_order_cups: 2 } });
  assert.deepEqual(cart.room(one(on), cups), { cup: true, line: true });
  assert.deepEqual(cart.room(cart.setQuantity(one(on), 1, 2), cups), { cup: false, line: false });
});

test('a key is a random UUID, and no browser has to know how to make one', () => {
  const key = cart.newKey(new Uint8Array(16).fill(255));
  assert.equal(key, 'ffffffff-ffff-4fff-bfff-ffffffffffff');
  assert.notEqual(cart.newKey(), cart.newKey());
});

test('a cart comes back as it was kept', () => {
  const kept = { key: cart.newKey(), lines: one(), sent: { body: '{}', since: 7, by: 'a', doubt: true, given_up: false } };
  assert.deepEqual(cart.parse(JSON.stringify(kept)), kept);
});

test('what was kept and can be no cart is an empty one', () => {
  const [line] = one();
  const key = cart.newKey();
  for (const kept of [
    null,
    '',
    '{',
    '[]',
    '7',
    JSON.stringify({ key: 7, lines: [] }),
    JSON.stringify({ key, lines: {} }),
    JSON.stringify({ key, lines: [{ ...line, quantity: 0 }] }),
    JSON.stringify({ key, lines: [{ ...line, quantity: 1.5 }] }),
    JSON.stringify({ key, lines: [{ ...line, options: null }] }),
    JSON.stringify({ key, lines: [{ ...line, options: { milk: 7 } }] }),
    JSON.stringify({ key, lines: [{ ...line, title: 'Latte' }] }),
    JSON.stringify({ key, lines: [line, line] }),
    JSON.stringify({ key, lines: Array.from({ length: 101 }, (_, id) => ({ ...line, id })) }),
  ]) {
    assert.deepEqual(cart.parse(kept), cart.EMPTY, kept ?? 'nothing');
  }
});

test('each answer of the counter means one thing, and what is not its own may have arrived', () => {
  const means = (/** @type {number} */ status, /** @type {unknown} */ json, after = NaN) =>
    cart.verdict(status, json, after);
  assert.deepEqual(means(201, { order_id: 'a' }), { is: 'accepted', id: 'a' });
  assert.deepEqual(means(429, { code: 'too_many_orders' }, 40), { is: 'too_many', after_s: 40 });
  assert.deepEqual(means(429, null), { is: 'too_many', after_s: 10 });
  assert.deepEqual(means(409, { code: 'sold_out', sold_out: ['latte'] }), { is: 'changed', sold_out: ['latte'] });
  for (const [status, code] of /** @type {[number, string][]} */ ([
    [409, 'price_changed'],
    [422, 'unknown_item'],
    [422, 'unknown_option'],
  ])) {
    assert.deepEqual(means(status, { code }), { is: 'changed', sold_out: [] }, code);
  }
  assert.deepEqual(means(503, { code: 'ordering_paused', reason: 'wait', reopens_at: 9 }), {
    is: 'shut',
    ordering: 'paused',
    reason: 'wait',
    reopens_at: 9,
  });
  assert.equal(means(409, { code: 'shop_closed', opens_at: 9 }).is, 'shut');
  assert.equal(means(409, { code: 'order_at_till' }).is, 'shut');
  assert.deepEqual(means(422, { code: 'idempotency_key_reused', order_id: 'a' }), { is: 'used', id: 'a' });
  assert.deepEqual(means(503, { code: 'starting' }, 1), { is: 'later', after_s: 1 });
  assert.deepEqual(means(503, { code: 'busy' }), { is: 'later', after_s: 1 });
  assert.deepEqual(means(503, { code: 'not_written' }, 1), { is: 'not_written' });
  assert.deepEqual(means(503, { code: 'queue_full' }, 1), { is: 'not_written' });
  assert.deepEqual(means(503, { code: 'outcome_unknown', order_id: 'a' }, 1), { is: 'unknown', after_s: 1 });
  assert.deepEqual(means(400, { code: 'bad_field', detail: 'No.' }), { is: 'refused', detail: 'No.' });
  for (const status of [200, 201, 302, 404, 408, 500, 502, 504]) {
    assert.equal(means(status, null).is, 'unknown', String(status));
  }
});
