/**
 * What a customer has chosen, what it costs, what is in its way, and how sending it goes. Pure: menu, keys, times, chance
 * and what is sold out come in as values, and each change gives new lines. One module, for each is a request before the
 * page can be used: first the lines, then the cart as it is kept, then what becomes of it.
 */

/** @typedef {import('./i18n.js').Words} Words */
/** @typedef {{id: string, name: Words, price: number, allergens: string[]}} Choice */
/** @typedef {{id: string, name: Words, choices: Choice[]}} Group Exactly one of its choices is chosen; the first is the default. */
/**
 * @typedef {object} Item
 * @property {string} id
 * @property {Words} name
 * @property {Words} [description]
 * @property {number} price in the currency's smallest unit, before options
 * @property {string[]} options ids of groups
 * @property {string[]} allergens
 */
/**
 * What `GET /menu` says.
 * @typedef {object} Menu
 * @property {string} version
 * @property {{name: Words, currency: string, time_zone: string, payment: 'before' | 'after', largest_phone_order_cups?: number}} shop
 * @property {Group[]} options
 * @property {{id: string, name: Words, items: Item[]}[]} categories
 * @property {{id: string, name: Words}[]} [allergens] what the ids of allergens are called
 */
/**
 * One line of a cart.
 * @typedef {object} Line
 * @property {number} id unique in its cart
 * @property {string} item
 * @property {number} quantity
 * @property {Record<string, string>} options the choice of each group of the item
 * @property {string} note as it was written, however long
 * @property {number} seen what one cost when it was shown last
 * @property {Words} title for when the menu has it no longer
 */
/**
 * A cart as it is kept. Its key is made anew with each change of its lines, so that one key is one order.
 * @typedef {object} Cart
 * @property {string} key the order's `Idempotency-Key`
 * @property {Line[]} lines
 * @property {Sent} [sent] it is being sent, or nobody knows whether it arrived
 */
/**
 * @typedef {object} Sent
 * @property {string} body as it was sent: a repeat with the same key must be the same
 * @property {number} since when the customer tapped, ms since 1970 by the phone
 * @property {string} by the tab that sends it
 * @property {boolean} doubt it may have arrived
 * @property {boolean} given_up it is not sent again by itself
 */
/** @typedef {ReadonlySet<string>} SoldOut ids of items, and choices as `milk/oat` */
/**
 * What became different under a cart.
 * @typedef {{is: 'price', title: Words, from: number, to: number}
 *   | {is: 'gone', title: Words}
 *   | {is: 'choice_gone', title: Words, choice: string}} Change
 */
/**
 * Why a cart can't be ordered as it is, and the line that has to change.
 * @typedef {{is: 'item', line: Line} | {is: 'choice', line: Line, group: Group, choice: Choice}
 *   | {is: 'note', line: Line, has: number}} Obstacle
 */

/**
 * How sending a cart goes.
 *
 * - `sending`: it is on its way; `doubted`: it may have arrived before that, too.
 * - `waiting`: it is tried again by itself; `elsewhere`: another tab does.
 * - `unsure`: it may have arrived; `late`: too long ago to be sent again; `sure`: the customer is asked whether to change
 *   it all the same.
 * - `failed`: it has not arrived, and is not sent by itself; `until`: when it is worth trying again, by the page's clock.
 * - `used`: it arrived before.
 * - `in`: it has arrived, and its page is on its way, or did not come.
 *
 * `failures` are attempts in a row that did not do.
 *
 * @typedef {{is: 'no'}
 *   | {is: 'sending', doubted: boolean, failures: number}
 *   | {is: 'waiting', why: 'unreached' | 'starting' | 'elsewhere', failures: number}
 *   | {is: 'unsure', late: boolean, sure: boolean}
 *   | {is: 'failed', why: 'not_written' | 'too_many' | 'refused' | 'lines', until: number, detail: string}
 *   | {is: 'used', id: string}
 *   | {is: 'in', path: string, failures: number}} Sending
 */
/**
 * Where a decision is made.
 * @typedef {object} Here
 * @property {number} now ms since 1970 by the phone
 * @property {number} elapsed the page's clock in ms, which nobody can set
 * @property {string} by this tab
 * @property {string} key one that no cart had
 * @property {number} random from 0 to 1
 */
/**
 * What comes of something that happened: the cart, how sending it goes from here, and when it is to be attempted.
 * @typedef {{cart: Cart, sending: Sending, due_ms?: number}} Step
 */

/** What the counter takes at most: lines and cups of an order, characters of a line's note. */
export const LIMITS = { lines: 100, cups: 1_000, note: 200 };

/** A cart without anything in it. @type {Cart} */
export const EMPTY = { key: '', lines: [] };

/**
 * A random UUID of version 4 (RFC 9562 5.4). `crypto.randomUUID` is not there over plain HTTP.
 * @param {Uint8Array} [bytes] 16 random ones
 */
export function newKey(bytes = crypto.getRandomValues(new Uint8Array(16))) {
  const b = Uint8Array.from(bytes);
  b[6] = (b[6] & 0x0f) | 0x40;
  b[8] = (b[8] & 0x3f) | 0x80;
  const hex = Array.from(b, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** @type {WeakMap<Menu, {items: Map<string, Item>, groups: Map<string, Group>}>} */
const indexes = new WeakMap();

/** @param {Menu} menu */
function index(menu) {
  let made = indexes.get(menu);
  if (!made) {
    const items = menu.categories.flatMap((category) => category.items);
    made = {
      items: new Map(items.map((item) => [item.id, item])),
      groups: new Map(menu.options.map((group) => [group.id, group])),
    };
    indexes.set(menu, made);
  }
  return made;
}

/**
 * @param {Menu} menu
 * @param {string} id
 */
export function itemOf(menu, id) {
  return index(menu).items.get(id);
}

/**
 * The groups of an item in their order.
 * @param {Menu} menu
 * @param {Item} item
 */
export function groupsOf(menu, item) {
  return item.options.map((id) => index(menu).groups.get(id)).filter((group) => group !== undefined);
}

/**
 * What is chosen in a line, in the order of the item's groups.
 * @param {Menu} menu
 * @param {Line} line
 */
export function choicesOf(menu, line) {
  const item = itemOf(menu, line.item);
  if (!item) return [];
  return groupsOf(menu, item).flatMap((group) => {
    const choice = group.choices.find((choice) => choice.id === line.options[group.id]);
    return choice ? [{ group, choice }] : [];
  });
}

/**
 * What one of a line costs.
 * @param {Menu} menu
 * @param {{item: string, options: Record<string, string>}} line
 */
export function unitPrice(menu, line) {
  const chosen = choicesOf(menu, /** @type {Line} */ (line));
  return chosen.reduce((sum, { choice }) => sum + choice.price, itemOf(menu, line.item)?.price ?? 0);
}

/**
 * @param {Menu} menu
 * @param {Line[]} lines
 */
export function total(menu, lines) {
  return lines.reduce((sum, line) => sum + line.quantity * unitPrice(menu, line), 0);
}

/** @param {Line[]} lines */
export function count(lines) {
  return lines.reduce((sum, line) => sum + line.quantity, 0);
}

/**
 * An item can't be had: it is sold out, or every choice of one of its groups is.
 * @param {Menu} menu
 * @param {Item} item
 * @param {SoldOut} soldOut
 */
export function isSoldOut(menu, item, soldOut) {
  const none = (/** @type {Group} */ group) => group.choices.every((choice) => soldOut.has(choiceId(group, choice)));
  return soldOut.has(item.id) || groupsOf(menu, item).some(none);
}

/**
 * A choice as the counter calls it: `milk/oat`.
 * @param {Group} group
 * @param {Choice} choice
 */
export function choiceId(group, choice) {
  return `${group.id}/${choice.id}`;
}

/**
 * Characters as the counter counts them.
 * @param {string} text
 */
export function characters(text) {
  let n = 0;
  for (const _ of text) n += 1;
  return n;
}

/**
 * Whether there is room for one more of what is there, and for one more line.
 * @param {Line[]} lines
 * @param {number} [cups] how many there may be
 */
export function room(lines, cups = LIMITS.cups) {
  return { cup: count(lines) < cups, line: lines.length < LIMITS.lines && count(lines) < cups };
}

/**
 * How many cups one order from a phone may have. A counter of an older version does not say.
 * @param {Menu | null} menu
 */
export function phoneCups(menu) {
  return menu?.shop.largest_phone_order_cups ?? LIMITS.cups;
}

/**
 * With one more line: one of this item, each group at its default or the first choice that is not sold out.
 * @param {Menu} menu
 * @param {Line[]} lines
 * @param {Item} item
 * @param {SoldOut} soldOut
 */
export function add(menu, lines, item, soldOut) {
  /** @type {Record<string, string>} */
  const options = {};
  for (const group of groupsOf(menu, item)) {
    const first = group.choices.find((choice) => !soldOut.has(choiceId(group, choice))) ?? group.choices[0];
    options[group.id] = first.id;
  }
  const seen = unitPrice(menu, { item: item.id, options });
  return [...lines, { id: nextId(lines), item: item.id, quantity: 1, options, note: '', seen, title: item.name }];
}

/**
 * With one of a line on a line of its own, below it.
 * @param {Line[]} lines
 * @param {number} id
 */
export function split(lines, id) {
  return lines.flatMap((line) =>
    line.id === id && line.quantity > 1
      ? [{ ...line, quantity: line.quantity - 1 }, { ...line, id: nextId(lines), quantity: 1 }]
      : [line],
  );
}

/**
 * With this many of a line; none takes it out.
 * @param {Line[]} lines
 * @param {number} id
 * @param {number} quantity
 */
export function setQuantity(lines, id, quantity) {
  if (quantity < 1) return lines.filter((line) => line.id !== id);
  return lines.map((line) => (line.id === id ? { ...line, quantity } : line));
}

/**
 * With another choice in a line.
 * @param {Menu} menu
 * @param {Line[]} lines
 * @param {number} id
 * @param {string} group
 * @param {string} choice
 */
export function choose(menu, lines, id, group, choice) {
  return lines.map((line) => {
    if (line.id !== id) return line;
    const changed = { ...line, options: { ...line.options, [group]: choice } };
    return { ...changed, seen: unitPrice(menu, changed) };
  });
}

/**
 * @param {Line[]} lines
 * @param {number} id
 * @param {string} note
 */
export function setNote(lines, id, note) {
  return lines.map((line) => (line.id === id ? { ...line, note } : line));
}

/** @param {Line[]} lines */
function nextId(lines) {
  return Math.max(0, ...lines.map((line) => line.id)) + 1;
}

/**
 * The lines as this menu has them, and what is different: items that are gone are taken out, choices that are gone
 * become the default.
 * @param {Menu} menu
 * @param {Line[]} lines
 * @returns {{lines: Line[], changes: Change[]}}
 */
export function fit(menu, lines) {
  /** @type {Change[]} */
  const changes = [];
  const fitted = lines.flatMap((line) => {
    const item = itemOf(menu, line.item);
    if (!item) {
      changes.push({ is: 'gone', title: line.title });
      return [];
    }
    /** @type {Record<string, string>} */
    const options = {};
    for (const group of groupsOf(menu, item)) {
      const wanted = line.options[group.id];
      const known = group.choices.some((choice) => choice.id === wanted);
      if (!known && wanted !== undefined) changes.push({ is: 'choice_gone', title: item.name, choice: wanted });
      options[group.id] = known ? wanted : group.choices[0].id;
    }
    const seen = unitPrice(menu, { item: item.id, options });
    if (seen !== line.seen) changes.push({ is: 'price', title: item.name, from: line.seen, to: seen });
    return [{ ...line, options, seen, title: item.name }];
  });
  const same = JSON.stringify(fitted) === JSON.stringify(lines);
  return { lines: same ? lines : fitted, changes };
}

/**
 * What keeps these lines from being ordered.
 * @param {Menu} menu
 * @param {Line[]} lines
 * @param {SoldOut} soldOut
 * @returns {Obstacle[]}
 */
export function obstacles(menu, lines, soldOut) {
  return lines.flatMap((line) => {
    const item = itemOf(menu, line.item);
    if (!item || isSoldOut(menu, item, soldOut)) return [{ is: /** @type {const} */ ('item'), line }];
    /** @type {Obstacle[]} */
    const found = choicesOf(menu, line)
      .filter(({ group, choice }) => soldOut.has(choiceId(group, choice)))
      .map(({ group, choice }) => ({ is: 'choice', line, group, choice }));
    const has = characters(printable(line.note));
    return has > LIMITS.note ? [...found, { is: 'note', line, has }] : found;
  });
}

/**
 * The order as `POST /orders` takes it.
 * @param {Menu} menu
 * @param {Line[]} lines
 */
export function request(menu, lines) {
  const items = lines.map((line) => ({
    item: line.item,
    quantity: line.quantity,
    options: choicesOf(menu, line).map(({ group, choice }) => choiceId(group, choice)),
    note: printable(line.note) || undefined,
  }));
  return { items, total: total(menu, lines) };
}

/**
 * A text that somebody typed as the counter, screens and printers take it: what turns the direction of the text beside it is
 * left out, and control characters, which come along when something is pasted, become spaces. For notes, names, ticket
 * numbers and reasons.
 * @param {string} text
 */
export function printable(text) {
  return text.replace(/\p{Bidi_C}/gu, '').replace(/\r\n?/g, '\n').replace(/[^\P{Cc}\n]/gu, ' ').trim();
}

/**
 * A cart as it was kept, or an empty one where what was kept can't be one.
 * @param {string | null} text
 * @returns {Cart}
 */
export function parse(text) {
  let kept;
  try {
    kept = JSON.parse(text ?? 'null');
  } catch {
    return EMPTY;
  }
  if (typeof kept?.key !== 'string' || !Array.isArray(kept.lines)) return EMPTY;
  /** @type {Line[]} */
  const lines = kept.lines.filter(isLine).slice(0, LIMITS.lines);
  // Lines that were dropped are another order.
  if (lines.length !== kept.lines.length || new Set(lines.map((line) => line.id)).size !== lines.length) return EMPTY;
  return isSent(kept.sent) ? { key: kept.key, lines, sent: kept.sent } : { key: kept.key, lines };
}

/**
 * @param {any} line
 * @returns {line is Line}
 */
function isLine(line) {
  return (
    Number.isSafeInteger(line?.id) &&
    typeof line.item === 'string' &&
    Number.isInteger(line.quantity) &&
    line.quantity >= 1 &&
    line.quantity <= LIMITS.cups &&
    typeof line.note === 'string' &&
    Number.isSafeInteger(line.seen) &&
    typeof line.title?.en === 'string' &&
    typeof line.title.ko === 'string' &&
    typeof line.options === 'object' &&
    line.options !== null &&
    Object.values(line.options).every((choice) => typeof choice === 'string')
  );
}

/**
 * @param {any} sent
 * @returns {sent is Sent}
 */
function isSent(sent) {
  return (
    typeof sent?.body === 'string' &&
    Number.isFinite(sent.since) &&
    typeof sent.by === 'string' &&
    typeof sent.doubt === 'boolean' &&
    typeof sent.given_up === 'boolean'
  );
}

/**
 * What the counter's answer to an order means.
 *
 * - `unknown`: nobody knows whether it was written.
 * - `later`: it was not, and it is worth asking again by itself.
 * - `not_written`: it was not.
 * - `too_many`: it was not, for too many orders came from here.
 * - `changed`: it isn't on offer as it was: look at the menu again.
 * - `too_large`: it has more `cups` than a phone may order at once.
 * - `shut`: no orders are taken.
 * - `used`: its key stands for another order, which arrived.
 * - `refused`: it is wrong in a way that this page should have known.
 *
 * @typedef {{is: 'accepted', id: string}
 *   | {is: 'unknown' | 'later' | 'too_many', after_s: number}
 *   | {is: 'not_written'}
 *   | {is: 'too_large', cups: number}
 *   | {is: 'changed', sold_out: string[]}
 *   | {is: 'shut', ordering: 'paused' | 'closed' | 'till', reason?: string, reopens_at?: number, opens_at?: number}
 *   | {is: 'used', id: string}
 *   | {is: 'refused', detail: string}} Verdict
 */

/**
 * @param {number} status
 * @param {any} json its body, `null` if there is none that can be read
 * @param {number} after_s its `Retry-After`, `NaN` without one
 * @returns {Verdict}
 */
export function verdict(status, json, after_s) {
  const after = Number.isFinite(after_s) ? Math.min(Math.max(after_s, 1), 3_600) : 1;
  if (status === 201 && typeof json?.order_id === 'string') return { is: 'accepted', id: json.order_id };
  if (status === 429) return { is: 'too_many', after_s: Number.isFinite(after_s) ? after : 10 };
  switch (json?.code) {
    case 'price_changed':
    case 'unknown_item':
    case 'unknown_option':
      return { is: 'changed', sold_out: [] };
    case 'sold_out':
      return { is: 'changed', sold_out: Array.isArray(json.sold_out) ? json.sold_out.map(String) : [] };
    case 'ordering_paused':
      return { is: 'shut', ordering: 'paused', reason: json.reason, reopens_at: json.reopens_at };
    case 'shop_closed':
      return { is: 'shut', ordering: 'closed', reason: json.reason, opens_at: json.opens_at };
    case 'order_at_till':
      return { is: 'shut', ordering: 'till', reason: json.reason };
    case 'order_too_large':
      if (Number.isInteger(json.max_cups)) return { is: 'too_large', cups: json.max_cups };
      return { is: 'refused', detail: String(json.detail ?? '') };
    case 'idempotency_key_reused':
      return { is: 'used', id: String(json.order_id ?? '') };
    case 'starting':
    case 'busy':
      return { is: 'later', after_s: after };
    case 'not_written':
    case 'queue_full':
      return { is: 'not_written' };
    default:
      // Without a code of the counter's it comes from something before it, which may have passed the order on.
      if (status >= 400 && status < 500 && json?.code) return { is: 'refused', detail: String(json.detail ?? '') };
      return { is: 'unknown', after_s: after };
  }
}

/** How long an answer may take; the counter gives up on the log after five seconds. */
export const ANSWER_MS = 10_000;
/** For how long an order is sent again by itself: whoever has left the shop by then doesn't want it any more. */
const SENDING_MS = 5 * 60_000;
/** How long the key of an order that may have arrived is used. */
const KEY_KEPT_MS = 12 * 3_600_000;
/** How long another tab has to send it before this one does: by then it has its answer, or is gone. */
const ELSEWHERE_MS = ANSWER_MS;
/** How long to wait before what failed is tried again, in turn. */
const BACK_OFF_MS = [1_000, 2_000, 4_000, 8_000, 15_000];

/**
 * How long to wait after so many failures, spread so that phones do not come together.
 * @param {number} failures
 * @param {number} random
 */
export function backOff(failures, random) {
  return BACK_OFF_MS[Math.min(failures, BACK_OFF_MS.length - 1)] * (0.8 + random * 0.4);
}

/**
 * The customer wants it sent, for the first time or again.
 * @param {Cart} cart
 * @param {string} body the order, unless it was sent before: then that goes again
 * @param {Here} here
 * @param {number} cups how many an order may have here
 * @param {boolean} offline as the phone says. A hint only: what says so wrongly is asked all the same, a little later
 * @returns {Step}
 */
export function order(cart, body, here, cups, offline) {
  const { sent, lines } = cart;
  if (sent && isLate(sent, here)) return giveUp(cart, here);
  // What was sent goes again as it was: the counter may have it.
  if (!sent && (lines.length > LIMITS.lines || count(lines) > cups)) return { cart, sending: failed('lines') };
  const { now: since, by } = here;
  const asked = { body: sent?.body ?? body, since, by, doubt: sent?.doubt ?? false, given_up: false };
  const wanted = { ...cart, sent: asked };
  return offline ? wait(wanted, 'unreached', 0, backOff(0, here.random), here) : attempt(wanted, 0, here);
}

/**
 * It is time to send it. From here on it may have arrived, whatever becomes of this page.
 * @param {Cart} cart
 * @param {number} failures so far
 * @param {Here} here
 * @returns {Step}
 */
export function attempt(cart, failures, here) {
  const { sent } = cart;
  if (!sent) return { cart, sending: { is: 'no' } };
  // Whatever woke it, and however long a sleeping phone kept its timer waiting.
  if (isPast(sent, here, 0)) return giveUp(cart, here);
  const sending = /** @type {const} */ ({ is: 'sending', doubted: sent.doubt, failures });
  return { cart: { ...cart, sent: { ...sent, by: here.by, doubt: true } }, sending };
}

/**
 * An answer came to what was sent, or none.
 * @param {Cart} cart as it was sent
 * @param {{doubted: boolean, failures: number}} sending
 * @param {Exclude<Verdict, {is: 'accepted'}>} verdict
 * @param {Here} here
 * @returns {Step}
 */
export function answered(cart, { doubted, failures }, verdict, here) {
  const { key, lines } = cart;
  if (!cart.sent) return { cart, sending: { is: 'no' } };
  // Not written this time. Whether it was before is another question, unless the counter has looked at the order
  // itself: it looks for its key first.
  const sent = { ...cart.sent, doubt: doubted };
  const kept = { key, lines, sent };
  const never = { key, lines };
  switch (verdict.is) {
    case 'unknown': {
      const ms = Math.max(backOff(failures, here.random), verdict.after_s * 1_000);
      return wait({ key, lines, sent: { ...sent, doubt: true } }, 'unreached', failures + 1, ms, here);
    }
    case 'later':
      return wait(kept, 'starting', failures + 1, Math.max(backOff(failures, here.random), verdict.after_s * 1_000), here);
    case 'not_written':
      return giveUp(kept, here);
    case 'too_many':
      if (doubted) return wait(kept, 'starting', failures, verdict.after_s * 1_000, here);
      return { cart: never, sending: failed('too_many', here.elapsed + verdict.after_s * 1_000) };
    case 'changed':
      // Other prices are another body, and that needs another key.
      return { cart: { key: here.key, lines }, sending: { is: 'no' } };
    case 'too_large':
      return { cart: never, sending: failed('lines') };
    case 'shut':
      return { cart: never, sending: { is: 'no' } };
    case 'used':
      return { cart: { key, lines, sent: { ...sent, given_up: true } }, sending: { is: 'used', id: verdict.id } };
    case 'refused':
      return { cart: never, sending: failed('refused', 0, verdict.detail) };
  }
}

/**
 * No longer by itself.
 * @param {Cart} cart
 * @param {Here} here
 * @returns {Step}
 */
export function giveUp({ key, lines, sent }, here) {
  if (!sent?.doubt) return { cart: { key, lines }, sending: failed('not_written') };
  return { cart: { key, lines, sent: { ...sent, given_up: true } }, sending: unsure(sent, here) };
}

/**
 * A cart as another tab, or this page before it was loaded again, left it.
 * @param {Cart} cart
 * @param {Here} here
 * @returns {Step}
 */
export function takeOver(cart, here) {
  const { sent } = cart;
  if (!sent) return { cart, sending: { is: 'no' } };
  if (sent.given_up) return { cart, sending: unsure(sent, here) };
  return sent.by === here.by ? wait(cart, 'unreached', 0, 0, here) : wait(cart, 'elsewhere', 0, ELSEWHERE_MS, here);
}

/**
 * Not sent, and not by itself.
 * @param {'not_written' | 'too_many' | 'refused' | 'lines'} why
 * @param {number} [until]
 * @param {string} [detail]
 * @returns {Sending}
 */
export function failed(why, until = 0, detail = '') {
  return { is: 'failed', why, until, detail };
}

/**
 * Tries again by itself, for a while.
 * @param {Cart} cart
 * @param {'unreached' | 'starting' | 'elsewhere'} why
 * @param {number} failures
 * @param {number} ms
 * @param {Here} here
 * @returns {Step}
 */
function wait(cart, why, failures, ms, here) {
  if (!cart.sent || isPast(cart.sent, here, ms)) return giveUp(cart, here);
  return { cart, sending: { is: 'waiting', why, failures }, due_ms: ms };
}

/**
 * @param {Sent} sent
 * @param {Here} here
 * @returns {Sending}
 */
function unsure(sent, here) {
  return { is: 'unsure', late: isLate(sent, here), sure: false };
}

/**
 * It was tapped too long ago to be sent by itself so much later, or nobody knows how long ago.
 * @param {Sent} sent
 * @param {Here} here
 * @param {number} ms
 */
function isPast({ since }, { now }, ms) {
  return now + ms - since > SENDING_MS || now < since;
}

/**
 * The line may have forgotten it, and would take it for another one.
 * @param {Sent} sent
 * @param {Here} here
 */
function isLate({ since }, { now }) {
  return Math.abs(now - since) > KEY_KEPT_MS;
}
