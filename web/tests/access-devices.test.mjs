/** Devices that are signed in: how one more gets there, and how they go. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { lineAndBrowser, open, signIn } from './harness.mjs';

const { line, browser } = await lineAndBrowser(test, { args: ['--mode', 'manual'] });

/** What the browser itself says of an answer that is no good one. */
const REFUSED = /Failed to load resource.*\b(401|409)\b/;

/**
 * A device with a page, signed in if it has a role.
 * @param {string} path
 * @param {import('./harness.mjs').Phone & {role?: 'barista' | 'manager', name?: string}} [how]
 */
async function device(path, { role, name, ...phone } = {}) {
  const opened = await open(browser, 'about:blank', { expected: [REFUSED], ...phone });
  if (role) await signIn(opened.page, line, role, name);
  await opened.page.goto(line.url + path);
  return opened;
}

test('a code shown on one device signs in the next, which is listed at once and can be signed out', async () => {
  const till = await device('/sign-in', { role: 'manager', name: 'Till', width: 1000, height: 800 });
  await till.page.waitForSelector('#access-devices');
  await till.page.click('button:has-text("Code for a barista")');
  const code = (await till.page.textContent('.digits')) ?? '';
  assert.match(code, /^\d{4} \d{4}$/);
  await till.page.getByText(`--listen 0.0.0.0:${new URL(line.url).port}.`).waitFor();
  await till.accessible();
  await till.picture('access-code-en', { fullPage: true });

  const bar = await device('/sign-in');
  await bar.page.fill('input[name=device]', '<b>Bar</b>');
  await bar.page.fill('input[name=code]', code);
  await bar.page.press('input[name=code]', 'Enter');
  await bar.page.waitForSelector('nav');
  assert.equal(await bar.page.$('#access-devices'), null, 'that is for managers');

  const listed = till.page.locator('.list li', { hasText: '<b>Bar</b>' });
  await listed.waitFor();
  await till.page.waitForSelector('.digits', { state: 'detached' });
  const focus = () => till.page.evaluate(() => document.activeElement?.textContent?.trim());
  await listed.locator('button').press('Enter');
  assert.equal(await focus(), 'No', 'what is asked has the focus, on what changes nothing');
  await till.page.keyboard.press('Enter');
  assert.equal(await focus(), 'Sign out', 'and gives it back');
  await listed.locator('button').click();
  await till.accessible();
  await till.picture('access-devices-en', { fullPage: true });
  await listed.locator('button.late').press('Enter');
  await listed.waitFor({ state: 'detached' });
  assert.equal(await focus(), 'Signed-in devices');
  await bar.page.reload();
  await bar.page.waitForSelector('input[name=code]');
  assert.equal(await bar.page.inputValue('input[name=device]'), '<b>Bar</b>', 'its name is kept for the next time');
  await bar.close();
  await till.close();
});

test('all devices are signed out at once, this one too', async () => {
  const other = await device('/sign-in', { role: 'barista', name: 'Bar' });
  const till = await device('/sign-in', { role: 'manager', name: 'Till', language: 'ko', theme: 'dark' });
  await till.page.waitForSelector('#access-devices');
  await till.fits();
  await till.picture('access-manager-ko-dark', { fullPage: true });
  await till.page.click('section:has(#access-devices) > button');
  await till.page.click('section:has(#access-devices) .sure .late');
  await till.page.waitForSelector('input[name=code]');
  await other.page.reload();
  await other.page.waitForSelector('input[name=code]');
  await other.close();
  await till.close();
});

test('a program gets a token of its own, shown once, which is taken back', async () => {
  const till = await device('/sign-in', { role: 'manager', name: 'Till' });
  const { page } = till;
  await page.waitForSelector('#access-tokens');
  await page.click('.token .quiet');
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('name')), 'name');
  await page.fill('.token input', 'delivery');
  await page.click('.token .quiet');
  const token = (await page.textContent('.offer pre')) ?? '';
  const asked = () => line.ask('GET', '/session', { headers: { authorization: `Bearer ${token}` } });
  assert.deepEqual((await asked()).body, { device: 'delivery', role: 'barista' });
  await till.accessible();
  await till.picture('access-token-en', { fullPage: true });
  const listed = page.locator('.list li', { hasText: 'delivery' });
  await listed.locator('button').click();
  await listed.locator('button.late').click();
  await listed.waitFor({ state: 'detached' });
  assert.equal((await asked()).status, 401);
  await page.reload();
  await page.waitForSelector('#access-tokens');
  assert.equal(await page.$('.offer pre'), null, 'it is shown once');
  await till.close();
});

test('tokens that did not come are asked for again by themselves', async () => {
  const till = await device('/sign-in', { role: 'manager', name: 'Till', expected: [/ERR_FAILED/] });
  const { page } = till;
  assert.equal((await line.ask('POST', '/tokens', { body: { name: 'kiosk', role: 'barista' }, staff: true })).status, 201);
  let gone = true;
  await page.route('**/tokens', (route) => (gone ? route.abort() : route.fallback()));
  const failed = page.waitForEvent('requestfailed', (request) => request.url().endsWith('/tokens'));
  await page.reload();
  await failed;
  gone = false;
  await page.locator('.list li', { hasText: 'kiosk' }).waitFor();
  await till.close();
});

test('large text and a small phone lose nothing', async () => {
  const till = await device('/sign-in', { role: 'manager', name: 'A name that is about as long as one may be, which is eighty characters, and more', text: 2, width: 360, height: 700 });
  await till.page.waitForSelector('#access-tokens');
  await till.page.click('button:has-text("Code for a manager")');
  await till.page.waitForSelector('.digits');
  await till.fits();
  await till.picture('access-large', { fullPage: true });
  await till.close();
});

test('a session that ends in the middle of a shift is begun again in place, and what was tapped meanwhile is sent', async () => {
  const { order_id: id } = await line.place({ items: [{ item: 'latte' }] }, { staff: true });
  const bar = await device('/bar', { role: 'barista', name: 'Main bar', width: 1280, height: 800 });
  const { page } = bar;
  const go = page.locator('button.go.start').first();
  await go.waitFor();
  const everyone = await line.ask('DELETE', '/devices', { staff: true });
  assert.equal(everyone.status, 204);
  await go.click();
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForSelector('dialog.access-sheet');
  await bar.accessible();
  await bar.picture('access-sheet-en');
  await page.keyboard.press('Escape');
  await page.waitForSelector('dialog.access-sheet', { state: 'hidden' });
  await page.getByRole('button', { name: 'Sign in' }).click();
  const made = await line.ask('POST', '/session/codes', { body: { role: 'barista' }, staff: true });
  await page.fill('dialog input[name=code]', made.body.code);
  await page.press('dialog input[name=code]', 'Enter');
  await page.waitForSelector('dialog.access-sheet', { state: 'hidden' });
  const order = await line.shown(id, (order) => order.state === 'making');
  assert.equal(order.state, 'making');
  const history = await line.ask('GET', `/orders/${id}/history`, { staff: true });
  const started = history.body.events.filter((/** @type {any} */ event) => event.to === 'making');
  assert.equal(started.length, 1, 'once');
  assert.deepEqual(started[0].by, { role: 'staff', device: 'Main bar' });
  await bar.close();
});
