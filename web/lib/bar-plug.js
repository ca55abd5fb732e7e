/**
 * Where the sheets plug into the bar's page: what they get, and what they may show. The page calls each part whenever
 * it draws itself; none of them keeps the page.
 */

/**
 * What the page lets its sheets know and do.
 * @typedef {object} Bar
 * @property {import('./live.js').News<import('./orders.js').Orders>} news all live orders, as the line has them
 * @property {import('./live.js').News<any>} shop what `GET /shop/events` says
 * @property {any} menu what `GET /menu` says; `null` while nobody knows, and on a line without one
 * @property {() => number} now the counter's clock; `NaN` before anything was heard
 * @property {string | undefined} timeZone the shop's
 * @property {string} device what this device is called
 * @property {import('./taps.js').Taps} taps what was tapped here and has no answer yet
 * @property {(order: import('./orders.js').Order, command: string, more?: Record<string, unknown>) => boolean} tap asks for something, naming the state and round that are shown; false: too much is kept already
 * @property {(text: string) => void} say for those who hear the page
 * @property {() => void} show draws the page again
 */

/**
 * What the sheets show.
 * @typedef {object} Plug
 * @property {(bar: Bar) => unknown} [tools] the head's buttons, before the sound
 * @property {(bar: Bar) => unknown} [pace] the head's end, after the sound
 * @property {(bar: Bar) => unknown} [sheet] what is open, over the right side of the rail; `nothing` if nothing is
 * @property {(bar: Bar) => unknown} [idle] what stands in the middle while there is nothing to make, instead of "All caught up"
 * @property {() => boolean} [isOpen] whether a sheet is open: keys belong to it then
 */

export {};
