/** What tests of the order page have in common: what a customer does, and menus to do it on. */

import assert from 'node:assert/strict';

import { open } from './harness.mjs';

/** The browser says of each answer that is an error that it was one, and of each that did not come. */
export const REFUSED = /Failed to load resource/;

/**
 * The order page, once its menu is there.
 * @param {import('playwright-core').Browser} browser
 * @param {import('./harness.mjs').Line} line
 * @param {import('./harness.mjs').Phone} [phone]
 */
export async function openOrder(browser, line, phone) {
  const opened = await open(browser, `${line.url}/`, phone);
  await opened.page.waitForSelector('[data-item]');
  return opened;
}

/**
 * Chooses what the drawing shows: two iced lattes with oat milk, the options open, and an americano.
 * @param {import('playwright-core').Page} page
 */
export async function chooseAsDrawn(page) {
  const latte = page.locator('[data-item=latte]');
  await page.locator('[data-item=americano] .add').click();
  await page.locator('[data-item=americano] .what').click();
  await latte.locator('.add').click();
  await latte.locator('.plus').click();
  await latte.getByRole('radio').nth(3).click();
  await latte.getByRole('radio').nth(5).click();
  await page.evaluate(() => scrollTo(0, 0));
}

/**
 * How many orders the line has.
 * @param {import('./harness.mjs').Line} line
 */
export async function orders(line) {
  return (await line.ask('GET', '/orders?live', { staff: true })).body.orders;
}

/**
 * Sets a fact of the shop, as staff do.
 * @param {import('./harness.mjs').Line} line
 * @param {string} path
 * @param {unknown} body
 */
export async function staff(line, path, body) {
  const answer = await line.ask('PUT', `/shop/${path}`, { staff: true, body });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
}

/**
 * Lets the counter take the page's order, and the page never hear of it; what this gives ends that.
 * @param {import('playwright-core').Page} page
 * @param {number} times
 */
export async function loseAnswers(page, times) {
  let left = times;
  await page.route('**/orders', async (route) => {
    if (left-- <= 0) return route.fallback();
    await route.fetch();
    await route.abort('connectionreset');
  });
  return () => (left = 0);
}

/**
 * Keeps the page from hearing of the shop and the menu, once it has them; what this gives ends that.
 * @param {import('playwright-core').Page} page
 */
export async function deafen(page) {
  const paths = ['**/shop', '**/menu'];
  for (const path of paths) await page.route(path, (route) => route.abort());
  return async () => {
    for (const path of paths) await page.unroute(path);
  };
}

/**
 * A `menu.toml` of so many items in four categories; half of them have options.
 * @param {number} items
 */
export function bigMenu(items) {
  const option = `
[[option]]
id = "milk"
name = { en = "Milk", ko = "우유" }
choice = [
  { id = "whole", name = { en = "Whole", ko = "일반" } },
  { id = "oat", name = { en = "Oat", ko = "오트" }, price = 500 },
]
`;
  const categories = ['Coffee', 'Tea', 'Ade', 'Bakery'].map((name, n) => {
    const its = Array.from({ length: items }, (_, i) => i).filter((i) => i % 4 === n);
    return `
[[category]]
id = "${name.toLowerCase()}"
name = { en = "${name}", ko = "${name} 종류" }
${its.map((i) => `[[category.item]]\nid = "item-${i}"\nname = { en = "Drink ${i}", ko = "음료 ${i}" }\nprice = ${4_000 + i}\n${i % 8 < 4 ? 'options = ["milk"]\n' : ''}`).join('')}`;
  });
  return option + categories.join('');
}

/** The menu of a shop that has none of its own. */
export const EMBEDDED = new URL('../../crates/shop/defaults/menu.toml', import.meta.url);

/** A `shop.toml` of one that takes from a phone whatever fits into an order. */
export const ANY_SIZE = `
name = { en = "Onharu Coffee", ko = "온하루 커피" }
currency = "KRW"
time_zone = "Asia/Seoul"
largest_phone_order_cups = 1000
`;

/** A `shop.toml` of one that is not in Korea and takes the money first. */
export const PAY_FIRST = `
name = { en = "Corner", ko = "코너" }
currency = "USD"
time_zone = "America/New_York"
payment = "before"
`;
