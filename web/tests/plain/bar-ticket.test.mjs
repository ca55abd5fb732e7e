/** How one order looks at the bar, and what is to be made in all. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { fit, toMake } from '../../lib/bar-counts.js';
import { age, isAllergy, isOpen, lines, needsVoice, nextStep, phone, predict, urgency, usualChoices } from '../../lib/bar-ticket.js';
import { isRemake } from '../../lib/pager-screen.js';

const NOW = 1_800_000_000_000;
const MIN = 60_000;
const LATTE = { en: 'Latte', ko: '카페라테' };

/** @param {Record<string, unknown>} [more] @returns {import('../../lib/orders.js').Order} */
function order(more = {}) {
  const when = { received_at: NOW, changed_at: NOW, as_of: NOW };
  const promised = { from: NOW + 6 * MIN, to: NOW + 8 * MIN };
  return /** @type {any} */ ({ order_id: 'a', amount: 1, state: 'received', round: 1, version: 1, decided: true, mode: 'manual', promised, ...when, ...more });
}

/** @param {string} command @param {Record<string, unknown>} [more] @returns {import('../../lib/taps.js').Tap} */
function tap(command, more = {}) {
  return /** @type {any} */ ({ id: 't', order: 'a', label: 'A 1', command, body: { command }, at: NOW, state: 'sending', ...more });
}

test('an order is pressing from three quarters of the promised time on, and late after it', () => {
  const at = (/** @type {number} */ ms) => urgency(order(), NOW + ms);
  assert.deepEqual([0, 6 * MIN - 1, 6 * MIN, 8 * MIN - 1, 8 * MIN].map(at), ['plain', 'plain', 'soon', 'soon', 'late']);
});

test('an order that nobody promised anything of has ten minutes', () => {
  const at = (/** @type {number} */ ms) => urgency(order({ promised: undefined }), NOW + ms);
  assert.deepEqual([0, 7.5 * MIN, 10 * MIN].map(at), ['plain', 'soon', 'late']);
});

test('ages are minutes and seconds, and hours when seconds do not matter any more', () => {
  const after = (/** @type {number} */ ms) => age(order(), NOW + ms);
  assert.deepEqual([0, 4_999, 65_000, 99 * MIN + 59_000].map(after), ['0:00', '0:04', '1:05', '99:59']);
  assert.deepEqual([100 * MIN, 26 * 60 * MIN].map(after), [{ hours: 1 }, { hours: 26 }]);
  assert.equal(after(-5_000), '0:00', 'a clock that is behind');
  assert.equal(age(order(), NaN), '', 'nothing was heard yet');
});

test('what was tapped shows at once', () => {
  const shown = (/** @type {import('../../lib/orders.js').Order} */ order, /** @type {import('../../lib/taps.js').Tap[]} */ ...taps) => {
    const { state, round } = predict(order, taps);
    return [state, round];
  };
  assert.deepEqual(shown(order(), tap('start')), ['making', 1]);
  assert.deepEqual(shown(order(), tap('start'), tap('ready')), ['ready', 1]);
  assert.deepEqual(shown(order({ state: 'making' }), tap('ready'), tap('recall')), ['making', 2]);
  assert.deepEqual(shown(order({ state: 'ready' }), tap('collect')), ['collected', 1]);
  assert.deepEqual(shown(order({ state: 'collected' }), tap('uncollect')), ['ready', 1]);
  assert.deepEqual(shown(order({ state: 'making' }), tap('cancel')), ['cancelled', 1]);
  assert.equal(predict(order({ unpaid: true }), [tap('accept')]).unpaid, false);
  const ticked = predict(order({ marks: { ticked: [0, 2] } }), [tap('tick', { body: { line: 1 } }), tap('untick', { body: { line: 0 } })]);
  assert.deepEqual(ticked.marks?.ticked, [1, 2]);
});

test('a tap on what has changed meanwhile shows nothing', () => {
  const recall = tap('recall', { body: { command: 'recall', state: 'ready', round: 1 } });
  assert.equal(predict(order({ state: 'making', round: 2 }), [recall]).round, 2, 'it is done already');
  assert.equal(predict(order({ state: 'cancelled' }), [tap('start')]).state, 'cancelled');
});

test('a tap that may count no more shows nothing, nor does what was tapped after it', () => {
  assert.equal(predict(order(), [tap('start', { why: 'old' }), tap('ready')]).state, 'received');
});

test('each order has one next step, unless somebody else makes it', () => {
  assert.equal(nextStep(order()), 'start');
  assert.equal(nextStep(order({ state: 'making' })), 'ready');
  assert.equal(nextStep(order({ state: 'making', round: 2 })), 'ready', 'a recalled one is being made');
  assert.equal(nextStep(order({ mode: undefined })), '');
  assert.equal(nextStep(order({ decided: false, mode: undefined })), 'start', 'nobody has decided on it yet');
});

test('what waits for payment is not to be made', () => {
  assert.deepEqual([isOpen(order()), isOpen(order({ unpaid: true })), isOpen(order({ state: 'ready' }))], [true, false, false]);
});

test('only what is not as usual is printed', () => {
  const menu = { options: [{ id: 'milk', choices: [{ id: 'whole' }, { id: 'oat' }] }, { id: 'size', choices: [{ id: 'regular' }] }] };
  const item = {
    item: 'latte',
    quantity: 2,
    options: ['milk/oat', 'size/regular', 'own/wish'],
    title: LATTE,
    option_titles: [{ en: 'Oat', ko: '오트' }, { en: 'Regular', ko: '레귤러' }],
  };
  const [line] = lines(order({ items: [item], marks: { ticked: [0] } }), usualChoices(menu));
  assert.deepEqual(line, { key: 'latte', quantity: 2, title: LATTE, mods: [{ en: 'Oat', ko: '오트' }, 'wish'], note: '', ticked: true });
  assert.deepEqual(usualChoices(null), new Set());
});

test('an order by amount is so many drinks, and one of nothing has none', () => {
  assert.deepEqual(lines(order({ amount: 3 }), new Set()).map(({ quantity, title }) => [quantity, title]), [[3, '']]);
  assert.deepEqual(lines(order({ amount: 0 }), new Set()), []);
});

test('a note about an allergy is told apart in both languages', () => {
  for (const note of ['Allergy: tree nuts', 'I am ALLERGIC to milk', 'lactose intolerant, intolerance', 'coeliac', '견과류 알레르기 있어요', '우유 알러지']) {
    assert.ok(isAllergy(note), note);
  }
  for (const note of ['extra hot', '덜 달게', '', undefined]) assert.ok(!isAllergy(note), note);
});

test('for each ready order it is said whether a phone will do or somebody must call', () => {
  const told = (/** @type {Record<string, unknown> | undefined} */ marks, ms = 0) => phone(order({ state: 'ready', ready_at: NOW, marks }), NOW + ms);
  assert.equal(told(undefined), 'aloud');
  assert.equal(told({ presence: 'gone' }), 'aloud');
  assert.equal(told({ presence: 'listening' }), 'listening');
  assert.equal(told({ presence: 'hidden' }), 'hidden');
  assert.equal(told({ presence: 'listening', rang_at: NOW }), 'rang');
  assert.equal(told({ presence: 'listening', rang_at: NOW }, 89_999), 'rang');
  assert.equal(told({ presence: 'listening', rang_at: NOW }, 90_000), 'unheard', 'it rang for the last time');
  assert.equal(told({ rang_at: NOW, acknowledged_at: NOW }, 500_000), 'coming');
  assert.equal(told({ acknowledged_at: NOW, missing_at: NOW }), 'missing');
  assert.deepEqual((/** @type {const} */ (['aloud', 'unheard', 'missing', 'rang', 'listening', 'hidden', 'coming'])).map(needsVoice), [true, true, true, false, false, false, false]);
});

test('what is to be made is counted by drink, without what is done', () => {
  const item = (/** @type {string} */ item, quantity = 1) => ({ item, quantity, title: item });
  const orders = [
    order({ items: [item('latte', 2), item('tea')], marks: { ticked: [1] } }),
    order({ items: [item('latte'), item('mocha')] }),
    order({ amount: 4 }),
  ];
  assert.deepEqual(toMake(orders).map(({ key, count }) => [key, count]), [['', 4], ['latte', 3], ['mocha', 1]]);
});

test('counts that have no room are told of together, but for the one that was picked', () => {
  const counts = [5, 4, 3, 2, 1].map((count) => ({ key: `${count}`, title: '', count }));
  const shown = (/** @type {number} */ width, /** @type {string | null} */ picked = null) => {
    const { shown, other } = fit(counts, () => 10, width, 10, picked);
    return [shown.map(({ key }) => key).join(''), other];
  };
  assert.deepEqual(shown(50), ['54321', 0]);
  assert.deepEqual(shown(40), ['543', 3]);
  assert.deepEqual(shown(40, '1'), ['541', 5]);
  assert.deepEqual(shown(0), ['', 15]);
});

test('a call that is taken back makes no remake, and ends none', () => {
  const undo = tap('recall', { body: { round: 1, reason: 'undo' } });
  assert.equal(isRemake(predict(order({ state: 'ready' }), [undo])), false);
  const spilled = order({ state: 'ready', round: 2, marks: { reason: 'Spilled' } });
  const back = predict(spilled, [tap('recall', { body: { round: 2, reason: 'undo' } })]);
  assert.deepEqual([isRemake(back), back.marks?.reason], [true, 'Spilled']);
});
