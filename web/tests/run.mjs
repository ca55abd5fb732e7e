/**
 * Runs the tests of the pages against the program as it is built now, and says how they went as cargo does.
 *
 *   node tests/run.mjs            all that need a browser
 *   node tests/run.mjs order      only files whose name has this in it
 *   node tests/run.mjs --plain    those in `plain/`, which need neither browser nor program
 */

import { spawn } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { relative } from 'node:path';
import { run } from 'node:test';
import { fileURLToPath } from 'node:url';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** A file of tests that takes longer hangs; each wait in it has a bound of its own. */
const FILE_MS = 900_000;

const isPlain = process.argv.includes('--plain');
const wanted = process.argv.slice(2).find((argument) => !argument.startsWith('--')) ?? '';
const folder = isPlain ? `${HERE}plain/` : HERE;
const files = (await readdir(folder)).filter((name) => name.endsWith('.test.mjs') && name.includes(wanted)).sort();
// The longest first, as far as their size says so: none of them is left alone at the end.
const sizes = new Map(await Promise.all(files.map(async (name) => /** @type {const} */ ([name, (await stat(folder + name)).size]))));
files.sort((a, b) => (sizes.get(b) ?? 0) - (sizes.get(a) ?? 0));
if (!isPlain) process.env.BREWLINE_TEST_BINARY = await build();

const results = { ok: 0, FAILED: 0, ignored: 0 };
/** What the failed ones said, which stands at the end, where it is looked for.
 * @type {{ name: string, error: unknown }[]} */
const failures = [];
/** Files of which nothing was heard. */
const silent = new Set(files);
// Two for each core: each has a line and a browser of its own, and mostly they wait.
const concurrency = Math.min(2 * availableParallelism(), 8);
const tests = run({ files: files.map((name) => folder + name), concurrency, timeout: FILE_MS });
for await (const { type, data } of tests) {
  const file = relative(folder, /** @type {any} */ (data).file ?? '');
  if (type === 'test:stdout' || type === 'test:stderr') process.stdout.write(data.message);
  if (type === 'test:complete' && data.name === folder + file) {
    console.log(`${file} took ${Math.round(data.details.duration_ms / 1000)} s`);
  }
  // What goes wrong after its test has ended went wrong all the same.
  if (type === 'test:diagnostic' && /asynchronous activity/.test(data.message)) say(file, data.message, 'FAILED');
  if (type !== 'test:pass' && type !== 'test:fail') continue;
  const error = /** @type {any} */ (data.details)?.error;
  // A file counts as a test only if it ended badly, and what has tests in it only by those.
  if (data.name === folder + file && type === 'test:pass') continue;
  silent.delete(file);
  if (/** @type {any} */ (data.details)?.type === 'suite' && type === 'test:pass') continue;
  if (error?.failureType === 'subtestsFailed') continue;
  const isIgnored = data.skip !== undefined || data.todo !== undefined;
  say(file, data.name, isIgnored ? 'ignored' : type === 'test:pass' ? 'ok' : 'FAILED');
  if (error) failures.push({ name: `${file}: ${data.name}`, error });
}
for (const file of silent) say(file, 'it has tests, and runs them to the end', 'FAILED');
if (failures.length > 0) console.log('\nfailures:');
for (const { name, error } of failures) console.log(`\n---- ${name} ----\n`, error);
const word = results.FAILED === 0 ? 'ok' : 'FAILED';
console.log(`test result: ${word}. ${results.ok} passed; ${results.FAILED} failed; ${results.ignored} ignored`);
process.exitCode = results.FAILED === 0 && results.ok > 0 ? 0 : 1;

/**
 * @param {string} file
 * @param {string} name
 * @param {keyof typeof results} result
 */
function say(file, name, result) {
  results[result] += 1;
  console.log(`test ${file}: ${name} ... ${result}`);
}

/** Builds the program as cargo's own tests have it, and gives its path. */
async function build() {
  if (process.env.BREWLINE_TEST_BINARY) return process.env.BREWLINE_TEST_BINARY;
  const args = ['build', '--package', 'brewline', '--message-format', 'json-render-diagnostics'];
  if (process.env.CI === 'true') args.push('--locked');
  const cargo = spawn('cargo', args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  for await (const part of cargo.stdout) said += part;
  const messages = said.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  const binary = messages.find((message) => message.executable && message.target.name === 'brewline')?.executable;
  if (!binary) {
    console.log('the program could not be built');
    process.exit(1);
  }
  return binary;
}
