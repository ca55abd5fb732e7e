/** What staff can still do with an order whose code the till shows: it is paid, printed once more, or taken back. */

import { openSignIn } from './access-sheet.js';
import { newKey } from './cart.js';
import { t, word } from './i18n.js';
import { reprint } from './printer-state.js';
import { REASONS } from './reasons.js';
import { fetchStaff } from './staff.js';
import { shownOrder } from './till-code.js';

/** @param {import('./till-view.js').Screen} screen */
export function actsAfter({ page, drawNow, find, isMeant, take }) {
  /** The key of the cancelling that is being asked: each try is the same command. */
  let cancelKey = '';
  /** The same of a payment, and of which order. */
  let [paidFor, paidKey] = ['', ''];

  /**
   * Asks something of the order that is shown. What comes of it is not said on the screen of another one.
   * @template T
   * @param {() => Promise<T>} act
   * @param {(answer: T) => void} say
   */
  async function once(act, say) {
    const { showing } = page;
    page.busy = true;
    drawNow();
    const answer = await act();
    page.busy = false;
    if (page.showing === showing) say(answer);
    drawNow();
    if (page.isOut) openSignIn();
  }

  /**
   * @param {import('./orders.js').Order} order as it was seen
   * @param {string} key
   * @param {Record<string, string>} body
   * @returns {Promise<number>} the answer's status
   */
  async function command({ order_id: id, state, round }, key, body) {
    const path = `/orders/${encodeURIComponent(id)}/commands`;
    const answer = await fetchStaff(path, { method: 'POST', body: { ...body, state, round }, headers: { 'idempotency-key': key } });
    const after = answer.body?.order ?? answer.body;
    if (after?.order_id === id) take(after);
    return answer.status;
  }

  return {
    /** @param {'slip' | 'ticket'} what */
    async print(what) {
      if (page.busy || !isMeant()) return;
      await once(() => reprint(page.showing, what), (refused) => {
        page.asking = refused || t(`till.printing_${what}`);
        page.refused = refused !== '';
      });
    },
    takeBack() {
      page.sure = true;
      cancelKey = newKey();
      drawNow();
      find('.sure button')?.focus();
    },
    keep() {
      page.sure = false;
      drawNow();
      find('.acts .link')?.focus();
    },
    async paid() {
      const order = shownOrder(page);
      if (page.busy || !order || !isMeant()) return;
      if (paidFor !== order.order_id) [paidFor, paidKey] = [order.order_id, newKey()];
      await once(() => command(order, paidKey, { command: 'accept' }), (status) => {
        page.refused = status !== 200 && status !== 409;
        page.asking = page.refused ? t('till.paid_lost') : '';
        drawNow();
        find('.done')?.focus();
      });
    },
    async cancel() {
      const order = shownOrder(page);
      if (page.busy || !order) return;
      const body = { command: 'cancel', reason: word(REASONS.slip) };
      await once(() => command(order, cancelKey, body), (status) => {
        page.refused = status !== 200;
        page.asking = status === 200 ? '' : t(status === 409 ? 'till.take_back_late' : 'till.take_back_lost');
        if (status === 200 || status === 409) page.sure = false;
        drawNow();
        find('.done')?.focus();
      });
    },
  };
}
