/** What the page of the ledger shows and what can be done on it: types, and what several of its parts say alike. */

import * as i18n from './i18n.js';
import { age, seconds, stopwatch } from './ledger-format.js';

const { t } = i18n;

/**
 * @typedef {import('./ledger-equation.js').Ledger} Ledger
 * @typedef {import('./ledger-equation.js').Code} Code
 * @typedef {import('./ledger-equation.js').Need} Need
 * @typedef {import('./ledger-timeline.js').Decision} Decision
 * @typedef {import('./ledger-timeline.js').Line} Line
 * @typedef {import('./ledger-timeline.js').Accepted} Accepted
 * @typedef {import('./i18n.js').Words} Words
 */

/** What is known of the shop. @typedef {{name?: Words, timeZone?: string}} Shop */

/**
 * One row of `GET /ledger/orders`.
 *
 * @typedef {object} Row
 * @property {string} order_id
 * @property {Code} [code]
 * @property {number} received_at
 * @property {{quantity?: number, title?: Partial<Words>, option_titles?: Partial<Words>[], item?: string}[]} [drinks]
 * @property {number} [amount] cups, of an order without items
 * @property {string} state
 * @property {boolean} [remade]
 * @property {number} [wait_ms]
 * @property {boolean} [late]
 * @property {{from: number, to: number}} [promised]
 * @property {number} [ready_at]
 * @property {string} [channel]
 * @property {string} [ref]
 */

/**
 * A day that was, or is.
 *
 * @typedef {object} Day
 * @property {string} date `2026-11-22`
 * @property {number} from
 * @property {number} to
 * @property {number} orders
 * @property {boolean} holds
 * @property {number} [drinks]
 * @property {number} [remakes]
 * @property {number} [uncollected]
 * @property {number} [cancelled]
 * @property {{inside: number, total: number}} [promise]
 * @property {boolean} [closed] it has a balance in the log
 */

/** @typedef {'all' | 'open' | 'late' | 'remade' | 'cancelled'} Filter */
/** Waits that are longer are told in minutes. */
const TO_THE_SECOND_MS = 10 * 60_000;
export const FILTERS = /** @type {const} */ (['all', 'open', 'late', 'remade', 'cancelled']);

/** How something that was asked for is. @typedef {'loading' | 'here' | 'failed' | 'gone'} Got */

/**
 * @typedef {object} Model
 * @property {Shop} shop
 * @property {import('./live.js').News<Ledger>} news what is so now
 * @property {number} now the counter's clock
 * @property {'' | 'signed_out' | 'managers_only'} kept why nothing is shown
 * @property {boolean} slow nothing came for so long that it must be said
 * @property {number | null} at the moment that is looked at; `null`: now
 * @property {Ledger | null} shown the ledger at that moment
 * @property {Got} got whether it is
 * @property {Ledger | null} whole the same day to its end, or until now
 * @property {{date: string, typed: string, wrong: '' | 'wrong' | 'outside'} | null} going a minute that is being typed
 * @property {Day[]} days newest first
 * @property {{query: string, filter: Filter, got: Got, total: number, matching: number, rows: Row[], first: number, isNewest: boolean, isOldest: boolean}} orders
 * @property {string} selected the order whose story is read; empty: none
 * @property {Row | null} row of it
 * @property {{got: Got | 'none', partition: number, isCarriedOver: boolean, accepted: Accepted | null, decisions: Decision[], mark: number | null}} story `mark`: the offset that is pointed at
 * @property {'' | 'done' | 'failed'} copied
 * @property {Map<string, 'sending' | 'ring_bar' | 'call_again' | 'kept' | 'lost' | 'failed'>} helped what became of what was done, by order
 * @property {Set<string>} told the kinds of needs of which it is said how they are mended
 */

/**
 * @typedef {object} Acts
 * @property {(at: number | null) => void} look
 * @property {(event: KeyboardEvent) => void} key
 * @property {(event: PointerEvent) => void} drag
 * @property {() => void} go opens the field for a minute
 * @property {(event: Event) => void} went
 * @property {() => void} stay
 * @property {() => void} tryNow
 * @property {() => void} again asks once more for what did not come
 * @property {() => void} signIn
 * @property {(query: string) => void} search
 * @property {(filter: Filter) => void} filter
 * @property {(way: 'newer' | 'older') => void} turn
 * @property {(id: string, mark?: number | null) => void} select `mark`: the offset that is pointed at; `null`: its last event is
 * @property {() => void} copy
 * @property {(need: Need, action: import('./ledger-equation.js').Action) => void} help
 * @property {(day: Day) => void} print
 * @property {() => void} language
 */

/** How old something is, as it is said. @param {number} ms */
export function ageText(ms) {
  if (ms < 10_000) return t('ledger.seconds', { seconds: seconds(Math.max(0, ms), i18n.language) });
  const { unit, count } = age(ms);
  return t(`ledger.age.${unit}`, { count });
}

/** The same to the second, of what somebody waits for. @param {number} ms */
export function waitText(ms) {
  return ms < TO_THE_SECOND_MS ? stopwatch(ms) : ageText(ms);
}

/** A range of times of day. @param {{from: number, to: number}} range @param {string} [timeZone] */
export function times({ from, to }, timeZone) {
  const [first, last] = [i18n.time(from, timeZone), i18n.time(to, timeZone)];
  return first === last ? first : t('ledger.range', { from: first, to: last });
}

/** A business day, by its date: what is done after midnight belongs to the evening before. @param {string} date `2026-11-22` */
export function dayText(date) {
  return i18n.dayOfWeek(Date.parse(date), 'UTC');
}

/** What an order is called: its code, or as much of its id as tells it apart. @param {{code?: Code | undefined, order_id?: string | undefined}} order */
export function nameOf({ code, order_id: id = '' }) {
  if (code) return `${i18n.word(code.words).toUpperCase()} ${code.label ?? code.number}`;
  return t('ledger.no_code', { id: id.slice(0, 8) });
}
