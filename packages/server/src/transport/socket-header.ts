// Reads the header of the PROXY protocol from a socket before TLS begins on it.

import type { Socket } from 'node:net';
import type { ReadHeader } from './accept.ts';
import { timerMs } from '../timer.ts';
import { readProxyHeader } from './proxy-header.ts';

/**
 * Takes the header from the start of the socket's bytes and leaves the rest to be read by whoever reads next. Calls `done`
 * once; never when the socket is closed first, and a socket whose header is wrong or later than `timeoutMs` is closed.
 */
export function takeHeader(socket: Socket, timeoutMs: number, done: (header: ReadHeader) => void): void {
  let begun = Buffer.alloc(0);
  const timer = setTimeout(() => socket.destroy(), timerMs(timeoutMs));
  timer.unref();
  const stop = (): void => {
    clearTimeout(timer);
    socket.off('readable', read);
    socket.off('end', refuse);
  };
  const refuse = (): void => {
    stop();
    socket.destroy();
  };
  const read = (): void => {
    const bytes = socket.read() as Buffer | null;
    if (bytes === null) return;
    begun = Buffer.concat([begun, bytes]);
    const header = readProxyHeader(begun);
    if (header.kind === 'incomplete') return;
    if (header.kind === 'invalid') return refuse();
    stop();
    const rest = begun.subarray(header.length);
    if (rest.length > 0) socket.unshift(rest);
    done({ ends: header.ends });
  };
  // A reset is how a proxy leaves; `close` follows.
  socket.on('error', () => {});
  socket.once('close', stop);
  socket.once('end', refuse);
  socket.on('readable', read);
}
