/** Where tickets stand, and which touches count. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { columnsIn, place } from '../../lib/bar-columns.js';
import { Guard } from '../../lib/bar-guard.js';

/** @param {string} id @param {number[]} lines @returns {import('../../lib/bar-columns.js').Size} */
function ticket(id, ...lines) {
  return { id, head: 60, lines, foot: 60, on: 30, height: 120 + lines.reduce((sum, line) => sum + line, 0) };
}

/** @param {import('../../lib/bar-columns.js').Size[]} tickets @param {number} [height] */
function placed(tickets, height = 600) {
  return place(tickets, height, 10).places.map(({ id, part, column, top, from, to, isLast }) => `${id}${part} ${column}:${top} ${from}-${to}${isLast ? '' : ' →'}`);
}

test('columns are filled downward, oldest first', () => {
  assert.deepEqual(placed([ticket('a', 100), ticket('b', 100), ticket('c', 100), ticket('d', 100)]), [
    'a0 0:0 0-1', 'b0 0:230 0-1', 'c0 1:0 0-1', 'd0 1:230 0-1',
  ]);
  assert.equal(place([], 600, 10).columns, 0);
});

test('a ticket that fits exactly is not moved on', () => {
  assert.deepEqual(placed([ticket('a', 480), ticket('b', 480)]), ['a0 0:0 0-1', 'b0 1:0 0-1']);
  assert.deepEqual(placed([ticket('a', 100), ticket('b', 250)]), ['a0 0:0 0-1', 'b0 0:230 0-1']);
});

test('one that comes later does not fill a gap before one that was there', () => {
  assert.deepEqual(placed([ticket('a', 300), ticket('b', 300), ticket('c', 20)]), ['a0 0:0 0-1', 'b0 1:0 0-1', 'c0 1:430 0-1']);
});

test('a long ticket begins a column and goes on in the next one with its code', () => {
  const long = ticket('l', ...Array.from({ length: 8 }, () => 100));
  // 60 + 5 × 100 + 30, then 60 + 3 × 100 + 60.
  assert.deepEqual(placed([ticket('a', 100), long, ticket('b', 30)]), ['a0 0:0 0-1', 'l0 1:0 0-5 →', 'l1 2:0 5-8', 'b0 2:430 0-1']);
});

test('the button of a long ticket never stands alone', () => {
  // The last line alone would fit, with the button it does not.
  const long = ticket('l', ...Array.from({ length: 5 }, () => 100), 20);
  assert.deepEqual(placed([long]), ['l0 0:0 0-5 →', 'l1 1:0 5-6']);
});

test('a line that is higher than a column stands by itself, and nothing hangs', () => {
  assert.deepEqual(placed([ticket('l', 900, 900)]), ['l0 0:0 0-1 →', 'l1 1:0 1-2']);
  assert.deepEqual(placed([ticket('l', 900)]), ['l0 0:0 0-1']);
  assert.deepEqual(placed([ticket('l', 900, 900)], 0).length, 2, 'not even a rail yet');
});

test('as many columns as have room share the width, at least one', () => {
  assert.deepEqual(columnsIn(1_248, 300, 16), { columns: 4, width: 300 });
  assert.deepEqual(columnsIn(1_248, 600, 16), { columns: 2, width: 616 }, 'text twice as large');
  assert.deepEqual(columnsIn(358, 300, 16), { columns: 1, width: 358 });
  assert.deepEqual(columnsIn(200, 300, 16), { columns: 1, width: 200 });
});

test('a button whose meaning has changed takes no touch for 700 ms', () => {
  const guard = new Guard();
  guard.means('a', 'start', 0);
  assert.ok(guard.allows('a', 0), 'it was there from the beginning');
  guard.means('a', 'ready', 1_000);
  guard.means('a', 'ready', 1_500);
  assert.deepEqual([1_000, 1_699, 1_700].map((now) => guard.allows('a', now)), [false, false, true]);
  assert.ok(guard.allows('b', 1_000), 'the others are none the worse for it');
});

test('what means the same all along takes a touch as long as it stands where it stood', () => {
  const guard = new Guard();
  guard.means('a', 'start', 0);
  guard.means('a', 'ready', 1_000);
  assert.deepEqual([guard.stands('a', 1_000), guard.allows('a', 1_000)], [true, false]);
});

test('what has moved takes no touch for 400 ms', () => {
  const guard = new Guard();
  guard.means('a', 'start', 0);
  guard.moved('a', 1_000);
  assert.deepEqual([1_000, 1_399, 1_400].map((now) => guard.allows('a', now)), [false, false, true]);
});

test('of places that are gone nothing is kept over the days, and of those that are there all', () => {
  const guard = new Guard();
  guard.means('stays', 'start', 0);
  for (let n = 0; n < 10_000; n += 1) {
    guard.means(`${n}`, 'start', n);
    guard.moved(`${n}`, n);
    guard.keep(['stays', `${n}`]);
  }
  assert.ok(guard.meanings.size + guard.moves.size < 300, `${guard.meanings.size} and ${guard.moves.size}`);
  guard.means('stays', 'ready', 10_000);
  assert.ok(!guard.allows('stays', 10_001), 'it is known what it meant before');
});
