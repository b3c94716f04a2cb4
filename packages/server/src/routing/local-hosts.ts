// Which hosts a server answers for that listens on loopback only, where nothing names any.
//
// A page of any site can have its own name resolved to 127.0.0.1 (DNS rebinding) and then reads what is served here with the
// eyes of whoever looks at it. Such a request carries that name as its host. The names and addresses by which people reach
// their own machine pass; so do hosts that the options name, and everything once a proxy on this machine is trusted.

import { isIP } from 'node:net';
import { addressMatcher } from '../transport/forwarded.ts';
import type { Address, ServerOptions } from '../options.ts';
import { anyHost, hostOf, hostPattern } from './host.ts';

/** Whether a request that came in at a local address may name this authority. */
export type LocalHosts = (authority: string, localAddress: string) => boolean;

/** The rule for `hosts: 'local'`; undefined where the options leave nothing to guard. */
export function localHosts(
  { hosts, trustedProxies = [], serverName, routes = [] }: ServerOptions,
  listening: () => readonly Address[],
): LocalHosts | undefined {
  if (hosts !== 'local') return undefined;
  if (trustedProxies.length > 0) {
    const isTrusted = addressMatcher('trustedProxies', trustedProxies);
    if (isTrusted('127.0.0.1') || isTrusted('::1')) return undefined;
  }
  const named = [serverName, ...routes.map(({ host }) => host)].filter((host) => host !== undefined);
  const isNamed = anyHost(named.map((host) => hostPattern('host', host)));
  let lastPassed: string | undefined;
  return (authority, localAddress) => {
    if (authority === lastPassed || !isLoopback(localAddress)) return true;
    const host = hostOf(authority);
    const passes = isLocalName(host) || isNamed(host) || isOpen(listening());
    if (passes) lastPassed = authority;
    return passes;
  };
}

/** `localhost`, a name below it (RFC 6761 §6.3), or an address: no name that another site could have. */
function isLocalName(host: string): boolean {
  return host === '' || host === 'localhost' || host.endsWith('.localhost') || isIP(host) !== 0;
}

/** Whether other machines can connect: then whoever runs the server has decided who may. */
function isOpen(addresses: readonly Address[]): boolean {
  return addresses.some(({ address, port }) => port !== 0 && !isLoopback(address));
}

/** Whether only this machine can connect to an address. */
export function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}
