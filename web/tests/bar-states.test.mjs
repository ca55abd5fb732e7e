/** The bar: every state as it is drawn, in both languages and themes, with large text and on a narrow screen. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { lineAndBrowser } from './harness.mjs';
import { answerWith, HARD, LONG, NO_STREAM, NOW, READY, rush, SHIFT, settle, snapshot, tablet } from './bar-tools.mjs';

const MADE = { ...SHIFT[4], state: 'ready', ready_at: NOW, version: 2 };

const { line, browser } = await lineAndBrowser(test, { args: ['--mode', 'manual'] });

/** The order that is made ready in the drawing is. */
let isReady = false;
/** What the page is told in each state. @type {Record<string, () => {status?: number, body: any}>} */
const STATES = {
  shift: () => ({ body: snapshot([...SHIFT.map((order) => (isReady && order.order_id === 'mango' ? MADE : order)), ...READY]) }),
  rush: () => ({ body: snapshot(rush(60)) }),
  long: () => ({ body: snapshot([SHIFT[3], LONG, SHIFT[9]]) }),
  hard: () => ({ body: snapshot([HARD, { ...SHIFT[9], code: undefined, version: 0, decided: false, undecided_ms: 8_000 }, { ...SHIFT[7], mode: undefined }], { no_barista: true }) }),
  empty: () => ({ body: snapshot([]) }),
  starting: () => ({ status: 503, body: { code: 'starting' } }),
  signed_out: () => ({ status: 401, body: { code: 'signed_out' } }),
};

for (const [language, theme, text] of /** @type {const} */ ([
  ['en', 'dark', 1],
  ['ko', 'dark', 1],
  ['en', 'light', 1],
  ['ko', 'light', 1],
  ['en', 'dark', 2],
  ['ko', 'light', 2],
])) {
  const size = text === 1 ? '' : ', with text twice as large';
  test(`every state is shown as drawn and can be used by everyone: ${language}, ${theme}${size}`, async () => {
    let state = 'shift';
    isReady = false;
    const prepare = (/** @type {import('playwright-core').Page} */ page) => answerWith(page, () => STATES[state]?.() ?? assert.fail());
    for (state of Object.keys(STATES)) {
      const bar = await tablet(browser, line, { language, theme, text, calm: true, at: NOW, expected: NO_STREAM, prepare });
      const { page } = bar;
      if (state === 'empty') await page.waitForSelector('.none');
      else if (state === 'starting' || state === 'signed_out') await page.waitForSelector('.notice.warn');
      else await page.waitForSelector('.tk');
      if (state === 'shift') {
        await page.locator('[data-id=mango] .go').scrollIntoViewIfNeeded();
        await settle(page);
        await page.route(/\/commands$/, (route) => {
          isReady = true;
          return route.fulfill({ json: MADE });
        });
        await page.locator('[data-id=mango] .go').click();
        await page.waitForSelector('.tk.undo');
      }
      await settle(page);
      // Each language and theme once: it takes longer than all the rest.
      if (text === 2 || (language === 'en') === (theme === 'dark')) await bar.accessible();
      await bar.fits();
      await bar.picture(`bar-${state}-${language}-${theme}${text === 2 ? '-200' : ''}`);
      assert.equal(await page.evaluate(() => /** @type {any} */ (window).hacked), undefined);
      await bar.close();
      isReady = false;
    }
  });
}

test('offline is said with its age, and moves nothing', async () => {
  for (const [language, theme] of /** @type {const} */ ([['en', 'dark'], ['ko', 'light']])) {
    let isUp = true;
    const prepare = (/** @type {import('playwright-core').Page} */ page) =>
      answerWith(page, () => (isUp ? { body: snapshot(SHIFT) } : { status: 502, body: 'a proxy' }));
    const bar = await tablet(browser, line, { language, theme, at: NOW, expected: [...NO_STREAM, /status of 502/], prepare });
    const { page } = bar;
    await page.waitForSelector('[data-id=flag]');
    await settle(page);
    // A tap may scroll the rail; where the rail is, and what stands where on it, stays.
    const where = () =>
      page.evaluate(() => {
        const { y, height } = document.querySelector('.rail')?.getBoundingClientRect() ?? {};
        return [y, height, ...[...document.querySelectorAll('.tk')].map((ticket) => /** @type {HTMLElement} */ (ticket).style.transform)];
      });
    const before = await where();
    isUp = false;
    await page.route(/\/commands$/, (route) => route.abort());
    await settle(page);
    await page.locator('[data-id=lemon] .go').click();
    await page.locator('[data-id=leaf] .go').click();
    await page.clock.fastForward(14_000);
    await page.locator('.notice.warn').filter({ hasText: language === 'en' ? /Not connected for 1\d s\..*2 taps kept/s : /1\d초째 연결이 끊겼어요\..*2개 보관 중/s }).waitFor();
    assert.deepEqual(await where(), before);
    await bar.accessible();
    await bar.picture(`bar-offline-${language}-${theme}`);
    await bar.close();
  }
});

test('the head stays one row on a tablet, also when the printer has something to say', async () => {
  for (const language of ['en', 'ko']) {
    for (const width of [1024, 1180, 1280, 1366]) {
      for (const printer of [undefined, { state: 'no_paper', waiting: 3, since: NOW }]) {
        const prepare = (/** @type {import('playwright-core').Page} */ page) => answerWith(page, () => ({ body: snapshot(SHIFT, printer && { printer }) }));
        const bar = await tablet(browser, line, { language, width, height: 800, at: NOW, expected: NO_STREAM, prepare });
        await bar.page.waitForSelector(printer ? '.hb.printer' : '.tk');
        assert.equal(await bar.page.locator('.head').evaluate((head) => head.clientHeight), 64, `${language}, ${width} px`);
        if (printer) await bar.picture(`bar-printer-${language}-${width}`);
        await bar.close();
      }
    }
  }
});

test('on a narrow screen there is one column, and the page scrolls', async () => {
  const prepare = (/** @type {import('playwright-core').Page} */ page) => answerWith(page, () => ({ body: snapshot([...SHIFT, ...READY]) }));
  const bar = await tablet(browser, line, { width: 390, height: 844, at: NOW, expected: NO_STREAM, prepare });
  await bar.page.waitForSelector('.tk');
  await bar.fits();
  await bar.accessible();
  await bar.picture('bar-narrow-en-dark');
  await bar.close();
});

test('before anything is known the layout is there, and no more', async () => {
  let answer = () => {};
  const asked = new Promise((/** @type {(value?: unknown) => void} */ done) => (answer = done));
  const prepare = async (/** @type {import('playwright-core').Page} */ page) => {
    await page.route(/\/events$/, () => new Promise(() => {}));
    await page.route(/\/orders\?live$/, async (route) => {
      await asked;
      await route.fulfill({ json: snapshot(SHIFT) });
    });
  };
  const bar = await tablet(browser, line, { at: NOW, expected: NO_STREAM, prepare });
  await bar.page.waitForSelector('.sketch');
  await bar.page.getByText('Connecting').waitFor();
  assert.equal(await bar.page.getByText('All caught up').count(), 0);
  await bar.picture('bar-loading-en-dark');
  answer();
  await bar.page.clock.fastForward(3_000);
  await bar.page.waitForSelector('.tk');
  await bar.close();
});
