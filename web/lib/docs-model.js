/** The two specifications as the page shows them: decisions, without a browser. */

/** @typedef {{[keyword: string]: any}} Schema A JSON Schema, as far as ours go. */
/** @typedef {{name: string, place: string, about: string, isRequired: boolean, schema: Schema}} Parameter */
/** @typedef {{name: string, summary: string, text: string}} Example */
/** @typedef {{name: string, about: string, schema: Schema, examples: Example[]}} StreamEvent */
/** @typedef {{kind: string, schema: Schema | undefined, events: StreamEvent[], examples: Example[]}} Content */
/** @typedef {{status: string, about: string, headers: string[], contents: Content[]}} Answer */
/** @typedef {'everyone' | 'anyone' | 'staff' | 'managers'} Who */
/**
 * @typedef {object} Operation
 * @property {string} id
 * @property {string} method
 * @property {string} path
 * @property {string} summary
 * @property {string} about
 * @property {string} tag
 * @property {Who} who
 * @property {Parameter[]} parameters
 * @property {Content[]} body
 * @property {Answer[]} answers
 * @property {Schema} all the schemas that others refer to, by name
 * @property {string} words what it is found by
 */
/** @typedef {{name: string, about: string, key: Schema, headers: Schema, payload: Schema, kind: string}} Message */
/**
 * @typedef {object} Channel
 * @property {string} id
 * @property {string} address
 * @property {string} about
 * @property {string} settings how the topic is kept
 * @property {{who: string, action: string, about: string}[]} operations
 * @property {Message[]} messages
 * @property {Schema} all
 * @property {string} words
 */

/** The requests of an OpenAPI document. @param {any} document @returns {Operation[]} */
export function asOperations(document) {
  const { parameters: known, schemas: all } = document.components;
  return Object.entries(document.paths).flatMap(([path, methods]) => Object.entries(/** @type {any} */ (methods)).map(([method, operation]) => ({
    id: operation.operationId,
    method: method.toUpperCase(),
    path,
    summary: operation.summary,
    about: operation.description ?? '',
    tag: operation.tags[0],
    who: whoOf(operation.security),
    parameters: (operation.parameters ?? []).map((/** @type {any} */ parameter) => asParameter(known[nameOf(parameter.$ref)])),
    body: contentsOf(operation.requestBody?.content),
    answers: Object.entries(operation.responses).map(([status, answer]) => asAnswer(status, answer)),
    all,
    words: `${method} ${path} ${operation.operationId} ${operation.summary} ${operation.description ?? ''} ${Object.values(operation.responses).map((answer) => answer.description).join(' ')}`.toLowerCase(),
  })));
}

/** @param {any} parameter @returns {Parameter} */
function asParameter({ name, in: place, description, required, schema }) {
  return { name, place, about: description, isRequired: required === true, schema };
}

/** @param {string} status @param {any} answer @returns {Answer} */
function asAnswer(status, { description, headers, content }) {
  return { status, about: description, headers: Object.keys(headers ?? {}), contents: contentsOf(content) };
}

/** @param {any} content @returns {Content[]} */
function contentsOf(content) {
  return Object.entries(content ?? {}).map(([kind, { schema, 'x-events': events, examples }]) => ({
    kind,
    schema,
    examples: examplesOf(examples),
    events: Object.entries(events ?? {}).map(([name, event]) => (
      { name, about: event.description, schema: event.schema, examples: examplesOf(event.examples) })),
  }));
}

/** @param {Record<string, {summary: string, value: unknown}> | undefined} examples @returns {Example[]} */
function examplesOf(examples) {
  return Object.entries(examples ?? {}).map(([name, { summary, value }]) => (
    { name, summary, text: typeof value === 'string' ? value : JSON.stringify(value, null, 2) }));
}

/** Who may ask: by the roles of the document. @param {Record<string, string[]>[]} security @returns {Who} */
function whoOf(security) {
  if (security.length === 0) return 'everyone';
  const roles = security.flatMap((one) => Object.values(one).flat());
  if (roles.includes('manager')) return 'managers';
  return roles.includes('barista') ? 'staff' : 'anyone';
}

/** The topics of an AsyncAPI document. @param {any} document @returns {Channel[]} */
export function asChannels(document) {
  const { messages: known, schemas: all } = document.components;
  const operations = Object.values(document.operations);
  return Object.entries(document.channels).map(([id, channel]) => {
    const messages = Object.keys(channel.messages).map((name) => asMessage(name, known[name], document.defaultContentType));
    const { topicConfiguration } = channel.bindings.kafka;
    return {
      id,
      address: channel.address,
      about: channel.description,
      settings: Object.entries(topicConfiguration).map(([name, value]) => `${name}=${value}`).join(', '),
      operations: operations.filter((operation) => nameOf(operation.channel.$ref) === id)
        .map(({ action, summary, tags }) => ({ action, about: summary, who: tags[0].name })),
      messages,
      all,
      words: `${channel.address} ${id} ${channel.description} ${messages.map(({ name, about }) => `${name} ${about}`).join(' ')}`.toLowerCase(),
    };
  });
}

/** @param {string} name @param {any} message @param {string} kind @returns {Message} */
function asMessage(name, { summary, headers, payload, bindings, contentType }, kind) {
  return { name, about: summary, headers, payload, key: bindings.kafka.key, kind: contentType ?? kind };
}

/** Whether each word that is looked for is there. @param {string} words @param {string} query */
export function isWanted(words, query) {
  return query.toLowerCase().split(/\s+/).every((word) => words.includes(word));
}

/** The last part of a reference. @param {string} reference */
export function nameOf(reference) {
  return reference.slice(reference.lastIndexOf('/') + 1);
}

/** Bounds that a schema may have, as it writes them. */
const BOUNDS = ['format', 'minimum', 'maximum', 'minLength', 'maxLength', 'minItems', 'maxItems', 'maxProperties', 'pattern', 'default'];

/**
 * What a value is, in one line, in the words of JSON Schema: `string, maxLength 80`.
 *
 * @param {Schema | boolean | undefined} schema
 * @returns {string}
 */
export function typeOf(schema) {
  if (schema === undefined || schema === true) return 'anything';
  if (schema === false) return 'nothing: it is not there';
  const bounds = BOUNDS.filter((name) => name in schema).map((name) => `${name} ${schema[name]}`);
  return [kindOf(schema), ...bounds].filter(Boolean).join(', ');
}

/** @param {Schema} schema @returns {string} */
function kindOf(schema) {
  if ('$ref' in schema) return nameOf(schema.$ref);
  if ('const' in schema) return JSON.stringify(schema.const);
  if ('enum' in schema) return schema.enum.map((/** @type {unknown} */ value) => JSON.stringify(value)).join(' | ');
  const some = schema.oneOf ?? schema.anyOf;
  if (some !== undefined && !('properties' in schema)) return some.map(kindOf).join(' | ');
  if (schema.allOf?.length === 1 && !('properties' in schema)) return kindOf(schema.allOf[0]);
  if (schema.allOf !== undefined) return 'object';
  if (schema.type === undefined) return 'properties' in schema ? 'object' : 'anything';
  const items = () => schema.items === undefined ? 'anything' : kindOf(schema.items);
  return [schema.type].flat().map((type) => type === 'array' ? `array of ${items()}` : type).join(' | ');
}

/** @typedef {{name: string, about: string, isRequired: boolean, schema: Schema | boolean}} Field */
/** @typedef {{title: string, about: string, fields: Field[]}} Shape The fields of an object, or of one way in which it may be. */

/**
 * What there is to unfold of a schema: the objects in it, one for each way in which it may be.
 *
 * @param {Schema | boolean | undefined} schema
 * @param {Schema} all
 * @returns {Shape[]}
 */
export function shapesOf(schema, all) {
  if (schema === undefined || typeof schema === 'boolean') return [];
  if ('$ref' in schema) {
    const name = nameOf(schema.$ref);
    return shapesOf(all[name], all).map((shape) => ({ ...shape, title: shape.title || name }));
  }
  if ([schema.type].flat().includes('array')) return shapesOf(schema.items, all);
  if (schema.additionalProperties?.type !== undefined && !('properties' in schema)) return shapesOf(schema.additionalProperties, all);
  /** @type {Shape[]} */
  let shapes = [{ title: '', about: schema.description ?? '', fields: fieldsOf(schema) }];
  // What must be all of these has the fields of each; what may be one of these is shown once for each.
  for (const part of schema.allOf ?? []) shapes = product(shapes, shapesOf(part, all));
  const some = (schema.oneOf ?? schema.anyOf ?? []).filter((/** @type {Schema} */ one) => 'properties' in one || '$ref' in one || 'allOf' in one);
  const ways = some.flatMap((/** @type {Schema} */ one) => shapesOf(one, all));
  if (ways.length > 0) shapes = product(shapes, ways);
  return shapes.filter(({ fields }) => fields.length > 0);
}

/** @param {Schema} schema @returns {Field[]} */
function fieldsOf({ properties = {}, required = [] }) {
  const fields = Object.entries(properties).map(([name, field]) => (
    { name, about: field.description ?? '', isRequired: required.includes(name), schema: field }));
  return fields.sort((a, b) => Number(b.isRequired) - Number(a.isRequired));
}

/** @param {Shape[]} some @param {Shape[]} others @returns {Shape[]} */
function product(some, others) {
  if (others.length === 0) return some;
  return some.flatMap((one) => others.map((other) => {
    // Of a field that both have the first says more: it narrows what the other is.
    const mine = new Map(one.fields.map((field) => [field.name, field]));
    const shared = other.fields.map((field) => {
      const { schema = field.schema, about = '', isRequired = false } = mine.get(field.name) ?? {};
      return { ...field, schema, about: field.about || about, isRequired: field.isRequired || isRequired };
    });
    const fields = [...shared, ...one.fields.filter(({ name }) => !shared.some((field) => field.name === name))];
    return { title: [one.title, other.title].filter(Boolean).join(' · '), about: other.about || one.about, fields };
  }));
}
