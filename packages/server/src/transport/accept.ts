// Accepts connections the cheap way where that can be done, and the documented way elsewhere.

import type { Server as NetServer, Socket } from 'node:net';
import { HandleTransport } from './handle-transport.ts';
import { takeHandles } from './handle.ts';
import { SocketTransport } from './socket-transport.ts';
import type { Receiver, Transport } from './transport.ts';

/** Makes the owner of a new connection, or undefined to close it at once. */
export type Accept = (transport: Transport) => Receiver | undefined;

/** Takes the connections of a listening server without TLS, as far as they can be had before node:net makes sockets. */
export function takeConnections(server: NetServer, accept: Accept, failed: (error: Error) => void): void {
  takeHandles(server, (handle) => {
    try {
      open(new HandleTransport(handle), accept);
    } catch (error) {
      handle.close();
      failed(error as Error);
    }
  });
}

/** Opens a socket that node:net or node:tls has made. */
export function openDocumented(socket: Socket, secure: boolean, accept: Accept): void {
  socket.setNoDelay(true);
  open(new SocketTransport(socket, secure, false), accept);
}

function open(transport: Transport, accept: Accept): void {
  const receiver = accept(transport);
  if (receiver !== undefined) transport.open(receiver);
}
