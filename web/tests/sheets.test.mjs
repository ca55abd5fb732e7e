/** The bar's sheets, on the real line: what staff say of orders and of the shop, and who hears of it. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { REFUSED, shopSays, tablet as anyTablet } from './bar-tools.mjs';
import { SHOP } from './board-tools.mjs';
import { lineAndBrowser, open } from './harness.mjs';
import { begin } from './line.mjs';
import { GONE, place } from './pager-tools.mjs';
import { shopWithPrinter, startPrinter } from './printer.mjs';
import { standIn } from './stand-in.mjs';

const { line, browser } = await lineAndBrowser(test, { args: ['--mode', 'manual'], files: { 'shop.toml': SHOP } });

/** @typedef {import('playwright-core').Page} Page */

/** A tablet whose time can be moved. @type {typeof anyTablet} */
const tablet = (browser, on, looks) => anyTablet(browser, on, { clock: true, ...looks });

/** @param {Page} page @param {RegExp} name */
const head = (page, name) => page.locator('.head').getByRole('button', { name });
/** @param {Page} page */
const sheet = (page) => page.getByRole('dialog');
/** The row of an order. @param {Page} page @param {any} order */
const row = (page, order) => sheet(page).getByRole('listitem').filter({ hasText: order.code.label }).filter({ hasText: new RegExp(`${order.code.words.en}|${order.code.words.ko}`, 'i') });

/**
 * An order with these items, as staff see it.
 * @param {any} [body]
 * @param {import('./line.mjs').Line} [on]
 */
async function order(body = { items: [{ item: 'latte', quantity: 1 }] }, on = line) {
  const id = await place(on, body);
  return on.shown(id, ({ version }) => version > 0);
}

/** All that is left is handed over. @param {import('./line.mjs').Line} on */
async function clear(on = line) {
  const { body } = await on.ask('GET', '/orders?live', { staff: true });
  for (const { order_id: id } of body.orders) await on.command(id, 'cancel');
}

test('what is ready, or handed over already, is recalled with a reason that the customer reads', async () => {
  const [waiting, gone] = [await order(), await order()];
  for (const { order_id: id } of [gone, waiting]) await line.command(id, 'ready');
  await line.command(gone.order_id, 'collect');
  const opened = await tablet(browser, line, { expected: [REFUSED] });
  const { page } = opened;
  await head(page, /^Recent/).click();
  await row(page, waiting).getByText('Ready').waitFor();
  await row(page, gone).getByText('Collected').waitFor();
  const texts = await sheet(page).getByRole('listitem').allTextContents();
  const at = (/** @type {any} */ { code }) => texts.findIndex((text) => text.includes(code.words.en.toUpperCase()));
  assert.ok(at(waiting) >= 0 && at(waiting) < at(gone), 'those that wait come first');
  await row(page, gone).getByRole('button', { name: 'Recall' }).click();
  await opened.accessible();
  await opened.picture('bar-recall-en-dark');
  await row(page, gone).getByRole('button', { name: 'Wrong milk' }).waitFor();
  await later(page);
  await row(page, gone).getByRole('button', { name: 'Wrong milk' }).focus();
  // The second tap of a quick finger comes before the first one is drawn.
  await row(page, gone).getByRole('button', { name: 'Wrong milk' }).evaluate((button) => {
    for (let n = 0; n < 3; n += 1) /** @type {HTMLElement} */ (button).click();
  });
  const again = await line.shown(gone.order_id, ({ round }) => round === 2);
  assert.deepEqual([again.state, again.marks.reason], ['making', 'Wrong milk']);
  // Whoever reads it in the other language reads it in that.
  const phone = await open(browser, `${line.url}/o/${gone.order_id}`, { language: 'ko', expected: [REFUSED] });
  await phone.page.getByText('우유가 달라요').waitFor();
  await phone.close();
  const other = await tablet(browser, line, { language: 'ko', device: 'Back bar', expected: [REFUSED] });
  await other.page.getByText('다시 만들기: 우유가 달라요').first().waitFor();
  await other.close();
  await row(page, gone).getByText('Being made again').waitFor();
  assert.equal(await row(page, gone).getByRole('button').count(), 0, 'it can not be recalled twice');
  assert.deepEqual(opened.notes.commands.map(({ command }) => command), ['recall'], 'nor by three taps');
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'sheet-title', 'the focus stays in the sheet');
  // One that is typed.
  await row(page, waiting).getByRole('button', { name: 'Recall' }).click();
  await later(page);
  await row(page, waiting).getByRole('textbox').fill('  lid is <b>broken</b>  ');
  await page.keyboard.press('Enter');
  const typed = await line.shown(waiting.order_id, ({ round }) => round === 2);
  assert.equal(typed.marks.reason, 'lid is <b>broken</b>');
  await opened.close();
  await clear();
});

/** What has just come under a finger takes no touch for a moment: that moment is over. @param {Page} page */
function later(page) {
  return page.clock.fastForward(800);
}

test('a list holds still under the finger: what comes meanwhile waits until it is asked for', async () => {
  const first = await order();
  await line.command(first.order_id, 'ready');
  const opened = await tablet(browser, line);
  const { page } = opened;
  await head(page, /^Recent/).click();
  const before = await row(page, first).boundingBox();
  const second = await order();
  await line.command(second.order_id, 'ready');
  await sheet(page).getByRole('button', { name: 'Show 1 more' }).waitFor();
  assert.equal(await row(page, second).count(), 0);
  assert.ok(before !== null);
  await sheet(page).getByRole('button', { name: 'Show 1 more' }).click();
  await row(page, second).waitFor();
  await opened.close();
  await clear();
});

test('Escape closes a sheet and gives the focus back, and keys of the rail do nothing meanwhile', async () => {
  const one = await order();
  const opened = await tablet(browser, line);
  const { page } = opened;
  await page.locator('.tk').first().waitFor();
  for (const name of [/^Recent/, /^Orders/, /^Sold out/, /^Pause/, /^Open/]) {
    await head(page, name).focus();
    await page.keyboard.press('Enter');
    await sheet(page).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'sheet-title');
    await page.keyboard.press('1');
    await page.keyboard.press('Escape');
    await sheet(page).waitFor({ state: 'detached' });
    assert.ok(await head(page, name).evaluate((button) => button === document.activeElement), String(name));
  }
  await head(page, /^Recent/).click();
  await sheet(page).getByRole('button', { name: 'Close' }).click();
  await sheet(page).waitFor({ state: 'detached' });
  assert.equal((await line.shown(one.order_id, () => true)).state, 'received');
  await opened.close();
  await clear();
});

test('an order that waits for payment is paid with one tap, and another one cancelled with its reason', async () => {
  const paying = await begin({ args: ['--mode', 'manual'], files: { 'shop.toml': `${SHOP}payment = "before"\n` } });
  try {
    const opened = await tablet(browser, paying);
    const { page } = opened;
    // As a phone orders: the bar page is there, so it may.
    await shopSays(paying, ({ ordering }) => ordering === 'open');
    const body = { items: [{ item: 'latte', quantity: 2 }] };
    const unpaid = await Promise.all([paying.place(body), paying.place(body)]);
    const [paid, other] = await Promise.all(unpaid.map(({ order_id: id }) => paying.shown(id, ({ version }) => version > 0)));
    await head(page, /^Orders.*2 wait for payment/).click();
    await row(page, paid).getByText('₩11,000 to be paid').waitFor();
    assert.equal(await page.locator('.tk').count(), 0, 'nobody makes what is not paid');
    await opened.accessible();
    await opened.picture('bar-orders-en-dark');
    await later(page);
    await row(page, paid).getByRole('button', { name: 'Paid' }).click();
    await paying.shown(paid.order_id, ({ unpaid }) => unpaid === false);
    await page.locator('.tk').first().waitFor();
    await row(page, other).getByRole('button', { name: 'Cancel' }).click();
    await later(page);
    await row(page, other).getByRole('button', { name: 'The customer asked' }).click();
    const cancelled = await paying.shown(other.order_id, ({ state }) => state === 'cancelled');
    assert.equal(cancelled.marks.reason, 'The customer asked');
    await row(page, other).getByText('is no longer open').waitFor();
    await opened.close();
  } finally {
    await paying.end();
  }
});

test('a switch takes a drink off the menu, says in how many open orders it is, and every tablet shows it', async () => {
  await order({ items: [{ item: 'latte', quantity: 1, options: ['milk/oat'] }, { item: 'latte', quantity: 1, options: ['milk/oat'] }] });
  const [one, other] = [await tablet(browser, line), await tablet(browser, line, { language: 'ko' })];
  const { page } = one;
  await head(page, /^Sold out/).click();
  const oat = sheet(page).getByRole('switch', { name: 'Milk: Oat sold out' });
  await sheet(page).getByRole('listitem').filter({ has: page.getByRole('switch', { name: 'Milk: Oat' }) }).getByText('In 1 open order').waitFor();
  const place = await oat.boundingBox();
  await oat.click();
  await page.locator('.head').getByRole('button', { name: /^Sold out , 1 thing|^Sold out, 1 thing/ }).waitFor();
  assert.equal(await oat.getAttribute('aria-checked'), 'true');
  assert.deepEqual(await oat.boundingBox(), place, 'it stays under the finger');
  assert.deepEqual((await line.ask('GET', '/shop')).body.sold_out, ['milk/oat']);
  await head(other.page, /^품절/).click();
  await other.page.locator('[role=switch][aria-checked=true]').waitFor();
  await one.accessible();
  await one.picture('bar-soldout-en-dark');
  await other.accessible();
  await other.picture('bar-soldout-ko-dark');
  await sheet(page).getByRole('searchbox').fill('latte');
  await oat.waitFor({ state: 'detached' });
  await sheet(page).getByRole('switch', { name: 'Vanilla latte' }).waitFor();
  await sheet(page).getByRole('searchbox').fill('');
  await oat.click();
  // A switch that is on its way shows where to: the line has taken it once it is no longer busy.
  await page.waitForFunction(() => document.querySelectorAll('.sheet :is([aria-checked=true], [aria-busy=true])').length === 0);
  assert.deepEqual((await line.ask('GET', '/shop')).body.sold_out, []);
  await one.close();
  await other.close();
  await clear();
});

test('busy adds minutes to new promises with one tap, and as many as are chosen', async () => {
  const opened = await tablet(browser, line);
  const { page } = opened;
  const busy = async () => (await line.ask('GET', '/shop')).body.busy_minutes;
  await head(page, /^Busy \+5/).click();
  await page.locator('.pace [aria-pressed=true]', { hasText: 'Busy +5 min' }).waitFor();
  assert.equal(await busy(), 5);
  await opened.accessible();
  await opened.picture('bar-busy-en-dark');
  await sheet(page).getByRole('button', { name: '+15 min' }).click();
  await page.locator('.pace [aria-pressed=true]', { hasText: 'Busy +15 min' }).waitFor();
  assert.equal(await busy(), 15);
  await page.keyboard.press('Escape');
  await head(page, /^Normal/).click();
  await page.locator('.pace [aria-pressed=true]', { hasText: 'Normal' }).waitFor();
  assert.equal(await busy(), 0);
  await opened.close();
});

test('a pause says when orders are taken again, and ends by itself or with a tap', async () => {
  const opened = await tablet(browser, line);
  const { page } = opened;
  await head(page, /^Pause/).click();
  await sheet(page).getByRole('button', { name: /^20 min/ }).click();
  await page.locator('.pace [aria-pressed=true]', { hasText: 'Pause' }).waitFor();
  const { body: shop } = await line.ask('GET', '/shop');
  assert.deepEqual([shop.ordering, shop.reason], ['paused', 'staff']);
  assert.ok(shop.reopens_at % 60_000 === 0 && Math.abs(shop.reopens_at - shop.now - 20 * 60_000) <= 60_000);
  await sheet(page).getByText('Paused until').waitFor();
  await opened.accessible();
  await opened.picture('bar-pause-en-dark');
  await sheet(page).getByRole('button', { name: 'Until I go on' }).click();
  await sheet(page).getByText('Paused until you go on').waitFor();
  await sheet(page).getByRole('button', { name: 'Take orders again' }).click();
  await page.locator('.pace [aria-pressed=true]', { hasText: 'Normal' }).waitFor();
  await opened.close();
});

test('closing stops orders, names what is left and gives the day sheet; opening brings back what was sold out', async () => {
  const stand = await standIn(line.url);
  stand.answer('/ledger/day', { orders: 214, drinks: 351, remakes: 3, uncollected: 2, cancelled: 4, promise: { inside: 201, early: 6, late: 3, total: 210 }, holds: true });
  try {
    const left = await order();
    await line.ask('PUT', '/shop/sold-out/cold-brew', { staff: true, body: { sold_out: true } });
    await line.ask('PUT', '/shop/sold-out/latte', { staff: true, body: { sold_out: true } });
    const opened = await tablet(browser, line, { url: stand.url });
    const { page } = opened;
    await head(page, /^Open/).click();
    await sheet(page).getByRole('heading', { name: 'Open', exact: true }).waitFor();
    await later(page);
    /** @type {string[]} */
    const said = [];
    page.on('request', (request) => request.method() === 'PUT' && said.push(new URL(request.url()).pathname));
    await page.evaluate(async () => {
      const button = () => /** @type {HTMLElement} */ (document.querySelector('.sheet .end .primary'));
      const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      button().click();
      await drawn();
      button().click();
      await drawn();
    });
    await row(page, left).waitFor();
    assert.ok(!said.includes('/shop/open'), 'a second touch on the same place is not meant');
    await opened.picture('bar-closing-en-dark');
    await later(page);
    await sheet(page).getByRole('button', { name: 'Close now' }).click();
    await sheet(page).getByRole('heading', { name: 'Closed' }).waitFor();
    assert.equal((await line.ask('GET', '/shop')).body.ordering, 'closed');
    const refused = await line.ask('POST', '/orders', { body: { items: [{ item: 'americano', quantity: 1 }] } });
    assert.equal(refused.body.code, 'shop_closed');
    await row(page, left).waitFor();
    const day = sheet(page).locator('.day-sheet');
    await day.getByText('201 of 210').waitFor();
    assert.match((await day.textContent()) ?? '', /Orders\s*214.*Drinks\s*351.*Remakes\s*3.*Not picked up\s*2.*Cancelled\s*4/s);
    await opened.accessible();
    await opened.picture('bar-closed-en-dark');
    await later(page);
    await sheet(page).getByRole('button', { name: 'Open the shop' }).click();
    await sheet(page).getByRole('switch', { name: 'Keep Latte sold out' }).click();
    await opened.accessible();
    await opened.picture('bar-opening-en-dark');
    await later(page);
    await sheet(page).getByRole('button', { name: 'Open now' }).click();
    await page.locator('.head').getByRole('button', { name: /^Sold out.*1 thing/ }).waitFor();
    const { body: shop } = await line.ask('GET', '/shop');
    assert.deepEqual([shop.open, shop.sold_out], [{ open: true }, ['latte']]);
    await later(page);
    await sheet(page).getByRole('button', { name: 'Go by the hours' }).click();
    await sheet(page).getByRole('heading', { name: 'Open', exact: true }).waitFor();
    await opened.close();
  } finally {
    await line.ask('PUT', '/shop/sold-out/latte', { staff: true, body: { sold_out: false } });
    await clear();
    await stand.end();
  }
});

test('what was left from the night before is closed with one tap, silently and with its reason', async () => {
  const [making, ready] = [await order(), await order()];
  await line.command(making.order_id, 'start');
  await line.command(ready.order_id, 'ready');
  const opened = await tablet(browser, line);
  const { page } = opened;
  await page.locator('.tk').first().waitFor();
  assert.equal(await head(page, /^From before/).count(), 0, 'nothing of today is');
  // The counter's clock is what counts: a day later.
  const stand = await standIn(line.url);
  try {
    const { body } = await line.ask('GET', '/orders?live', { staff: true });
    const day = 24 * 60 * 60_000;
    const later = { ...body, as_of: body.as_of + day, now: body.now + day };
    stand.answer('/orders?live', later);
    stand.say('/events', 'snapshot', later);
    await page.goto(`${stand.url}/bar`);
    await head(page, /^From before.*2 orders/).click();
    await row(page, making).waitFor();
    await opened.accessible();
    await opened.picture('bar-before-en-dark');
    await sheet(page).getByRole('button', { name: 'Close all 2' }).click();
    for (const { order_id: id, round } of [making, ready]) {
      const over = await line.shown(id, ({ state }) => state === 'cancelled');
      assert.deepEqual([over.marks.reason, over.round], ['Left from the day before', round], 'no bell rings for it');
    }
    await opened.close();
  } finally {
    await stand.end();
  }
});

test('what can not be said now is said to be so, and tried again with a tap', async () => {
  const own = await begin({ args: ['--mode', 'manual'], files: { 'shop.toml': SHOP } });
  try {
    const opened = await tablet(browser, own, { expected: [...GONE, REFUSED] });
    const { page } = opened;
    await head(page, /^Pause/).click();
    await own.kill();
    await sheet(page).getByRole('button', { name: 'Until I go on' }).click();
    await sheet(page).getByText('Not sent: there is no connection').waitFor();
    await opened.accessible();
    await opened.picture('bar-sheet-failed-en-dark');
    await own.start();
    await sheet(page).getByRole('button', { name: 'Try again' }).click();
    await sheet(page).getByText('Paused until you go on').waitFor();
    assert.equal((await own.ask('GET', '/shop')).body.ordering, 'paused');
    // And of a button in the head, where no sheet is open.
    await page.keyboard.press('Escape');
    await own.kill();
    await head(page, /^Normal/).click();
    await sheet(page).getByText('Not sent: there is no connection').waitFor();
    await opened.close();
  } finally {
    await own.end();
  }
});

test('a ticket is printed once more from what was done recently, and only where there is a printer', async () => {
  const without = await order();
  await line.command(without.order_id, 'ready');
  const bare = await tablet(browser, line);
  await head(bare.page, /^Recent/).click();
  await row(bare.page, without).waitFor();
  assert.equal(await row(bare.page, without).getByRole('button', { name: /Print/ }).count(), 0);
  await bare.close();
  await clear();

  const printer = await startPrinter();
  const own = await begin({ args: ['--mode', 'manual'], files: { 'shop.toml': shopWithPrinter(printer.port) } });
  try {
    for (const language of /** @type {const} */ (['en', 'ko'])) {
      const done = await order(undefined, own);
      await own.command(done.order_id, 'ready');
      await own.command(done.order_id, 'collect');
      const opened = await tablet(browser, own, { language });
      const { page } = opened;
      await head(page, language === 'en' ? /^Recent/ : /^최근 완료/).click();
      await row(page, done).getByRole('button', { name: language === 'en' ? /^Print/ : /^인쇄/ }).click();
      await row(page, done).getByRole('status').filter({ hasText: language === 'en' ? 'marked as a copy' : '사본으로' }).waitFor();
      assert.ok((await printer.copied).includes('COPY'));
      await opened.accessible();
      await opened.fits();
      await opened.picture(`bar-sheet-print-${language}-dark`);
      await opened.close();
    }
    // One that was not taken says why.
    const done = await order(undefined, own);
    await own.command(done.order_id, 'ready');
    const opened = await tablet(browser, own, { expected: [REFUSED, ...GONE, /ERR_FAILED/] });
    const { page } = opened;
    await page.route(/\/print$/, (route) => route.abort());
    await head(page, /^Recent/).click();
    await row(page, done).getByRole('button', { name: /^Print/ }).click();
    await row(page, done).locator('.failed').filter({ hasText: 'not printed' }).waitFor();
    await opened.accessible();
    await opened.close();
  } finally {
    await own.end();
    printer.close();
  }
});

for (const [language, theme, text] of /** @type {const} */ ([['en', 'light', 1], ['ko', 'dark', 1], ['ko', 'light', 2], ['en', 'dark', 2]])) {
  test(`every sheet can be used by everyone: ${language}, ${theme}${text === 2 ? ', with text twice as large' : ''}`, async () => {
    const one = await order({ items: [{ item: 'latte', quantity: 2 }], ref: 'A-17' });
    const done = await order();
    await line.command(done.order_id, 'ready');
    const opened = await tablet(browser, line, { language, text, query: `?theme=${theme}`, calm: true });
    const { page } = opened;
    await page.locator('.tk').first().waitFor();
    const buttons = { recent: /^(Recent|최근 완료)/, orders: /^(Orders|주문)/, soldout: /^(Sold out|품절)/, busy: /^(Busy|바쁨)/, pause: /^(Pause|멈춤)/, shop: /^(Open|영업)/ };
    for (const [name, button] of Object.entries(buttons)) {
      await head(page, button).click();
      await sheet(page).waitFor();
      if (name === 'recent') await row(page, done).getByRole('button').first().click();
      if (name === 'orders') await row(page, one).getByRole('button').first().click();
      if (text === 1) await opened.accessible();
      await opened.fits();
      await opened.picture(`bar-sheet-${name}-${language}-${theme}${text === 2 ? '-200' : ''}`);
      await page.keyboard.press('Escape');
    }
    await opened.close();
    await line.ask('PUT', '/shop/pace', { staff: true, body: { busy_minutes: 0 } });
    await clear();
  });
}
