/** The bar when something goes wrong: other tablets, the network, the counter, the session, the clock, the browser. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { codeOf, REFUSED, settle, tablet, ticket } from './bar-tools.mjs';
import { lineAndBrowser } from './harness.mjs';
import { between, GONE } from './pager-tools.mjs';

const { line, browser } = await lineAndBrowser(test, { args: ['--mode', 'manual'] });

/** An order that the bar has. @param {unknown} body */
async function place(body = { items: [{ item: 'latte' }] }) {
  const { order_id: id } = await line.place(body, { staff: true });
  return line.shown(id, ({ version }) => version > 0);
}

/** How often each thing was done to an order, as the log has it. @param {string} id */
async function done(id) {
  const { body } = await line.ask('GET', `/orders/${id}/history`, { staff: true });
  return body.events.filter((/** @type {any} */ { refused, repeat }) => !refused && !repeat).map((/** @type {any} */ { event }) => event);
}

/** What a browser says of a line that is gone for a while. */
const AWAY = [...GONE, REFUSED, /ERR_INTERNET_DISCONNECTED/, /ERR_NETWORK/, /ERR_FAILED/];

test.afterEach(async () => {
  const { body } = await line.ask('GET', '/orders?live', { staff: true });
  for (const { order_id: id } of body.orders) await line.command(id, 'cancel');
});

test('a tap that lost against another tablet says what happened, and who was faster', async () => {
  const order = await place();
  const code = codeOf(order);
  const [one, two] = [await tablet(browser, line, { clock: true }), await tablet(browser, line, { clock: true, device: 'Second bar', expected: [REFUSED] })];
  for (const { page } of [one, two]) {
    await ticket(page, code).waitFor();
    await settle(page);
  }
  let release = () => {};
  const released = new Promise((/** @type {(value?: unknown) => void} */ done) => (release = done));
  await two.page.route(/\/commands$/, async (route) => {
    await released;
    await route.continue();
  });
  await ticket(two.page, code).getByRole('button', { name: 'Start' }).click();
  await ticket(two.page, code).getByText('Making').waitFor();
  await ticket(one.page, code).getByRole('button', { name: 'Start' }).click();
  await settle(one.page);
  await ticket(one.page, code).getByRole('button', { name: 'Ready' }).click();
  await line.shown(order.order_id, ({ state }) => state === 'ready');
  release();
  const told = two.page.locator('.notice.told');
  await told.filter({ hasText: `${code}: “Start” did not count. Main bar was faster. It is ready.` }).waitFor();
  await two.accessible();
  await two.picture('bar-lost-en-dark');
  await told.getByRole('button', { name: 'OK' }).click();
  await told.waitFor({ state: 'detached' });
  assert.deepEqual(await done(order.order_id), ['received', 'start', 'ready']);
  await one.close();
  await two.close();
});

/** Lets commands of these pages go only once each has one: neither has heard of the other when it is tapped. @param {import('playwright-core').Page[]} pages */
async function together(...pages) {
  let [tapped, release] = [0, () => {}];
  const all = new Promise((/** @type {(value?: unknown) => void} */ done) => (release = done));
  for (const page of pages) {
    await page.route(/\/commands$/, async (route) => {
      tapped += 1;
      if (tapped === pages.length) release();
      await all;
      await route.continue();
    });
  }
}

test('two tablets tap opposite things at once: one is done, the other one says so', async () => {
  const order = await place();
  const code = codeOf(order);
  await line.command(order.order_id, 'start');
  const [one, two] = [await tablet(browser, line, { clock: true, expected: [REFUSED] }), await tablet(browser, line, { clock: true, device: 'Second bar', expected: [REFUSED] })];
  await ticket(one.page, code).getByRole('button', { name: 'Ready' }).waitFor();
  await settle(one.page);
  await two.page.locator('.head').getByRole('button', { name: /^Orders/ }).click();
  const row = two.page.getByRole('dialog').getByRole('listitem').filter({ hasText: new RegExp(`${order.code.words.en} ${order.code.label}`, 'i') });
  await settle(two.page);
  await row.getByRole('button', { name: 'Cancel it' }).click();
  await settle(two.page);
  await together(one.page, two.page);
  await Promise.all([
    ticket(one.page, code).getByRole('button', { name: 'Ready' }).click(),
    row.getByRole('button', { name: 'The customer asked' }).click(),
  ]);
  const told = /** @type {const} */ ([[one, '“Ready” did not count.'], [two, '“Cancel” did not count.']]).map(([{ page }, text]) => page.locator('.notice.told').filter({ hasText: `${code}: ${text}` }).waitFor());
  await Promise.race(told);
  const { length } = await done(order.order_id);
  assert.equal(length, 3, 'it was taken, begun, and one of the two');
  await Promise.all([one.close(), two.close(), ...told.map((telling) => telling.catch(() => {}))]);
});

test('two tablets tap the same at once: it is done once, and there is nothing to tell', async () => {
  const order = await place();
  const code = codeOf(order);
  await line.command(order.order_id, 'ready');
  const [one, two] = [await tablet(browser, line, { clock: true, expected: [REFUSED] }), await tablet(browser, line, { clock: true, device: 'Second bar', expected: [REFUSED] })];
  const pages = [one.page, two.page];
  const chips = pages.map((page) => page.locator('.chip').filter({ hasText: code }));
  for (const [n, page] of pages.entries()) {
    await chips[n]?.waitFor();
    await settle(page);
  }
  await together(...pages);
  const answered = pages.map((page) => page.waitForResponse(/\/commands$/));
  await Promise.all(chips.map((chip) => chip.click()));
  const statuses = (await Promise.all(answered)).map((answer) => answer.status());
  assert.deepEqual(statuses.sort(), [200, 409]);
  for (const page of pages) {
    await page.waitForFunction(() => Object.keys(localStorage).every((key) => !key.startsWith('brewline.tap.')));
    assert.equal(await page.locator('.notice.told').count(), 0);
  }
  assert.deepEqual(await done(order.order_id), ['received', 'ready', 'collect']);
  await one.close();
  await two.close();
});

test('taps made without a network are kept, shown as kept, and sent once', async (t) => {
  const [first, second] = [await place(), await place()];
  const wire = await between(line.url);
  t.after(() => wire.end());
  const bar = await tablet(browser, line, { url: wire.url, clock: true, expected: AWAY });
  const { page, notes } = bar;
  await ticket(page, codeOf(second)).waitFor();
  await settle(page);
  await bar.context.setOffline(true);
  await ticket(page, codeOf(first)).getByRole('button', { name: 'Start' }).click();
  await settle(page);
  await ticket(page, codeOf(first)).getByRole('button', { name: 'Ready' }).click();
  await ticket(page, codeOf(second)).getByRole('button', { name: 'Start' }).click();
  await ticket(page, codeOf(second)).getByText('Not sent yet').waitFor();
  wire.hold();
  await page.clock.fastForward(8_000);
  await page.locator('.notice.warn').filter({ hasText: /Not connected for \d+ s\..*\d taps kept/s }).waitFor();
  wire.release();
  await bar.context.setOffline(false);
  await page.clock.fastForward(11_000);
  await line.shown(first.order_id, ({ state }) => state === 'ready');
  await line.shown(second.order_id, ({ state }) => state === 'making');
  assert.deepEqual([await done(first.order_id), await done(second.order_id)], [['received', 'start', 'ready'], ['received', 'start']]);
  const keys = new Map(notes.commands.map(({ command, key }) => [key, command]));
  assert.deepEqual([...keys.values()].sort(), ['ready', 'start', 'start'], 'each with one id, however often it was tried');
  await page.waitForFunction(() => document.querySelector('.notice.warn') === null);
  await bar.close();
});

test('a tap that was taken back before it was sent is never sent', async () => {
  const order = await place();
  await line.command(order.order_id, 'start');
  const other = await place();
  const bar = await tablet(browser, line, { clock: true, expected: AWAY });
  const { page, notes } = bar;
  const own = ticket(page, codeOf(order));
  await own.waitFor();
  await settle(page);
  await bar.context.setOffline(true);
  // The first one finds out that the line is away; the next one waits for it.
  await ticket(page, codeOf(other)).getByRole('button', { name: 'Start' }).click();
  await ticket(page, codeOf(other)).getByText('Not sent yet').waitFor();
  await own.getByRole('button', { name: 'Ready' }).click();
  await settle(page);
  await own.getByRole('button', { name: 'Undo' }).click();
  await own.getByRole('button', { name: 'Ready' }).waitFor();
  await bar.context.setOffline(false);
  await page.clock.fastForward(11_000);
  await line.shown(other.order_id, ({ state }) => state === 'making');
  assert.deepEqual(notes.commands.filter(({ command }) => command !== 'start'), []);
  await bar.close();
});

test('a counter that is killed during a tap does it once, also when the page is loaded again meanwhile', async () => {
  const order = await place();
  const code = codeOf(order);
  const bar = await tablet(browser, line, { clock: true, expected: AWAY });
  const { page } = bar;
  await ticket(page, code).waitFor();
  await settle(page);
  let kills = 0;
  await page.route(/\/commands$/, async (route) => {
    // It arrives, and the answer does not.
    if (kills === 0) {
      kills += 1;
      await route.fetch().catch(() => {});
      await line.kill();
      return route.abort();
    }
    return route.continue();
  });
  await ticket(page, code).getByRole('button', { name: 'Start' }).click();
  await ticket(page, code).getByText('Not sent yet').waitFor();
  await line.start();
  await page.reload();
  await ticket(page, code).getByText('Making').waitFor();
  await page.clock.fastForward(11_000);
  await page.waitForFunction(() => Object.keys(localStorage).every((name) => !name.startsWith('brewline.tap.')));
  assert.deepEqual(await done(order.order_id), ['received', 'start']);
  await bar.close();
});

test('a tablet that slept for an hour shows what is so now, and asks before it sends what was tapped before', async () => {
  const [kept, ended] = [await place(), await place()];
  const bar = await tablet(browser, line, { clock: true, expected: AWAY });
  const { page } = bar;
  await ticket(page, codeOf(kept)).waitFor();
  await settle(page);
  await page.route(/\/commands$/, (route) => route.abort());
  await ticket(page, codeOf(kept)).getByRole('button', { name: 'Start' }).click();
  await ticket(page, codeOf(kept)).getByText('Not sent yet').waitFor();
  await line.command(ended.order_id, 'cancel');
  const later = await place();
  await page.clock.fastForward(3_600_000);
  await page.unroute(/\/commands$/);
  await ticket(page, codeOf(later)).waitFor();
  await page.locator('.notice.warn').filter({ hasText: `${codeOf(kept)}: “Start” was tapped at ` }).waitFor();
  await page.clock.fastForward(2_000);
  await ticket(page, codeOf(ended)).waitFor({ state: 'detached' });
  await ticket(page, codeOf(kept)).getByRole('button', { name: 'Start' }).waitFor();
  await bar.accessible();
  await bar.picture('bar-old-tap-en-dark');
  assert.deepEqual(await done(kept.order_id), ['received'], 'nothing was sent by itself');
  await page.getByRole('button', { name: 'Send' }).click();
  await line.shown(kept.order_id, ({ state }) => state === 'making');
  await page.waitForFunction(() => document.querySelector('.notice.warn') === null);
  await bar.close();
});

test('an old tap that counts no more is dropped', async () => {
  const order = await place();
  const bar = await tablet(browser, line, { clock: true, expected: AWAY });
  const { page } = bar;
  await ticket(page, codeOf(order)).waitFor();
  await settle(page);
  await page.route(/\/commands$/, (route) => route.abort());
  await ticket(page, codeOf(order)).getByRole('button', { name: 'Start' }).click();
  await ticket(page, codeOf(order)).getByText('Not sent yet').waitFor();
  await page.clock.fastForward(11 * 60_000);
  await page.getByRole('button', { name: 'Drop' }).click();
  await page.waitForFunction(() => document.querySelector('.notice.warn') === null && Object.keys(localStorage).every((name) => !name.startsWith('brewline.tap.')));
  assert.deepEqual(await done(order.order_id), ['received']);
  await bar.close();
});

test('signed out in the middle of a shift, nothing that was tapped is lost', async () => {
  const order = await place();
  const code = codeOf(order);
  const bar = await tablet(browser, line, { clock: true, expected: [REFUSED] });
  const { page } = bar;
  await ticket(page, code).waitFor();
  await settle(page);
  const { body: devices } = await line.ask('GET', '/devices', { staff: true });
  for (const { id } of devices.devices) await line.ask('DELETE', `/devices/${id}`, { staff: true });
  await ticket(page, code).getByRole('button', { name: 'Start' }).click();
  await page.locator('.notice.warn').filter({ hasText: /signed out.*1 tap kept/s }).waitFor();
  await ticket(page, code).getByText('Not sent yet').waitFor();
  await bar.picture('bar-signed-out-kept-en-dark');
  const { body: made } = await line.ask('POST', '/session/codes', { body: { role: 'barista' }, staff: true });
  await page.locator('.notice').getByRole('button', { name: 'Sign in' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.locator('input[name=device]').fill('Main bar');
  await dialog.locator('input[name=code]').fill(made.code);
  await dialog.getByRole('button', { name: 'Sign in' }).click();
  await line.shown(order.order_id, ({ state }) => state === 'making');
  await page.getByText('Live').waitFor();
  await page.waitForFunction(() => document.querySelector('.notice.warn') === null);
  assert.deepEqual(await done(order.order_id), ['received', 'start']);
  await bar.close();
});

test('whoever is not signed in is led to where one signs in, and back', async () => {
  const bar = await tablet(browser, line, { expected: [REFUSED], prepare: (page) => page.context().clearCookies() });
  await bar.page.waitForURL(/\/sign-in\?to=%2Fbar/);
  await bar.close();
});

test('a tablet whose clock is wrong shows the same ages', async () => {
  const order = await place();
  const bar = await tablet(browser, line, { at: Date.now() - 3_600_000 });
  await ticket(bar.page, codeOf(order)).locator('.t').filter({ hasText: /^0:\d\d$/ }).waitFor();
  await bar.close();
});

test('it works where the browser keeps nothing', async () => {
  const order = await place();
  const bar = await tablet(browser, line, { clock: true, storage: false });
  const { page } = bar;
  await ticket(page, codeOf(order)).waitFor();
  await settle(page);
  await ticket(page, codeOf(order)).getByRole('button', { name: 'Start' }).click();
  await line.shown(order.order_id, ({ state }) => state === 'making');
  await bar.close();
});

test('with 500 live orders it shows the oldest, counts all, and takes a tap at once', async () => {
  /** @type {any[]} */
  const orders = [];
  for (let n = 0; n < 500; n += 20) {
    orders.push(...(await Promise.all(Array.from({ length: 20 }, () => line.place({ items: [{ item: 'latte' }] }, { staff: true })))));
  }
  const oldest = await line.shown(orders[0].order_id, ({ version }) => version > 0);
  const bar = await tablet(browser, line, { clock: true });
  const { page } = bar;
  await page.getByText('500 open').waitFor();
  await page.getByRole('button', { name: '500 Latte' }).waitFor();
  assert.ok((await page.locator('.tk').count()) < 100, 'only those that somebody may see');
  await settle(page);
  const own = ticket(page, codeOf(oldest));
  await own.locator('.fold').click();
  await settle(page);
  await own.getByRole('button', { name: 'Start' }).click();
  await line.shown(oldest.order_id, ({ state }) => state === 'making');
  const before = await page.locator('.tk').count();
  await page.locator('.rail').evaluate((rail) => rail.scrollTo(rail.scrollWidth, 0));
  await page.waitForFunction((before) => document.querySelectorAll('.tk').length > before, before, { polling: 100 });
  await bar.picture('bar-500-en-dark');
  await bar.close();
});
