/** The pager when something goes wrong: the counter, the network, the clock, the texts, the browser. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { lineAndBrowser } from './harness.mjs';
import { answerWith, between, calls, DRAWN, DRAWN_STATES, GONE, NO_STREAM, pager, place, rangs } from './pager-tools.mjs';

const { line, browser } = await lineAndBrowser(test, { args: ['--mode', 'manual'] });

const LONG = '🧋<script>window.hacked = 1</script><img src=x onerror=alert(1)> שלום עולם مرحبا {name} ';

test('a counter that is killed is not missed for long, and the bell rings once', async () => {
  const id = await place(line);
  const phone = await pager(browser, line.url, id, { clock: true, expected: GONE });
  const { page, notes } = phone;
  await page.getByRole('button', { name: 'Test the buzz' }).click();
  await page.getByText('This phone will call you').first().waitFor();
  await line.kill();
  await page.clock.fastForward(16_000);
  await page.waitForSelector('main.lost');
  assert.match((await page.textContent('.band')) ?? '', /Listen for your code\s*Last update \d+ s ago\. Reconnecting\./);
  assert.match((await page.textContent('.stale')) ?? '', /When we last heard, \d\d:\d\d:\d\d\s*Received, not begun/);
  assert.equal(await page.getByText(/\d+ min|ahead|next/).count(), 0, 'nothing is promised');
  await phone.accessible();
  await phone.picture('pager-killed-en-light');
  await line.start();
  await line.command(id, 'ready');
  await page.waitForSelector('main.ready');
  await line.shown(id, (order) => Boolean(order.marks?.rang_at));
  await line.kill();
  await line.start();
  await page.clock.fastForward(16_000);
  await page.waitForFunction(() => /READY/.test(document.title) && document.querySelector('main.ready'));
  assert.deepEqual([calls(notes), rangs(notes)], [1, 1]);
  await phone.close();
});

test('a restart between two rings does not ring twice, nor does a reload after it', async () => {
  const id = await place(line);
  const phone = await pager(browser, line.url, id, { clock: true, expected: GONE });
  const { page, notes } = phone;
  await line.command(id, 'ready');
  await page.waitForSelector('main.ready');
  await line.shown(id, (order) => Boolean(order.marks?.rang_at));
  await line.kill();
  await line.start();
  await page.reload();
  await page.waitForSelector('main.ready');
  assert.equal(rangs(notes), 1);
  await phone.close();
});

test('a bell that came while the phone heard nothing rings when it is back', async (t) => {
  const id = await place(line);
  const wire = await between(line.url);
  t.after(() => wire.end());
  const phone = await pager(browser, wire.url, id, { clock: true });
  const { page, notes } = phone;
  await page.getByRole('button', { name: 'Test the buzz' }).click();
  await page.getByText('This phone will call you').first().waitFor();
  // Nothing is closed and nothing comes: the phone has to find out by the age of what it has.
  wire.hold();
  await line.command(id, 'ready');
  await page.clock.fastForward(16_000);
  await page.waitForSelector('main.lost');
  assert.equal(calls(notes), 0);
  wire.release();
  await page.waitForSelector('main.ready');
  await line.shown(id, (order) => Boolean(order.marks?.rang_at));
  assert.equal(rangs(notes), 1);
  await phone.close();
});

test('whoever does not want to wait for the next try asks at once', async () => {
  const phone = await pager(browser, line.url, 'drawn', { clock: true, expected: NO_STREAM });
  const { page } = phone;
  let late = 16_000;
  await answerWith(page, () => ({ body: { ...DRAWN, now: DRAWN.now + late } }));
  /** @type {import('playwright-core').Request[]} */
  const asked = [];
  page.on('request', (request) => void asked.push(request));
  await page.reload();
  await page.waitForSelector('main.lost');
  // Time stands still: nobody asks by himself, and whoever has asked before is answered as before. Requests are told of one after
  // the other, so that with the last one all are known.
  await page.clock.pauseAt(Date.now() + 60_000);
  const last = page.waitForRequest(/\?last$/);
  await page.evaluate(() => void fetch('/icon.svg?last'));
  await last;
  await Promise.all(asked.map((request) => request.response()));
  late = 0;
  await page.getByRole('button', { name: 'Try now' }).click();
  await page.waitForSelector('main.received');
  await phone.close();
});

test('a network that lets no stream through gets snapshots instead', async () => {
  const id = await place(line);
  const phone = await pager(browser, line.url, id, { clock: true, expected: [/ERR_FAILED/] });
  const { page } = phone;
  await page.route(/\/events$/, () => new Promise(() => {}));
  await page.reload();
  await page.clock.fastForward(3_000);
  await page.waitForSelector('main.received');
  await line.command(id, 'ready');
  await page.clock.fastForward(4_000);
  await page.waitForSelector('main.ready');
  await phone.close();
});

test('a phone without a network says so, and is back by itself', async (t) => {
  const id = await place(line);
  const wire = await between(line.url);
  t.after(() => wire.end());
  const phone = await pager(browser, wire.url, id, { clock: true, expected: [/ERR_INTERNET_DISCONNECTED/, /ERR_NETWORK/] });
  const { page } = phone;
  await page.waitForSelector('main.received');
  wire.hold();
  await phone.context.setOffline(true);
  await page.clock.fastForward(16_000);
  await page.waitForSelector('main.lost');
  await page.getByText('This phone is offline.').waitFor();
  await phone.picture('pager-offline-en-light');
  wire.release();
  await phone.context.setOffline(false);
  await page.waitForSelector('main.received');
  await phone.close();
});

test('an order that nobody knows gets a friendly page, and its status', async () => {
  for (const id of ['no-such-order', '%00', 'x'.repeat(300), '%E0%A4%A', '<script>']) {
    const phone = await pager(browser, line.url, encodeURIComponent(id).replaceAll('%25', '%'), { expected: [/status of 40[04]/, /ERR_ABORTED/] });
    await phone.page.getByText('We don’t know this order').waitFor();
    await phone.accessible();
    await phone.close();
  }
  const phone = await pager(browser, line.url, 'no-such-order', { language: 'ko', theme: 'dark', expected: [/status of 404/] });
  await phone.page.getByText('이 주문을 찾을 수 없어요').waitFor();
  await phone.picture('pager-unknown-ko-dark');
  await phone.close();
  assert.equal((await line.ask('GET', '/o/no-such-order')).status, 404);
});

test('an order that is forgotten while it is looked at says so', async () => {
  const phone = await pager(browser, line.url, 'drawn', { clock: true, expected: NO_STREAM });
  const { page } = phone;
  let status = 200;
  const body = { ...DRAWN, ...DRAWN_STATES.collected };
  await answerWith(page, () => (status === 200 ? { body } : { status, body: { code: 'unknown_order' } }));
  await page.reload();
  await page.waitForSelector('main.collected');
  status = 404;
  await page.clock.fastForward(5_000);
  await page.getByText('This order is long finished').waitFor();
  await phone.accessible();
  await phone.picture('pager-forgotten-en-light');
  await phone.close();
});

test('an order that is waited for is not finished because its log is gone: it is asked for until it is back', async () => {
  const phone = await pager(browser, line.url, 'drawn', { clock: true, expected: NO_STREAM });
  const { page } = phone;
  let known = true;
  await answerWith(page, () => (known ? { body: DRAWN } : { status: 404, body: { code: 'unknown_order' } }));
  await page.reload();
  await page.waitForSelector('main.received');
  known = false;
  await page.clock.fastForward(5_000);
  await page.getByText('Please ask at the bar').waitFor();
  assert.match((await page.textContent('.code')) ?? '', /MANGO 27/);
  await phone.accessible();
  await phone.fits();
  // Longer than an unknown link is asked for.
  for (let asked = 0; asked < 10; asked += 1) {
    const answer = page.waitForResponse(/\/orders\/drawn$/);
    await page.clock.fastForward(10_000);
    await answer;
  }
  known = true;
  await page.clock.fastForward(10_000);
  await page.waitForSelector('main.received');
  await phone.close();
});

test('a tab that has heard nothing for long does not claim in its title that it is ready', async () => {
  const id = await place(line);
  const phone = await pager(browser, line.url, id, { clock: true, expected: GONE });
  const { page } = phone;
  await line.command(id, 'ready');
  await page.waitForFunction(() => document.title.includes('READY'));
  await line.kill();
  await page.clock.fastForward(16_000);
  await page.waitForSelector('main.lost');
  assert.doesNotMatch(await page.title(), /READY/);
  await line.start();
  await page.clock.fastForward(10_000);
  await page.waitForFunction(() => document.title.includes('READY'));
  await phone.close();
});

test('the name of the shop is asked for until it comes', async () => {
  const id = await place(line);
  const phone = await pager(browser, line.url, id, { clock: true, expected: [/status of 503/, /status of 429/] });
  const { page } = phone;
  const answers = [503, 429];
  await page.route(/\/menu$/, (route) => {
    const status = answers.shift();
    return status ? route.fulfill({ status, json: { code: 'starting' } }) : route.continue();
  });
  await page.reload();
  for (const _ of [503, 429]) {
    await page.waitForSelector('main.received');
    await page.clock.fastForward(11_000);
  }
  await page.waitForFunction(() => document.querySelector('header b')?.textContent !== '');
  await phone.close();
});

test('an order that this counter has not read yet is waited for', async () => {
  const phone = await pager(browser, line.url, 'drawn', { clock: true, query: '?at=0.99', expected: NO_STREAM });
  const { page } = phone;
  /** @type {string[]} */
  const asked = [];
  page.on('request', (request) => asked.push(request.url()));
  let answer = { status: 202, body: /** @type {any} */ ({ code: 'catching_up' }) };
  await page.route(/\/events$/, (route) => route.abort());
  await page.route(/\/orders\/drawn\?at=0\.99$/, (route) => route.fulfill({ status: answer.status, json: answer.body }));
  await page.reload();
  await page.getByText('Your order is in. It will show here in a moment.').waitFor();
  await phone.accessible();
  await phone.picture('pager-catching-up-en-light');
  answer = { status: 503, body: { code: 'starting' } };
  await page.clock.fastForward(5_000);
  await page.getByText('The shop’s system is starting.').waitFor();
  answer = { status: 200, body: DRAWN };
  await page.clock.fastForward(5_000);
  await page.waitForSelector('main.received');
  await phone.close();
});

test('a phone whose clock is ten minutes wrong shows the same', async () => {
  for (const wrong of [-600_000, 600_000]) {
    const id = await place(line);
    const phone = await pager(browser, line.url, id);
    const { page } = phone;
    await page.addInitScript((wrong) => {
      const { now } = Date;
      Date.now = () => now() + wrong;
    }, wrong);
    await page.reload();
    await page.waitForSelector('main.received');
    await line.command(id, 'ready');
    await page.waitForSelector('main.ready.beat');
    const order = await line.shown(id, (order) => Boolean(order.marks?.rang_at));
    const time = new Date(order.ready_at).toLocaleTimeString('en-GB', { timeZone: 'Asia/Seoul', hour: '2-digit', minute: '2-digit' });
    // As soon as it is known where the shop's clock hangs.
    await page.locator('.alt').filter({ hasText: `Ready at ${time}` }).waitFor();
    await phone.close();
  }
});

test('a clock that is set while the page is open changes nothing, however far the order is', async () => {
  const id = await place(line);
  const phone = await pager(browser, line.url, id);
  const { page, notes } = phone;
  /** @type {[string, () => Promise<unknown>][]} */
  const way = [
    ['received', () => Promise.resolve()],
    ['making', () => line.command(id, 'start')],
    ['ready', () => line.command(id, 'ready')],
    ['coming', () => page.getByRole('button', { name: 'I’m on my way' }).click()],
    ['recalled', () => line.command(id, 'recall')],
  ];
  for (const [screen, go] of way) {
    await go();
    await page.waitForSelector(`main.${screen}`);
    if (screen === 'coming') await page.getByText('The bar knows you’re coming').waitFor();
    for (const ms of [600_000, -600_000]) {
      // What looks like ten minutes of sleep is answered by a fresh snapshot; a clock that is put back is not noticed.
      const asked = ms > 0 && page.waitForResponse((response) => /\/orders\/[^/]+$/.test(response.url()));
      await page.evaluate((ms) => {
        const { now } = Date;
        Date.now = () => now() + ms;
      }, ms);
      await asked;
      await page.waitForSelector(`main.${screen}`);
      // Ten minutes off, it would be any moment now, or ten minutes more.
      if (screen === 'making') await page.getByText(/^Being made, about \d(–\d)? min$/).waitFor();
    }
  }
  assert.equal(rangs(notes), 1);
  await phone.close();
});

test('a clock that is set while it is ready uses no ring up', async () => {
  const id = await place(line);
  const phone = await pager(browser, line.url, id, { clock: true });
  const { page, notes } = phone;
  await page.getByRole('button', { name: 'Test the buzz' }).click();
  await page.getByText('This phone will call you').first().waitFor();
  await line.command(id, 'ready');
  await page.waitForSelector('main.ready');
  await line.shown(id, (order) => Boolean(order.marks?.rang_at));
  const asked = page.waitForResponse((response) => /\/orders\/[^/]+$/.test(response.url()));
  await page.evaluate(() => {
    const { now } = Date;
    Date.now = () => now() + 600_000;
  });
  await asked;
  await page.waitForSelector('main.ready');
  assert.equal(calls(notes), 1);
  await page.clock.fastForward(31_000);
  await page.waitForFunction(() => document.querySelector('main.beat'));
  assert.equal(calls(notes), 2);
  await phone.close();
});

test('a log that has stopped is not smiled away: what a heartbeat confirms counts, not that it came', async () => {
  const phone = await pager(browser, line.url, 'drawn', { clock: true, expected: NO_STREAM });
  const { page } = phone;
  let late = 0;
  await answerWith(page, () => ({ body: { ...DRAWN, now: DRAWN.now + late } }));
  await page.reload();
  await page.waitForSelector('main.received');
  late = 16_000;
  await page.clock.fastForward(5_000);
  await page.waitForSelector('main.lost');
  await phone.close();
});

test('nothing is promised while nobody decides', async () => {
  const phone = await pager(browser, line.url, 'drawn', { clock: true, expected: NO_STREAM });
  const { page } = phone;
  let more = {};
  await answerWith(page, () => ({ body: { ...DRAWN, ...more } }));
  await page.reload();
  await page.getByText('Ready at about').waitFor();
  more = { no_barista: true };
  await page.clock.fastForward(5_000);
  await page.getByText('The bar is not answering right now').waitFor();
  assert.equal(await page.getByText(/08:4\d|6–8/).count(), 0);
  await phone.close();
});

test('what people write is shown as they wrote it, and is never code', async () => {
  const note = LONG.repeat(2).slice(0, 190);
  const name = LONG.slice(0, 60);
  const items = Array.from({ length: 20 }, (_, i) => ({
    item: `item-${i}`,
    quantity: 2,
    title: { en: `${name} ${i}`, ko: `${name} ${i}` },
    option_titles: [{ en: name, ko: name }],
    note,
  }));
  const phone = await pager(browser, line.url, 'drawn', { clock: true, expected: NO_STREAM });
  const { page } = phone;
  let more = {};
  await answerWith(page, () => ({ body: { ...DRAWN, items, amount: 40, note: `${note}!`, ...more } }));
  await page.reload();
  await page.getByText(`${note}!`).waitFor();
  await page.getByText('17 more').click();
  await page.getByText(`2× ${name} 19`).waitFor();
  await phone.fits();
  await phone.accessible();
  await phone.picture('pager-texts-en-light', { fullPage: true });
  more = { state: 'cancelled', marks: { reason: note } };
  await page.clock.fastForward(5_000);
  await page.waitForSelector('main.cancelled');
  await page.getByText(note).waitFor();
  await phone.fits();
  assert.equal(await page.evaluate(() => 'hacked' in window), false);
  await phone.close();
});

test('what people write comes through the line as they wrote it', async () => {
  const note = LONG.repeat(2).slice(0, 190);
  const id = await place(line, { items: [{ item: 'latte', note }], note: `${note}!` });
  const phone = await pager(browser, line.url, id);
  const { page } = phone;
  await page.getByText(`${note}!`).waitFor();
  await line.command(id, 'cancel', { reason: `${note}?` });
  await page.getByText(`${note}?`).waitFor();
  assert.equal(await page.evaluate(() => 'hacked' in window), false);
  await phone.close();
});

test('an order without items, as the core has it, is shown too', async () => {
  const { body } = await line.ask('POST', '/order?amount=3');
  const phone = await pager(browser, line.url, body.order_id);
  await phone.page.getByText('3 cups').waitFor();
  await phone.close();
});

test('it works where the browser keeps nothing', async () => {
  const id = await place(line);
  const phone = await pager(browser, line.url, id, { storage: false });
  await phone.page.waitForSelector('main.received');
  await phone.page.getByRole('button', { name: '한국어' }).click();
  await phone.page.waitForSelector('html[lang=ko] main.received');
  await line.command(id, 'ready');
  await phone.page.waitForSelector('main.ready');
  await phone.page.getByRole('button', { name: '지금 갈게요' }).click();
  await phone.page.getByText('바에 알렸어요').waitFor();
  await phone.close();
});
