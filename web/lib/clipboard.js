/** What is copied, also where a page may not use the clipboard by itself. */

/** Whether it could be copied. @param {string} text */
export async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without https there is no such thing, or the browser refuses it.
    const field = document.createElement('textarea');
    field.value = text;
    field.className = 'vh';
    document.body.append(field);
    field.select();
    const is = document.execCommand('copy');
    field.remove();
    return is;
  }
}
