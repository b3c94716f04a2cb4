// Opens what a server listens on. One listener may be several sockets: `localhost` is both loopback addresses.

import { createServer as createNetServer, connect, type AddressInfo, type Server as NetServer } from 'node:net';
import { lstatSync, unlinkSync } from 'node:fs';
import type { Address, Listener, TlsOptions } from '../options.ts';
import { closeServer, openQueues } from './accept-queues.ts';
import { takeConnections, openDocumented } from './accept.ts';
import { listenAt } from './handle.ts';
import { listenError, MAX_SOCKET_BYTES } from './listen-error.ts';
import { frontOf } from './secure-fronts.ts';
import type { SecureSettings } from './secure-server.ts';

export interface ListeningSettings extends SecureSettings {
  /** What goes wrong while accepting; nothing ends by it. */
  readonly failed: (error: Error) => void;
}

export interface Listening {
  readonly address: Address;
  renewCertificate(tls: TlsOptions): void;
  /** Stops accepting; resolves when the sockets are closed and no handshake is under way any more. */
  close(): Promise<void>;
  /** Ends the handshakes that are under way. */
  abandonHandshakes(): void;
}

const DEFAULT_PORT = 8080;

// A burst of new connections waits here while the loop is busy; the system may cap it lower.
const BACKLOG = 2048;

/** Rejects with the system's error, with nothing left open. */
export async function openListener(listener: Listener, settings: ListeningSettings): Promise<Listening> {
  const open: OpenServer = (path) => openSocket(path, listener.tls, settings);
  const { servers, address } = await openServers(listener, open, openQueues);
  return listeningOf(servers, address);
}

/** Makes a server that listens on what node:net's `listen` takes. */
export type OpenServer = (path: object) => Promise<NetServer>;

interface OpenedServers {
  readonly servers: readonly NetServer[];
  readonly address: Address;
}

/**
 * Opens whatever a listener stands for: descriptors, a Unix socket, or a port. `openTcp` opens one TCP address. Rejects with the
 * system's error, its message rewritten to say what to do.
 */
export async function openServers(
  listener: Listener,
  open: OpenServer,
  openTcp: typeof openQueues,
): Promise<OpenedServers> {
  try {
    return await openEach(listener, open, openTcp);
  } catch (error) {
    throw listenError(error);
  }
}

async function openEach(
  { fd, socket, host, port, tls }: Listener,
  open: OpenServer,
  openTcp: typeof openQueues,
): Promise<OpenedServers> {
  const secure = tls !== undefined;
  const ways = [fd, socket, port ?? host].filter((way) => way !== undefined);
  if (ways.length > 1) throw new TypeError('a listener has either descriptors, or a socket, or a port and host');
  if (fd !== undefined) return openInherited([fd].flat(), secure, open);
  if (socket !== undefined)
    return { servers: [await openUnixSocket(socket, open)], address: unixAddress(socket, secure) };
  return openTcpServers({ host, port, secure }, open, openTcp);
}

async function openTcpServers(
  {
    host = 'localhost',
    port = DEFAULT_PORT,
    secure,
  }: { host?: string | undefined; port?: number | undefined; secure: boolean },
  open: OpenServer,
  openTcp: typeof openQueues,
): Promise<OpenedServers> {
  const isLocalhost = host === 'localhost';
  const servers = await openTcp({ host: isLocalhost ? '127.0.0.1' : host, port, backlog: BACKLOG }, open);
  const bound = servers[0]?.address() as AddressInfo;
  if (isLocalhost) servers.push(...(await openIpv6Twin(servers, { port, bound }, open)));
  return { servers, address: tcpAddress(bound, isLocalhost ? 'localhost' : host, secure) };
}

/** Sockets that were opened by whoever started this process. */
async function openInherited(
  descriptors: readonly number[],
  secure: boolean,
  open: OpenServer,
): Promise<OpenedServers> {
  const servers: NetServer[] = [];
  try {
    for (const fd of descriptors) servers.push(await openDescriptor(fd, open));
  } catch (error) {
    await Promise.all(servers.map(closeServer));
    throw error;
  }
  const bound = servers[0]?.address();
  if (bound === undefined || bound === null) throw new TypeError('a listener needs one descriptor at least');
  if (typeof bound === 'string') return { servers, address: unixAddress(bound, secure) };
  return { servers, address: tcpAddress(bound, servers.length > 1 ? 'localhost' : bound.address, secure) };
}

async function openDescriptor(fd: number, open: OpenServer): Promise<NetServer> {
  try {
    return await open({ fd, backlog: BACKLOG });
  } catch (error) {
    if (codeOf(error) !== 'EINVAL') throw error;
    const message = `listen: the descriptor ${fd} is no socket that can be listened on`;
    throw Object.assign(new Error(message, { cause: error }), { code: 'EINVAL' });
  }
}

function unixAddress(path: string, secure: boolean): Address {
  return { url: `unix:${path}`, secure, address: path, port: 0 };
}

function tcpAddress({ address, port }: AddressInfo, host: string, secure: boolean): Address {
  const shown = address === '::' || address === '0.0.0.0' ? 'localhost' : host;
  const url = `${secure ? 'https' : 'http'}://${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
  return { url, secure, address, port };
}

/** `localhost` is ::1 for some clients. A machine without it, and a free port that is not free there, do without. */
async function openIpv6Twin(
  others: readonly NetServer[],
  { port, bound }: { port: number; bound: AddressInfo },
  open: (path: object) => Promise<NetServer>,
): Promise<readonly NetServer[]> {
  try {
    return [await open({ host: '::1', port: bound.port, backlog: BACKLOG })];
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT' || (port === 0 && code === 'EADDRINUSE')) return [];
    await Promise.all(others.map(closeServer));
    throw error;
  }
}

/** Takes the place of a socket that no process listens on any more, and of no other file. */
async function openUnixSocket(path: string, open: (path: object) => Promise<NetServer>): Promise<NetServer> {
  if (Buffer.byteLength(path) > MAX_SOCKET_BYTES)
    throw Object.assign(new Error('too long'), { code: 'ENAMETOOLONG', address: path });
  try {
    return await open({ path });
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE') throw error;
    // A connection to a file of another kind is refused as well.
    if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() === false)
      throw Object.assign(new Error(`${path} is not a socket`), { code: 'ENOTSOCK', address: path });
    if (await isAlive(path)) throw error;
    unlinkSync(path);
    return open({ path });
  }
}

function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (error) => resolve(codeOf(error) !== 'ECONNREFUSED'));
  });
}

async function openSocket(path: object, tls: TlsOptions | undefined, settings: ListeningSettings): Promise<NetServer> {
  const server = tls === undefined ? plainServer(settings) : await secureServer(tls, settings);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    listenAt(server, path, () => {
      server.off('error', reject);
      server.on('error', settings.failed);
      // The handle that connections are taken from is there from now on.
      if (tls === undefined) takeConnections(server, settings.accept, settings.failed);
      resolve(server);
    });
  });
}

async function secureServer(tls: TlsOptions, settings: ListeningSettings): Promise<NetServer> {
  const { secureServer: make } = await import('./secure-server.ts');
  return make(tls, settings);
}

function plainServer({ accept }: ListeningSettings): NetServer {
  return createNetServer({ allowHalfOpen: true }, (socket) => openDocumented(socket, false, accept));
}

function listeningOf(servers: readonly NetServer[], address: Address): Listening {
  return {
    address,
    renewCertificate(tls) {
      if (!address.secure) throw new TypeError(`${address.url} has no certificate`);
      for (const server of servers) frontOf(server)?.renew(tls);
    },
    close: async () => {
      await Promise.all(servers.map(closeServer));
    },
    abandonHandshakes: () => {
      for (const server of servers) frontOf(server)?.abandonPending();
    },
  };
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
