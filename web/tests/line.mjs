/** A line of a test's own: the real program on a free port, with a log that is gone afterwards. */

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** How long anything may take. */
const PATIENCE_MS = 30_000;

/** The same where something may have to be built first. */
const BUILD_MS = 300_000;
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** What is tested: what `run.mjs` built, or what was built last. */
const BINARY =
  process.env.BREWLINE_TEST_BINARY ?? fileURLToPath(new URL('../../target/debug/brewline', import.meta.url));

/**
 * @typedef {object} LineOptions
 * @property {string[]} [args] of `brewline up`, beside log and address
 * @property {Record<string, string>} [files] by name, in the directory where it starts: `menu.toml`, `shop.toml`
 */

/**
 * A line that takes orders.
 * @param {LineOptions} [options]
 */
export async function begin(options = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'brewline-web-'));
  for (const [name, text] of Object.entries(options.files ?? {})) await writeFile(join(directory, name), text);
  const line = new Line(directory, options.args ?? []);
  await line.start();
  return line;
}

export class Line {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #process;
  /** What it said on stdout and stderr, over all its starts. */
  said = '';
  /** Where it is, once it was started: `http://127.0.0.1:PORT`. */
  url = '';
  /** The staff token. */
  token = '';

  /**
   * @param {string} directory
   * @param {string[]} args
   */
  constructor(directory, args) {
    this.directory = directory;
    this.args = args;
  }

  /** Starts it, where it was before if it was, and waits until it takes orders. */
  async start() {
    const address = this.url ? new URL(this.url).host : '127.0.0.1:0';
    const environment = Object.entries(process.env).filter(([name]) => !name.startsWith('BREWLINE_'));
    const args = ['up', '--log', `local:${join(this.directory, 'log')}`, '--listen', address, ...this.args];
    const child = spawn(BINARY, args, {
      cwd: this.directory,
      env: Object.fromEntries(environment),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    let now = '';
    const ready = new Promise((/** @type {(value?: unknown) => void} */ done, fail) => {
      const hear = (/** @type {Buffer} */ data) => {
        now += data;
        this.said += data;
        if (/^Ctrl-C stops/m.test(now)) done();
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      child.on('error', (error) => fail(new Error(`${BINARY} does not start: ${error.message}`)));
      child.on('exit', (code) => fail(new Error(`the line ended with ${code} before it began:\n${now}`)));
    });
    await within(ready, () => `the line takes orders; it said:\n${now}`);
    this.url = /http:\/\/127\.0\.0\.1:\d+/.exec(now)?.[0] ?? this.url;
    this.token = /^ +([0-9a-f]{64})$/m.exec(now)?.[1] ?? this.token;
  }

  /** Ends it as a power cut would: nothing is said to anyone. */
  async kill() {
    await this.#end('SIGKILL');
  }

  /** Ends it as its owner would. */
  async stop() {
    await this.#end('SIGTERM');
  }

  /**
   * Plants a loss in its log, while it is stopped (`tests/plant`).
   * @param {'pass-over' | 'ring-again'} what
   * @param {string} id of the order
   */
  async plant(what, id) {
    const locked = process.env.CI === 'true' ? ['--locked'] : [];
    const args = ['run', '--quiet', ...locked, '--package', 'plant', '--', join(this.directory, 'log'), what, id];
    await promisify(execFile)('cargo', args, { cwd: ROOT, timeout: BUILD_MS });
  }

  /** Ends it, and removes what it wrote. */
  async end() {
    await this.kill();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** @param {NodeJS.Signals} signal */
  async #end(signal) {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await within(gone, () => 'the line ends');
  }

  /**
   * A request; a body that is no text is sent as JSON.
   * @param {string} method
   * @param {string} path
   * @param {{body?: unknown, staff?: boolean, headers?: Record<string, string>}} [options]
   * @returns {Promise<{status: number, headers: Headers, body: any}>}
   */
  async ask(method, path, { body, staff = false, headers = {} } = {}) {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(staff ? { authorization: `Bearer ${this.token}` } : {}),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  }

  /**
   * An order, as whoever holds it places it, or as staff do; what the counter answered.
   * @param {unknown} body of `POST /orders`
   * @param {{staff?: boolean}} [options]
   */
  async place(body, options = {}) {
    const answer = await this.ask('POST', '/orders', { body, ...options });
    if (answer.status >= 300) throw new Error(`the order was refused: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /**
   * A command of staff, or of whoever holds the order; the order after it.
   * @param {string} id
   * @param {string} command
   * @param {{staff?: boolean} & Record<string, unknown>} [options] more fields of the command
   */
  async command(id, command, { staff = true, ...fields } = {}) {
    const answer = await this.ask('POST', `/orders/${id}/commands`, { body: { command, ...fields }, staff });
    if (answer.status >= 300) throw new Error(`${command} was refused: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /**
   * Waits until the order is as wanted, and gives it.
   * @param {string} id
   * @param {(order: any) => boolean} wanted
   */
  async shown(id, wanted) {
    const cut = new AbortController();
    /** @type {any} */
    let last;
    const watching = async () => {
      const response = await fetch(`${this.url}/orders/${id}/events`, { signal: cut.signal });
      let text = '';
      for await (const part of /** @type {any} */ (response.body).pipeThrough(new TextDecoderStream())) {
        text += part;
        const events = text.split('\n\n');
        text = events.pop() ?? '';
        for (const event of events) {
          const data = /^data: (.*)$/m.exec(event)?.[1];
          if (!/^event: order$/m.test(event) || !data) continue;
          last = JSON.parse(data);
          if (wanted(last)) return last;
        }
      }
      throw new Error(`the stream ended before the order was as wanted: ${JSON.stringify(last)}`);
    };
    try {
      return await within(watching(), () => `the order is as wanted; it is ${JSON.stringify(last)}`);
    } finally {
      cut.abort();
    }
  }
}

/**
 * @template T
 * @param {Promise<T>} what
 * @param {() => string} that
 */
async function within(what, that) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const late = new Promise((_, fail) => {
    timer = setTimeout(() => fail(new Error(`Within ${PATIENCE_MS / 1000} s: ${that()}`)), PATIENCE_MS);
  });
  try {
    return /** @type {T} */ (await Promise.race([what, late]));
  } finally {
    clearTimeout(timer);
  }
}
