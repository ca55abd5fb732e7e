/** What this browser keeps for the page, where it keeps anything at all. */

/** @param {string} name @returns {string | null} `null`: nothing, or the browser refuses */
export function kept(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/** @param {string} name @param {string} text */
export function keep(name, text) {
  try {
    localStorage.setItem(name, text);
  } catch {
    // refused: until the page is loaded again
  }
}

/** @returns {Storage | null} `null`: the browser refuses */
export function storage() {
  try {
    return localStorage;
  } catch {
    return null;
  }
}
