// Connections in the middle of a TLS handshake: nobody's yet, so they have to be seen off here.
//
// A server for half-open sockets leaves one open whose handshake failed or took too long, and waits for it when it closes.

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
  server.on('tlsClientError', (_, socket) => socket.destroy());
}

/** Closes the connections of `server` that are in the middle of a handshake. */
export function abandonHandshakes(server: NetServer): void {
  for (const socket of pendingOf.get(server)?.values() ?? []) socket.destroy();
}

/** The secure socket is another object than the one accepted, with the same peer. */
function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
