/** The pager: what it shows of an order on its way, in both languages and themes, and what can be done there. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { lineAndBrowser } from './harness.mjs';
import { answerWith, DRAWN, DRAWN_STATES, hide, NO_STREAM, pager, place, tapAt } from './pager-tools.mjs';

const { line, browser } = await lineAndBrowser(test, { args: ['--mode', 'manual'] });

const LATTES = { items: [{ item: 'latte', quantity: 2 }, { item: 'americano' }] };
/** A button does not work while it has only just come under the finger. @param {import('playwright-core').Page} page */
async function settle(page) {
  await page.clock.fastForward(1_000);
}

test('an order goes its way from received to collected, and the page goes with it', async () => {
  const id = await place(line, LATTES);
  const phone = await pager(browser, line.url, id, { clock: true });
  const { page } = phone;
  await page.waitForSelector('main.received .code');
  assert.match((await page.textContent('.code')) ?? '', /^\s*[A-Z]+ \d+\s*$/);
  assert.match((await page.textContent('.hear')) ?? '', /You may hear it as “\p{Script=Hangul}+ \d+”/u);
  await line.command(id, 'start');
  await page.waitForSelector('main.making');
  assert.doesNotMatch((await page.textContent('main')) ?? '', /of 3 done/, 'nobody may ever tick one off');
  await line.command(id, 'tick', { line: 0 });
  await page.getByText('2 of 3 done').waitFor();
  await line.command(id, 'ready');
  await page.waitForSelector('main.ready');
  assert.match(await page.title(), /^● READY · [A-Z]+ \d+$/);
  await page.getByRole('button', { name: 'I’m on my way' }).click();
  await page.getByText('The bar knows you’re coming').waitFor();
  const order = await line.shown(id, (order) => Boolean(order.marks?.acknowledged_at && order.marks?.rang_at));
  assert.equal(order.state, 'ready');
  assert.doesNotMatch(await page.title(), /READY/);
  await settle(page);
  await page.getByRole('button', { name: 'I have it' }).click();
  await page.waitForSelector('main.collected');
  assert.equal((await line.shown(id, (order) => order.state === 'collected')).state, 'collected');
  assert.match((await page.textContent('main')) ?? '', /Made in 1 min/);
  await page.getByRole('button', { name: 'It wasn’t me' }).click();
  await page.getByText('Please show this code at the bar').waitFor();
  await phone.accessible();
  await phone.close();
});

test('a second tap in the same place does nothing that was not meant', async () => {
  const id = await place(line, LATTES);
  await line.command(id, 'ready');
  const phone = await pager(browser, line.url, id);
  const button = phone.page.getByRole('button', { name: 'I’m on my way' });
  const box = /** @type {{x: number, y: number, width: number, height: number}} */ (await button.boundingBox());
  // It takes the first one once it has stood there for a moment.
  await button.click();
  for (let taps = 1; taps < 3; taps += 1) await phone.page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
  const order = await line.shown(id, (order) => Boolean(order.marks?.acknowledged_at));
  assert.equal(order.marks.missing_at, undefined);
  const commands = phone.notes.commands.map(({ command }) => command);
  assert.deepEqual(commands.filter((command) => ['missing', 'collect'].includes(command)), []);
  await phone.close();
});

test('what is not at the bar is told to the bar', async () => {
  const id = await place(line, LATTES);
  await line.command(id, 'ready');
  const phone = await pager(browser, line.url, id, { clock: true });
  await phone.page.getByRole('button', { name: 'I’m on my way' }).click();
  await settle(phone.page);
  await phone.page.getByRole('button', { name: 'It isn’t there' }).click();
  await phone.page.getByText('The bar is looking for it').waitFor();
  await line.shown(id, (order) => Boolean(order.marks?.missing_at));
  await phone.close();
});

test('the customer takes an order back with one confirmation, as long as it is not begun', async () => {
  const id = await place(line, LATTES);
  const phone = await pager(browser, line.url, id);
  const { page } = phone;
  await page.getByRole('button', { name: 'Cancel this order' }).click();
  await page.getByText('Cancel this order?').waitFor();
  await phone.accessible();
  await phone.picture('pager-cancel-en-light');
  await page.getByRole('button', { name: 'Keep it' }).click();
  await page.getByRole('button', { name: 'Cancel this order' }).click();
  await page.getByRole('button', { name: 'Yes, cancel it' }).click();
  await page.waitForSelector('main.cancelled');
  await line.shown(id, (order) => order.state === 'cancelled');
  await phone.close();
});

test('the way to cancel is not beside the buttons that are tapped again and again', async () => {
  const id = await place(line, LATTES);
  const phone = await pager(browser, line.url, id);
  const where = async (/** @type {string} */ name) => {
    const box = await phone.page.getByRole('button', { name }).boundingBox();
    return /** @type {NonNullable<typeof box>} */ (box);
  };
  await phone.page.waitForSelector('main.received');
  const [cancel, test] = [await where('Cancel this order'), await where('Test the buzz')];
  assert.ok(cancel.y + cancel.height + 24 <= test.y, `${JSON.stringify(cancel)} is above ${JSON.stringify(test)}`);
  await phone.close();
});

test('a double tap on cancelling does not cancel', async () => {
  const id = await place(line, LATTES);
  const phone = await pager(browser, line.url, id, { clock: true });
  const { page } = phone;
  await page.waitForSelector('main.received');
  // Time stands still: the second tap comes at once.
  await page.clock.pauseAt(Date.now() + 2_000);
  await page.getByRole('button', { name: 'Cancel this order' }).click();
  await tapAt(page, 'Yes, cancel it');
  await page.clock.runFor(1_000);
  assert.deepEqual(phone.notes.commands.filter(({ command }) => command === 'cancel'), []);
  await tapAt(page, 'Yes, cancel it');
  await page.waitForSelector('main.cancelled');
  await phone.close();
});

test('whoever cancels a moment too late is told so', async () => {
  const id = await place(line, LATTES);
  const phone = await pager(browser, line.url, id);
  const { page } = phone;
  await page.getByRole('button', { name: 'Cancel this order' }).click();
  // The bar begins while the question stands there, and the page has not heard of it.
  const begins = async (/** @type {import('playwright-core').Route} */ route) => {
    await line.command(id, 'start');
    await route.continue();
  };
  await page.route(/\/orders\/[^/]+\/commands$/, begins, { times: 1 });
  await page.getByRole('button', { name: 'Yes, cancel it' }).click();
  await page.getByText('Too late to cancel').waitFor();
  await page.waitForSelector('main.making');
  await phone.close();
});

test('every command has a key of its own and says what was seen', async () => {
  const id = await place(line, LATTES);
  await line.command(id, 'ready');
  const phone = await pager(browser, line.url, id);
  await phone.page.getByRole('button', { name: 'I’m on my way' }).click();
  await line.shown(id, (order) => Boolean(order.marks?.acknowledged_at && order.marks?.rang_at && order.marks?.presence));
  const { commands } = phone.notes;
  assert.deepEqual([...new Set(commands.map(({ command }) => command))].sort(), ['acknowledge', 'presence', 'rang']);
  for (const { command, key, state, round } of commands) {
    assert.match(key, /^[0-9a-f]{32}$/);
    // What the phone is doing is so whatever became of the order.
    assert.deepEqual([state, round], command === 'presence' ? [undefined, undefined] : ['ready', 1]);
  }
  assert.equal(new Set(commands.map(({ key }) => key)).size, commands.length);
  await phone.close();
});

test('all of it can be done with the keyboard alone', async () => {
  const id = await place(line, LATTES);
  const phone = await pager(browser, line.url, id, { clock: true, expected: [/AudioContext/] });
  const { page } = phone;
  await page.waitForSelector('main.received');
  const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim() ?? '');
  const tabTo = async (/** @type {string} */ name) => {
    for (let tabs = 0; tabs < 12 && (await focused()) !== name; tabs += 1) await page.keyboard.press('Tab');
    assert.equal(await focused(), name);
  };
  await tabTo('Test the buzz');
  await page.keyboard.press('Enter');
  await page.getByText('This phone will call you').first().waitFor();
  await tabTo('Cancel this order');
  await page.keyboard.press('Enter');
  assert.equal(await focused(), 'Cancel this order?');
  await tabTo('Keep it');
  await page.keyboard.press('Enter');
  assert.equal(await focused(), 'Cancel this order');
  await line.command(id, 'ready');
  await page.waitForSelector('main.ready');
  await tabTo('I’m on my way');
  await page.keyboard.press('Space');
  await page.getByText('The bar knows you’re coming').waitFor();
  await settle(page);
  await tabTo('I have it');
  await page.keyboard.press('Enter');
  await page.waitForSelector('main.collected');
  await phone.close();
});

test('the language changes in place, and everything with it', async () => {
  const id = await place(line, LATTES);
  const phone = await pager(browser, line.url, id, { language: 'en' });
  const { page } = phone;
  await page.waitForSelector('main.received');
  await page.getByRole('button', { name: '한국어' }).click();
  await page.waitForSelector('html[lang=ko] main.received');
  assert.match((await page.textContent('.code')) ?? '', /\p{Script=Hangul}+ \d+/u);
  assert.match(await page.title(), /^\p{Script=Hangul}+ \d+/u);
  await page.getByRole('link', { name: '개인정보' }).waitFor();
  await phone.close();
});

test('the code is a heading, and what stands around the order is not part of it', async () => {
  const id = await place(line, LATTES);
  const phone = await pager(browser, line.url, id, { clock: true });
  const { page } = phone;
  await page.waitForSelector('main.received');
  const heading = (/** @type {number} */ level) => page.getByRole('heading', { level }).first().innerText();
  assert.match(await heading(1), /^[A-Z]+ \d+$/);
  assert.match(await heading(2), /^Ready at about|^Your order is in/);
  // Within `main` they would be no landmarks.
  assert.match(await page.getByRole('banner').innerText(), /한국어/);
  assert.match(await page.getByRole('contentinfo').innerText(), /Privacy/);
  await line.command(id, 'ready');
  await page.waitForSelector('main.ready');
  assert.equal(await heading(1), 'Your order is ready');
  assert.match(await heading(2), /^[A-Z]+\s+\d+$/);
  await phone.close();
});

test('what people wrote in another language than the page is said to be in it', async () => {
  const phone = await pager(browser, line.url, 'drawn', { language: 'ko', clock: true, expected: NO_STREAM });
  const { page } = phone;
  const titles = ['Flat white', '플랫화이트', 'קפה'];
  const items = titles.map((title) => ({ item: 'x', title: { en: title, ko: title }, note: `${title}!` }));
  let more = {};
  await answerWith(page, () => ({ body: { ...DRAWN, items, amount: 3, ...more } }));
  await page.reload();
  await page.waitForSelector('main.received');
  const langs = () => page.$$eval('.lines bdi, .lines small', (all) => all.map((one) => one.getAttribute('lang')));
  assert.deepEqual(await langs(), ['en', 'en', null, null, '', '']);
  await phone.accessible();
  await page.getByRole('button', { name: 'English' }).click();
  await page.waitForSelector('html[lang=en]');
  assert.deepEqual(await langs(), [null, null, 'ko', 'ko', '', '']);
  more = { state: 'cancelled', version: 2, marks: { reason: '우유가 떨어졌어요' } };
  await page.clock.fastForward(5_000);
  await page.waitForSelector('main.cancelled');
  assert.equal(await page.locator('.lead bdi').getAttribute('lang'), 'ko');
  await phone.close();
});

test('a phone with large text and little room shows the code and the button of a ready order at once', async () => {
  const id = await place(line, LATTES);
  await line.command(id, 'ready');
  for (const language of ['en', 'ko']) {
    const phone = await pager(browser, line.url, id, { language, width: 320, height: 568, text: 2 });
    await phone.page.waitForSelector('main.ready');
    const boxes = await phone.page.evaluate(() =>
      ['.giant .w', '.giant .n', '.ready .big'].map((name) => {
        const { top, bottom } = /** @type {Element} */ (document.querySelector(name)).getBoundingClientRect();
        return { top, bottom };
      }),
    );
    const [word, number, button] = boxes;
    assert.ok(word.top >= 0 && number.bottom <= button.top && button.bottom <= 568, JSON.stringify(boxes));
    await phone.fits();
    await phone.picture(`pager-ready-small-${language}-200`);
    await phone.close();
  }
});

test('whoever hears the page is told the code, each ring, and what changed while nobody looked', async () => {
  const phone = await pager(browser, line.url, 'drawn', { clock: true, expected: NO_STREAM });
  const { page } = phone;
  let [state, version] = ['undecided', 0];
  /** @type {any} */
  let more = {};
  await answerWith(page, () => ({ body: { ...DRAWN, ...DRAWN_STATES[state], version, ...more } }));
  const polite = (/** @type {string} */ says) =>
    page.waitForFunction((says) => document.querySelector('[aria-live=polite]')?.textContent?.includes(says), says);
  await page.reload();
  await page.waitForSelector('main.undecided');
  const becomes = async (/** @type {string} */ next) => {
    [state, version] = [next, version + 1];
    await page.clock.fastForward(11_000);
  };
  await becomes('received');
  await polite('Your pickup code is Mango 27.');
  await page.getByRole('button', { name: '한국어' }).click();
  await page.waitForSelector('html[lang=ko]');
  assert.equal(await page.locator('[aria-live=polite]').textContent(), '', 'nothing is left in the other language');
  await page.getByRole('button', { name: 'English' }).click();
  await page.waitForSelector('html[lang=en]');
  await hide(page, true);
  await becomes('making');
  await hide(page, false);
  await polite('Being made');
  await page.evaluate(() => {
    const said = (/** @type {any} */ (window).said = /** @type {string[]} */ ([]));
    const region = /** @type {Element} */ (document.querySelector('[aria-live=assertive]'));
    new MutationObserver(() => region.textContent && said.push(region.textContent)).observe(region, { childList: true });
  });
  const saidTimes = (/** @type {number} */ times) =>
    page.waitForFunction((times) => /** @type {any} */ (window).said.length === times, times);
  await becomes('ready');
  await saidTimes(1);
  more = { now: DRAWN_STATES.ready.now + 31_000, as_of: DRAWN_STATES.ready.now + 31_000 };
  await page.clock.fastForward(11_000);
  await saidTimes(2);
  more = {};
  await becomes('collected');
  await polite('Collected at');
  await phone.close();
});

test('whoever hears the page is told at once that it is ready, and of the rest when there is a pause', async () => {
  const id = await place(line, LATTES);
  const phone = await pager(browser, line.url, id);
  const { page } = phone;
  await page.waitForSelector('main.received');
  await line.command(id, 'start');
  await page.waitForFunction(() => document.querySelector('[aria-live=polite]')?.textContent === 'Being made');
  await line.command(id, 'ready');
  await page.waitForFunction(() =>
    /^Your order is ready\. [A-Z][a-z]+ \d+\. Pick it up at the bar\.$/.test(
      document.querySelector('[aria-live=assertive]')?.textContent ?? '',
    ),
  );
  await phone.close();
});
