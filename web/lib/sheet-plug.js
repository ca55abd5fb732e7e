/** What the sheets put into the bar's page. */

/** @type {import('./bar-plug.js').Plug} */
export const plug = {};
