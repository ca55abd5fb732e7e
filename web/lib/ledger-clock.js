/** The slider over a day, and what is typed instead of moving it: decisions, without a browser. */

/** What the Page keys move by. */
export const PAGE_MS = 5 * 60_000;
const MINUTE_MS = 60_000;
const HALF_HOUR_MS = 30 * MINUTE_MS;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** Minutes between the labels below the track: what clocks are divided by. */
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360];

/**
 * A stretch of time, in milliseconds since 1970.
 * @typedef {{from: number, to: number}} Span
 */

/**
 * Where the slider stands.
 *
 * @typedef {object} Hand
 * @property {number | null} at in milliseconds since 1970; `null`: now
 * @property {Span} span the day, or so much of it as there has been
 * @property {boolean} isToday whether its end is now
 * @property {number | null | undefined} before when the last event before it was; `null`: there is none,
 *   `undefined`: nobody knows yet
 * @property {number | null | undefined} after when the first event after it is; `null`: there is none
 */

/**
 * So much of a day as something happened in, from a round time on; today until now.
 *
 * @param {{day: Span | null, chart: {at: number}[]}} whole the day to its end, or until now
 * @param {number} now
 * @returns {Span}
 */
export function spanOf({ day: dated, chart }, now) {
  const day = dated ?? { from: now - DAY_MS, to: now + 1 };
  const first = chart[0]?.at;
  const last = chart.at(-1)?.at;
  const from = first === undefined ? day.from : Math.max(day.from, Math.floor(first / HALF_HOUR_MS) * HALF_HOUR_MS);
  if (now < day.to) return { from: Math.min(from, now), to: now };
  return { from, to: last === undefined ? day.to : Math.min(day.to, last + PAGE_MS) };
}

/** Where a moment is on the track, from 0 to 1. @param {number} at @param {Span} span */
export function place(at, { from, to }) {
  return to > from ? Math.min(1, Math.max(0, (at - from) / (to - from))) : 1;
}

/** The moment at a place of the track, to the second. @param {number} place @param {Span} span */
export function momentAt(place, { from, to }) {
  const within = Math.min(1, Math.max(0, place));
  // The end may be no whole second, and it is more than a moment: now.
  if (within === 1) return to;
  return Math.min(to, Math.max(from, Math.round((from + within * (to - from)) / 1_000) * 1_000));
}

/**
 * Where a key takes the hand: a moment, `null` for now, or `undefined` where it takes it nowhere.
 *
 * @param {string} key as `KeyboardEvent.key`
 * @param {Hand} hand
 * @returns {number | null | undefined}
 */
export function stepped(key, { at, span, isToday, before, after }) {
  const end = isToday ? null : span.to;
  const here = at ?? span.to;
  const clamp = (/** @type {number} */ moment) => (moment >= span.to ? end : Math.max(span.from, moment));
  switch (key) {
    case 'ArrowLeft':
    case 'ArrowDown':
      return before === undefined ? undefined : (before ?? span.from);
    case 'ArrowRight':
    case 'ArrowUp':
      if (at === null) return undefined;
      return after === undefined ? undefined : after === null ? end : after;
    case 'PageDown':
      return clamp(here - PAGE_MS);
    case 'PageUp':
      return at === null ? undefined : clamp(here + PAGE_MS);
    case 'Home':
      return span.from;
    case 'End':
      return end;
    default:
      return undefined;
  }
}

/**
 * The moments that have a label below a track: round ones by the clock there, at most so many.
 * @param {Span} span
 * @param {number} most
 * @param {string} [timeZone]
 */
export function marks({ from, to }, most, timeZone) {
  const minutes = (to - from) / MINUTE_MS;
  const step = (STEPS.find((step) => minutes / step <= most) ?? 720) * MINUTE_MS;
  // Round by the clock of the shop, which is not always whole hours from that of Greenwich.
  const lead = leadOf(from, timeZone);
  const found = [];
  for (let at = Math.ceil((from + lead) / step) * step - lead; at <= to && found.length <= most; at += step) found.push(at);
  return found;
}

/**
 * The moment that was typed: `8:42`, `08:42:10`, `0842`. `null` if it is no time of day.
 * @param {string} typed
 * @param {string} date the day, as `2026-11-22`
 * @param {Span} span that day: what is past midnight belongs to it, too
 * @param {string} [timeZone] the shop's
 */
export function typedMoment(typed, date, span, timeZone) {
  const text = typed.trim();
  const [, hours, minutes, seconds] =
    /^(\d{1,2})[:.\s](\d{2})(?:[:.\s](\d{2}))?$/.exec(text) ?? /^(\d{1,2})(\d{2})(\d{2})?$/.exec(text) ?? [];
  const [h, m, s] = [Number(hours), Number(minutes), Number(seconds ?? 0)];
  if (hours === undefined || h > 23 || m > 59 || s > 59) return null;
  const midnight = Date.parse(`${date}T00:00:00Z`);
  if (Number.isNaN(midnight)) return null;
  const wall = midnight + ((h * 60 + m) * 60 + s) * 1_000;
  const at = fromWall(wall, timeZone);
  const dayAfter = fromWall(wall + DAY_MS, timeZone);
  return at < span.from && dayAfter <= span.to ? dayAfter : at;
}

/** The day that a moment is in by the clock there: `2026-11-22`. @param {number} ms @param {string} [timeZone] */
export function dateOf(ms, timeZone) {
  return new Date(ms + leadOf(ms, timeZone)).toISOString().slice(0, 10);
}

/**
 * What a clock on the wall says, as if it stood in Greenwich, to the moment. One that the wall clock shows twice is the
 * first of them, one that it leaves out is as much later.
 * @param {number} wall
 * @param {string} [timeZone]
 */
function fromWall(wall, timeZone) {
  const earlier = wall - leadOf(wall - DAY_MS, timeZone);
  const later = wall - leadOf(wall + DAY_MS, timeZone);
  const is = (/** @type {number} */ at) => at + leadOf(at, timeZone) === wall;
  return is(earlier) ? earlier : is(later) ? later : earlier;
}

/** How far the clock there is ahead of Greenwich's. @param {number} ms @param {string} [timeZone] */
function leadOf(ms, timeZone) {
  const parts = Object.fromEntries(wallClock(timeZone).formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 1, day, hour, minute, second } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1_000) * 1_000;
}

/** @type {Map<string | undefined, Intl.DateTimeFormat>} */
const clocks = new Map();

/** @param {string} [timeZone] */
function wallClock(timeZone) {
  let clock = clocks.get(timeZone);
  if (!clock) {
    /** @type {Intl.DateTimeFormatOptions} */
    const fields = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric', hourCycle: 'h23' };
    try {
      clock = new Intl.DateTimeFormat('en-US', { ...fields, timeZone });
    } catch {
      clock = new Intl.DateTimeFormat('en-US', fields);
    }
    clocks.set(timeZone, clock);
  }
  return clock;
}
