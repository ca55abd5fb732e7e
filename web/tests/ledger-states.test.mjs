/** The ledger: every state as it is drawn, in both languages and themes, on a screen, a phone and with large text. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { lineAndBrowser } from './harness.mjs';
import { BROKEN, DAYS, drawnLedger, LIVE, past, seoul, STORY } from './ledger-tools.mjs';

const { line, browser } = await lineAndBrowser(test);

const AT = seoul(8, 42, 10);
const EMPTY = {
  ...LIVE,
  events: 0,
  equation: { accepted: 0, received: 0, making: 0, ready: 0, collected: 0, uncollected: 0, cancelled: 0, dead_lettered: 0, carried_over: 0 },
  needs: [],
  needs_total: 0,
  chart: [],
  percentiles: {},
  promise: { inside: 0, early: 0, late: 0, worst_late_ms: 0, total: 0 },
  orders_total: 0,
  drinks: 0,
  remakes: 0,
};
const DEAD = {
  ...LIVE,
  began: { at: seoul(-11, 2), why: 'balance', date: '2026-11-21' },
  equation: { ...LIVE.equation, accepted: 57, carried_over: 4, uncollected: 1, dead_lettered: 1 },
  needs: [{ kind: 'dead_letter', since: LIVE.now - 240_000, action: 'open_dlq', partition: 0, offset: 3 }, ...LIVE.needs],
  needs_total: 41,
};
const MANY = {
  ...BROKEN,
  faults_total: 40,
  faults: [
    ...BROKEN.faults,
    { kind: 'not_dead_lettered', text: 'this record can’t be read', topic: 'order.received', partition: 0, offset: 12 },
    { kind: 'announced', order_id: '0f8c1a7e-6a3b-4a53-9d0e-6b1f1f3f8a11', text: 'announced twice', topic: 'order.processed', partition: 0, offset: 77 },
  ],
};

/**
 * Each state: what the line tells, what is opened, and what is read on the page in both languages.
 * @type {Record<string, {told?: any, query?: string, says: [RegExp, RegExp], where?: string, act?: (page: import('playwright-core').Page, drawn: any) => Promise<unknown>}>}
 */
const STATES = {
  live: { query: '?q=oat&order=mango', says: [/Every order accounted for/, /빠진 주문 없음/] },
  broken: { told: { ledger: BROKEN }, query: '?q=oat&order=mango', says: [/1 order doesn’t add up: FISH 34/, /1건이 맞지 않아요: 물고기 34/] },
  many: { told: { ledger: MANY }, says: [/FISH 34, order\.received-0@12 and 38 more/, /물고기 34, order\.received-0@12 외 38건/] },
  past: {
    told: { story: { ...STORY, events: STORY.events.map((event) => ({ ...event, at: event.at - 32 * 60_000, timestamp: event.at - 32 * 60_000 })) } },
    query: `?q=oat&order=mango&at=${AT}`,
    says: [/Rebuilt from \d+ events/, /이벤트 \d+건으로 다시 만든 화면/],
  },
  old: {
    says: [/Not live: last count 1\d s ago/, /연결 끊김: 1\d초 전에 센 것이에요/],
    where: 'header',
    async act(page, drawn) {
      await page.waitForSelector('.or tbody tr');
      drawn.gone = true;
      await page.clock.runFor(14_000);
    },
  },
  empty: { told: { ledger: EMPTY, rows: [], days: { days: [] } }, says: [/No orders yet\. The first one/, /아직 주문이 없어요\. 첫 주문이/], where: '.or' },
  none: { query: '?q=caramel', says: [/No order is like that/, /찾는 주문이 없어요/], where: '.or' },
  dead: {
    told: { ledger: DEAD },
    says: [/brewline dlq list/, /brewline dlq list/],
    where: '.al',
    act: (page) => page.locator('.al button[aria-expanded]').click(),
  },
  minute: {
    says: [/Write the time as 08:42/, /08:42나 08:42:10처럼/],
    where: '.time',
    async act(page) {
      await page.locator('#go').click();
      await page.locator('#minute').fill('noon');
      await page.locator('#minute').press('Enter');
    },
  },
  unknown: { told: { story: { code: 'unknown_order', code_status: 404 } }, query: '?order=mango', says: [/nothing about this order/, /기록이 없어요/], where: '.ev' },
  removed: { told: { story: { code: 'past_gone', code_status: 410 } }, query: '?order=mango', says: [/older than what the log keeps/, /보관 기간이 지났거나/], where: '.ev' },
  undecided: {
    told: { story: { ...STORY, accepted: { offset: 61, timestamp: seoul(9, 8, 2) }, events: [] } },
    query: '?order=mango',
    says: [/nobody has decided on it\s*order\.received-0@61/, /아직 아무도 처리하지 않았어요\s*order\.received-0@61/],
    where: '.ev li',
  },
  gone: { told: { past: { code: 'past_gone', code_status: 410 } }, query: `?at=${AT}`, says: [/no longer reaches back that far/, /이제 없어요/] },
  failed: { told: { past: { code: 'history_damaged', code_status: 500 } }, query: `?at=${AT}`, says: [/could not be rebuilt/, /다시 만들지 못했어요/] },
  barista: { told: { session: { device: 'Main bar', role: 'barista' } }, says: [/The ledger is for managers/, /매니저만 볼 수 있어요/] },
  starting: { told: { ledger: { code: 'starting', code_status: 503 } }, says: [/The shop’s system is reading its log/, /기록을 읽고 있어요/] },
};

/** These are looked at in every way; the others in each language, each theme and each size at least once. */
const ALWAYS = ['live', 'past', 'broken', 'old'];

for (const [language, theme, size, all] of /** @type {const} */ ([
  ['en', 'light', 'screen', true],
  ['en', 'dark', 'screen', false],
  ['ko', 'light', 'screen', false],
  ['ko', 'dark', 'screen', true],
  ['en', 'dark', 'phone', true],
  ['ko', 'light', 'phone', false],
  ['en', 'light', 'large', false],
  ['ko', 'light', 'large', true],
])) {
  const looks = { screen: {}, phone: { width: 390, height: 844 }, large: { text: 2 } }[size];
  test(`every state is shown as drawn and can be used by everyone: ${language}, ${theme}, ${size}`, async () => {
    for (const [state, { told = {}, query = '', says, where = 'main', act }] of Object.entries(STATES)) {
      if (!all && !ALWAYS.includes(state)) continue;
      const ledger = await drawnLedger(browser, line.url, { language, theme, ...looks, told, query });
      const { page, drawn } = ledger;
      if (act) await act(page, drawn);
      await page.locator(where).filter({ hasText: says[language === 'en' ? 0 : 1] }).first().waitFor();
      // The drawings of the codes come by themselves.
      if (ALWAYS.includes(state)) await page.waitForSelector('.or tbody tr');
      await page.waitForLoadState('load');
      if (size === 'screen') await ledger.accessible();
      await ledger.fits();
      await ledger.picture(`ledger-${state}-${language}-${theme}${size === 'screen' ? '' : `-${size}`}`, { fullPage: size !== 'screen' });
      await ledger.close();
    }
  });
}

test('the sheet of a day is on one page of paper, with what counts and no buttons', async () => {
  const ledger = await drawnLedger(browser, line.url, { theme: 'dark' });
  const { page } = ledger;
  await page.waitForSelector('.or tbody tr');
  await page.evaluate(() => Object.assign(window, { print: () => document.documentElement.setAttribute('data-printed', '') }));
  const day = /** @type {any} */ (DAYS.days[1]);
  await page.getByRole('button', { name: 'Print: Saturday, November 21' }).click();
  await page.waitForSelector('[data-printed]');
  assert.equal(new URL(page.url()).searchParams.get('at'), String(day.to - 1));
  await page.emulateMedia({ media: 'print' });
  const seen = await page.locator('.sheet, .eq, .pt, .ch').evaluateAll((parts) => parts.map((part) => part.checkVisibility()));
  assert.ok(seen.length === 4 && seen.every(Boolean), String(seen));
  const hidden = await page.locator('.time, .or, .ev, .ds, button').evaluateAll((parts) => parts.filter((part) => part.checkVisibility()).length);
  assert.equal(hidden, 0);
  assert.match(await page.locator('.sheet').innerText(), /Onharu Coffee · Saturday, November 21/);
  await ledger.picture('ledger-print');
  const pdf = await page.pdf({ format: 'A4' });
  assert.equal(pdf.toString('latin1').match(/\/Type\s*\/Page\b/g)?.length, 1);
  await ledger.close();
});

test('what was said of the past is the past’s, also where the day was another one', async () => {
  const ledger = await drawnLedger(browser, line.url, { query: `?at=${AT}` });
  await ledger.page.locator('.eq').filter({ hasText: /^\s*33/ }).waitFor();
  assert.equal(await ledger.page.locator('html').getAttribute('data-state'), 'past');
  assert.equal(past(AT).equation.accepted, 33);
  assert.equal(await ledger.page.locator('.al').getByRole('button', { name: /Ring the bar|Call again/ }).count(), 0);
  assert.equal(await ledger.page.getByRole('link', { name: 'Board then' }).getAttribute('href'), `/board?at=${AT}`);
  assert.equal(await ledger.page.getByRole('link', { name: 'Bar then' }).getAttribute('href'), `/bar?at=${AT}`);
  await ledger.close();
});
