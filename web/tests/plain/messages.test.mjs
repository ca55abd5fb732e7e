/** The texts: the same in both languages, all there, all used, and nowhere else. */

import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import test from 'node:test';

import everyonesEn from '../../messages/en.js';
import everyonesKo from '../../messages/ko.js';
import staffsEn from '../../messages/staff-en.js';
import staffsKo from '../../messages/staff-ko.js';
import { staticParts } from './templates.mjs';

const ROOT = new URL('../../', import.meta.url);
/** What phones load, and what only pages with `data-for="staff"` do. */
const EVERYONES = ['common', 'demo', 'order', 'pager', 'privacy', 'table'];
const STAFFS = ['access', 'bar', 'board', 'docs', 'ledger', 'sheet', 'till'];
const PAGES = [...EVERYONES, ...STAFFS];
/** @type {Record<string, string>} */
const en = { ...everyonesEn, ...staffsEn };
/** @type {Record<string, string>} */
const ko = { ...everyonesKo, ...staffsKo };
const HANGUL = /[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]/;
/** Attributes whose values people see or hear. */
const SPOKEN = /\s(?:alt|aria-label|aria-description|aria-placeholder|aria-roledescription|aria-valuetext|placeholder|title)=("[^"]*"|'[^']*')/g;

/** @type {Map<string, string>} Every file that is served, but for the messages and the code of others, without comments. */
const files = new Map();
for (const folder of ['', 'lib/', 'parts/']) {
  for (const name of await readdir(new URL(`./${folder}`, ROOT))) {
    if (!/\.(html|css|js)$/.test(name)) continue;
    const text = await readFile(new URL(folder + name, ROOT), 'utf8');
    files.set(folder + name, text.replace(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, ''));
  }
}
const build = await readFile(new URL('build/fill.rs', ROOT), 'utf8');
const texts = /** @type {[string, Record<string, string>][]} */ ([['en', en], ['ko', ko]]);

test('both languages have the same keys, in the same order', () => {
  assert.deepEqual(Object.keys(everyonesKo), Object.keys(everyonesEn));
  assert.deepEqual(Object.keys(staffsKo), Object.keys(staffsEn));
});

test('phones do not load what only staff are told', () => {
  const pages = (/** @type {object} */ texts) => new Set(Object.keys(texts).map((key) => key.split('.')[0] ?? ''));
  for (const page of pages(everyonesEn)) assert.ok(EVERYONES.includes(page), `${page} belongs into staff-en.js`);
  for (const page of pages(staffsEn)) assert.ok(STAFFS.includes(page), `${page} belongs into en.js`);
});

test('both languages leave the same places open', () => {
  const places = (/** @type {string} */ text) => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();
  for (const [key, text] of Object.entries(en)) {
    assert.deepEqual(places(ko[key] ?? ''), places(text), key);
  }
});

test('an apostrophe is one, and no mark of feet', () => {
  for (const [language, messages] of texts) {
    for (const [key, text] of Object.entries(messages)) assert.doesNotMatch(text, /\w'\w/, `${language} ${key}`);
  }
});

test('every message is a text, and its key begins with the page that says it', () => {
  for (const [language, messages] of texts) {
    for (const [key, text] of Object.entries(messages)) {
      assert.match(key, new RegExp(`^(${PAGES.join('|')})\\.[a-z0-9_]+(\\.[a-z0-9_]+)*$`));
      assert.ok(typeof text === 'string' && text.trim() === text && text !== '', `${language} ${key}`);
      assert.doesNotMatch(text, /[<>]/, `${language} ${key}: it is text, not HTML`);
      assert.doesNotMatch(text.replace(/\{[a-z_]+\}/g, ''), /[{}]/, `${language} ${key}: a place that is open`);
    }
  }
});

test('what is said of exactly one is said of any number, too', () => {
  for (const key of Object.keys(en)) {
    if (key.endsWith('.one')) assert.ok(Object.hasOwn(en, key.slice(0, -'.one'.length)), key);
  }
});

/** What looks like a key and is the name of a topic. */
const TOPICS = new Set(['order.event', 'order.received']);

/** Keys as they stand in the pages, and what those begin with that are put together there. */
function mentioned() {
  const [keys, beginnings] = [new Set(), new Set()];
  const names = PAGES.join('|');
  for (const [path, text] of files) {
    if (path.endsWith('.html')) {
      for (const [, key] of text.matchAll(/\{\{t ([^}]+)\}\}/g)) keys.add(key);
    }
    if (!path.endsWith('.js')) continue;
    for (const [, key] of text.matchAll(new RegExp(`['"\`]((?:${names})\\.[a-z0-9_.]+)['"\`]`, 'g'))) if (!TOPICS.has(key)) keys.add(key);
    for (const [, key] of text.matchAll(new RegExp(`\`((?:${names})\\.[a-z0-9_.]*)\\$\\{`, 'g'))) beginnings.add(key);
  }
  // The build says some by itself.
  for (const [, key] of build.matchAll(new RegExp(`messages\\.get\\("((?:${names})\\.[a-z0-9_.]+)"\\)`, 'g'))) keys.add(key);
  return { keys: /** @type {Set<string>} */ (keys), beginnings: [.../** @type {Set<string>} */ (beginnings)] };
}

test('every message that is asked for is there', () => {
  for (const key of mentioned().keys) assert.ok(Object.hasOwn(en, key), key);
});

test('every message is asked for', () => {
  const { keys, beginnings } = mentioned();
  for (const key of Object.keys(en)) {
    const base = key.replace(/\.one$/, '');
    assert.ok(keys.has(base) || beginnings.some((beginning) => base.startsWith(beginning)), `nobody says ${key}`);
  }
});

test('no text stands outside of the messages', () => {
  for (const [path, text] of files) {
    assert.doesNotMatch(text, HANGUL, `${path} speaks Korean by itself`);
    const parts = path.endsWith('.html') ? [text] : path.endsWith('.js') ? staticParts(text) : [];
    for (const part of parts) {
      const spoken = [...part.matchAll(SPOKEN)].map((match) => match[1]);
      const shown = part.replace(/<!--[^]*?-->|<[^>]*>|\{\{[^}]*\}\}|&#?\w+;/g, ' ');
      for (const said of [shown, ...spoken]) {
        assert.doesNotMatch((said ?? '').replace(/\{\{[^}]*\}\}/g, ''), /\p{L}{2}/u, `${path} says this by itself`);
      }
    }
  }
});
