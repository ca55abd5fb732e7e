/** The QR code that a customer scans at the till: where phones find the counter, and the picture of one order's page there. */

/** How long to wait before what did not come is asked for again. */
const AGAIN_MS = 5_000;
/** How long an answer may take. */
const ANSWER_MS = 8_000;

export class Qr {
  /**
   * @param {import('./till-view.js').Page} page
   * @param {() => void} changed
   */
  constructor(page, changed) {
    this.page = page;
    this.changed = changed;
    this.timer = 0;
  }

  /** Asks where phones find the counter, until that is known. */
  async begin() {
    const { page } = this;
    clearTimeout(this.timer);
    const answer = await ask('/table/address');
    try {
      if (answer?.ok) page.address = await answer.json();
      else page.address = answer?.status === 409 ? 'nowhere' : 'lost';
    } catch {
      page.address = 'lost';
    }
    if (page.address === 'lost') this.timer = setTimeout(() => this.begin(), AGAIN_MS);
    else this.draw();
    this.changed();
  }

  /** Draws the code of the order that is shown, if there is one. */
  async draw() {
    const { page } = this;
    const id = page.showing;
    if (id === '' || typeof page.address !== 'object') return;
    const url = `${page.address.url}/o/${encodeURIComponent(id)}`;
    const answer = await ask('/table/qr.svg', { method: 'POST', body: url });
    const picture = answer?.ok ? await answer.text().catch(() => '') : '';
    // Another one is shown by now, or none.
    if (page.showing !== id) return;
    page.qr = picture && `data:image/svg+xml,${encodeURIComponent(picture)}`;
    page.qrFailed = page.qr === '';
    this.changed();
  }

  /** Somebody wants it to be tried once more. */
  again() {
    this.page.qrFailed = false;
    if (this.page.address === 'lost') this.begin();
    else this.draw();
    this.changed();
  }
}

/**
 * What the counter answers to anyone; nothing if it does not.
 * @param {string} path
 * @param {RequestInit} [how]
 */
export async function ask(path, how) {
  const cut = new AbortController();
  const late = setTimeout(() => cut.abort(), ANSWER_MS);
  try {
    return await fetch(path, { ...how, signal: cut.signal });
  } catch {
    return undefined;
  } finally {
    clearTimeout(late);
  }
}
