/** A recall from the bar's sheet, on all the pages that are open at once: a phone, two tablets and the board. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { REFUSED, tablet } from './bar-tools.mjs';
import { openBoard, SHOP } from './board-tools.mjs';
import { lineAndBrowser } from './harness.mjs';
import { pager, place } from './pager-tools.mjs';

const { line, browser } = await lineAndBrowser(test, { args: ['--mode', 'manual'], files: { 'shop.toml': SHOP } });

test('a recall takes ready back on the phone, on every tablet and on the board, and the next ready calls again', async () => {
  const id = await place(line, { items: [{ item: 'latte', quantity: 1 }] });
  const { code } = await line.shown(id, ({ version }) => version > 0);
  const phone = await pager(browser, line.url, id);
  const [one, other] = [await tablet(browser, line, { clock: true, expected: [REFUSED] }), await tablet(browser, line, { language: 'ko' })];
  const board = await openBoard(browser, line.url);
  const onBoard = board.page.locator('.ready .code', { has: board.page.getByText(code.label, { exact: true }) });
  await line.command(id, 'ready');
  await Promise.all([phone.page.locator('main.ready').waitFor(), onBoard.waitFor(), other.page.locator('.chip').waitFor()]);

  await one.page.getByRole('button', { name: /^Recent/ }).click();
  const row = one.page.getByRole('dialog').getByRole('listitem').filter({ hasText: new RegExp(code.words.en, 'i') });
  await row.getByRole('button', { name: 'Recall' }).click();
  await one.page.clock.fastForward(800);
  await row.getByRole('button', { name: 'Spilled' }).click();
  await Promise.all([
    phone.page.locator('main.recalled').getByText('Spilled').waitFor(),
    onBoard.waitFor({ state: 'detached' }),
    // That tablet is read in Korean.
    other.page.locator('.tk .flag').getByText('쏟았어요').waitFor(),
  ]);
  await board.page.locator('.making .code').waitFor();
  await board.picture('board-recalled-en-dark');

  await line.command(id, 'ready');
  await Promise.all([phone.page.locator('main.ready').waitFor(), board.page.locator('.hero').waitFor()]);
  await phone.page.getByRole('button', { name: 'I’m on my way' }).click();
  await phone.page.getByRole('button', { name: 'I have it' }).click();
  await Promise.all([onBoard.waitFor({ state: 'detached' }), phone.page.locator('main.collected').waitFor()]);
  await row.getByText('Collected').waitFor();
  const { events } = (await line.ask('GET', `/orders/${id}/history`, { staff: true })).body;
  const recalled = events.find((/** @type {any} */ { event }) => event === 'recalled' || event === 'recall');
  assert.equal(recalled?.by?.role, 'staff', JSON.stringify(recalled));
  assert.equal(recalled.reason, 'Spilled');
  for (const opened of [phone, one, other, board]) await opened.close();
});
