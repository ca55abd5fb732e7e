/** The ledger, used: with the keyboard and the mouse, by what is typed, and by what the address says. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { lineAndBrowser } from './harness.mjs';
import { drawnLedger, LIVE, ROWS, seoul } from './ledger-tools.mjs';

const { line, browser } = await lineAndBrowser(test);

/** @param {import('./harness.mjs').Phone & {told?: any, query?: string}} [screen] */
async function ledger(screen) {
  const opened = await drawnLedger(browser, line.url, screen);
  await opened.page.waitForSelector('.or tbody tr');
  return opened;
}

/** The moment that is looked at, once it is there. @param {import('playwright-core').Page} page @param {string} time */
async function looksAt(page, time) {
  await page.locator('.time[aria-busy="false"] .at b').filter({ hasText: new RegExp(`^${time}$`) }).waitFor();
}

test('arrow keys step from event to event, Page keys five minutes, Home and End to the ends', async () => {
  const { page, close } = bound(await ledger());
  await page.locator('#hand').focus();
  await page.keyboard.press('ArrowRight');
  await looksAt(page, 'Now, 09:14');
  await page.keyboard.press('ArrowLeft');
  await looksAt(page, '09:14:00');
  // The line says that the event before is seven seconds before.
  await page.keyboard.press('ArrowLeft');
  await looksAt(page, '09:13:53');
  await page.keyboard.press('PageDown');
  await looksAt(page, '09:08:53');
  await page.keyboard.press('ArrowRight');
  await looksAt(page, '09:09:04');
  await page.keyboard.press('Home');
  await looksAt(page, '07:30:00');
  assert.equal(await page.locator('#hand').getAttribute('aria-valuetext'), '07:30:00');
  await page.keyboard.press('End');
  await looksAt(page, 'Now, 09:14');
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'hand');
  await close();
});

test('the hand is dragged along the day, and let go of at its end it is now again', async () => {
  const { page, close } = bound(await ledger());
  const box = await page.locator('.track').boundingBox();
  assert.ok(box);
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + box.width, y);
  await page.mouse.down();
  // The day goes on until it is looked into, and its middle with it.
  const ends = await Promise.all(['min', 'max'].map((end) => page.locator('#hand').getAttribute(`aria-value${end}`)));
  const middle = ends.reduce((sum, end) => sum + Number(end), 0) / 2;
  const times = [Math.floor(middle), Math.ceil(middle)].map((s) => new Date((s + 9 * 3_600) * 1_000).toISOString().slice(11, 19));
  await page.mouse.move(box.x + box.width / 2, y, { steps: 4 });
  await page.locator('html[data-state="past"]').waitFor();
  await looksAt(page, `(${times.join('|')})`);
  await page.mouse.move(box.x + box.width + 50, y);
  await looksAt(page, 'Now, 09:14');
  await page.mouse.up();
  await page.mouse.click(box.x + 1, y);
  await looksAt(page, '07:30:0\\d');
  await page.getByRole('button', { name: 'Back to now, 09:14' }).click();
  await looksAt(page, 'Now, 09:14');
  await close();
});

test('a hand that is dragged changes the address now and then, and says in the end where it rests', async () => {
  const { page, close } = bound(await ledger());
  await page.evaluate(() => {
    const replace = history.replaceState.bind(history);
    Object.assign(window, { changes: 0 });
    history.replaceState = (...how) => {
      /** @type {any} */ (window).changes += 1;
      replace(...how);
    };
  });
  const box = await page.locator('.track').boundingBox();
  assert.ok(box);
  const y = box.y + 40;
  await page.mouse.move(box.x + box.width / 2, y);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 4, y, { steps: 120 });
  await page.mouse.up();
  await page.clock.runFor(500);
  const changes = await page.evaluate(() => /** @type {any} */ (window).changes);
  // Safari refuses a hundred within 30 s.
  assert.ok(changes < 60, `${changes} changes`);
  const at = Number(new URL(page.url()).searchParams.get('at'));
  assert.equal(at, Number(await page.locator('#hand').getAttribute('aria-valuenow')) * 1_000);
  await page.getByRole('button', { name: 'Back to now, 09:14' }).press('Enter');
  await looksAt(page, 'Now, 09:14');
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'go', 'the button that stands there now has the focus');
  await close();
});

test('a minute is typed, of this day or another', async () => {
  const { page, close } = bound(await ledger());
  await page.getByRole('button', { name: 'Go to a minute' }).press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'minute');
  await page.keyboard.type('23:00');
  await page.keyboard.press('Enter');
  // What has not come yet is told, and can be typed anew.
  await page.getByText(/^There is nothing at that time: this day goes from .* to 09:14/).waitFor();
  await page.locator('.go select').selectOption('2026-11-21');
  await page.locator('#minute').fill('0842');
  await page.getByRole('button', { name: 'Go', exact: true }).click();
  await looksAt(page, '08:42:00');
  assert.equal(new URL(page.url()).searchParams.get('at'), String(seoul(8, 42) - 86_400_000));
  await page.locator('#go').click();
  await page.keyboard.press('Escape');
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'go');
  await close();
});

test('Ctrl-K and / begin a search, and what is found is marked', async () => {
  const { page, close } = bound(await ledger());
  await page.keyboard.press('/');
  await page.keyboard.type('matcha');
  await page.clock.runFor(300);
  // Rows that stand there are marked at once; what was found comes when the line has answered.
  await page.locator('.find [role="status"]').filter({ hasText: /^1 of 59$/ }).waitFor();
  assert.deepEqual(await page.locator('.or mark').allInnerTexts(), ['Matcha']);
  assert.equal(await page.locator('.or tbody tr').count(), 1);
  // A slash that is typed is a slash.
  await page.keyboard.type('/');
  assert.equal(await page.locator('#find').inputValue(), 'matcha/');
  await page.locator('h1').click();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('oat');
  assert.equal(await page.locator('#find').inputValue(), 'oat', 'what was there is overwritten');
  assert.equal(new URL(page.url()).searchParams.get('q'), 'oat');
  await close();
});

test('what is called so in the other language is found, and marked whole', async () => {
  const { page, close } = bound(await ledger({ language: 'ko', query: '?q=oat' }));
  assert.deepEqual([...new Set(await page.locator('.or mark').allInnerTexts())], ['오트']);
  await close();
});

test('a filter is asked for, and stays in the address', async () => {
  const { page, close } = bound(await ledger());
  const asked = page.waitForRequest(/\/ledger\/orders\?.*filter=late/);
  await page.getByRole('button', { name: 'Late' }).click();
  await asked;
  assert.equal(await page.getByRole('button', { name: 'Late' }).getAttribute('aria-pressed'), 'true');
  assert.equal(new URL(page.url()).searchParams.get('show'), 'late');
  const again = page.waitForRequest(/\/ledger\/orders\?.*filter=late/);
  await page.reload();
  await again;
  await close();
});

test('ten thousand orders are a page at a time, there and back', async () => {
  const { page, close } = bound(await ledger({ told: { rows: many(250) } }));
  const rows = page.locator('.or tbody tr');
  const shown = (/** @type {string} */ text) => page.locator('.pages').filter({ hasText: text }).waitFor();
  await shown('1–100 of 250');
  assert.equal(await page.getByRole('button', { name: 'Newer' }).isDisabled(), true);
  await page.getByRole('button', { name: 'Older' }).click();
  await shown('101–200 of 250');
  await page.getByRole('button', { name: 'Older' }).click();
  await shown('201–250 of 250');
  assert.equal(await rows.count(), 50);
  assert.equal(await page.getByRole('button', { name: 'Older' }).isDisabled(), true);
  await page.getByRole('button', { name: 'Newer' }).click();
  await page.getByRole('button', { name: 'Newer' }).click();
  await shown('1–100 of 250');
  await close();
});

test('an order’s story is read with the keyboard alone, and copied with its places in the log', async () => {
  const { page, close } = bound(await ledger({ permissions: ['clipboard-read', 'clipboard-write'] }));
  await page.getByRole('button', { name: 'MANGO 27' }).focus();
  await page.keyboard.press('Enter');
  await page.locator('.ev li').filter({ hasText: 'Marked ready at Main bar, inside the promise' }).waitFor();
  assert.deepEqual(await page.locator('.ev .seq').allInnerTexts(), ['#378', '#380', '#386', '#390', '#394', '#395', '#396']);
  assert.equal(await page.locator('.or [aria-current]').count(), 1);
  await page.getByRole('button', { name: 'Copy record' }).press('Enter');
  await page.locator('.copied').filter({ hasText: 'Copied' }).waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(copied, /^MANGO 27\nmango\n2026-11-22 09:08:02\tAccepted from phone, promised 09:14–09:16\torder\.event-0@378\n/);
  await close();
});

test('where the browser has no clipboard for a page, it is copied all the same', async () => {
  const opened = await drawnLedger(browser, line.url, { query: '?order=mango' });
  const { page, close } = bound(opened);
  await page.evaluate(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }));
  await page.locator('.ev li').first().waitFor();
  await page.evaluate(() => document.addEventListener('copy', () => document.documentElement.setAttribute('data-copied', String(getSelection()))));
  await page.getByRole('button', { name: 'Copy record' }).click();
  await page.waitForSelector('[data-copied]');
  await page.locator('.copied').filter({ hasText: 'Copied' }).waitFor();
  await close();
});

test('the bar is told on the order’s own ticket, behind what stands there, and once', async () => {
  const { page, close } = bound(await ledger());
  /** @type {any[]} */
  const sent = [];
  await page.route(/\/orders\/star$/, (route) => route.fulfill({ json: { order_id: 'star', state: 'making', round: 2, marks: { staff_note: 'extra hot' } } }));
  await page.route(/\/orders\/star\/commands$/, (route) => {
    sent.push({ ...route.request().postDataJSON(), key: route.request().headers()['idempotency-key'] });
    return route.fulfill({ json: { order_id: 'star' } });
  });
  await page.getByRole('button', { name: 'Ring the bar: STAR 18' }).click();
  await page.locator('.helped').filter({ hasText: 'The bar is told' }).waitFor();
  assert.equal(sent.length, 1);
  const { key, ...body } = sent[0];
  assert.ok(key.length >= 16);
  assert.deepEqual(body, { command: 'note', text: 'extra hot · Please look at this order', state: 'making', round: 2 });
  await close();
});

test('what can’t be sent is kept, and sent once when the line is back', async () => {
  const { page, close } = bound(await ledger());
  let gone = true;
  /** @type {string[]} */
  const keys = [];
  await page.route(/\/orders\/cabin$/, (route) => route.fulfill({ json: { order_id: 'cabin', state: 'ready', round: 1 } }));
  await page.route(/\/orders\/cabin\/commands$/, (route) => {
    if (gone) return route.abort();
    keys.push(route.request().headers()['idempotency-key'] ?? '');
    return route.fulfill({ json: { order_id: 'cabin' } });
  });
  await page.getByRole('button', { name: 'Call again: CABIN 20' }).click();
  await page.locator('.helped').filter({ hasText: 'Kept' }).waitFor();
  gone = false;
  await page.clock.runFor(12_000);
  await page.locator('.helped').filter({ hasText: 'The bar calls it again' }).waitFor();
  assert.equal(new Set(keys).size, 1, 'however often it was sent, it is the same command');
  await close();
});

test('orders and a story that did not come are asked for again by themselves, also where nothing happens any more', async () => {
  let gone = true;
  const { page, close } = bound(await ledger({ query: '?order=mango' }));
  for (const path of [/\/ledger\/orders/, /\/history$/]) await page.route(path, (route) => (gone ? route.abort() : route.fallback()));
  await page.reload();
  await page.getByText('The orders did not come').waitFor();
  await page.getByText('Its story did not come').waitFor();
  gone = false;
  await page.clock.runFor(12_000);
  await page.locator('.or tbody tr').first().waitFor();
  await page.locator('.ev li').first().waitFor();
  await close();
});

test('when a line that balanced no longer does, whoever hears the page is told at once', async () => {
  const { page, drawn, close } = bound(await ledger());
  drawn.ledger = { ...LIVE, as_of: LIVE.as_of + 4_000, now: LIVE.now + 4_000, holds: false, faults_total: 1, faults: [{ kind: 'gap', order_id: 'star', code: ROWS[4].code, text: '', partition: 0, offset: 1 }] };
  await page.clock.runFor(12_000);
  await page.locator('.eq.bad').waitFor();
  await page.locator('[aria-live="assertive"]').filter({ hasText: "1 order doesn’t add up: STAR 18" }).waitFor({ state: 'attached' });
  await close();
});

test('the last event of what is missing is shown where it stands', async () => {
  const broken = { ...LIVE, holds: false, faults_total: 1, faults: [{ kind: 'gap', order_id: 'mango', code: ROWS[1].code, text: '', topic: 'order.event', partition: 0, offset: 395 }] };
  const { page, close } = bound(await ledger({ told: { ledger: broken } }));
  await page.getByRole('button', { name: 'Show its last event' }).click();
  await page.locator('.ev .mark').filter({ hasText: '#395' }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.closest('.ev') !== null), true);
  await close();
});

test('the language is changed in place, with what is looked at', async () => {
  const { page, close } = bound(await ledger({ query: '?order=mango' }));
  await page.locator('.ev li').first().waitFor();
  await page.getByRole('button', { name: '한국어' }).click();
  await page.locator('.ev').filter({ hasText: '휴대폰 주문 접수' }).waitFor();
  assert.equal(await page.locator('html').getAttribute('lang'), 'ko');
  assert.match(await page.title(), /^주문 장부/);
  await close();
});

test('script and directions in names stay text', async () => {
  const evil = { ...ROWS[0], drinks: [{ quantity: 1, title: { en: '<img src=x onerror=alert(1)>', ko: '\u202eabc' }, option_titles: [] }], ref: '<script>1</script>' };
  const { page, close } = bound(await ledger({ told: { rows: [evil] }, query: '?q=img' }));
  assert.match(await page.locator('.or .it').innerText(), /<img src=x onerror=alert\(1\)>.*<script>1<\/script>/);
  assert.equal(await page.locator('.or img').count(), 0);
  await close();
});

/** @param {number} count */
function many(count) {
  return Array.from({ length: count }, (_, i) => ({ ...ROWS[i % ROWS.length], order_id: `order-${i}` }));
}

/** @template {{close: () => Promise<void>}} T @param {T} opened */
function bound(opened) {
  return Object.assign(opened, { close: opened.close.bind(opened) });
}
