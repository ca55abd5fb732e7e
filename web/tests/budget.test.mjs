/** What the first load of the order page costs whoever comes in on a slow network. `bench/first-load.mjs` takes the time. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { lineAndBrowser, open } from './harness.mjs';

const BYTES_MAX = 60_000;
const REQUESTS_MAX = 12;

const { line, browser } = await lineAndBrowser(test);

for (const language of ['en', 'ko']) {
  test(`the first load in ${language} is at most ${BYTES_MAX} bytes in ${REQUESTS_MAX} requests`, async () => {
    const phone = await open(browser, 'about:blank', { language });
    const devtools = await phone.context.newCDPSession(phone.page);
    await devtools.send('Network.enable');
    let bytes = 0;
    /** @type {string[]} */
    const asked = [];
    devtools.on('Network.requestWillBeSent', ({ request }) => {
      if (request.url.startsWith('http')) asked.push(new URL(request.url).pathname);
    });
    // Heads and bodies as they come over the wire.
    devtools.on('Network.responseReceived', ({ response }) => (bytes += response.encodedDataLength));
    devtools.on('Network.dataReceived', ({ encodedDataLength }) => (bytes += encodedDataLength));
    await phone.page.goto(`${line.url}/`);
    await phone.page.waitForSelector('[data-item] button.add');
    await phone.page.waitForSelector('.promise strong');
    assert.ok(asked.length <= REQUESTS_MAX, `${asked.length} requests: ${asked.join(' ')}`);
    assert.ok(bytes > 10_000 && bytes <= BYTES_MAX, `${bytes} bytes`);
    assert.equal(new Set(asked).size, asked.length, `nothing is asked for twice: ${asked.join(' ')}`);
    await phone.close();
  });
}
