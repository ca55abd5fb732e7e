/** The page `privacy.html`: what is kept of whom, for the people who order. `docs/privacy.md` says it for the shop. */

import { languageFailed, onLanguage, otherLanguage, setLanguage, t, withLanguage } from './lib/i18n.js';
import { html, nothing, render } from './vendor/lit-html.js';

/** What is said, in this order: a heading and a text for each. */
const PARTS = /** @type {const} */ (['order', 'notes', 'see', 'phone', 'signs', 'address', 'others', 'ask']);

const app = /** @type {HTMLElement} */ (document.getElementById('app'));
// What stood there until now is none of the renderer's.
app.replaceChildren();

function show() {
  document.title = t('privacy.title');
  render(html`
    <header>
      <a href=${withLanguage('/')}>${t('privacy.back')}</a>
      <button lang=${otherLanguage()} @click=${() => setLanguage(otherLanguage())}>${t('common.other_language')}</button>
      ${languageFailed ? html`<p class="unchanged" role="alert" lang=${otherLanguage()}>${t('common.language_failed')}</p>` : nothing}
    </header>
    <main>
      <h1>${t('privacy.title')}</h1>
      <p class="lead">${t('privacy.lead')}</p>
      ${PARTS.map((part) => html`<h2>${t(`privacy.${part}`)}</h2><p>${t(`privacy.${part}_text`)}</p>`)}
    </main>`, app);
}

onLanguage(show);
show();
