// What is used of node:net that is not documented, and nothing else: the handle of a connection, and the steps of `listen` that bind
// and open an address.
//
// `net.Server` makes a `net.Socket` for each connection, which costs more than a small answer and 3 KiB of memory. Its
// handle can be read, written and closed by itself, and a socket can still be made of it later (`new net.Socket({ handle })`).
// Whether a handle is as expected is looked at on each connection; if not, or with ONEZERO_NO_SHARED_READS set, node:net goes
// on as it would have.

import net, { isIP, isIPv4, Socket, type Server as NetServer } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Peer } from '../message/message.ts';

/** The members of a TCP or Unix connection's handle that are used. */
export interface Handle {
  /** The descriptor, for writing. */
  readonly fd: number;
  /** All bytes read so far. */
  readonly bytesRead: number;
  /** Called after each read, also one that found nothing to read, and at the end or after an error: then `bytesRead` has not changed. */
  onread: () => void;
  useUserBuffer(buffer: Uint8Array): void;
  readStart(): number;
  readStop(): number;
  setNoDelay?(on: boolean): number;
  /** 0, or an error once the connection is broken. Absent for Unix sockets. */
  getpeername?(out: Partial<Peer>): number | undefined;
  getsockname?(out: Partial<Peer>): number;
  close(closed?: () => void): void;
}

interface ListeningHandle {
  onconnection?: (error: number, handle?: Handle) => void;
}

/** Whether this process has, or had when it started, a channel to one that started it: that may be the primary of node:cluster. */
export const hasParent: boolean = process.channel !== undefined;

/** What `listen` comes to, once it has asked node:dns for the address, and node:cluster whether the primary shall open it. */
interface Opening {
  _listen2?: (address: string, port: number, type: 4 | 6, backlog: number | undefined, fd: undefined, flags: 0) => void;
}

/** What is opened: a TCP address, or anything else that node:net's `listen` takes. */
interface Place {
  readonly host?: string;
  readonly port?: number;
  readonly backlog?: number;
}

/**
 * Listens as node:net's `listen` does. For an address in numbers, and where there can be no primary, it does without node:dns,
 * node:cluster, node:child_process and node:dgram: 4 ms of a start.
 */
export function listenAt(server: NetServer, place: object, listening: () => void): void {
  const isDocumented = hasParent || process.env['ONEZERO_NO_SHARED_READS'] !== undefined;
  if (isDocumented || !openDirectly(server, place, listening)) server.listen(place, listening);
}

/** Whether it could: nothing has happened otherwise. The server says what becomes of it by its events, as after `listen`. */
export function openDirectly(server: NetServer, place: object, listening: () => void): boolean {
  const { host = '', port, backlog, ...others }: Place = place;
  const { _listen2: open } = server as NetServer & Opening;
  const isPlain = port !== undefined && Object.keys(others).length === 0 && (isIPv4(host) || host === '::1');
  if (!isPlain || typeof open !== 'function') return false;
  server.once('listening', listening);
  open.call(server, host, port, isIPv4(host) ? 4 : 6, backlog, undefined, 0);
  return true;
}

/** A TCP address that is bound and that nobody listens on. */
export interface BoundHandle {
  readonly fd: number;
  getsockname(out: Partial<Peer>): number;
  close(): void;
}

interface HandleMaker {
  _createServerHandle?: (address: string, port: number, type: number) => BoundHandle | number;
}

/**
 * Binds a TCP address in numbers, so that no client is let in and then lost as `listen` and `close` would. Undefined where another
 * process listens there, where the system refuses, and where a runtime cannot: `listen` will say which.
 */
export function bindOnly({ host, port }: Place): BoundHandle | undefined {
  const { _createServerHandle: make } = net as HandleMaker;
  if (host === undefined || port === undefined || isIP(host) === 0 || typeof make !== 'function') return undefined;
  const handle = make(host, port, isIP(host));
  if (typeof handle === 'number') return undefined;
  // A taken port is told of here at the earliest.
  if (handle.getsockname({}) === 0 && handle.fd >= 0) return handle;
  handle.close();
  return undefined;
}

/** Hands the connections of a server over as bare handles where that can be done; the others stay `connection` events. */
export function takeHandles(server: NetServer, take: (handle: Handle) => void): void {
  const { _handle: listening } = server as NetServer & { _handle?: ListeningHandle | null };
  if (process.env['ONEZERO_NO_SHARED_READS'] !== undefined || typeof listening?.onconnection !== 'function') return;
  const documented = listening.onconnection.bind(listening);
  listening.onconnection = (error, handle) => {
    // Errors are left to node:net as well.
    if (error === 0 && isExpected(handle)) take(handle);
    else documented(error, handle);
  };
}

function isExpected(handle: Handle | undefined): handle is Handle {
  return (
    handle !== undefined &&
    typeof handle.useUserBuffer === 'function' &&
    typeof handle.readStart === 'function' &&
    typeof handle.readStop === 'function' &&
    typeof handle.close === 'function' &&
    handle.bytesRead === 0 &&
    // Windows has no descriptors for sockets.
    handle.fd >= 0
  );
}

export function peerOf(handle: Handle): Peer {
  const name: Partial<Peer> = {};
  handle.getpeername?.(name);
  return { address: name.address ?? '', port: name.port ?? 0 };
}

export function localOf(handle: Pick<Handle, 'getsockname'>): Peer {
  const name: Partial<Peer> = {};
  handle.getsockname?.(name);
  return { address: name.address ?? '', port: name.port ?? 0 };
}

/**
 * Whether the connection is no more: a half-closed one still has a peer. The handle of TLS asks the one below it, and says
 * nothing where that is a Unix socket's.
 */
export function isBroken(handle: Pick<Handle, 'getpeername'>): boolean {
  return (handle.getpeername?.({}) ?? 0) !== 0;
}

/** The same of a socket; false where its handle does not tell. */
export function isBrokenSocket(socket: Socket): boolean {
  const { _handle: handle } = socket as Socket & { _handle?: Pick<Handle, 'getpeername'> | null };
  return handle !== null && handle !== undefined && isBroken(handle);
}

/** The socket that node:net would have made, reading into a given buffer. */
export function socketOf(handle: Handle, onread: { buffer: Uint8Array; callback(count: number): boolean }): Socket {
  return new Socket({ handle, allowHalfOpen: true, onread } as object);
}

/** How far a socket is within one large write; without the handle telling, a write is no progress until it is done. */
export function unsentBytes(socket: Socket): number | undefined {
  const { _handle: handle } = socket as Socket & { _handle?: { writeQueueSize?: number } | null };
  return handle?.writeQueueSize;
}

/** The socket that a TLS server was given, under the one it made. */
export function rawOf(secure: TLSSocket): Socket | undefined {
  const { _parent: raw } = secure as TLSSocket & { _parent?: unknown };
  return raw instanceof Socket ? raw : undefined;
}
