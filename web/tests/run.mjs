/**
 * Runs the tests of the pages against the program as it is built now, and says how they went as cargo does.
 *
 *   node tests/run.mjs            all that need a browser
 *   node tests/run.mjs order      only files whose name has this in it
 *   node tests/run.mjs --plain    those in `plain/`, which need neither browser nor program
 */

import { spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { relative } from 'node:path';
import { run } from 'node:test';
import { fileURLToPath } from 'node:url';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** A file of tests that takes longer hangs. */
const FILE_MS = 300_000;

const isPlain = process.argv.includes('--plain');
const wanted = process.argv.slice(2).find((argument) => !argument.startsWith('--')) ?? '';
const folder = isPlain ? `${HERE}plain/` : HERE;
const files = (await readdir(folder)).filter((name) => name.endsWith('.test.mjs') && name.includes(wanted)).sort();
if (!isPlain) process.env.BREWLINE_TEST_BINARY = await build();

let [passed, failed, ignored] = [0, 0, 0];
// One at a time: each has a line and a browser of its own, and what they wait for must not depend on the others.
const tests = run({ files: files.map((name) => folder + name), concurrency: 1, timeout: FILE_MS });
for await (const { type, data } of tests) {
  if (type !== 'test:pass' && type !== 'test:fail') continue;
  const where = relative(folder, data.file ?? data.name);
  // A file is reported as a test where it had none or ended badly; a suite where one of its tests did.
  const isGroup = data.details?.type === 'suite' || files.includes(relative(folder, data.name));
  if (isGroup && type === 'test:pass') continue;
  if (isGroup && /** @type {any} */ (data).details?.error?.failureType === 'subtestsFailed') continue;
  if (data.skip !== undefined || data.todo !== undefined) ignored += 1;
  else if (type === 'test:pass') passed += 1;
  else failed += 1;
  console.log(`test ${where}: ${data.name} ... ${type === 'test:pass' ? 'ok' : 'FAILED'}`);
  if (type === 'test:fail') console.log(/** @type {any} */ (data).details?.error);
}
console.log(`test result: ${failed === 0 ? 'ok' : 'FAILED'}. ${passed} passed; ${failed} failed; ${ignored} ignored`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

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
