/** The chart of a day, as lengths: decisions, without a browser. */

import { marks } from './ledger-clock.js';

/** One bar is so long a time. */
export const BUCKET_MS = 5 * 60_000;
/** More bars than a day has are no day; and an hour has room, so that the first bar of a day is no wall. */
const BARS_MAX = 600;
const BARS_MIN = 12;
/** How much of its room a bar fills. */
const FILL = 0.68;
const GRID = 3;
const MARKS = 4;

/** @typedef {{at: number, new: number, open: number}} Bucket Orders that came in its five minutes, and how many were open at their end. */

/**
 * @typedef {object} Chart
 * @property {{x: number, y: number, width: number, height: number, isGhost: boolean}[]} bars new orders
 * @property {string} line open orders, as `points` of a polyline
 * @property {{y: number, count: number}[]} grid
 * @property {{x: number, at: number}[]} marks below it
 */

/**
 * Lays a day out in so much room. What came after the moment that is looked at is a ghost: an outline.
 *
 * @param {Bucket[]} buckets up to the moment that is looked at
 * @param {Bucket[]} ghosts the whole day
 * @param {{width: number, height: number}} room
 * @param {string} [timeZone]
 * @returns {Chart}
 */
export function layOut(buckets, ghosts, { width, height }, timeZone) {
  const last = buckets.at(-1)?.at ?? -Infinity;
  const all = [...buckets, ...ghosts.filter(({ at }) => at > last)].slice(-BARS_MAX);
  const first = all[0]?.at ?? 0;
  const length = Math.round(((all.at(-1)?.at ?? first) - first) / BUCKET_MS) + 1;
  const slots = Math.max(BARS_MIN, Math.min(BARS_MAX, length));
  const slot = width / slots;
  const step = stepFor(Math.max(1, ...all.map((bucket) => Math.max(bucket.new, bucket.open))));
  const heightOf = (/** @type {number} */ count) => round((count * height) / (step * GRID));
  const middleOf = (/** @type {number} */ at) => round((Math.round((at - first) / BUCKET_MS) + 0.5) * slot);
  const bars = all.map(({ at, new: count }) => ({
    x: round(middleOf(at) - (slot * FILL) / 2),
    y: round(height - heightOf(count)),
    width: round(slot * FILL),
    height: heightOf(count),
    isGhost: at > last,
  }));
  const line = buckets.slice(-BARS_MAX).map(({ at, open }) => `${middleOf(at)},${round(height - heightOf(open))}`);
  const grid = Array.from({ length: GRID + 1 }, (_, i) => ({ y: round(height - (height * i) / GRID), count: step * i }));
  const span = { from: first, to: first + slots * BUCKET_MS };
  const below = all.length === 0 ? [] : marks(span, MARKS, timeZone);
  return { bars, line: line.join(' '), grid, marks: below.map((at) => ({ at, x: round(((at - first) / BUCKET_MS) * slot) })) };
}

/** The line of open orders over a track, as `points`, to its end. @param {{at: number, open: number}[]} minutes @param {import('./ledger-clock.js').Span} span @param {{width: number, height: number}} room */
export function outline(minutes, { from, to }, { width, height }) {
  const most = Math.max(1, ...minutes.map(({ open }) => open));
  const length = Math.max(1, to - from);
  const within = minutes.filter(({ at }) => at >= from && at <= to);
  const last = within.at(-1);
  return (last ? [...within, { ...last, at: to }] : within).map(({ at, open }) => `${round(((at - from) * width) / length)},${round(height - (open * height) / most)}`).join(' ');
}

/** What a line of the grid stands above the one below it: a number that people count in. @param {number} most */
function stepFor(most) {
  const atLeast = most / GRID;
  for (let power = 1; ; power *= 10) {
    for (const step of [1, 2, 4, 5]) if (step * power >= atLeast) return step * power;
  }
}

/** @param {number} length */
function round(length) {
  return Math.round(length * 10) / 10;
}
