/**
 * A counter that a test speaks for: what the test says of itself comes in place of the line's, over real streams;
 * everything else comes from the line.
 */

import { once } from 'node:events';
import { createServer, request } from 'node:http';

/**
 * @param {string} url of the line
 */
export async function standIn(url) {
  const stand = new StandIn(url);
  stand.server.listen(0, '127.0.0.1');
  await once(stand.server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (stand.server.address());
  stand.url = `http://127.0.0.1:${port}`;
  return stand;
}

export class StandIn {
  url = '';
  /** What a path answers. @type {Map<string, {status: number, body: any}>} */
  #answers = new Map();
  /** What a stream says to whoever comes. @type {Map<string, {event: string, data: any}[]>} */
  #greetings = new Map();
  /** @type {Map<string, Set<import('node:http').ServerResponse>>} */
  #streams = new Map();
  /** Requests that are none of the line's, as they came. @type {{method: string, path: string, body: any}[]} */
  asked = [];

  /** @param {string} line */
  constructor(line) {
    this.line = line;
    this.server = createServer((asked, answer) => this.#serve(asked, answer));
  }

  /**
   * A path, with its query, answers this from now on.
   * @param {string} path
   * @param {any} body
   * @param {number} [status]
   */
  answer(path, body, status = 200) {
    this.#answers.set(path, { status, body });
  }

  /**
   * A stream begins with this, from now on, and tells it to those who listen.
   * @param {string} path
   * @param {string} event
   * @param {any} data
   */
  say(path, event, data) {
    this.#greetings.set(path, [{ event, data }]);
    this.tell(path, event, data);
  }

  /**
   * Tells it to those who listen, and to nobody who comes later.
   * @param {string} path
   * @param {string} event
   * @param {any} data
   */
  tell(path, event, data) {
    for (const stream of this.#streams.get(path) ?? []) stream.write(written(event, data));
  }

  /** How many listen. @param {string} path */
  listeners(path) {
    return this.#streams.get(path)?.size ?? 0;
  }

  /** Waits until whoever listens has taken all that was told. @param {string} path */
  async taken(path) {
    for (const stream of this.#streams.get(path) ?? []) if (stream.writableNeedDrain) await once(stream, 'drain');
  }

  async end() {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  /** @param {import('node:http').IncomingMessage} asked @param {import('node:http').ServerResponse} answer */
  #serve(asked, answer) {
    const path = asked.url ?? '/';
    if (this.#greetings.has(path)) return this.#stream(path, answer);
    const own = this.#answers.get(path);
    if (own) return this.#answer(own, asked, answer);
    const { method, headers } = asked;
    const onwards = request(`${this.line}${path}`, { method: method ?? 'GET', headers: { ...headers, host: new URL(this.line).host } }, (from) => {
      answer.writeHead(from.statusCode ?? 502, from.headers);
      from.pipe(answer);
    });
    // A line that is killed in the middle is as gone for the page as it is.
    onwards.on('error', () => answer.destroy());
    answer.on('close', () => onwards.destroy());
    asked.pipe(onwards);
  }

  /**
   * @param {{status: number, body: any}} own
   * @param {import('node:http').IncomingMessage} asked
   * @param {import('node:http').ServerResponse} answer
   */
  async #answer({ status, body }, asked, answer) {
    let text = '';
    for await (const part of asked) text += part;
    this.asked.push({ method: asked.method ?? 'GET', path: asked.url ?? '/', body: text === '' ? null : JSON.parse(text) });
    answer.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }

  /** @param {string} path @param {import('node:http').ServerResponse} answer */
  #stream(path, answer) {
    const streams = this.#streams.get(path) ?? new Set();
    this.#streams.set(path, streams.add(answer));
    answer.on('close', () => streams.delete(answer));
    answer.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    for (const { event, data } of this.#greetings.get(path) ?? []) answer.write(written(event, data));
  }
}

/** @param {string} event @param {any} data */
function written(event, data) {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
