/** What is said to those who hear the page. */

/** What is empty for this long and then says the same again is read again. */
const CLEAR_MS = 100;
/** Polite messages come at most this often. */
const EVERY_MS = 10_000;

export class Announcer {
  /**
   * @param {number} [everyMs] how often at most something polite is said
   * @param {number} [keeps] of the polite messages that wait, so many of the last ones are said, together. With 1 the page
   *   speaks of one thing only: what is said, or waits, gives way to whatever comes after it.
   */
  constructor(everyMs = EVERY_MS, keeps = 1) {
    this.everyMs = everyMs;
    this.keeps = keeps;
    this.assertive = region('assertive');
    this.polite = region('polite');
    this.saidAt = -everyMs;
    this.alarmedAt = -everyMs;
    /** @type {string[]} */
    this.waiting = [];
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.alarm = undefined;
  }

  /** At once, whatever is being read, and again if it was said before. @param {string} text */
  assert(text) {
    if (this.keeps === 1) this.forget();
    clearTimeout(this.alarm);
    this.assertive.textContent = '';
    this.alarm = setTimeout(() => {
      this.alarm = undefined;
      this.alarmedAt = performance.now();
      this.assertive.textContent = text;
    }, CLEAR_MS);
  }

  /** When there is a pause. @param {string} text */
  say(text) {
    if (this.keeps === 1) this.calm();
    this.waiting = [...this.waiting, text].slice(-this.keeps);
    const wait = this.saidAt + this.everyMs - performance.now();
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.saidAt = performance.now();
      this.polite.textContent = this.waiting.join(' ');
      this.waiting = [];
      // What was read is not left for somebody to find later; what has just come may not have been seen by the reader yet.
      if (this.alarm === undefined && this.saidAt - this.alarmedAt >= this.everyMs) this.assertive.textContent = '';
    }, Math.max(0, wait));
  }

  /** What was said is not what would be said now: not in this language. */
  forget() {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.waiting = [];
    this.polite.textContent = '';
    this.calm();
  }

  /** Nothing urgent is said any more. */
  calm() {
    clearTimeout(this.alarm);
    this.alarm = undefined;
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
