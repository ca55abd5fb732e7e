/**
 * When the page's parts are drawn: at most once a frame, however much has come meanwhile, and no more of them in one frame
 * than a slow tablet can take. What there was no time for is drawn in the next one.
 */

/** How long a frame may draw before the rest waits. What the browser makes of it takes about as long again. */
export const BUDGET_MS = 8;
/** Nothing is drawn where nobody looks, but the title says what waits. */
const HIDDEN_MS = 250;

/**
 * Draws a part, and says whether all of it is drawn.
 * @typedef {(hasTime: () => boolean) => boolean | void} Part `false`: there was no time for the rest of it
 */

export class Frames {
  /**
   * @param {() => void} look before anything is drawn
   * @param {() => Part[]} parts those that may be drawn now, the most urgent first; the same ones each time
   */
  constructor(look, parts) {
    this.look = look;
    this.parts = parts;
    this.isAsked = false;
    /** Something has changed since all was drawn. */
    this.isStale = false;
    /** What there was no time for. @type {Part[]} */
    this.left = [];
  }

  /** Something has changed. */
  show() {
    this.isStale = true;
    this.ask();
  }

  ask() {
    if (this.isAsked) return;
    this.isAsked = true;
    const draw = () => this.draw();
    if (document.hidden) setTimeout(draw, HIDDEN_MS);
    else requestAnimationFrame(draw);
  }

  draw() {
    this.isAsked = false;
    const began = performance.now();
    const hasTime = () => performance.now() - began < BUDGET_MS;
    this.look();
    const parts = this.parts();
    const left = this.left.filter((part) => parts.includes(part));
    const due = this.isStale ? [...left, ...parts.filter((part) => !left.includes(part))] : left;
    this.isStale = false;
    this.left = [];
    for (const [n, part] of due.entries()) {
      // One is drawn in any case, or nothing ever would be.
      if ((n === 0 || hasTime()) && part(hasTime) !== false) continue;
      // What began the frame and has not come to its end goes on after the others.
      this.left = n === 0 ? [...due.slice(1), part] : due.slice(n);
      this.ask();
      return;
    }
  }
}
