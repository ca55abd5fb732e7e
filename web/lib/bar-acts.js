/** What a tap on the rail, the strip or a key does: it goes to the line by `taps`, and is seen at once. */

import { UNDONE } from './pager-screen.js';
import { nextStep } from './bar-ticket.js';
import { codeText } from './pager-parts.js';
import * as i18n from './i18n.js';
import { called } from './bar-words.js';

const { t } = i18n;

/**
 * @typedef {import('./orders.js').Order} Order
 * @typedef {import('./bar-rail.js').Slots} Slots
 */

/**
 * @typedef {object} Means
 * @property {import('./bar-state.js').BarState} state
 * @property {import('./taps.js').Taps} taps
 * @property {(text: string) => void} say for those who hear the page
 * @property {() => void} shown looks again, so that the next tap is on what is then, and draws
 */

/** @param {Means} means */
export function createActs({ state, taps, say, shown }) {
  const { rail, guard } = state;
  const ticketOf = (/** @type {string} */ id) => state.seen.tickets.find((one) => one.id === id);
  const waitingOf = (/** @type {string} */ id) => state.seen.waiting.find((one) => one.id === id);

  /** Whether a touch on this is meant: nothing changed there a moment ago. @param {string} id */
  function allows(id) {
    return guard.allows(id, performance.now());
  }

  /** Something else is done: what stayed to be taken back does so no longer. */
  function settle() {
    if (!state.undoStays) return;
    rail.open.settle();
    rail.ready.settle();
  }

  /** @param {Order} order as it is shown @param {string} command @param {Record<string, unknown>} [more] */
  function tap(order, command, more = {}) {
    return send(order, command, { state: order.state, round: order.round, ...more });
  }

  /** @param {Order} order @param {string} command @param {Record<string, unknown>} body */
  function send(order, command, body) {
    const label = order.code ? codeText(order, i18n.language) : t('bar.no_code');
    state.isFull = taps.add({ order: order.order_id, label, command, body }) === null;
    return !state.isFull;
  }

  /**
   * What was done is undone: not sent at all if it was not sent yet, else by the command that takes it back.
   * @param {Order} order as it is by then
   * @param {string} done
   * @param {() => boolean} back
   * @param {Slots} slots
   */
  function takeBack(order, done, back, slots) {
    const { order_id: id } = order;
    const unsent = taps.of(id).reverse().find((one) => one.command === done);
    const isDropped = unsent !== undefined && taps.drop(unsent.id);
    if (isDropped || back()) {
      slots.givesBack(id);
      say(t('bar.announce.undone', { code: called(order) }));
    }
    shown();
  }

  /** @param {string} id */
  function notReady(id) {
    const ticket = ticketOf(id);
    if (ticket?.kind !== 'undo') return;
    const order = { ...ticket.order, state: /** @type {const} */ ('ready') };
    // Nobody makes anything again: whoever reads the log must be able to tell.
    takeBack(order, 'ready', () => tap(order, 'recall', { reason: UNDONE }), rail.open);
  }

  /** @param {string} id */
  function notHandedOver(id) {
    const waiting = waitingOf(id);
    if (waiting?.kind !== 'undo') return;
    const order = { ...waiting.order, state: /** @type {const} */ ('collected') };
    state.remember(order);
    takeBack(order, 'collect', () => tap(order, 'uncollect'), rail.ready);
  }

  return {
    tap,

    /** The ticket's one button. @param {string} id */
    step(id) {
      const ticket = ticketOf(id);
      if (!ticket || !allows(`rail/${id}`)) return;
      settle();
      rail.touch(id);
      const { order, kind } = ticket;
      const step = nextStep(order);
      if (kind === 'fold') {
        rail.unfold(id);
      } else if (kind === 'ticket' && step === 'start') {
        tap(order, 'start');
      } else if (kind === 'ticket' && step === 'ready') {
        rail.open.takes(id);
        if (tap(order, 'ready')) say(t(state.undoStays ? 'bar.announce.ready_stays' : 'bar.announce.ready', { code: called(order) }));
        else rail.open.givesBack(id);
      }
      shown();
    },

    /** @param {string} id @param {number} line */
    tick(id, line) {
      const ticket = ticketOf(id);
      if (ticket?.kind !== 'ticket' || !guard.stands(`rail/${id}`, performance.now())) return;
      rail.touch(id);
      const isTicked = ticket.order.marks?.ticked?.includes(line) ?? false;
      // Whatever the order is like meanwhile, this drink is made.
      send(ticket.order, isTicked ? 'untick' : 'tick', { line });
      shown();
    },

    /** @param {string} id */
    undo(id) {
      if (allows(`rail/${id}`)) notReady(id);
    },

    /** @param {string} id */
    handOver(id) {
      const waiting = waitingOf(id);
      if (waiting?.kind !== 'ready' || !allows(`strip/${id}`)) return;
      settle();
      rail.ready.takes(id);
      if (tap(waiting.order, 'collect')) say(t(state.undoStays ? 'bar.announce.handed_stays' : 'bar.announce.handed', { code: called(waiting.order) }));
      else rail.ready.givesBack(id);
      shown();
    },

    /** What was handed over was not. @param {string} id */
    takeBack(id) {
      if (allows(`strip/${id}`)) notHandedOver(id);
    },

    /** The key of a ticket: before keys are shown nobody knows which is whose. @param {number} place */
    pressed(place) {
      const ticket = state.seen.tickets[place];
      if (ticket && state.hasKeys && (ticket.kind === 'ticket' || ticket.kind === 'fold')) this.step(ticket.id);
    },

    /** What was done last is taken back. The key has no other meaning: a moment after the tap it is meant as well. */
    undoLast() {
      const { tickets, waiting } = state.seen;
      const places = [...tickets, ...waiting].filter(({ kind }) => kind === 'undo');
      const last = places.reduce((/** @type {typeof places[number] | null} */ last, one) => (last === null || one.until >= last.until ? one : last), null);
      if (last === null) return;
      if ('urgency' in last) notReady(last.id);
      else notHandedOver(last.id);
    },
  };
}
