// Several queues of new connections for one address.
//
// The event loop accepts one connection per listening socket and turn. Where a thousand clients hammer the connections they
// have, a turn is long, and the last newcomer would wait a thousand of them. Sockets that share an address (SO_REUSEPORT)
// have a queue each, so a turn accepts as many connections as there are sockets.
//
// Sharing would also let two servers start on one port unnoticed, so the address is first bound for us alone.

import type { Cluster } from 'node:cluster';
import { type AddressInfo, createServer, type Server as NetServer } from 'node:net';
import { bindOnly, hasParent, localOf } from './handle.ts';

type Open = (address: object) => Promise<NetServer>;

/** Enough that a thousand newcomers are in after thirty turns; an idle socket costs a descriptor. */
const QUEUES = 32;

/** Opens a TCP address. Rejects with the system's error, with nothing left open. */
export async function openQueues(
  address: { host: string; port: number; backlog: number },
  open: Open,
): Promise<NetServer[]> {
  if (!canShare(process.versions.node)) return [await open(address)];
  // Two that are bound at one moment do not see each other.
  const turn = await takeTurn(address.port);
  const opened: NetServer[] = [];
  try {
    const port = await freePort(address, open);
    while (opened.length < QUEUES) opened.push(await open({ ...address, port, reusePort: true }));
    return opened;
  } catch (error) {
    // A system that cannot share lets the first in and no other.
    if (opened.length === 1) return opened;
    await Promise.all(opened.map(closeServer));
    throw error;
  } finally {
    turn?.close();
  }
}

// Opening takes a few milliseconds. Whoever holds the name for longer is no server that starts.
const TURNS = 20;
const TURN_MS = 20;

/** A name of the system that one process has at a time, for who opens this port; undefined where it cannot be had. */
async function takeTurn(port: number): Promise<NetServer | undefined> {
  for (let turns = port === 0 ? TURNS : 0; turns < TURNS; turns += 1) {
    const turn = createServer((socket) => socket.destroy());
    const code = await new Promise<string | undefined>((resolve) => {
      turn.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
      turn.listen({ path: `\0onezero-${port}` }, () => resolve(undefined));
    });
    if (code === undefined) return turn;
    if (code !== 'EADDRINUSE') return undefined;
    await new Promise((resolve) => setTimeout(resolve, TURN_MS));
  }
  return undefined;
}

/** The port of an address that nobody else has. What is opened and closed to find out lets clients in and loses them. */
async function freePort(address: { host: string; port: number }, open: Open): Promise<number> {
  const bound = bindOnly(address);
  if (bound !== undefined) {
    const { port } = localOf(bound);
    bound.close();
    return port;
  }
  const alone = await open(address);
  const { port } = alone.address() as AddressInfo;
  await closeServer(alone);
  return port;
}

/**
 * Whether `listen` knows `reusePort` (since 22.12 and 23.1) in this process. Workers share one socket already; with a slow
 * one among them, a queue of its own would keep connections from the others.
 */
export function canShare(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isKnown = major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12);
  return isKnown && process.platform === 'linux' && isPrimary() && process.env['ONEZERO_ONE_QUEUE'] === undefined;
}

/** As node:cluster says, which is not loaded to say so of a process that was started by itself. */
function isPrimary(): boolean {
  return !hasParent || (process.getBuiltinModule('node:cluster') as unknown as Cluster).isPrimary;
}

/** Resolves when all that it has accepted is closed too. */
export function closeServer(server: NetServer): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
