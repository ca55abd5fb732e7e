/** Fingers and keys on the bar's page. */

import { plug } from './sheet-plug.js';

/**
 * @typedef {object} Means
 * @property {HTMLElement} app
 * @property {import('./bar-state.js').BarState} state
 * @property {ReturnType<typeof import('./bar-acts.js').createActs>} acts
 * @property {import('./bar-chime.js').Chime} chime
 * @property {() => void} show
 * @property {() => void} keysShown somebody used a key for the first time
 */

/** @param {Means} means */
export function listenToHands({ app, state, acts, chime, show, keysShown }) {
  // The button of the sound does it itself: it would mute what is on by the time a finger, or a key, comes up again.
  const isSound = (/** @type {EventTarget | null} */ target) => target instanceof Element && target.closest('.sound') !== null;
  app.addEventListener('pointerdown', ({ target }) => {
    state.heldSince = performance.now();
    if (!isSound(target)) chime.touched();
    const ticket = target instanceof Element ? target.closest('.tk') : null;
    if (ticket instanceof HTMLElement) state.rail.touch(ticket.dataset.id ?? '');
  });
  for (const name of ['pointerup', 'pointercancel', 'blur']) {
    window.addEventListener(name, () => {
      state.heldSince = -Infinity;
      show();
    });
  }
  document.addEventListener('keydown', (event) => {
    const { key, code, target, repeat, altKey, ctrlKey, metaKey } = event;
    if (!(isSound(target) && (key === ' ' || key === 'Enter'))) chime.touched();
    const isTyping = target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable]') !== null;
    if (repeat || altKey || ctrlKey || metaKey || isTyping || plug.isOpen?.()) return;
    if (/^[1-9]$/.test(key)) acts.pressed(Number(key) - 1);
    else if (code === 'KeyU' || key.toLowerCase() === 'u') acts.undoLast();
    else return;
    if (!state.hasKeys) keysShown();
    state.hasKeys = true;
    event.preventDefault();
    show();
  });
}
