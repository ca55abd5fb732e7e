/** The pager where orders are paid first. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { lineAndBrowser } from './harness.mjs';
import { pager } from './pager-tools.mjs';

const SHOP = `name = { en = "Harbor Coffee", ko = "항구 커피" }
currency = "USD"
time_zone = "America/New_York"
payment = "before"
`;

const MENU = `[[category]]
id = "coffee"
name = { en = "Coffee", ko = "커피" }
[[category.item]]
id = "latte"
name = { en = "Latte", ko = "카페라테" }
price = 450
seconds = 600
`;

const { line, browser } = await lineAndBrowser(test, {
  files: { 'shop.toml': SHOP, 'menu.toml': MENU },
});

test('what is not paid shows its code for the till and what it costs, and goes on when it is paid', async () => {
  const { order_id: id } = await line.place({ items: [{ item: 'latte' }] });
  const phone = await pager(browser, line.url, id);
  const { page } = phone;
  await page.waitForSelector('main.unpaid .code');
  await page.getByText('Show this code at the till to pay').waitFor();
  await page.getByText('$4.50').waitFor();
  assert.match((await page.textContent('header')) ?? '', /Harbor Coffee/);
  const order = await line.shown(id, ({ due_at }) => Boolean(due_at));
  const zone = { timeZone: 'America/New_York', hour: '2-digit', minute: '2-digit' };
  const until = new Date(order.due_at).toLocaleTimeString('en-GB', /** @type {any} */ (zone));
  await page.getByText(`We keep it for you until ${until}.`).waitFor();
  assert.equal(await page.getByText(/Ready at|min ·/).count(), 0, 'nothing is promised');
  await line.command(id, 'accept');
  await page.waitForSelector('main:not(.unpaid) .steps');
  await line.command(id, 'cancel', { reason: 'Out of milk' });
  await page.getByText('You get your money back').waitFor();
  await phone.accessible();
  await phone.close();
});
