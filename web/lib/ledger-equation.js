/** What the ledger says, in terms: decisions, without a browser. */

/** @typedef {import('./i18n.js').MessageKey} MessageKey */
/** @typedef {import('./ledger-chart.js').Bucket} Bucket */
/** @typedef {import('./i18n.js').Words} Words */

/** A pickup code, as the counter writes it. @typedef {{number: number, words: Words, symbol: string, label?: string}} Code */

/**
 * Where every order is, counted from the log.
 *
 * @typedef {object} Equation
 * @property {number} accepted
 * @property {number} received
 * @property {number} making
 * @property {number} ready
 * @property {number} collected
 * @property {number} uncollected
 * @property {number} cancelled
 * @property {number} dead_lettered
 * @property {number} [carried_over] accepted before the count began
 */

/**
 * Something that doesn't add up, and the last that the log says of it.
 *
 * @typedef {object} Fault
 * @property {string} [kind] what is wrong, in a word
 * @property {string} [order_id]
 * @property {Code} [code]
 * @property {string} text what is wrong, in an English sentence
 * @property {string} [topic]
 * @property {number} [partition]
 * @property {number} [offset]
 */

/**
 * Something that only a person can mend.
 *
 * @typedef {object} Need
 * @property {string} [order_id]
 * @property {Code} [code]
 * @property {string} kind
 * @property {number} since
 * @property {string} action
 */

/**
 * `GET /ledger`. Times are milliseconds since 1970, durations milliseconds.
 *
 * @typedef {object} Ledger
 * @property {number} as_of
 * @property {number} now
 * @property {number} [at] the moment that was asked for
 * @property {{at: number | null, why: string, date?: string}} [began] with what the count began
 * @property {number} events
 * @property {Equation} equation
 * @property {boolean} holds
 * @property {Fault[]} faults
 * @property {number} faults_total
 * @property {Need[]} needs
 * @property {number} needs_total
 * @property {Bucket[]} chart
 * @property {Record<string, [number, number, number] | null>} percentiles
 * @property {{inside: number, early: number, late: number, worst_late_ms: number, total: number}} promise
 * @property {{date: string, from: number, to: number} | null} day the business day, where the shop has a calendar
 * @property {number} orders_total those of the list, also of other days
 * @property {number} orders
 * @property {number} drinks
 * @property {number} remakes
 * @property {number} uncollected
 * @property {number} cancelled
 * @property {number | null} [before] when the last event before that moment was
 * @property {number | null} [after] when the first event after it is
 */

/** @typedef {{key: MessageKey, count: number}} Term */

/**
 * Both sides of the equation. What is hardly ever more than none is left out when it is none.
 *
 * @param {Equation} equation
 * @returns {{left: Term[], right: Term[]}}
 */
export function terms(equation) {
  const { accepted, ready, collected, uncollected, cancelled, received, making, dead_lettered: dead } = equation;
  const some = (/** @type {Term} */ term) => (term.count === 0 ? [] : [term]);
  return {
    left: [
      { key: 'ledger.accepted', count: accepted },
      ...some({ key: 'ledger.carried_over', count: equation.carried_over ?? 0 }),
    ],
    right: [
      { key: 'ledger.ready', count: ready },
      { key: 'ledger.collected', count: collected },
      ...some({ key: 'ledger.uncollected', count: uncollected }),
      { key: 'ledger.cancelled', count: cancelled },
      { key: 'ledger.open', count: received + making },
      ...some({ key: 'ledger.dead_lettered', count: dead }),
    ],
  };
}

/** @typedef {'ring_bar' | 'call_again' | 'open_dlq' | 'check_barista'} Action What helps: the first two are done from here, of the others it is said how. */

/** What is to be done about each kind of need. @type {Record<string, {says: MessageKey, action: Action}>} */
const NEEDS = {
  stuck: { says: 'ledger.need.stuck', action: 'ring_bar' },
  remake_waits: { says: 'ledger.need.remake_waits', action: 'ring_bar' },
  nobody_came: { says: 'ledger.need.nobody_came', action: 'call_again' },
  unpaid: { says: 'ledger.need.unpaid', action: 'ring_bar' },
  undecided: { says: 'ledger.need.undecided', action: 'check_barista' },
  dead_letter: { says: 'ledger.need.dead_letter', action: 'open_dlq' },
};
const ACTIONS = /** @type {const} */ (['ring_bar', 'call_again', 'open_dlq', 'check_barista']);

/**
 * What is said of a need, and the one thing that helps; `null` where nothing does that this page knows of.
 * @param {Need} need
 */
export function helpFor({ kind, action }) {
  const known = NEEDS[kind];
  return {
    says: known?.says ?? /** @type {const} */ ('ledger.need.other'),
    action: ACTIONS.find((name) => name === action) ?? known?.action ?? null,
  };
}

/** Whether an answer was given for the moment that is looked at. @param {Ledger | null} ledger @param {number | null} at */
export function isOf(ledger, at) {
  return ledger !== null && (at === null ? ledger.at === undefined : ledger.at === at);
}
