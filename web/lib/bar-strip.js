/**
 * The strip of what is ready: each order a chip of its own that is drawn only when it changes, and stays the same element
 * wherever it moves, so that the focus stays with it.
 */

import { html, nothing, render } from '../vendor/lit-html.js';
import { chip, stripFrame } from './bar-view.js';
import { phone } from './bar-ticket.js';

/** @typedef {import('./bar-rail.js').Waiting} Waiting */

export class Strip {
  /**
   * @param {HTMLElement} box
   * @param {import('./bar-view.js').Taps} taps
   * @param {(id: string) => void} moved
   */
  constructor(box, taps, moved) {
    this.box = box;
    this.taps = taps;
    this.moved = moved;
    this.list = document.createElement('ul');
    /** @type {Map<string, {element: HTMLElement, key: string, place: number}>} */
    this.chips = new Map();
    this.key = '';
  }

  /**
   * @param {Waiting[]} waiting in the order of their places
   * @param {number} now the counter's clock
   * @param {string} language
   */
  update(waiting, now, language) {
    const count = waiting.filter(({ kind }) => kind === 'ready').length;
    const key = [count, waiting.length > 0, language].join('|');
    if (key !== this.key) render(stripFrame(count, waiting.length > 0 ? this.list : nothing), this.box);
    this.key = key;
    const ids = new Set(waiting.map(({ id }) => id));
    const hadFocus = this.list.contains(document.activeElement);
    for (const [id, { element }] of this.chips) {
      if (ids.has(id)) continue;
      element.remove();
      this.chips.delete(id);
    }
    let before = this.list.firstElementChild;
    for (const [place, one] of waiting.entries()) {
      const element = this.draw(one, place, now, language);
      if (element === before) before = element.nextElementSibling;
      else this.list.insertBefore(element, before);
    }
    // What had the focus is gone.
    if (hadFocus && !this.list.contains(document.activeElement)) this.list.querySelector('button')?.focus({ preventScroll: true });
  }

  /** @param {Waiting} one @param {number} place @param {number} now @param {string} language */
  draw(one, place, now, language) {
    const { id, kind, order, pending } = one;
    const known = this.chips.get(id) ?? { element: document.createElement('li'), key: '', place: -1 };
    if (known.place !== place) this.moved(id);
    const key = [kind, order.code?.label, order.marks?.staff_note, pending, kind === 'ready' ? phone(order, now) : '', language].join('|');
    if (key !== known.key) {
      const had = known.element.contains(document.activeElement);
      render(html`${chip(one, now, this.taps)}`, known.element);
      if (had) known.element.querySelector('button')?.focus({ preventScroll: true });
    }
    this.chips.set(id, { element: known.element, key, place });
    return known.element;
  }
}
