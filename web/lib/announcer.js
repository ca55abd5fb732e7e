/** What is said to those who hear the page. */

/** What is empty for this long and then says the same again is read again. */
const CLEAR_MS = 100;
/** Polite messages come at most this often; of those that wait, the last one counts. */
const EVERY_MS = 10_000;

export class Announcer {
  /** @param {number} [everyMs] how often at most something polite is said */
  constructor(everyMs = EVERY_MS) {
    this.everyMs = everyMs;
    this.assertive = region('assertive');
    this.polite = region('polite');
    this.saidAt = -everyMs;
    this.timer = 0;
  }

  /** At once, whatever is being read, and again if it was said before. @param {string} text */
  assert(text) {
    clearTimeout(this.timer);
    this.polite.textContent = '';
    this.assertive.textContent = '';
    this.timer = setTimeout(() => (this.assertive.textContent = text), CLEAR_MS);
  }

  /** When there is a pause. @param {string} text */
  say(text) {
    clearTimeout(this.timer);
    this.assertive.textContent = '';
    const wait = this.saidAt + this.everyMs - performance.now();
    this.timer = setTimeout(() => {
      this.saidAt = performance.now();
      this.polite.textContent = text;
    }, Math.max(0, wait));
  }

  /** What was said is not what would be said now: not in this language. */
  forget() {
    clearTimeout(this.timer);
    this.polite.textContent = '';
    this.assertive.textContent = '';
  }
}

/** @param {'assertive' | 'polite'} how */
function region(how) {
  const element = document.createElement('div');
  element.className = 'vh';
  element.setAttribute('aria-live', how);
  // At the end it would make the page a pixel longer than the screen.
  document.body.prepend(element);
  return element;
}
