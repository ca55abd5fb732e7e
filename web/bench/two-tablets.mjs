/**
 * How soon a tap on one tablet is seen on another one and on the customer's phone: three pages in Chromium.
 *
 *   cargo build --release && node web/bench/two-tablets.mjs [ROUNDS]
 *
 * The time is from the click on the first tablet until the others have painted what it changed. Each order is begun and made
 * ready, so there are two taps a round; between two of them the button rests for as long as it takes no touch.
 */

import { fileURLToPath } from 'node:url';

process.env.BREWLINE_TEST_BINARY ??= fileURLToPath(new URL('../../target/release/brewline', import.meta.url));
const { browser: launch, signIn } = await import('../tests/harness.mjs');
const { begin } = await import('../tests/line.mjs');

const ROUNDS = Number(process.argv[2] ?? 20);
/** A button that means something else takes no touch for 700 ms. */
const REST_MS = 800;

const line = await begin({ args: ['--mode', 'manual'] });
const browser = await launch();
try {
  const [one, two] = [await tablet('Main bar'), await tablet('Second bar')];
  const phone = await (await browser.newContext({ viewport: { width: 390, height: 844 } })).newPage();
  await phone.addInitScript(watchPhone);
  /** @type {Record<string, number[]>} */
  const millis = { tablet: [], phone: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    const { order_id: id } = await line.place({ items: [{ item: 'latte' }] }, { staff: true });
    await phone.goto(`${line.url}/o/${id}`);
    for (const page of [one, two]) await page.waitForSelector(`.tk[data-id="${id}"] .go.start`);
    await phone.waitForSelector('main.received');
    for (const state of ['making', 'ready']) {
      await new Promise((done) => setTimeout(done, REST_MS));
      await one.locator(`.tk[data-id="${id}"] .go`).click();
      const name = `${id} ${state}`;
      const [at, there, called] = await Promise.all([seen(one, 'clicked'), seen(two, name), seen(phone, state)]);
      millis.tablet?.push(there - at);
      millis.phone?.push(called - at);
      await one.evaluate(() => delete (/** @type {any} */ (window).seen.clicked));
    }
    await line.command(id, 'collect');
    // Its place is kept for 8 s; what moves when it closes would take no touch.
    for (const page of [one, two]) await page.waitForFunction(() => document.querySelector('.tk') === null);
  }
  console.log(`${ROUNDS * 2} taps on one tablet, from the click until it was painted elsewhere, ms:`);
  for (const [where, times] of Object.entries(millis)) {
    times.sort((a, b) => a - b);
    const at = (/** @type {number} */ share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
    console.log(`  ${where.padEnd(7)} p50 ${at(0.5)}, p99 ${at(0.99)}, max ${at(1)}`);
  }
} finally {
  await browser.close();
  await line.end();
}

/** @param {string} name */
async function tablet(name) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, hasTouch: true });
  await signIn(context, line, 'barista', name);
  const page = await context.newPage();
  await page.addInitScript(watchTablet);
  await page.goto(`${line.url}/bar`);
  await page.waitForSelector('.none');
  return page;
}

/** @param {import('playwright-core').Page} page @param {string} name @returns {Promise<number>} when it was seen there */
async function seen(page, name) {
  const handle = await page.waitForFunction((name) => /** @type {any} */ (window).seen[name], name);
  return Number(await handle.jsonValue());
}

/** In a tablet: notes when a click came, and when a ticket was painted as another one. */
function watchTablet() {
  /** @type {Record<string, number>} */
  const seen = ((/** @type {any} */ (window)).seen = {});
  addEventListener('click', () => (seen.clicked ??= Date.now()), true);
  const look = () => {
    for (const ticket of document.querySelectorAll('.tk')) {
      const state = ticket.matches('.gone, .undo') ? 'ready' : ticket.querySelector('.go.primary') ? 'making' : '';
      const name = `${/** @type {HTMLElement} */ (ticket).dataset.id} ${state}`;
      if (state && !(name in seen)) {
        seen[name] = 0;
        requestAnimationFrame(() => setTimeout(() => (seen[name] = Date.now())));
      }
    }
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true, attributes: true, attributeFilter: ['class'] });
}

/** In the phone: notes when each screen was painted. */
function watchPhone() {
  /** @type {Record<string, number>} */
  const seen = ((/** @type {any} */ (window)).seen = {});
  const look = () => {
    for (const state of ['making', 'ready']) {
      if (state in seen || !document.querySelector(`main.${state}`)) continue;
      seen[state] = 0;
      requestAnimationFrame(() => setTimeout(() => (seen[state] = Date.now())));
    }
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true, attributes: true });
}
