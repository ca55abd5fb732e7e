/** Durations and shares as the ledger writes them: decisions, without a browser. */

const SECOND_MS = 1_000;
const MINUTE_S = 60;

/**
 * A time that passed, as a stopwatch has it: `5:10`, `1:02:03`; `−0:51` if it is below zero.
 * @param {number} ms
 */
export function stopwatch(ms) {
  const all = Math.round(Math.abs(ms) / SECOND_MS);
  const [hours, minutes, seconds] = [Math.floor(all / 3_600), Math.floor(all / MINUTE_S) % MINUTE_S, all % MINUTE_S];
  const two = (/** @type {number} */ number) => String(number).padStart(2, '0');
  const text = hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
  return ms < 0 && all > 0 ? `\u2212${text}` : text;
}

/**
 * The same of what may be less than a second, in the language: a number of seconds with one digit behind the point.
 * @param {number} ms
 * @param {string} language
 */
export function seconds(ms, language) {
  return new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(ms / SECOND_MS);
}

/**
 * How old something is, in the largest unit that fits: `{unit: 'seconds', count: 14}`.
 * @param {number} ms
 * @returns {{unit: 'seconds' | 'minutes' | 'hours' | 'days', count: number}}
 */
export function age(ms) {
  const all = Math.max(0, Math.floor(ms / SECOND_MS));
  if (all < 2 * MINUTE_S) return { unit: 'seconds', count: all };
  if (all < 7_200) return { unit: 'minutes', count: Math.floor(all / MINUTE_S) };
  if (all < 172_800) return { unit: 'hours', count: Math.floor(all / 3_600) };
  return { unit: 'days', count: Math.floor(all / 86_400) };
}

/**
 * A share of a whole in percent: a whole number, which is 0 only for none of it and 100 only for all.
 * @param {number} part
 * @param {number} whole
 */
export function share(part, whole) {
  if (part <= 0 || whole <= 0) return 0;
  return part >= whole ? 100 : Math.min(99, Math.max(1, Math.round((part * 100) / whole)));
}
