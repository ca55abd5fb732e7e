/** What staff can still do with an order whose code the till shows: have it printed once more, or take it back. */

import { newKey } from './cart.js';
import { t } from './i18n.js';
import { reprint } from './printer-state.js';
import { fetchStaff } from './staff.js';
import { shownOrder } from './till-code.js';

/** @param {import('./till-view.js').Screen} screen */
export function actsAfter({ page, drawNow, find, isMeant, take }) {
  /** The key of the cancelling that is being asked: each try is the same command. */
  let cancelKey = '';

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
    async cancel() {
      const order = shownOrder(page);
      if (page.busy || !order) return;
      const { order_id: id, state, round } = order;
      const ask = () => fetchStaff(`/orders/${encodeURIComponent(id)}/commands`, {
        method: 'POST',
        body: { command: 'cancel', reason: t('till.take_back_reason'), state, round },
        headers: { 'idempotency-key': cancelKey },
      });
      const heard = async () => {
        const answer = await ask();
        const after = answer.body?.order ?? answer.body;
        if (after?.order_id === id) take(after);
        return answer.status;
      };
      await once(heard, (status) => {
        page.refused = status !== 200;
        page.asking = status === 200 ? '' : t(status === 409 ? 'till.take_back_late' : 'till.take_back_lost');
        if (status === 200 || status === 409) page.sure = false;
        drawNow();
        find('.done')?.focus();
      });
    },
  };
}
