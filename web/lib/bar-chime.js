/** The sound of a new order at the bar, and whether it is wanted. */

import { Bell } from './bell.js';
import { keep, kept } from './kept.js';

const STORED_AS = 'brewline.bar.sound';
/** However many come at once, it rings so often. */
const EVERY_MS = 2_000;
/** Softer than a phone that calls, and rising: something comes. */
const CHIME = [
  { at: 0, pitch: 659 },
  { at: 0.16, pitch: 880 },
];

export class Chime {
  /** @param {() => void} changed */
  constructor(changed) {
    this.changed = changed;
    this.bell = new Bell(changed);
    this.isMuted = kept(STORED_AS) === 'off';
    this.rangAt = -Infinity;
  }

  /** @returns {'on' | 'off' | 'blocked'} `blocked`: the browser wants a touch first */
  state() {
    return this.isMuted ? 'off' : this.bell.isArmed() ? 'on' : 'blocked';
  }

  /** Somebody touched the page: from now on it can be heard, and the screen stays on. */
  async touched() {
    if (this.bell.isArmed()) return;
    this.bell.stayAwake();
    if (this.isMuted) return;
    await this.bell.unlock();
    this.changed();
  }

  /** The button, which is a touch as well: on, off; and where the browser lets nothing be heard, on again. */
  async toggle() {
    this.bell.stayAwake();
    if (this.state() !== 'blocked') this.isMuted = !this.isMuted;
    keep(STORED_AS, this.isMuted ? 'off' : 'on');
    if (!this.isMuted) {
      await this.bell.unlock();
      this.bell.sound(1, CHIME);
    }
    this.changed();
  }

  /** @param {number} now by a clock that nobody sets */
  ring(now) {
    if (this.isMuted || now - this.rangAt < EVERY_MS) return;
    this.rangAt = now;
    this.bell.sound(1, CHIME);
  }
}
