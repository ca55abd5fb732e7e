/** The board: every state as it is drawn, what happens to an order on it, what is heard of it, and how it is set. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { code, drawn, EMPTY, NOW, openBoard, SHOP, tell } from './board-tools.mjs';
import { browser as launch, lineAndBrowser, open } from './harness.mjs';
import { GONE, place, seoul } from './pager-tools.mjs';
import { standIn } from './stand-in.mjs';

const { line, browser } = await lineAndBrowser(test, { args: ['--mode', 'manual'], files: { 'shop.toml': SHOP } });
const stand = await standIn(line.url);
test.after(() => stand.end());

const MANY = {
  ready: [27, 26, 23, 20, 16, 17, 19, 28, 29].map((number, at) => code(number, NOW - 1_000 - at * 30_000)),
  making: [18, 21, 22, 24, 30, 31, 32, 33].map((number) => code(number, NOW - 90_000)),
  waiting: Array.from({ length: 25 }, (_, at) => code(40 + at, NOW - 90_000)),
};

/** Each state, and what says that it is shown. @type {Record<string, {board: any, sees: string}>} */
const STATES = {
  live: { board: drawn(), sees: '.hero' },
  quiet: { board: drawn({ ready: drawn().ready.slice(1) }), sees: 'main:not(:has(.hero)) .ready .code' },
  many: { board: drawn(MANY), sees: '.dense .hero' },
  labels: { board: drawn({ ready: [code(27, NOW, { label: '127' }), code(23, NOW - 9_000, { label: 'B123' }), code(26, NOW - 9_000, { label: 'B26' })] }), sees: '.hero.n3' },
  old: { board: drawn({ as_of: NOW - 42_000 }), sees: 'main.old' },
  nobody: { board: drawn({ no_barista: true }), sees: '.band + main:not(.old)' },
  empty: { board: drawn(EMPTY), sees: '.none' },
};

for (const language of /** @type {const} */ (['en', 'ko'])) {
  for (const theme of /** @type {const} */ (['dark', 'light'])) {
    test(`every state is shown as drawn and can be used by everyone: ${language}, ${theme}`, async () => {
      tell(stand, drawn());
      const screen = await openBoard(browser, stand.url, { language, query: `?theme=${theme}`, calm: true });
      await screen.page.getByText(language === 'en' ? 'Onharu Coffee' : '온하루 커피').waitFor();
      for (const [state, { board, sees }] of Object.entries(STATES)) {
        // Another log: what was shown before is no newer than this.
        tell(stand, drawn({ as_of: board.as_of - 1, ...EMPTY }));
        tell(stand, board);
        await screen.page.goto(`${stand.url}/board?theme=${theme}`);
        await screen.page.waitForSelector(sees);
        await screen.page.waitForLoadState('networkidle').catch(() => {});
        await screen.accessible();
        await screen.fits();
        assert.deepEqual(await tooLong(screen.page), [], state);
        await screen.picture(`board-${state}-${language}-${theme}`);
      }
      await screen.close();
    });
  }
}

/** What is cut off, or covers something. @param {import('playwright-core').Page} page */
function tooLong(page) {
  return page.evaluate(() => {
    const parts = [...document.querySelectorAll('.code, .w > *, .line li, header, footer > span')];
    const isOver = (/** @type {Element} */ one) => one.scrollWidth > one.clientWidth + 1 || one.getBoundingClientRect().bottom > innerHeight + 1;
    return parts.filter(isOver).map((one) => `${one.className} ${one.textContent?.trim()}`);
  });
}

for (const [name, size] of Object.entries({
  hd: { width: 1280, height: 720 },
  '4k': { width: 3840, height: 2160 },
  upright: { width: 1080, height: 1920 },
  phone: { width: 390, height: 844 },
  large: { width: 1920, height: 1080, text: 2 },
  'phone-large': { width: 390, height: 844, text: 2 },
})) {
  test(`nothing is cut off on a screen of another kind: ${name}`, async () => {
    tell(stand, drawn(MANY));
    const screen = await openBoard(browser, stand.url, size);
    await screen.page.waitForSelector('.hero');
    await screen.fits();
    const fixed = name === 'hd' || name === '4k';
    if (fixed) assert.deepEqual(await tooLong(screen.page), []);
    // Where it is scrolled nothing takes turns.
    else assert.equal(await screen.page.locator('.line li').count(), MANY.waiting.length);
    await screen.picture(`board-size-${name}`, { fullPage: !fixed });
    await screen.close();
  });
}

test('an order waits, is made and is ready on the board; a recall takes it back, and it goes when it is handed over', async () => {
  const screen = await openBoard(browser, line.url);
  const { page } = screen;
  await page.locator('.none').waitFor();
  const id = await place(line, { amount: 1 });
  const { code: its } = await line.shown(id, ({ version }) => version > 0);
  const label = page.getByText(its.label, { exact: true });
  await page.locator('.line li').filter({ has: label }).or(page.locator('.line li', { hasText: its.label })).waitFor();
  await line.command(id, 'start');
  await page.locator('.making .code', { has: label }).waitFor();
  assert.equal(await page.locator('.line').count(), 0);
  await line.command(id, 'ready');
  const hero = page.locator('.hero', { has: label });
  await hero.waitFor();
  assert.equal(await hero.locator('b').textContent(), its.words.en.toUpperCase());
  assert.equal(await hero.locator('i').textContent(), its.words.ko);
  await line.command(id, 'recall', { reason: 'wrong milk' });
  await page.locator('.making .code', { has: label }).waitFor();
  assert.equal(await page.locator('.ready .code').count(), 0, 'it is taken back');
  await line.command(id, 'ready');
  await hero.waitFor();
  await line.command(id, 'collect');
  await page.locator('.none .last').waitFor();
  assert.ok(!(await page.textContent('body'))?.includes('wrong milk'));
  await screen.close();
});

test('it says within seconds that it is not live, and goes on by itself when the line is back', async () => {
  const screen = await openBoard(browser, line.url, { expected: GONE });
  const { page } = screen;
  const id = await place(line, { amount: 1 });
  await line.command(id, 'ready');
  await page.locator('.hero').waitFor();
  await line.kill();
  // What it said first: the seconds go on while one reads.
  const first = await page.waitForFunction(() => /lost its line (\d+) s ago/.exec(document.querySelector('.band small')?.textContent ?? '')?.[1]);
  const lost = Number(await first.jsonValue());
  assert.match((await page.textContent('.band [lang=en]')) ?? '', /listen for your code/);
  assert.equal(await page.locator('.hero').count(), 0);
  assert.equal(await page.locator('.ready .code').count(), 1, 'what was last heard stays');
  assert.ok(lost >= 5 && lost <= 9, `it was said after ${lost} s`);
  await line.start();
  await page.locator('.band').waitFor({ state: 'detached' });
  await page.locator('.ready .code').waitFor();
  await line.command(id, 'collect');
  await screen.close();
});

test('a board that is opened while there is no line says so, in a moment', async () => {
  tell(stand, drawn());
  const screen = await open(browser, 'about:blank', { width: 1920, height: 1080, scale: 1, expected: [/ERR_FAILED/] });
  for (const path of ['**/board/codes', '**/board/events', '**/shop', '**/shop/events', '**/menu']) await screen.page.route(path, (route) => route.abort());
  await screen.page.goto(`${line.url}/board`);
  await screen.page.locator('.band').waitFor();
  await screen.accessible();
  await screen.picture('board-never-en-dark');
  await screen.close();
});

test('headings change between the languages, words do not, and nothing fades for those who asked for less motion', async () => {
  const ten = Math.floor(NOW / 20_000) * 20_000;
  for (const [now, seen] of /** @type {const} */ ([[ten, 'Ready, please collect'], [ten + 10_000, '준비됐어요']])) {
    tell(stand, drawn({ now, as_of: now }));
    const screen = await openBoard(browser, stand.url, { calm: true });
    const { page } = screen;
    await page.locator('.ready h2').getByText(seen).waitFor();
    assert.equal(await page.locator('.ready h2 .both > *').evaluateAll((all) => all.filter((one) => getComputedStyle(one).visibility === 'visible').length), 1);
    assert.equal(await page.locator('.ready .code b').first().textContent(), 'MANGO');
    assert.equal(await page.locator('.ready h2 .both > *').first().evaluate((one) => getComputedStyle(one).transitionDuration), '0s');
    await screen.close();
  }
});

test('a shop that is closed or takes no orders from phones says so where nobody waits', async () => {
  const shop = { as_of: NOW, now: NOW, ready: true, open: null, queue: {}, sold_out: [] };
  const says = { closed: 'We are closed', paused: 'Ordering from phones is paused', till: 'Please order at the till' };
  for (const [ordering, text] of Object.entries(says)) {
    tell(stand, drawn(EMPTY));
    stand.say('/shop/events', 'shop', { ...shop, ordering, opens_at: seoul(8, 0) + 86_400_000 });
    const screen = await openBoard(browser, stand.url);
    await screen.page.locator('.none').getByText(text).waitFor();
    if (ordering === 'closed') await screen.page.getByText('We open at 08:00').waitFor();
    await screen.picture(`board-empty-${ordering}-en-dark`);
    await screen.close();
  }
});

// What is heard.

/** Lets a page speak as a browser with these voices does, and notes what it says. @param {any} how */
function fakeVoice({ voices, allowed }) {
  const said = /** @type {string[]} */ ((/** @type {any} */ (window).said = []));
  /** @type {any} */ (window).allowed = allowed;
  class Utterance {
    /** @type {any} */ onend = null;
    /** @type {any} */ onerror = null;
    lang = '';
    voice = null;
    rate = 1;
    /** @param {string} text */
    constructor(text) {
      this.text = text;
    }
  }
  Object.defineProperty(window, 'SpeechSynthesisUtterance', { value: Utterance });
  Object.defineProperty(window, 'speechSynthesis', {
    value: {
      getVoices: () => voices.map((/** @type {string} */ lang) => ({ lang, localService: true })),
      resume() {},
      cancel() {},
      speak(/** @type {Utterance} */ one) {
        queueMicrotask(() => {
          if (!(/** @type {any} */ (window).allowed)) return one.onerror?.({ error: 'not-allowed' });
          if (one.text.trim() === '') return one.onend?.({});
          if (!voices.some((/** @type {string} */ voice) => voice === one.lang)) return one.onerror?.({ error: 'language-unavailable' });
          said.push(`${one.lang} ${one.text}`);
          one.onend?.({});
        });
      },
    },
  });
  const { start } = OscillatorNode.prototype;
  OscillatorNode.prototype.start = function (...args) {
    if (said[said.length - 1] !== 'chime') said.push('chime');
    return start.apply(this, args);
  };
}

/**
 * A board that notes what is heard of it.
 * @param {import('playwright-core').Browser} browser
 * @param {string} query
 * @param {{voices?: string[], allowed?: boolean}} [how]
 */
async function heard(browser, query, { voices = ['en-US', 'ko-KR'], allowed = true } = {}) {
  tell(stand, drawn());
  const screen = await open(browser, 'about:blank', { width: 1920, height: 1080, scale: 1, expected: [/AudioContext was not allowed/] });
  await screen.page.addInitScript(fakeVoice, { voices, allowed });
  await screen.page.goto(`${stand.url}/board${query}`);
  await screen.page.locator('.hero').waitFor();
  const said = () => screen.page.evaluate(() => /** @type {any} */ (window).said);
  const saying = (/** @type {string[]} */ wanted) =>
    screen.page.waitForFunction((wanted) => JSON.stringify(/** @type {any} */ (window).said) === wanted, JSON.stringify(wanted));
  return { screen, page: screen.page, said, saying };
}

const BUSY = drawn({ now: NOW + 1_000, as_of: NOW + 1_000, ready: [code(28, NOW + 900), ...drawn().ready] });

test('where the browser lets it, a code that becomes ready is chimed and said in both languages, once', async () => {
  const loud = await launch({ args: ['--autoplay-policy=no-user-gesture-required'] });
  try {
    const { screen, page, saying } = await heard(loud, '?chime=1&say=ko,en');
    tell(stand, BUSY);
    await saying(['chime', 'ko-KR 도토리 28번', 'en-US acorn 28']);
    assert.equal(await page.locator('footer .notice').count(), 0);
    tell(stand, { ...BUSY, now: NOW + 1_100, as_of: NOW + 1_100 });
    tell(stand, { ...BUSY, now: NOW + 1_200, as_of: NOW + 1_200, ready: [code(29, NOW + 1_150), ...BUSY.ready] });
    await saying(['chime', 'ko-KR 도토리 28번', 'en-US acorn 28', 'chime', 'ko-KR 물고기 29번', 'en-US fish 29']);
    await screen.close();
  } finally {
    await loud.close();
  }
});

test('nothing is heard unless it was asked for', async () => {
  const { screen, page, said } = await heard(browser, '');
  tell(stand, BUSY);
  await page.locator('.hero', { hasText: '28' }).waitFor();
  assert.deepEqual(await said(), []);
  assert.equal(await page.locator('.notice').count(), 0);
  await screen.close();
});

test('where the browser blocks sound the board says so, and a click or a key lets it be heard', async () => {
  const { screen, page, said, saying } = await heard(browser, '?chime=1&say=en', { allowed: false });
  const notice = page.locator('footer .notice');
  await notice.getByText('This browser blocks sound').waitFor();
  await screen.accessible();
  await screen.picture('board-blocked-en-dark');
  tell(stand, BUSY);
  await page.locator('.hero', { hasText: '28' }).waitFor();
  assert.deepEqual(await said(), []);
  await page.evaluate(() => (/** @type {any} */ (window).allowed = true));
  await page.keyboard.press('Shift');
  await notice.waitFor({ state: 'detached' });
  tell(stand, { ...BUSY, now: NOW + 1_200, as_of: NOW + 1_200, ready: [code(29, NOW + 1_150), ...BUSY.ready] });
  await saying(['chime', 'en-US fish 29']);
  await screen.close();
});

test('a language without a voice is said to have none', async () => {
  const { screen, page, saying } = await heard(browser, '?say=ko,en', { voices: ['en-US'] });
  tell(stand, BUSY);
  await saying(['en-US acorn 28']);
  await page.locator('footer .notice').getByText('no Korean voice').waitFor();
  await screen.close();
});

// How it is set.

test('whoever has a mouse sets it by hand: the mouse hides, Escape closes, and the address says the same', async () => {
  const { screen, page, said } = await heard(browser, '');
  await page.locator('.idle').waitFor();
  await screen.settled();
  assert.equal(await page.locator('.gear').evaluate((one) => getComputedStyle(one).opacity), '0');
  assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).cursor), 'none');
  await page.mouse.move(200, 200);
  await page.locator('html:not(.idle)').waitFor();
  await page.getByRole('button', { name: 'Settings of this board' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Chime').check();
  await dialog.getByRole('radio', { name: 'Both' }).check();
  await dialog.getByRole('radio', { name: 'Light' }).check();
  await page.locator('html[data-theme=light]').waitFor();
  assert.ok(page.url().endsWith('/board?chime=1&say=ko,en&theme=light'), page.url());
  assert.equal(await dialog.locator('output').textContent(), page.url());
  await dialog.getByText('Sound works').waitFor();
  await dialog.getByRole('button', { name: 'Try it' }).click();
  await page.waitForFunction(() => /** @type {any} */ (window).said.length === 3);
  assert.deepEqual(await said(), ['chime', 'ko-KR 망고 27번', 'en-US Mango 27']);
  await screen.accessible();
  await screen.picture('board-settings-en-light');
  await dialog.getByRole('button', { name: '한국어' }).click();
  await dialog.getByText('현황판 설정').waitFor();
  await screen.accessible();
  await screen.picture('board-settings-ko-light');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  assert.equal(await page.evaluate(() => document.activeElement?.className), 'gear');
  await page.goto(`${stand.url}/board`);
  await page.locator('html[data-theme=light]').waitFor();
  assert.equal(await page.locator('.ready .code b').first().textContent(), '망고', 'it is kept on the device');
  await screen.close();
});
