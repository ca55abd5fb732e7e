/** Every page on the narrowest phone that is still about, 320 px wide, and what of it scrolls: down, and nothing sideways. */

import test from 'node:test';

import { lineAndBrowser, open, signIn } from './harness.mjs';

const { line, browser } = await lineAndBrowser(test, { args: ['--mode', 'manual', '--public-url', 'http://192.168.1.5:8080'] });

/** By path: what is there once the page is. */
const PAGES = {
  '/': '[data-item]',
  // A text that somebody wrote is read, and broken into lines, as in its own language.
  '/bar': ':lang(en) .note[lang=ko], :lang(ko) .note:not([lang])',
  '/board': '.ready .code',
  '/till': '[data-order] .ticket',
  '/ledger': '.ds tbody th',
  '/table': '.card',
  '/docs': 'details',
  '/sign-in': 'nav [href="/table"]',
  '/privacy': 'main',
};

test('each page fits on the narrowest phone, in both languages, and nothing of it scrolls sideways', async () => {
  const { order_id: id } = await line.place({ items: [{ item: 'latte', quantity: 2, note: '얼음은 조금만 넣고 시럽은 빼 주세요' }] }, { staff: true });
  await line.shown(id, ({ decided }) => decided);
  // More than there is room for beside each other.
  for (let n = 0; n < 4; n += 1) {
    const { order_id: called } = await line.place({ amount: 6, ref: 'W'.repeat(32) }, { staff: true });
    await line.shown(called, ({ decided }) => decided);
    await line.command(called, 'ready');
  }
  for (const language of ['en', 'ko']) {
    const phone = await open(browser, 'about:blank', { language, width: 320, height: 568 });
    await signIn(phone.page, line, 'manager');
    for (const [path, there] of Object.entries({ ...PAGES, [`/o/${id}`]: '.steps .now' })) {
      await phone.page.goto(line.url + path);
      await phone.page.waitForSelector(there, { state: 'attached' });
      await phone.fits();
    }
    await phone.close();
  }
});
