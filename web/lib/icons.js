/** Drawings that are no symbols of codes: lines in the colour of the text. */

import { html, svg } from '../vendor/lit-html.js';

/** @param {unknown} paths */
function icon(paths) {
  return html`<svg class="ic" viewBox="0 0 24 24" aria-hidden="true">${paths}</svg>`;
}

export const check = () => icon(svg`<path d="M4 12.5l5.500 5.500L20 6.500"/>`);
export const sound = () => icon(svg`<path d="M4 9v6h4l5 4V5L8 9zM16.500 8.500a5 5 0 0 1 0 7M19 6a8.500 8.500 0 0 1 0 12"/>`);
export const flash = () =>
  icon(svg`<rect x="6" y="2.500" width="12" height="19" rx="2.500"/><path d="M12.800 7l-2.600 5h3.600l-2.600 5"/>`);
export const buzz = () =>
  icon(svg`<rect x="8" y="3" width="8" height="18" rx="2"/><path d="M4.500 8.500v7M1.500 10.500v3M19.500 8.500v7M22.500 10.500v3"/>`);
export const light = () =>
  icon(svg`<circle cx="12" cy="12" r="4"/><path d="M12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M19 5l-2 2M7 17l-2 2"/>`);
export const notice = () => icon(svg`<path d="M6 10a6 6 0 0 1 12 0v4l2 3H4l2-3zM10 20.500h4"/>`);
export const noSignal = () =>
  icon(
    svg`<path d="M2 8.500a15 15 0 0 1 20 0M5.500 12.500a10 10 0 0 1 13 0M9 16.300a5 5 0 0 1 6 0M12 20h.01M3 3l18 18"/>`,
  );
export const muted = () => icon(svg`<path d="M4 9v6h4l5 4V5L8 9zM17 9.500l5 5M22 9.500l-5 5"/>`);
export const warning = () => icon(svg`<path d="M12 3.500L22 20.500H2zM12 10v4.500M12 17.500h.01"/>`);
/** Somebody calls. */
export const voice = () => icon(svg`<path d="M3 10v4h3l8 4V6l-8 4zM18 9a4.500 4.500 0 0 1 0 6"/>`);
export const cross = () => icon(svg`<path d="M5 5l14 14M19 5L5 19"/>`);
export const gear = () =>
  icon(
    svg`<circle cx="12" cy="12" r="3.200"/><path d="M12 2.500v3M12 18.500v3M2.500 12h3M18.500 12h3M5.300 5.300l2.100 2.100M16.600 16.600l2.100 2.100M18.700 5.300l-2.100 2.100M7.400 16.600l-2.100 2.100"/>`,
  );
export const back = () => icon(svg`<path d="M4 4v6h6M4.500 10a8 8 0 1 1 1 7"/>`);
export const none = () => icon(svg`<circle cx="12" cy="12" r="9"/><path d="M5.700 5.700l12.600 12.600"/>`);
export const list = () => icon(svg`<path d="M8.500 6h12M8.500 12h12M8.500 18h12M3.800 6h.01M3.800 12h.01M3.800 18h.01"/>`);
export const door = () => icon(svg`<path d="M4 21h16M6 21V4l9-1.500V21M15 5h3v16M11.500 12h.01"/>`);
export const find = () => icon(svg`<circle cx="11" cy="11" r="6.500"/><path d="M16 16l5 5"/>`);
