/** The one thing that the bar's page has to say now. */

import { openSignIn } from './access-sheet.js';
import * as words from './bar-words.js';
import { t, time } from './i18n.js';
import { printerText } from './printer-state.js';

/**
 * @param {import('./bar-state.js').BarState} state
 * @param {import('./taps.js').Taps} taps
 * @returns {import('./bar-view.js').Notice}
 */
export function noticeOf({ news, shop, isFull, winners, timeZone }, taps) {
  const { status, value, ageMs } = news;
  const kept = taps.kept().length;
  const end = kept > 0 ? t('bar.taps_kept', { count: kept }) : '';
  // The stream may go on for a while where the session does not.
  const isOut = status === 'signed_out' || taps.waiting.some(({ why }) => why === 'signed_out');
  if (isOut) return { about: 'signed_out', look: 'warn', text: t('bar.band.signed_out'), end, actions: [{ label: t('bar.sign_in'), act: () => openSignIn() }] };
  if (isFull) return { about: 'full', look: 'warn', text: t('bar.band.full'), end };
  if (status === 'starting') return { about: 'starting', look: 'warn', text: t('bar.band.starting'), end };
  // Behind the veil of a page that was just taken out again nothing is known yet.
  if (status === 'old') return { about: 'offline', look: 'warn', text: t('bar.band.offline', { age: words.span(ageMs) }), end };
  const [old] = taps.old();
  if (old) {
    const text = t('bar.old', { code: old.label, command: words.commandText(old.command), time: time(old.at, timeZone) });
    const actions = [
      { label: t('bar.send'), act: () => taps.sendOld(old.id) },
      { label: t('bar.drop'), act: () => taps.forget(old.id) },
    ];
    return { about: `old ${old.id}`, look: 'warn', text, end: taps.old().length > 1 ? end : '', actions };
  }
  const [lost] = taps.lost;
  if (lost) {
    const text = words.lostText(lost, winners.get(lost.tap.id) ?? '');
    return { about: `lost ${lost.tap.id}`, look: 'told', text, actions: [{ label: t('bar.ok'), act: () => taps.seen(lost.tap.id) }] };
  }
  if (value?.no_barista) return { about: 'nobody', look: 'warn', text: t('bar.band.nobody'), end };
  if (value?.more) return { about: 'many', look: 'told', text: t('bar.band.many', { count: value.total }), end };
  const printer = printerText(value?.printer);
  if (printer) return { about: `printer ${value?.printer?.state}`, look: 'told', text: printer, end };
  if (shop.status === 'live' && shop.value?.ordering === 'paused' && shop.value.reason === 'wait') {
    return { about: 'wait', look: 'told', text: t('bar.band.wait'), end };
  }
  return { about: '', look: '', text: '', end };
}
