// A client that keeps its connections, as browsers, proxies and programs do, and that repairs nothing: a request that gets no
// answer is a failure, also where others would quietly ask again.

import { createConnection } from 'node:net';
import { setImmediate as turned, setTimeout as delay } from 'node:timers/promises';

/**
 * Asks for a path whose answer ends with `hello`, on the connection to a port that was kept, or a new one.
 *
 * @param {Map<number, import('node:net').Socket>} connections those that are kept
 * @returns {Promise<string | undefined>} what went wrong
 */
export function ask(connections, port, path = '/a.txt') {
  return new Promise((resolve) => {
    const kept = connections.get(port);
    const socket = kept ?? createConnection({ port, host: '127.0.0.1', noDelay: true });
    let text = '';
    const finish = (failure) => {
      socket.removeAllListeners();
      socket.on('error', () => undefined);
      const isLast = failure !== undefined || /\r\nconnection: close\r\n/i.test(text);
      if (isLast) {
        connections.delete(port);
        socket.destroy();
      } else {
        connections.set(port, socket);
        // A client sees the end of a connection that it keeps, and opens another.
        socket.once('end', () => {
          connections.delete(port);
          socket.destroy();
        });
      }
      resolve(failure);
    };
    socket.removeAllListeners();
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      if (!text.endsWith('hello')) return;
      finish(text.startsWith('HTTP/1.1 200') ? undefined : text.slice(0, 60));
    });
    const where = kept === undefined ? 'new' : 'kept';
    const begin = () => (text === '' ? '' : `, which begin ${path} ${text.slice(0, 40)}`);
    socket.once('end', () => finish(`${where}: ended after ${text.length} bytes${begin()}`));
    socket.once('error', ({ code }) => finish(`${where}: ${code}`));
    socket.setTimeout(120_000, () => finish(`${where}: silence`));
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  });
}

/** Asks nothing for a while, and then sees which of its connections have ended meanwhile. */
export async function pause(ms) {
  await delay(ms);
  // A timer that is late runs before what has come is read.
  await turned();
}
