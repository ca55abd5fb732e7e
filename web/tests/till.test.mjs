/** The till: a bell with one tap, its code for the customer, an order from the menu, and what goes wrong on the way. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { SHOP } from './board-tools.mjs';
import { lineAndBrowser, open, signIn } from './harness.mjs';
import { begin } from './line.mjs';
import { shopWithPrinter, startPrinter } from './printer.mjs';

/** A counter that has just begun says for a moment that it is not ready. */
const BEGINS = /status of 503/;
/** What Chromium logs of answers that a test provokes, and of a counter that is gone. */
const REFUSED = /status of (400|401|404|409)|ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_FAILED|ERR_INTERNET_DISCONNECTED|ERR_EMPTY_RESPONSE/;
const PUBLIC = 'http://192.168.1.5:8080';
const { line, browser } = await lineAndBrowser(test, { args: ['--mode', 'manual', '--public-url', PUBLIC] });

/**
 * The till on a tablet that is signed in.
 * @param {import('./harness.mjs').Phone & {at?: import('./line.mjs').Line}} [tablet]
 */
async function till({ at = line, ...looks } = {}) {
  const opened = await open(browser, 'about:blank', { width: 1180, height: 820, expected: [REFUSED], ...looks });
  await signIn(opened.page, at, 'barista', 'Till');
  await opened.page.goto(`${at.url}/till`);
  await opened.page.waitForSelector('.cups button');
  return opened;
}

/** Waits until a button takes touches: what has just come under a finger takes none. @param {import('playwright-core').Page} page */
const settled = (page) => page.waitForSelector('html:not(.settling)', { state: 'attached' });

/** @param {import('playwright-core').Page} page */
const code = (page) => page.waitForSelector('.show .code:not(.none)');

/** @param {import('./line.mjs').Line} [at] */
async function live(at = line) {
  return (await at.ask('GET', '/orders?live', { staff: true })).body.orders;
}

/** @param {string} ref @param {import('./line.mjs').Line} [at] */
const withRef = async (ref, at = line) => (await live(at)).filter((/** @type {any} */ order) => order.ref === ref);

/** @param {import('playwright-core').Page} page */
async function done(page) {
  await settled(page);
  await page.click('.done');
  await page.waitForSelector('.cups button');
}

test('one tap makes a bell, its code fills the screen, and staff see that the customer has it', async () => {
  for (const [language, theme] of /** @type {const} */ ([['en', 'light'], ['ko', 'dark'], ['ko', 'light'], ['en', 'dark']])) {
    const ref = `A-${language}-${theme}`;
    const tablet = await till({ language, theme });
    const { page } = tablet;
    await page.waitForSelector('.tile');
    await tablet.accessible();
    await tablet.fits();
    await tablet.picture(`till-desk-${language}-${theme}`);
    await page.fill('#ref', ref);
    const drawn = page.waitForRequest((request) => request.url().endsWith('/table/qr.svg') && request.method() === 'POST');
    await page.click('[data-cups="2"]');
    await code(page);
    const [order] = await withRef(ref);
    assert.equal((await drawn).postData(), `${PUBLIC}/o/${order.order_id}`, 'what the customer scans is the order’s page');
    assert.deepEqual([order.amount, order.channel], [2, 'till']);
    await page.waitForFunction(() => /** @type {HTMLImageElement | null} */ (document.querySelector('.paper img'))?.naturalWidth);
    const shown = (await page.textContent('.show')) ?? '';
    for (const word of [order.code.words.en.toUpperCase(), order.code.words.ko, ref]) assert.ok(shown.includes(word), word);
    await tablet.accessible();
    await tablet.fits();
    await tablet.picture(`till-code-${language}-${theme}`);
    const phone = await open(browser, `${line.url}/o/${order.order_id}`);
    await page.waitForSelector('.phone.on');
    await tablet.picture(`till-on-phone-${language}-${theme}`);
    await phone.close();
    await done(page);
    assert.equal(await page.inputValue('#ref'), '', 'the number was that one’s');
    await page.waitForSelector(`[data-order="${order.order_id}"]:focus`);
    await tablet.close();
  }
});

test('however often and however fast the button is tapped, it is one bell', async () => {
  const tablet = await till();
  const { page } = tablet;
  await page.fill('#ref', 'DOUBLE');
  // Its last tap meets what has come under it, as soon as that is there.
  await page.evaluate(() => {
    const button = /** @type {HTMLElement} */ (document.querySelector('[data-cups="3"]'));
    for (let n = 0; n < 5; n += 1) button.click();
    return new Promise((tapped) => {
      const observer = new MutationObserver(() => {
        const done = /** @type {HTMLElement | null} */ (document.querySelector('.show .done'));
        if (done === null) return;
        observer.disconnect();
        done.click();
        tapped(undefined);
      });
      observer.observe(document.body, { childList: true, subtree: true });
    });
  });
  assert.ok(await page.$('.show'), 'the finger that tapped twice does not close it');
  await code(page);
  await done(page);
  assert.equal((await withRef('DOUBLE')).length, 1);
  await tablet.close();
});

test('a lost answer, and a page that is loaded again, make no second bell', async () => {
  const tablet = await till();
  const { page } = tablet;
  let lost = 0;
  await page.route('**/orders', async (route) => {
    if (route.request().method() !== 'POST' || lost > 1) return route.fallback();
    lost += 1;
    await route.fetch();
    await route.abort('connectionreset');
  });
  await page.fill('#ref', 'LOST');
  await page.click('[data-cups="1"]');
  await page.waitForSelector('.notice');
  await page.reload();
  await code(page);
  assert.ok(lost > 1);
  assert.equal((await withRef('LOST')).length, 1);
  await done(page);
  await tablet.close();
});

test('an order is found by its ticket number or its code, also after it was handed over', async () => {
  const placed = await line.place({ amount: 1, ref: 'Z-99' }, { staff: true });
  const order = await line.shown(placed.order_id, (order) => order.decided);
  const tablet = await till();
  const { page } = tablet;
  const row = `[data-order="${order.order_id}"]`;
  for (const query of ['z99', order.code.words.ko, `${order.code.words.en} ${order.code.label}`]) {
    await page.fill('#find', query);
    await page.waitForSelector(row);
  }
  await line.command(order.order_id, 'ready');
  await line.command(order.order_id, 'collect');
  await page.fill('#find', 'Z-99');
  await page.waitForFunction((row) => /Collected/.test(document.querySelector(row)?.textContent ?? ''), row);
  await page.click(row);
  await page.waitForSelector('.show .code:not(.none)');
  assert.equal(await page.$('.paper'), null, 'there is nothing left to ring for');
  await done(page);
  await page.fill('#find', 'no such number');
  await page.waitForSelector('.found .none');
  await tablet.picture('till-found-none');
  await tablet.close();
});

test('an order from the menu takes three taps, and what is sold out takes none', async () => {
  await line.ask('PUT', '/shop/sold-out/americano', { staff: true, body: { sold_out: true } });
  const tablet = await till({ language: 'ko' });
  const { page } = tablet;
  await page.waitForSelector('[data-item=americano].gone');
  await page.fill('#ref', 'MENU');
  await page.click('[data-item=latte]');
  await page.getByRole('radio', { name: /오트/ }).click();
  await page.evaluate(() => scrollTo(0, 0));
  const pay = await page.locator('.cart .primary').boundingBox();
  assert.ok(pay && pay.y + pay.height <= 820, `the third tap needs no scrolling: ${JSON.stringify(pay)}`);
  await tablet.accessible();
  await tablet.fits();
  await tablet.picture('till-order-ko', { fullPage: true });
  await page.click('[data-item=americano]', { force: true });
  await page.click('.cart .primary');
  await code(page);
  const [order] = await withRef('MENU');
  assert.deepEqual([order.items.length, order.items[0].item, order.channel, order.unpaid], [1, 'latte', 'till', false]);
  assert.ok(order.items[0].options.includes('milk/oat'));
  await done(page);
  assert.equal(await page.$('.cart .line'), null, 'the next customer begins anew');
  await line.ask('PUT', '/shop/sold-out/americano', { staff: true, body: { sold_out: false } });
  await tablet.close();
});

test('what was ordered on a phone and waits for its payment is paid at the till', async () => {
  const at = await begin({ args: ['--mode', 'manual'], files: { 'shop.toml': `${SHOP}payment = "before"\n` } });
  try {
    const tablet = await till({ at });
    const { page } = tablet;
    // As while a bar page is there: then phones may order.
    await at.ask('PUT', '/shop/bars/bar', { staff: true, body: {} });
    const { order_id: id } = await at.place({ items: [{ item: 'latte' }] });
    const order = await at.shown(id, ({ code }) => code !== undefined);
    await page.fill('#find', order.code.label);
    const row = page.locator(`[data-order="${id}"]`);
    await row.getByText('₩5,500 to be paid').waitFor();
    await row.click();
    await page.locator('.phone').getByText('₩5,500 to be paid').waitFor();
    await settled(page);
    await tablet.accessible();
    await tablet.picture('till-unpaid-en');
    await page.click('.paid');
    await at.shown(id, ({ unpaid }) => unpaid === false);
    await page.locator('.paid').waitFor({ state: 'detached' });
    await tablet.close();
  } finally {
    await at.end();
  }
});

test('a till says that phones can not order, and makes bells all the same', async () => {
  const at = await begin({ args: ['--mode', 'manual', '--public-url', PUBLIC] });
  try {
    const tablet = await till({ at });
    const { page } = tablet;
    await at.ask('PUT', '/shop/open', { staff: true, body: { open: false } });
    await page.getByText('The shop is closed: phones can’t order. What you make here counts all the same.').waitFor();
    await tablet.accessible();
    await page.click('[data-cups="1"]');
    await code(page);
    await tablet.close();
  } finally {
    await at.end();
  }
});

test('keys make a bell, look for one and lead back', async () => {
  const tablet = await till();
  const { page } = tablet;
  await page.evaluate(() => /** @type {HTMLElement} */ (document.activeElement)?.blur());
  await page.keyboard.press('/');
  await page.waitForSelector('#find:focus');
  await page.keyboard.type('4');
  await page.keyboard.press('Escape');
  assert.equal(await page.$('.show'), null, 'a number that is written is no bell');
  await page.fill('#find', '');
  await page.focus('#ref');
  await page.keyboard.type('KEYS');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-cups="1"]:focus');
  await page.keyboard.press('4');
  await code(page);
  assert.equal((await withRef('KEYS'))[0].amount, 4);
  await page.waitForSelector('#code:focus');
  await settled(page);
  await page.keyboard.press('Escape');
  await page.waitForSelector('.cups button');
  await tablet.close();
});

test('a bell that was a slip is taken back, once somebody says so twice', async () => {
  const tablet = await till();
  const { page } = tablet;
  await page.fill('#ref', 'SLIP');
  await page.click('[data-cups="6"]');
  await code(page);
  const [order] = await withRef('SLIP');
  await settled(page);
  await page.click('.acts .link');
  await page.waitForSelector('.sure button:focus');
  await tablet.accessible();
  await tablet.picture('till-take-back');
  await page.click('.sure button:last-child');
  await page.waitForFunction(() => /Cancelled/.test(document.querySelector('.phone')?.textContent ?? ''));
  assert.equal((await line.shown(order.order_id, () => true)).state, 'cancelled');
  await done(page);
  await tablet.close();
});

test('what comes late of one order is not said on the screen of the next', async () => {
  const other = await line.shown((await line.place({ amount: 2, ref: 'NEXT' }, { staff: true })).order_id, ({ decided }) => decided);
  const tablet = await till();
  const { page } = tablet;
  await page.fill('#ref', 'LATE');
  await page.click('[data-cups="1"]');
  await code(page);
  /** @type {() => void} */
  let answer = () => {};
  const held = new Promise((/** @type {(value?: unknown) => void} */ done) => (answer = done));
  await page.route('**/commands', async (route) => {
    await held;
    await route.fulfill({ status: 409, json: {} });
  });
  await settled(page);
  await page.click('.acts .link');
  await page.click('.sure button:last-child');
  await done(page);
  await settled(page);
  await page.click(`[data-order="${other.order_id}"]`);
  await code(page);
  await settled(page);
  await page.click('.acts .link');
  // As long as the answer is out nothing else is asked.
  await page.waitForSelector('.sure button:last-child[aria-disabled=true]');
  answer();
  await page.waitForSelector('.sure button:last-child:not([aria-disabled])');
  assert.equal(await page.$('.say .notice'), null, (await page.textContent('.say')) ?? '');
  assert.ok(await page.$('.sure button:focus'), 'and the focus stays');
  await done(page);
  await tablet.close();
});

test('a ticket number that can’t be one is said at its field, and nothing is made', async () => {
  const tablet = await till();
  const { page } = tablet;
  await page.fill('#ref', 'x'.repeat(33));
  await page.click('[data-cups="1"]');
  await page.waitForSelector('#ref[aria-invalid=true]:focus');
  assert.equal(await page.$('.show'), null);
  await tablet.accessible();
  // As long as the counter takes, and what is pasted with it and turns the text beside it is left out.
  const longest = 'R'.repeat(32);
  await page.fill('#ref', `\u202e${longest}\u2069`);
  await page.click('[data-cups="1"]');
  await code(page);
  assert.equal((await withRef(longest)).length, 1);
  await done(page);
  await tablet.close();
});

test('while the counter is gone a bell is kept, and made once it is back', async () => {
  const own = await begin({ args: ['--mode', 'manual', '--public-url', PUBLIC] });
  try {
    const tablet = await till({ at: own, expected: [REFUSED, BEGINS] });
    const { page } = tablet;
    await page.waitForSelector('.live');
    await own.kill();
    await page.fill('#ref', 'GONE');
    await page.click('[data-cups="2"]');
    await page.waitForSelector('.show .notice');
    await page.waitForSelector('.band');
    await tablet.accessible();
    await tablet.picture('till-unreached');
    await settled(page);
    await page.keyboard.press('Escape');
    // A key that leads back gives up nothing: it is kept, and looked at again.
    await settled(page);
    await page.click('[data-kept]');
    await page.waitForSelector('.show .notice');
    await own.start();
    await code(page);
    assert.equal((await withRef('GONE', own)).length, 1);
    await done(page);
    await page.waitForSelector('.live');
    await tablet.close();
  } finally {
    await own.end();
  }
});

test('without network each bell is kept by its number, through a reload too, and made once when it is back', async () => {
  const tablet = await till();
  const { page, context } = tablet;
  await page.waitForSelector('.live');
  await context.setOffline(true);
  for (const [ref, cups] of [['N-1', 2], ['', 3], ['N-3', 1]]) {
    await settled(page);
    if (ref) await page.fill('#ref', String(ref));
    await page.click(`[data-cups="${cups}"]`);
    await page.getByText('no QR code to scan').waitFor();
    await done(page);
  }
  // The first one is being sent until it is known that it can't be.
  await page.waitForFunction(() => [...document.querySelectorAll('[data-kept]')].every((row) => /Not sent yet/.test(row.textContent ?? '')));
  const rows = () => page.locator('[data-kept]').allTextContents();
  const kept = await rows();
  assert.equal(kept.length, 3);
  for (const [n, what] of [/N-1.*2 cups/s, /3 cups/, /N-3.*1 cup/s].entries()) assert.match(kept[n] ?? '', what);
  assert.ok(kept.every((row) => /No code yet.*Not sent yet/s.test(row)), kept.join());
  await tablet.accessible();
  await tablet.fits();
  await tablet.picture('till-kept-en-light');
  // The page comes, and no order gets through.
  await page.route('**/orders', (route) => (route.request().method() === 'POST' ? route.abort('failed') : route.fallback()));
  await context.setOffline(false);
  await page.reload();
  await page.waitForFunction(() => document.querySelectorAll('[data-kept]').length === 3);
  assert.deepEqual((await live()).filter((/** @type {any} */ { ref }) => /^N-/.test(ref)), []);
  await page.unroute('**/orders');
  await page.waitForFunction(() => document.querySelectorAll('[data-kept] .go').length === 3);
  // They have codes once the counter has read them.
  await page.waitForFunction(() => [...document.querySelectorAll('[data-kept]')].every((row) => !/No code yet/.test(row.textContent ?? '')));
  const sent = [...(await withRef('N-1')), ...(await withRef('N-3'))];
  assert.deepEqual(sent.map(({ ref, amount }) => [ref, amount]), [['N-1', 2], ['N-3', 1]], 'each once');
  await page.waitForFunction((code) => document.querySelector('[data-kept]')?.textContent?.includes(code), sent[0].code.words.en.toUpperCase());
  await page.click('.language');
  await page.waitForSelector('html:lang(ko)');
  await tablet.accessible();
  await page.emulateMedia({ colorScheme: 'dark' });
  await tablet.picture('till-kept-sent-ko-dark');
  await page.click('[data-kept]');
  await code(page);
  assert.match((await page.textContent('.show')) ?? '', /N-1/, 'its code is for whoever has that number');
  await page.waitForSelector('.paper img');
  await done(page);
  assert.equal((await rows()).length, 2, 'that one was seen');
  await settled(page);
  await page.getByRole('button', { name: '보낸 주문은 확인했어요' }).click();
  await page.waitForFunction(() => !document.querySelector('.kept'));
  await tablet.close();
});

test('old bells ask whether they still count, and when no more can be kept that is said', async () => {
  const tablet = await till();
  const { page } = tablet;
  await page.evaluate(() => {
    for (let n = 1; n <= 50; n += 1) {
      const what = { cups: 1, ref: `OLD-${n}`, is_bell: true };
      const ageMs = n > 2 ? 3_600_000 : 3 * 86_400_000;
      const sale = { key: `kept-${n}`, body: '{"amount":1}', at: Date.now() - ageMs + n, what, doubt: true };
      localStorage.setItem(`brewline.till.sale.${sale.key}`, JSON.stringify(sale));
    }
  });
  await page.reload();
  // What may have been made days ago is not sent with the others.
  await page.getByRole('button', { name: 'Send all 48 that are old' }).waitFor();
  await page.fill('#ref', 'FULL');
  await page.click('[data-cups="1"]');
  await page.locator('.bell .notice').getByText('50 orders are kept here and not sent').waitFor();
  assert.equal(await page.$('.show'), null);
  assert.equal(await page.inputValue('#ref'), 'FULL', 'what was typed is still there');
  await tablet.accessible();
  await tablet.picture('till-kept-full-en');
  await page.click('[data-kept="kept-7"]');
  await page.getByText('OLD-7').waitFor();
  await settled(page);
  await tablet.accessible();
  await tablet.picture('till-kept-asks-en');
  await page.keyboard.press('Escape');
  await settled(page);
  assert.match((await page.textContent('[data-kept="kept-1"]')) ?? '', /May be made already/);
  await page.click('[data-kept="kept-1"]');
  await page.getByText('Sending it now could make it a second time').waitFor();
  await settled(page);
  await tablet.accessible();
  await tablet.picture('till-kept-forgotten-en-light');
  await page.keyboard.press('Escape');
  await page.click('.language');
  await page.waitForSelector('html:lang(ko)');
  await page.emulateMedia({ colorScheme: 'dark' });
  await tablet.accessible();
  await settled(page);
  await page.click('[data-kept="kept-2"]');
  await page.getByText('하루가 지난 주문이라').waitFor();
  await settled(page);
  await tablet.accessible();
  await tablet.picture('till-kept-forgotten-ko-dark');
  await page.keyboard.press('Escape');
  await page.click('.language');
  await page.waitForSelector('html:lang(en)');
  await settled(page);
  await page.click('[data-kept="kept-7"]');
  await settled(page);
  await page.getByRole('button', { name: 'Give it up' }).click();
  await page.waitForFunction(() => document.querySelectorAll('[data-kept]').length === 49);
  await settled(page);
  await page.click('[data-cups="1"]');
  await code(page);
  assert.equal((await withRef('FULL')).length, 1, 'there is room again');
  assert.equal((await live()).filter((/** @type {any} */ { ref }) => /^OLD-/.test(ref ?? '')).length, 0, 'nobody said that they count');
  await tablet.close();
});

test('a device that keeps nothing says so where an order would be lost, and asks before the page is closed', async () => {
  const own = await begin({ args: ['--mode', 'manual', '--public-url', PUBLIC] });
  try {
    for (const [language, theme, lost] of /** @type {const} */ ([['en', 'light', 'don’t reload or close this page'], ['ko', 'dark', '새로고침하거나 닫지 마세요']])) {
      const tablet = await till({ at: own, language, theme, storage: false, width: 820, height: 1180, expected: [REFUSED, BEGINS] });
      const { page } = tablet;
      await page.waitForSelector('.live');
      await own.kill();
      await page.fill('#ref', `LOST-${language}`);
      await page.click('[data-cups="2"]');
      await page.locator('.show .notice').getByText(lost).waitFor();
      await settled(page);
      await page.locator('.band').getByText(lost).waitFor();
      await tablet.accessible();
      await tablet.fits();
      await tablet.picture(`till-fleeting-${language}-${theme}`);
      await page.keyboard.press('Escape');
      await page.locator('.kept').getByText(lost).waitFor();
      await tablet.accessible();
      await tablet.picture(`till-fleeting-desk-${language}-${theme}`);
      const asked = page.waitForEvent('dialog');
      void page.close({ runBeforeUnload: true });
      const question = await asked;
      assert.equal(question.type(), 'beforeunload');
      await question.dismiss();
      await own.start();
      await page.waitForSelector('[data-kept] .go');
      assert.equal(await page.locator('.kept').getByText(lost).count(), 0, 'nothing is left to lose');
      // It has a code once the counter has read it.
      await settled(page);
      await page.click('[data-kept]');
      await code(page);
      assert.equal((await withRef(`LOST-${language}`, own)).length, 1);
      await tablet.close();
    }
  } finally {
    await own.end();
  }
});

test('what waits is said once, and not again with each try', async () => {
  const tablet = await till();
  const { page } = tablet;
  await page.route('**/orders', (route) => (route.request().method() === 'POST' ? route.abort('failed') : route.fallback()));
  const tried = () => page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/orders'));
  await page.click('[data-cups="1"]');
  await page.getByText('no QR code to scan').waitFor();
  await page.evaluate(() => {
    const changes = /** @type {any} */ (window);
    changes.changed = 0;
    const watch = new MutationObserver((list) => (changes.changed += list.length));
    for (const told of document.querySelectorAll('h1, [role=alert]')) watch.observe(told, { subtree: true, childList: true, characterData: true });
    watch.observe(/** @type {Node} */ (document.querySelector('.say')), { childList: true });
  });
  for (let n = 0; n < 2; n += 1) await tried();
  assert.equal(await page.evaluate(() => /** @type {any} */ (window).changed), 0);
  assert.equal(await page.getByRole('button', { name: 'Try now' }).count(), 1, 'and no button goes away');
  await page.unroute('**/orders');
  await code(page);
  await done(page);
  await tablet.close();
});

test('Escape leads back from whatever fills the screen, and loses no order', async () => {
  /** @type {Record<string, (route: import('playwright-core').Route) => unknown>} */
  const answers = {
    sending: () => {},
    waiting: (route) => route.abort('failed'),
    signed_out: (route) => route.fulfill({ status: 401, json: { code: 'not_signed_in' } }),
    failed: (route) => route.fulfill({ status: 400, json: { code: 'bad_amount', detail: 'why' } }),
    asks: (route) => route.fallback(),
  };
  for (const [is, answer] of Object.entries(answers)) {
    const tablet = await till();
    const { page } = tablet;
    await page.route('**/orders', (route) => (route.request().method() === 'POST' ? answer(route) : route.fallback()));
    if (is === 'asks') {
      await page.evaluate(() => {
        const sale = { key: 'asks', body: '{"amount":1}', at: Date.now() - 3_600_000, what: { cups: 1, ref: 'ASKS', is_bell: true }, doubt: true };
        localStorage.setItem(`brewline.till.sale.${sale.key}`, JSON.stringify(sale));
      });
      await page.reload();
    } else {
      await page.fill('#ref', is);
      await page.click('[data-cups="1"]');
    }
    const says = { sending: 'Making it…', waiting: 'Kept, not sent yet', signed_out: 'Kept, not sent yet', failed: 'Not made', asks: 'Does this still count?' }[is];
    await page.locator('#code').getByText(says ?? '').waitFor({ state: 'attached' });
    if (is === 'signed_out') {
      await page.waitForSelector('dialog[open]');
      await page.keyboard.press('Escape');
      await page.waitForSelector('dialog[open]', { state: 'detached' });
    }
    await settled(page);
    await page.keyboard.press('Escape');
    await page.waitForSelector('.cups button');
    if (is === 'failed') assert.equal(await page.inputValue('#ref'), 'failed', 'what was not made is on the desk again');
    else assert.equal(await page.locator('[data-kept]').count(), 1, is);
    await tablet.close();
  }
});

test('where phones can’t reach the counter, that is said before and with the code', async () => {
  const local = await begin({ args: ['--mode', 'manual'] });
  try {
    for (const language of ['en', 'ko']) {
      const tablet = await till({ at: local, language });
      const { page } = tablet;
      await page.waitForSelector('.bell .notice a');
      await tablet.accessible();
      await tablet.picture(`till-nowhere-${language}`);
      await page.click('[data-cups="1"]');
      await code(page);
      await page.waitForSelector('.scan.none');
      assert.equal(await page.$('.paper'), null);
      await tablet.accessible();
      await tablet.picture(`till-nowhere-code-${language}`);
      await tablet.close();
    }
  } finally {
    await local.end();
  }
});

test('a device that is signed out in between signs in in place, and the bell is made', async () => {
  const tablet = await till();
  const { page } = tablet;
  await tablet.context.clearCookies();
  await page.fill('#find', 'x');
  await page.locator('.band button').waitFor();
  assert.equal(await page.$('dialog[open]'), null, 'no form comes over what somebody types');
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'find');
  await tablet.accessible();
  await page.locator('.band button').click();
  await page.waitForSelector('dialog[open] form');
  const later = page.locator('dialog > .quiet');
  await later.press('2');
  assert.equal(await page.$('.show'), null, 'a key is for what stands in front, not for a bell behind it');
  await later.click();
  await page.fill('#find', '');
  await page.fill('#ref', 'OUT');
  await page.click('[data-cups="1"]');
  await page.waitForSelector('dialog[open] form');
  await tablet.picture('till-signed-out');
  await later.click();
  await settled(page);
  await tablet.accessible();
  await page.getByRole('button', { name: 'Sign in' }).last().click();
  const made = await line.ask('POST', '/session/codes', { body: { role: 'barista' }, staff: true });
  await page.fill('dialog [name=code]', made.body.code);
  await page.click('dialog .primary');
  await code(page);
  assert.equal((await withRef('OUT')).length, 1);
  await done(page);
  await tablet.close();
});

test('whoever is not signed in is sent to the page for that, and comes back', async () => {
  const stranger = await open(browser, `${line.url}/till`, { expected: [REFUSED] });
  await stranger.page.waitForURL(/\/sign-in\?to=%2Ftill/);
  await stranger.close();
});

test('on a phone, and with large text, nothing is lost', async () => {
  for (const looks of [{ width: 390, height: 844 }, { width: 820, height: 1180 }, { width: 1180, height: 820, text: 2 }]) {
    const tablet = await till({ language: 'ko', ...looks });
    const { page } = tablet;
    const name = `${looks.width}${'text' in looks ? '-large' : ''}`;
    await page.waitForSelector('.tile');
    await page.click('[data-item=latte]');
    await tablet.fits();
    await tablet.accessible();
    await tablet.picture(`till-desk-ko-${name}`, { fullPage: true });
    await page.click('[data-cups="1"]');
    await code(page);
    await page.waitForSelector('.paper img');
    await tablet.fits();
    await tablet.accessible();
    await tablet.picture(`till-code-ko-${name}`, { fullPage: true });
    await tablet.close();
  }
});

test('staff see that the printer has no paper, and have a slip printed once more', async () => {
  const printer = await startPrinter({ paper: false });
  const own = await begin({ args: ['--mode', 'manual', '--public-url', PUBLIC], files: { 'shop.toml': shopWithPrinter(printer.port) } });
  try {
    const tablet = await till({ at: own });
    const { page } = tablet;
    await page.waitForSelector('.printer');
    await tablet.accessible();
    await tablet.picture('till-no-paper');
    const bar = await tablet.context.newPage();
    await bar.goto(`${own.url}/bar`);
    assert.match((await bar.textContent('.hb.printer')) ?? '', /No paper.*no paper/s);
    await bar.screenshot({ path: 'target/screens/till-bar-no-paper.png' });
    await bar.close();
    printer.paper = true;
    await page.click('[data-cups="1"]');
    await code(page);
    await page.waitForFunction(() => document.querySelector('.printer') === null);
    await settled(page);
    await page.getByRole('button', { name: 'Print the slip' }).click();
    await page.waitForSelector('.say .told');
    await tablet.accessible();
    await tablet.picture('till-printing');
    assert.ok((await printer.copied).includes('COPY'));
    await tablet.close();
  } finally {
    await own.end();
    printer.close();
  }
});
