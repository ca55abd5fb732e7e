/** What the tests of the board have in common: codes as the drawings have them, and a board that a test speaks to. */

import { open } from './harness.mjs';
import { seoul } from './pager-tools.mjs';

/** A few codes, as the counter names them. @type {Record<number, {en: string, ko: string}>} */
const WORDS = {
  16: { en: 'castle', ko: '성곽' },
  17: { en: 'cat', ko: '고양이' },
  18: { en: 'cherry', ko: '체리' },
  19: { en: 'clock', ko: '시계' },
  20: { en: 'house', ko: '오두막' },
  21: { en: 'key', ko: '열쇠' },
  22: { en: 'cloud', ko: '구름' },
  23: { en: 'dolphin', ko: '돌고래' },
  24: { en: 'lemon', ko: '레몬' },
  26: { en: 'sun', ko: '해님' },
  27: { en: 'mango', ko: '망고' },
  28: { en: 'acorn', ko: '도토리' },
  29: { en: 'fish', ko: '물고기' },
  30: { en: 'moon', ko: '초승달' },
  31: { en: 'kite', ko: '방패연' },
  32: { en: 'anchor', ko: '닻줄' },
  33: { en: 'flag', ko: '깃발' },
};

/**
 * One code on the board.
 * @param {number} number
 * @param {number} since
 * @param {{round?: number, label?: string}} [more]
 */
export function code(number, since, { round = 1, label = String(number) } = {}) {
  const words = WORDS[number] ?? { en: 'star', ko: '샛별' };
  return { number, words, symbol: words.en, label, round, since };
}

/** When the drawing was made: 08:42. */
export const NOW = seoul(8, 42) + 5_000;

/**
 * The board as it is drawn; `more` is what is different.
 * @param {Record<string, any>} [more]
 */
export function drawn(more = {}) {
  const board = {
    as_of: NOW,
    now: NOW,
    waiting: [24, 28, 29, 30, 31, 32, 33].map((number) => code(number, NOW - 60_000)),
    making: [18, 21, 22].map((number) => code(number, NOW - 120_000)),
    ready: [code(27, NOW - 3_000), code(26, NOW - 60_000), code(23, NOW - 240_000), code(20, NOW - 500_000)],
    no_barista: false,
    ...more,
  };
  return { ...board, waiting_count: board.waiting.length, making_count: board.making.length, ready_count: board.ready.length };
}

export const EMPTY = { waiting: [], making: [], ready: [] };

/**
 * Tells the board this, by its stream and to whoever asks.
 * @param {import('./stand-in.mjs').StandIn} stand
 * @param {any} board
 */
export function tell(stand, board) {
  stand.answer('/board/codes', board);
  stand.say('/board/events', 'board', board);
}

/**
 * A screen with the board on it.
 * @param {import('playwright-core').Browser} browser
 * @param {string} url of the line, or what stands before it
 * @param {import('./harness.mjs').Phone & {query?: string}} [screen]
 */
export async function openBoard(browser, url, { query = '', ...screen } = {}) {
  const opened = await open(browser, `${url}/board${query}`, { width: 1920, height: 1080, scale: 1, ...screen });
  await opened.page.waitForSelector('header .clock');
  return opened;
}

/** The shop of the drawings. */
export const SHOP = `
name = { en = "Onharu Coffee", ko = "온하루 커피" }
currency = "KRW"
time_zone = "Asia/Seoul"
`;
