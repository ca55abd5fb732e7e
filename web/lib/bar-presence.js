/** That somebody is there to make orders: without that phones are sent to the till. */

import { t } from './i18n.js';
import { deviceName, fetchStaff } from './staff.js';

/** How often a bar page says that it is there, and how soon again if that was not heard. */
const PRESENT_MS = 30_000;
const PRESENT_AGAIN_MS = 5_000;

/** @returns {() => Promise<void>} says it, if it is time to; for whenever the line is heard */
export function createPresence() {
  let saidAt = -Infinity;
  return async () => {
    const steady = performance.now();
    if (document.hidden || steady - saidAt < PRESENT_MS) return;
    saidAt = steady;
    const path = `/shop/bars/${encodeURIComponent(deviceName() || t('bar.title'))}`;
    const { ok } = await fetchStaff(path, { method: 'PUT', body: {} });
    if (!ok) saidAt = steady - PRESENT_MS + PRESENT_AGAIN_MS;
  };
}
