/** Reasons: the ready-made ones in the reader's language, any other as it was written. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { REASONS, reasonText } from '../../lib/reasons.js';

const en = (/** @type {any} */ words) => words?.en ?? '';
const ko = (/** @type {any} */ words) => words?.ko ?? '';

test('a ready-made reason is read in the language of whoever reads it, whichever it was tapped in', () => {
  for (const words of Object.values(REASONS)) {
    for (const text of [words.en, words.ko]) assert.deepEqual([reasonText(text, en), reasonText(text, ko)], [words.en, words.ko]);
  }
});

test('what somebody wrote stays as it is', () => {
  for (const text of ['lid is broken', '뚜껑이 깨졌어요', 'wrong milk', 'undo']) {
    assert.deepEqual([reasonText(text, en), reasonText(text, ko)], [text, text]);
  }
});

test('a text is one reason and no other, and fits where reasons go', () => {
  const texts = Object.values(REASONS).flatMap(({ en, ko }) => [en, ko]);
  assert.equal(new Set(texts).size, texts.length);
  for (const text of texts) assert.ok([...text].length <= 200 && !/[<>{}]/.test(text) && text.trim() === text, text);
});
