/** The page that says what is kept. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { lineAndBrowser, open } from './harness.mjs';

const { line, browser } = await lineAndBrowser(test);

test('it is read in both languages and themes, on a phone and with large text, and everyone can use it', async () => {
  for (const language of ['en', 'ko']) {
    for (const theme of /** @type {const} */ (['light', 'dark'])) {
      const phone = await open(browser, `${line.url}/privacy`, { language, theme });
      await phone.page.waitForSelector('h2');
      await phone.accessible();
      await phone.fits();
      await phone.picture(`privacy-${language}-${theme}`, { fullPage: true });
      await phone.close();
    }
    const large = await open(browser, `${line.url}/privacy`, { language, text: 2 });
    await large.page.waitForSelector('h2');
    await large.fits();
    await large.close();
  }
});

test('what it says of cookies and of the storage is so: reading it leaves nothing behind', async () => {
  const phone = await open(browser, `${line.url}/privacy`);
  await phone.page.waitForSelector('h2');
  assert.deepEqual(await phone.context.cookies(), []);
  assert.deepEqual(await phone.page.evaluate(() => [localStorage.length, sessionStorage.length]), [0, 0]);
  assert.equal(await phone.page.getByRole('link', { name: 'Back to ordering' }).getAttribute('href'), '/');
  await phone.page.click('header button');
  await phone.page.waitForSelector('html[lang=ko]');
  assert.deepEqual(await phone.page.evaluate(() => Object.keys(localStorage)), ['brewline.lang']);
  await phone.close();
});
