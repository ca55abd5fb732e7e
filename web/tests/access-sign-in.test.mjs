/** The page that signs a device in: by the link that `up` shows, by a code, and by neither. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { lineAndBrowser, open, signIn } from './harness.mjs';
import { begin } from './line.mjs';

const { line, browser } = await lineAndBrowser(test);

/** What the browser itself says of an answer that is no good one. */
const REFUSED = /Failed to load resource.*\/session/;

/** @param {'barista' | 'manager'} role */
async function newCode(role) {
  const made = await line.ask('POST', '/session/codes', { body: { role }, staff: true });
  assert.equal(made.status, 201);
  return made.body.code;
}

test('the link that `up` shows signs in the first device, once, and stays in no address', async () => {
  const link = /^ +(http:\/\/\S+\/sign-in#[0-9a-f]{32})$/m.exec(line.said)?.[1] ?? '';
  assert.ok(link, line.said);
  const phone = await open(browser, link, { expected: [REFUSED] });
  const { page } = phone;
  await page.waitForSelector('.sign-in');
  assert.equal(new URL(page.url()).hash, '', 'nobody reads it over a shoulder');
  assert.equal(await page.$('input[name=code]'), null, 'the link brings it');
  await phone.accessible();
  await phone.picture('access-link-en-light');
  await page.fill('input[name=device]', 'Main bar');
  await page.press('input[name=device]', 'Enter');
  await page.waitForSelector('nav');
  assert.match((await page.textContent('h1')) ?? '', /Main bar/);
  assert.ok(await page.$('a[href="/ledger"]'), 'it is a manager');
  const other = await open(browser, link, { expected: [REFUSED] });
  await other.page.fill('input[name=device]', 'Thief');
  await other.page.click('.sign-in .primary');
  await other.page.waitForFunction(() => document.querySelector('.wrong')?.textContent !== '');
  assert.match((await other.page.textContent('.wrong')) ?? '', /already/);
  await other.page.waitForSelector('input[name=code]');
  await other.close();
  await phone.close();
});

test('a code that someone types signs in, and leads on to where it was asked for', async () => {
  const phone = await open(browser, `${line.url}/sign-in?to=/privacy%3Fa=1`, { language: 'ko', expected: [REFUSED] });
  const { page } = phone;
  await page.fill('input[name=device]', '홀 태블릿');
  await page.fill('input[name=code]', ` ${(await newCode('barista')).replace(' ', '-')} `);
  await page.press('input[name=code]', 'Enter');
  await page.waitForURL(`${line.url}/privacy?a=1`);
  const kept = await page.evaluate(() => document.cookie);
  assert.ok(!kept.includes('session'), 'no script can read it');
  await phone.close();
});

test('it leads to no other site', async () => {
  const elsewhere = ['//evil.example/x', 'https://evil.example', 'javascript:alert(1)', '/\\evil.example', '/.//evil.example/x', 'http://['];
  for (const to of elsewhere) {
    const phone = await open(browser, `${line.url}/sign-in`, { expected: [REFUSED] });
    await signIn(phone.page, line, 'barista');
    await phone.page.goto(`${line.url}/sign-in?to=${encodeURIComponent(to)}`);
    await phone.page.waitForSelector('nav');
    assert.equal(new URL(phone.page.url()).origin, line.url);
    await phone.close();
  }
});

test('a counter that is away comes back by itself', async () => {
  const own = await begin();
  const phone = await open(browser, `${own.url}/sign-in`, { expected: [REFUSED, /ERR_/] });
  const { page } = phone;
  await signIn(page, own, 'barista', 'Bar');
  await page.reload();
  await page.waitForSelector('nav');
  await own.kill();
  await page.click('.leave button');
  await page.waitForSelector('.notice');
  await phone.accessible();
  await phone.picture('access-lost-en');
  await own.start();
  await page.waitForSelector('nav');
  assert.match((await page.textContent('h1')) ?? '', /Bar/, 'and knows the device again');
  await phone.close();
  await own.end();
});

test('what is wrong is said at its field, and a wrong code says when to try again', async () => {
  for (const language of ['en', 'ko']) {
    const phone = await open(browser, `${line.url}/sign-in`, { language, expected: [REFUSED] });
    const { page } = phone;
    const wrong = () => page.textContent('.wrong');
    await page.waitForSelector('.sign-in');
    await phone.picture(`access-empty-${language}`);
    await page.click('.sign-in .primary');
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('name')), 'device');
    const noName = await wrong();
    await page.fill('input[name=device]', 'Till');
    await page.fill('input[name=code]', '123');
    await page.click('.sign-in .primary');
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('name')), 'code');
    assert.notEqual(await wrong(), noName);
    await page.fill('input[name=code]', '0000 0000');
    await page.click('.sign-in .primary');
    await page.waitForSelector('.sign-in .primary[aria-disabled=true]:has-text("1")');
    await phone.accessible();
    await phone.fits();
    await phone.picture(`access-wrong-${language}`);
    await page.waitForSelector('.sign-in .primary[aria-disabled=false]');
    await page.fill('input[name=code]', await newCode('barista'));
    await page.click('.sign-in .primary');
    await page.waitForSelector('nav');
    assert.equal(await page.$('a[href="/ledger"]'), null, 'that is for managers');
    await phone.accessible();
    await phone.picture(`access-in-${language}`);
    await phone.close();
  }
});
