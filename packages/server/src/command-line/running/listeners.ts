// From what the configuration says about addresses to listeners, and what happens when a port is in use.

import type { NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import type { Listener, TlsOptions } from '../../options.ts';
import { listenProblem } from '../../transport/listen-error.ts';
import { unlessRefused } from '../../paths.ts';
import { certificatePlaces } from '../configuration/certificate-places.ts';
import type { Configuration } from '../options/table.ts';

/** Every listener that the configuration asks for. `port` replaces the configured one. */
export function listenersOf(
  { host, listen, port: configured }: Configuration,
  tls: TlsOptions | undefined,
  port: number = configured,
): readonly Listener[] {
  if (listen === undefined) return [{ host: host === true ? everyAddress() : bare(host), port, tls }];
  return listen.map((address) => listenerAt(address, tls));
}

/** The same, whatever the certificates are. */
export function addressesOf(configuration: Configuration, port?: number): readonly Listener[] {
  const isSecure = configuration.https || certificatePlaces(configuration).length > 0;
  return listenersOf(configuration, isSecure ? { cert: '', key: '' } : undefined, port);
}

/** Reads `host:port`, `:port`, `port`, `https://host:port` and `unix:path`. Without TLS options `tls` stays undefined. */
export function listenerAt(address: string, tls: TlsOptions | undefined): Listener {
  if (address.startsWith('unix:')) return { socket: address.slice('unix:'.length), tls: undefined };
  const [, scheme, written = '', number] = /^(?:(\w+):\/\/)?(\[[^\]]*\]|[^:/]*)(?::(\d+))?\/?$/.exec(address) ?? [];
  const isPortAlone = number === undefined && scheme === undefined && /^\d{1,5}$/.test(written);
  const usual = scheme === 'https' ? 443 : scheme === 'http' ? 80 : 8080;
  const port = Number(isPortAlone ? written : (number ?? usual));
  const host = isPortAlone || (written === '' && scheme === undefined) ? 'localhost' : written || everyAddress();
  return { host: bare(host), port, tls: scheme === 'http' ? undefined : tls };
}

/** Both kinds of addresses where the machine has both. */
function everyAddress(): string {
  return interfaceAddresses().some(({ family }) => family === 'IPv6') ? '::' : '0.0.0.0';
}

/** The addresses of this machine; none where they cannot be listed, as on Android and in some sandboxes. */
export function interfaceAddresses(
  list: typeof networkInterfaces = () => process.getBuiltinModule('node:os').networkInterfaces(),
): readonly NetworkInterfaceInfo[] {
  return Object.values(unlessRefused(list) ?? {}).flatMap((addresses) => addresses ?? []);
}

function bare(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}

// Far enough to get past everything that a developer has running, near enough to be found again.
const PORTS_TRIED = 100;

/**
 * Opens what `open` opens, on the port given or, if it may move, on the next free one. A port that was asked for never
 * moves. Rejects with the system's error.
 */
export async function onFreePort<Result>(
  port: number,
  mayMove: boolean,
  open: (port: number) => Promise<Result>,
): Promise<{ readonly port: number; readonly result: Result }> {
  for (let next = port; ; next++) {
    try {
      return { port: next, result: await open(next) };
    } catch (error) {
      const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
      if (!isTaken || !mayMove || next === port + PORTS_TRIED || next === 65_535) throw error;
    }
  }
}

/** One line for an address that cannot be listened on, with what to do about it. */
export function listenFailure(error: unknown): string {
  const { code, port, syscall, message } = error as NodeJS.ErrnoException & { readonly port?: number };
  const problem = listenProblem(error);
  if (problem === undefined) return syscall === 'listen' || syscall === 'bind' ? `cannot listen: ${message}` : message;
  if (code === 'EACCES' && port !== undefined && port >= 0) return `${problem}, or use --port 8080`;
  const isName = code === 'ENOTFOUND' || code === 'EAI_AGAIN';
  return isName ? `${problem}; write a directory before the flags, or the address as --host=…` : problem;
}
