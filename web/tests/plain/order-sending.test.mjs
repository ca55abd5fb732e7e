/** How sending a cart goes, without a page: when it is sent, what an answer means for it, and when it is left to the customer. */

import assert from 'node:assert/strict';
import test from 'node:test';

import * as cart from '../../lib/cart.js';

const MINUTE = 60_000;
const words = { en: 'Latte', ko: '카페라테' };
const line = { id: 1, item: 'latte', quantity: 1, options: {}, note: '', seen: 5_500, title: words };
const chosen = { key: 'key-1', lines: [line] };

/** @param {Partial<cart.Here>} [other] @returns {cart.Here} */
const here = (other = {}) => ({ now: 1_000_000, elapsed: 500, by: 'this', key: 'key-2', random: 0.5, ...other });
/** What was tapped, and is on its way. */
const sent = () => cart.order(chosen, 'body', here(), cart.LIMITS.cups, false);

/**
 * What comes of an answer.
 * @param {cart.Step} step
 * @param {any} verdict
 * @param {cart.Here} [at]
 */
function answer({ cart: basket, sending }, verdict, at = here()) {
  assert.equal(sending.is, 'sending');
  return cart.answered(basket, /** @type {any} */ (sending), verdict, at);
}

test('a tap sends the cart with its key, and from then on it may have arrived', () => {
  const { cart: basket, sending, due_ms } = sent();
  assert.deepEqual(basket, { ...chosen, sent: { body: 'body', since: 1_000_000, by: 'this', doubt: true, given_up: false } });
  assert.deepEqual([sending, due_ms], [{ is: 'sending', doubted: false, failures: 0 }, undefined]);
});

test('what may have arrived goes again as it was sent, whatever the menu says by now', () => {
  const stopped = cart.giveUp(sent().cart, here());
  const again = cart.order(stopped.cart, 'another body', here({ now: 1_000_000 + MINUTE }), cart.LIMITS.cups, false);
  assert.deepEqual([again.cart.key, again.cart.sent?.body], ['key-1', 'body']);
  assert.deepEqual(again.sending, { is: 'sending', doubted: true, failures: 0 });
});

test('offline it waits and has not arrived, and stops with the cart as it was', () => {
  const waiting = cart.order(chosen, 'body', here(), cart.LIMITS.cups, true);
  assert.deepEqual([waiting.sending, waiting.due_ms], [{ is: 'waiting', why: 'unreached', failures: 0 }, 1_000]);
  assert.equal(waiting.cart.sent?.doubt, false);
  const stopped = cart.giveUp(waiting.cart, here());
  assert.deepEqual(stopped, { cart: chosen, sending: cart.failed('not_written') });
});

test('more lines or cups than one order holds are not sent', () => {
  for (const lines of [[{ ...line, quantity: 1_001 }], Array.from({ length: 101 }, (_, id) => ({ ...line, id }))]) {
    const step = cart.order({ key: 'key-1', lines }, 'body', here(), cart.LIMITS.cups, false);
    assert.deepEqual([step.sending, step.cart.sent], [cart.failed('lines'), undefined]);
  }
});

test('more cups than the shop takes from a phone are not sent, or sent in vain once the shop takes fewer', () => {
  const lines = [{ ...line, quantity: 31 }];
  assert.deepEqual(cart.order({ key: 'key-1', lines }, 'body', here(), 30, false).sending, cart.failed('lines'));
  const sent = cart.order({ key: 'key-1', lines }, 'body', here(), 31, false);
  const verdict = cart.verdict(422, { code: 'order_too_large', max_cups: 30 }, NaN);
  assert.deepEqual(verdict, { is: 'too_large', cups: 30 });
  const refused = cart.answered(sent.cart, { doubted: false, failures: 0 }, /** @type {any} */ (verdict), here());
  assert.deepEqual(refused, { cart: { key: 'key-1', lines }, sending: cart.failed('lines') });
  // What may have arrived goes again all the same: the counter looks for its key first.
  const doubted = cart.giveUp(cart.attempt(sent.cart, 0, here()).cart, here());
  assert.equal(cart.order(doubted.cart, 'body', here(), 30, false).sending.is, 'sending');
});

test('without an answer it goes again, each time a little later', () => {
  let step = sent();
  const waits = [];
  for (let n = 1; n <= 6; n += 1) {
    const waiting = answer(step, { is: 'unknown', after_s: 0 });
    assert.deepEqual(waiting.sending, { is: 'waiting', why: 'unreached', failures: n });
    assert.equal(waiting.cart.sent?.doubt, true);
    waits.push(waiting.due_ms);
    step = cart.attempt(waiting.cart, n, here());
  }
  assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
  assert.equal(answer(step, { is: 'unknown', after_s: 40 }).due_ms, 40_000, 'not before the counter said');
});

test('a counter that is not ready yet has not taken it: whether it came before stays as open as it was', () => {
  const waiting = answer(sent(), { is: 'later', after_s: 1 });
  assert.deepEqual([waiting.sending, waiting.cart.sent?.doubt], [{ is: 'waiting', why: 'starting', failures: 1 }, false]);
  const lost = answer(sent(), { is: 'unknown', after_s: 0 });
  const again = answer(cart.attempt(lost.cart, 1, here()), { is: 'later', after_s: 1 });
  assert.equal(again.cart.sent?.doubt, true);
});

test('five minutes after the tap it is not sent by itself, whatever wakes the page', () => {
  const late = here({ now: 1_000_000 + 5 * MINUTE + 1 });
  const offline = cart.order(chosen, 'body', here(), cart.LIMITS.cups, true);
  assert.deepEqual(cart.attempt(offline.cart, 0, late), { cart: chosen, sending: cart.failed('not_written') });
  const lost = answer(sent(), { is: 'unknown', after_s: 0 });
  assert.deepEqual(cart.attempt(lost.cart, 1, late).sending, { is: 'unsure', late: false, sure: false });
  // A clock that was put back: nobody knows how long ago it was.
  assert.equal(cart.attempt(lost.cart, 1, here({ now: 999_999 })).sending.is, 'unsure');
  assert.equal(answer(sent(), { is: 'later', after_s: 301 }).sending.is, 'failed', 'nor is it waited for in vain');
});

test('what may have arrived half a day ago is not sent again at all, and keeps its key', () => {
  const lost = cart.giveUp(sent().cart, here());
  const late = here({ now: 1_000_000 + 12 * 60 * MINUTE + 1 });
  const step = cart.order(lost.cart, 'body', late, cart.LIMITS.cups, false);
  assert.deepEqual([step.sending, step.cart.key], [{ is: 'unsure', late: true, sure: false }, 'key-1']);
});

test('what was not written is left to the customer, and so is what may have been before', () => {
  assert.deepEqual(answer(sent(), { is: 'not_written' }), { cart: chosen, sending: cart.failed('not_written') });
  const lost = answer(sent(), { is: 'unknown', after_s: 0 });
  const step = answer(cart.attempt(lost.cart, 1, here()), { is: 'not_written' });
  assert.deepEqual([step.sending.is, step.cart.sent?.given_up], ['unsure', true]);
});

test('too many orders: it is said until when, unless this one may have arrived, then it is asked for', () => {
  const many = { is: 'too_many', after_s: 10 };
  assert.deepEqual(answer(sent(), many), { cart: chosen, sending: cart.failed('too_many', 10_500) });
  const lost = answer(sent(), { is: 'unknown', after_s: 0 });
  const step = answer(cart.attempt(lost.cart, 1, here()), many);
  assert.deepEqual([step.sending, step.due_ms], [{ is: 'waiting', why: 'starting', failures: 1 }, 10_000]);
});

test('other prices make it another order, and no other refusal does', () => {
  const changed = answer(sent(), { is: 'changed', sold_out: [] });
  assert.deepEqual(changed, { cart: { key: 'key-2', lines: [line] }, sending: { is: 'no' } });
  const shut = answer(sent(), { is: 'shut', ordering: 'paused' });
  assert.deepEqual(shut, { cart: chosen, sending: { is: 'no' } });
  const refused = answer(sent(), { is: 'refused', detail: 'why' });
  assert.deepEqual(refused, { cart: chosen, sending: cart.failed('refused', 0, 'why') });
});

test('a key that stands for another order is not sent again by itself', () => {
  const { sending, cart: basket, due_ms } = answer(sent(), { is: 'used', id: 'order-1' });
  assert.deepEqual([sending, basket.sent?.given_up, due_ms], [{ is: 'used', id: 'order-1' }, true, undefined]);
});

test('a cart as it was left goes on where it was: here at once, for another tab after its time', () => {
  assert.deepEqual(cart.takeOver(chosen, here()), { cart: chosen, sending: { is: 'no' } });
  const { cart: basket } = sent();
  const mine = cart.takeOver(basket, here());
  assert.deepEqual([mine.sending, mine.due_ms], [{ is: 'waiting', why: 'unreached', failures: 0 }, 0]);
  const theirs = cart.takeOver(basket, here({ by: 'another' }));
  assert.deepEqual([theirs.sending, theirs.due_ms], [{ is: 'waiting', why: 'elsewhere', failures: 0 }, 10_000]);
  const stopped = cart.giveUp(basket, here()).cart;
  assert.deepEqual(cart.takeOver(stopped, here()).sending, { is: 'unsure', late: false, sure: false });
});

test('each phone waits a little shorter or longer than the next', () => {
  const waits = [cart.backOff(0, 0), cart.backOff(0, 1), cart.backOff(99, 0.5)];
  assert.deepEqual(waits.map(Math.round), [800, 1_200, 15_000]);
});
