/** What stands in the templates of a module, without what is filled in. */

/**
 * The static parts of all templates that begin with html` or svg`: what is filled in is `\u0000`.
 * @param {string} module
 */
export function staticParts(module) {
  /** @type {string[]} */
  const parts = [];
  code(module.replace(/\/\*[^]*?\*\//g, ''), 0, false, parts);
  return parts;
}

/**
 * Reads code up to the `}` that ends it, or to its end; gives where it goes on.
 * @param {string} text
 * @param {number} at
 * @param {boolean} isFilling whether a `}` of its own level ends it
 * @param {string[]} parts
 */
function code(text, at, isFilling, parts) {
  for (let depth = 0; at < text.length; at += 1) {
    const c = text[at];
    if (c === '{') depth += 1;
    else if (c === '}') {
      if (isFilling && depth === 0) return at + 1;
      depth -= 1;
    } else if (c === "'" || c === '"') {
      for (at += 1; at < text.length && text[at] !== c && text[at] !== '\n'; at += 1) if (text[at] === '\\') at += 1;
    } else if (c === '/' && text[at + 1] === '/') {
      at = (text.indexOf('\n', at) + 1 || text.length) - 1;
    } else if (c === '`') {
      const isShown = /\b(?:html|svg)$/.test(text.slice(0, at));
      let part = '';
      for (at += 1; at < text.length && text[at] !== '`'; ) {
        if (text.startsWith('${', at)) {
          at = code(text, at + 2, true, parts);
          part += '\u0000';
        } else {
          part += text[at];
          at += text[at] === '\\' ? 2 : 1;
        }
      }
      if (isShown) parts.push(part);
    }
  }
  return at;
}
