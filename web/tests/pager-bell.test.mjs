/** The pager as a bell: that it rings once for each round, and again as long as nobody answers, whatever happens. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { lineAndBrowser } from './harness.mjs';
import { answerWith, between, calls, DRAWN, GONE, hide, listen, NO_STREAM, pager, place, rangs, standStill, tapAt, watchCommands } from './pager-tools.mjs';

const { line, browser } = await lineAndBrowser(test, { args: ['--mode', 'manual'] });

/**
 * A pager that can be heard, of an order that is not ready.
 * @param {Parameters<typeof pager>[3]} [phone]
 */
async function tested(phone) {
  const id = await place(line);
  const opened = await pager(browser, line.url, id, phone);
  await opened.page.getByRole('button', { name: 'Test the buzz' }).click();
  await opened.page.getByText('This phone will call you').first().waitFor();
  return { id, phone: opened, page: opened.page, notes: opened.notes };
}

/** @param {import('playwright-core').Page} page */
function ready(page) {
  return page.waitForSelector('main.ready');
}

test('the test buzz rings for a second, tells the line, and says what this phone can do', async () => {
  const { id, phone, page, notes } = await tested();
  assert.deepEqual([notes.tones, notes.buzzes], [[4], [1]]);
  await notes.until(() => notes.heard.length === 4);
  assert.ok(Math.max(...notes.heard) <= 1, `${notes.heard}`);
  await line.shown(id, (order) => Boolean(order.marks?.tested_at));
  const says = await page.locator('.caps li').allTextContents();
  assert.match(says.join('\n'), /Sound\s*Works[^]*Screen flash\s*Works[^]*Vibration[^]*Screen stays on[^]*Notification/);
  await page.getByText('a locked phone will not ring').waitFor();
  await page.waitForSelector('html:not(.test-flash)');
  await phone.accessible();
  await phone.fits();
  await phone.picture('pager-tested-en-light');
  await page.reload();
  // Nothing can be heard before the next tap, so the button is there again.
  await page.getByRole('button', { name: 'Test the buzz' }).waitFor();
  await phone.close();
});

test('nothing cuts the test buzz off, whatever is heard meanwhile', async () => {
  const { id, phone, page, notes } = await tested({ clock: true });
  await line.shown(id, (order) => Boolean(order.marks?.tested_at));
  // The answer to that, an event, and the ticking of the page.
  await line.command(id, 'start');
  await page.waitForSelector('main.making');
  await page.clock.fastForward(2_000);
  assert.deepEqual([notes.buzzes, notes.stops], [[1], []]);
  await phone.close();
});

test('what a phone can not do is said, and nothing is claimed in its place', async () => {
  const id = await place(line);
  const phone = await pager(browser, line.url, id, { language: 'ko' });
  const { page } = phone;
  await page.addInitScript(() => {
    Object.defineProperty(navigator, 'vibrate', { value: undefined });
    Object.defineProperty(navigator, 'userAgent', { value: 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)' });
    Object.defineProperty(window, 'isSecureContext', { value: false });
    Object.defineProperty(window, 'AudioContext', { value: undefined });
  });
  await page.reload();
  await page.getByRole('button', { name: '알림 울려 보기' }).click();
  await page.getByText('이 휴대폰은 화면만 번쩍여요').first().waitFor();
  assert.equal(await page.getByText('이 휴대폰으로 불러 드려요').count(), 0);
  await page.waitForSelector('html:not(.test-flash)');
  const says = (await page.locator('.caps li').allTextContents()).join('\n');
  assert.match(says, /소리\s*이 브라우저에서는 안 돼요/);
  assert.match(says, /진동\s*아이폰에서는 안 돼요/);
  assert.match(says, /화면 켜 두기\s*어두워지면 화면을 눌러/);
  assert.match(says, /알림 메시지\s*이 네트워크에서는 안 돼요/);
  await phone.accessible();
  await phone.picture('pager-tested-iphone-ko-light');
  await line.command(id, 'start');
  await page.getByText('준비되면 번쩍여요').waitFor();
  await line.command(id, 'ready');
  await ready(page);
  await phone.close();
});

test('what the browser takes back, or refuses when it is tried, is not said to work', async () => {
  const id = await place(line);
  const phone = await pager(browser, line.url, id, { permissions: ['notifications'] });
  const { page } = phone;
  await page.addInitScript(() => {
    // As Chrome on Android has it.
    const Fake = class {
      static permission = 'granted';
      constructor() {
        throw new TypeError('Illegal constructor. Use ServiceWorkerRegistration.showNotification() instead.');
      }
    };
    Object.defineProperty(window, 'Notification', { value: Fake });
    const lock = (/** @type {any} */ (window).lock = Object.assign(new EventTarget(), { released: false, release: async () => {} }));
    Object.defineProperty(navigator, 'wakeLock', { value: { request: async () => lock } });
  });
  await page.reload();
  await page.getByRole('button', { name: 'Test the buzz' }).click();
  await page.getByText('This phone will call you').first().waitFor();
  const says = (await page.locator('.caps li').allTextContents()).join('\n');
  assert.match(says, /Screen stays on\s*Works/);
  assert.match(says, /Notification\s*Not in this browser/);
  await page.evaluate(() => void /** @type {any} */ (window).lock.dispatchEvent(new Event('release')));
  await page.getByText('Tap screen if it dims').waitFor();
  await phone.close();
});

test('a sound that the browser refuses is not said to work', async () => {
  const id = await place(line);
  const phone = await pager(browser, line.url, id, { clock: true });
  const { page } = phone;
  await page.addInitScript(() => {
    AudioContext.prototype.resume = () => new Promise(() => {});
    Object.defineProperty(AudioContext.prototype, 'state', { get: () => 'suspended' });
  });
  await page.reload();
  await page.getByRole('button', { name: 'Test the buzz' }).click();
  await page.clock.fastForward(2_000);
  await page.getByText('Blocked by the browser').waitFor();
  await phone.close();
});

test('ready rings once: flash, sound, vibration, title, and the line knows', async () => {
  const { id, phone, page, notes } = await tested();
  await line.command(id, 'ready');
  await page.waitForSelector('main.ready.beat');
  assert.match(await page.title(), /^● READY · [A-Z]+ \d+$/);
  await line.shown(id, (order) => Boolean(order.marks?.rang_at));
  await notes.until(() => notes.buzzes.length === 2 && calls(notes) > 0);
  assert.deepEqual([calls(notes), notes.buzzes, rangs(notes)], [1, [1, 12], 1]);
  const animation = await page.evaluate(() => {
    const { animationName, animationDuration, animationIterationCount } = getComputedStyle(
      /** @type {Element} */ (document.querySelector('main.ready')),
    );
    return [animationName, animationDuration, animationIterationCount];
  });
  assert.deepEqual(animation, ['beat', '1s', '12'], 'once a second for twelve seconds');
  await phone.close();
});

test('whoever asked for less motion gets a steady colour', async () => {
  const { id, phone, page } = await tested({ calm: true });
  await line.command(id, 'ready');
  await ready(page);
  const looks = await page.evaluate(() => {
    const style = getComputedStyle(/** @type {Element} */ (document.querySelector('main.ready')));
    return [style.animationName, style.backgroundColor];
  });
  assert.deepEqual(looks, ['none', 'rgb(53, 221, 178)']);
  await phone.close();
});

test('unanswered it rings again after 30 and 90 seconds, and then says that the bar was told', async () => {
  const phone = await pager(browser, line.url, 'drawn', { clock: true, expected: NO_STREAM });
  const { page, notes } = phone;
  /** @type {any} */
  let body = { ...DRAWN };
  await answerWith(page, () => ({ body }));
  await page.reload();
  await page.getByRole('button', { name: 'Test the buzz' }).click();
  await page.getByText('This phone will call you').first().waitFor();
  const since = async (/** @type {number} */ seconds) => {
    const now = DRAWN.now + seconds * 1_000;
    body = { ...DRAWN, state: 'ready', version: 2, promise: undefined, ready_at: DRAWN.now, as_of: now, now };
    const heard = page.waitForResponse(/\/orders\/drawn$/);
    // It asks at once: on a clock that stands still, a page that has an answer to come yet would never ask again.
    await page.evaluate(() => dispatchEvent(new Event('online')));
    await heard;
    await ready(page);
  };
  // Between those times none passes.
  await page.clock.pauseAt(Date.now() + 60_000);
  await since(1);
  await notes.until(() => calls(notes) === 1);
  await since(29);
  assert.equal(calls(notes), 1);
  await since(31);
  await notes.until(() => calls(notes) === 2);
  await since(89);
  assert.equal(await page.getByText('so we told the bar').count(), 0);
  await since(91);
  await notes.until(() => calls(notes) === 3);
  await page.getByText('You haven’t answered, so we told the bar').waitFor();
  await since(300);
  assert.equal(calls(notes), 3, 'and never again');
  await phone.close();
});

test('the next ring does not wait for the line: the phone knows when it is due', async () => {
  const { id, phone, page, notes } = await tested({ clock: true });
  await line.command(id, 'ready');
  await ready(page);
  await notes.until(() => calls(notes) === 1);
  await line.shown(id, (order) => Boolean(order.marks?.rang_at));
  await page.clock.fastForward(31_000);
  await notes.until(() => calls(notes) === 2);
  await phone.close();
});

test('answering ends it: silence at once, and no second ring', async () => {
  const { id, phone, page, notes } = await tested({ clock: true });
  await line.command(id, 'ready');
  await notes.until(() => calls(notes) === 1);
  // It is heard, and nothing of the test any more, whose place the call took.
  const before = notes.heard.length;
  await notes.until(() => notes.heard.length > before + 4);
  notes.stops.length = 0;
  await page.getByRole('button', { name: 'I’m on my way' }).click();
  await notes.until(() => notes.stops.length === 2);
  assert.deepEqual([...notes.stops].sort(), ['buzz', 'sound']);
  const heard = notes.heard.length;
  // Two seconds of the call have eight tones.
  await listen(page, 2);
  assert.equal(notes.heard.length, heard);
  await page.getByText('The bar knows you’re coming').waitFor();
  await page.clock.fastForward(100_000);
  await page.waitForSelector('main.coming');
  assert.equal(calls(notes), 1);
  await phone.close();
});

test('answering works while nothing can be sent, and is sent when it can be', async () => {
  const { id, phone, page, notes } = await tested({ clock: true, expected: [/ERR_INTERNET_DISCONNECTED/] });
  await line.command(id, 'ready');
  await ready(page);
  await line.shown(id, (order) => Boolean(order.marks?.rang_at));
  await phone.context.setOffline(true);
  await page.getByRole('button', { name: 'I’m on my way' }).click();
  await page.waitForSelector('main:not(.ready)');
  const answers = () => notes.commands.filter(({ command }) => command === 'acknowledge').length;
  for (let tries = 1; tries <= 6; tries += 1) {
    await notes.until(() => answers() >= tries);
    await page.clock.fastForward(40_000);
  }
  await page.getByText('Not sent. Your order is still here.').waitFor();
  assert.equal(calls(notes), 1, 'it was answered');
  await phone.context.setOffline(false);
  await line.shown(id, (order) => Boolean(order.marks?.acknowledged_at));
  await page.getByText('The bar knows you’re coming').waitFor();
  await phone.close();
});

test('an answer that could not be sent for minutes is sent when the counter is there again', async () => {
  const { id, phone, page, notes } = await tested({ clock: true, expected: [/ERR_FAILED/] });
  await page.route(/\/commands$/, (route) => route.abort());
  await line.command(id, 'ready');
  await page.getByRole('button', { name: 'I’m on my way' }).click();
  const answers = () => notes.commands.filter(({ command }) => command === 'acknowledge').length;
  for (let tries = 1; tries <= 6; tries += 1) {
    await notes.until(() => answers() >= tries);
    await page.clock.fastForward(40_000);
  }
  await page.unroute(/\/commands$/);
  await page.clock.fastForward(40_000);
  await line.shown(id, (order) => Boolean(order.marks?.acknowledged_at));
  await page.getByText('The bar knows you’re coming').waitFor();
  await phone.close();
});

test('an answer that the counter never heard is sent when it was started again', async () => {
  const { id, phone, page, notes } = await tested({ clock: true, expected: GONE });
  await line.command(id, 'ready');
  await line.shown(id, (order) => Boolean(order.marks?.rang_at));
  await line.kill();
  await page.getByRole('button', { name: 'I’m on my way' }).click();
  const answers = () => notes.commands.filter(({ command }) => command === 'acknowledge').length;
  for (let tries = 1; tries <= 6; tries += 1) {
    await notes.until(() => answers() >= tries);
    await page.clock.fastForward(40_000);
  }
  await page.waitForSelector('main.lost');
  await line.start();
  await page.clock.fastForward(10_000);
  await line.shown(id, (order) => Boolean(order.marks?.acknowledged_at));
  await page.getByText('The bar knows you’re coming').waitFor();
  await phone.close();
});

test('a bell that could not be heard or seen is not said to have rung', async () => {
  const id = await place(line);
  const phone = await pager(browser, line.url, id, { clock: true });
  const { page, notes } = phone;
  await line.shown(id, (order) => order.marks?.presence === 'listening');
  await hide(page, true);
  await line.command(id, 'ready');
  await page.waitForFunction(() => document.title.includes('READY'));
  await hide(page, false);
  await ready(page);
  assert.equal(rangs(notes), 0);
  // The next one is seen.
  await page.clock.fastForward(31_000);
  await page.waitForSelector('main.beat');
  await line.shown(id, (order) => Boolean(order.marks?.rang_at));
  assert.equal(rangs(notes), 1);
  await phone.close();
});

test('a tap that was meant for another button does not silence the bell', async () => {
  const { id, phone, page, notes } = await tested({ clock: true });
  // Time stands still: however slow the machine is, the tap comes at once.
  await standStill(page);
  await line.command(id, 'ready');
  await ready(page);
  await tapAt(page, 'I’m on my way');
  await ready(page);
  await page.clock.runFor(1_000);
  await tapAt(page, 'I’m on my way');
  await page.waitForSelector('main.coming');
  await line.shown(id, (order) => Boolean(order.marks?.acknowledged_at));
  assert.equal(notes.commands.filter(({ command }) => command === 'acknowledge').length, 1);
  await phone.close();
});

test('a reload does not ring the same round again', async () => {
  for (const storage of [true, false]) {
    const { id, phone, page, notes } = await tested({ storage });
    await line.command(id, 'ready');
    await ready(page);
    await line.shown(id, (order) => Boolean(order.marks?.rang_at));
    await page.reload();
    await ready(page);
    assert.equal(await page.locator('main.beat').count(), 0, 'it does not flash either');
    // Its next word to the line would come after that of the ring.
    await line.shown(id, (order) => order.marks?.presence === 'listening');
    assert.equal(rangs(notes), 1, storage ? 'with storage' : 'where storage is refused');
    await phone.close();
  }
});

test('of two tabs on one phone one rings', async () => {
  const { id, phone, page, notes } = await tested({ clock: true });
  const second = await phone.context.newPage();
  watchCommands(second, notes);
  await second.goto(page.url());
  await second.waitForSelector('main.received');
  await line.shown(id, (order) => order.marks?.presence === 'listening');
  // Time stands still while each claims the ring, so both do.
  await standStill(page);
  await line.command(id, 'ready');
  await Promise.all([ready(page), ready(second)]);
  await notes.until(() => notes.claims === 2);
  await page.clock.runFor(1_000);
  await notes.until(() => calls(notes) === 1);
  await line.shown(id, (order) => Boolean(order.marks?.rang_at));
  assert.deepEqual([calls(notes), rangs(notes)], [1, 1], 'the one that can be heard');
  const third = await phone.context.newPage();
  watchCommands(third, notes);
  await third.goto(page.url());
  await ready(third);
  assert.equal(await third.locator('main.beat').count(), 0);
  assert.equal(rangs(notes), 1, 'and one that comes later does not');
  await phone.close();
});

test('a recall takes the ready back, says what is wrong, and the next ready rings again', async () => {
  const { id, phone, page, notes } = await tested();
  await line.command(id, 'ready');
  await ready(page);
  await line.shown(id, (order) => Boolean(order.marks?.rang_at));
  await line.command(id, 'recall', { reason: 'It has the wrong milk <script>alert(1)</script> שלום 🥛' });
  await page.waitForSelector('main.recalled');
  assert.doesNotMatch(await page.title(), /READY/);
  await page.getByText('Sorry, your drink is being remade').waitFor();
  await page.getByText('It has the wrong milk <script>alert(1)</script> שלום 🥛').waitFor();
  await phone.fits();
  await line.command(id, 'ready');
  await ready(page);
  await line.shown(id, (order) => order.round === 2 && Boolean(order.marks?.rang_at));
  await notes.until(() => calls(notes) === 2);
  assert.equal(rangs(notes), 2);
  await phone.close();
});

test('a ready that a recall has overtaken does not ring', async (t) => {
  const id = await place(line);
  const wire = await between(line.url);
  t.after(() => wire.end());
  const phone = await pager(browser, wire.url, id, { clock: true });
  const { page, notes } = phone;
  await page.waitForSelector('main.received');
  wire.hold();
  await line.command(id, 'ready');
  await line.command(id, 'recall');
  await page.clock.fastForward(5_000);
  // Both come now, one behind the other.
  wire.release();
  await page.waitForSelector('main.recalled');
  assert.deepEqual([calls(notes), rangs(notes)], [0, 0]);
  await phone.close();
});

test('an answer to a command that a recall has overtaken does not ring either', async () => {
  const id = await place(line);
  const phone = await pager(browser, line.url, id, { clock: true });
  const { page, notes } = phone;
  await line.shown(id, (order) => order.marks?.presence === 'listening');
  await page.waitForSelector('main.received');
  const { body: before } = await line.ask('GET', `/orders/${id}`);
  // It says that it is ready, and comes five seconds late.
  const json = { ...before, state: 'ready', version: before.version + 1, ready_at: before.now };
  await page.route(/\/commands$/, (route) => route.fulfill({ json }), { times: 1 });
  await page.clock.fastForward(5_000);
  const asked = page.waitForResponse((response) => /\/orders\/[^/]+$/.test(response.url()));
  await page.getByRole('button', { name: 'Test the buzz' }).click();
  await asked;
  await page.getByText('This phone will call you').first().waitFor();
  assert.deepEqual([calls(notes), rangs(notes), await page.locator('main.ready').count()], [0, 0, 0]);
  await phone.close();
});

test('a counter that lags behind does not take a recall back', async () => {
  const phone = await pager(browser, line.url, 'drawn', { clock: true, expected: NO_STREAM });
  const { page, notes } = phone;
  const recalled = { ...DRAWN, state: 'making', round: 2, version: 9, promise: undefined };
  /** @type {any} */
  let body = recalled;
  await answerWith(page, () => ({ body }));
  await page.reload();
  await page.waitForSelector('main.recalled');
  body = { ...DRAWN, state: 'ready', ready_at: DRAWN.now, version: 8, as_of: DRAWN.now + 1_000, now: DRAWN.now + 1_000 };
  for (const _ of [1, 2]) {
    const heard = page.waitForResponse(/\/orders\/drawn$/);
    await page.clock.fastForward(5_000);
    await heard;
  }
  await page.waitForSelector('main.recalled');
  assert.deepEqual([calls(notes), rangs(notes)], [0, 0]);
  await phone.close();
});

test('coming back from the background shows nothing before a fresh snapshot', async () => {
  const { id, phone, page, notes } = await tested({ clock: true });
  await line.shown(id, (order) => order.marks?.presence === 'listening');
  await hide(page, true);
  await page.clock.fastForward(10_000);
  // The page has heard it as well: a stream that was silent for those ten seconds and a bit more would be opened anew.
  await notes.until(() => notes.presences.at(-1) === 'hidden');
  // Time stands still: nobody gets tired of waiting.
  await standStill(page);
  /** @type {(value?: unknown) => void} */
  let answer = () => {};
  const held = new Promise((done) => (answer = done));
  await page.route(/\/orders\/[^/]+$/, async (route) => {
    await held;
    await route.continue();
  });
  const asked = page.waitForRequest(/\/orders\/[^/]+$/);
  await hide(page, false);
  await asked;
  assert.deepEqual([await page.locator('main.loading').count(), await page.locator('.code').count()], [1, 0]);
  // What comes another way does not lift it either.
  await line.command(id, 'start');
  await notes.until(() => notes.states.includes('making'));
  assert.deepEqual([await page.locator('main.loading').count(), await page.locator('.code').count()], [1, 0]);
  answer();
  await page.waitForSelector('main.making .code');
  await phone.close();
});

test('the line knows at once whether the phone listens, is put away, or is gone', async () => {
  const { id, phone, page, notes } = await tested({ clock: true });
  await line.shown(id, (order) => order.marks?.presence === 'listening');
  await hide(page, true);
  await page.clock.fastForward(10_000);
  await line.shown(id, (order) => order.marks?.presence === 'hidden');
  await hide(page, false);
  await hide(page, true);
  await hide(page, false);
  await page.clock.fastForward(10_000);
  await line.shown(id, (order) => order.marks?.presence === 'listening');
  const said = notes.commands.filter(({ command }) => command === 'presence').map(({ presence }) => presence);
  assert.deepEqual(said, ['listening', 'hidden', 'listening'], 'at most once in ten seconds');
  await page.goto('about:blank');
  await line.shown(id, (order) => order.marks?.presence === 'gone');
  await phone.close();
});

test('what this phone is doing is said again after an outage, until the line knows', async () => {
  const { id, phone, page, notes } = await tested({ clock: true, expected: GONE });
  await line.shown(id, (order) => order.marks?.presence === 'listening');
  await line.kill();
  await page.clock.fastForward(11_000);
  await hide(page, true);
  const hiddens = () => notes.commands.filter(({ presence }) => presence === 'hidden').length;
  for (let tries = 1; tries <= 3; tries += 1) {
    await notes.until(() => hiddens() >= tries);
    await page.clock.fastForward(5_000);
  }
  await line.start();
  await page.clock.fastForward(11_000);
  await line.shown(id, (order) => order.marks?.presence === 'hidden');
  await phone.close();
});

test('of two tabs the one that stays says that the phone is still there', async () => {
  const { id, phone, page } = await tested();
  const second = await phone.context.newPage();
  // A page that has said nothing says nothing when it goes.
  const said = second.waitForResponse((answer) => answer.request().postDataJSON()?.command === 'presence');
  await second.goto(page.url());
  await said;
  await line.shown(id, (order) => order.marks?.presence === 'listening');
  const gone = line.shown(id, (order) => order.marks?.presence === 'gone');
  await second.close({ runBeforeUnload: true });
  await gone;
  await line.shown(id, (order) => order.marks?.presence === 'listening');
  await phone.close();
});

test('it rings in the background too, with a notification where that is allowed', async () => {
  const id = await place(line);
  const phone = await pager(browser, line.url, id, { permissions: ['notifications'] });
  const { page } = phone;
  await page.addInitScript(() => {
    /** @type {any} */ (window).shown = [];
    const Fake = class {
      static permission = 'granted';
      /** @param {string} title @param {any} options */
      constructor(title, options) {
        // One that is only tried makes no sound.
        if (!options.silent) /** @type {any} */ (window).shown.push([title, options.body]);
      }
      close() {}
    };
    Object.defineProperty(window, 'Notification', { value: Fake });
  });
  await page.reload();
  await page.getByRole('button', { name: 'Test the buzz' }).click();
  await page.getByText('This phone will call you').first().waitFor();
  await hide(page, true);
  await line.command(id, 'ready');
  await line.shown(id, (order) => Boolean(order.marks?.rang_at));
  await phone.notes.until(() => calls(phone.notes) === 1);
  const shown = await page.evaluate(() => /** @type {any} */ (window).shown);
  assert.equal(shown.length, 1);
  assert.match(shown[0].join(' '), /^Your order is ready [A-Z][a-z]+ \d+: pick it up at the bar$/);
  await phone.close();
});

test('what goes wrong in telling the line does not disturb the bell', async () => {
  const { id, phone, page, notes } = await tested({ expected: [/ERR_FAILED/] });
  await page.route(/\/commands$/, (route) => route.abort());
  await line.command(id, 'ready');
  await page.waitForSelector('main.ready.beat');
  await notes.until(() => calls(notes) === 1 && rangs(notes) >= 1);
  await page.getByRole('button', { name: 'I’m on my way' }).click();
  await page.waitForSelector('main.coming');
  await phone.close();
});
