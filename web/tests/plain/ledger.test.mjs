/** What the ledger shows, as numbers and sentences: decisions, without a browser. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { layOut, outline } from '../../lib/ledger-chart.js';
import { PAGE_MS, dateOf, marks, momentAt, place, spanOf, stepped, typedMoment } from '../../lib/ledger-clock.js';
import { helpFor, terms } from '../../lib/ledger-equation.js';
import { age, seconds, share, stopwatch } from '../../lib/ledger-format.js';
import { found } from '../../lib/ledger-search.js';

const SEOUL = 'Asia/Seoul';
const NEW_YORK = 'America/New_York';
/** 22 November 2026 in Seoul. @param {number} hour @param {number} [minute] @param {number} [second] */
const seoul = (hour, minute = 0, second = 0) => Date.UTC(2026, 10, 22, hour - 9, minute, second);

test('a time that passed is written as on a stopwatch', () => {
  const written = [0, 499, 310_000, 720_000, 3_723_000, -51_000, -200].map(stopwatch);
  assert.deepEqual(written, ['0:00', '0:00', '5:10', '12:00', '1:02:03', '−0:51', '0:00']);
});

test('seconds have one digit behind the point of the language', () => {
  assert.deepEqual([200, 1_940].map((ms) => seconds(ms, 'en')), ['0.2', '1.9']);
  assert.equal(seconds(600, 'ko'), '0.6');
  assert.equal(seconds(600, 'de'), '0,6');
});

test('an age is told in the largest unit that says enough', () => {
  const told = [-5, 14_900, 119_999, 120_000, 7_200_000, 172_800_000].map((ms) => Object.values(age(ms)).join(' '));
  assert.deepEqual(told, ['seconds 0', 'seconds 14', 'seconds 119', 'minutes 2', 'hours 2', 'days 2']);
});

test('a share is nothing only for nothing, and everything only for everything', () => {
  assert.deepEqual([[37, 45], [0, 45], [45, 45], [1, 9_999], [9_998, 9_999], [0, 0]].map(([part, whole]) => share(part ?? 0, whole ?? 0)), [82, 0, 100, 1, 99, 0]);
});

// The slider.

const SPAN = { from: seoul(7, 30), to: seoul(9, 14, 2) };
/** @param {Partial<import('../../lib/ledger-clock.js').Hand>} [more] */
function hand(more = {}) {
  return { at: seoul(8, 42, 10), span: SPAN, isToday: true, before: seoul(8, 42, 3), after: seoul(8, 42, 21), ...more };
}

test('arrow keys step from event to event, and from the last one to now', () => {
  assert.equal(stepped('ArrowLeft', hand()), seoul(8, 42, 3));
  assert.equal(stepped('ArrowRight', hand()), seoul(8, 42, 21));
  assert.equal(stepped('ArrowRight', hand({ after: null })), null);
  assert.equal(stepped('ArrowRight', hand({ after: null, isToday: false })), SPAN.to);
  assert.equal(stepped('ArrowLeft', hand({ before: null })), SPAN.from);
});

test('nobody steps to where the next event is not known, or beyond now', () => {
  assert.equal(stepped('ArrowLeft', hand({ before: undefined })), undefined);
  assert.equal(stepped('ArrowRight', hand({ after: undefined })), undefined);
  assert.equal(stepped('ArrowRight', hand({ at: null, after: seoul(8, 0) })), undefined);
  assert.equal(stepped('PageUp', hand({ at: null })), undefined);
  assert.equal(stepped('a', hand()), undefined);
});

test('Page keys go five minutes, Home and End to where the day begins and ends', () => {
  assert.equal(stepped('PageDown', hand()), seoul(8, 37, 10));
  assert.equal(stepped('PageUp', hand()), seoul(8, 47, 10));
  assert.equal(stepped('PageDown', hand({ at: null })), SPAN.to - PAGE_MS);
  assert.equal(stepped('PageUp', hand({ at: seoul(9, 12) })), null);
  assert.equal(stepped('PageDown', hand({ at: seoul(7, 31) })), SPAN.from);
  assert.equal(stepped('Home', hand()), SPAN.from);
  assert.deepEqual([stepped('End', hand()), stepped('End', hand({ isToday: false }))], [null, SPAN.to]);
});

test('what is touched on the track is a moment, to the second, and never outside of the day', () => {
  assert.equal(momentAt(0.5, { from: 0, to: 9_000 }), 5_000);
  assert.equal(momentAt(1, { from: 0, to: 9_300 }), 9_300, 'the end is the end, also within a second');
  assert.deepEqual([momentAt(-1, SPAN), momentAt(2, SPAN)], [SPAN.from, SPAN.to]);
  assert.deepEqual([place(SPAN.from, SPAN), place(SPAN.to, SPAN), place(0, SPAN), place(5, { from: 5, to: 5 })], [0, 1, 0, 1]);
});

test('the track begins at the half hour in which the first order came', () => {
  const day = { from: seoul(0), to: seoul(24) };
  const chart = [{ at: seoul(7, 40) }, { at: seoul(17, 55) }];
  assert.deepEqual(spanOf({ day, chart }, seoul(9, 14)), { from: seoul(7, 30), to: seoul(9, 14) });
  assert.deepEqual(spanOf({ day, chart }, seoul(30)), { from: seoul(7, 30), to: seoul(18) });
  assert.deepEqual(spanOf({ day, chart: [] }, seoul(9)), { from: seoul(0), to: seoul(9) });
});

test('without a calendar the track is the day until now', () => {
  assert.deepEqual(spanOf({ day: null, chart: [{ at: seoul(8, 40) }] }, seoul(9)), { from: seoul(8, 30), to: seoul(9) });
});

test('the labels are round times by the clock there', () => {
  assert.deepEqual(marks(SPAN, 6, SEOUL), [seoul(7, 30), seoul(8), seoul(8, 30), seoul(9)]);
  // Half an hour off the hours of Greenwich.
  const kolkata = Date.UTC(2026, 10, 22, 2, 10);
  assert.deepEqual(marks({ from: kolkata, to: kolkata + 3 * 3_600_000 }, 4, 'Asia/Kolkata'), [0, 1, 2].map((hour) => Date.UTC(2026, 10, 22, 2 + hour, 30)));
  assert.ok(marks({ from: seoul(0), to: seoul(24) }, 6, SEOUL).length <= 7);
});

test('a minute is typed as people write it', () => {
  const day = { from: seoul(0), to: seoul(24) };
  const typed = (/** @type {string} */ text) => typedMoment(text, '2026-11-22', day, SEOUL);
  for (const text of ['8:42', '08:42', ' 0842 ', '8.42', '842']) assert.equal(typed(text), seoul(8, 42), text);
  assert.equal(typed('08:42:10'), seoul(8, 42, 10));
  for (const text of ['', '25:00', '8:60', '8', 'noon', '8:42:99', '12345678']) assert.equal(typed(text), null, text);
});

test('after midnight it is still the day before, for whoever closes late', () => {
  const day = { from: seoul(5), to: seoul(29) };
  assert.equal(typedMoment('00:30', '2026-11-22', day, SEOUL), seoul(24, 30));
});

test('a time that clocks show twice is the first one, and one that they leave out comes later', () => {
  const anyDay = { from: 0, to: Infinity };
  assert.equal(typedMoment('01:30', '2026-11-01', anyDay, NEW_YORK), Date.UTC(2026, 10, 1, 5, 30));
  assert.equal(typedMoment('02:30', '2026-03-08', anyDay, NEW_YORK), Date.UTC(2026, 2, 8, 7, 30));
  assert.equal(typedMoment('03:30', '2026-03-08', anyDay, NEW_YORK), Date.UTC(2026, 2, 8, 7, 30));
  assert.equal(dateOf(Date.UTC(2026, 10, 22, 15, 30), SEOUL), '2026-11-23');
});

// The chart.

const BUCKETS = [1, 3, 0].map((count, i) => ({ at: seoul(8, i * 5), new: count, open: [1, 4, 11][i] ?? 0 }));
const ROOM = { width: 1_200, height: 150 };

test('the chart reaches to a number that people count in', () => {
  const { grid, bars, line } = layOut(BUCKETS, [], ROOM, SEOUL);
  assert.deepEqual(grid, [{ y: 150, count: 0 }, { y: 100, count: 4 }, { y: 50, count: 8 }, { y: 0, count: 12 }]);
  assert.deepEqual(bars.map(({ y, height }) => [y, height]), [[137.5, 12.5], [112.5, 37.5], [150, 0]]);
  assert.equal(line, '50,137.5 150,100 250,12.5');
});

test('what comes after the moment that is looked at is an outline, in the same room', () => {
  const { bars, line } = layOut(BUCKETS.slice(0, 1), BUCKETS, ROOM, SEOUL);
  assert.deepEqual(bars.map(({ isGhost }) => isGhost), [false, true, true]);
  assert.equal(line.split(' ').length, 1);
});

test('five minutes in which nothing came leave their room empty', () => {
  const gap = [BUCKETS[0], BUCKETS[2]].filter((bucket) => bucket !== undefined);
  assert.deepEqual(layOut(gap, [], ROOM, SEOUL).bars.map(({ x }) => x), [16, 216]);
  assert.ok(layOut(gap, [], ROOM, SEOUL).bars.every(({ width }) => width === 68), 'twelve bars have room, however few there are');
});

test('a day without orders, and a day full of them, can be drawn', () => {
  assert.deepEqual(layOut([], [], ROOM).bars, []);
  assert.equal(layOut([], [], ROOM).grid.at(-1)?.count, 3);
  const full = Array.from({ length: 288 }, (_, i) => ({ at: seoul(0) + i * 300_000, new: 70, open: 4_321 }));
  const { bars, grid } = layOut(full, [], ROOM, SEOUL);
  assert.equal(grid.at(-1)?.count, 6_000);
  assert.ok(bars.every(({ x, width }) => x >= 0 && x + width <= ROOM.width));
});

test('the line over the slider is as long as the time it is of', () => {
  const minutes = [{ at: 0, open: 0 }, { at: 50, open: 4 }, { at: 100, open: 2 }, { at: 200, open: 9 }];
  assert.equal(outline(minutes, { from: 0, to: 100 }, { width: 10, height: 9 }), '0,9 5,5 10,7 10,7');
});

// What was found.

test('what was looked for is marked, in any case, and never as a pattern', () => {
  const marked = (/** @type {string} */ text, /** @type {string} */ query) =>
    found(text, query).map(({ text, isFound }) => (isFound ? `[${text}]` : text)).join('');
  assert.equal(marked('Iced latte, Oat', 'oat'), 'Iced latte, [Oat]');
  assert.equal(marked('Latte, oat', 'lat oat'), '[Lat]te, [oat]');
  assert.equal(marked('a.b (c)', '.b ('), 'a[.b] [(]c)');
  assert.equal(marked('Latte', ''), 'Latte');
  assert.equal(marked('Latte', 'x'), 'Latte');
});

test('what is called that in the other language is marked whole', () => {
  assert.deepEqual(found('오트', 'oat', 'oat'), [{ text: '오트', isFound: true }]);
  assert.deepEqual(found('아이스 라테', '라테', 'Iced latte'), [{ text: '아이스 ', isFound: false }, { text: '라테', isFound: true }]);
});

// The equation.

const EQUATION = { accepted: 59, received: 5, making: 3, ready: 3, collected: 45, uncollected: 0, cancelled: 3, dead_lettered: 0 };

test('both sides of the equation are the same, whichever terms there are', () => {
  for (const more of [{}, { uncollected: 2, accepted: 61 }, { dead_lettered: 1, accepted: 60 }, { carried_over: 4, ready: 7 }]) {
    const { left, right } = terms({ ...EQUATION, ...more });
    const sum = (/** @type {{count: number}[]} */ side) => side.reduce((all, { count }) => all + count, 0);
    assert.equal(sum(left), sum(right));
  }
  assert.deepEqual(terms(EQUATION).right.map(({ key }) => key), ['ledger.ready', 'ledger.collected', 'ledger.cancelled', 'ledger.open']);
});

test('each need has the one action that helps, also one that a newer counter names', () => {
  const need = { since: 0, order_id: 'a' };
  assert.equal(helpFor({ ...need, kind: 'stuck', action: 'ring_bar' }).action, 'ring_bar');
  assert.equal(helpFor({ ...need, kind: 'nobody_came', action: 'something_new' }).action, 'call_again');
  assert.deepEqual(helpFor({ ...need, kind: 'new', action: 'new' }), { says: 'ledger.need.other', action: null });
});
