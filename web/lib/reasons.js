/**
 * Why an order is made once more or was cancelled. On the wire that is a text for people, whoever reads it, and anybody may
 * write one; the ready-made ones are known again here, whichever language they were tapped in.
 */

import REASONS from '../messages/reasons.js';

/** @typedef {import('./i18n.js').Words} Words */
/** @typedef {keyof typeof REASONS} Reason */

export { REASONS };

/** @type {Map<string, Words>} */
const byText = new Map(Object.values(REASONS).flatMap((words) => [words.en, words.ko].map((text) => [text, words])));

/**
 * A reason as it is read: a ready-made one in the reader's language, any other as it was written.
 * @param {string} reason
 * @param {(words: Words | undefined) => string} word the word of the reader's language
 */
export function reasonText(reason, word) {
  return word(byText.get(reason)) || reason;
}
