/** The till by itself: an order that is made once, whatever is answered, and what is found of those that were made. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { OLD_MS } from '../../lib/taps.js';
import { find, SHOWN } from '../../lib/till-find.js';
import { FORGOTTEN_MS, SALES_MAX, Sales } from '../../lib/till-sale.js';

const TWO = { cups: 2, ref: 'A-1', is_bell: true };

/** A till whose answers, clock, timers and room to keep things are the test's. @param {Map<string, string>} [kept] */
function till(kept = new Map()) {
  /** @type {{sale: import('../../lib/till-sale.js').Sale, answer: (verdict: import('../../lib/till-sale.js').Verdict) => Promise<void>}[]} */
  const sent = [];
  /** @type {(() => void)[]} */
  const timers = [];
  const clock = { now: 1_000_000 };
  const device = { isFull: false };
  const asks = { toSignIn: 0 };
  let keys = 0;
  const sales = new Sales({
    storage: {
      getItem: (name) => kept.get(name) ?? null,
      setItem(name, text) {
        if (device.isFull) throw new DOMException('full', 'QuotaExceededError');
        kept.set(name, text);
      },
      removeItem: (name) => void kept.delete(name),
      key: (n) => [...kept.keys()][n] ?? null,
      get length() {
        return kept.size;
      },
    },
    send: (sale) =>
      new Promise((done) => {
        sent.push({ sale, answer: async (verdict) => (done(verdict), void (await new Promise(setImmediate))) });
      }),
    now: () => clock.now,
    key: () => `key-${kept.size}-${(keys += 1)}`,
    later: (act) => void timers.push(act),
    changed: () => {},
    needsSignIn: () => void (asks.toSignIn += 1),
  });
  return { sales, sent, timers, clock, device, asks, kept };
}

test('a second tap makes no second order, and each try is the same', async () => {
  const { sales, sent, timers, kept } = till();
  assert.ok(sales.begin({ amount: 2 }, TWO));
  assert.ok(!sales.begin({ amount: 2 }, TWO));
  await sent[0]?.answer({ is: 'unknown', after_s: 0 });
  assert.deepEqual([sales.going.is, sent.length, kept.size], ['waiting', 1, 1]);
  timers[0]?.();
  assert.deepEqual([sent[1]?.sale.key, sent[1]?.sale.body], [sent[0]?.sale.key, sent[0]?.sale.body]);
  await sent[1]?.answer({ is: 'accepted', id: 'o' });
  assert.deepEqual([sales.going.is, kept.size], ['made', 0]);
  sales.done();
  assert.ok(sales.begin({ amount: 2 }, TWO));
  assert.notEqual(sent[2]?.sale.key, sent[0]?.sale.key, 'the next one is another');
});

test('a page that is loaded again goes on with what it had sent', async () => {
  const { sales, sent, kept } = till();
  sales.begin({ amount: 2 }, TWO);
  const again = till(kept);
  assert.equal(again.sent[0]?.sale.key, sent[0]?.sale.key);
  assert.deepEqual(again.sent[0]?.sale.what, TWO);
  for (const nonsense of ['{', '{"key":1}', 'null', '[]']) {
    assert.equal(till(new Map([['brewline.till.sale.a', nonsense]])).sales.all.length, 0);
  }
});

test('what was tapped long ago is made only if somebody says so', async () => {
  const { sales, kept } = till();
  sales.begin({ amount: 2 }, TWO);
  const sale = JSON.parse([...kept.values()][0] ?? '');
  const old = till(new Map([[`brewline.till.sale.${sale.key}`, JSON.stringify({ ...sale, at: sale.at - OLD_MS - 1 })]]));
  assert.deepEqual([old.sales.going.is, old.sent.length], ['asks', 0]);
  old.sales.retry();
  assert.equal(old.sent.length, 0, 'a network that is back is nobody');
  old.sales.retry(true);
  assert.equal(old.sent.length, 1);
  const waiting = till();
  waiting.sales.begin({ amount: 2 }, TWO);
  await waiting.sent[0]?.answer({ is: 'unknown', after_s: 0 });
  waiting.clock.now += OLD_MS + 1;
  waiting.timers[0]?.();
  assert.equal(waiting.sales.going.is, 'asks');
});

test('each answer means what it means for one that may have arrived before', async () => {
  /** @type {[import('../../lib/till-sale.js').Verdict, string, string, number][]} */
  const answers = [
    [{ is: 'used', id: 'o' }, 'made', '', 0],
    [{ is: 'later', after_s: 2 }, 'waiting', 'busy', 1],
    [{ is: 'too_many', after_s: 9 }, 'waiting', 'busy', 1],
    [{ is: 'signed_out' }, 'waiting', 'signed_out', 1],
    [{ is: 'not_written' }, 'failed', 'not_written', 0],
    [{ is: 'changed', sold_out: ['latte'] }, 'failed', 'changed', 0],
    [{ is: 'refused', detail: 'why' }, 'failed', 'refused', 0],
    [{ is: 'shut', ordering: 'closed' }, 'failed', 'refused', 0],
  ];
  for (const [verdict, is, why, kept] of answers) {
    const one = till();
    one.sales.begin({ amount: 2 }, TWO);
    await one.sent[0]?.answer(verdict);
    const going = /** @type {any} */ (one.sales.going);
    assert.deepEqual([going.is, going.why ?? '', one.kept.size], [is, why, kept], JSON.stringify(verdict));
  }
  const doubtful = till();
  doubtful.sales.begin({ amount: 2 }, TWO);
  await doubtful.sent[0]?.answer({ is: 'unknown', after_s: 0 });
  doubtful.timers[0]?.();
  await doubtful.sent[1]?.answer({ is: 'not_written' });
  assert.equal(doubtful.kept.size, 1, 'the first try may be there: it is asked for by the same key');
});

test('whoever signs in sends what waited, and what was given up is not sent any more', async () => {
  const { sales, sent, timers } = till();
  sales.begin({ amount: 2 }, TWO);
  await sent[0]?.answer({ is: 'signed_out' });
  sales.retry();
  assert.equal(sent.length, 2);
  await sent[1]?.answer({ is: 'unknown', after_s: 0 });
  sales.done();
  timers.forEach((act) => act());
  assert.deepEqual([sales.going.is, sent.length], ['none', 2]);
  const late = till();
  late.sales.begin({ amount: 2 }, TWO);
  late.sales.done();
  await late.sent[0]?.answer({ is: 'accepted', id: 'o' });
  assert.equal(late.sales.going.is, 'none', 'an answer that comes late changes nothing');
});

test('what was told not to be made is not sent by a page that is loaded again, unless somebody says so', async () => {
  const one = till();
  tap(one, 'A');
  await one.sent[0]?.answer({ is: 'changed', sold_out: ['latte'] });
  tap(one, 'B');
  await one.sent[1]?.answer({ is: 'not_written' });
  const again = till(one.kept);
  assert.deepEqual(again.sales.all.map((begun) => [begun.is, 'why' in begun && begun.why]), [['failed', 'changed'], ['failed', 'not_written']]);
  again.sales.retry();
  again.sales.retryOld();
  assert.equal(again.sent.length, 0);
  again.sales.open(again.sales.all[1]?.sale.key ?? '');
  again.sales.retry(true);
  assert.deepEqual(again.sent.map(({ sale }) => sale.what.ref), ['B']);
});

test('what one tab has given up is not sent by another one', async () => {
  const one = till();
  for (const ref of ['A', 'B']) tap(one, ref);
  await one.sent[0]?.answer({ is: 'unknown', after_s: 0 });
  const other = till(one.kept);
  assert.equal(other.sent.length, 1);
  await other.sent[0]?.answer({ is: 'unknown', after_s: 0 });
  one.sales.open(one.sales.all[0]?.sale.key ?? '');
  one.sales.done();
  other.sales.retry();
  assert.deepEqual(other.sent.map(({ sale }) => sale.what.ref), ['A', 'B']);
  // One that is on its way meanwhile is not kept again either.
  one.sales.open(one.sales.all[0]?.sale.key ?? '');
  one.sales.done();
  await other.sent[1]?.answer({ is: 'accepted', id: 'o' });
  assert.deepEqual([other.sales.all.length, one.kept.size], [0, 0]);
});

test('one that waits looks the same while it is tried again', async () => {
  const { sales, sent, timers } = till();
  sales.begin({ amount: 2 }, TWO);
  await sent[0]?.answer({ is: 'later', after_s: 0 });
  const [{ sale }] = /** @type {any} */ (sales.all);
  assert.deepEqual([sales.going.is, sales.mayBeMade(sale)], ['waiting', false]);
  timers[0]?.();
  const going = /** @type {any} */ (sales.going);
  assert.deepEqual([going.is, going.why, going.tried, sales.mayBeMade(sale)], ['waiting', 'busy', true, true]);
  await sent[1]?.answer({ is: 'later', after_s: 0 });
  assert.equal(/** @type {any} */ (sales.going).tried ?? false, false);
});

/** @param {ReturnType<typeof till>} one @param {string} ref */
function tap({ sales, clock }, ref) {
  clock.now += 1_000;
  const isTaken = sales.begin({ amount: 1, ref }, { cups: 1, ref, is_bell: true });
  sales.leave();
  return isTaken;
}

test('what is made while nobody can be reached is kept one after the other, and sent once each, in its order', async () => {
  const off = till();
  for (const ref of ['A', 'B', 'C']) assert.ok(tap(off, ref));
  await off.sent[0]?.answer({ is: 'unknown', after_s: 0 });
  assert.deepEqual(off.sales.kept.map(({ is, sale }) => [is, sale.what.ref]), [['waiting', 'A'], ['waiting', 'B'], ['waiting', 'C']]);
  // The page is loaded again: nothing is lost, and each is the same as before.
  const on = till(off.kept);
  assert.equal(on.sales.going.is, 'none', 'nobody can say which one somebody waits for');
  for (let n = 0; n < 3; n += 1) {
    assert.equal(on.sent.length, n + 1, 'the next one is not sent before the one before is made');
    await on.sent[n]?.answer({ is: 'accepted', id: `o-${n}` });
  }
  assert.deepEqual(on.sent.map(({ sale }) => [sale.key, sale.body]), off.sales.kept.map(({ sale }) => [sale.key, sale.body]));
  assert.equal(new Set(on.sent.map(({ sale }) => sale.key)).size, 3);
  assert.deepEqual(on.sales.kept.map(({ is }) => is), ['made', 'made', 'made'], 'they stay until somebody has seen their codes');
  const later = till(on.kept);
  assert.deepEqual([later.sales.kept.length, later.sent.length], [3, 0], 'also in a page that is loaded again');
  const [first] = later.sales.kept;
  later.sales.seen(first?.sale.key);
  assert.deepEqual([later.sales.kept.length, later.kept.size], [2, 2]);
  later.sales.clear('made');
  assert.deepEqual([later.sales.kept.length, later.kept.size], [0, 0]);
});

test('one that is not taken holds up none behind it, and one that is given up is not sent', async () => {
  const one = till();
  for (const ref of ['A', 'B', 'C']) tap(one, ref);
  const [, second] = one.sales.kept;
  one.sales.open(second?.sale.key ?? '');
  one.sales.done();
  await one.sent[0]?.answer({ is: 'refused', detail: 'why' });
  await one.sent[1]?.answer({ is: 'accepted', id: 'o' });
  assert.deepEqual(one.sent.map(({ sale }) => sale.what.ref), ['A', 'C']);
  assert.deepEqual(one.sales.kept.map(({ is }) => is), ['failed', 'made'], 'and what became of each is there to be read');
});

test('as many are kept as there is room for, and those that are old ask all at once', async () => {
  const one = till();
  for (let n = 0; n < SALES_MAX; n += 1) assert.ok(tap(one, `A-${n}`));
  assert.ok(!tap(one, 'one more') && one.sales.isFull);
  await one.sent[0]?.answer({ is: 'unknown', after_s: 0 });
  one.clock.now += OLD_MS + 60_000;
  one.timers.at(-1)?.();
  assert.ok(one.sales.kept.every(({ is }) => is === 'asks'));
  one.sales.retryOld();
  for (let n = 1; n <= SALES_MAX; n += 1) await one.sent[n]?.answer({ is: 'accepted', id: `o-${n}` });
  assert.ok(one.sales.kept.every(({ is }) => is === 'made') && !one.sales.isFull);
  assert.equal(one.sent.length, SALES_MAX + 1);
});

test('what may have been made more than a day ago is sent only by somebody who was told so', async () => {
  const one = till();
  for (const ref of ['A', 'B', 'C']) tap(one, ref);
  await one.sent[0]?.answer({ is: 'unknown', after_s: 0 });
  one.clock.now += FORGOTTEN_MS + 60_000;
  one.timers.at(-1)?.();
  const ages = () => one.sales.all.map((begun) => [begun.is, 'age' in begun && begun.age]);
  assert.deepEqual(ages(), [['asks', 'forgotten'], ['asks', 'old'], ['asks', 'old']], 'B and C never left this device');
  one.sales.retryOld();
  await one.sent[1]?.answer({ is: 'accepted', id: 'b' });
  await one.sent[2]?.answer({ is: 'accepted', id: 'c' });
  assert.deepEqual(one.sent.map(({ sale }) => sale.what.ref), ['A', 'B', 'C']);
  one.sales.open(one.sales.all[0]?.sale.key ?? '');
  one.sales.retry(true);
  assert.deepEqual([one.sent[3]?.sale.what.ref, one.sent[3]?.sale.key], ['A', one.sent[0]?.sale.key]);
});

test('one that becomes a day old while its page is open asks once more before it is sent', async () => {
  const one = till();
  one.sales.begin({ amount: 2 }, TWO);
  await one.sent[0]?.answer({ is: 'unknown', after_s: 0 });
  one.clock.now += OLD_MS + 1;
  one.timers.at(-1)?.();
  assert.deepEqual(one.sales.going, { ...one.sales.going, is: 'asks', age: 'old' });
  one.clock.now += FORGOTTEN_MS;
  one.sales.retry(true);
  assert.deepEqual([one.sent.length, /** @type {any} */ (one.sales.going).age], [1, 'forgotten'], 'that was not what it asked before');
  one.sales.retry(true);
  assert.equal(one.sent.length, 2);
  await one.sent[1]?.answer({ is: 'unknown', after_s: 0 });
  one.timers.at(-1)?.();
  assert.equal(one.sent.length, 3, 'what somebody has said holds');
  const failed = till();
  failed.sales.begin({ amount: 2 }, TWO);
  await failed.sent[0]?.answer({ is: 'unknown', after_s: 0 });
  failed.timers.at(-1)?.();
  await failed.sent[1]?.answer({ is: 'not_written' });
  failed.clock.now += FORGOTTEN_MS + 1;
  failed.sales.retry(true);
  assert.deepEqual([failed.sales.going.is, failed.sent.length], ['asks', 2], 'also where it was told not to be written');
});

test('a device that keeps nothing says so, until there is room or nothing is left to lose', async () => {
  const one = till();
  one.device.isFull = true;
  assert.ok(!one.sales.isFleeting, 'as long as there is nothing to keep');
  one.sales.begin({ amount: 2 }, TWO);
  assert.deepEqual([one.sales.isFleeting, one.kept.size], [true, 0]);
  await one.sent[0]?.answer({ is: 'unknown', after_s: 0 });
  assert.ok(one.sales.isFleeting);
  one.device.isFull = false;
  one.timers[0]?.();
  await one.sent[1]?.answer({ is: 'unknown', after_s: 0 });
  assert.deepEqual([one.sales.isFleeting, one.kept.size], [false, 1]);
  one.timers[1]?.();
  await one.sent[2]?.answer({ is: 'accepted', id: 'o' });
  one.sales.done();
  one.device.isFull = true;
  tap(one, 'A');
  assert.ok(one.sales.isFleeting);
  await one.sent[3]?.answer({ is: 'accepted', id: 'a' });
  assert.deepEqual([one.sales.isFleeting, one.sales.kept.length], [false, 1], 'what is made is nothing to lose, and is still there');
  // What could not be written down of one that was not made is not what stood there before: that it has to be sent.
  const late = till();
  tap(late, 'B');
  late.device.isFull = true;
  await late.sent[0]?.answer({ is: 'refused', detail: 'why' });
  late.sales.retry();
  assert.deepEqual([late.sales.kept.map(({ is }) => is), late.kept.size], [['failed'], 0]);
});

test('what was not made takes no room from what has to be sent, and is cleared at once', async () => {
  const one = till();
  for (let n = 0; n < SALES_MAX; n += 1) tap(one, `A-${n}`);
  for (let n = 0; n < SALES_MAX - 1; n += 1) await one.sent[n]?.answer({ is: 'refused', detail: 'why' });
  await one.sent[SALES_MAX - 1]?.answer({ is: 'accepted', id: 'o' });
  assert.ok(!one.sales.isFull);
  assert.ok(tap(one, 'B') && tap(one, 'C'));
  for (const n of [0, 1]) await one.sent[SALES_MAX + n]?.answer({ is: 'refused', detail: 'why' });
  const failed = one.sales.kept.filter(({ is }) => is === 'failed').map(({ sale }) => sale.what.ref);
  assert.deepEqual([failed.length, failed[0], failed.at(-1)], [SALES_MAX, 'A-1', 'C'], 'the oldest one has made room');
  tap(one, 'D');
  one.sales.clear('failed');
  assert.deepEqual(one.sales.kept.map(({ is, sale }) => [is, sale.what.ref]), [['made', `A-${SALES_MAX - 1}`], ['sending', 'D']]);
  assert.equal(one.kept.size, 2);
});

test('somebody is asked to sign in where a tap led there, and by no timer', async () => {
  const one = till();
  one.sales.begin({ amount: 2 }, TWO);
  await one.sent[0]?.answer({ is: 'signed_out' });
  assert.equal(one.asks.toSignIn, 1);
  one.sales.retry();
  await one.sent[1]?.answer({ is: 'signed_out' });
  assert.equal(one.asks.toSignIn, 1, 'the network that is back is nobody');
  one.sales.retry(true);
  await one.sent[2]?.answer({ is: 'signed_out' });
  assert.equal(one.asks.toSignIn, 2);
  const left = till();
  tap(left, 'A');
  await left.sent[0]?.answer({ is: 'signed_out' });
  assert.equal(left.asks.toSignIn, 0, 'whoever went on to the next one is not asked over that');
  const later = till();
  later.sales.begin({ amount: 2 }, TWO);
  await later.sent[0]?.answer({ is: 'unknown', after_s: 0 });
  later.timers[0]?.();
  await later.sent[1]?.answer({ is: 'signed_out' });
  assert.equal(later.asks.toSignIn, 0, 'nor after a wait');
});

/** @param {number} n @param {Record<string, unknown>} [more] @returns {any} */
const order = (n, more) => ({
  order_id: `o-${n}`, version: 1, received_at: n, channel: 'till', state: 'received', amount: 1,
  code: { number: n, label: String(n), words: { en: 'mango', ko: '망고' }, symbol: 'mango' }, ...more,
});

test('without a search the newest of the till are there, and with one all that have it', () => {
  const live = [order(1, { ref: 'A-17' }), order(2, { channel: 'phone' }), order(3, { version: 2, state: 'ready' })];
  const recent = [order(3), order(4, { ref: '17B', channel: 'phone', state: 'collected' })];
  const ids = (/** @type {string} */ query) => find(live, recent, query).map(({ order_id }) => order_id);
  assert.deepEqual(ids(''), ['o-3', 'o-1']);
  assert.equal(find(live, recent, '')[0]?.state, 'ready', 'the newer word on an order counts');
  assert.deepEqual(ids('17'), ['o-4', 'o-1']);
  assert.deepEqual(ids('a17'), ['o-1'], 'hyphens and capitals are left out');
  assert.deepEqual(ids('Ａ－１７'), ['o-1'], 'and full-width digits are digits');
  assert.deepEqual(ids('2'), ['o-2'], 'a number is a whole one');
  assert.deepEqual(ids('망고 4'), ['o-4']);
  assert.deepEqual(ids('mango'), ['o-4', 'o-3', 'o-2', 'o-1']);
  assert.deepEqual(ids('nothing'), []);
  const many = Array.from({ length: 200 }, (_, n) => order(n));
  assert.deepEqual([find(many, [], '').length, find(many, [], 'mango').length], [SHOWN.own, SHOWN.found]);
});
