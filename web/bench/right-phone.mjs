/**
 * How soon the right phone flashes, with 1,000 pagers open: one page in Chromium, 999 raw streams, and each bell is for
 * one of them.
 *
 *   cargo build --release && node web/bench/right-phone.mjs [ROUNDS]
 *
 * The time is from the moment that the barista decided on (`ready_at`, before the commit) until the page has painted
 * the flash. Recalled and made again, its phone rings once a round; the bells of 999 others ring in between, and none of
 * them may make it flash.
 */

import { get } from 'node:http';
import { fileURLToPath } from 'node:url';

process.env.BREWLINE_TEST_BINARY ??= fileURLToPath(new URL('../../target/release/brewline', import.meta.url));
const { browser: launch } = await import('../tests/harness.mjs');
const { begin } = await import('../tests/line.mjs');

const ROUNDS = Number(process.argv[2] ?? 100);
const OTHERS = 999;

const line = await begin({ args: ['--mode', 'manual'] });
const browser = await launch();
/** @type {import('node:http').ClientRequest[]} */
const streams = [];
let others = 0;
try {
  const ids = [];
  for (let n = 0; n <= OTHERS; n += 1) ids.push((await line.place({ amount: 1 }, { staff: true })).order_id);
  const [ours = '', ...rest] = ids;
  await Promise.all(rest.map(listen));

  const page = await browser.newPage({ viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true });
  await page.addInitScript(watch);
  await page.goto(`${line.url}/o/${ours}`);
  await page.waitForSelector('.code');

  /** @type {number[]} */
  const millis = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    // Somebody else's bell, which is none of ours.
    const other = rest[round % rest.length] ?? '';
    await line.command(other, 'ready');
    const order = await line.command(ours, 'ready');
    const painted = await page.waitForFunction((count) => /** @type {any} */ (window).flashes[count], round - 1);
    millis.push(Number(await painted.jsonValue()) - order.ready_at);
    await line.command(ours, 'recall');
    await page.waitForFunction(() => !document.querySelector('main.ready'));
    if (round % rest.length !== 0) await line.command(other, 'recall');
  }
  const flashes = await page.evaluate(() => /** @type {any} */ (window).flashes.length);
  if (flashes !== ROUNDS) throw new Error(`${flashes} flashes for ${ROUNDS} bells`);
  millis.sort((a, b) => a - b);
  const at = (/** @type {number} */ share) => millis[Math.min(millis.length - 1, Math.floor(millis.length * share))];
  console.log(`${ROUNDS} bells, ${OTHERS} other pagers, which heard ${others} of their own:`);
  console.log(`  decided → flash painted, ms: p50 ${at(0.5)}, p99 ${at(0.99)}, max ${at(1)}`);
} finally {
  for (const stream of streams) stream.destroy();
  await browser.close();
  await line.end();
}

/** @param {string} id */
async function listen(id) {
  await new Promise((/** @type {(value?: unknown) => void} */ done, fail) => {
    const request = get(`${line.url}/orders/${id}/events`, { agent: false }, (response) => {
      response.setEncoding('utf8');
      response.on('data', (/** @type {string} */ text) => {
        done();
        others += text.includes('"state":"ready"') ? 1 : 0;
      });
      response.on('error', () => {});
    });
    request.on('error', fail);
    streams.push(request);
  });
}

/** In the page: notes when the flash was painted. */
function watch() {
  /** @type {number[]} */
  const flashes = ((/** @type {any} */ (window)).flashes = []);
  let isReady = false;
  const look = () => {
    const now = document.querySelector('main.ready') !== null;
    if (now && !isReady) requestAnimationFrame(() => setTimeout(() => flashes.push(Date.now())));
    isReady = now;
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true, attributes: true });
}
