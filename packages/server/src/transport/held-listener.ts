// A listener whose sockets are bound here and accepted from in other processes, which inherit the descriptors.
//
// The sockets live as long as the process that holds them: when every process that accepts has died, new connections wait
// in the kernel's queue for the next one instead of being refused. node:net accepts from whatever it listens on, so an address in
// numbers is bound without it. Others are opened with it first, which resolves names, and then bound anew by the bare handle.

import type { AddressInfo, Server as NetServer } from 'node:net';
import { createServer } from 'node:net';
import type { Address, Listener } from '../options.ts';
import { bindOnly } from './handle.ts';
import { openServers, type OpenServer } from './listening.ts';

/** A bound address that nothing in this process accepts from. */
export interface HeldListener {
  readonly address: Address;
  /** The descriptors of its sockets: two for `localhost`, which is an IPv4 and an IPv6 address. */
  readonly descriptors: readonly number[];
  close(): void;
}

/** The members of a listening handle that are used; undocumented, and the same on every supported Node. */
interface BindableHandle {
  readonly fd: number;
  bind(address: string, port?: number): number;
  bind6?(address: string, port: number, flags: number): number;
  close(): void;
}

type HandleClass = new (type: number) => BindableHandle;

/** Servers that nobody could connect to yet. */
const boundOnly = new WeakSet<NetServer>();

// The type of handles that listen, in TCP and Pipe alike.
const SERVER = 1;

/** Binds a listener. Rejects with the system's error, with nothing left open, and where handles cannot be shared. */
export async function holdListener(listener: Listener): Promise<HeldListener> {
  const { servers, address } = await openServers(listener, openPlain, async (at, open) => [await open(at)]);
  const held: BindableHandle[] = [];
  try {
    for (const server of servers) held.push(await rebind(server));
  } catch (error) {
    for (const handle of held) handle.close();
    for (const server of servers) server.close();
    throw error;
  }
  return {
    address,
    descriptors: held.map(({ fd }) => fd),
    close: () => held.forEach((handle) => handle.close()),
  };
}

/** A server that has its address, bound without listening where that can be done. */
const openPlain: OpenServer = (path) =>
  new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    const bound = bindOnly(path);
    if (bound !== undefined) {
      boundOnly.add(server);
      return resolve(Object.assign(server, { _handle: bound }));
    }
    server.once('error', reject);
    server.listen(path, () => resolve(server));
  });

async function rebind(server: NetServer): Promise<BindableHandle> {
  const bound = server.address();
  const { _handle: opened } = server as NetServer & { _handle?: BindableHandle };
  if (boundOnly.has(server) && opened !== undefined) return opened;
  const Handle = opened?.constructor as HandleClass | undefined;
  await new Promise((resolve) => server.close(resolve));
  if (Handle === undefined || bound === null) throw new Error('this runtime cannot share sockets among processes');
  const handle = new Handle(SERVER);
  const error = typeof bound === 'string' ? handle.bind(bound) : bindTo(handle, bound);
  if (error !== 0 || !(handle.fd >= 0)) {
    handle.close();
    throw systemError(error, bound);
  }
  return handle;
}

function bindTo(handle: BindableHandle, { address, port, family }: AddressInfo): number {
  if (family === 'IPv6' && handle.bind6 !== undefined) return handle.bind6(address, port, 0);
  return handle.bind(address, port);
}

/** As node:net would report it: another process may have been quicker between the two openings. */
function systemError(errno: number, bound: AddressInfo | string): Error {
  const place = typeof bound === 'string' ? { address: bound } : { address: bound.address, port: bound.port };
  const error = new Error(`listen EADDRINUSE: ${place.address} was taken meanwhile`);
  return Object.assign(error, { code: 'EADDRINUSE', syscall: 'listen', errno, ...place });
}
