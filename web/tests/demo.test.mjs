/** Practice: every page says that nothing on it is real, and nothing is hidden by that. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { lineAndBrowser, open } from './harness.mjs';

const { line, browser } = await lineAndBrowser(test, { args: ['--demo=nobody', '--public-url', 'https://cafe.example'] });
const SAID = { en: 'Practice: nothing here is real', ko: '연습이에요. 진짜 주문이 아니에요' };
const PAGES = /** @type {const} */ ({ order: '/', table: '/table', privacy: '/privacy' });

/** @param {import('playwright-core').Page} page */
const banner = async (page) => (await page.locator('.demo').innerText()).trim();

for (const [name, path] of Object.entries(PAGES)) {
  test(`${path} says at the top that it is practice, in each language and theme, and everyone can use it`, async () => {
    for (const language of /** @type {const} */ (['en', 'ko'])) {
      for (const theme of /** @type {const} */ (['light', 'dark'])) {
        const phone = await open(browser, `${line.url}${path}`, { language, theme });
        await phone.page.waitForSelector('#app > :not(.boot)');
        assert.equal(await banner(phone.page), SAID[language]);
        await phone.accessible();
        await phone.fits();
        await phone.picture(`demo-${name}-${language}-${theme}`);
        await phone.close();
      }
    }
  });
}

test('the banner stays while one scrolls, covers nothing, and speaks the language that is chosen', async () => {
  const phone = await open(browser, `${line.url}/`);
  const { page } = phone;
  await page.waitForSelector('[data-item] button.add');
  const top = await page.evaluate(() => {
    const bottom = document.querySelector('.demo')?.getBoundingClientRect().bottom ?? NaN;
    return { bottom, app: document.querySelector('#app')?.getBoundingClientRect().top ?? NaN };
  });
  assert.ok(top.bottom > 20 && top.app >= top.bottom, JSON.stringify(top));
  await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
  const box = await page.locator('.demo').boundingBox();
  assert.equal(box?.y, 0);
  await page.evaluate(() => scrollTo(0, 0));
  await page.getByRole('button', { name: '한국어' }).click();
  await page.waitForFunction((said) => /** @type {HTMLElement} */ (document.querySelector('.demo')).innerText.trim() === said, SAID.ko);
  await phone.close();
});

test('with text twice as large all of it can be read', async () => {
  for (const language of /** @type {const} */ (['en', 'ko'])) {
    const phone = await open(browser, `${line.url}/`, { language, text: 2 });
    await phone.page.waitForSelector('[data-item] button.add');
    await phone.fits();
    const cut = await phone.page.evaluate(() => {
      const banner = /** @type {HTMLElement} */ (document.querySelector('.demo'));
      return banner.scrollHeight > banner.clientHeight;
    });
    assert.ok(!cut, 'the banner is high enough');
    await phone.picture(`demo-order-${language}-large`);
    await phone.close();
  }
});
