/** The two specifications, as the page lists them. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import { asChannels, asOperations, shapesOf, typeOf } from '../../lib/docs-model.js';

/** @param {string} name */
function read(name) {
  return JSON.parse(readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8'));
}

const { components: { schemas } } = read('openapi.json');

test('an order to be placed is shown once with an amount and once with items, each field with what it is', () => {
  const shapes = shapesOf({ $ref: '#/components/schemas/NewOrder' }, schemas);
  assert.deepEqual(shapes.map(({ fields }) => fields.filter(({ isRequired }) => isRequired).map(({ name }) => name)), [['amount'], ['items']]);
  for (const { name, about } of shapes.flatMap(({ fields }) => fields)) assert.notEqual(about, '', name);
});

test('what is in a list can be unfolded, also where there may be none', () => {
  const [{ fields }] = shapesOf({ $ref: '#/components/schemas/NewOrder' }, schemas);
  const items = fields.find(({ name }) => name === 'items');
  assert.match(typeOf(items?.schema), /^array of \w+ \| null, maxItems/);
  const lines = shapesOf(items?.schema, schemas).flatMap((shape) => shape.fields.map(({ name }) => name));
  assert.ok(lines.includes('quantity'), lines.join());
});

test('a field that is narrowed keeps what is said of it', () => {
  const { components } = read('asyncapi.json');
  const [order] = shapesOf(components.messages.orderProcessed.payload, components.schemas);
  const status = order.fields.find(({ name }) => name === 'status');
  assert.equal(typeOf(status?.schema), '1');
  assert.ok(status?.isRequired);
});

test('every request and every topic has words to be found by', () => {
  const all = [...asOperations(read('openapi.json')), ...asChannels(read('asyncapi.json'))];
  for (const { id, words } of all) assert.ok(words.includes(id.toLowerCase()) && !words.includes('undefined'), words);
});
