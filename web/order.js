/** The page `order.html`. */

import { onLanguage, t } from './lib/i18n.js';
import { html, render } from './vendor/lit-html.js';

const app = /** @type {HTMLElement} */ (document.getElementById('app'));
// What stood there until now is none of the renderer's.
app.replaceChildren();

function show() {
  document.title = t('order.title');
  render(html`<main><h1>${t('order.title')}</h1></main>`, app);
}

onLanguage(show);
show();
