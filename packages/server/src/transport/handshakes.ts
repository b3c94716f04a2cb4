// Connections in the middle of a TLS handshake: nobody's yet, so they have to be seen off here.
//
// A server for half-open sockets leaves one open whose handshake failed or took too long, and waits for it when it closes.

import { serializeHead } from '@onezero/http-parser/serializer';
import type { Server as NetServer, Socket } from 'node:net';
import type { Server as TlsServer, TLSSocket } from 'node:tls';
import { rawOf } from './handle.ts';

const pendingOf = new WeakMap<NetServer, Set<Socket>>();

/** Closes connections of `server` whose handshake fails, which is the client's affair and nothing else. */
export function watchHandshakes(server: TlsServer): void {
  const pending = new Set<Socket>();
  pendingOf.set(server, pending);
  server.on('connection', (socket: Socket) => {
    pending.add(socket);
    socket.once('close', () => pending.delete(socket));
  });
  server.on('secureConnection', (secure) => {
    const plain = plainOf(secure, pending);
    if (plain !== undefined) pending.delete(plain);
  });
  server.on('tlsClientError', (error: NodeJS.ErrnoException, secure) => {
    const plain = error.code === 'ERR_SSL_HTTP_REQUEST' ? plainOf(secure, pending) : undefined;
    if (plain === undefined) secure.destroy();
    else sendAway(plain, secure);
  });
}

const SENTENCE = Buffer.from('This port speaks HTTPS: say https:// in place of http://.\n');

// Time for the answer to be read before what was sent unread makes the system reset the connection.
const LINGER_MS = 500;

/** Answers a client that speaks HTTP where TLS is spoken, in the only words it understands. */
function sendAway(plain: Socket, secure: Socket): void {
  const fields = [
    ['content-type', 'text/plain; charset=utf-8'],
    ['content-length', `${SENTENCE.length}`],
    ['connection', 'close'],
  ] as const;
  // It may have gone already.
  plain.on('error', () => {});
  plain.end(Buffer.concat([serializeHead({ status: 400, fields }), SENTENCE]));
  setTimeout(() => secure.destroy(), LINGER_MS).unref();
}

/** Closes the connections of `server` that are in the middle of a handshake. */
export function abandonHandshakes(server: NetServer): void {
  for (const socket of pendingOf.get(server) ?? []) socket.destroy();
}

/** The socket that was accepted, of which the secure one was made; by its peer where Node does not tell. */
function plainOf(secure: TLSSocket, pending: ReadonlySet<Socket>): Socket | undefined {
  const raw = rawOf(secure);
  if (raw !== undefined || secure.remoteAddress === undefined) return raw;
  return [...pending].find((socket) => peerOf(socket) === peerOf(secure));
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
