/**
 * Whether the bar stays quick in a rush: 60 live tickets and 50 events a second, on a CPU that is four times slower.
 *
 *   cargo build --release && node web/bench/busy-bar.mjs [SECONDS]
 *
 * Events are what a rush is made of: drinks ticked and unticked, notes, orders begun, made ready, handed over, and new ones in
 * their place. Measured are the page's long tasks, as the browser counts them: those over 50 ms.
 */

import { fileURLToPath } from 'node:url';

process.env.BREWLINE_TEST_BINARY ??= fileURLToPath(new URL('../../target/release/brewline', import.meta.url));
const { browser: launch, signIn } = await import('../tests/harness.mjs');
const { begin } = await import('../tests/line.mjs');

const SECONDS = Number(process.argv[2] ?? 30);
const TICKETS = 60;
const EVENTS_PER_SECOND = 50;
const SLOWER = 4;
/** How long the page may take to come up before it is watched. */
const WARM_MS = 5_000;

const line = await begin({ args: ['--mode', 'manual'] });
const browser = await launch();
/** @type {{id: string, state: string, isTicked: boolean}[]} */
const orders = [];
try {
  for (let n = 0; n < TICKETS; n += 1) orders.push(await place());
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, hasTouch: true });
  await signIn(context, line, 'barista', 'Main bar');
  const page = await context.newPage();
  await page.goto(`${line.url}/bar`);
  await page.getByText(`${TICKETS} open`).waitFor();
  const devtools = await context.newCDPSession(page);
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: SLOWER });
  await new Promise((done) => setTimeout(done, WARM_MS));
  await page.evaluate(watch);
  let sent = 0;
  const began = performance.now();
  while (performance.now() - began < SECONDS * 1_000) {
    const due = began + (sent * 1_000) / EVENTS_PER_SECOND;
    await new Promise((done) => setTimeout(done, Math.max(0, due - performance.now())));
    void happen(sent).catch(() => {});
    sent += 1;
  }
  const took = (performance.now() - began) / 1_000;
  const { long, frames } = await page.evaluate(() => /** @type {any} */ (window).measured);
  console.log(`${TICKETS} tickets, ${(sent / took).toFixed(0)} events a second for ${took.toFixed(0)} s, CPU ${SLOWER}× slower:`);
  console.log(`  tasks over 50 ms: ${long.length}${long.length ? `, the longest ${Math.max(...long).toFixed(0)} ms` : ''}; ${(frames / took).toFixed(0)} frames a second`);
} finally {
  await browser.close();
  await line.end();
}

/** What happens next: mostly ticks, now and then an order goes its way and a new one comes. @param {number} n */
async function happen(n) {
  const order = orders[n % orders.length];
  if (!order) return;
  if (n % 5 !== 0) {
    order.isTicked = !order.isTicked;
    await line.command(order.id, order.isTicked ? 'tick' : 'untick', { line: 0 });
  } else if (order.state === 'received') {
    order.state = 'making';
    await line.command(order.id, 'start');
  } else if (order.state === 'making') {
    order.state = 'ready';
    const [next] = await Promise.all([place(), line.command(order.id, 'ready')]);
    await line.command(order.id, 'collect');
    Object.assign(order, next);
  }
}

async function place() {
  const { order_id: id } = await line.place({ items: [{ item: 'latte', options: ['milk/oat'] }, { item: 'americano' }] }, { staff: true });
  return { id, state: 'received', isTicked: false };
}

/** In the page: notes long tasks and frames. */
function watch() {
  /** @type {{long: number[], frames: number}} */
  const measured = ((/** @type {any} */ (window)).measured = { long: [], frames: 0 });
  new PerformanceObserver((list) => measured.long.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask' });
  const frame = () => {
    measured.frames += 1;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}
