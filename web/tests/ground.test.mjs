/** What all pages stand on: languages, themes, the policy, what happens where something is refused or missing. */

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { readdir, readFile } from 'node:fs/promises';
import test from 'node:test';

import ko from '../messages/ko.js';
import { lineAndBrowser, open } from './harness.mjs';

// Without an address for phones there is no table card.
const { line, browser } = await lineAndBrowser(test, { args: ['--public-url', 'https://cafe.example'] });
const PAGES = ['/', '/o/no-such-order', '/table', '/privacy'];
/** The browser says of each answer with 404 that it was one. */
const NOT_FOUND = /status of 404/;

for (const path of PAGES) {
  test(`${path} opens in both languages and themes without an error, and everyone can use it`, async () => {
    for (const language of ['en', 'ko']) {
      for (const theme of /** @type {const} */ (['light', 'dark'])) {
        const phone = await open(browser, line.url + path, { language, theme, expected: [NOT_FOUND] });
        await phone.page.waitForSelector('h1');
        assert.equal(await phone.page.getAttribute('html', 'lang'), language);
        await phone.accessible();
        await phone.fits();
        await phone.close();
      }
    }
  });
}

test('the address decides the language, then the choice, then the browser', async () => {
  const phone = await open(browser, `${line.url}/?lang=ko`, { language: 'en' });
  const shown = () => phone.page.getAttribute('html', 'lang');
  assert.equal(await shown(), 'ko');
  await phone.page.evaluate(() => localStorage.setItem('brewline.lang', 'ko'));
  await phone.page.goto(`${line.url}/`);
  await phone.page.waitForSelector('html[lang=ko] h1');
  await phone.page.goto(`${line.url}/?lang=en`);
  await phone.page.waitForSelector('html[lang=en] h1');
  await phone.close();
});

test('a language whose texts do not come changes nothing, and can be chosen again', async () => {
  const phone = await open(browser, `${line.url}/privacy`, { expected: [/ERR_INTERNET_DISCONNECTED/] });
  const { page } = phone;
  await page.waitForSelector('h1');
  const base = await page.evaluate(() => document.querySelector('script')?.src.replace(/[^/]+$/, '') ?? '');
  const choose = () =>
    page.evaluate(async (base) => (await import(`${base}lib/i18n.js`)).setLanguage('ko'), base);
  await phone.context.setOffline(true);
  await choose();
  assert.equal(await page.getAttribute('html', 'lang'), 'en');
  await phone.context.setOffline(false);
  await choose();
  assert.equal(await page.getAttribute('html', 'lang'), 'ko');
  await page.goto(`${line.url}/privacy`);
  await page.waitForSelector('html[lang=ko] h1');
  await phone.close();
});

test('whoever asks for a language that does not come is told so in it, on every page', async () => {
  // The card for the tables has both at hand.
  for (const path of PAGES.filter((path) => path !== '/table')) {
    for (const [language, name, says] of /** @type {const} */ ([
      ['en', '한국어', /^한국어로 바꾸지 못했어요/],
      ['ko', 'English', /^This page can’t be shown in English/],
    ])) {
      const phone = await open(browser, line.url + path, { language, expected: [NOT_FOUND, /Failed to load resource/] });
      const { page } = phone;
      await page.waitForSelector('h1');
      await phone.context.setOffline(true);
      const other = page.getByRole('button', { name, exact: true });
      await other.click();
      const said = page.getByRole('alert').filter({ hasText: says });
      await said.waitFor();
      assert.equal(await said.getAttribute('lang'), language === 'en' ? 'ko' : 'en');
      await phone.accessible();
      await phone.fits();
      await phone.picture(`language-failed-${path === '/' ? 'order' : path.split('/')[1]}-${language}-light`);
      await phone.context.setOffline(false);
      await other.click();
      await page.waitForSelector(`html[lang=${language === 'en' ? 'ko' : 'en'}]`);
      assert.equal(await page.locator('.unchanged').count(), 0);
      await phone.close();
    }
  }
});

test('a language that nobody speaks here becomes English', async () => {
  const phone = await open(browser, `${line.url}/?lang=xx`, { language: 'fr-FR' });
  await phone.page.waitForSelector('html[lang=en] h1');
  await phone.close();
});

test('it works where the browser keeps nothing', async () => {
  const phone = await open(browser, `${line.url}/`, { language: 'ko', storage: false });
  await phone.page.waitForSelector('html[lang=ko] h1');
  await phone.close();
});

test('the module for languages says times, days, prices and minutes as they are said', async () => {
  const phone = await open(browser, `${line.url}/`, { timeZone: 'America/New_York' });
  const { page } = phone;
  await page.waitForSelector('h1');
  const base = await page.evaluate(() => document.querySelector('script')?.src.replace(/[^/]+$/, '') ?? '');
  const say = (/** @type {'en' | 'ko'} */ language) =>
    page.evaluate(
      async ([base, language]) => {
        const i18n = await import(`${base}lib/i18n.js`);
        await i18n.setLanguage(language);
        const noon = Date.UTC(2026, 2, 6, 3, 5, 9); // 12:05:09 in Seoul
        const hours = 3_600_000;
        const seoul = 'Asia/Seoul';
        return [
          i18n.time(noon, seoul),
          i18n.time(noon),
          i18n.time(noon, 'No/Where'),
          i18n.timeWithSeconds(noon, seoul),
          i18n.day(noon, noon, seoul),
          i18n.day(noon + 12 * hours, noon, seoul),
          i18n.day(noon + 48 * hours, noon, seoul),
          i18n.day(noon + 480 * hours, noon, seoul),
          i18n.price(5500, 'KRW'),
          i18n.price(350, 'USD'),
          i18n.minutes(6, 8),
          i18n.minutes(6, 6),
          i18n.word({ en: 'Mango', ko: '망고' }),
        ];
      },
      [base, language],
    );
  // prettier-ignore
  assert.deepEqual(await say('en'), ['12:05', '22:05', '22:05', '12:05:09', 'today', 'tomorrow', 'Sunday', 'March 26',
    '₩5,500', '$3.50', '6–8 min', '6 min', 'Mango']);
  // prettier-ignore
  assert.deepEqual(await say('ko'), ['12:05', '22:05', '22:05', '12:05:09', '오늘', '내일', '일요일', '3월 26일',
    '5,500원', '$3.50', '6–8분', '6분', '망고']);
  await phone.close();
});

test('the colours of the dark theme are the same for those who chose it and those whose phone did', async () => {
  const css = await readFile(new URL('../base.css', import.meta.url), 'utf8');
  const blocks = [...css.matchAll(/:root(?:\[data-theme="dark"\]|:not\(\[data-theme="light"\]\)) \{([^}]*)\}/g)];
  const tokens = blocks.map(([, block]) => [...(block ?? '').matchAll(/--[\w-]+: [^;]+/g)].map(String));
  assert.equal(tokens.length, 2);
  assert.deepEqual(tokens[0], tokens[1]);
  assert.ok((tokens[0]?.length ?? 0) > 15);
});

test('every drawing of a pickup code is drawn in the colour of its text', async () => {
  const names = (await readdir(new URL('../symbols/', import.meta.url))).filter((name) => name.endsWith('.svg'));
  assert.equal(names.length, 64);
  const phone = await open(browser, `${line.url}/privacy`, { theme: 'dark' });
  const { page } = phone;
  // Its own script is done with what is taken away here.
  await page.waitForSelector('h1');
  await page.evaluate((names) => {
    const base = document.querySelector('script')?.src.replace(/[^/]+$/, '');
    document.body.replaceChildren();
    for (const name of names) {
      const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
      const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
      use.setAttribute('href', `${base}symbols/${name}#s`);
      svg.classList.add('sym');
      svg.style.fontSize = '44px';
      svg.append(use);
      document.body.append(svg);
    }
  }, names);
  await page.waitForFunction(() => [...document.querySelectorAll('use')].every((use) => use.getBBox().width > 10));
  await phone.picture('symbols');
  const fills = await page.evaluate(() => [...document.querySelectorAll('use')].map((use) => getComputedStyle(use).fill));
  assert.deepEqual([...new Set(fills)], ['rgb(243, 246, 245)']);
  await phone.close();
});

test('without JavaScript a page says so, in the language of the browser', async () => {
  const context = await browser.newContext({ javaScriptEnabled: false, locale: 'ko' });
  const page = await context.newPage();
  await page.goto(`${line.url}/`);
  assert.equal((await page.innerText('body')).trim(), ko['common.no_script']);
  await context.close();
});

test('no page can be put into another', async () => {
  // Another site, which says nothing of what it may hold.
  const other = createServer((_, answer) => answer.setHeader('content-type', 'text/html').end('<!doctype html><title>Other</title>'));
  await new Promise((/** @type {(value?: unknown) => void} */ done) => other.listen(0, '127.0.0.1', () => done()));
  const { port } = /** @type {import('node:net').AddressInfo} */ (other.address());
  const phone = await open(browser, `http://127.0.0.1:${port}/`, {
    expected: [/frame-ancestors/, /ERR_BLOCKED_BY_RESPONSE/, /favicon/],
  });
  const refused = phone.page.waitForEvent('requestfailed');
  await phone.page.evaluate((src) => document.body.append(Object.assign(document.createElement('iframe'), { src })), `${line.url}/privacy`);
  const request = await refused;
  assert.equal(request.url(), `${line.url}/privacy`);
  assert.match(request.failure()?.errorText ?? '', /ERR_BLOCKED_BY_RESPONSE/);
  await phone.close();
  other.close();
});

test('no code that stands in the page runs', async () => {
  const phone = await open(browser, `${line.url}/privacy`, { expected: [/Content Security Policy/] });
  const ran = await phone.page.evaluate(async () => {
    const script = document.createElement('script');
    script.textContent = 'window.ran = true';
    document.body.append(script);
    document.body.insertAdjacentHTML('beforeend', '<img src="data:," onerror="window.ran = true">');
    const image = /** @type {HTMLImageElement} */ (document.body.lastElementChild);
    await new Promise((done) => image.addEventListener('error', done));
    return 'ran' in window;
  });
  assert.equal(ran, false);
  await phone.close();
});

test('it is opened again without asking for what it has', async () => {
  const phone = await open(browser, `${line.url}/privacy`);
  /** @type {string[]} */
  const asked = [];
  phone.page.on('response', (response) => {
    if (!response.fromServiceWorker()) asked.push(`${response.status()} ${new URL(response.url()).pathname}`);
  });
  await phone.page.waitForSelector('h1');
  await phone.page.goto('about:blank');
  await phone.page.goto(`${line.url}/privacy`);
  await phone.page.waitForSelector('h1');
  const transferred = await phone.page.evaluate(() =>
    performance
      .getEntriesByType('resource')
      .map((entry) => /** @type {PerformanceResourceTiming} */ (entry))
      .filter((entry) => entry.name.includes('/web/') && entry.transferSize > 0)
      .map((entry) => entry.name),
  );
  assert.deepEqual(transferred, []);
  assert.ok(asked.some((line) => line.endsWith('/privacy')));
  await phone.close();
});
