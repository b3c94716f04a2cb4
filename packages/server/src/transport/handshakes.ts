// Connections in the middle of a TLS handshake: nobody's yet, so they have to be seen off here.
//
// A server for half-open sockets leaves one open whose handshake failed or took too long, and waits for it when it closes.

import { serializeHead } from '@onezero/http-parser/serializer';
import type { Server as NetServer, Socket } from 'node:net';
import type { Server as TlsServer } from 'node:tls';

const pendingOf = new WeakMap<NetServer, Map<string, Socket>>();

/** Closes connections of `server` whose handshake fails, which is the client's affair and nothing else. */
export function watchHandshakes(server: TlsServer): void {
  const pending = new Map<string, Socket>();
  pendingOf.set(server, pending);
  server.on('connection', (socket: Socket) => {
    const peer = peerOf(socket);
    pending.set(peer, socket);
    socket.once('close', () => {
      if (pending.get(peer) === socket) pending.delete(peer);
    });
  });
  server.on('secureConnection', (socket) => pending.delete(peerOf(socket)));
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    const plain = error.code === 'ERR_SSL_HTTP_REQUEST' ? pending.get(peerOf(socket)) : undefined;
    if (plain === undefined) socket.destroy();
    else sendAway(plain, socket);
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
  for (const socket of pendingOf.get(server)?.values() ?? []) socket.destroy();
}

/** The secure socket is another object than the one accepted, with the same peer. */
function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
