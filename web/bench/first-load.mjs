/**
 * How long the order page takes on a slow phone, from the address to the first drink that can be tapped, and what it
 * costs.
 *
 *   cargo build --release && node web/bench/first-load.mjs [ROUNDS]
 *
 * The phone is one with 4G at its slowest (150 ms, 1.6 Mbit/s) and a processor that is four times slower than this one,
 * and it has never been here: nothing is cached. Once the network is Chromium's own throttling, which counts a round
 * trip for each request; once a proxy that is slow as a network is, where connecting takes a round trip, too.
 */

import { fileURLToPath } from 'node:url';

process.env.BREWLINE_TEST_BINARY ??= fileURLToPath(new URL('../../target/release/brewline', import.meta.url));
const { browser: launch } = await import('../tests/harness.mjs');
const { begin } = await import('../tests/line.mjs');
const { slowLink } = await import('./slow-link.mjs');

const ROUNDS = Number(process.argv[2] ?? 20);
const LINK = { roundTripMs: 150, downBytesPerSecond: 1_600_000 / 8, upBytesPerSecond: 750_000 / 8 };
const CPU = 4;

/** @typedef {{usable: number, promise: number, painted: number, bytes: number, requests: number}} Load */

const line = await begin({ args: ['--hands', '2', '--seconds-per-cup', '60'] });
const browser = await launch();
const link = await slowLink(Number(new URL(line.url).port), LINK);
// Something stands in the queue, as it does in a shop.
for (let n = 0; n < 3; n += 1) await line.place({ items: [{ item: 'latte', quantity: 2 }] });
try {
  show('Chromium throttles', await rounds(line.url, true));
  show('a slow network', await rounds(link.url, false));
} finally {
  link.close();
  await browser.close();
  await line.end();
}

/**
 * @param {string} url
 * @param {boolean} throttle whether Chromium is to slow down the network itself
 */
async function rounds(url, throttle) {
  /** @type {Load[]} */
  const loads = [];
  for (let n = 0; n < ROUNDS; n += 1) loads.push(await load(url, throttle));
  return loads;
}

/**
 * @param {string} url
 * @param {boolean} throttle
 * @returns {Promise<Load>}
 */
async function load(url, throttle) {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true });
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await devtools.send('Network.enable');
  if (throttle) {
    await devtools.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: LINK.roundTripMs,
      downloadThroughput: LINK.downBytesPerSecond,
      uploadThroughput: LINK.upBytesPerSecond,
    });
  }
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: CPU });
  let [bytes, requests] = [0, 0];
  devtools.on('Network.requestWillBeSent', ({ request }) => (requests += request.url.startsWith('http') ? 1 : 0));
  devtools.on('Network.dataReceived', ({ encodedDataLength }) => (bytes += encodedDataLength));
  devtools.on('Network.responseReceived', ({ response }) => (bytes += response.encodedDataLength));
  await page.addInitScript(watch);
  await page.goto(`${url}/`, { waitUntil: 'commit' });
  const seen = await page.waitForFunction(() => {
    const { usable, promise } = /** @type {any} */ (window).seen;
    const painted = performance.getEntriesByName('first-contentful-paint')[0]?.startTime;
    return usable && promise && painted ? { usable, promise, painted } : null;
  });
  const times = /** @type {{usable: number, promise: number, painted: number}} */ (await seen.jsonValue());
  await context.close();
  return { ...times, bytes, requests };
}

/** In the page: notes when a drink can be tapped and when the promise stands there, each once that is painted. */
function watch() {
  /** @type {Record<string, number>} */
  const seen = ((/** @type {any} */ (window)).seen = {});
  const wanted = { usable: '[data-item] button.add', promise: '.promise strong' };
  const look = () => {
    for (const [name, selector] of Object.entries(wanted)) {
      if (name in seen || !document.querySelector(selector)) continue;
      seen[name] = 0;
      requestAnimationFrame(() => setTimeout(() => (seen[name] = performance.now())));
    }
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true });
}

/**
 * @param {string} what
 * @param {Load[]} loads
 */
function show(what, loads) {
  const at = (/** @type {number[]} */ values, /** @type {number} */ share) =>
    Math.round([...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? NaN);
  const line = (/** @type {keyof Load} */ key) => {
    const values = loads.map((load) => load[key]);
    return `p50 ${at(values, 0.5)}, p90 ${at(values, 0.9)}, max ${at(values, 1)}`;
  };
  console.log(`${what}, ${loads.length} loads:`);
  console.log(`  a drink can be tapped, ms: ${line('usable')}`);
  console.log(`  the promise is there, ms:  ${line('promise')}`);
  console.log(`  first paint, ms:           ${line('painted')}`);
  console.log(`  bytes on the wire:         ${line('bytes')}`);
  console.log(`  requests:                  ${line('requests')}`);
}
