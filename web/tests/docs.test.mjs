/** The page that shows the specifications. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { lineAndBrowser, open } from './harness.mjs';

const { line, browser } = await lineAndBrowser(test);

/** @param {import('playwright-core').Page} page @param {string} place */
async function unfold(page, place) {
  await page.locator(`[id="${place}"] > summary`).click();
  await page.waitForSelector(`[id="${place}"] > .inside`);
}

test('it is read in both languages and themes, on a phone and with large text, and everyone can use it', async () => {
  for (const language of ['en', 'ko']) {
    for (const theme of /** @type {const} */ (['light', 'dark'])) {
      const phone = await open(browser, `${line.url}/docs#placeOrder`, { language, theme });
      await phone.page.waitForSelector('#placeOrder > .inside');
      await unfold(phone.page, 'placeOrder/body');
      await unfold(phone.page, 'placeOrder/body/example/drinks');
      await phone.accessible();
      await phone.fits();
      await phone.picture(`docs-${language}-${theme}`);
      await phone.page.goto(`${line.url}/docs#orderProcessed`);
      await phone.page.reload();
      await phone.page.waitForSelector('#orderProcessed > .inside');
      await unfold(phone.page, 'orderProcessed/orderProcessed');
      await phone.accessible();
      await phone.fits();
      await phone.picture(`docs-topics-${language}-${theme}`);
      await phone.close();
    }
    const large = await open(browser, `${line.url}/docs#placeOrder`, { language, text: 2 });
    await large.page.waitForSelector('#placeOrder > .inside');
    await large.fits();
    await large.close();
  }
});

test('every request and every topic of the specifications is there, and is found by its words', async () => {
  const phone = await open(browser, `${line.url}/docs`);
  const { page } = phone;
  const { paths } = await (await fetch(`${line.url}/docs/openapi.json`)).json();
  const { channels } = await (await fetch(`${line.url}/docs/asyncapi.json`)).json();
  const requests = Object.values(paths).flatMap((methods) => Object.keys(methods)).length;
  await page.waitForSelector('#placeOrder');
  assert.equal(await page.locator('main > div > details').count(), requests);
  await page.fill('input[type=search]', 'sold-out');
  await page.waitForFunction(() => document.querySelectorAll('main > div > details').length === 1);
  assert.ok(await page.locator('#saySoldOut').isVisible());
  await page.fill('input[type=search]', '');
  await page.getByRole('button', { name: 'Topics' }).click();
  await page.waitForSelector('#shopState');
  assert.equal(await page.locator('main > div > details').count(), Object.keys(channels).length);
  await phone.close();
});

test('an example is shown as it stands in the specification, of what is asked, answered, and told in a stream', async () => {
  const phone = await open(browser, `${line.url}/docs`);
  const { page } = phone;
  const { paths } = await (await fetch(`${line.url}/docs/openapi.json`)).json();
  const { requestBody, responses } = paths['/orders'].post;
  const order = paths['/orders/{id}/events'].get.responses['200'].content['text/event-stream']['x-events'].order;
  await page.waitForSelector('#placeOrder');
  for (const [operation, place, { value }] of [
    ['placeOrder', 'body/example/drinks', requestBody.content['application/json'].examples.drinks],
    ['placeOrder', '201/application/json/example/drinks', responses['201'].content['application/json'].examples.drinks],
    ['followOrder', '200/text/event-stream/order/example/received', order.examples.received],
  ]) {
    if (await page.locator(`#${operation} > .inside`).count() === 0) await unfold(page, operation);
    await unfold(page, `${operation}/${place}`);
    assert.deepEqual(JSON.parse(await page.locator(`[id="${operation}/${place}"] pre`).innerText()), value);
  }
  await phone.close();
});

test('it is read with the keys alone, however deep', async () => {
  const phone = await open(browser, `${line.url}/docs`);
  const { page } = phone;
  await page.waitForSelector('#placeOrder');
  await page.locator('#showOrder > summary').focus();
  await page.keyboard.press('Enter');
  await page.waitForSelector('#showOrder > .inside');
  const answer = '[id="showOrder/200/application/json"]';
  await page.locator(`${answer} > summary`).focus();
  await page.keyboard.press('Space');
  await page.waitForSelector(`${answer} > .inside`);
  assert.match(await page.locator(answer).innerText(), /order_id[^]*queue/);
  await phone.close();
});
