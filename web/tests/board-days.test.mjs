/** The board stays as it is for days: so many orders go over it, and nothing of them is left. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { code, openBoard, SHOP, tell } from './board-tools.mjs';
import { browser as launch, note } from './harness.mjs';
import { begin } from './line.mjs';
import { standIn } from './stand-in.mjs';

/** Orders, how many of them at each step, and between two looks. */
const [ORDERS, STEP, LOOK] = [12_000, 4, 1_000];
/** So many until the page has made, and compiled, all that it keeps: its engine took 11 KB at once at 2,000 or 3,000. */
const EARLY = 3_000;
/** Time between two steps, of the counter's: a busy day. */
const STEP_MS = 30_000;
/** What may differ between two looks at the same page: 2 bytes kept of each order are found. */
const NOISE_BYTES = 16 * 1024;
/** What most looks may find more than the one before: steps are few. A byte of each order is found. */
const GROWTH_BYTES = 1_000;
/** So many looks are one. */
const LOOKS = 5;

test(`after ${ORDERS} orders the page needs no more memory than early on`, async () => {
  const line = await begin({ files: { 'shop.toml': SHOP } });
  const stand = await standIn(line.url);
  // What a browser learns of code that runs often takes memory too, and more for a while: here it learns nothing. Code that
  // runs only where the machine is slow is compiled from the beginning as well, and what was compiled stays so.
  const flags = '--jitless,--no-lazy-feedback-allocation,--no-lazy,--no-flush-bytecode';
  const loud = await launch({ args: ['--autoplay-policy=no-user-gesture-required', `--js-flags=${flags}`] });
  try {
    const begun = Date.UTC(2026, 2, 6);
    tell(stand, board(0, begun));
    const screen = await openBoard(loud, stand.url, { query: '?chime=1' });
    const { page } = screen;
    const devtools = await screen.context.newCDPSession(page);
    /** @type {{orders: number, bytes: number, nodes: number, listeners: number}[]} */
    const looks = [];
    for (let at = 0; at <= ORDERS; at += STEP) {
      // As a real line: what changes is told, and each time it is another moment.
      stand.say('/board/events', 'board', board(at, begun + (at / STEP) * STEP_MS));
      await stand.taken('/board/events');
      if (at % LOOK !== 0 || at < EARLY) continue;
      const newest = String((at % 99) + 1);
      await page.locator('.hero .n').getByText(newest, { exact: true }).waitFor();
      looks.push({ orders: at, ...(await memory(page, devtools)) });
    }
    await note('board-memory', looks);
    const [early, late] = [looks[0], looks[looks.length - 1]];
    assert.ok(early && late && late.orders === ORDERS);
    assert.ok(late.bytes <= early.bytes + NOISE_BYTES, `${late.bytes} bytes after ${late.orders} orders, ${early.bytes} after ${early.orders}`);
    const growth = looks.slice(1).map(({ bytes }, at) => bytes - (looks[at]?.bytes ?? NaN)).sort((a, b) => a - b);
    const usual = growth[Math.floor(growth.length / 2)] ?? Infinity;
    assert.ok(usual <= GROWTH_BYTES, `${usual} bytes more each ${LOOK} orders`);
    assert.ok(late.nodes <= early.nodes + 100, `${late.nodes} nodes, ${early.nodes} early on`);
    assert.ok(late.listeners <= early.listeners + 10, `${late.listeners} listeners, ${early.listeners} early on`);
    await screen.close();
  } finally {
    await loud.close();
    await stand.end();
    await line.end();
  }
});

/**
 * The board when so many orders have become ready.
 * @param {number} orders
 * @param {number} now
 */
function board(orders, now) {
  const part = (/** @type {number} */ from, /** @type {number} */ count, /** @type {number} */ apart) =>
    Array.from({ length: count }, (_, at) => code(((from + at) % 99) + 1, now - at * apart));
  const ready = part(orders, 12, 30_000);
  return { as_of: now, now, waiting: part(orders + 30, orders % 20, 1_000), making: part(orders + 15, 5, 1_000), ready, no_barista: false };
}

/**
 * What is used, once what has to go is gone.
 * @param {import('playwright-core').Page} page
 * @param {import('playwright-core').CDPSession} devtools
 */
async function memory(page, devtools) {
  // What leaves with an animation is there until that has ended.
  await page.evaluate(() => {
    const ends = document.getAnimations().filter((it) => Number.isFinite(Number(it.effect?.getComputedTiming().endTime)));
    return Promise.all(ends.map((it) => it.finished.catch(() => undefined)));
  });
  /** @type {{bytes: number, nodes: number, listeners: number}[]} */
  const looks = [];
  for (let times = 0; times < LOOKS; times += 1) {
    await devtools.send('HeapProfiler.collectGarbage');
    const { usedSize: bytes } = await devtools.send('Runtime.getHeapUsage');
    const { nodes, jsEventListeners: listeners } = await devtools.send('Memory.getDOMCounters');
    looks.push({ bytes, nodes, listeners });
  }
  // What waits for a sound to end, say, is let go by one of them; what the page keeps is in all. Each has its own least one:
  // the first look often has a board's worth of nodes that are let go with the next, and fewer bytes.
  const least = (/** @type {'bytes' | 'nodes' | 'listeners'} */ of) => Math.min(...looks.map((look) => look[of]));
  return { bytes: least('bytes'), nodes: least('nodes'), listeners: least('listeners') };
}
