/** One cart is one order, whatever happens on the way, and what can't be sent is said and kept. */

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';

import { lineAndBrowser } from './harness.mjs';
import { begin } from './line.mjs';
import { EMBEDDED, REFUSED, deafen, loseAnswers, openOrder, orders, staff } from './order.mjs';

const { line, browser } = await lineAndBrowser(test);

/**
 * A page on which one latte was chosen.
 * @param {import('./line.mjs').Line} [on]
 * @param {import('./harness.mjs').Phone} [phone]
 */
async function withLatte(on = line, phone = {}) {
  const opened = await openOrder(browser, on, { expected: [REFUSED], ...phone });
  await opened.page.locator('[data-item=latte] .add').click();
  return { ...opened, opened, page: opened.page, button: opened.page.locator('footer .primary') };
}

/** @param {import('playwright-core').Page} page */
const stored = (page) => page.evaluate(() => JSON.parse(localStorage.getItem('brewline.cart') ?? 'null'));

/**
 * What the counter answers to the page's next orders, in place of its own answer.
 * @param {import('playwright-core').Page} page
 * @param {number} status
 * @param {object} problem
 * @param {Record<string, string>} [headers]
 */
async function answer(page, status, problem, headers = {}) {
  await page.route('**/orders', (route) =>
    route.fulfill({ status, headers, contentType: 'application/problem+json', body: JSON.stringify(problem) }),
  );
}

/** Orders there are, by what is in them. */
let before = 0;
const made = async () => (await orders(line)).length - before;
test.beforeEach(async () => {
  before = (await orders(line)).length;
});

/**
 * Does something in the page as soon as something in it says this: offline it says for a second only that nothing is sent yet.
 * @param {import('playwright-core').Page} page
 * @param {string} says
 * @param {(element: HTMLElement) => void} act
 */
function asSoonAs(page, says, act) {
  const watch = (/** @type {string} */ says, /** @type {(element: HTMLElement) => void} */ act) => new Promise((/** @type {(value?: unknown) => void} */ done) => {
    const observer = new MutationObserver(() => {
      const all = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('.tell :is(strong, button)'));
      const found = [...all].find((element) => element.textContent?.trim() === says);
      if (!found) return;
      observer.disconnect();
      act(found);
      done();
    });
    observer.observe(document.body, { childList: true, characterData: true, subtree: true });
  });
  return page.evaluate(`(${watch})(${JSON.stringify(says)}, ${act})`);
}

test('an order goes with every choice, note and the total; the cart is empty, and "back" does not order again', async () => {
  const { page, opened, button } = await withLatte();
  await page.getByRole('radio', { name: /^Oat/ }).click();
  await page.getByRole('button', { name: 'Add a note' }).click();
  await page.keyboard.type('no lid 🧊');
  const sent = page.waitForRequest('**/orders');
  await button.click();
  const request = await sent;
  assert.deepEqual(request.postDataJSON(), {
    items: [{ item: 'latte', quantity: 1, options: ['size/regular', 'temp/hot', 'milk/oat'], note: 'no lid 🧊' }],
    total: 6_000,
  });
  assert.match(request.headers()['idempotency-key'] ?? '', /^[0-9a-f-]{36}$/);
  await page.waitForURL('**/o/**');
  assert.equal(await made(), 1);
  const id = new URL(page.url()).pathname.slice(3);
  const order = (await line.ask('GET', `/orders/${id}`, { staff: true })).body;
  assert.equal(order.total, 6_000);
  assert.equal(order.items[0].note, 'no lid 🧊');
  assert.deepEqual((await stored(page)).lines, []);
  await page.goBack();
  assert.equal(page.url(), 'about:blank', 'the page on which it was ordered is not in the history');
  await opened.close();
});

test('taps that come at once make one order', async () => {
  const { page, opened, button } = await withLatte();
  await button.evaluate((/** @type {HTMLElement} */ button) => {
    for (let n = 0; n < 5; n++) button.click();
  });
  await page.waitForURL('**/o/**');
  assert.equal(await made(), 1);
  await opened.close();
});

test('an answer that is lost makes no second order', async () => {
  const { page, opened, button } = await withLatte();
  const answers = await loseAnswers(page, 100);
  await button.click();
  await page.getByText('We don’t know yet whether it arrived').waitFor();
  await opened.picture('order-waiting-en-light');
  await opened.accessible();
  assert.equal(await page.locator('main .plus').count(), 0, 'what may have arrived can not be changed');
  answers();
  await page.waitForURL('**/o/**');
  assert.equal(await made(), 1);
  await opened.close();
});

test('a page that is loaded again before the answer comes makes no second order', async () => {
  const { page, opened, button } = await withLatte();
  /** @type {() => void} */
  let arrived = () => {};
  const taken = new Promise((/** @type {(value?: unknown) => void} */ done) => (arrived = done));
  await page.route(
    '**/orders',
    async (route) => {
      await route.fetch();
      arrived();
      // And never answers.
    },
    { times: 1 },
  );
  await button.click();
  await taken;
  await page.goto(`${line.url}/`);
  await page.waitForURL('**/o/**');
  assert.equal(await made(), 1);
  await opened.close();
});

test('two tabs have one cart, and make one order of it', async () => {
  const { page, opened } = await withLatte();
  const other = await opened.context.newPage();
  await other.goto(`${line.url}/`);
  await other.locator('[data-item=latte] .plus').click();
  await page.waitForFunction(() => document.querySelector('[data-item=latte] output')?.textContent === '2');
  assert.equal((await stored(page)).key, (await stored(other)).key);
  const tap = () => /** @type {HTMLElement | null} */ (document.querySelector('footer .primary'))?.click();
  await Promise.all([page, other].map((tab) => tab.evaluate(tap)));
  // Whichever was told of the other's tap in time sends nothing, and shows the order.
  const done = (/** @type {typeof page} */ tab) => Promise.any([tab.waitForURL('**/o/**'), tab.waitForSelector('.mine a')]);
  await Promise.all([page, other].map(done));
  assert.equal(await made(), 1);
  await opened.close();
});

test('an order that the counter has not read yet is not taken for one that is gone', async () => {
  const { page, opened, button } = await withLatte();
  const other = await opened.context.newPage();
  // As the counter answers for a moment.
  await other.route(/\/orders\/[^/?]+$/, (route) => route.fulfill({ status: 404, json: { code: 'unknown_order' } }));
  await other.route(/\/orders\/[^/?]+\?at=/, (route) => route.fulfill({ status: 202, json: { code: 'catching_up' } }));
  await other.goto(`${line.url}/`);
  await other.waitForSelector('footer .primary');
  await button.click();
  await page.waitForURL('**/o/**');
  const link = other.locator('.mine a');
  assert.match((await link.getAttribute('href')) ?? '', /^\/o\/[^/?]+\?at=/);
  await other.unroute(/\/orders\/[^/?]+\?at=/);
  await other.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await other.waitForSelector('.mine b');
  assert.equal(await made(), 1);
  await opened.close();
});

test('a tab whose order has arrived goes to its page, whatever another tab makes of the cart', async () => {
  const { page, opened, button } = await withLatte();
  const other = await opened.context.newPage();
  await other.goto(`${line.url}/`);
  await other.waitForSelector('footer .primary');
  /** @type {() => void} */
  let go = () => {};
  const held = new Promise((/** @type {(value?: unknown) => void} */ done) => (go = done));
  await page.route('**/o/**', async (route) => {
    await held;
    await route.fallback();
  }, { times: 1 });
  await button.click();
  await page.getByText('Your order is in').waitFor();
  // It sent the same order, and has its answer now.
  const heard = page.evaluate(() => new Promise((done) => addEventListener('storage', done, { once: true })));
  await other.evaluate(() => localStorage.setItem('brewline.cart', JSON.stringify({ lines: [], key: '' })));
  await heard;
  go();
  await page.waitForURL('**/o/**');
  assert.equal(await made(), 1);
  await opened.close();
});

test('another cart is another order: its key changes with every change, and with nothing else', async () => {
  const { page, opened } = await withLatte();
  const keys = [(await stored(page)).key];
  const changes = [
    () => page.locator('[data-item=latte] .plus').click(),
    () => page.getByRole('radio', { name: 'Iced' }).click(),
    () => page.getByRole('button', { name: 'Make one different' }).click(),
    () => page.locator('[data-item=latte] .minus').first().click(),
  ];
  for (const change of changes) {
    await change();
    keys.push((await stored(page)).key);
  }
  assert.equal(new Set(keys).size, keys.length);
  await page.reload();
  await page.waitForSelector('footer .primary');
  await page.locator('[data-item=latte] .what').click();
  await page.getByRole('button', { name: '한국어' }).click();
  await page.waitForSelector('html[lang=ko]');
  assert.equal((await stored(page)).key, keys.at(-1));
  await opened.close();
});

test('offline, an order is kept, and sent once when the phone is back', async () => {
  for (const language of ['en', 'ko']) {
    const { page, opened, button, context } = await withLatte(line, { language });
    const already = await made();
    await context.setOffline(true);
    // A second later the page tries all the same, and then nobody knows.
    const kept = page.getByText(language === 'ko' ? '아직 보내지 못했어요' : 'Not sent yet').waitFor();
    await button.click();
    await kept;
    await opened.picture(`order-offline-${language}-light`);
    assert.equal(await made(), already);
    await context.setOffline(false);
    await page.waitForURL('**/o/**');
    assert.equal(await made(), already + 1);
    await opened.close();
  }
});

test('offline, an order need not be sent after all', async () => {
  const { page, opened, button, context } = await withLatte();
  await context.setOffline(true);
  const refrained = asSoonAs(page, 'Don’t send it', (button) => button.click());
  await button.click();
  await refrained;
  await page.getByText('Your order is still here.').waitFor();
  await context.setOffline(false);
  await page.locator('[data-item=latte] .plus').click();
  assert.equal(await made(), 0);
  await page.getByRole('button', { name: 'Order', exact: true }).click();
  await page.waitForURL('**/o/**');
  assert.equal(await made(), 1);
  await opened.close();
});

test('it is not sent for ever: after that the customer decides, and it is still one order', async () => {
  const { page, opened, button } = await withLatte();
  const answers = await loseAnswers(page, 100);
  await button.click();
  await page.getByRole('button', { name: 'Stop asking' }).waitFor();
  // As if it had been tapped long ago.
  await page.evaluate(() => {
    // The last that this page does: it keeps what it sends anew with each try.
    addEventListener('pagehide', () => {
      const kept = JSON.parse(localStorage.getItem('brewline.cart') ?? '');
      localStorage.setItem('brewline.cart', JSON.stringify({ ...kept, sent: { ...kept.sent, since: kept.sent.since - 600_000 } }));
    });
  });
  await page.goto(`${line.url}/`);
  await page.getByText('We can’t tell whether your order arrived').waitFor();
  await opened.picture('order-unsure-en-light');
  await opened.accessible();
  answers();
  await page.getByRole('button', { name: 'Send again' }).click();
  await page.waitForURL('**/o/**');
  assert.equal(await made(), 1);
  await opened.close();
});

test('an hour later an order is not sent by itself, whatever wakes the page', async () => {
  const { page, opened, button, context } = await withLatte();
  await context.setOffline(true);
  const slept = asSoonAs(page, 'Not sent yet', () => {
    const now = Date.now;
    Date.now = () => now() + 3_600_000;
  });
  await button.click();
  await slept;
  await context.setOffline(false);
  await page.getByText('Your order is still here.').waitFor();
  assert.equal(await made(), 0);
  await page.getByRole('button', { name: 'Send again' }).click();
  await page.waitForURL('**/o/**');
  assert.equal(await made(), 1);
  await opened.close();
});

test('what may have arrived is changed only by whoever knows that both may be made', async () => {
  for (const language of ['en', 'ko']) {
    const texts = language === 'ko'
      ? { stop: '그만 확인하기', change: '보내지 않고 바꾸기', keep: '그대로 두기', yes: '그래도 바꾸기', warned: '먼저 보낸 주문도 만들어질 수 있어요' }
      : { stop: 'Stop asking', change: 'Change it instead', keep: 'Leave it as it is', yes: 'Change it all the same', warned: 'The first one may be made too' };
    const { page, opened, button } = await withLatte(line, { language });
    const key = (await stored(page)).key;
    await loseAnswers(page, 100);
    await button.click();
    await page.getByRole('button', { name: texts.stop }).click();
    // A second tap where the first one was finds what changes nothing.
    await page.getByRole('button', { name: texts.change }).dblclick();
    assert.equal(await page.getByText(texts.warned).count(), 0);
    await page.getByRole('button', { name: texts.change }).click();
    await page.getByText(texts.warned).waitFor();
    await opened.picture(`order-change-sure-${language}-light`);
    await opened.accessible();
    await opened.fits();
    await page.getByRole('button', { name: texts.keep }).click();
    assert.equal((await stored(page)).key, key, 'it is the same order');
    await page.getByRole('button', { name: texts.change }).click();
    await page.getByRole('button', { name: texts.yes }).click();
    assert.notEqual((await stored(page)).key, key);
    await page.locator('[data-item=latte] .plus').waitFor();
    await opened.close();
  }
});

test('what may have arrived long ago is not sent again as if it had not', async () => {
  const { page, opened, button } = await withLatte();
  await loseAnswers(page, 100);
  await button.click();
  await page.getByRole('button', { name: 'Stop asking' }).click();
  const { key } = await stored(page);
  await page.evaluate(() => {
    const kept = JSON.parse(localStorage.getItem('brewline.cart') ?? '');
    localStorage.setItem('brewline.cart', JSON.stringify({ ...kept, sent: { ...kept.sent, since: kept.sent.since - 13 * 3_600_000 } }));
  });
  await page.goto(`${line.url}/`);
  await page.getByText('That is too long ago to send it again').waitFor();
  assert.equal(await page.locator('footer .primary').count(), 0);
  assert.equal((await stored(page)).key, key, 'it is not made another order in silence');
  await opened.close();
});

test('a tab that sends nothing says so, and stays where it is', async () => {
  const { page, opened, button } = await withLatte();
  const other = await opened.context.newPage();
  await other.goto(`${line.url}/`);
  await other.waitForSelector('footer .primary');
  /** @type {() => void} */
  let go = () => {};
  const held = new Promise((/** @type {(value?: unknown) => void} */ done) => (go = done));
  await page.route('**/orders', async (route) => {
    await held;
    await route.fallback();
  });
  await button.click();
  await other.getByText('Being sent in another tab').waitFor();
  go();
  await page.waitForURL('**/o/**');
  await other.waitForSelector('.mine a');
  assert.equal(new URL(other.url()).pathname, '/');
  assert.equal(await made(), 1);
  await opened.close();
});

test('a tab that is gone while it sends leaves the order to the next one', async () => {
  const { page, opened, button } = await withLatte();
  await loseAnswers(page, 100);
  await button.click();
  await page.getByRole('button', { name: 'Stop asking' }).waitFor();
  const other = await opened.context.newPage();
  await page.close();
  await other.goto(`${line.url}/`);
  await other.getByText('Being sent in another tab').waitFor();
  await other.waitForURL('**/o/**');
  assert.equal(await made(), 1);
  await opened.close();
});

test('too many orders, while one may have arrived: it is not said that it has not', async () => {
  const { page, opened, button } = await withLatte();
  // One after the other in one place: the page sends again by itself, and waits for no test.
  let asked = 0;
  await page.route('**/orders', async (route) => {
    asked += 1;
    if (asked === 1) {
      await route.fetch();
      await route.abort('connectionreset');
    } else if (asked === 2) {
      await route.fulfill({ status: 429, headers: { 'Retry-After': '3' }, json: { code: 'too_many_orders' } });
    } else {
      await route.fallback();
    }
  });
  const again = page.waitForResponse((response) => response.status() === 429);
  await button.click();
  await again;
  await page.getByText('We don’t know yet whether it arrived').waitFor();
  await page.waitForURL('**/o/**');
  assert.equal(await made(), 1);
  await opened.close();
});

test('the line killed after it took an order: that it is in is said, and its page comes when it can', async (t) => {
  const mortal = await begin();
  t.after(() => mortal.end());
  for (const language of ['en', 'ko']) {
    const { page, opened, button } = await withLatte(mortal, { language });
    await page.route(
      '**/orders',
      async (route) => {
        const response = await route.fetch();
        await mortal.kill();
        await route.fulfill({ response });
      },
      { times: 1 },
    );
    await button.click();
    const link = page.getByRole('button', { name: language === 'ko' ? '주문 보기' : 'See it' });
    await link.waitFor();
    await page.getByText(language === 'ko' ? '주문을 받았어요' : 'Your order is in').waitFor();
    await opened.picture(`order-in-${language}-light`);
    await opened.accessible();
    await opened.fits();
    await mortal.start();
    await page.waitForURL('**/o/**');
    await opened.close();
  }
  assert.equal((await orders(mortal)).length, 2);
});

test('the line killed while an order is on its way: it is sent again, and there is one', async (t) => {
  const mortal = await begin();
  t.after(() => mortal.end());
  const { page, opened, button } = await withLatte(mortal);
  await page.route(
    '**/orders',
    async (route) => {
      await route.fetch();
      await mortal.kill();
      await route.abort();
    },
    { times: 1 },
  );
  await button.click();
  await page.getByRole('button', { name: 'Stop asking' }).waitFor();
  await mortal.start();
  await page.waitForURL('**/o/**');
  assert.equal((await orders(mortal)).length, 1);
  await opened.close();
});

test('what was not written is said to be still here, and goes when it is sent again', async () => {
  for (const language of ['en', 'ko']) {
    for (const theme of /** @type {const} */ (['light', 'dark'])) {
      const already = await made();
      const { page, opened, button } = await withLatte(line, { language, theme });
      const key = (await stored(page)).key;
      await answer(page, 503, { code: 'not_written', detail: 'The log did not take it.' });
      await button.click();
      await page.getByText(language === 'ko' ? '주문은 그대로 있어요.' : 'Your order is still here.').waitFor();
      await opened.picture(`order-not-sent-${language}-${theme}`);
      await opened.accessible();
      await opened.fits();
      assert.equal((await stored(page)).key, key, 'it is the same order');
      await page.unroute('**/orders');
      await page.getByRole('button', { name: language === 'ko' ? '다시 보내기' : 'Send again' }).click();
      await page.waitForURL('**/o/**');
      assert.equal(await made(), already + 1);
      await opened.close();
    }
  }
});

test('too many orders: it is said when it may be sent again', async () => {
  const { page, opened, button } = await withLatte();
  await answer(page, 429, { code: 'too_many_orders' }, { 'Retry-After': '3' });
  await button.click();
  await page.getByText(/^Again in \d s$/).waitFor();
  assert.equal(await button.count(), 0);
  await opened.picture('order-too-many-en-light');
  await page.unroute('**/orders');
  await page.getByRole('button', { name: 'Send again' }).click();
  await page.waitForURL('**/o/**');
  assert.equal(await made(), 1);
  await opened.close();
});

test('what the counter refuses is shown with its reason', async () => {
  const { page, opened, button } = await withLatte();
  await answer(page, 400, { code: 'bad_field', detail: 'items[0].note holds control characters.' });
  await button.click();
  await page.getByText('items[0].note holds control characters.').waitFor();
  await opened.accessible();
  await opened.close();
});

test('a key that stands for another order: that one has arrived, and another one can be made', async () => {
  const { page, opened, button } = await withLatte();
  await answer(page, 422, { code: 'idempotency_key_reused', order_id: 'some-order' });
  await button.click();
  await page.getByText('This order has arrived before').waitFor();
  await opened.accessible();
  assert.equal(await page.getByRole('link', { name: 'See it' }).getAttribute('href'), '/o/some-order');
  await page.unroute('**/orders');
  await page.getByRole('button', { name: 'Order once more' }).click();
  await page.getByRole('button', { name: 'Order', exact: true }).click();
  await page.waitForURL('**/o/**');
  assert.equal(await made(), 1);
  await opened.close();
});

test('sold out meanwhile: the order is refused, and it is said what is', async () => {
  const { page, opened, button } = await withLatte();
  await page.route('**/shop/events', (route) => route.abort());
  await page.reload();
  await page.waitForSelector('.promise strong');
  const hear = await deafen(page);
  await staff(line, 'sold-out/latte', { sold_out: true });
  const refused = page.waitForResponse('**/orders');
  await button.click();
  assert.equal((await refused).status(), 409);
  await page.getByText('Latte is sold out').first().waitFor();
  await opened.picture('order-sold-out-meanwhile-en-light');
  assert.equal(await made(), 0);
  await hear();
  await staff(line, 'sold-out/latte', { sold_out: false });
  await opened.close();
});

test('another price, an item or a choice that is gone: what changed is said, and the customer is asked again', async (t) => {
  const menu = await readFile(EMBEDDED, 'utf8');
  const shop = await begin({ files: { 'menu.toml': menu } });
  t.after(() => shop.end());
  const dearer = menu.replace(/(id = "latte"\n[^\n]*\nprice = )5500/, '$15800');
  const without = dearer.replace(/\[\[category\.item\]\]\nid = "flat-white"\n(?:.+\n)+/, '');
  assert.notEqual(dearer, menu);
  assert.notEqual(without, dearer);

  // Seen by the page by itself.
  const first = await withLatte(shop);
  await writeFile(join(shop.directory, 'menu.toml'), dearer);
  await first.page.getByText('Latte is now ₩5,800, not ₩5,500.').waitFor();
  await first.opened.picture('order-price-changed-en-light');
  await first.opened.accessible();
  await first.page.getByRole('button', { name: 'All right' }).click();
  assert.equal(await first.page.locator('footer strong').innerText(), '₩5,800');
  await first.opened.close();

  // Not seen: the counter refuses the order.
  const { page, opened, button } = await withLatte(shop);
  await page.locator('[data-item=flat-white] .add').click();
  await page.locator('[data-item=latte] .what').click();
  await page.route('**/shop/events', (route) => route.abort());
  await page.reload();
  await page.waitForSelector('.promise strong');
  const hear = await deafen(page);
  const seen = await openOrder(browser, shop);
  await writeFile(join(shop.directory, 'menu.toml'), without.replace('price = 5800', 'price = 5900'));
  await seen.page.waitForFunction(() => document.querySelector('[data-item=flat-white]') === null);
  const key = (await stored(page)).key;
  const refused = page.waitForResponse('**/orders');
  await button.click();
  assert.equal((await refused).status(), 422);
  await hear();
  await page.getByText('Flat white is no longer on the menu.').waitFor();
  await page.getByText('Latte is now ₩5,900, not ₩5,800.').waitFor();
  assert.notEqual((await stored(page)).key, key);
  await page.getByRole('button', { name: 'Order', exact: true }).click();
  await page.waitForURL('**/o/**');
  assert.deepEqual((await orders(shop)).map((/** @type {any} */ order) => order.total), [5_900]);
  await seen.close();
  await opened.close();
});

test('paused in the moment of ordering: that is said, and the order is kept', async (t) => {
  const { page, opened, button } = await withLatte();
  await page.route('**/shop/events', (route) => route.abort());
  await page.reload();
  await page.waitForSelector('.promise strong');
  const hear = await deafen(page);
  await staff(line, 'pause', { until: null });
  t.after(() => staff(line, 'pause', { paused: false }));
  const refused = page.waitForResponse('**/orders');
  await button.click();
  assert.equal((await refused).status(), 503);
  await page.getByText('Ordering is paused').first().waitFor();
  assert.match(await page.locator('footer .count').innerText(), /^1 item kept/);
  await hear();
  await staff(line, 'pause', { paused: false });
  await page.waitForSelector('footer .primary');
  await button.click();
  await page.waitForURL('**/o/**');
  assert.equal(await made(), 1);
  await opened.close();
});

test('where the browser keeps nothing, one orders all the same', async () => {
  const { page, opened, button } = await withLatte(line, { storage: false });
  await page.locator('[data-item=latte] .plus').click();
  await loseAnswers(page, 1);
  await button.click();
  await page.waitForURL('**/o/**');
  assert.equal(await made(), 1);
  await opened.close();
});

test('where the browser keeps nothing, a page that is loaded again in doubt still knows its order', async () => {
  const { page, opened, button } = await withLatte(line, { storage: false });
  const answers = await loseAnswers(page, 100);
  await button.click();
  await page.getByRole('button', { name: 'Stop asking' }).click();
  await page.reload();
  await page.getByText('We can’t tell whether your order arrived').waitFor();
  assert.equal(await page.locator('[data-item=latte] .many').innerText(), '1');
  answers();
  await page.getByRole('button', { name: 'Send again' }).click();
  await page.waitForURL('**/o/**');
  assert.equal(await made(), 1);
  await opened.close();
});

test('a clock that is ten minutes wrong changes nothing', async () => {
  const phone = await openOrder(browser, line, { expected: [REFUSED] });
  const { page } = phone;
  await page.addInitScript(() => {
    const now = Date.now;
    Date.now = () => now() - 600_000;
  });
  await page.reload();
  await page.waitForSelector('.promise strong');
  await page.locator('[data-item=latte] .add').click();
  await loseAnswers(page, 1);
  await page.locator('footer .primary').click();
  await page.waitForURL('**/o/**');
  assert.equal(await made(), 1);
  await phone.close();
});
