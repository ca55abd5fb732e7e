/** What is lost in the log of a real line is seen on its ledger, by the order's name. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { lineAndBrowser, open, signIn } from './harness.mjs';

const { line, browser } = await lineAndBrowser(test, { args: ['--mode', 'manual'] });

/** @typedef {{words: import('../lib/i18n.js').Words, label: string}} Code */

const SAYS = {
  en: {
    name: (/** @type {Code} */ { words, label }) => `${words.en.toUpperCase()} ${label}`,
    lost: 'order till-471',
    broken: (/** @type {string} */ name) => `2 orders don’t add up: ${name}, order till-471`,
    last: (/** @type {string} */ name) => `Show its last event: ${name}`,
    ready: 'Marked ready',
    undecided: 'Accepted, and nobody has decided on it',
  },
  ko: {
    name: (/** @type {Code} */ { words, label }) => `${words.ko} ${label}`,
    lost: '주문 till-471',
    broken: (/** @type {string} */ name) => `2건이 맞지 않아요: ${name}, 주문 till-471`,
    last: (/** @type {string} */ name) => `마지막 이벤트 보기: ${name}`,
    ready: '완료로 표시',
    undecided: '아직 아무도 처리하지 않았어요',
  },
};

/** @param {import('./harness.mjs').Phone} [screen] */
async function ledger(screen = {}) {
  const opened = await open(browser, 'about:blank', { width: 1_440, height: 900, calm: true, ...screen });
  await signIn(opened.context, line, 'manager', 'Office');
  await opened.page.goto(`${line.url}/ledger`);
  return opened;
}

/** An order that is ready. */
async function ready() {
  const { order_id: id } = await line.place({ items: [{ item: 'latte', quantity: 1 }] }, { staff: true });
  await line.shown(id, ({ version }) => version > 0);
  return line.command(id, 'ready');
}

test('a bell that rang twice and an order that was lost turn the ledger red, and each is named and told of', async () => {
  const rung = await ready();
  const before = await ledger();
  await before.page.locator('.eq:not(.bad)').filter({ hasText: 'Every order accounted for' }).waitFor();
  await before.page.locator('.or tbody tr').waitFor();
  await before.close();
  await line.stop();
  await line.plant('ring-again', rung.order_id);
  await line.plant('pass-over', 'till-4711');
  await line.start();
  // Baristas have gone past it once they take what stands behind it.
  await ready();
  for (const [language, theme] of /** @type {const} */ ([['en', 'light'], ['ko', 'dark']])) {
    const opened = await ledger({ language, theme });
    const { page } = opened;
    const says = SAYS[language];
    const name = says.name(rung.code);
    await page.locator('.eq.bad').filter({ hasText: says.broken(name) }).waitFor();
    const last = (/** @type {string} */ order) => page.locator('.faults').getByRole('button', { name: says.last(order) });
    await last(name).click();
    await page.locator('.ev h2').filter({ hasText: name }).waitFor();
    await page.locator('.ev li').filter({ hasText: says.ready }).waitFor();
    assert.equal(await page.locator('.ev .mark').count(), 0, 'a bell stands in another topic than what is told');
    await last(says.lost).click();
    await page.locator('.ev .mark').filter({ hasText: says.undecided }).filter({ hasText: 'order.received-0@1' }).waitFor();
    await page.evaluate(() => scrollTo(0, 0));
    await opened.accessible();
    await opened.picture(`ledger-lost-${language}-${theme}`, { fullPage: true });
    await opened.close();
  }
});
