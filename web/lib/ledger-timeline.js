/** The story of one order, in sentences: decisions, without a browser. What language it is told in comes in. */

import { stopwatch } from './ledger-format.js';
import { UNDONE } from './pager-screen.js';
import { reasonText } from './reasons.js';

/** @typedef {import('./i18n.js').MessageKey} MessageKey */
/** @typedef {import('./i18n.js').Words} Words */

/**
 * One decision, as `GET /orders/{id}/history` has it. Times are milliseconds since 1970.
 *
 * @typedef {object} Decision
 * @property {number} offset where it stands in `order.event`
 * @property {string} event what was decided
 * @property {string} [from] the state before it
 * @property {string} to the state after it
 * @property {number} round
 * @property {number} at when it was decided
 * @property {number} [timestamp] when it was written
 * @property {{amount: number, items?: {quantity?: number, title?: Partial<Words>, item: string}[]}} [taken]
 * @property {{role: string, device?: string}} [by]
 * @property {string} [refused] why nothing changed
 * @property {boolean} [repeat]
 * @property {string} [reason]
 * @property {number} [line]
 * @property {string} [presence]
 * @property {{from: number, to: number}} [promise]
 */

/** What else is known of the order. @typedef {{channel?: string, promised?: {from: number, to: number}}} About */

/**
 * How things are said.
 *
 * @typedef {object} Telling
 * @property {(key: MessageKey, values?: Record<string, string | number>) => string} t
 * @property {(ms: number) => string} time a time of day
 * @property {(ms: number) => string} seconds a number of seconds
 * @property {(words: Partial<Words> | undefined) => string} word
 */

/** @typedef {{at: number, topic: string, offset: number, text: string, tone: '' | 'ready' | 'refused'}} Line One line of the story. */
/** Where an order stands in `order.received`. @typedef {{offset: number, timestamp: number}} Accepted */

/** Decisions of which it matters who took them: on which device. */
const BY_HAND = new Set(['start', 'ready', 'recall', 'collect', 'uncollect', 'cancel', 'accept', 'note']);

/**
 * The story, up to a moment.
 *
 * @param {Decision[]} decisions oldest first
 * @param {About} about
 * @param {Telling} words
 * @param {number} [until]
 * @param {Accepted | null} [accepted]
 * @returns {Line[]}
 */
export function story(decisions, about, words, until = Infinity, accepted = null) {
  // By when they were written: that is when they became so for everyone.
  const told = decisions.filter(({ at, timestamp = at }) => timestamp <= until);
  if (told.length === 0 && accepted !== null && accepted.timestamp <= until) {
    return [{ at: accepted.timestamp, topic: 'order.received', offset: accepted.offset, text: words.t('ledger.event.undecided'), tone: '' }];
  }
  const teller = new Teller(told, about, words);
  return told.map((decision, i) => ({
    at: decision.at,
    topic: 'order.event',
    offset: decision.offset,
    text: teller.tell(decision, i),
    tone: decision.refused ? 'refused' : teller.isBell(decision) ? 'ready' : '',
  }));
}

/**
 * The story as text, to be pasted where it is asked for: one line a decision, each with its place in the log.
 *
 * @param {Line[]} lines
 * @param {{title: string, id: string, partition: number, dateAndTime: (ms: number) => string}} head
 */
export function asText(lines, { title, id, partition, dateAndTime }) {
  const rows = lines.map(({ at, topic, offset, text }) => `${dateAndTime(at)}\t${text}\t${topic}-${partition}@${offset}`);
  return [title, id, ...rows, ''].join('\n');
}

class Teller {
  /** @param {Decision[]} decisions @param {About} about @param {Telling} words */
  constructor(decisions, about, words) {
    this.decisions = decisions;
    this.about = about;
    this.words = words;
    this.items = decisions.find(({ taken }) => taken)?.taken?.items ?? [];
    this.promised = about.promised ?? decisions.find(({ promise }) => promise)?.promise;
  }

  /** Whether the bell rang by it. @param {Decision} decision */
  isBell({ from, to, event, refused, repeat }) {
    return !refused && !repeat && to === 'ready' && from !== 'ready' && event !== 'uncollect';
  }

  /** @param {Decision} decision @param {number} i */
  tell(decision, i) {
    const { t } = this.words;
    const command = () => t(/** @type {MessageKey} */ (`ledger.command.${decision.event}`));
    if (decision.repeat) return t('ledger.event.repeat', { what: command() });
    if (decision.refused) {
      const why = t(/** @type {MessageKey} */ (`ledger.refused.${decision.refused}`));
      return this.on(decision, t('ledger.event.refused', { what: command(), why }));
    }
    const done = BY_HAND.has(decision.event) ? this.on(decision, this.what(decision)) : this.what(decision);
    const isSaid = decision.reason && decision.reason !== UNDONE;
    const said = isSaid ? t('ledger.event.because', { what: done, reason: reasonText(decision.reason ?? '', this.words.word) }) : done;
    return this.isBell(decision) && decision.round === 1 ? this.kept(said, decision.at) : this.answered(said, decision, i);
  }

  /** On which device. @param {Decision} decision @param {string} what */
  on({ by }, what) {
    return by?.role === 'staff' && by.device ? this.words.t('ledger.event.on', { what, device: by.device }) : what;
  }

  /** Whether the promise was kept. @param {string} what @param {number} at */
  kept(what, at) {
    const { promised } = this;
    const { t } = this.words;
    if (!promised) return what;
    if (at < promised.from) return t('ledger.event.early', { what, by: stopwatch(promised.from - at) });
    if (at > promised.to) return t('ledger.event.late', { what, by: stopwatch(at - promised.to) });
    return t('ledger.event.inside', { what });
  }

  /** Whether the last ring was answered. @param {string} what @param {Decision} decision @param {number} i */
  answered(what, decision, i) {
    if (decision.event !== 'rang') return what;
    const later = this.decisions.slice(i + 1);
    const isOver = later.some(({ event, refused }) => !refused && ['rang', 'acknowledge', 'missing', 'collect'].includes(event));
    const isReady = this.decisions.at(-1)?.to === 'ready';
    return isReady && !isOver ? this.words.t('ledger.event.unanswered', { what }) : what;
  }

  /** @param {Decision} decision */
  what(decision) {
    const { t, time } = this.words;
    const { event, by } = decision;
    switch (event) {
      case 'received': {
        const { channel } = this.about;
        const what = t(channel === 'phone' || channel === 'till' ? `ledger.event.received.${channel}` : 'ledger.event.received');
        return this.withPromise(what, this.about.promised);
      }
      case 'recall':
        return t(decision.reason === UNDONE ? 'ledger.event.undo' : 'ledger.event.recall');
      case 'start':
      case 'ready':
        return t(by ? `ledger.event.${event}` : `ledger.event.${event}_alone`);
      case 'cancel':
        return t(by?.role === 'holder' ? 'ledger.event.cancel_holder' : 'ledger.event.cancel');
      case 'collect':
        return t(by?.role === 'holder' ? 'ledger.event.collect_holder' : 'ledger.event.collect');
      case 'accept':
        return this.withPromise(t('ledger.event.accept'), decision.promise);
      case 'rang':
        return this.rang(decision);
      case 'presence':
        return ['listening', 'hidden', 'gone'].includes(decision.presence ?? '')
          ? t(/** @type {MessageKey} */ (`ledger.event.presence.${decision.presence}`))
          : t('ledger.event.other', { what: event });
      case 'tick':
      case 'untick':
        return t(`ledger.event.${event}`, { what: this.line(decision.line ?? 0) });
      case 'recall':
      case 'uncollect':
      case 'acknowledge':
      case 'missing':
      case 'tested':
      case 'note':
      case 'uncollected':
      case 'expired':
        return t(`ledger.event.${event}`);
      default:
        // What a newer barista decides.
        return t('ledger.event.other', { what: event, time: time(decision.at) });
    }
  }

  /** @param {string} what @param {{from: number, to: number} | undefined} promised */
  withPromise(what, promised) {
    if (!promised) return what;
    const { t, time } = this.words;
    const [from, to] = [time(promised.from), time(promised.to)];
    return t('ledger.event.promised', { what, times: from === to ? from : t('ledger.range', { from, to }) });
  }

  /** How long after the bell. @param {Decision} decision */
  rang({ at, round }) {
    const { t, seconds } = this.words;
    const bell = this.decisions.find((decision) => decision.round === round && this.isBell(decision));
    if (!bell || at < bell.at) return t('ledger.event.rang');
    const ms = at - bell.at;
    return ms < 60_000
      ? t('ledger.event.rang_seconds', { seconds: seconds(ms) })
      : t('ledger.event.rang_after', { time: stopwatch(ms) });
  }

  /** A line of the order: `2 Iced latte`. @param {number} line */
  line(line) {
    const { t, word } = this.words;
    const item = this.items[line];
    if (!item) return t('ledger.line_number', { number: line + 1 });
    const name = word(item.title) || item.item;
    const quantity = item.quantity ?? 1;
    return quantity > 1 ? t('ledger.quantity', { quantity, item: name }) : name;
  }
}
