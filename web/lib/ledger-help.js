/** What is done about orders that need someone: the bar is told, on the order's own ticket. */

import { sendCommand } from './commands.js';
import { t } from './i18n.js';
import { storage } from './kept.js';
import { nameOf } from './ledger-model.js';
import { randomText } from './rung.js';
import { createTaps } from './taps.js';

/**
 * @typedef {import('./ledger-model.js').Model} Model
 * @typedef {import('./ledger-model.js').Need} Need
 * @typedef {import('./ledger-equation.js').Action} Action
 */

/** What a note holds: `Limits::NOTE_CHARS`. */
const NOTE_CHARS = 500;

export class Helper {
  /**
   * @param {Model} model
   * @param {import('./ledger-asks.js').Asks} asks
   * @param {() => void} show
   */
  constructor(model, asks, show) {
    this.model = model;
    this.asks = asks;
    this.show = show;
    /** What is being done, by order. @type {Map<string, 'ring_bar' | 'call_again'>} */
    this.doing = new Map();
    this.taps = createTaps({
      storage: storage(),
      send: sendCommand,
      now: Date.now,
      id: randomText,
      changed: () => this.changed(),
      ended: ({ order }, { is }) => this.ended(order, is === 'lost'),
    });
  }

  /** Somebody signed in, or the line is back. */
  flush() {
    this.taps.flush();
  }

  /** @param {Need} need @param {Action} action */
  async help(need, action) {
    const { model } = this;
    if (action === 'open_dlq' || action === 'check_barista') {
      model.told.add(need.kind);
      return this.show();
    }
    const id = need.order_id ?? '';
    this.say(id, 'sending');
    const answer = await this.asks.ask(`help ${id}`, `/orders/${encodeURIComponent(id)}`);
    if (answer === null) return;
    if (answer.body === undefined) return this.say(id, answer.code === 'unknown_order' ? 'lost' : 'failed');
    const { state, round, marks } = answer.body;
    const note = t(`ledger.note.${action}`);
    // Behind what stands there already: that is for who makes it.
    const before = String(marks?.staff_note ?? '');
    const text = before.includes(note) ? before : [before, note].filter(Boolean).join(' · ');
    this.doing.set(id, action);
    const body = { text: text.length > NOTE_CHARS ? note : text, state, round };
    if (this.taps.add({ order: id, label: nameOf(need), command: 'note', body }) === null) this.say(id, 'failed');
  }

  changed() {
    // Those that were kept are sent as soon as there are taps at all.
    if (this.taps === undefined) return;
    for (const id of this.doing.keys()) {
      const tap = this.taps.of(id)[0];
      if (tap) this.model.helped.set(id, tap.state);
    }
    this.show();
  }

  /** @param {string} order @param {boolean} isLost */
  ended(order, isLost) {
    const action = this.doing.get(order);
    this.doing.delete(order);
    if (action) this.say(order, isLost ? 'lost' : action);
  }

  /** @param {string} id @param {'sending' | 'ring_bar' | 'call_again' | 'lost' | 'failed'} what */
  say(id, what) {
    this.model.helped.set(id, what);
    this.show();
  }
}
