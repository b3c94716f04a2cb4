// Accepts connections the cheap way where that can be done, and the documented way elsewhere.

import type { Server as NetServer, Socket } from 'node:net';
import type { AnnouncedEnds } from './ends.ts';
import { HandleTransport } from './handle-transport.ts';
import { isBroken, isBrokenSocket, takeHandles } from './handle.ts';
import { SocketTransport } from './socket-transport.ts';
import type { Receiver, Transport } from './transport.ts';

/** A header of the PROXY protocol that has been read already, and the ends that it announces. */
export interface ReadHeader {
  readonly ends: AnnouncedEnds | undefined;
}

/** Makes the owner of a new connection, or undefined to close it at once. */
export type Accept = (transport: Transport, header?: ReadHeader) => Receiver | undefined;

/** Takes the connections of a listening server without TLS, as far as they can be had before node:net makes sockets. */
export function takeConnections(server: NetServer, accept: Accept, failed: (error: Error) => void): void {
  takeHandles(server, (handle) => {
    // Who has reset it already has no address any more, like a client of a Unix socket, whom some trust and nobody counts.
    if (isBroken(handle)) return handle.close();
    try {
      open(new HandleTransport(handle), accept);
    } catch (error) {
      handle.close();
      failed(error as Error);
    }
  });
}

/** Opens a socket that node:net or node:tls has made. */
export function openDocumented(socket: Socket, secure: boolean, accept: Accept, header?: ReadHeader): void {
  if (isBrokenSocket(socket)) return void socket.destroy();
  socket.setNoDelay(true);
  open(new SocketTransport(socket, secure, false), accept, header);
}

function open(transport: Transport, accept: Accept, header?: ReadHeader): void {
  const receiver = accept(transport, header);
  if (receiver !== undefined) transport.open(receiver);
  else transport.destroy();
}
