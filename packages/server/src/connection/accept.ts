// Accepts connections the cheap way: sockets that read into one buffer which all of them share.
//
// `net.Socket` documents `onread` for sockets that a program makes, but `net.Server` makes its own and has no option for it.
// So the listening handle's `onconnection`, which node:net sets, is replaced by one that makes the socket with `onread`.
// That saves a third of the processor time of a small request. Whether it can be done is tested on the handle at hand; where
// it cannot, on TLS and with ONEZERO_NO_SHARED_READS set, the documented way is taken: `connection` events and `data`.

import { Socket, type Server as NetServer } from 'node:net';
import { Transport, type Receiver } from './transport.ts';

/** Makes the owner of a new connection, or undefined to close it at once. */
export type Accept = (transport: Transport) => Receiver | undefined;

interface ListeningHandle {
  onconnection?: (error: number, handle?: ConnectionHandle) => void;
}

interface ConnectionHandle {
  readStart(): number;
  useUserBuffer?(buffer: Uint8Array): void;
  setNoDelay?(on: boolean): number;
  close(): void;
}

// What Linux returns in one read at most on loopback; nobody needs more at once.
const SHARED_BYTES = 65_536;

let shared: Buffer | undefined;
let view: Uint8Array = new Uint8Array(0);

/** Takes over the connections of a listening server without TLS. */
export function acceptConnections(server: NetServer, accept: Accept, failed: (error: Error) => void): void {
  server.on('connection', (socket: Socket) => openDocumented(socket, false, accept));
  const { _handle: handle } = server as NetServer & { _handle?: ListeningHandle | null };
  if (process.env['ONEZERO_NO_SHARED_READS'] !== undefined || typeof handle?.onconnection !== 'function') return;
  const documented = handle.onconnection.bind(handle);
  handle.onconnection = (error, connection) => {
    // Errors, and handles that are not as expected, are left to node:net.
    if (error !== 0 || typeof connection?.useUserBuffer !== 'function') documented(error, connection);
    else openShared(connection, accept, failed);
  };
}

/** Opens a socket that node:net or node:tls has made. */
export function openDocumented(socket: Socket, secure: boolean, accept: Accept): void {
  socket.setNoDelay(true);
  const transport = new Transport(socket, secure);
  const receiver = accept(transport);
  if (receiver !== undefined) transport.open(receiver, false);
}

function openShared(handle: ConnectionHandle, accept: Accept, failed: (error: Error) => void): void {
  shared ??= Buffer.allocUnsafeSlow(SHARED_BYTES);
  let receiver: Receiver | undefined;
  const callback = (count: number, bytes: Uint8Array): boolean => {
    // Requests of one client are often of one length, and making a view costs more than asking.
    if (view.length !== count) view = bytes.subarray(0, count);
    receiver?.received(view);
    return true;
  };
  try {
    handle.setNoDelay?.(true);
    const socket = new Socket({ handle, allowHalfOpen: true, onread: { buffer: shared, callback } } as object);
    const transport = new Transport(socket, false);
    receiver = accept(transport);
    if (receiver !== undefined) transport.open(receiver, true);
  } catch (error) {
    handle.close();
    failed(error as Error);
  }
}
