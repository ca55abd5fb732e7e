/** What is said to those who hear the page, and when. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { Announcer } from '../../lib/announcer.js';

/** An announcer on a page without a browser, and its time. @param {import('node:test').TestContext} t @param {number} everyMs @param {number} [keeps] */
function announcer(t, everyMs, keeps) {
  let now = 0;
  t.mock.timers.enable({ apis: ['setTimeout'] });
  t.mock.method(performance, 'now', () => now);
  const element = () => ({ textContent: '', setAttribute() {} });
  Object.assign(globalThis, { document: { createElement: element, body: { prepend() {} } } });
  const said = new Announcer(everyMs, keeps);
  return {
    said,
    after(/** @type {number} */ ms) {
      now += ms;
      t.mock.timers.tick(ms);
    },
    heard: () => [said.polite.textContent, said.assertive.textContent],
  };
}

test('a page of one thing says what counts last, and at most so often', (t) => {
  const { said, after, heard } = announcer(t, 10_000);
  said.say('Received');
  after(0);
  assert.deepEqual(heard(), ['Received', '']);
  said.say('2 orders before yours');
  said.say('Being made');
  after(9_999);
  assert.deepEqual(heard(), ['Received', '']);
  after(1);
  assert.deepEqual(heard(), ['Being made', '']);
});

test('on a page of one thing a call takes the place of what was said before, and what comes after it takes its place', (t) => {
  const { said, after, heard } = announcer(t, 10_000);
  said.say('Received');
  after(0);
  said.say('Being made');
  said.assert('Your order is ready');
  assert.deepEqual(heard(), ['', '']);
  after(100);
  assert.deepEqual(heard(), ['', 'Your order is ready']);
  after(20_000);
  assert.deepEqual(heard(), ['', 'Your order is ready'], 'what waited would be old');
  said.say('Collected');
  assert.deepEqual(heard(), ['', '']);
  after(0);
  assert.deepEqual(heard(), ['Collected', '']);
});

test('a page of many things says all that came within its pause, and no more of it than one can listen to', (t) => {
  const { said, after, heard } = announcer(t, 1_000, 3);
  said.say('One.');
  after(0);
  for (const text of ['Two.', 'Three.', 'Four.', 'Five.']) said.say(text);
  after(999);
  assert.deepEqual(heard(), ['One.', '']);
  after(1);
  assert.deepEqual(heard(), ['Three. Four. Five.', '']);
});

test('on a page of many things an alarm and what is polite are both said, whichever comes first', (t) => {
  const { said, after, heard } = announcer(t, 1_000, 3);
  said.say('New order.');
  said.assert('Nobody is making orders');
  after(0);
  assert.deepEqual(heard(), ['New order.', '']);
  after(100);
  assert.deepEqual(heard(), ['New order.', 'Nobody is making orders']);
  said.say('One that waits.');
  said.assert('Printer has no paper');
  after(899);
  assert.deepEqual(heard(), ['New order.', 'Printer has no paper']);
  after(1);
  assert.deepEqual(heard(), ['One that waits.', 'Printer has no paper'], 'an alarm stays until it can have been read');
  said.say('A later one.');
  after(1_000);
  assert.deepEqual(heard(), ['A later one.', '']);
  after(2_000);
  said.assert('Printer out of paper');
  said.say('Another order.');
  after(0);
  assert.deepEqual(heard(), ['Another order.', '']);
  after(100);
  assert.deepEqual(heard(), ['Another order.', 'Printer out of paper']);
});

test('in another language nothing of what was said, or waits, is left', (t) => {
  const { said, after, heard } = announcer(t, 1_000, 3);
  said.say('New order.');
  after(0);
  said.say('Another order.');
  said.assert('Nobody is making orders');
  said.forget();
  after(5_000);
  assert.deepEqual(heard(), ['', '']);
  said.say('새 주문');
  after(0);
  assert.deepEqual(heard(), ['새 주문', '']);
});
