/** The till by itself: an order that is made once, whatever is answered, and what is found of those that were made. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { OLD_MS } from '../../lib/taps.js';
import { find, SHOWN } from '../../lib/till-find.js';
import { Sales } from '../../lib/till-sale.js';

const TWO = { cups: 2, ref: 'A-1', is_bell: true };

/** A till whose answers, clock and timers are the test's. @param {Map<string, string>} [kept] */
function till(kept = new Map()) {
  /** @type {{sale: import('../../lib/till-sale.js').Sale, answer: (verdict: import('../../lib/till-sale.js').Verdict) => Promise<void>}[]} */
  const sent = [];
  /** @type {(() => void)[]} */
  const timers = [];
  const clock = { now: 1_000_000 };
  let keys = 0;
  const sales = new Sales({
    storage: {
      getItem: (name) => kept.get(name) ?? null,
      setItem: (name, text) => void kept.set(name, text),
      removeItem: (name) => void kept.delete(name),
    },
    send: (sale) =>
      new Promise((done) => {
        sent.push({ sale, answer: async (verdict) => (done(verdict), void (await new Promise(setImmediate))) });
      }),
    now: () => clock.now,
    key: () => `key-${(keys += 1)}`,
    later: (act) => void timers.push(act),
    changed: () => {},
  });
  return { sales, sent, timers, clock, kept };
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
    assert.equal(till(new Map([['brewline.till.sale', nonsense]])).sales.going.is, 'none');
  }
});

test('what was tapped long ago is made only if somebody says so', async () => {
  const { sales, kept } = till();
  sales.begin({ amount: 2 }, TWO);
  const sale = JSON.parse([...kept.values()][0] ?? '');
  const old = till(new Map([['brewline.till.sale', JSON.stringify({ ...sale, at: sale.at - OLD_MS - 1 })]]));
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
