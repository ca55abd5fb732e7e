/** What the tests of the bar have in common: a tablet, and orders as the drawings have them. */

import { open } from './harness.mjs';

/** What Chromium logs of answers that a test provokes, and of a counter that was killed. */
export const REFUSED = /status of (401|404|409|503)/;

/**
 * A tablet with the bar's page.
 * @param {import('playwright-core').Browser} browser
 * @param {import('./harness.mjs').Line} line
 * @param {import('./harness.mjs').Phone & {clock?: boolean, query?: string, url?: string}} [tablet] `clock`: time can be moved
 */
export async function tablet(browser, line, { clock = false, query = '', url = line.url, ...looks } = {}) {
  const opened = await open(browser, 'about:blank', { width: 1280, height: 800, ...looks });
  await opened.context.setExtraHTTPHeaders({ authorization: `Bearer ${line.token}` });
  if (clock) await opened.page.clock.install();
  await opened.page.goto(`${url}/bar${query}`);
  return opened;
}
