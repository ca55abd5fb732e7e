/** When the bar draws: no browser, and a clock that is moved by hand. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { BUDGET_MS, Frames } from '../../lib/bar-frames.js';

/** A browser's frames, and parts that each take so long to draw. @param {test.TestContext} t @param {Record<string, number>} parts */
function page(t, parts) {
  let now = 0;
  /** @type {(() => void)[]} */
  let asked = [];
  /** @type {string[]} */
  let drawn = [];
  t.mock.method(performance, 'now', () => now);
  Object.assign(globalThis, { document: { hidden: false }, requestAnimationFrame: (/** @type {() => void} */ act) => asked.push(act) });
  const all = Object.entries(parts).map(([name, ms]) => () => {
    now += ms;
    drawn.push(name);
  });
  const frames = new Frames(() => void drawn.push('look'), () => all);
  return {
    frames,
    /** What the next frame draws; empty: it was not asked for. */
    frame() {
      const acts = asked;
      [asked, drawn] = [[], []];
      for (const act of acts) act();
      return drawn.join(' ');
    },
  };
}

test('however much has changed, it is drawn once, in the next frame', (t) => {
  const { frames, frame } = page(t, { rail: 1, head: 1 });
  for (let changes = 0; changes < 50; changes += 1) frames.show();
  assert.deepEqual([frame(), frame()], ['look rail head', '']);
});

test('what a frame has no time for is drawn in the next one, and what was drawn already is not', (t) => {
  const { frames, frame } = page(t, { rail: BUDGET_MS, strip: BUDGET_MS, head: 1 });
  frames.show();
  assert.deepEqual([frame(), frame(), frame(), frame()], ['look rail', 'look strip', 'look head', '']);
});

test('what has changed meanwhile keeps nothing from being drawn that has waited', (t) => {
  const { frames, frame } = page(t, { rail: BUDGET_MS, head: 1 });
  frames.show();
  const first = frame();
  frames.show();
  assert.deepEqual([first, frame(), frame()], ['look rail', 'look head rail', '']);
});

test('a part that is half drawn goes on in the next frame, after the others had their turn', (t) => {
  /** @type {string[]} */
  const drawn = [];
  let halves = 0;
  let asked = /** @type {(() => void)[]} */ ([]);
  t.mock.method(performance, 'now', () => 0);
  Object.assign(globalThis, { document: { hidden: false }, requestAnimationFrame: (/** @type {() => void} */ act) => asked.push(act) });
  const rail = () => {
    halves += 1;
    drawn.push('rail');
    return halves === 2;
  };
  const parts = [rail, () => void drawn.push('head')];
  const frames = new Frames(() => {}, () => parts);
  frames.show();
  while (asked.length > 0) asked.splice(0).forEach((act) => act());
  assert.deepEqual(drawn, ['rail', 'head', 'rail']);
});
