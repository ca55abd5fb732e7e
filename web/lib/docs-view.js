/** A request and a topic, folded: what is in one is made only once someone unfolds it. */

import { html, nothing } from '../vendor/lit-html.js';
import { shapesOf, typeOf } from './docs-model.js';
import { t } from './i18n.js';

/** @typedef {import('./docs-model.js').Schema} Schema */
/** @typedef {{isOpen(place: string): boolean, turn(place: string, isOpen: boolean): void}} Fold What is unfolded, by its place. */

/** @param {import('./docs-model.js').Operation} operation @param {Fold} fold */
export function operationView(operation, fold) {
  const { id, method, path, summary, who } = operation;
  const head = html`<code><b class=${`method ${method.toLowerCase()}`}>${method}</b> ${path}</code> <span>${summary}</span>
    ${who === 'everyone' ? nothing : html`<small class="who" lang=${document.documentElement.lang}>${t(`docs.who_${who}`)}</small>`}`;
  return folded(id, head, fold, () => html`
    ${operation.about === '' ? nothing : html`<p>${said(operation.about)}</p>`}
    ${operation.parameters.length === 0 ? nothing : html`<h3>${own('docs.parameters')}</h3>
      <dl>${operation.parameters.map(({ name, place, about, isRequired, schema }) => html`
        <dt><code>${name}</code> <small>${place}</small>${needed(isRequired)}</dt>
        <dd><code class="type">${typeOf(schema)}</code> ${said(about)}</dd>`)}</dl>`}
    ${operation.body.length === 0 ? nothing : html`<h3>${own('docs.body')}</h3>
      ${operation.body.map((content) => contentView(content, operation.all, `${id}/body`, fold))}`}
    <h3>${own('docs.answers')}</h3>
    <dl>${operation.answers.map(({ status, about, headers, contents }) => html`
      <dt><code class=${status < '400' ? 'good' : 'bad'}>${status}</code> ${headers.map((name) => html` <small>${name}</small>`)}</dt>
      <dd>${said(about)} ${contents.map((content) => contentView(content, operation.all, `${id}/${status}/${content.kind}`, fold))}</dd>`)}</dl>`);
}

/** @param {import('./docs-model.js').Channel} channel @param {Fold} fold */
export function channelView(channel, fold) {
  const { id, address, about } = channel;
  const head = html`<code><b>${address}</b></code> <span>${said(about)}</span>`;
  return folded(id, head, fold, () => html`
    <p><code class="type">${channel.settings}</code></p>
    <h3>${own('docs.operations')}</h3>
    <ul>${channel.operations.map(({ who, action, about }) => html`<li><b>${who}</b> <small>${action}</small> ${said(about)}</li>`)}</ul>
    <h3>${own('docs.messages')}</h3>
    ${channel.messages.map((message) => {
      const place = `${id}/${message.name}`;
      return folded(place, html`<code><b>${message.name}</b></code> <span>${said(message.about)}</span>`, fold, () => html`
        <dl>
          <dt>${own('docs.key')}</dt><dd><code class="type">${typeOf(message.key)}</code> ${said(message.key.description ?? '')}</dd>
          <dt>${own('docs.headers')}</dt><dd>${Object.keys(message.headers.properties ?? {}).length === 0 ? own('docs.no_headers') : schemaView(message.headers, channel.all, `${place}/headers`, fold)}</dd>
          <dt>${own('docs.value')} <small>${message.kind}</small></dt><dd>${schemaView(message.payload, channel.all, `${place}/value`, fold)}</dd>
        </dl>`);
    })}`);
}

/** @param {import('./docs-model.js').Content} content @param {Schema} all @param {string} place @param {Fold} fold */
function contentView({ kind, schema, events, examples }, all, place, fold) {
  if (events.length > 0) {
    return html`<p><small>${kind}</small></p>
      <dl>${events.map(({ name, about, schema, examples }) => html`<dt><code>${name}</code></dt>
        <dd>${said(about)} ${schemaView(schema, all, `${place}/${name}`, fold)} ${examplesView(examples, `${place}/${name}`, fold)}</dd>`)}</dl>`;
  }
  return html`<div class="content"><small>${kind}</small> ${schemaView(schema, all, place, fold)} ${examplesView(examples, place, fold)}</div>`;
}

/** @param {import('./docs-model.js').Example[]} examples @param {string} place @param {Fold} fold */
function examplesView(examples, place, fold) {
  return examples.map(({ name, summary, text }) => folded(`${place}/example/${name}`, html`<small>${own('docs.example')}</small> <span>${summary}</span>`, fold,
    () => html`<pre><code>${text}</code></pre>`));
}

/** @param {Schema | boolean | undefined} schema @param {Schema} all @param {string} place @param {Fold} fold @returns {unknown} */
function schemaView(schema, all, place, fold) {
  const type = html`<code class="type">${typeOf(schema)}</code>`;
  // Whether there is something to unfold is seen without looking into what that refers to.
  if (shapesOf(schema, all).length === 0) return type;
  return folded(place, type, fold, () => shapesOf(schema, all).map(({ title, about, fields }, way, { length }) => html`
    ${length === 1 || title === '' ? nothing : html`<p><b>${title}</b></p>`}
    ${about === '' ? nothing : html`<p>${said(about)}</p>`}
    <dl>${fields.map((field) => html`
      <dt><code>${field.name}</code>${needed(field.isRequired)}</dt>
      <dd>${said(field.about)} ${schemaView(field.schema, all, `${place}/${way}/${field.name}`, fold)}</dd>`)}</dl>`));
}

/** @param {string} place @param {unknown} head @param {Fold} fold @param {() => unknown} content */
function folded(place, head, fold, content) {
  const isOpen = fold.isOpen(place);
  /** @param {Event & {currentTarget: HTMLDetailsElement}} event */
  const toggle = (event) => {
    // That of a fold within comes by here as well.
    event.stopPropagation();
    fold.turn(place, event.currentTarget.open);
  };
  return html`<details id=${place} .open=${isOpen} @toggle=${toggle}><summary>${head}</summary>
    ${isOpen ? html`<div class="inside">${content()}</div>` : nothing}</details>`;
}

/** A text of the page's own within what is English. @param {import('./i18n.js').MessageKey} key */
function own(key) {
  return html`<span lang=${document.documentElement.lang}>${t(key)}</span>`;
}

/** @param {boolean} isRequired */
function needed(isRequired) {
  return isRequired ? html` <small class="needed" lang=${document.documentElement.lang}>${t('docs.required')}</small>` : nothing;
}

/** A text of the document: what stands between backticks is code. @param {string} text */
function said(text) {
  return text.split('`').map((part, i) => i % 2 === 1 ? html`<code>${part}</code>` : part);
}
