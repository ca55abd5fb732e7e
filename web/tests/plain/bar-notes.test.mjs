/** What rings the bar: a decision, without a browser. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { Notes } from '../../lib/bar-notes.js';

/** @param {string} id @param {string} [note] @returns {any} */
const order = (id, note) => ({ order_id: id, ...(note && { marks: { staff_note: note } }) });
/** @param {Notes} notes @param {any[]} orders */
const news = (notes, orders) => notes.news(orders).map(({ order_id }) => order_id);

test('a note rings once, and so does another one on the same order', () => {
  const notes = new Notes();
  assert.deepEqual(news(notes, [order('a', 'extra hot'), order('b')]), [], 'it stood there when the page was opened');
  assert.deepEqual(news(notes, [order('a', 'extra hot'), order('b', 'look at this')]), ['b']);
  assert.deepEqual(news(notes, [order('a', 'extra hot'), order('b', 'look at this')]), []);
  assert.deepEqual(news(notes, [order('a', 'extra hot · look at this'), order('b')]), ['a'], 'a note that goes rings nobody');
  assert.deepEqual(news(notes, [order('a', 'extra hot · look at this'), order('b', 'look at this')]), ['b']);
});
