/**
 * Takes the pictures of the README, in both languages: a phone orders, waits, and is called; and the pages of staff at the
 * end of a shift, which takes as long as it takes.
 *
 *   cargo build && node web/tests/pictures.mjs [phone|staff]
 */

import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { browser as launch, open, signIn } from './harness.mjs';
import { begin } from './line.mjs';
import { chooseAsDrawn, openOrder, staff } from './order.mjs';
import { shift } from './shift.mjs';

const PICTURES = fileURLToPath(new URL('../../docs/pictures/', import.meta.url));
/** The order that is shown is the 27th of the day. */
const BEFORE = 26;
/** So many of them are not ready yet. */
const AHEAD = 5;
/** How long the shift is: the oldest order at its end waits for ten minutes. */
const SHIFT_MINUTES = 10;
const LANGUAGES = /** @type {const} */ (['en', 'ko']);
const [wanted = ''] = process.argv.slice(2);

await mkdir(PICTURES, { recursive: true });
const browser = await launch();
try {
  if (wanted !== 'staff') for (const language of LANGUAGES) await take(language);
  if (wanted !== 'phone') await Promise.all(LANGUAGES.map(takeOfStaff));
} finally {
  await browser.close();
}

/** @param {'en' | 'ko'} language */
async function take(language) {
  const line = await begin({ args: ['--mode', 'manual', '--hands', '2'] });
  try {
    await staff(line, 'bars/bar', {});
    for (let n = 1; n <= BEFORE; n += 1) {
      const { order_id: id } = await line.place({ items: [{ item: 'latte', quantity: 2 }] }, { staff: true });
      await line.shown(id, ({ version }) => version > 0);
      if (n <= BEFORE - AHEAD) await line.command(id, 'ready');
    }
    await staff(line, 'sold-out/cold-brew', { sold_out: true });

    const phone = await openOrder(browser, line, { language });
    await chooseAsDrawn(phone.page);
    const shots = [await phone.page.screenshot({ animations: 'disabled' })];
    await phone.page.locator('footer .primary').click();
    await phone.page.waitForURL('**/o/*');
    await phone.page.waitForSelector('.code');
    await phone.page.locator('.steps').waitFor();
    shots.push(await phone.page.screenshot({ animations: 'disabled' }));
    const id = new URL(phone.page.url()).pathname.split('/').at(-1) ?? '';
    await line.command(id, 'start');
    await line.command(id, 'tick', { line: 0 });
    await phone.page.locator('.steps .done').first().waitFor();
    shots.push(await phone.page.screenshot({ animations: 'disabled' }));
    await line.command(id, 'ready');
    await phone.page.locator('main.ready').waitFor();
    shots.push(await phone.page.screenshot({ animations: 'disabled' }));
    await phone.context.close();
    await side(shots, `${PICTURES}phone-${language}.png`);
  } finally {
    await line.end();
  }
}

/**
 * Puts pictures side by side.
 * @param {Buffer[]} shots
 * @param {string} path
 */
async function side(shots, path) {
  const page = await browser.newPage({ viewport: { width: 1_000, height: 500 }, deviceScaleFactor: 1.5 });
  const images = shots.map((shot) => `<img src="data:image/png;base64,${shot.toString('base64')}">`);
  await page.setContent(`<style>
    body { margin: 0; width: max-content; display: flex; gap: 16px; padding: 8px; background: transparent; }
    img { width: 220px; border-radius: 16px; box-shadow: 0 0 0 1px #85817A; display: block; }
  </style>${images.join('')}`);
  await page.locator('body').screenshot({ path, omitBackground: true });
  await page.close();
}

/** The bar, and below it till, board and ledger. @param {'en' | 'ko'} language */
async function takeOfStaff(language) {
  const isKorean = language === 'ko';
  const line = await begin({ args: ['--mode', 'manual', '--public-url', 'https://cafe.example'] });
  try {
    for (const id of ['basque-cheesecake', 'chamomile']) await staff(line, `sold-out/${id}`, { sold_out: true });
    await shift(line, { minutes: SHIFT_MINUTES, language });

    const page = async (/** @type {string} */ path, /** @type {import('./harness.mjs').Phone} */ looks, device = '') => {
      const opened = await open(browser, 'about:blank', { language, scale: 1, ...looks });
      await signIn(opened.context, line, 'manager', device);
      await opened.page.goto(line.url + path);
      return opened;
    };
    /** @type {Buffer[]} */
    const shots = [];
    const take = async (/** @type {import('./harness.mjs').Opened} */ opened) => {
      await opened.settled();
      shots.push(await opened.page.screenshot());
      await opened.context.close();
    };
    const bar = await page('/bar', { width: 1280, height: 800, theme: 'dark', scale: 2 }, isKorean ? '메인 바' : 'Main bar');
    await bar.page.locator('.tk').first().waitFor();
    // What it rings with is on once somebody has touched the page.
    await bar.page.locator('.head h1').click();
    await bar.page.locator('.sound[aria-pressed=true]').waitFor();
    await take(bar);

    const board = await page('/board', { width: 1280, height: 720, theme: 'dark' }, 'TV');
    await board.page.locator('.ready .code').first().waitFor();
    // Nobody moves a mouse at a TV.
    await board.page.waitForSelector('html.idle', { state: 'attached' });
    await take(board);

    const ledger = await page('/ledger', { width: 1440, height: 900, theme: 'light' }, isKorean ? '사무실' : 'Office');
    await ledger.page.locator('.or tbody tr', { hasText: isKorean ? '다시 만들기' : 'Remake' }).first().click();
    await ledger.page.locator('.ev ol[aria-busy=false] li').first().waitFor();
    await take(ledger);

    const till = await page('/till', { width: 1180, height: 820, theme: 'light' }, isKorean ? '계산대' : 'Till');
    await till.page.locator('#ref').fill('A-92');
    await till.page.locator('[data-cups="2"]').click();
    await till.page.locator('.show .code:not(.none)').waitFor();
    await till.page.waitForFunction(() => /** @type {HTMLImageElement | null} */ (document.querySelector('.paper img'))?.naturalWidth);
    await till.page.waitForSelector('html:not(.settling)', { state: 'attached' });
    await take(till);
    await below(shots, `${PICTURES}staff-${language}.png`);
  } finally {
    await line.end();
  }
}

/**
 * Puts the first picture above the others, which are equally high.
 * @param {Buffer[]} shots
 * @param {string} path
 */
async function below([first, ...others], path) {
  const page = await browser.newPage({ viewport: { width: 1_000, height: 500 }, deviceScaleFactor: 1.3 });
  const image = (/** @type {Buffer | undefined} */ shot) => `<img src="data:image/png;base64,${shot?.toString('base64')}">`;
  await page.setContent(`<style>
    body { margin: 0; width: 924px; padding: 8px; background: transparent; }
    img { border-radius: 10px; box-shadow: 0 0 0 1px #85817A; display: block; min-width: 0; }
    body > img { width: 100%; margin-bottom: 12px; }
    div { display: flex; gap: 12px; align-items: flex-start; }
    div img { flex: 1 1 0; }
  </style>${image(first)}<div>${others.map(image).join('')}</div>`);
  await page.evaluate(() => {
    for (const image of document.images) image.style.flexGrow = String(image.naturalWidth / image.naturalHeight);
  });
  await page.locator('body').screenshot({ path, omitBackground: true });
  await page.close();
}
