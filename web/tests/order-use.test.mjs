/** The order page in every hand: keyboard, screen reader, large menus and carts, and whatever is written into it. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { lineAndBrowser, note } from './harness.mjs';
import { begin } from './line.mjs';
import { ANY_SIZE, REFUSED, bigMenu, chooseAsDrawn, openOrder, orders } from './order.mjs';

const { line, browser } = await lineAndBrowser(test, { files: { 'shop.toml': ANY_SIZE } });

/** @param {import('playwright-core').Page} page */
const focused = (page) =>
  page.evaluate(() => {
    const element = document.activeElement;
    return element?.getAttribute('aria-label') ?? element?.textContent?.trim().replace(/\s+/g, ' ') ?? '';
  });

/**
 * Tabs on until this has the focus.
 * @param {import('playwright-core').Page} page
 * @param {RegExp} name
 */
async function tabTo(page, name) {
  for (let n = 0; n < 200; n++) {
    await page.keyboard.press('Tab');
    if (name.test(await focused(page))) return;
  }
  assert.fail(`Tab never came to ${name}`);
}

test('with a keyboard alone one orders two different lattes with a note', async () => {
  const phone = await openOrder(browser, line);
  const { page } = phone;
  await tabTo(page, /^Add Latte$/);
  await page.keyboard.press('Enter');
  assert.equal(await focused(page), 'One more Latte', 'the focus is where the next tap would be');
  await page.keyboard.press('Enter');
  await tabTo(page, /^Regular/);
  await page.keyboard.press('Tab');
  await page.keyboard.press('ArrowRight');
  assert.equal(await focused(page), 'Iced');
  await tabTo(page, /^Add a note$/);
  await page.keyboard.press('Enter');
  await page.keyboard.type('in one bag');
  await tabTo(page, /^Make one different$/);
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('ArrowRight');
  assert.match(await focused(page), /^Oat/);
  await tabTo(page, /items, pay at till/);
  await page.keyboard.press('Enter');
  assert.equal(await page.locator('.lines .head').count(), 2);
  await phone.picture('order-cart-en-light');
  await phone.accessible();
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('.lines').count(), 0);
  assert.match(await focused(page), /items, pay at till/, 'the focus is where it came from');
  await tabTo(page, /^Order$/);
  await page.keyboard.press('Enter');
  await page.waitForURL('**/o/**');
  const [order] = await orders(line);
  assert.deepEqual(
    order.items.map((/** @type {any} */ { options, note, quantity }) => [quantity, options.join(' '), note]),
    [
      [1, 'size/regular temp/iced milk/whole', 'in one bag'],
      [1, 'size/regular temp/iced milk/oat', 'in one bag'],
    ],
  );
  await phone.close();
});

test('what has the focus is never below what sticks to the edges', async () => {
  const phone = await openOrder(browser, line);
  const { page } = phone;
  await page.locator('[data-item=latte] .add').click();
  await page.locator('h1').click();
  for (let n = 0; n < 40; n++) {
    await page.keyboard.press('Tab');
    const covered = await page.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body || !element.closest('main')) return '';
      const { left, right, top, bottom } = element.getBoundingClientRect();
      const there = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
      return there && (there.contains(element) || element.contains(there)) ? '' : element.outerHTML;
    });
    assert.equal(covered, '');
  }
  await phone.close();
});

test('screen readers hear names, numbers, what is chosen, and the promise, but no ages', async () => {
  const phone = await openOrder(browser, line);
  const { page } = phone;
  await page.waitForSelector('.promise strong');
  await chooseAsDrawn(page);
  await page.getByRole('group', { name: 'Latte' }).waitFor();
  for (const name of ['One less Latte', 'One more Latte', 'Add Flat white', 'Add a note', 'Make one different']) {
    await page.getByRole('button', { name, exact: true }).waitFor();
  }
  assert.equal(await page.getByRole('radiogroup', { name: 'Milk' }).getByRole('radio', { checked: true }).innerText(), 'Oat\n+₩500');
  await page.getByRole('heading', { name: 'Tea', exact: true }).waitFor();
  await page.getByRole('region', { name: 'Waiting time' }).waitFor();
  assert.match(await page.getByRole('status').last().innerText(), /^About /);
  await page.getByRole('button', { name: 'Make one different' }).click();
  await page.getByRole('button', { name: 'One more Latte, Regular, Iced, Oat' }).first().waitFor();
  assert.equal(await page.locator('.age').evaluateAll((ages) => ages.filter((age) => age.closest('[role=status], [role=alert], [aria-live]')).length), 0);
  await phone.close();
});

test('allergens are there before anything is chosen, and follow what is chosen', async () => {
  const phone = await openOrder(browser, line);
  const { page } = phone;
  await page.locator('[data-item=black-sesame-latte] .what').click();
  await page.getByText('Contains milk, sesame').waitFor();
  await page.getByText('Oat contains oats').waitFor();
  await phone.picture('order-about-en-light');
  await page.locator('[data-item=latte] .add').click();
  const latte = page.locator('[data-item=latte]');
  await latte.getByText('Contains milk').waitFor();
  await latte.getByRole('radio', { name: /^Oat/ }).click();
  await latte.getByText('Contains oats').waitFor();
  await phone.close();
});

test('opening options moves nothing under the finger', async () => {
  const phone = await openOrder(browser, line);
  const { page } = phone;
  for (const item of ['latte', 'americano', 'flat-white', 'vanilla-latte', 'chocolate', 'latte']) {
    const button = page.locator(`[data-item=${item}] :is(.add, .plus)`).first();
    await button.scrollIntoViewIfNeeded();
    const top = (await button.boundingBox())?.y;
    await button.click();
    const plus = page.locator(`[data-item=${item}] .plus`).first();
    assert.ok(Math.abs(((await plus.boundingBox())?.y ?? 0) - (top ?? 0)) < 8, `${item} moved`);
  }
  await phone.close();
});

test('the tabs show the category in view, and lead to each', async () => {
  const phone = await openOrder(browser, line);
  const { page } = phone;
  const current = () => page.locator('.tabs [aria-current]').innerText();
  assert.equal(await current(), 'Coffee');
  await page.getByRole('button', { name: 'No coffee' }).click();
  assert.equal(await current(), 'No coffee');
  const [tabs, section] = await Promise.all([
    page.locator('.tabs').boundingBox(),
    page.locator('[data-category=no-coffee]').boundingBox(),
  ]);
  assert.ok(tabs && section && section.y >= tabs.y + tabs.height - 1, 'it is not below the tabs');
  await page.mouse.move(200, 400);
  await page.mouse.wheel(0, -5_000);
  await page.waitForFunction(() => document.querySelector('.tabs [aria-current]')?.textContent?.trim() === 'Coffee');
  await page.mouse.wheel(0, 5_000);
  await page.waitForFunction(() => document.querySelector('.tabs [aria-current]')?.textContent?.trim() === 'Bakery');
  await phone.close();
});

test('a menu of 200 items can be searched, in any language', async (t) => {
  const big = await begin({ files: { 'menu.toml': bigMenu(200) } });
  t.after(() => big.end());
  const phone = await openOrder(browser, big);
  const { page } = phone;
  assert.equal(await page.locator('[data-item]').count(), 200);
  const search = page.getByRole('searchbox', { name: 'Search the menu' });
  await search.fill('drink 17');
  await page.waitForFunction(() => document.querySelectorAll('[data-item]').length === 12);
  await phone.picture('order-search-en-light');
  await phone.accessible();
  await search.fill('음료 199');
  await page.waitForFunction(() => document.querySelectorAll('[data-item]').length === 1);
  await search.fill('tea <b>');
  await page.getByText('Nothing on the menu is called').waitFor();
  await search.fill('');
  await page.waitForFunction(() => document.querySelectorAll('[data-item]').length === 200);
  const ms = await page.locator('[data-item=item-100] .add').evaluate((/** @type {HTMLElement} */ button) => {
    const began = performance.now();
    button.click();
    return performance.now() - began;
  });
  await note('order-200-items', { add_ms: ms });
  await phone.close();
});

test('a cart of many lines scrolls by itself, and ends where an order ends', async (t) => {
  const big = await begin({ files: { 'menu.toml': bigMenu(120), 'shop.toml': ANY_SIZE } });
  t.after(() => big.end());
  const phone = await openOrder(browser, big);
  const { page } = phone;
  await page.evaluate(() => {
    for (const button of [...document.querySelectorAll('.add')].slice(0, 100)) /** @type {HTMLElement} */ (button).click();
  });
  assert.match(await page.locator('footer .count').innerText(), /^100 items/);
  await page.locator('[data-item] .add').first().click();
  await page.getByText('One order holds no more').waitFor();
  await page.locator('.basket').click();
  const lines = page.locator('.lines');
  assert.ok(await lines.evaluate((lines) => lines.scrollHeight > lines.clientHeight));
  await page.evaluate(() => scrollTo(0, 0));
  await phone.picture('order-cart-100-en-light');
  await phone.accessible();
  await phone.fits();
  const row = lines.locator('.plus').first();
  await row.click();
  assert.match(await page.locator('footer .count').innerText(), /^101 items/);
  await page.getByRole('button', { name: 'Order', exact: true }).click();
  await page.waitForURL('**/o/**');
  const [order] = await orders(big);
  assert.equal(order.items.length, 100);
  assert.equal(order.amount, 101);
  await phone.close();
});

test('200 of one item are one order', async () => {
  const phone = await openOrder(browser, line);
  const { page } = phone;
  await page.locator('[data-item=salt-bread] .add').click();
  await page.locator('[data-item=salt-bread] .plus').evaluate((/** @type {HTMLElement} */ plus) => {
    for (let n = 1; n < 200; n++) plus.click();
  });
  assert.match(await page.locator('footer .count').innerText(), /^200 items/);
  await page.getByRole('button', { name: 'Order', exact: true }).click();
  await page.waitForURL('**/o/**');
  const id = new URL(page.url()).pathname.slice(3);
  assert.equal((await line.ask('GET', `/orders/${id}`)).body.amount, 200);
  await phone.close();
});

test('a note of 10,000 characters is not cut: it is counted, and can be shortened', async () => {
  for (const language of ['en', 'ko']) {
    const phone = await openOrder(browser, line, { language });
    const { page } = phone;
    await page.locator('[data-item=latte] .add').click();
    await page.getByRole('button', { name: language === 'ko' ? '요청 사항' : 'Add a note' }).click();
    const long = '😀가<b>'.repeat(2_000);
    await page.locator('textarea').fill(long);
    assert.equal(await page.locator('textarea').inputValue(), long);
    await page.locator('footer').getByText('10000').waitFor();
    await phone.picture(`order-long-note-${language}-light`);
    await phone.accessible();
    await phone.fits();
    await page.reload();
    await page.getByRole('button', { name: language === 'ko' ? '줄이기' : 'Shorten it' }).click();
    assert.equal(await page.locator('textarea').inputValue(), long, 'it is kept');
    assert.equal(await page.evaluate(() => document.activeElement?.tagName), 'TEXTAREA');
    await page.locator('textarea').fill('😀가'.repeat(100));
    await page.getByRole('button', { name: language === 'ko' ? '주문하기' : 'Order', exact: true }).click();
    await page.waitForURL('**/o/**');
    await phone.close();
  }
});

const SCRIPT = '<script>window.ran = 1</script>';
const IMAGE = '<img src=x onerror=window.ran=1>';
const HOSTILE = `
[[option]]
id = "milk"
name = { en = "${SCRIPT}", ko = "${IMAGE}" }
choice = [
  { id = "a", name = { en = "${IMAGE}", ko = "{count} \${7*7}" } },
  { id = "b", name = { en = "حليب الشوفان", ko = "👩‍👩‍👧‍👦" }, price = 500, allergens = ["oats"] },
]
[[category]]
id = "c"
name = { en = "${SCRIPT}", ko = "${SCRIPT}" }
[[category.item]]
id = "x"
name = { en = "${SCRIPT}", ko = "قهوة بالحليب ☕️" }
description = { en = "${IMAGE}", ko = "שלום" }
price = 5000
options = ["milk"]
[[category.item]]
id = "y"
name = { en = "قهوة بالحليب Latte ☕️", ko = "아주아주아주아주아주아주아주아주아주아주아주아주아주긴이름의커피와아주아주긴설명이붙은음료예요" }
price = 100000000
options = ["milk"]
`;

test('whatever is written into the menu and the notes is shown as it is, and runs nowhere', async (t) => {
  const hostile = await begin({
    files: {
      'menu.toml': HOSTILE,
      'shop.toml': `name = { en = "${SCRIPT}", ko = "مقهى ${IMAGE}" }\ncurrency = "KRW"\ntime_zone = "Asia/Seoul"\n`,
    },
  });
  t.after(() => hostile.end());
  for (const language of ['en', 'ko']) {
    const phone = await openOrder(browser, hostile, { language });
    const { page } = phone;
    await page.locator('[data-item=x] .what').click();
    await page.locator('[data-item=x] .add').click();
    await page.locator('[data-item=x] .more button').first().click();
    await page.locator('textarea').fill(`${SCRIPT} ${IMAGE} שלום 😀`);
    await page.locator('[data-item=y] .add').click();
    await page.locator('.basket').click();
    await phone.picture(`order-hostile-${language}-light`);
    await phone.accessible();
    await phone.fits();
    if (language === 'en') assert.equal(await page.locator('[data-item=x] .name').innerText(), SCRIPT);
    assert.equal(await page.evaluate(() => 'ran' in window || document.querySelector('#app script, #app img') !== null), false);
    await page.locator('footer .primary').click();
    await page.waitForURL('**/o/**');
    assert.equal(await page.evaluate(() => 'ran' in window), false);
    await phone.close();
  }
  const notes = (await orders(hostile)).map((/** @type {any} */ order) => order.items[0].note);
  assert.deepEqual(new Set(notes), new Set([`${SCRIPT} ${IMAGE} שלום 😀`]));
});

test('with text at 200 % on a small phone, what sticks leaves room for the menu', async () => {
  const phone = await openOrder(browser, line, { width: 320, height: 568, text: 2 });
  const { page } = phone;
  await page.locator('[data-item=latte] .add').click();
  const sticks = await page.evaluate(() =>
    [...document.querySelectorAll('.tabs, footer')].map((element) => getComputedStyle(element).position),
  );
  assert.deepEqual(sticks, ['static', 'static']);
  await phone.picture('order-small-text-200-en-light');
  await phone.fits();
  await phone.close();
});

test('what is said to those who hear the page is in its language at once', async () => {
  const phone = await openOrder(browser, line);
  const { page } = phone;
  await page.getByRole('status').getByText(/^(About|Waiting time)/).waitFor();
  await page.getByRole('button', { name: '한국어' }).click();
  await page.waitForSelector('html[lang=ko]');
  const said = await page.getByRole('status').allInnerTexts();
  assert.match(said.at(-1) ?? '', /^(약 |대기 시간)/);
  await phone.close();
});

test('lying on its side, the phone shows the menu and not only what sticks', async () => {
  const phone = await openOrder(browser, line, { width: 844, height: 390, expected: [REFUSED] });
  const { page } = phone;
  await page.locator('[data-item=latte] .add').click();
  const sticks = await page.evaluate(() =>
    [...document.querySelectorAll('.tabs, footer')].map((element) => getComputedStyle(element).position),
  );
  assert.deepEqual(sticks, ['static', 'static']);
  await phone.picture('order-landscape-en-light');
  await phone.fits();
  await phone.close();
});
