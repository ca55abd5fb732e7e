import assert from 'node:assert/strict';
import test from 'node:test';

import { staticParts } from './templates.mjs';

test('templates are found within templates, and nothing that only looks like one', () => {
  const module = [
    'const a = html`<p title="x">${b ? html`<b>in ${`no`}</b>` : { c: \'`}\' }} out</p>`; // html`comment`',
    '/* html`comment` */ const d = `no`; const e = svg`<g/>`; const f = "html`no`";',
  ].join('\n');
  assert.deepEqual(staticParts(module), ['<b>in \0</b>', '<p title="x">\0 out</p>', '<g/>']);
});
