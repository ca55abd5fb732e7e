/** How the till makes orders: what a tap becomes, what is said while one is kept, and what is on the desk again if it was not made. */

import { openSignIn } from './access-sheet.js';
import * as cart from './cart.js';
import { t, word } from './i18n.js';
import { storage } from './kept.js';
import { fetchStaff } from './staff.js';
import { saleText } from './till-kept.js';
import { setLines } from './till-lines.js';
import { Sales, SALES_MAX } from './till-sale.js';
import { REF_MAX } from './till-view.js';

/** @typedef {import('./till-view.js').Page} Page */
/**
 * What the page does for it.
 * @typedef {object} Means
 * @property {(text: string) => void} say to those who hear the page
 * @property {() => void} becomeSlow from now on it may take longer than one would notice
 * @property {() => void} loadMenu
 * @property {() => void} loadRecent
 * @property {{show: (id: string) => void, leave: () => void}} code over the whole screen
 */

/** @param {import('./till-view.js').Screen} screen @param {Means} means */
export function createMaking({ page, draw, drawNow, find, isMeant }, { say, becomeSlow, loadMenu, loadRecent, code }) {
  const kept = storage();
  const sales = new Sales({
    storage: kept, send: sendSale, now: Date.now, key: () => cart.newKey(), changed: saleChanged,
    // Only where a tap led there: no timer puts a form over what somebody types.
    needsSignIn: () => openSignIn(),
  });
  update();

  function update() {
    Object.assign(page, { going: sales.going, kept: sales.kept, fleeting: kept === null || sales.isFleeting });
  }

  function saleChanged() {
    // Called while `sales` itself is made, when one was kept.
    queueMicrotask(() => {
      const { going: before, kept } = page;
      update();
      tellKept(kept);
      if (page.going !== before) goesOn(page.going, before);
      draw();
    });
  }

  /** @param {import('./till-sale.js').Going} going @param {import('./till-sale.js').Going} before */
  function goesOn(going, before) {
    if (going.is === 'sending' && before.is === 'none') becomeSlow();
    if (going.is === 'made') code.show(going.id);
    if (going.is !== 'failed') return;
    putBack(going.sale.key);
    if (going.why === 'changed') {
      page.soldOut = new Set([...page.soldOut, ...going.sold_out]);
      loadMenu();
    }
  }

  /** One that was kept is made, or was not: whoever waits for it learns of it. @param {Page['kept']} before */
  function tellKept(before) {
    const now = new Map(page.kept.map((begun) => [begun.sale.key, begun]));
    for (const { is, sale } of before) {
      const begun = now.get(sale.key);
      if (!begun || begun.is === is || (begun.is !== 'made' && begun.is !== 'failed')) continue;
      say(t(`till.kept_${begun.is}_said`, { what: saleText(page, sale) }));
      if (begun.is === 'failed' && begun.why === 'changed') loadMenu();
    }
  }

  /** What was on the desk when the last one was tapped. @type {{key: string, ref: string, lines: cart.Line[]}} */
  let tapped = { key: '', ref: '', lines: [] };

  /** What was not made is on the desk again, if nobody has begun the next one there. @param {string} key */
  function putBack(key) {
    if (key !== tapped.key) return;
    if (page.ref === '' && page.lines.length === 0) {
      page.ref = tapped.ref;
      setLines(page, tapped.lines);
    }
    tapped = { key: '', ref: '', lines: [] };
  }

  /** @param {object} body @param {import('./till-sale.js').What} what */
  function make(body, what) {
    const ref = cart.printable(page.ref);
    page.wrong = cart.characters(ref) > REF_MAX ? t('till.ref_wrong', { max: REF_MAX }) : '';
    if (page.wrong) {
      drawNow();
      find('#ref')?.focus();
      return;
    }
    if (sales.begin({ ...body, ...(ref ? { ref } : {}) }, { ...what, ref })) {
      const { going } = sales;
      tapped = { key: going.is === 'none' ? '' : going.sale.key, ref: page.ref, lines: page.lines };
      Object.assign(page, { ref: '', told: '' });
      // It is an order now, also for whoever loads the page anew.
      if (!what.is_bell) setLines(page, []);
      becomeSlow();
    } else if (sales.isFull) {
      page.told = t('till.kept_full', { max: SALES_MAX });
      drawNow();
    }
  }

  const acts = {
    /** @param {number} cups */
    bell(cups) {
      if (isMeant()) make({ amount: cups }, { cups, ref: '', is_bell: true });
    },
    order() {
      if (!isMeant() || !page.menu || page.lines.length === 0) return;
      const drinks = page.lines.map(({ quantity, title }) => `${quantity}× ${word(title)}`).join(', ');
      make(cart.request(page.menu, page.lines), { cups: cart.count(page.lines), ref: '', is_bell: false, drinks });
    },
    retry() {
      if (isMeant()) sales.retry(true);
    },
    giveUp() {
      if (!isMeant()) return;
      const { going } = page;
      if ('sale' in going) {
        if (sales.mayBeMade(going.sale)) page.told = t('till.given_up');
        putBack(going.sale.key);
      }
      sales.done();
      update();
      loadRecent();
      drawNow();
    },
    done() {
      if (!isMeant()) return;
      Object.assign(page, { showing: '', qr: '', sure: false, asking: '', said: '' });
      sales.done();
      update();
      drawNow();
    },
    /** Back to the desk: what is shown is kept, and made as soon as it can be. */
    next() {
      if (!isMeant()) return;
      code.leave();
      sales.leave();
      update();
      drawNow();
    },
    /** @param {import('./till-sale.js').Begun} begun one that is kept */
    openKept(begun) {
      if (!isMeant()) return;
      if (begun.is === 'made') {
        code.show(begun.id);
        sales.seen(begun.sale.key);
      } else {
        sales.open(begun.sale.key);
        becomeSlow();
      }
      update();
      drawNow();
    },
    sendOld() {
      if (isMeant()) sales.retryOld();
    },
    /** @param {'made' | 'failed'} end */
    clearKept(end) {
      if (isMeant()) sales.clear(end);
    },
  };
  return { sales, acts };
}

/** @param {import('./till-sale.js').Sale} sale @returns {Promise<import('./till-sale.js').Verdict>} */
async function sendSale({ key, body }) {
  const answer = await fetchStaff('/orders', { method: 'POST', body, headers: { 'idempotency-key': key } });
  if (answer.status === 401) return { is: 'signed_out' };
  if (answer.status === 0) return { is: 'unknown', after_s: 0 };
  return cart.verdict(answer.status, answer.body ?? null, answer.retryMs > 0 ? answer.retryMs / 1_000 : NaN);
}
