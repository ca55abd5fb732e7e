/** A slow mobile network between a phone and the line: a proxy that lets bytes through late and one after the other. */

import { createConnection, createServer } from 'node:net';

/**
 * @typedef {object} Link
 * @property {number} roundTripMs
 * @property {number} downBytesPerSecond shared by all connections
 * @property {number} upBytesPerSecond shared by all connections
 */

/**
 * Listens on a port of its own, and hands on to this one; ends with `close()`.
 * @param {number} to
 * @param {Link} link
 */
export async function slowLink(to, { roundTripMs, downBytesPerSecond, upBytesPerSecond }) {
  const [down, up] = [new Lane(roundTripMs / 2, downBytesPerSecond), new Lane(roundTripMs / 2, upBytesPerSecond)];
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set();
  const server = createServer({ allowHalfOpen: true }, (phone) => {
    const line = createConnection({ port: to, host: '127.0.0.1', allowHalfOpen: true });
    // The phone believes that it is connected; on a real network its first byte would leave a round trip later.
    const connected = performance.now() + roundTripMs;
    join(phone, line, up, connected);
    join(line, phone, down, connected);
    for (const socket of [phone, line]) {
      socket.setNoDelay(true);
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => sockets.delete(socket));
    }
  });
  await new Promise((/** @type {(value?: unknown) => void} */ done) => server.listen(0, '127.0.0.1', done));
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  const close = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { url: `http://127.0.0.1:${address.port}`, close };
}

/** One direction. */
class Lane {
  /** When what was sent last has left. */
  #free = 0;

  /**
   * @param {number} delayMs
   * @param {number} bytesPerSecond
   */
  constructor(delayMs, bytesPerSecond) {
    this.delayMs = delayMs;
    this.bytesPerSecond = bytesPerSecond;
  }

  /**
   * When a packet that is sent now arrives.
   * @param {number} bytes
   * @param {number} earliest
   */
  arrival(bytes, earliest) {
    const begins = Math.max(performance.now(), this.#free, earliest);
    this.#free = begins + (bytes / this.bytesPerSecond) * 1_000;
    return this.#free + this.delayMs;
  }
}

/** What one packet holds, in bytes. */
const PACKET = 1_460;

/**
 * @param {import('node:net').Socket} from
 * @param {import('node:net').Socket} to
 * @param {Lane} lane
 * @param {number} connected
 */
function join(from, to, lane, connected) {
  from.on('data', (/** @type {Buffer} */ data) => {
    for (let at = 0; at < data.length; at += PACKET) {
      const packet = data.subarray(at, at + PACKET);
      const due = lane.arrival(packet.length, connected);
      setTimeout(() => to.writable && to.write(packet), due - performance.now());
    }
  });
  // Behind what was sent before it.
  from.on('end', () => setTimeout(() => to.end(), lane.arrival(0, connected) - performance.now()));
}
