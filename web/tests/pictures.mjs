/**
 * Takes the pictures of the README, in both languages: a phone orders, waits, and is called.
 *
 *   cargo build && node web/tests/pictures.mjs
 */

import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { browser as launch } from './harness.mjs';
import { begin } from './line.mjs';
import { chooseAsDrawn, openOrder, staff } from './order.mjs';

const PICTURES = fileURLToPath(new URL('../../docs/pictures/', import.meta.url));
/** The order that is shown is the 27th of the day. */
const BEFORE = 26;
/** So many of them are not ready yet. */
const AHEAD = 5;

await mkdir(PICTURES, { recursive: true });
const browser = await launch();
try {
  for (const language of /** @type {const} */ (['en', 'ko'])) await take(language);
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
