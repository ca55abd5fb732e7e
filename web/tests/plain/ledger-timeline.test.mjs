/** The story of an order, in the sentences of both languages: decisions, without a browser. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { seconds } from '../../lib/ledger-format.js';
import { asText, story } from '../../lib/ledger-timeline.js';
import en from '../../messages/staff-en.js';
import ko from '../../messages/staff-ko.js';

/** @typedef {import('../../lib/ledger-timeline.js').Decision} Decision */

const NINE = Date.UTC(2026, 10, 22, 0, 0);
const STAFF = { role: 'staff', device: 'Main bar' };
const HOLDER = { role: 'holder' };
const ITEMS = [
  { item: 'latte', quantity: 2, title: { en: 'Iced latte', ko: '아이스 라테' } },
  { item: 'americano', title: { en: 'Americano', ko: '아메리카노' } },
];
const PROMISED = { from: NINE + 360_000, to: NINE + 480_000 };

/** @param {'en' | 'ko'} language */
function words(language) {
  const texts = /** @type {Record<string, string>} */ (language === 'en' ? en : ko);
  return {
    t: (/** @type {string} */ key, /** @type {Record<string, string | number>} */ values = {}) => {
      const text = texts[key];
      assert.ok(text !== undefined, `nobody can say ${key}`);
      return text.replace(/\{(\w+)\}/g, (_, name) => {
        assert.ok(name in values, `${key} leaves {${name}} open`);
        return String(values[name]);
      });
    },
    time: (/** @type {number} */ ms) => new Date(ms + 9 * 3_600_000).toISOString().slice(11, 16),
    seconds: (/** @type {number} */ ms) => seconds(ms, language),
    word: (/** @type {any} */ words) => words?.[language] ?? '',
  };
}

let offset = 0;
/** @param {string} event @param {string | undefined} from @param {string} to @param {number} after in seconds @param {Partial<Decision>} [more] @returns {Decision} */
function decided(event, from, to, after, more = {}) {
  return { offset: (offset += 1), event, ...(from && { from }), to, round: 1, at: NINE + after * 1_000, ...more };
}

/** @param {Decision[]} decisions @param {any} [about] */
function told(decisions, about = {}) {
  return /** @type {const} */ (['en', 'ko']).map((language) => story(decisions, about, words(language)).map(({ text }) => text));
}

test('an order is told from its taking to its end, in both languages', () => {
  const decisions = [
    decided('received', undefined, 'received', 0, { taken: { amount: 3, items: ITEMS } }),
    decided('tested', 'received', 'received', 7, { by: HOLDER }),
    decided('start', 'received', 'making', 158, { by: STAFF }),
    decided('tick', 'making', 'making', 243, { by: STAFF, line: 0 }),
    decided('tick', 'making', 'making', 348, { by: STAFF, line: 1 }),
    decided('ready', 'making', 'ready', 360, { by: STAFF }),
    decided('rang', 'ready', 'ready', 360.3, { by: HOLDER }),
    decided('acknowledge', 'ready', 'ready', 370, { by: HOLDER }),
    decided('collect', 'ready', 'collected', 400, { by: HOLDER }),
  ];
  assert.deepEqual(told(decisions, { channel: 'phone', promised: PROMISED }), [
    [
      'Accepted from phone, promised 09:06–09:08',
      'Buzz tested',
      'Started at Main bar',
      '2 Iced latte ticked',
      'Americano ticked',
      'Marked ready at Main bar, inside the promise',
      'Phone rang 0.3 s later',
      'The customer is on the way',
      'The customer has it',
    ],
    [
      '휴대폰 주문 접수, 09:06–09:08 약속',
      '알림 시험',
      'Main bar: 시작',
      '아이스 라테 2 완성',
      '아메리카노 완성',
      'Main bar: 완료로 표시, 약속 시간 안',
      '0.3초 뒤 휴대폰 울림',
      '손님이 오는 중',
      '손님이 받음',
    ],
  ]);
});

test('a bell is told with how the promise was kept, and only the first one', () => {
  const bell = (/** @type {number} */ after, round = 1) => decided('ready', 'making', 'ready', after, { by: STAFF, round });
  const said = [bell(309), bell(420), bell(612), bell(700, 2)].map((decision) => told([decision], { promised: PROMISED })[0]?.[0]);
  assert.deepEqual(said, [
    'Marked ready at Main bar, 0:51 before the promise',
    'Marked ready at Main bar, inside the promise',
    'Marked ready at Main bar, 2:12 after the promise',
    'Marked ready at Main bar',
  ]);
});

test('a ring that nobody has answered says so, and the last one only', () => {
  const ready = decided('ready', 'making', 'ready', 0, { by: STAFF });
  const rings = [decided('rang', 'ready', 'ready', 0.2), decided('rang', 'ready', 'ready', 90)];
  assert.deepEqual(told([ready, ...rings])[0]?.slice(1), ['Phone rang 0.2 s later', 'Phone rang 1:30 later, not answered yet']);
  const taken = decided('collect', 'ready', 'collected', 95, { by: STAFF });
  assert.deepEqual(told([ready, ...rings, taken])[0]?.slice(1), ['Phone rang 0.2 s later', 'Phone rang 1:30 later', 'Handed over at Main bar']);
});

test('what was refused, and what was only repeated, did nothing and says so', () => {
  const refused = decided('start', 'making', 'making', 1, { by: STAFF, refused: 'changed' });
  const repeated = decided('ready', 'ready', 'ready', 2, { by: STAFF, repeat: true });
  const lines = story([refused, repeated], {}, words('en'));
  assert.deepEqual(lines.map(({ text }) => text), ['Refused: start (the order had changed) at Main bar', 'The same again: ready']);
  assert.deepEqual(lines.map(({ tone }) => tone), ['refused', '']);
});

test('what people wrote stands behind what they did', () => {
  const recall = decided('recall', 'ready', 'making', 1, { by: STAFF, reason: 'wrong milk', round: 2 });
  const cancel = decided('cancel', 'received', 'cancelled', 2, { by: HOLDER });
  assert.deepEqual(told([recall, cancel])[0], ['Recalled at Main bar: wrong milk', 'Cancelled by the customer']);
  for (const reason of ['Wrong milk', '우유가 달라요']) {
    const [[en], [ko]] = /** @type {any} */ (told([{ ...recall, reason }]));
    assert.ok(en.endsWith(': Wrong milk') && ko.endsWith(': 우유가 달라요'), `${en}, ${ko}: each reads it in its own language`);
  }
  const undone = told([{ ...recall, reason: 'undo' }]);
  assert.deepEqual(undone, [['Not ready after all at Main bar'], ['Main bar: 완료로 표시한 것을 되돌림']]);
});

test('every decision and every refusal there is can be said in both languages', () => {
  const kinds = [
    'received', 'start', 'ready', 'recall', 'collect', 'uncollect', 'cancel', 'accept', 'acknowledge', 'missing', 'tested',
    'rang', 'presence', 'tick', 'untick', 'note', 'uncollected', 'expired',
  ];
  const refusals = ['not_allowed', 'changed', 'wrong_state', 'unpaid', 'not_unpaid', 'no_such_line', 'unknown_order', 'queue_full', 'id_reused'];
  for (const kind of kinds) {
    for (const more of [{}, { by: STAFF }, { by: HOLDER }, { repeat: true }, ...refusals.map((refused) => ({ refused }))]) {
      for (const texts of told([decided(kind, 'received', 'received', 0, { presence: 'gone', line: 4, ...more })])) {
        assert.match(texts[0] ?? '', /^[^{}]+$/, kind);
      }
    }
  }
  for (const presence of ['listening', 'hidden', 'gone', 'dreaming']) told([decided('presence', 'ready', 'ready', 0, { presence })]);
  assert.deepEqual(told([decided('sung_to', 'ready', 'ready', 0)])[0], ['sung_to']);
});

test('the past knows nothing of what came after it', () => {
  const decisions = [decided('received', undefined, 'received', 0), decided('start', 'received', 'making', 10)];
  assert.equal(story(decisions, {}, words('en'), NINE + 5_000).length, 1);
});

test('an order on which nobody decided is told by where it was accepted, once it was', () => {
  const accepted = { offset: 61, timestamp: NINE };
  assert.deepEqual(
    story([], {}, words('en'), NINE, accepted).map(({ topic, offset, text }) => [topic, offset, text]),
    [['order.received', 61, 'Accepted, and nobody has decided on it']],
  );
  assert.deepEqual(story([], {}, words('ko'), NINE - 1, accepted), []);
  const decisions = [decided('received', undefined, 'received', 0)];
  assert.deepEqual(story(decisions, {}, words('en'), NINE, accepted).map(({ topic }) => topic), ['order.event'], 'else its decisions say it');
});

test('a record to paste has each decision with its place in the log', () => {
  const lines = story([decided('start', 'received', 'making', 10, { by: STAFF })], {}, words('en'));
  const text = asText(lines, { title: 'MANGO 27', id: 'a-b', partition: 3, dateAndTime: () => '2026-11-22 09:00:10' });
  assert.equal(text, `MANGO 27\na-b\n2026-11-22 09:00:10\tStarted at Main bar\torder.event-3@${lines[0]?.offset}\n`);
});
