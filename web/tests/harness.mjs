/**
 * What browser tests are written with: a line of their own to start and kill, a real Chromium, and a page that tells
 * of everything that went wrong in it.
 */

import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

import { begin } from './line.mjs';

export { Line } from './line.mjs';

/** No wait of a test is longer; a failing one says so instead of hanging. */
export const PATIENCE_MS = 30_000;

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SCREENS = join(ROOT, 'target/screens');
const BROWSERS = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/** Where Chromium is: `BREWLINE_CHROMIUM`, or where systems put it. */
export function chromiumPath() {
  return [process.env.BREWLINE_CHROMIUM, ...BROWSERS].find((path) => path && existsSync(path));
}

/**
 * A Chromium, without a window, that asks nobody but the line.
 * @param {{args?: string[]}} [options]
 */
export async function browser({ args = [] } = {}) {
  const executablePath = chromiumPath();
  if (!executablePath) throw new Error('There is no Chromium here; BREWLINE_CHROMIUM says where one is.');
  return chromium.launch({
    executablePath,
    // Chromium's own sandbox refuses to be root's.
    chromiumSandbox: process.getuid?.() !== 0,
    args: ['--disable-gpu', '--disable-quic', '--autoplay-policy=document-user-activation-required', ...args],
  });
}

/**
 * @typedef {object} Phone How the phone is.
 * @property {'en' | 'ko' | string} [language] what its owner prefers
 * @property {'light' | 'dark'} [theme]
 * @property {number} [width] in CSS pixels
 * @property {number} [height] in CSS pixels
 * @property {number} [scale] pixels of the screen for each of CSS: 2, as phones have, if not given
 * @property {number} [text] how much larger than usual its text is: 2 is 200 %
 * @property {boolean} [storage] whether it lets pages keep anything
 * @property {string} [timeZone]
 * @property {boolean} [calm] whether its owner asked for less motion
 * @property {string[]} [permissions]
 * @property {(string | RegExp)[]} [expected] what may go wrong in it: texts of the console
 */

/**
 * Opens a page of the line on a phone of its own: nothing is shared with another one.
 * @param {import('playwright-core').Browser} browser
 * @param {string} url
 * @param {Phone} [phone]
 */
export async function open(browser, url, phone = {}) {
  const { language = 'en', theme = 'light', width = 390, height = 844, text = 1, storage = true } = phone;
  const context = await browser.newContext({
    locale: language,
    colorScheme: theme,
    viewport: { width, height },
    deviceScaleFactor: phone.scale ?? 2,
    hasTouch: true,
    reducedMotion: phone.calm ? 'reduce' : 'no-preference',
    // None given is not the same as nobody asked.
    ...(phone.permissions ? { permissions: phone.permissions } : {}),
    ...(phone.timeZone ? { timezoneId: phone.timeZone } : {}),
  });
  context.setDefaultTimeout(PATIENCE_MS);
  if (!storage) await context.addInitScript(refuseStorage);
  const page = await context.newPage();
  const problems = watch(page, phone.expected ?? []);
  const enlarge = async () => {
    if (text === 1) return;
    const devtools = await context.newCDPSession(page);
    await devtools.send('Page.enable');
    await devtools.send('Page.setFontSizes', { fontSizes: { standard: 16 * text, fixed: 13 * text } });
  };
  await enlarge();
  await page.goto(url);
  return new Opened(context, page, problems, enlarge);
}

/** A page on a phone. */
export class Opened {
  /**
   * @param {import('playwright-core').BrowserContext} context
   * @param {import('playwright-core').Page} page
   * @param {string[]} problems
   * @param {() => Promise<void>} enlarge
   */
  constructor(context, page, problems, enlarge) {
    this.context = context;
    this.page = page;
    /** What went wrong in it so far, but for what was expected. */
    this.problems = problems;
    this.enlarge = enlarge;
  }

  /**
   * A picture of all of it in `target/screens/NAME.png`.
   * @param {string} name
   * @param {{fullPage?: boolean}} [options] only what is seen at once, or all there is to scroll
   */
  async picture(name, { fullPage = false } = {}) {
    await mkdir(SCREENS, { recursive: true });
    const size = this.page.viewportSize();
    if (fullPage && size) await this.resize({ ...size, height: await this.page.evaluate(() => document.documentElement.scrollHeight) });
    await this.page.screenshot({ path: join(SCREENS, `${name}.png`), animations: 'disabled' });
    if (fullPage && size) await this.resize(size);
  }

  /**
   * Another size of the screen. Playwright's own picture of a whole page sets back the size of text.
   * @param {{width: number, height: number}} size
   */
  async resize(size) {
    await this.page.setViewportSize(size);
    await this.enlarge();
  }

  /** Waits until what comes and goes has done so: what is half there is half as easy to read. A flash that lasts longer is what there is to see. */
  async settled() {
    await this.page.evaluate(async () => {
      const ends = (/** @type {Animation} */ one) => one.playState === 'running' && Number(one.effect?.getComputedTiming().endTime) <= 1_000;
      // One that is cancelled is over as well.
      await Promise.allSettled(document.getAnimations().filter(ends).map((one) => one.finished));
    });
  }

  /** Fails if someone who can't see, or can't see well, could not use the page as it is now. */
  async accessible() {
    const source = await axeSource();
    await this.settled();
    await this.page.evaluate(source);
    const violations = await this.page.evaluate(async () => {
      const axe = /** @type {any} */ (window).axe;
      const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
      const { violations } = await axe.run(document, { runOnly: { type: 'tag', values: tags } });
      return violations.map((/** @type {any} */ violation) => {
        const nodes = violation.nodes.map((/** @type {any} */ node) => `${node.html}\n    ${node.failureSummary}`);
        return `${violation.id}: ${violation.help}\n  ${nodes.join('\n  ')}`;
      });
    });
    if (violations.length > 0) throw new Error(`Not everyone can use this page:\n${violations.join('\n')}`);
  }

  /** Fails if something can only be reached by scrolling sideways. */
  async fits() {
    const wide = await this.page.evaluate(() => {
      const width = document.documentElement.clientWidth;
      // What scrolls by itself may be wider, and what only screen readers see is nowhere.
      const scrolls = (/** @type {Element} */ element) =>
        element.closest('.vh') !== null || ['auto', 'scroll', 'hidden'].includes(getComputedStyle(element).overflowX);
      const within = (/** @type {Element | null} */ element) => {
        for (let up = element; up && up !== document.body; up = up.parentElement) if (scrolls(up)) return true;
        return false;
      };
      const found = [...document.querySelectorAll('body *')]
        .filter((element) => element.getBoundingClientRect().right > width + 1 && !within(element))
        .map((element) => element.outerHTML.slice(0, 200));
      // Also by what nobody sees, or what cuts off only its own.
      const { scrollWidth } = document.documentElement;
      return scrollWidth > width + 1 ? [`${scrollWidth}px of ${width}px`, ...found] : found;
    });
    if (wide.length > 0) throw new Error(`It does not fit on the screen:\n${wide.join('\n')}`);
  }

  /** Closes it, and fails if anything went wrong in it. */
  async close() {
    await this.context.close();
    if (this.problems.length > 0) throw new Error(`This went wrong in the page:\n${this.problems.join('\n')}`);
  }
}

/**
 * A line for the tests of one file, and a browser; both are gone when those are over.
 * @param {import('node:test').TestContext | typeof import('node:test')} test
 * @param {import('./line.mjs').LineOptions} [options]
 */
export async function lineAndBrowser(test, options) {
  const [line, chromium] = await Promise.all([begin(options), browser()]);
  test.after(async () => {
    await chromium.close();
    await line.end();
  });
  return { line, browser: chromium };
}

/**
 * Signs a device of the shop in: all pages of this context have the session's cookie from then on.
 * @param {import('playwright-core').Page | import('playwright-core').BrowserContext} whose
 * @param {import('./line.mjs').Line} line
 * @param {'barista' | 'manager'} [role]
 * @param {string} [device] what it is called
 * @returns {Promise<{id: string, device: string, role: string, expires_at: number}>} the session
 */
export async function signIn(whose, line, role = 'manager', device = 'Main bar') {
  const context = 'context' in whose ? whose.context() : whose;
  const made = await line.ask('POST', '/session/codes', { body: { role }, staff: true });
  if (made.status !== 201) throw new Error(`no code was made: ${JSON.stringify(made.body)}`);
  const answer = await context.request.post(`${line.url}/session`, { data: { code: made.body.code, device } });
  if (!answer.ok()) throw new Error(`the device was not signed in: ${await answer.text()}`);
  return answer.json();
}

/** A directory of a test's own, and how it is removed. */
export async function room() {
  const path = await mkdtemp(join(tmpdir(), 'brewline-web-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/**
 * Writes down what a test measured, in `target/screens/NAME.json`.
 * @param {string} name
 * @param {unknown} what
 */
export async function note(name, what) {
  await mkdir(SCREENS, { recursive: true });
  await writeFile(resolve(SCREENS, `${name}.json`), `${JSON.stringify(what, null, 2)}\n`);
}

/** @type {Promise<string> | undefined} */
let axe;

function axeSource() {
  axe ??= readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  return axe;
}

/**
 * Everything that a page must not do: errors, what its policy forbids, requests to others.
 * @param {import('playwright-core').Page} page
 * @param {(string | RegExp)[]} expected
 */
function watch(page, expected) {
  /** @type {string[]} */
  const problems = [];
  const say = (/** @type {string} */ problem) => {
    const isExpected = expected.some((text) =>
      typeof text === 'string' ? problem.includes(text) : text.test(problem),
    );
    if (!isExpected) problems.push(problem);
  };
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') {
      say(`${message.type()}: ${message.text()} (${message.location().url})`);
    }
  });
  page.on('pageerror', (error) => say(`error: ${error.stack ?? error.message}`));
  page.on('request', (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (protocol.startsWith('http') && hostname !== '127.0.0.1') say(`a request to another host: ${request.url()}`);
  });
  return problems;
}

function refuseStorage() {
  const refuse = () => {
    throw new DOMException('The user refuses it.', 'SecurityError');
  };
  Object.defineProperty(window, 'localStorage', { get: refuse });
  Object.defineProperty(window, 'sessionStorage', { get: refuse });
}
