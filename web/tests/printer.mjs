/** A printer that answers as real ones do, and remembers what it was sent. */

import { createServer } from 'node:net';

/** @param {{paper?: boolean}} [begins] whether it has paper */
export async function startPrinter({ paper = true } = {}) {
  /** @type {(text: string) => void} */
  let heard = () => {};
  const printer = {
    paper,
    port: 0,
    all: '',
    /** All that it was sent, once a copy is among it. @type {Promise<string>} */
    copied: new Promise((done) => (heard = done)),
    close: () => server.close(),
  };
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => {
      const text = data.toString('latin1');
      printer.all += text;
      for (const [, asked] of text.matchAll(/\x10\x04([\x02\x04])/g)) socket.write(Buffer.from([asked === '\x04' && !printer.paper ? 0x72 : 0x12]));
      if (text.includes('\x1dr\x01')) socket.write(Buffer.from([0]));
      if (printer.all.includes('COPY')) heard(printer.all);
    });
  });
  await new Promise((/** @type {(value?: unknown) => void} */ done) => server.listen(0, '127.0.0.1', () => done()));
  printer.port = /** @type {import('node:net').AddressInfo} */ (server.address()).port;
  return printer;
}

/** `shop.toml` with this printer. @param {number} port */
export function shopWithPrinter(port) {
  return `name = "A"\ncurrency = "KRW"\ntime_zone = "UTC"\n[printer]\naddress = "127.0.0.1:${port}"\nslips = true\n`;
}
