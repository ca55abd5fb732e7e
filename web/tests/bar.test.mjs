/** The bar, on a real line: an order on its way from a phone to whoever collects it, on several tablets at once. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { codeOf, settle, shopSays, tablet, ticket } from './bar-tools.mjs';
import { lineAndBrowser } from './harness.mjs';
import { pager } from './pager-tools.mjs';
import { standIn } from './stand-in.mjs';

const { line, browser } = await lineAndBrowser(test, { args: ['--mode', 'manual'] });

const DRINKS = { items: [{ item: 'latte', quantity: 2, options: ['milk/oat'] }, { item: 'americano', note: 'Allergy: nuts' }] };

/** An order that the bar has; with its code. @param {unknown} body */
async function place(body = DRINKS) {
  const { order_id: id } = await line.place(body, { staff: true });
  return line.shown(id, ({ version }) => version > 0);
}

/** What stands on the rail and the strip goes, so that the next test begins with none. */
async function clear() {
  const { body } = await line.ask('GET', '/orders?live', { staff: true });
  for (const { order_id: id } of body.orders) await line.command(id, 'cancel');
}

test.afterEach(clear);

test('an order goes from a phone over the bar to whoever collects it, and two tablets and the phone show it', async () => {
  const one = await tablet(browser, line, { clock: true });
  await one.page.getByText('All caught up').waitFor();
  // The bar page is there: phones may order by themselves.
  await shopSays(line, ({ ordering }) => ordering === 'open');
  const { order_id: id } = await line.place(DRINKS);
  const order = await line.shown(id, ({ version }) => version > 0);
  const code = codeOf(order);
  const two = await tablet(browser, line, { clock: true, device: 'Second bar' });
  const phone = await pager(browser, line.url, id);
  await phone.page.waitForSelector('main.received');

  const first = ticket(one.page, code);
  await first.getByText('2× Latte').waitFor();
  assert.deepEqual(await first.locator('.mods span').allTextContents(), ['Oat'], 'only what is not as usual');
  assert.match((await first.locator('.allergy').textContent()) ?? '', /Allergy: nuts/);
  await settle(one.page);
  await first.getByRole('button', { name: 'Start' }).click();
  await ticket(two.page, code).getByText('Making').waitFor();
  await phone.page.waitForSelector('main.making');

  await settle(two.page);
  await ticket(two.page, code).getByRole('checkbox', { name: /Latte/ }).click();
  await first.locator('[aria-checked=true]').waitFor();
  await phone.page.getByText('2 of 3 done').waitFor();

  await settle(one.page);
  // It is said there for a moment.
  const seen = ticket(two.page, code).getByText('is ready').waitFor();
  await first.getByRole('button', { name: 'Ready' }).click();
  await phone.page.waitForSelector('main.ready');
  await first.getByRole('button', { name: 'Undo' }).waitFor();
  await seen;
  for (const { page } of [one, two]) await page.locator('.chip').filter({ hasText: code }).getByText(/phone (listening|rang)/).waitFor();

  await one.page.clock.fastForward(9_000);
  await first.waitFor({ state: 'detached' });
  await settle(one.page);
  await one.page.getByRole('button', { name: new RegExp(`${code}.*Hand over`, 's') }).click();
  await phone.page.waitForSelector('main.collected');
  await line.shown(id, ({ state }) => state === 'collected');
  const { body } = await line.ask('GET', `/orders/${id}/history`, { staff: true });
  const by = body.events.filter((/** @type {any} */ { by }) => by?.role === 'staff').map((/** @type {any} */ { event, by }) => [event, by.device]);
  assert.deepEqual(by, [['start', 'Main bar'], ['tick', 'Second bar'], ['ready', 'Main bar'], ['collect', 'Main bar']]);
  await phone.close();
  await one.close();
  await two.close();
});

test('what was marked ready is taken back in place, and the phone hears of it', async () => {
  const order = await place();
  const code = codeOf(order);
  const bar = await tablet(browser, line, { clock: true });
  const phone = await pager(browser, line.url, order.order_id);
  const { page } = bar;
  await line.command(order.order_id, 'start');
  const own = ticket(page, code);
  await own.getByRole('button', { name: 'Ready' }).waitFor();
  await settle(page);
  const before = await own.boundingBox();
  await own.getByRole('button', { name: 'Ready' }).click();
  await phone.page.waitForSelector('main.ready');
  assert.deepEqual(await own.boundingBox(), before, 'it stands where the ticket stood, and is as large');
  assert.ok(await own.getByRole('button', { name: 'Undo' }).evaluate((button) => button === document.activeElement), 'the focus goes to Undo');
  await bar.accessible();
  await settle(page);
  await own.getByRole('button', { name: 'Undo' }).click();
  await own.getByRole('button', { name: 'Ready' }).waitFor();
  await phone.page.waitForSelector('main.recalled');
  const { round, state } = await line.shown(order.order_id, ({ round }) => round === 2);
  assert.deepEqual([round, state], [2, 'making']);
  assert.equal(await page.locator('.flag').count(), 0, 'nobody has to make it again');
  await phone.close();
  await bar.close();
});

test('what was called too soon says so in the log, and nobody is told to make it again', async () => {
  const order = await place();
  const code = codeOf(order);
  const bar = await tablet(browser, line, { clock: true });
  const phone = await pager(browser, line.url, order.order_id);
  const { page } = bar;
  const own = ticket(page, code);
  await line.command(order.order_id, 'start');
  await own.getByRole('button', { name: 'Ready' }).waitFor();
  await settle(page);
  await own.getByRole('button', { name: 'Ready' }).click();
  await phone.page.waitForSelector('main.ready');
  await settle(page);
  await own.getByRole('button', { name: 'Undo' }).click();
  await phone.page.waitForSelector('main.recalled');
  const { body } = await line.ask('GET', `/orders/${order.order_id}/history`, { staff: true });
  const recall = body.events.find((/** @type {any} */ { event }) => event === 'recall');
  assert.deepEqual([recall.reason, recall.by.device], ['undo', 'Main bar']);
  await own.getByRole('button', { name: 'Ready' }).waitFor();
  assert.equal(await page.locator('.flag').count(), 0);
  assert.doesNotMatch(await own.innerText(), /again/i);
  assert.doesNotMatch(await phone.page.locator('main').innerText(), /undo/i, 'a code is no word for a customer');
  await phone.close();
  await bar.close();
});

test('what was handed over by mistake is taken back in place', async () => {
  const order = await place();
  await line.command(order.order_id, 'ready');
  const bar = await tablet(browser, line, { clock: true });
  const { page } = bar;
  const chip = page.locator('.chip').filter({ hasText: codeOf(order) });
  await chip.waitFor();
  await settle(page);
  await chip.click();
  await line.shown(order.order_id, ({ state }) => state === 'collected');
  await chip.getByText('Undo').waitFor();
  await settle(page);
  await chip.click();
  await line.shown(order.order_id, ({ state, round }) => state === 'ready' && round === 1);
  await chip.getByText('call aloud').waitFor();
  await bar.close();
});

test('a second tap in the same place does nothing that was not meant', async () => {
  const order = await place();
  const bar = await tablet(browser, line, { clock: true });
  const { page, notes } = bar;
  const own = ticket(page, codeOf(order));
  await own.waitFor();
  await settle(page);
  const box = /** @type {{x: number, y: number, width: number, height: number}} */ (await own.locator('.go').boundingBox());
  // All of them come before one that is meant could.
  await page.clock.pauseAt(Date.now() + 60_000);
  for (let taps = 0; taps < 4; taps += 1) {
    await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
    await page.clock.runFor(50);
  }
  await line.shown(order.order_id, ({ state }) => state === 'making');
  await page.clock.runFor(1_000);
  assert.deepEqual(notes.commands.map(({ command }) => command), ['start']);
  await bar.close();
});

test('what has just moved under the finger takes no touch', async () => {
  const [first, second] = [await place(), await place()];
  const bar = await tablet(browser, line, { clock: true });
  const { page, notes } = bar;
  const own = ticket(page, codeOf(second));
  await own.waitFor();
  await settle(page);
  const placed = () => own.evaluate((element) => element.style.transform);
  const before = await placed();
  await line.command(first.order_id, 'cancel');
  await ticket(page, codeOf(first)).getByText('is no longer open').waitFor();
  await page.clock.pauseAt(Date.now() + 60_000);
  await page.clock.runFor(100);
  assert.notEqual(await placed(), before);
  await own.locator('.go').dispatchEvent('click');
  assert.deepEqual(notes.commands, []);
  await page.clock.runFor(500);
  await own.locator('.go').dispatchEvent('click');
  await line.shown(second.order_id, ({ state }) => state === 'making');
  await bar.close();
});

test('no place closes while a finger is down', async () => {
  const [first, second] = [await place(), await place()];
  const bar = await tablet(browser, line, { clock: true });
  const { page } = bar;
  const own = ticket(page, codeOf(second));
  await own.waitFor();
  await settle(page);
  // A ticket moves by the browser's own clock.
  await bar.settled();
  const before = await own.boundingBox();
  await page.mouse.move((before?.x ?? 0) + 60, (before?.y ?? 0) + 20);
  await page.mouse.down();
  await line.command(first.order_id, 'cancel');
  await page.getByText('1 open').waitFor();
  await page.clock.fastForward(3_000);
  assert.deepEqual(await own.boundingBox(), before);
  await page.mouse.up();
  await page.clock.fastForward(3_000);
  await ticket(page, codeOf(first)).waitFor({ state: 'detached' });
  await bar.close();
});

test('a new order rings, is outlined until it is touched, and is told to those who hear the page', async () => {
  const bar = await tablet(browser, line, { clock: true });
  const { page, notes } = bar;
  await page.getByRole('button', { name: 'Tap for sound' }).click();
  await page.getByRole('button', { name: 'Sound on' }).waitFor();
  const before = notes.tones.length;
  const order = await place();
  await page.waitForSelector('.tk.new');
  assert.equal(notes.tones.length, before + 1);
  await page.locator('[aria-live=polite]').filter({ hasText: /New order, \w+ \d+, 3 drinks\./ }).waitFor({ state: 'attached' });
  await settle(page);
  await ticket(page, codeOf(order)).getByRole('checkbox').first().click();
  await page.waitForSelector('.tk:not(.new)');
  await page.getByRole('button', { name: 'Sound on' }).click();
  await page.getByRole('button', { name: 'Sound off' }).waitFor();
  const muted = notes.tones.length;
  const next = await place();
  await ticket(page, codeOf(next)).waitFor();
  assert.equal(notes.tones.length, muted, 'muted');
  await page.reload();
  await page.getByRole('button', { name: 'Sound off' }).waitFor();
  await bar.close();
});

test('a new order rings at once, and is told of with the code that it gets a moment later', async (t) => {
  const order = await place();
  const { body: orders } = await line.ask('GET', '/orders?live', { staff: true });
  const stand = await standIn(line.url);
  t.after(() => stand.end());
  stand.say('/events', 'snapshot', { ...orders, orders: [], total: 0 });
  stand.answer('/orders?live', { ...orders, orders: [], total: 0 });
  const bar = await tablet(browser, line, { url: stand.url });
  const { page, notes } = bar;
  await page.getByText('All caught up').waitFor();
  await page.getByRole('button', { name: 'Tap for sound' }).click();
  await notes.until(() => notes.tones.length === 1);
  const said = page.locator('[aria-live=polite]');
  // As it is in the log of a Kafka that is far away: the order first, and what the barista says of it later.
  // However long the page has been there by then: it is no older than what the page has heard.
  const told = { ...order, as_of: orders.as_of + 1, now: undefined };
  const { code } = order;
  stand.tell('/events', 'order', { ...told, version: 0, code: undefined });
  await notes.until(() => notes.tones.length === 2);
  assert.equal(await said.textContent(), '');
  stand.tell('/events', 'order', told);
  await said.getByText(`New order, ${code.words.en[0].toUpperCase()}${code.words.en.slice(1)} ${code.label}, 3 drinks.`, { exact: true }).waitFor({ state: 'attached' });
  assert.equal(notes.tones.length, 2);
  await bar.close();
});

test('a key that is held on the button of the sound turns the sound on, and keeps the screen on', async () => {
  const bar = await tablet(browser, line);
  const { page, notes } = bar;
  await page.evaluate(() => {
    const request = navigator.wakeLock.request.bind(navigator.wakeLock);
    const page = /** @type {any} */ (window);
    page.awake = 0;
    navigator.wakeLock.request = (type) => ((page.awake += 1), request(type));
  });
  await page.getByRole('button', { name: 'Tap for sound' }).focus();
  // As long as a finger takes: a browser has let the page be heard by then.
  await page.keyboard.press('Space', { delay: 300 });
  await notes.until(() => notes.tones.length === 1);
  await page.getByRole('button', { name: 'Sound on' }).waitFor();
  assert.equal(await page.evaluate(() => /** @type {any} */ (window).awake), 1);
  await bar.close();
});

test('a count underlines that drink on every ticket', async () => {
  const orders = [await place(), await place({ items: [{ item: 'latte' }] })];
  const bar = await tablet(browser, line);
  const { page } = bar;
  const count = page.getByRole('button', { name: '3 Latte' });
  await count.click();
  // Drawn a frame later.
  await page.getByRole('button', { name: '3 Latte', pressed: true }).waitFor();
  await page.waitForFunction(() => document.querySelectorAll('.picked').length === 2);
  await bar.picture('bar-picked-en-dark');
  await count.click();
  await page.waitForFunction(() => document.querySelectorAll('.picked').length === 0);
  assert.equal(orders.length, 2);
  await bar.close();
});

test('keys act on the rail, as those of a bump bar do', async () => {
  const [first, second] = [await place(), await place()];
  const bar = await tablet(browser, line, { clock: true });
  const { page } = bar;
  await ticket(page, codeOf(second)).waitFor();
  await settle(page);
  await page.keyboard.press('2');
  await ticket(page, codeOf(second)).locator('.keycap').getByText('2').waitFor();
  assert.equal((await line.shown(second.order_id, () => true)).state, 'received', 'the first key shows which is whose');
  await page.keyboard.press('2');
  await line.shown(second.order_id, ({ state }) => state === 'making');
  await settle(page);
  await page.keyboard.press('2');
  await line.shown(second.order_id, ({ state }) => state === 'ready');
  await ticket(page, codeOf(second)).getByRole('button', { name: 'Undo' }).waitFor();
  await settle(page);
  await page.keyboard.press('u');
  await line.shown(second.order_id, ({ state, round }) => state === 'making' && round === 2);
  await page.keyboard.press('9');
  await page.keyboard.press('1');
  await line.shown(first.order_id, ({ state }) => state === 'making');
  await bar.picture('bar-keys-en-dark');
  await bar.close();
});

test('the key that takes back counts at once, and the button only once it has been seen', async () => {
  const order = await place();
  await line.command(order.order_id, 'start');
  const bar = await tablet(browser, line, { clock: true });
  const { page } = bar;
  const own = ticket(page, codeOf(order));
  const ready = own.getByRole('button', { name: 'Ready' });
  const undo = own.getByRole('button', { name: 'Undo' });
  await ready.waitFor();
  await page.keyboard.press('1');
  await own.locator('.keycap').getByText('1').waitFor();
  await settle(page);
  await page.clock.pauseAt(Date.now() + 60_000);
  await page.clock.runFor(1_000);
  await ready.dispatchEvent('click');
  await page.clock.runFor(100);
  await undo.dispatchEvent('click');
  await page.clock.runFor(100);
  assert.equal(await undo.count(), 1);
  await page.keyboard.press('u');
  await page.clock.runFor(100);
  assert.equal(await ready.count(), 1);
  await bar.close();
});

test('everything can be reached with a keyboard, in the order in which it is read', async () => {
  const order = await place();
  await line.command((await place()).order_id, 'ready');
  const bar = await tablet(browser, line, { clock: true });
  const { page } = bar;
  await ticket(page, codeOf(order)).waitFor();
  await settle(page);
  /** @type {string[]} */
  const reached = [];
  for (let tabs = 0; tabs < 20; tabs += 1) {
    await page.keyboard.press('Tab');
    reached.push(await page.evaluate(() => (document.activeElement?.textContent ?? '').replace(/\s+/g, ' ').trim().slice(0, 12)));
  }
  const at = (/** @type {RegExp} */ text) => reached.findIndex((one) => text.test(one));
  const order_ = [/Keep Undo/, /Tap for|Sound/, /2 ?Latte/, /2× Latte/, /1× American/, /^Start/, /Hand|call|[A-Z]{3}/].map(at);
  assert.ok(order_.every((place, n) => place >= 0 && (n === 0 || n === 6 || place > (order_[n - 1] ?? -1))), JSON.stringify(reached));
  await bar.close();
});

test('whoever wants it can take back until the next action', async () => {
  const [first, second] = [await place(), await place()];
  const bar = await tablet(browser, line, { clock: true });
  const { page } = bar;
  await ticket(page, codeOf(second)).waitFor();
  await page.getByRole('button', { name: 'Keep Undo until the next action' }).press('Enter');
  await line.command(first.order_id, 'start');
  await ticket(page, codeOf(first)).getByRole('button', { name: 'Ready' }).waitFor();
  await settle(page);
  await ticket(page, codeOf(first)).getByRole('button', { name: 'Ready' }).click();
  await ticket(page, codeOf(first)).getByRole('button', { name: 'Undo' }).waitFor();
  await page.clock.fastForward(60_000);
  await ticket(page, codeOf(first)).getByRole('button', { name: 'Undo' }).waitFor();
  await ticket(page, codeOf(second)).getByRole('button', { name: 'Start' }).click();
  await ticket(page, codeOf(first)).waitFor({ state: 'detached' });
  await bar.close();
});

test('an order by amount and one of another counter stand on the rail, and a bell has its number', async () => {
  const bell = await place({ amount: 2, ref: 'A-17' });
  const bar = await tablet(browser, line, { clock: true });
  const { page } = bar;
  const own = ticket(page, codeOf(bell));
  await own.getByText('2× Drink').waitFor();
  await own.getByText('A-17').waitFor();
  assert.equal(await own.getByRole('checkbox').count(), 0);
  await settle(page);
  await own.getByRole('button', { name: 'Start' }).click();
  await line.shown(bell.order_id, ({ state }) => state === 'making');
  await bar.close();
});

test('in a rush a tap opens a folded ticket, and the way on leads to the others', async () => {
  /** @type {any[]} */
  const orders = [];
  for (let n = 0; n < 24; n += 1) orders.push(await place({ items: [{ item: n % 2 ? 'latte' : 'americano' }] }));
  const bar = await tablet(browser, line, { clock: true });
  const { page } = bar;
  const own = ticket(page, codeOf(orders[3]));
  await own.locator('.fold').waitFor();
  await settle(page);
  await own.locator('.fold').click();
  await own.getByRole('button', { name: 'Start' }).waitFor();
  await bar.accessible();
  await settle(page);
  await own.getByRole('button', { name: 'Start' }).click();
  await line.shown(orders[3].order_id, ({ state }) => state === 'making');
  await page.getByRole('button', { name: /\d+ more/ }).click();
  await page.waitForFunction(() => (document.querySelector('.rail')?.scrollLeft ?? 0) > 0);
  await bar.close();
});

test('a bar page that is open lets phones order, one that is closed does not for long', async () => {
  const bar = await tablet(browser, line, { device: 'Window bar' });
  await bar.page.getByText('All caught up').waitFor();
  await shopSays(line, ({ ordering }) => ordering === 'open');
  await bar.close();
});

test('the language is that of the tablet', async () => {
  const order = await place();
  const bar = await tablet(browser, line, { language: 'ko' });
  await ticket(bar.page, codeOf(order, 'ko')).getByRole('button', { name: '시작' }).waitFor();
  await bar.close();
});
