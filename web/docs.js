/** The page `docs.html`: what programs can ask, and what stands in the log, from the two specifications. */

import { asChannels, asOperations, isWanted } from './lib/docs-model.js';
import { channelView, operationView } from './lib/docs-view.js';
import { languageFailed, onLanguage, otherLanguage, setLanguage, t, withLanguage } from './lib/i18n.js';
import { html, nothing, render } from './vendor/lit-html.js';

/** @typedef {import('./lib/docs-model.js').Operation} Operation */
/** @typedef {import('./lib/docs-model.js').Channel} Channel */
/** @typedef {{tag: string, about: string, operations: Operation[]}} Group Requests that are about one thing. */
/** @typedef {{groups: Group[], channels: Channel[]}} Documents */

const FILES = { http: '/docs/openapi.json', topics: '/docs/asyncapi.json' };

const app = /** @type {HTMLElement} */ (document.getElementById('app'));
// What stood there until now is none of the renderer's.
app.replaceChildren();

/** @type {'loading' | 'lost' | Documents} */
let documents = 'loading';
/** @type {keyof typeof FILES} */
let shown = 'http';
let query = '';
/** @type {Set<string>} What is unfolded, by its place: most of it nobody looks at, so it is not even made. */
const unfolded = new Set();

function show() {
  document.title = t('docs.title');
  render(html`
    <header>
      <a href=${withLanguage('/')}>${t('docs.back')}</a>
      <button lang=${otherLanguage()} @click=${() => setLanguage(otherLanguage())}>${t('common.other_language')}</button>
      ${languageFailed ? html`<p class="unchanged" role="alert" lang=${otherLanguage()}>${t('common.language_failed')}</p>` : nothing}
    </header>
    <main>
      <h1>${t('docs.title')}</h1>
      <p class="muted">${t('docs.lead')}</p>
      <div class="tools">
        <div class="which" role="group" aria-label=${t('docs.which')}>${tab('http')}${tab('topics')}</div>
        <label class="grow"><span class="vh">${t('docs.search')}</span>
          <input type="search" placeholder=${t('docs.search')} .value=${query} @input=${search}></label>
        <a class="button quiet" href=${FILES[shown]}>${t(`docs.file_${shown}`)}</a>
      </div>
      ${documents === 'loading' ? nothing : documents === 'lost' ? lost() : list(documents)}
    </main>`, app);
}

/** @param {keyof typeof FILES} which */
function tab(which) {
  const choose = () => {
    shown = which;
    show();
  };
  return html`<button class="quiet" aria-pressed=${String(shown === which)} @click=${choose}>${t(`docs.${which}`)}</button>`;
}

function lost() {
  return html`<p class="notice" role="alert">${t('docs.lost')}</p>
    <button class="primary" @click=${load}>${t('docs.again')}</button>`;
}

/** @param {Documents} documents */
function list({ groups, channels }) {
  const fold = { isOpen: (/** @type {string} */ place) => unfolded.has(place), turn };
  const found = shown === 'http'
    ? groups.map(({ tag, about, operations }) => ({ tag, about, some: operations.filter(({ words }) => isWanted(words, query)) }))
    : [{ tag: '', about: '', some: channels.filter(({ words }) => isWanted(words, query)) }];
  const any = found.filter(({ some }) => some.length > 0);
  return html`<p class="vh" role="status">${t('docs.found', { count: any.reduce((sum, { some }) => sum + some.length, 0) })}</p>
    ${any.length === 0 ? html`<p class="notice">${t('docs.none')}</p>` : nothing}
    <div lang="en">${any.map(({ tag, about, some }) => html`
      ${tag === '' ? html`<h2 lang=${document.documentElement.lang}>${t('docs.topics')}</h2>` : html`<h2>${tag}</h2><p class="muted">${about}</p>`}
      ${some.map((one) => 'method' in one ? operationView(one, fold) : channelView(one, fold))}`)}</div>`;
}

/** @param {string} place @param {boolean} isOpen */
function turn(place, isOpen) {
  if (isOpen === unfolded.has(place)) return;
  if (isOpen) unfolded.add(place);
  else unfolded.delete(place);
  show();
}

/** @param {Event & {currentTarget: HTMLInputElement}} event */
function search({ currentTarget }) {
  query = currentTarget.value;
  show();
}

async function load() {
  try {
    const [openapi, asyncapi] = await Promise.all([FILES.http, FILES.topics].map(async (path) => {
      const answer = await fetch(path, { headers: { accept: 'application/json' } });
      if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
      return answer.json();
    }));
    const operations = asOperations(openapi);
    const groups = openapi.tags.map((/** @type {{name: string, description: string}} */ { name, description }) => (
      { tag: name, about: description, operations: operations.filter(({ tag }) => tag === name) }));
    documents = { groups, channels: asChannels(asyncapi) };
  } catch {
    documents = 'lost';
  }
  show();
  follow();
}

/** Shows what the address names. */
function follow() {
  const name = location.hash.slice(1);
  if (name === '' || typeof documents === 'string') return;
  const isTopic = documents.channels.some(({ id }) => id === name);
  shown = isTopic ? 'topics' : 'http';
  unfolded.add(name);
  show();
  document.getElementById(name)?.scrollIntoView();
}

onLanguage(show);
window.addEventListener('hashchange', follow);
show();
load();
