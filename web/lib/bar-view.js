/** What the bar's page is made of. Nothing here decides anything. */

import { html, nothing, svg } from '../vendor/lit-html.js';
import * as ticketOf from './bar-ticket.js';
import * as i18n from './i18n.js';
import * as icons from './icons.js';
import { calledText, codeText, rich, symbol } from './pager-parts.js';
import { isRemake } from './pager-screen.js';
import { reasonText } from './reasons.js';

const { t, word } = i18n;

/**
 * @typedef {import('./orders.js').Order} Order
 * @typedef {import('./bar-rail.js').Ticket} Ticket
 * @typedef {import('./bar-rail.js').Waiting} Waiting
 * @typedef {import('./bar-ticket.js').Line} Line
 * @typedef {import('./i18n.js').MessageKey} MessageKey
 */

/**
 * What can be tapped on the rail and on the strip.
 * @typedef {object} Taps
 * @property {(id: string) => void} step the ticket's one button
 * @property {(id: string, line: number) => void} tick
 * @property {(id: string) => void} undo
 * @property {(id: string) => void} handOver
 * @property {(id: string) => void} takeBack what was handed over was not
 */

/**
 * What a ticket is drawn with beside itself.
 * @typedef {object} Look
 * @property {ReadonlySet<string>} usual choices that are not printed
 * @property {string | null} picked the drink that is underlined
 * @property {number} [key] the key that taps it, where keys are used
 * @property {boolean} undoStays what was made ready can be taken back until something else is done
 */

// The head.

/**
 * @typedef {object} Head
 * @property {string} device
 * @property {string} clock
 * @property {'live' | 'offline' | 'loading' | 'starting' | 'signed_out'} line
 * @property {'on' | 'off' | 'blocked'} sound
 * @property {() => void} mute
 * @property {unknown} tools
 * @property {unknown} pace
 */

/** @param {Head} head */
export function head({ device, clock, line, sound, mute, tools, pace }) {
  const isUp = line === 'live';
  return html`<header class="head">
    <h1 dir="auto">${device || t('bar.title')}</h1>
    <span class="clock">${clock}</span>
    <span class=${isUp ? 'conn' : 'conn down'} role="status">
      ${isUp ? html`<span class="dot"></span>` : icons.noSignal()}${t(`bar.line.${line}`)}
    </span>
    <span class="grow"></span>
    ${tools}
    <button class="hb sound" aria-pressed=${sound === 'on'} @click=${mute}>
      ${sound === 'on' ? icons.sound() : icons.muted()}${t(`bar.sound.${sound}`)}
    </button>
    ${pace}
  </header>`;
}

// What is to be made.

/**
 * @typedef {object} Day
 * @property {{shown: import('./bar-counts.js').Count[], other: number}} counts
 * @property {number} open
 * @property {number} more how many stand to the right of what is seen
 * @property {string | null} picked
 * @property {(key: string) => void} pick
 * @property {() => void} forward
 * @property {boolean} isKnown
 */

/** @param {Day} day */
export function day({ counts, open, more, picked, pick, forward, isKnown }) {
  const { shown, other } = counts;
  const isEmpty = shown.length === 0 && open === 0;
  return html`<section class="day" aria-labelledby="to-make">
    <h2 id="to-make">${!isKnown ? t('bar.to_make') : t(isEmpty ? 'bar.nothing' : 'bar.to_make')}</h2>
    <ul class="counts">
      ${shown.map(
        ({ key, title, count }) => html`<li><button aria-pressed=${key === picked} @click=${() => pick(key)}>
          <b>${count}</b><bdi>${titleText(title)}</bdi></button></li>`,
      )}
      ${other > 0 ? html`<li class="other"><b>${other}</b>${t('bar.other')}</li>` : nothing}
    </ul>
    ${isEmpty ? nothing : html`<span class="sum">${rich('bar.open', { count: html`<b>${open}</b>` })}</span>`}
    ${more > 0
      ? html`<button class="fwd" @click=${forward}>${t('bar.more', { count: more })} <span aria-hidden="true">→</span></button>`
      : nothing}
  </section>`;
}

// What has to be said.

/**
 * @typedef {object} Notice
 * @property {string} about what it is about, whatever it counts
 * @property {'warn' | 'told' | ''} look
 * @property {string} text
 * @property {string} [end] what stands at its end
 * @property {{label: string, act: () => void}[]} [actions]
 */

/** @param {Notice} notice */
export function notice({ look, text, end = '', actions = [] }) {
  return html`<section class=${`notice ${look}`} aria-label=${t('bar.notices')}>
    ${look === 'warn' ? icons.noSignal() : nothing}
    ${text ? html`<p>${text}</p>` : nothing}
    ${end ? html`<b>${end}</b>` : nothing}
    ${actions.map(({ label, act }) => html`<button @click=${act}>${label}</button>`)}
  </section>`;
}

// The rail.

/** The layout, before anything is known. */
export function sketch() {
  return html`<div class="sketch" aria-hidden="true"><i></i><i></i><i></i><i></i></div>`;
}

/** @param {string} text what is said below */
export function allDone(text) {
  return html`<div class="none"><h2>${t('bar.empty')}</h2><p>${text}</p></div>`;
}

/**
 * One piece of a ticket.
 * @param {Ticket} ticket
 * @param {import('./bar-columns.js').Place | null} piece which one; `null`: all of it
 * @param {Look} look
 * @param {Taps} taps
 */
export function ticket(ticket, piece, look, taps) {
  const { kind } = ticket;
  if (kind === 'undo' || kind === 'gone') return piece === null || piece.isLast ? left(ticket, look, taps) : nothing;
  return kind === 'fold' ? folded(ticket, look, taps) : opened(ticket, piece, look, taps);
}

/** @param {Ticket} ticket @param {import('./bar-columns.js').Place | null} piece @param {Look} look @param {Taps} taps */
function opened(ticket, piece, look, taps) {
  const { id, order, pending } = ticket;
  const all = ticketOf.lines(order, look.usual);
  const [from, to] = piece ? [piece.from, piece.to] : [0, all.length];
  const isFirst = piece?.isFirst ?? true;
  const isLast = piece?.isLast ?? true;
  const step = ticketOf.nextStep(order);
  return html`<div class="top">
      ${isFirst ? remake(order) : nothing}
      <header>
        <div><h2>${isFirst ? keycap(look) : nothing}${code(order)}</h2><p class="meta">${isFirst ? meta(ticket) : html`<strong>${t('bar.continued')}</strong>`}</p></div>
        ${isFirst ? age(ticket) : nothing}
      </header>
      ${isFirst ? notes(order) : nothing}
    </div>
    ${all.slice(from, to).map((line, n) => drink(line, id, from + n, (order.items ?? []).length > 0 && step !== '', look, taps))}
    <div class="end">
      ${!isLast
        ? html`<p class="on">${t('bar.goes_on')} <span aria-hidden="true">→</span></p>`
        : step === ''
          ? html`<p class="elsewhere">${t('bar.elsewhere')}</p>`
          : html`<button class=${step === 'ready' ? 'go primary' : 'go start'} aria-busy=${pending === 'sending'} @click=${() => taps.step(id)}>${t(`bar.${step}`)}<span class="vh"> ${calledText(order, i18n.language)}</span></button>`}
    </div>`;
}

/** Lines of a folded ticket. */
const FOLDED = 5;

/** @param {Ticket} ticket @param {Look} look @param {Taps} taps */
function folded(ticket, look, taps) {
  const { id, order } = ticket;
  const lines = ticketOf.lines(order, look.usual);
  // It has to fit into a column; opened, all of it is shown.
  const all = lines.slice(0, lines.length > FOLDED ? FOLDED - 1 : FOLDED);
  const rest = lines.slice(all.length).reduce((sum, { quantity }) => sum + quantity, 0);
  return html`<button class="fold" aria-expanded="false" @click=${() => taps.step(id)}>
    <span class="row1"><span><span class="code">${keycap(look)}${code(order)}</span><span class="meta">${meta(ticket)}</span></span>${age(ticket)}</span>
    ${note(order.note)}
    ${all.map(
      (line) => html`<span class=${line.key === look.picked ? 'drink picked' : 'drink'}>
        <span class="nm">${name(line)}</span>${modifiers(line)}${note(line.note)}
      </span>`,
    )}
    ${rest > 0 ? html`<span class="drink meta">${t('bar.drinks_more', { count: rest })}</span>` : nothing}
  </button>`;
}

/** @param {Ticket} ticket @param {Look} look @param {Taps} taps */
function left({ id, kind, order, isReady }, look, taps) {
  const what = kind === 'undo' ? 'bar.marked_ready' : isReady ? 'bar.gone.ready' : 'bar.gone.over';
  return html`<div class="ghost">
    <p><b>${code(order)}</b>${t(what)}</p>
    ${kind === 'undo'
      ? html`<button class="undo" @click=${() => taps.undo(id)}>
            <span class="left">${look.undoStays ? t('bar.undo_stays') : nothing}</span><span class="vh"> ${calledText(order, i18n.language)}</span></button>
          ${look.undoStays ? nothing : html`<span class="drain"></span>`}`
      : nothing}
  </div>`;
}

/** @param {Look} look */
function keycap({ key }) {
  return key ? html`<span class="keycap" aria-hidden="true">${key}</span>` : nothing;
}

/** @param {Order} order */
function remake(order) {
  const reason = order.marks?.reason;
  return isRemake(order) && reason ? html`<p class="flag">${rich('bar.remake', { reason: html`<bdi>${reasonText(reason, i18n.word)}</bdi>` })}</p>` : nothing;
}

/** @param {Order} order */
export function code(order) {
  if (!order.code) return html`<span>${t('bar.no_code')}</span>`;
  return html`${symbol(order.code.symbol)}<span>${codeText(order, i18n.language)}</span>`;
}

/** What stands below the code: its state, how it came, whose it is, how many drinks. @param {Ticket} ticket */
function meta({ order, isNew, pending }) {
  const { state, ref, name, channel, undecided_ms: undecided = 0 } = order;
  const drinks = ticketOf.drinks(order);
  const parts = [
    pending === 'kept' ? html`<span class="kept">${t('bar.kept')}</span>` : nothing,
    order.no_barista || undecided >= 5_000 ? html`<strong>${t('bar.undecided')}</strong>` : nothing,
    state === 'making' ? html`<strong>${t(isRemake(order) ? 'bar.making_again' : 'bar.making')}</strong>` : nothing,
    isNew && state === 'received' ? html`<strong>${t('bar.new')}</strong>` : nothing,
    channel === 'till' ? t('bar.till') : nothing,
    ref ? html`<bdi>${ref}</bdi>` : nothing,
    name ? html`<bdi>${name}</bdi>` : nothing,
    (order.items ?? []).length > 1 ? t('bar.drinks', { count: drinks }) : nothing,
  ].filter((part) => part !== nothing);
  return parts.map((part, n) => (n ? html` · ${part}` : part));
}

/** @param {Ticket} ticket */
function age({ urgency }) {
  return html`<span class="age">${urgency === 'soon' ? half() : urgency === 'late' ? html`${triangle()}<span class="vh">${t('bar.late')}</span>` : nothing}<span class="t"></span></span>`;
}

const half = () =>
  html`<svg viewBox="0 0 16 16" aria-hidden="true">${svg`<path fill-rule="evenodd" d="M8 0a8 8 0 1 1 0 16A8 8 0 0 1 8 0zm0 2.200a5.800 5.800 0 0 0 0 11.600z"/>`}</svg>`;
const triangle = () => html`<svg viewBox="0 0 16 16" aria-hidden="true">${svg`<path d="M8 1l7.500 14H.5z"/>`}</svg>`;

/** What was said of the whole order. @param {Order} order */
function notes({ note: said, marks }) {
  return said || marks?.staff_note ? html`<div class="notes">${note(said)}${note(marks?.staff_note)}</div>` : nothing;
}

/** @param {Line} line @param {string} id @param {number} n @param {boolean} canTick @param {Look} look @param {Taps} taps */
function drink(line, id, n, canTick, look, taps) {
  const picked = line.key === look.picked ? ' picked' : '';
  const text = html`<span class="tx"><span class="nm">${name(line)}</span>${modifiers(line)}${note(line.note)}</span>`;
  if (!canTick) return html`<div class=${`li plain${picked}`}>${text}</div>`;
  return html`<button class=${`li${picked}`} role="checkbox" aria-checked=${line.ticked} @click=${() => taps.tick(id, n)}>
    <span class="tick">${icons.check()}</span>${text}</button>`;
}

/** @param {Line} line */
function name({ quantity, title }) {
  return html`<b>${quantity}×</b> <bdi class="of">${titleText(title)}</bdi>`;
}

/** @param {Line} line */
function modifiers({ mods }) {
  return mods.length ? html`<span class="mods">${mods.map((mod) => html`<span dir="auto">${titleText(mod)}</span>`)}</span>` : nothing;
}

/** @param {string | undefined} text */
function note(text) {
  if (!text) return nothing;
  const lang = i18n.foreign(text) ?? nothing;
  if (!ticketOf.isAllergy(text)) return html`<span class="note" dir="auto" lang=${lang}>${text}</span>`;
  return html`<span class="allergy">${icons.warning()}<span class="vh">${t('bar.allergy')}</span><bdi lang=${lang}>${text}</bdi></span>`;
}

/** @param {import('./i18n.js').Words | string} title */
export function titleText(title) {
  return typeof title === 'string' ? title || t('bar.drink') : word(title);
}

// What is ready.

/** @param {number} count @param {unknown} list what is ready */
export function stripFrame(count, list) {
  return html`<section class="strip" aria-labelledby="is-ready">
    <h2 id="is-ready">${rich('bar.strip', { count: html`<b>${count}</b>` })}</h2>
    ${list === nothing ? html`<p>${t('bar.strip.empty')}</p>` : list}
  </section>`;
}

/** @param {Waiting} waiting @param {number} now @param {Taps} taps */
export function chip({ id, order, kind, pending }, now, taps) {
  const name = { code: calledText(order, i18n.language) };
  if (kind === 'gone' || kind === 'back') {
    return html`<div class="chip gone"><b>${code(order)}</b><small>${t(kind === 'back' ? 'bar.gone.back' : 'bar.gone.handed')}</small></div>`;
  }
  if (kind === 'undo') {
    return html`<button class="chip undo" data-id=${id} @click=${() => taps.takeBack(id)}>
      <b>${code(order)}</b><small>${t('bar.handed')} · ${t('bar.undo_stays')}</small></button>`;
  }
  const phone = ticketOf.phone(order, now);
  const looks = [ticketOf.needsVoice(phone) ? 'voice' : '', pending === 'kept' ? 'kept' : ''].join(' ');
  return html`<button class=${`chip ${looks}`} data-id=${id} @click=${() => taps.handOver(id)}>
    <b>${code(order)}</b>
    <small>${ticketOf.needsVoice(phone) ? icons.voice() : icons.buzz()}<span>${t(`bar.phone.${phone}`)}</span>${order.marks?.staff_note ? html`<span class="said" dir="auto">${order.marks.staff_note}</span>` : nothing}<span class="vh">${t('bar.hand_over_of', name)}</span></small>
  </button>`;
}
