/** The table card: what is printed, what staff are told, and the Wi-Fi beside it. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { browser as launch, lineAndBrowser, open } from './harness.mjs';
import { begin } from './line.mjs';

const SECURE = 'https://cafe.example';
const { line, browser } = await lineAndBrowser(test, { args: ['--public-url', SECURE] });

/** @param {import('playwright-core').Page} page */
const shown = (page) => page.waitForSelector('.card');

/**
 * Waits until a picture is there.
 * @param {import('playwright-core').Page} page
 * @param {string} selector
 */
const drawn = (page, selector) =>
  page.waitForFunction((selector) => {
    const image = /** @type {HTMLImageElement | null} */ (document.querySelector(selector));
    return image?.complete && image.naturalWidth > 0;
  }, selector);

test('the card says the address that phones open, in both languages, and everyone can use the page', async () => {
  for (const language of ['en', 'ko']) {
    for (const theme of /** @type {const} */ (['light', 'dark'])) {
      const phone = await open(browser, `${line.url}/table`, { language, theme, width: 1000, height: 700 });
      await shown(phone.page);
      await drawn(phone.page, '.card img');
      assert.equal(await phone.page.textContent('.address'), SECURE);
      const spoken = await phone.page.$$eval('.card figcaption span', (all) => all.map((one) => [one.getAttribute('lang'), one.textContent]));
      assert.deepEqual(new Set(spoken.map(([lang]) => lang)), new Set(['en', 'ko']));
      assert.equal(spoken[0]?.[0], language, 'the one of the page comes first');
      assert.equal(await phone.page.$('.notice'), null, 'there is nothing to warn of');
      await phone.accessible();
      await phone.fits();
      await phone.picture(`table-${language}-${theme}`);
      await phone.close();
    }
  }
});

test('an answer that is not the counter’s is said to be none, with a way to ask again', async () => {
  const phone = await open(browser, 'about:blank', { width: 1000, height: 700, expected: [/status of 409/] });
  const { page } = phone;
  for (const status of [409, 200]) {
    const proxys = (/** @type {import('playwright-core').Route} */ route) => route.fulfill({ status, contentType: 'text/html', body: '<p>Sign in to this network</p>' });
    await page.route('**/table/address', proxys);
    await page.goto(`${line.url}/table`);
    await page.waitForSelector('[role=alert]');
    await phone.accessible();
    await page.unroute('**/table/address', proxys);
    await page.click('.primary');
    await shown(page);
  }
  await phone.close();
});

test('on a phone and with large text nothing is lost', async () => {
  const phone = await open(browser, `${line.url}/table`, { language: 'ko' });
  await shown(phone.page);
  await phone.fits();
  await phone.picture('table-ko-phone', { fullPage: true });
  await phone.close();
  const large = await open(browser, `${line.url}/table`, { text: 2 });
  await shown(large.page);
  await large.fits();
  await large.close();
});

test('a Wi-Fi stands on the card as a code of its own and is kept nowhere', async () => {
  const canary = 'geheim;1:"\\';
  const phone = await open(browser, `${line.url}/table`, { language: 'ko', width: 1000, height: 900 });
  const { page } = phone;
  await shown(page);
  await page.fill('input[name=name]', '온하루, 손님');
  await page.fill('input[name=password]', canary);
  await page.check('input[name=hidden]');
  const [request] = await Promise.all([page.waitForRequest((one) => one.method() === 'POST'), page.click('form .quiet')]);
  assert.equal(request.postData(), 'WIFI:T:WPA;S:온하루\\, 손님;P:geheim\\;1\\:\\"\\\\;H:true;;');
  await page.waitForSelector('.card.two');
  await drawn(page, '.card figure:first-child img');
  assert.deepEqual(await page.$$eval('.card figcaption b', (all) => all.map((one) => one.textContent)), ['1', '2']);
  await phone.accessible();
  await phone.picture('table-ko-wifi');
  const kept = await page.evaluate(async () => [JSON.stringify(localStorage), document.cookie, location.href].join(' '));
  assert.ok(!kept.includes('geheim'), kept);
  assert.ok(!line.said.includes('geheim'), 'not in what the line says either');
  await page.click('form .quiet:last-child');
  await page.waitForSelector('.card.one');
  await phone.close();
});

test('an open Wi-Fi has no password, and what no Wi-Fi has is refused at its field', async () => {
  const phone = await open(browser, `${line.url}/table`);
  const { page } = phone;
  await shown(page);
  const put = async (/** @type {string} */ name, /** @type {string} */ password) => {
    await page.fill('input[name=name]', name);
    await page.fill('input[name=password]', password);
    await page.press('input[name=password]', 'Enter');
  };
  await put('x'.repeat(33), '');
  await page.waitForSelector('input[name=name][aria-invalid=true]:focus');
  await put('cafe', '1234567');
  await page.waitForSelector('input[name=password][aria-invalid=true]:focus');
  await phone.accessible();
  const [request] = await Promise.all([page.waitForRequest((one) => one.method() === 'POST'), put('cafe', '')]);
  assert.equal(request.postData(), 'WIFI:T:nopass;S:cafe;;');
  await page.waitForSelector('.card.two');
  assert.equal(await page.textContent('.wrong'), '');
  await phone.close();
});

test('on paper there is the card alone, on one page of A6', async () => {
  const phone = await open(browser, `${line.url}/table`, { theme: 'dark' });
  await shown(phone.page);
  await drawn(phone.page, '.card img');
  await phone.page.emulateMedia({ media: 'print' });
  for (const gone of ['header', '.desk']) assert.ok(!(await phone.page.isVisible(gone)), gone);
  const card = await phone.page.locator('.card').boundingBox();
  const mm = 96 / 25.4;
  assert.deepEqual([card?.width, card?.height].map((pixels) => Math.round((pixels ?? 0) / mm)), [105, 148]);
  const pdf = await phone.page.pdf({ preferCSSPageSize: true, printBackground: true });
  const text = pdf.toString('latin1');
  assert.equal(text.match(/\/Type\s*\/Page\b/g)?.length, 1, 'one page');
  const [, width, height] = /\/MediaBox\s*\[\s*0\s+0\s+([\d.]+)\s+([\d.]+)/.exec(text) ?? [];
  assert.deepEqual([width, height].map((points) => Math.round(Number(points) / 72 * 25.4)), [105, 148]);
  await phone.picture('table-paper');
  await phone.close();
});

test('without https, or in a network alone, staff are told what phones can not do', async () => {
  const lan = await begin({ args: ['--public-url', 'http://192.168.1.5:8080'] });
  try {
    for (const language of ['en', 'ko']) {
      const phone = await open(browser, `${lan.url}/table`, { language, width: 1000, height: 900 });
      await shown(phone.page);
      assert.equal((await phone.page.$$('.notice')).length, 2);
      await phone.accessible();
      await phone.picture(`table-lan-${language}`);
      await phone.close();
    }
  } finally {
    await lan.end();
  }
});

test('where no phone comes in there is no card, and the way out is said', async () => {
  const local = await begin();
  try {
    for (const language of ['en', 'ko']) {
      const phone = await open(browser, `${local.url}/table`, { language, expected: [/status of 409/] });
      await phone.page.waitForSelector('.notice');
      assert.equal(await phone.page.$('.card'), null);
      const ways = await phone.page.$$eval('pre', (all) => all.map((one) => one.textContent));
      assert.ok(ways[0]?.endsWith(`--listen 0.0.0.0:${new URL(local.url).port}`) && ways[1]?.includes('--public-url'), String(ways));
      await phone.accessible();
      await phone.fits();
      await phone.picture(`table-nowhere-${language}`);
      await phone.close();
    }
  } finally {
    await local.end();
  }
});

test('a counter that is gone is said to be, and found again', async () => {
  const own = await begin({ args: ['--public-url', SECURE] });
  const chromium = await launch();
  try {
    const phone = await open(chromium, `${own.url}/table`, { expected: [/ERR_CONNECTION_REFUSED/] });
    await shown(phone.page);
    // Nothing is on its way: only what is asked for then finds nobody.
    await drawn(phone.page, '.card img');
    await own.kill();
    await phone.page.fill('input[name=name]', 'cafe');
    await phone.page.press('input[name=name]', 'Enter');
    await phone.page.waitForSelector('.wrong:not(:empty)');
    await own.start();
    await phone.page.press('input[name=name]', 'Enter');
    await phone.page.waitForSelector('.card.two');
    await phone.close();
  } finally {
    await chromium.close();
    await own.end();
  }
});
