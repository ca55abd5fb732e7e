/** The board by itself: what it shows, what it calls, and how it is set. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { DEFAULTS, keep, load, read, write } from '../../lib/board-settings.js';
import { Calls, shown } from '../../lib/board-state.js';

const NOW = 1_000_000_000;
const TV = { fixed: true, waitedMs: 60_000 };

/** @param {number} number @param {number} [since] @param {number} [round] */
const code = (number, since = NOW - 60_000, round = 1) => {
  return { number, words: { en: 'mango', ko: '망고' }, symbol: 'mango', label: String(number), round, since };
};

/** @param {number} count @param {number} [since] */
const codes = (count, since) => Array.from({ length: count }, (_, at) => code(at + 1, since));

/** @param {Partial<import('../../lib/board-state.js').Board>} board @param {'live' | 'old' | 'loading'} [status] */
const news = (board, status = 'live') => {
  return { status, value: { as_of: NOW, waiting: [], making: [], ready: [], ...board }, ageMs: 0, offline: false };
};

const NOTHING = { value: null, ageMs: Infinity, offline: false };

/** @param {import('../../lib/board-state.js').Part} part */
const numbers = ({ entries }) => entries.map(({ number }) => number);

test('the newest ready is the one for 20 s, or until the next', () => {
  const ready = [code(2, NOW - 19_999), code(1)];
  const first = shown(news({ ready }), NOW, TV);
  assert.equal(first.hero?.number, 2);
  assert.deepEqual(numbers(first.ready), [1]);
  const later = shown(news({ ready }), NOW + 1, TV);
  assert.equal(later.hero, null);
  assert.deepEqual(numbers(later.ready), [2, 1], 'it stays among the others');
  assert.equal(shown(news({ ready: [code(3, NOW - 1_000), ...ready] }), NOW, TV).hero?.number, 3);
});

test('what is old shows nobody as having just become ready, and says that it is old', () => {
  const old = shown(news({ ready: [code(1, NOW - 1_000)] }, 'old'), NOW, TV);
  assert.deepEqual([old.screen, old.hero, old.hasBand], ['old', null, true]);
  assert.equal(shown(news({ ready: [code(1)] }, 'loading'), NOW, TV).screen, 'old', 'back from sleep');
});

test('a code is called for ten minutes, also by a board that hears nothing any more', () => {
  const ready = [code(1, NOW - 599_999), code(2, NOW - 600_000)];
  assert.deepEqual(numbers(shown(news({ ready }), NOW, TV).ready), [1]);
  assert.deepEqual(numbers(shown(news({ ready }, 'old'), NOW, TV).ready), [1]);
});

test('nobody waits is said only where that is so', () => {
  assert.equal(shown(news({}), NOW, TV).screen, 'empty');
  assert.equal(shown(news({ no_barista: true }), NOW, TV).screen, 'live');
  assert.equal(shown(news({ no_barista: true }), NOW, TV).hasBand, true);
  for (const list of ['waiting', 'making', 'ready']) assert.equal(shown(news({ [list]: [code(1)] }), NOW, TV).screen, 'live', list);
  assert.equal(shown(news({}, 'old'), NOW, TV).screen, 'old');
});

test('a board that heard nothing says so after a moment', () => {
  const screen = (/** @type {'loading' | 'starting'} */ status, /** @type {number} */ waitedMs) =>
    shown({ ...NOTHING, status }, NaN, { fixed: true, waitedMs }).screen;
  assert.deepEqual([screen('loading', 0), screen('loading', 5_000), screen('starting', 0)], ['loading', 'never', 'starting']);
});

test('what does not fit is shown in turn, every 6 s, and the newest stays', () => {
  const ready = [code(100, NOW - 1_000), ...codes(13)];
  const seen = new Set();
  for (let turn = 0; turn < 3; turn += 1) {
    const now = Math.ceil(NOW / 6_000) * 6_000 + turn * 6_000;
    const board = shown(news({ ready: [code(100, now - 1_000), ...codes(13)] }), now, TV);
    assert.deepEqual([board.hero?.number, board.isDense, board.ready.pages], [100, true, 3]);
    assert.ok(board.ready.entries.length <= 6);
    assert.deepEqual(board.ready, shown(news({ ready: [code(100, now), ...codes(13)] }), now + 5_999, TV).ready, 'it holds still');
    for (const number of numbers(board.ready)) seen.add(number);
  }
  assert.equal(seen.size, 13);
  assert.equal(shown(news({ ready }), NOW, { ...TV, fixed: false }).ready.entries.length, 13, 'where it is scrolled all are there');
});

test('every code that fits is there: none is left out, whatever waits beside it', () => {
  for (let making = 0; making <= 12; making += 1) {
    for (let waiting = 0; waiting <= 30; waiting += 1) {
      for (const status of /** @type {const} */ (['live', 'old'])) {
        const seen = { making: new Set(), waiting: new Set() };
        for (let turn = 0; turn < 16; turn += 1) {
          const board = shown(news({ making: codes(making), waiting: codes(waiting), ready: [code(99)] }, status), NOW + turn * 6_000, TV);
          for (const number of numbers(board.making)) seen.making.add(number);
          for (const number of numbers(board.waiting)) seen.waiting.add(number);
          const rows = Math.ceil(board.waiting.entries.length / 3);
          const height = board.making.entries.length * 112 + (rows > 0 ? 90 + rows * 68 : 0);
          assert.ok(height <= (status === 'live' ? 799 : 663), `${making} and ${waiting} are ${height} high`);
        }
        assert.deepEqual([seen.making.size, seen.waiting.size], [making, waiting]);
      }
    }
  }
});

test('headings change their language every 10 s', () => {
  const at = Math.ceil(NOW / 10_000) * 10_000;
  const heading = (/** @type {number} */ now) => shown(news({}), now, TV).heading;
  assert.equal(heading(at), heading(at + 9_999));
  assert.equal(heading(at) + 1, heading(at + 10_000));
});

test('each code is called once, and those from before the page was there are not', () => {
  const calls = new Calls();
  const called = (/** @type {any[]} */ ready, now = NOW) => calls.news(ready, now).map(({ number }) => number);
  assert.deepEqual(called([code(1, NOW - 1_000)]), [], 'it was called when it became ready');
  const [two, three] = [code(2, NOW - 10), code(3, NOW)];
  assert.deepEqual(called([three, two, code(1, NOW - 1_000)]), [2, 3], 'the oldest first');
  assert.deepEqual(called([three, two]), []);
  assert.deepEqual(called([three]), []);
  assert.ok(!calls.isReady(two) && calls.isReady(three), 'one that was recalled meanwhile is not called any more');
  assert.deepEqual(called([code(2, NOW + 100, 2), three], NOW + 100), [2], 'made anew, called anew');
  assert.deepEqual(called([code(4, NOW + 100)], NOW + 30_000), [], 'it was ready for long when the board heard of it');
});

test('a board is set by its address, and what it does not say is as it was', () => {
  assert.deepEqual(read(''), DEFAULTS);
  assert.deepEqual(read('?chime=1&say=ko,en&theme=light'), { chime: true, say: ['ko', 'en'], theme: 'light' });
  assert.deepEqual(read('?say=EN,en,fr'), { chime: false, say: ['en'], theme: 'dark' });
  assert.deepEqual(read('?chime=perhaps&say=fr&theme=pink'), DEFAULTS);
  const before = { chime: true, say: /** @type {['en']} */ (['en']), theme: /** @type {const} */ ('light') };
  assert.deepEqual(read('?say=off', before), { ...before, say: [] });
  for (const settings of [DEFAULTS, before, read('?say=ko,en')]) assert.deepEqual(read(write(settings)), settings);
  assert.equal(write(read('?say=ko,en'), 'lang=ko'), 'lang=ko&chime=0&say=ko,en&theme=dark', 'as it can be typed');
});

test('a board stays as it was set by hand, unless its address says otherwise or nothing is kept', () => {
  /** @type {Map<string, string>} */
  const kept = new Map();
  const storage = { getItem: (/** @type {string} */ key) => kept.get(key) ?? null, setItem: (/** @type {string} */ key, /** @type {string} */ value) => void kept.set(key, value) };
  keep(read('?chime=1&theme=light'), storage);
  assert.deepEqual(load('', storage), read('?chime=1&theme=light'));
  assert.deepEqual(load('?theme=dark', storage), read('?chime=1'));
  const refuses = { getItem: () => { throw new Error('refused'); }, setItem: () => { throw new Error('refused'); } };
  keep(DEFAULTS, refuses);
  assert.deepEqual(load('?chime=1', refuses), read('?chime=1'));
  assert.deepEqual(load('', null), DEFAULTS);
});
