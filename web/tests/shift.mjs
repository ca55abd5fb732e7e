/**
 * A shift at a café, on a real line and in real time: orders from phones and from the till, each begun, called and handed
 * over when its time has come. At its end the bar has something in every state.
 */

import { setTimeout as wait } from 'node:timers/promises';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
/** How often a bar says that it is there. */
const BAR_MS = 30_000;

/** The same numbers each time. @param {number} seed */
function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What is ordered, the usual first. @type {any[]} */
const DRINKS = [
  [{ item: 'latte', quantity: 1 }],
  [{ item: 'americano', quantity: 1, options: ['temp/iced'] }],
  [{ item: 'americano', quantity: 2 }],
  [{ item: 'flat-white', quantity: 1, options: ['milk/oat'] }],
  [{ item: 'vanilla-latte', quantity: 1 }, { item: 'americano', quantity: 1 }],
  [{ item: 'latte', quantity: 2, options: ['temp/iced', 'milk/oat'] }],
  [{ item: 'cappuccino', quantity: 1 }],
  [{ item: 'cold-brew', quantity: 1 }],
];

/** Those that are on the bar at the end, minutes and seconds before it. @param {'en' | 'ko'} language @returns {[number, any, string[]][]} */
function last(language) {
  const says = (/** @type {string} */ en, /** @type {string} */ ko) => (language === 'ko' ? ko : en);
  return [
    [9.8, { items: [{ item: 'latte', quantity: 1, options: ['milk/oat'] }] }, ['remade']],
    [8.5, { items: [{ item: 'flat-white', quantity: 1 }, { item: 'vanilla-latte', quantity: 1, options: ['milk/oat'] }] }, ['started', 'ticked']],
    [7, { items: [{ item: 'latte', quantity: 2, options: ['size/large'], note: says('Allergy: tree nuts', '견과류 알레르기') }], name: says('Dana', '다나') }, ['started']],
    [6.2, { items: [{ item: 'cappuccino', quantity: 1 }] }, ['called', 'listening']],
    [5.6, { amount: 2, ref: 'A-17' }, ['called']],
    [5.1, { items: [{ item: 'cold-brew', quantity: 1 }] }, ['called', 'listening', 'coming']],
    [4.8, { items: [{ item: 'americano', quantity: 1 }] }, ['started']],
    [3.2, { amount: 3, ref: 'A-18' }, []],
    [2.6, { items: [{ item: 'latte', quantity: 1, options: ['temp/iced'] }] }, []],
    [1.3, { items: [{ item: 'vanilla-latte', quantity: 1, note: says('Not too hot, please', '너무 뜨겁지 않게 해 주세요') }, { item: 'americano', quantity: 2, options: ['temp/iced'] }] }, []],
    [0.7, { items: [{ item: 'latte', quantity: 1 }] }, []],
    [0.1, { items: [{ item: 'cappuccino', quantity: 1 }] }, []],
  ];
}

/**
 * Lets a shift happen, so many minutes long; a few more than ten, so that the last orders are the bar's that long.
 * @param {import('./line.mjs').Line} line
 * @param {{minutes: number, language: 'en' | 'ko'}} how
 */
export async function shift(line, { minutes, language }) {
  const from = Date.now();
  const to = from + minutes * MINUTE_MS;
  const draw = random(27);
  const says = (/** @type {string} */ en, /** @type {string} */ ko) => (language === 'ko' ? ko : en);
  /** @type {{at: number, act: () => Promise<unknown>}[]} */
  const events = [];
  const at = (/** @type {number} */ when, /** @type {() => Promise<unknown>} */ act) => events.push({ at: when, act });
  const staff = (/** @type {number} */ when, /** @type {string} */ id, /** @type {string} */ command, more = {}) => at(when, () => line.command(id, command, more));
  const holder = (/** @type {number} */ when, /** @type {string} */ id, /** @type {string} */ command, more = {}) => staff(when, id, command, { staff: false, ...more });
  /** @param {number} when @param {any} body @param {(id: string) => void} then */
  const order = (when, body, then) =>
    at(when, async () => {
      const { order_id: id } = await line.place(body, { staff: body.ref !== undefined });
      await line.shown(id, ({ version }) => version > 0);
      then(id);
    });

  // Phones order where a bar says that it is there.
  for (let when = from; when < to; when += BAR_MS) at(when, () => line.ask('PUT', '/shop/bars/bar', { staff: true, body: {} }));
  let n = 0;
  for (let when = from; when < to - 4 * MINUTE_MS; when += (4 + 12 * draw()) * SECOND_MS) {
    n += 1;
    const [ordered, isTill, luck] = [when, draw() < 0.3, draw()];
    const body = isTill ? { amount: 1 + Math.floor(draw() * 3), ref: `A-${n}` } : { items: DRINKS[Math.floor(draw() * draw() * DRINKS.length)] };
    const begun = ordered + (15 + 25 * draw()) * SECOND_MS;
    const ready = begun + (50 + 60 * draw()) * SECOND_MS;
    const fetched = ready + (12 + 45 * draw()) * SECOND_MS;
    order(ordered, body, (id) => {
      if (luck > 0.95) return void staff(begun, id, 'cancel', { reason: says('The customer asked', '손님이 요청했어요') });
      if (!isTill) holder(ordered + 4 * SECOND_MS, id, 'presence', { presence: 'listening' });
      staff(begun, id, 'start');
      staff(ready, id, 'ready');
      if (!isTill) holder(ready + (0.3 + luck) * SECOND_MS, id, 'rang');
      staff(fetched, id, 'collect');
    });
  }
  for (const [ago, body, what] of last(language)) {
    const ordered = to - ago * MINUTE_MS;
    const ready = to - ago * 14 * SECOND_MS;
    order(ordered, body, (id) => {
      if (what.includes('listening')) holder(ordered + 5 * SECOND_MS, id, 'presence', { presence: 'listening' });
      if (what.length > 0) staff(ordered + 40 * SECOND_MS, id, 'start');
      if (what.includes('ticked')) staff(to - 50 * SECOND_MS, id, 'tick', { line: 0 });
      if (what.includes('remade')) {
        staff(to - 3 * MINUTE_MS, id, 'ready');
        staff(to - 2.5 * MINUTE_MS, id, 'recall', { reason: says('Wrong milk', '우유가 달라요') });
      }
      if (what.includes('called')) staff(ready, id, 'ready');
      if (what.includes('called') && what.includes('listening')) holder(ready + 400, id, 'rang');
      if (what.includes('coming')) holder(ready + 9 * SECOND_MS, id, 'acknowledge');
    });
  }
  while (events.length > 0) {
    events.sort((one, other) => one.at - other.at);
    const [next] = events.splice(0, 1);
    if (!next) break;
    await wait(Math.max(0, next.at - Date.now()));
    await next.act();
  }
  await wait(Math.max(0, to - Date.now()));
}
