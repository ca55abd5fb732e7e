/** The parts of the bar's page, each drawn for itself: head, counts, notice, rail, strip, sheet. */

import { fit, toMake, widthOf } from './bar-counts.js';
import { noticeOf } from './bar-notice.js';
import { Strip } from './bar-strip.js';
import * as ticketOf from './bar-ticket.js';
import { Tickets } from './bar-tickets.js';
import * as view from './bar-view.js';
import { language, t, time } from './i18n.js';
import { plug } from './sheet-plug.js';
import { deviceName } from './staff.js';
import { html, nothing, render } from '../vendor/lit-html.js';

/**
 * @typedef {object} Means
 * @property {HTMLElement} app where all of it stands
 * @property {import('./bar-plug.js').Bar} bar
 * @property {import('./bar-state.js').BarState} state
 * @property {import('./taps.js').Taps} taps
 * @property {ReturnType<typeof import('./bar-acts.js').createActs>} acts
 * @property {import('./announcer.js').Announcer} announcer
 * @property {import('./bar-chime.js').Chime} chime
 * @property {() => void} toggleUndo whether what was done can be taken back until something else is done
 */

/** Ages that are said anew in one frame: all of them change with the same second, and each is laid out. */
const TICKS = 8;

/** @param {Means} means */
export function createParts(means) {
  return new Parts(means);
}

class Parts {
  /** @param {Means} means */
  constructor(means) {
    this.means = means;
    const { app, state, acts } = means;
    render(
      html`<div id="head"></div><div id="day"></div><div id="notice"></div>
        <main class="rail" id="rail" tabindex="-1"><div class="tickets" id="tickets"></div><div id="idle"></div></main>
        <div id="strip"></div><div id="sheet"></div>`,
      app,
    );
    const box = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
    this.boxes = { head: box('head'), day: box('day'), notice: box('notice'), rail: box('rail'), idle: box('idle'), sheet: box('sheet') };
    // What comes where nothing was is as little meant as what has moved.
    const moved = (/** @type {string} */ place) => (/** @type {string} */ id) => state.guard.moved(`${place}/${id}`, performance.now());
    this.tickets = new Tickets(this.boxes.rail, box('tickets'), acts, moved('rail'));
    this.strip = new Strip(box('strip'), acts, moved('strip'));
    /** Those that are drawn whenever something has changed. @type {import('./bar-frames.js').Part[]} */
    this.always = [() => this.notice(), () => this.day(), () => this.idle()];
    /** All of them, the most urgent first. @type {import('./bar-frames.js').Part[]} */
    this.all = [(hasTime) => this.rail(hasTime), () => this.drawStrip(), ...this.always, () => this.head(), () => this.sheet(), () => this.tick(TICKS)];
    /** What was said last to those who hear the page. */
    this.told = '';
    this.show = () => {};
  }

  /** From now on it draws again when its size changes, or somebody scrolls. @param {() => void} show */
  begin(show) {
    const { tickets, boxes } = this;
    this.show = show;
    boxes.rail.addEventListener('scroll', () => {
      tickets.scrolled();
      if (tickets.needsMore()) tickets.drawMore();
      show();
    }, { passive: true });
    new ResizeObserver(() => {
      tickets.resized();
      show();
    }).observe(boxes.rail);
    tickets.resized();
  }

  /** Those that may be drawn now, the most urgent first. @returns {import('./bar-frames.js').Part[]} */
  due() {
    // A button that becomes wider moves those beside it, and with them the finger's.
    return this.means.state.isHeld(performance.now()) ? this.always : this.all;
  }

  head() {
    const { bar, state, chime, toggleUndo } = this.means;
    const now = bar.now();
    const { status } = state.news;
    const line = status === 'live' || status === 'loading' || status === 'starting' || status === 'signed_out' ? status : 'offline';
    const clock = Number.isNaN(now) ? '' : time(now, state.timeZone);
    const tools = html`<button class="hb unseen" aria-pressed=${state.undoStays} @click=${toggleUndo}>${t('bar.undo_stay')}</button>${plug.tools?.(bar) ?? nothing}`;
    const pace = plug.pace?.(bar) ?? nothing;
    render(view.head({ device: deviceName(), clock, line, sound: chime.state(), mute: () => void chime.toggle(), tools, pace }), this.boxes.head);
  }

  day() {
    const { state } = this.means;
    const { tickets, boxes } = this;
    const open = state.open();
    const counts = toMake(open.map(({ order }) => order));
    if (state.picked !== null && !counts.some(({ key }) => key === state.picked)) state.picked = null;
    const { picked } = state;
    const { rem } = tickets;
    // Beside the counts stand the heading, the sum and the way on. On a narrow screen they have a row of their own, and scroll.
    const isOne = tickets.column.columns === 1;
    const width = isOne ? Infinity : tickets.view.width - 19 * rem;
    const widthOfCount = (/** @type {import('./bar-counts.js').Count} */ { title, count }) =>
      (widthOf(view.titleText(title)) * 1.125 + String(count).length * 0.95) * rem + 40;
    const day = {
      counts: fit(counts, widthOfCount, width, 6 * rem, picked),
      open: open.length,
      more: tickets.more,
      picked,
      isKnown: state.news.value !== null,
      pick: (/** @type {string} */ key) => {
        state.picked = state.picked === key ? null : key;
        this.show();
      },
      forward: () => {
        if (tickets.column.columns === 1) tickets.drawMore();
        else boxes.rail.scrollBy({ left: boxes.rail.clientWidth, behavior: isCalm() ? 'auto' : 'smooth' });
        this.show();
      },
    };
    render(view.day(day), boxes.day);
    document.title = [open.length ? `(${open.length})` : '', deviceName() || t('bar.title')].filter(Boolean).join(' ');
  }

  notice() {
    const { state, taps, announcer } = this.means;
    const { notice, rail } = this.boxes;
    const said = noticeOf(state, taps);
    const hadFocus = notice.contains(document.activeElement);
    render(view.notice(said), notice);
    // What was answered is gone, and its button with it.
    if (hadFocus && !notice.contains(document.activeElement)) rail.focus({ preventScroll: true });
    // Once, however its age counts on.
    if (said.about !== this.told && said.text !== '') announcer.assert(said.text);
    this.told = said.about;
  }

  /** @param {() => boolean} hasTime */
  rail(hasTime) {
    const { state } = this.means;
    const { tickets, boxes } = this;
    const { usual, picked, undoStays, hasKeys } = state;
    const more = tickets.more;
    const number = (/** @type {number} */ n) => (hasKeys && n < 9 ? n + 1 : 0);
    // In a rush the rail moves all the time, and each ticket that glides costs a slow tablet a part of its frame.
    const glides = !state.rail.isRush;
    const isAll = tickets.update(state.seen.tickets, { usual, picked, undoStays, language, glides, number }, hasTime);
    this.tick(0);
    boxes.rail.setAttribute('aria-label', t('bar.rail'));
    // It is known only after the rail has been drawn.
    if (tickets.more !== more) this.show();
    return isAll;
  }

  /** How old the orders are, and how long one can be taken back. @param {number} most as for the tickets */
  tick(most) {
    return this.tickets.tick((ticket) => this.age(ticket), (ticket) => this.undo(ticket), most);
  }

  /** What stands on the rail where no ticket does. */
  idle() {
    const { bar, state } = this.means;
    const isEmpty = state.news.value !== null && state.seen.tickets.length === 0;
    render(isEmpty ? (plug.idle?.(bar) ?? view.allDone(this.emptyText())) : state.news.value === null ? view.sketch() : nothing, this.boxes.idle);
  }

  drawStrip() {
    const { bar, state } = this.means;
    this.strip.update(state.seen.waiting, bar.now(), language);
  }

  sheet() {
    render(plug.sheet?.(this.means.bar) ?? nothing, this.boxes.sheet);
  }

  /** @param {import('./bar-rail.js').Ticket} ticket */
  age({ order }) {
    const age = ticketOf.age(order, this.means.bar.now());
    return typeof age === 'string' ? age : t('bar.hours', { count: age.hours });
  }

  /** @param {import('./bar-rail.js').Ticket} ticket */
  undo({ until }) {
    if (this.means.state.undoStays) return '';
    return t('bar.undo', { count: Math.max(1, Math.ceil((until - performance.now()) / 1_000)) });
  }

  emptyText() {
    const { state, chime } = this.means;
    if (chime.state() === 'off') return t('bar.empty.muted');
    const { lastReadyAt } = state.rail;
    return Number.isNaN(lastReadyAt) ? t('bar.empty.first') : t('bar.empty.last', { time: time(lastReadyAt, state.timeZone) });
  }
}

function isCalm() {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}
