/** The page `privacy.html`. */

import { onLanguage, otherLanguage, setLanguage, t } from './lib/i18n.js';
import { html, render } from './vendor/lit-html.js';

const app = /** @type {HTMLElement} */ (document.getElementById('app'));
// What stood there until now is none of the renderer's.
app.replaceChildren();

function show() {
  document.title = t('privacy.title');
  const other = html`<button lang=${otherLanguage()} @click=${() => setLanguage(otherLanguage())}>
    ${t('common.other_language')}
  </button>`;
  render(html`<header>${other}</header><main><h1>${t('privacy.title')}</h1></main>`, app);
}

onLanguage(show);
show();
