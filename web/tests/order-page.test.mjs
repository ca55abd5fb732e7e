/** The order page as it is drawn: every state, in both languages and themes. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';

import { lineAndBrowser } from './harness.mjs';
import { begin } from './line.mjs';
import { ANY_SIZE, EMBEDDED, PAY_FIRST, REFUSED, chooseAsDrawn, deafen, openOrder, orders, staff } from './order.mjs';

const { line, browser } = await lineAndBrowser(test, { args: ['--hands', '2', '--seconds-per-cup', '60'] });

// Whatever a test made of the shop, the next one finds it open, with nothing but cold brew sold out.
test.beforeEach(async () => {
  await staff(line, 'open', { open: null });
  await staff(line, 'pause', { paused: false });
  for (const id of ['latte', 'milk/oat']) await staff(line, `sold-out/${id}`, { sold_out: false });
  await staff(line, 'sold-out/cold-brew', { sold_out: true });
});

/**
 * The same in both languages and themes: everyone can use it, it fits, and it has its picture taken.
 * @param {string} name
 * @param {(page: import('playwright-core').Page) => Promise<unknown>} arrive
 * @param {{line?: import('./line.mjs').Line, expected?: RegExp[], text?: number}} [options]
 */
async function look(name, arrive, options = {}) {
  for (const language of ['en', 'ko']) {
    for (const theme of /** @type {const} */ (['light', 'dark'])) {
      const { expected = [], text = 1 } = options;
      const phone = await openOrder(browser, options.line ?? line, { language, theme, expected, text });
      await arrive(phone.page);
      await phone.picture(`order-${name}-${language}-${theme}`);
      await phone.accessible();
      await phone.fits();
      await phone.close();
    }
  }
}

/**
 * @param {import('playwright-core').Page} page
 * @param {string} selector
 */
const text = (page, selector) => page.locator(selector).first().innerText();

test('the promise stands first, then the menu, then what was chosen and what it costs', async () => {
  for (let n = 0; n < 5; n++) await line.place({ items: [{ item: 'latte', quantity: 2 }] }, { staff: true });
  await look('open', async (page) => {
    await page.waitForSelector('.promise strong');
    await chooseAsDrawn(page);
    const korean = (await page.getAttribute('html', 'lang')) === 'ko';
    assert.match(await text(page, '.promise strong'), korean ? /^약 \d+(–\d+)?분$/ : /^About \d+(–\d+)? min$/);
    assert.match(await text(page, '.promise p'), korean ? /^앞에 5건 · / : /^5 orders ahead · pick up at the bar/);
    assert.equal(await text(page, '[data-item=latte] .price'), korean ? '하나에 6,000원, 오트 포함' : '₩6,000 each, with oat');
    assert.equal(
      await text(page, '[data-item=americano] .price'),
      korean ? '4,500원 · 따뜻하게, 레귤러' : '₩4,500 · Hot, Regular',
    );
    assert.equal(await text(page, 'footer strong'), korean ? '16,500원' : '₩16,500');
    assert.match(await text(page, 'footer .count'), korean ? /^3개, 카운터에서 계산/ : /^3 items, pay at till/);
  });
});

test('with text at 200 % everything is there in one column', async () => {
  await look('text-200', chooseAsDrawn, { text: 2 });
  const phone = await openOrder(browser, line, { text: 2 });
  await chooseAsDrawn(phone.page);
  const [label, chips] = await Promise.all([
    phone.page.locator('.opts .label').first().boundingBox(),
    phone.page.locator('.opts .seg').first().boundingBox(),
  ]);
  assert.ok(label && chips && chips.y >= label.y + label.height - 1, 'the chips stand below their label');
  await phone.close();
});

test('what is sold out is struck, tagged, and has nothing to tap', async () => {
  const phone = await openOrder(browser, line);
  const item = phone.page.locator('[data-item=cold-brew]');
  await item.locator('.tag').waitFor();
  assert.equal(await item.locator('.name').evaluate((name) => getComputedStyle(name).textDecorationLine), 'line-through');
  assert.equal(await item.locator('.add').count(), 0);
  await staff(line, 'sold-out/cold-brew', { sold_out: false });
  await item.locator('.add').waitFor();
  await staff(line, 'sold-out/cold-brew', { sold_out: true });
  await item.locator('.tag').waitFor();
  await phone.close();
});

test('what is sold out while it is chosen is said, and is taken out before the order goes', async () => {
  const phone = await openOrder(browser, line);
  const { page } = phone;
  await chooseAsDrawn(page);
  await staff(line, 'sold-out/milk/oat', { sold_out: true });
  await page.getByText('Oat is sold out for Latte').waitFor();
  await phone.picture('order-choice-sold-out-en-light');
  assert.equal(await page.locator('[data-item=latte] [aria-disabled]').innerText(), 'Oat\nSold out');
  await page.getByRole('button', { name: 'Change it' }).click();
  await page.keyboard.press('ArrowRight');
  await page.getByRole('button', { name: 'Order', exact: true }).waitFor();
  await staff(line, 'sold-out/latte', { sold_out: true });
  await page.getByText('Latte is sold out').first().waitFor();
  await phone.picture('order-item-sold-out-en-light');
  await phone.accessible();
  await page.locator('footer').getByRole('button', { name: 'Take it out' }).click();
  assert.equal(await text(page, 'footer strong'), '₩4,500');
  await page.getByRole('button', { name: 'Order', exact: true }).waitFor();
  await phone.close();
});

test('paused: it is said with the time, the button is gone, and what was chosen is kept', async () => {
  const until = Math.ceil(Date.now() / 60_000) * 60_000 + 20 * 60_000;
  await look('paused', async (page) => {
    await chooseAsDrawn(page);
    await staff(line, 'pause', { until });
    await page.waitForSelector('.notice');
    const korean = (await page.getAttribute('html', 'lang')) === 'ko';
    const clock = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone: 'Asia/Seoul' });
    assert.match(await text(page, '.notice'), korean ? /주문을 잠시 멈췄어요/ : /Ordering is paused/);
    assert.ok((await text(page, '.notice p')).includes(clock.format(until)));
    assert.ok((await text(page, '.wait')).includes(clock.format(until)));
    assert.equal(await page.locator('footer .primary').count(), 0);
    assert.match(await text(page, 'footer .count'), korean ? /^3개 보관 중/ : /^3 items kept/);
    await page.reload();
    await page.waitForSelector('.notice');
    assert.match(await text(page, 'footer .count'), korean ? /^3개 보관 중/ : /^3 items kept/);
    await page.locator('[data-item=latte] .what').click();
    await page.evaluate(() => scrollTo(0, 0));
    await staff(line, 'pause', { paused: false });
    await page.waitForSelector('footer .primary');
    await staff(line, 'pause', { until });
    await page.waitForSelector('.notice');
  });
  await staff(line, 'pause', { paused: false });
});

test('closed: it is said with the day it opens, and the menu can be looked through', async (t) => {
  const day = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'][new Date(Date.now() + (9 + 24) * 3_600_000).getUTCDay()];
  const shop = `name = { en = "Onharu Coffee", ko = "온하루 커피" }\ncurrency = "KRW"\ntime_zone = "Asia/Seoul"\n[hours]\n${day} = ["07:30-21:00"]\n`;
  const closed = await begin({ files: { 'shop.toml': shop } });
  t.after(() => closed.end());
  await staff(closed, 'sold-out/cold-brew', { sold_out: true });
  await look('closed', async (page) => {
    await page.waitForSelector('.notice.shut');
    const korean = (await page.getAttribute('html', 'lang')) === 'ko';
    assert.equal(
      await text(page, '.notice p'),
      korean ? '내일 07:30에 열어요. 메뉴는 둘러볼 수 있어요.' : 'We open tomorrow at 07:30. You can look through the menu.',
    );
    assert.equal(await page.locator('.add').count(), 0);
    assert.equal(await page.locator('footer').count(), 0);
  }, { line: closed });
});

test('closed by staff: what was chosen is kept, and nothing can be ordered', async () => {
  const phone = await openOrder(browser, line);
  const { page } = phone;
  await chooseAsDrawn(page);
  await staff(line, 'open', { open: false });
  await page.waitForSelector('.notice.shut');
  assert.match(await text(page, 'footer .count'), /^3 items kept/);
  assert.equal(await page.locator('footer .primary, .step, .add').count(), 0);
  await staff(line, 'open', { open: null });
  await page.waitForSelector('footer .primary');
  await phone.close();
});

test('over the longest wait ordering pauses by itself, and says when it goes on', async (t) => {
  const shop = `name = { en = "Onharu Coffee", ko = "온하루 커피" }\ncurrency = "KRW"\ntime_zone = "Asia/Seoul"\nlongest_wait_minutes = 2\n`;
  const busy = await begin({ args: ['--hands', '1'], files: { 'shop.toml': shop } });
  t.after(() => busy.end());
  const phone = await openOrder(browser, busy);
  await chooseAsDrawn(phone.page);
  for (let n = 0; n < 8; n++) await busy.place({ items: [{ item: 'latte', quantity: 2 }] }, { staff: true });
  await phone.page.getByText('The bar is catching up.').waitFor();
  assert.match(await text(phone.page, '.wait'), /^Opens at about \d\d:\d\d\nor order at the counter$/);
  await phone.close();
});

test('while nobody decides nothing is promised, and it is said what becomes of an order', async () => {
  const { body } = await line.ask('GET', '/shop');
  const { promise: _, ...nobody } = { ...body, no_barista: true };
  for (const language of ['en', 'ko']) {
    const phone = await openOrder(browser, line, { language, expected: [REFUSED] });
    const { page } = phone;
    await page.route('**/shop/events', (route) => route.abort());
    await page.route('**/shop', (route) => route.fulfill({ json: { ...nobody, as_of: Date.now(), now: Date.now() } }));
    await page.reload();
    await page.getByText(language === 'ko' ? '대기 시간을 알 수 없어요' : 'Waiting time not known').first().waitFor();
    assert.match(await text(page, '.promise p'), language === 'ko' ? /주문을 받아 둘게요$/ : /orders are kept until the bar is back$/);
    await phone.picture(`order-no-barista-${language}-light`);
    await phone.close();
  }
});

test('at the bar nobody looks: please order at the till, with the list to show there', async (t) => {
  const manual = await begin({ args: ['--mode', 'manual'] });
  t.after(() => manual.end());
  await look('till', async (page) => {
    await page.waitForSelector('.notice.shut');
    await chooseAsDrawn(page);
    const korean = (await page.getAttribute('html', 'lang')) === 'ko';
    assert.match(await text(page, '.notice'), korean ? /카운터에서 주문해 주세요/ : /Please order at the till/);
    assert.equal(await page.locator('footer .primary').count(), 0);
    await page.locator('.basket').click();
    assert.equal(await page.locator('.lines .head').count(), 2);
    await page.locator('.basket').click();
  }, { line: manual });
  const phone = await openOrder(browser, manual);
  await chooseAsDrawn(phone.page);
  await staff(manual, 'bars/bar-1', {});
  await phone.page.waitForSelector('footer .primary');
  await phone.close();
});

test('where one pays first, that is said beside the button, in the shop\'s currency', async (t) => {
  const first = await begin({ files: { 'shop.toml': PAY_FIRST, 'menu.toml': await readFile(EMBEDDED, 'utf8') } });
  t.after(() => first.end());
  await look('pay-first', async (page) => {
    await chooseAsDrawn(page);
    const korean = (await page.getAttribute('html', 'lang')) === 'ko';
    assert.equal(await text(page, 'footer .first'), korean ? '카운터에서 계산하면 만들기 시작해요.' : 'Pay at the till, then it is made.');
    assert.equal(await text(page, 'footer strong'), '$165.00');
  }, { line: first });
  const phone = await openOrder(browser, first);
  await chooseAsDrawn(phone.page);
  await phone.page.getByRole('button', { name: 'Order', exact: true }).click();
  await phone.page.waitForURL('**/o/**');
  assert.deepEqual((await orders(first)).map((/** @type {any} */ order) => [order.unpaid, order.total]), [[true, 16_500]]);
  await phone.close();
});

test('a phone orders as many at once as the shop says, and for more one asks at the counter', async (t) => {
  const shop = ANY_SIZE.replace('1000', '4');
  const small = await begin({ files: { 'shop.toml': shop } });
  t.after(() => small.end());
  for (const language of ['en', 'ko']) {
    const phone = await openOrder(browser, small, { language });
    const { page } = phone;
    await chooseAsDrawn(page);
    const plus = page.locator('[data-item=latte] .plus');
    await plus.click();
    await plus.click();
    const says = language === 'ko' ? /한 번에 4개까지 .* 카운터에 말씀해 주세요/ : /up to 4 items at a time\. For more, please ask at the counter/;
    await page.getByText(says).waitFor();
    assert.match(await text(page, 'footer .count'), /4/);
    await phone.picture(`order-full-${language}-light`);
    await phone.accessible();
    await phone.fits();
    await phone.close();
  }
  // The page was loaded when the shop took more.
  const late = await openOrder(browser, small, { expected: [REFUSED] });
  const { page } = late;
  await page.route('**/menu', async (route) => {
    const menu = await (await route.fetch()).json();
    await route.fulfill({ json: { ...menu, version: 'before', shop: { ...menu.shop, largest_phone_order_cups: 40 } } });
  });
  await page.reload();
  await page.waitForSelector('[data-item]');
  await chooseAsDrawn(page);
  const plus = page.locator('[data-item=latte] .plus');
  for (let n = 0; n < 2; n++) await plus.click();
  await page.unroute('**/menu');
  await page.route('**/menu', (route) => route.abort());
  await page.getByRole('button', { name: 'Order', exact: true }).click();
  // Also before the menu says so.
  await page.getByText('up to 4 items at a time').waitFor();
  await page.unroute('**/menu');
  assert.deepEqual(await orders(small), []);
  await page.locator('[data-item=latte] .minus').click();
  await page.getByRole('button', { name: 'Order', exact: true }).click();
  await page.waitForURL('**/o/**');
  await late.close();
});

test('a first visit shows where things will be, and says that it takes a moment only when it does', async () => {
  for (const language of ['en', 'ko']) {
    const opened = await openOrder(browser, line, { language });
    const { page } = opened;
    await page.evaluate(() => localStorage.clear());
    /** @type {(() => void)[]} */
    const held = [];
    for (const path of ['**/menu', '**/shop', '**/shop/events']) {
      await page.route(path, (route) => new Promise((go) => held.push(() => go(route.fallback()))));
    }
    await page.goto(`${line.url}/`, { waitUntil: 'commit' });
    await page.waitForSelector('.item .bone');
    await opened.accessible();
    await page.getByText(language === 'ko' ? '잠시만요…' : 'One moment…').waitFor();
    await opened.picture(`order-loading-${language}-light`);
    for (const go of held) go();
    await page.waitForSelector('[data-item]');
    await page.waitForSelector('.promise strong');
    assert.equal(await page.locator('.bone').count(), 0);
    await opened.close();
  }
});

test('a menu that does not come is said, and comes by itself when it can', async () => {
  const phone = await openOrder(browser, line, { expected: [REFUSED, /preloaded/] });
  const { page } = phone;
  await page.evaluate(() => localStorage.clear());
  await page.route('**/menu', (route) => route.abort());
  await page.goto(`${line.url}/`);
  await page.getByText('The menu did not come').waitFor();
  await phone.picture('order-no-menu-en-light');
  await phone.accessible();
  await page.unroute('**/menu');
  await page.waitForSelector('[data-item]');
  await phone.close();
});

test('whoever does not want to wait for the menu asks at once', async () => {
  const phone = await openOrder(browser, line, { expected: [REFUSED, /preloaded/] });
  const { page } = phone;
  await page.evaluate(() => localStorage.clear());
  // The shop names its menu, and whoever hears of another one asks for it.
  for (const path of ['**/menu', '**/shop', '**/shop/events']) await page.route(path, (route) => route.abort());
  // Time stands still from the beginning, but for what it takes to draw: the page does not ask again by itself.
  await page.clock.install();
  await page.clock.pauseAt(Date.now() + 60_000);
  await page.goto(`${line.url}/`);
  const again = page.getByRole('button', { name: 'Try again' });
  for (let drawn = 0; !(await again.isVisible()); drawn += 1) {
    assert.ok(drawn < 1_000, 'it does not say that the menu did not come');
    await page.clock.runFor(20);
  }
  await page.unroute('**/menu');
  const asked = page.waitForRequest('**/menu');
  await again.dispatchEvent('click');
  await asked;
  await page.clock.resume();
  await page.waitForSelector('[data-item]');
  await phone.close();
});

test('the last menu is shown with its age while the new one does not come', async () => {
  const phone = await openOrder(browser, line, { expected: [REFUSED, /preloaded/] });
  const { page } = phone;
  await page.waitForFunction(() => localStorage.getItem('brewline.menu.1') !== null);
  await page.evaluate(() => {
    const kept = JSON.parse(localStorage.getItem('brewline.menu.1') ?? '');
    localStorage.setItem('brewline.menu.1', JSON.stringify({ ...kept, at: kept.at - 14 * 60_000 }));
  });
  const hear = await deafen(page);
  await page.route('**/shop/events', (route) => route.abort());
  await page.goto(`${line.url}/`);
  await page.getByText('The menu is from 14 min ago.').waitFor();
  await phone.picture('order-old-menu-en-light');
  assert.ok((await page.locator('[data-item]').count()) > 0);
  await hear();
  await page.waitForFunction(() => !document.body.innerText.includes('14 min'));
  await phone.close();
});

test('when the line is gone the promise goes, the age of what was heard is shown, and all comes back', async (t) => {
  const mortal = await begin();
  t.after(() => mortal.end());
  const phones = [];
  for (const language of ['en', 'ko']) {
    for (const theme of /** @type {const} */ (['light', 'dark'])) {
      const phone = await openOrder(browser, mortal, { language, theme, expected: [REFUSED] });
      await phone.page.waitForSelector('.promise strong');
      await chooseAsDrawn(phone.page);
      phones.push({ phone, name: `order-lost-${language}-${theme}` });
    }
  }
  await mortal.kill();
  for (const { phone, name } of phones) {
    await phone.page.waitForSelector('.notice .age');
    assert.equal(await phone.page.locator('.promise').count(), 0);
    const age = Number(/\d+/.exec(await text(phone.page, '.notice .age'))?.[0]);
    assert.ok(age >= 15, `${age} s`);
    await phone.picture(name);
    await phone.accessible();
    assert.match(await text(phone.page, 'footer .count'), /^3/);
  }
  await mortal.start();
  for (const { phone } of phones) {
    await phone.page.waitForSelector('.promise strong');
    assert.equal(await phone.page.locator('.notice').count(), 0);
    await phone.close();
  }
});

test('what is ready is said to those who hear the page, and is no news once the line is gone', async (t) => {
  const mortal = await begin();
  t.after(() => mortal.end());
  for (const language of ['en', 'ko']) {
    const phone = await openOrder(browser, mortal, { language, expected: [REFUSED] });
    const { page } = phone;
    await page.locator('[data-item=latte] .add').click();
    await page.locator('footer .primary').click();
    await page.waitForURL('**/o/**');
    const id = decodeURIComponent(new URL(page.url()).pathname.slice(3));
    const { code } = await mortal.shown(id, (order) => order.code !== undefined);
    await mortal.command(id, 'ready');
    await page.goto(`${mortal.url}/`);
    const called = language === 'ko' ? code.words.ko : code.words.en.toUpperCase();
    const ready = language === 'ko' ? '내 주문이 준비됐어요' : 'Ready: your order';
    await page.getByRole('status').getByText(`${ready} ${called} ${code.label}`).waitFor();
    await page.locator('.mine').getByText(ready).waitFor();
    await mortal.kill();
    await page.waitForSelector('.notice');
    assert.match(await text(page, '.mine a'), new RegExp(code.label));
    assert.equal(await page.getByText(ready).count(), 0, 'it may have been collected since');
    await mortal.start();
    await page.locator('.mine').getByText(ready).waitFor();
    await mortal.command(id, 'collect');
    await page.waitForFunction(() => localStorage.getItem('brewline.orders') === '[]');
    assert.equal(await page.locator('.mine').count(), 0);
    await phone.close();
  }
});

test('a pause that is old news keeps nobody from ordering', async (t) => {
  const mortal = await begin();
  t.after(() => mortal.end());
  const phone = await openOrder(browser, mortal, { expected: [REFUSED] });
  const { page } = phone;
  await chooseAsDrawn(page);
  for (const [path, body] of /** @type {[string, object][]} */ ([['pause', { until: null }], ['open', { open: false }]])) {
    await staff(mortal, path, body);
    await page.waitForFunction(() => document.querySelector('footer .primary') === null);
    await mortal.kill();
    await page.getByRole('button', { name: 'Order', exact: true }).waitFor();
    await page.locator('[data-item=latte] .plus').waitFor();
    assert.doesNotMatch(await text(page, 'footer .count'), /kept/);
    await mortal.start();
    await page.waitForFunction(() => document.querySelector('footer .primary') === null);
  }
  await phone.close();
});

test('coming back, one finds the order that one made, until it is collected', async (t) => {
  const auto = await begin();
  t.after(() => auto.end());
  const phone = await openOrder(browser, auto);
  const { page } = phone;
  await page.locator('[data-item=latte] .add').click();
  await page.getByRole('button', { name: 'Order', exact: true }).click();
  await page.waitForURL('**/o/**');
  const id = decodeURIComponent(new URL(page.url()).pathname.slice(3));
  const { code } = await auto.shown(id, (order) => order.code !== undefined);
  await page.goto(`${auto.url}/`);
  const link = page.locator('.mine a');
  await link.getByText(`${code.words.en.toUpperCase()} ${code.label}`).waitFor();
  await phone.picture('order-mine-en-light');
  await phone.accessible();
  assert.equal(await page.locator('footer').count(), 0, 'the cart is empty');
  await link.click();
  await page.waitForURL(`**/o/${id}`);
  // Else what the pager says of the bell may come when the order is collected, and be refused.
  await page.goto('about:blank');
  await auto.command(id, 'ready');
  await auto.command(id, 'collect');
  const looked = page.waitForResponse(`**/orders/${id}*`);
  await page.goto(`${auto.url}/`);
  await looked;
  await page.waitForSelector('.promise strong');
  await page.waitForFunction(() => document.querySelector('.mine') === null);
  await phone.close();
});

test('the language is switched in place, and nothing that was chosen is lost', async () => {
  const phone = await openOrder(browser, line);
  const { page } = phone;
  await chooseAsDrawn(page);
  await page.getByRole('button', { name: '한국어' }).click();
  await page.waitForSelector('html[lang=ko]');
  assert.equal(await text(page, '[data-item=latte] .name'), '카페라테');
  assert.match(await text(page, 'footer .count'), /^3개/);
  assert.match(await page.title(), /온하루 커피/);
  await page.reload();
  await page.waitForSelector('html[lang=ko] footer .primary');
  await phone.close();
});

test('what a shop names in one language only is said to be in it', async (t) => {
  const item = (/** @type {string} */ id, /** @type {string} */ name) => `[[category.item]]\nid = "${id}"\nname = "${name}"\nprice = 4000\n`;
  const menu = `[[category]]\nid = "coffee"\nname = "Coffee"\n${item('flat-white', 'Flat white')}${item('yuja', '유자차')}${item('seven', '7')}`;
  const shop = await begin({ files: { 'menu.toml': menu } });
  t.after(() => shop.end());
  const langs = async (/** @type {string} */ language) => {
    const phone = await openOrder(browser, shop, { language });
    const found = await phone.page.$$eval('main h2, main .name', (all) => all.map((one) => one.getAttribute('lang')));
    await phone.accessible();
    await phone.close();
    return found;
  };
  assert.deepEqual(await langs('ko'), ['en', 'en', null, null]);
  assert.deepEqual(await langs('en'), [null, null, 'ko', null]);
});
