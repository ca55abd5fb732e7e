/** The ledger against the real line: what is done there is counted, told and looked back at. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';

import { lineAndBrowser, open, signIn } from './harness.mjs';
import { GONE } from './pager-tools.mjs';

const { line, browser } = await lineAndBrowser(test, { args: ['--mode', 'manual'] });

/** @param {{role?: 'barista' | 'manager', query?: string} & import('./harness.mjs').Phone} [screen] */
async function ledger({ role = 'manager', query = '', ...screen } = {}) {
  const opened = await open(browser, 'about:blank', { width: 1_440, height: 900, ...screen });
  await signIn(opened.context, line, role, 'Office');
  await opened.page.goto(`${line.url}/ledger${query}`);
  return opened;
}

/** The terms of the equation, once they are so. @param {import('playwright-core').Page} page @param {RegExp} terms */
async function counts(page, terms) {
  await page.waitForFunction(
    ([source]) => new RegExp(source ?? '').test(document.querySelector('.sum')?.textContent?.replace(/\s+/g, ' ').replace(/ ?([=≠+]) ?/g, ' $1 ').trim() ?? ''),
    [terms.source],
  );
}

/** An order of the till that the bar knows of. @param {number} [cups] */
async function place(cups = 1) {
  const { order_id: id } = await line.place({ items: [{ item: 'latte', quantity: cups }] }, { staff: true });
  return line.shown(id, ({ version }) => version > 0);
}

test('an order is counted as it goes, and its story told, without anything being loaded again', async () => {
  const { page, close } = bound(await ledger());
  const order = await place(2);
  const id = order.order_id;
  await counts(page, /1 open$/);
  const name = new RegExp(`^${order.code.words.en} ${order.code.label}$`, 'i');
  await page.locator('.or').getByRole('button', { name }).click();
  await page.locator('.ev li').filter({ hasText: 'Accepted at the till' }).waitFor();
  await line.command(id, 'start');
  await line.command(id, 'ready');
  await page.locator('.ev li').filter({ hasText: 'Marked ready' }).waitFor();
  await counts(page, /1 ready \+ 0 collected \+ 0 cancelled \+ 0 open$/);
  await line.command(id, 'collect');
  await page.locator('.ev li').filter({ hasText: 'Handed over' }).waitFor();
  await counts(page, /0 ready \+ 1 collected/);
  await page.locator('.ok').filter({ hasText: 'Every order accounted for' }).waitFor();
  await page.locator('.or tbody tr').filter({ hasText: 'Collected' }).waitFor();
  const offsets = await page.locator('.ev .seq').allInnerTexts();
  const { body } = await line.ask('GET', `/orders/${id}/history`, { staff: true });
  assert.deepEqual(offsets, body.events.map((/** @type {any} */ { offset }) => `#${offset}`));
  await close();
});

test('the past is what it was, event by event, and now is a key away', async () => {
  const { page, close } = bound(await ledger());
  const order = await place();
  await line.command(order.order_id, 'cancel', { reason: 'ordered twice' });
  const { body } = await line.ask('GET', `/orders/${order.order_id}/history`, { staff: true });
  const [taken, cancelled] = body.events;
  await counts(page, /[1-9]\d* cancelled/);
  await page.goto(`${line.url}/ledger?at=${cancelled.timestamp}&order=${order.order_id}`);
  await page.locator('html[data-state="past"]').waitFor();
  await counts(page, /1 cancelled \+ 0 open$/);
  await page.locator('.ev li').filter({ hasText: 'Cancelled: ordered twice' }).waitFor();
  const before = await page.locator('#hand').getAttribute('aria-valuenow');
  await page.locator('#hand').press('ArrowLeft');
  await counts(page, /0 cancelled \+ 1 open$/);
  assert.ok(Number(await page.locator('#hand').getAttribute('aria-valuenow')) <= Number(before));
  await page.locator('.ev li').filter({ hasText: 'Accepted' }).waitFor();
  assert.equal(await page.locator('.ev li').count(), 1);
  assert.ok(Number(new URL(page.url()).searchParams.get('at')) >= taken.timestamp);
  await page.locator('#hand').press('End');
  await page.locator('html[data-state="live"]').waitFor();
  await counts(page, /[1-9]\d* cancelled/);
  await close();
});

test('bar and board are shown as they were, and nothing can be done there', async () => {
  const order = await place();
  const code = order.code;
  await line.command(order.order_id, 'start');
  const { body } = await line.ask('GET', `/orders/${order.order_id}/history`, { staff: true });
  const taken = body.events[0].timestamp;
  await line.command(order.order_id, 'cancel');
  const { page, context, close } = bound(await ledger({ query: `?at=${taken}`, expected: [/status of 40/] }));
  /** @type {string[]} */
  const sent = [];
  context.on('request', (request) => request.method() !== 'GET' && sent.push(`${request.method()} ${request.url()}`));
  await page.getByRole('link', { name: 'Bar then' }).click();
  await page.locator('.past').filter({ hasText: 'Nothing can be done here' }).waitFor();
  const ticket = page.locator('#tickets').getByText(new RegExp(`${code.words.en} ${code.label}`, 'i')).first();
  await ticket.waitFor();
  await page.locator('#tickets button').first().click();
  await page.keyboard.press('1');
  await page.getByRole('link', { name: 'Back to the ledger' }).click();
  await page.locator('html[data-state="past"]').waitFor();
  await page.getByRole('link', { name: 'Board then' }).click();
  await page.locator('.past').waitFor();
  await page.locator('.board').getByText(String(code.label)).first().waitFor();
  assert.deepEqual(sent, []);
  await close();
});

test('what the ledger asks of the bar is heard there, and stands on the order that is ready', async () => {
  const order = await place();
  await line.command(order.order_id, 'ready');
  const bar = await open(browser, 'about:blank', { width: 1_280, height: 800 });
  await signIn(bar.context, line, 'barista', 'Main bar');
  await bar.page.goto(`${line.url}/bar`);
  const chip = bar.page.locator(`.chip[data-id="${order.order_id}"]`);
  await chip.waitFor();
  await line.command(order.order_id, 'note', { text: 'Please call this one again' });
  await chip.filter({ hasText: 'Please call this one again' }).waitFor();
  await bar.page.locator('[aria-live="polite"]').filter({ hasText: 'Please call this one again' }).waitFor({ state: 'attached' });
  await bar.accessible();
  await line.command(order.order_id, 'collect');
  await bar.close();
});

test('a day is taken home as a file, without names and notes', async () => {
  await line.place({ items: [{ item: 'latte', note: 'no nuts' }], name: 'Minji' }, { staff: true });
  const { page, close } = bound(await ledger());
  const link = page.getByRole('link', { name: /^CSV: / }).first();
  const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
  const text = await readFile(await download.path(), 'utf8');
  assert.match(text, /^[a-z_]+,/);
  assert.ok(text.split('\n').length > 2, text);
  assert.doesNotMatch(text, /no nuts|Minji/);
  await close();
});

test('what is not live says how old it is, claims nothing, and comes back by itself', async () => {
  const { page, close } = bound(await ledger({ expected: [...GONE, /Failed to load resource/] }));
  await page.locator('.ok').filter({ hasText: 'Every order accounted for' }).waitFor();
  await line.kill();
  await page.locator('header').filter({ hasText: /Not live: last count \d+(\.\d)? s ago/ }).waitFor();
  await page.locator('.ok').filter({ hasText: 'Every order was accounted for' }).waitFor();
  await line.start();
  await page.locator('header').filter({ hasText: /Live, \d/ }).waitFor();
  await page.locator('.ok').filter({ hasText: 'Every order accounted for' }).waitFor();
  await close();
});

test('the ledger is for managers, and whoever is nobody is sent to sign in and comes back', async () => {
  const barista = bound(await ledger({ role: 'barista', expected: [/status of 403/] }));
  await barista.page.getByText('The ledger is for managers').first().waitFor();
  assert.equal(await barista.page.locator('.eq').count(), 0);
  await barista.close();
  const nobody = await open(browser, `${line.url}/ledger?q=latte`, { expected: [/status of 401/] });
  await nobody.page.waitForURL(/\/sign-in\?to=%2Fledger%3Fq%3Dlatte$/);
  await nobody.close();
});

/** @template {{close: () => Promise<void>}} T @param {T} opened */
function bound(opened) {
  return Object.assign(opened, { close: opened.close.bind(opened) });
}
