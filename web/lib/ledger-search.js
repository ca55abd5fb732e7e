/** What was found, and where in a text: decisions, without a browser. */

/** @typedef {{text: string, isFound: boolean}} Part */

/**
 * A text in pieces, those that were looked for marked. What is called that only in the other language is marked whole:
 * whoever types `oat` sees 오트 marked.
 *
 * @param {string} text as it is shown
 * @param {string} query as it was typed
 * @param {string} [other] the same in the other language
 * @returns {Part[]}
 */
export function found(text, query, other = '') {
  const wanted = [...new Set(words(query))].sort((a, b) => b.length - a.length);
  if (wanted.length === 0 || text === '') return [{ text, isFound: false }];
  const pattern = new RegExp(`(${wanted.map(escaped).join('|')})`, 'giu');
  const parts = text.split(pattern).map((part, i) => ({ text: part, isFound: i % 2 === 1 }));
  const isFound = parts.length > 1 || new RegExp(pattern.source, 'iu').test(other);
  return parts.length === 1 && isFound ? [{ text, isFound }] : parts.filter(({ text }) => text !== '');
}

/** The words that are looked for. @param {string} query */
export function words(query) {
  return query.normalize('NFC').split(/\s+/).filter(Boolean);
}

/** @param {string} text */
function escaped(text) {
  return text.replace(/[.*+?^${}()|[\]\\/]/gu, '\\$&');
}
