/** How one order looks at the bar: decisions, without a browser. */

import { UNDONE, isBarTold } from './pager-screen.js';

/**
 * @typedef {import('./orders.js').Order} Order
 * @typedef {import('./pager-screen.js').Item} Item
 * @typedef {import('./i18n.js').Words} Words
 * @typedef {import('./taps.js').Tap} Tap
 */

/** How much of the promised time is used when an order becomes pressing. */
const SOON_SHARE = 0.75;
/** What an order has to be ready in that nobody promised anything of. */
const UNPROMISED_MS = 10 * 60_000;
/** Ages are told in minutes and seconds up to this. */
const HOURS_FROM_MS = 100 * 60_000;
/** Words in a note, in both languages, that make it one that must not be missed; the Korean ones by their codes, because no text is to stand here. */
const ALLERGY =
  /allerg|anaphyla|intoleran|c(?:o?e)liac|\uc54c\ub808\ub974\uae30|\uc54c\ub7ec\uc9c0|\uc568\ub7ec\uc9c0|\uc544\ub098\ud544\ub77d\uc2dc\uc2a4|\ubd88\ub0b4\uc99d|\uc140\ub9ac\uc545/i;

/**
 * Whether it is pressing, by what the customer was promised.
 * @param {Order} order
 * @param {number} now the counter's clock
 * @returns {'plain' | 'soon' | 'late'}
 */
export function urgency(order, now) {
  const due = order.promised?.to ?? order.received_at + UNPROMISED_MS;
  if (now >= due) return 'late';
  return now - order.received_at >= (due - order.received_at) * SOON_SHARE ? 'soon' : 'plain';
}

/**
 * How long ago it was ordered: `4:08`; `{hours}` where seconds do not matter any more.
 * @param {Order} order
 * @param {number} now the counter's clock
 * @returns {string | {hours: number}}
 */
export function age(order, now) {
  const ms = Math.max(0, now - order.received_at);
  if (!(ms < HOURS_FROM_MS)) return Number.isNaN(ms) ? '' : { hours: Math.floor(ms / 3_600_000) };
  const seconds = Math.floor(ms / 1_000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

/**
 * The order as it is once everything that was tapped here is done. What is too old to be sent by itself is left out, and
 * what was tapped after it.
 * @param {Order} order
 * @param {Tap[]} taps on this order, as they were tapped
 * @returns {Order}
 */
export function predict(order, taps) {
  let seen = order;
  for (const tap of taps) {
    if (tap.why === 'old') break;
    seen = after(seen, tap);
  }
  return seen;
}

/** @param {Order} order @param {Tap} tap @returns {Order} */
function after(order, { command, body, at }) {
  const { state, round } = order;
  // It is of what is not so any more: its outcome is known, or will be that it lost.
  if (body.round !== undefined && body.round !== round) return order;
  const isOpen = state === 'received' || state === 'making';
  switch (command) {
    case 'start':
      return state === 'received' ? { ...order, state: 'making' } : order;
    case 'ready':
      return isOpen ? { ...order, state: 'ready' } : order;
    case 'recall':
      return isOpen ? order : { ...order, state: 'making', round: round + 1, marks: recalled(order, body.reason) };
    case 'collect':
      return state === 'ready' ? { ...order, state: 'collected' } : order;
    case 'uncollect':
      return state === 'collected' || state === 'uncollected' ? { ...order, state: 'ready' } : order;
    case 'cancel':
      return { ...order, state: 'cancelled', changed_at: at };
    case 'accept':
      return { ...order, unpaid: false, paid: true };
    case 'tick':
    case 'untick':
      return { ...order, marks: { ...order.marks, ticked: ticked(order, command, Number(body.line)) } };
    default:
      return order;
  }
}

/** What is known of it once it is recalled. @param {Order} order @param {unknown} reason */
function recalled({ marks }, reason) {
  const isUndone = reason === UNDONE;
  const why = isUndone ? marks?.reason : reason;
  return { ...(typeof why === 'string' ? { reason: why } : {}), taken_back: (marks?.taken_back ?? 0) + (isUndone ? 1 : 0) };
}

/** @param {Order} order @param {'tick' | 'untick'} command @param {number} line */
function ticked(order, command, line) {
  const others = (order.marks?.ticked ?? []).filter((other) => other !== line);
  return command === 'tick' ? [...others, line].sort((a, b) => a - b) : others;
}

/** Whether there is something to be made of it. @param {Order} order */
export function isOpen({ state, unpaid }) {
  return (state === 'received' || state === 'making') && !unpaid;
}

/** Whether a program of someone else decides on it, so that nothing can be tapped. @param {Order} order */
export function isMadeElsewhere(order) {
  return order.decided === true && order.mode === undefined;
}

/**
 * What its one button does next; `''`: it has none.
 * @param {Order} order
 * @returns {'start' | 'ready' | ''}
 */
export function nextStep(order) {
  if (isMadeElsewhere(order)) return '';
  return order.state === 'received' ? 'start' : order.state === 'making' ? 'ready' : '';
}

/**
 * One drink of it.
 * @typedef {object} Line
 * @property {string} key which drink it is: the same on every ticket
 * @property {number} quantity
 * @property {Words | string} title `''`: nobody said what it is
 * @property {(Words | string)[]} mods what is not as it usually is
 * @property {string} note
 * @property {boolean} ticked
 */

/**
 * What is to be made. Of an order by amount only, that many drinks of which nothing is known.
 * @param {Order} order
 * @param {ReadonlySet<string>} usual choices that an order has that doesn't say, as `milk/whole`
 * @returns {Line[]}
 */
export function lines(order, usual) {
  const items = order.items ?? [];
  if (items.length === 0) {
    return order.amount > 0 ? [{ key: '', quantity: order.amount, title: '', mods: [], note: '', ticked: false }] : [];
  }
  const done = new Set(order.marks?.ticked);
  return items.map((item, line) => ({
    key: item.item,
    quantity: item.quantity ?? 1,
    title: item.title ?? item.item,
    mods: mods(item, usual),
    note: item.note ?? '',
    ticked: done.has(line),
  }));
}

/** @param {Item} item @param {ReadonlySet<string>} usual */
function mods({ options = [], option_titles: titles = [] }, usual) {
  return options.flatMap((option, n) => (usual.has(option) ? [] : [titles[n] ?? option.split('/').at(-1) ?? option]));
}

/**
 * The choices that an order has that doesn't say: the first one of each group.
 * @param {{options?: {id: string, choices: {id: string}[]}[]} | null} menu `GET /menu`
 * @returns {Set<string>}
 */
export function usualChoices(menu) {
  return new Set(menu?.options?.map(({ id, choices }) => `${id}/${choices[0]?.id}`));
}

/** Whether a note says something that harms whoever drinks it if it is overlooked. @param {string | undefined} note */
export function isAllergy(note) {
  return note !== undefined && ALLERGY.test(note);
}

/**
 * How many drinks it is, for whoever hears of it.
 * @param {Order} order
 */
export function drinks(order) {
  const items = order.items ?? [];
  return items.length ? items.reduce((sum, { quantity = 1 }) => sum + quantity, 0) : order.amount;
}

/**
 * Whether the customer's phone will do for an order that is ready, or somebody has to call.
 * - `missing`: the customer looked and did not find it
 * - `coming`: the bell was answered
 * - `unheard`: it rang for the last time and nobody answered
 * - `rang`: the phone rang
 * - `listening`: the page is open on the phone; `hidden`: behind others, or in a pocket
 * - `aloud`: no phone listens
 * @typedef {'missing' | 'coming' | 'unheard' | 'rang' | 'listening' | 'hidden' | 'aloud'} Phone
 * @param {Order} order
 * @param {number} now the counter's clock
 * @returns {Phone}
 */
export function phone(order, now) {
  const marks = order.marks ?? {};
  if (marks.missing_at) return 'missing';
  if (marks.acknowledged_at) return 'coming';
  const listens = marks.presence === 'listening' || marks.presence === 'hidden';
  if (isBarTold(order, now)) return listens || marks.rang_at ? 'unheard' : 'aloud';
  if (!listens) return 'aloud';
  if (marks.rang_at) return 'rang';
  return marks.presence === 'hidden' ? 'hidden' : 'listening';
}

/** Whether somebody at the bar has to do something about it. @param {Phone} phone */
export function needsVoice(phone) {
  return phone === 'aloud' || phone === 'unheard' || phone === 'missing';
}
