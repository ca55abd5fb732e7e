/** The pager: every state as it is drawn, in both languages and themes, at the size of a phone and with large text. */

import test from 'node:test';

import { lineAndBrowser } from './harness.mjs';
import { answerWith, DRAWN, DRAWN_STATES, NO_STREAM, pager } from './pager-tools.mjs';

const { line, browser } = await lineAndBrowser(test);

/** The heading of each drawn state, in both languages. @type {Record<string, [RegExp, RegExp]>} */
const SAYS = {
  received: [/^Ready at about 08:42–08:44$/, /^08:42–08:44쯤 나와요$/],
  unpaid: [/^Show this code at the till to pay$/, /카운터에서 이 코드를/],
  undecided: [/^Your order is in$/, /^주문을 받았어요$/],
  nobody: [/^Your order is in$/, /^주문을 받았어요$/],
  making: [/^Being made, about 3 min$/, /^만들고 있어요, 약 3분$/],
  told: [/so we told the bar$/, /바에 알렸어요$/],
  coming: [/^The bar knows you’re coming$/, /^바에 알렸어요$/],
  missing: [/^The bar is looking for it$/, /^바에서 찾고 있어요$/],
  recalled: [/^Sorry, your drink is being remade$/, /^죄송해요, 음료를 다시 만들고 있어요$/],
  collected: [/^Collected at 08:45\. Enjoy\.$/, /^08:45에 받아 가셨어요/],
  uncollected: [/^Nobody picked it up$/, /^찾아가지 않으셨어요$/],
  cancelled: [/^Order cancelled$/, /^주문이 취소됐어요$/],
};

for (const [language, theme, text] of /** @type {const} */ ([
  ['en', 'light', 1],
  ['en', 'dark', 1],
  ['ko', 'light', 1],
  ['ko', 'dark', 1],
  ['en', 'light', 2],
  ['ko', 'dark', 2],
])) {
  const size = text === 1 ? '' : ', with text twice as large';
  test(`every state is shown as drawn and can be used by everyone: ${language}, ${theme}${size}`, async () => {
    const looks = { language, theme, text, calm: true, clock: true, expected: NO_STREAM };
    const phone = await pager(browser, line.url, 'none', looks);
    const { page } = phone;
    let [state, version] = ['received', 0];
    await answerWith(page, () => ({ body: { ...DRAWN, ...DRAWN_STATES[state], version } }));
    for (state of Object.keys(DRAWN_STATES)) {
      version += 1;
      // Opened where the page must not know better from before; else it hears of it.
      if (state === 'received' || state === 'lost') await page.goto(`${line.url}/o/drawn-${state}`);
      else await page.clock.fastForward(5_000);
      await page.waitForSelector(`main.${{ told: 'ready', missing: 'coming', nobody: 'received' }[state] ?? state}`);
      const says = SAYS[state]?.[language === 'en' ? 0 : 1];
      if (says) await page.locator('.state, .where').filter({ hasText: says }).waitFor();
      // The drawing of the code comes by itself, the first time.
      if (state === 'received') await page.waitForLoadState('networkidle');
      // Each theme, and large text, once: it takes longer than all the rest.
      if ((language === 'en') === (theme === 'light')) await phone.accessible();
      await phone.fits();
      await phone.picture(`pager-${state}-${language}-${theme}${text === 2 ? '-200' : ''}`, { fullPage: text === 2 });
    }
    await phone.close();
  });
}
