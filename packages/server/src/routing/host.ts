// Which host a request is for, and whether a pattern takes it.

import { isIPv6 } from 'node:net';

/** The host of an authority: lower case, without port and trailing dot, IPv6 addresses without brackets. */
export function hostOf(authority: string): string {
  const bracket = authority.lastIndexOf(']');
  const colon = authority.indexOf(':', bracket + 1);
  const host = (colon === -1 ? authority : authority.slice(0, colon)).toLowerCase();
  if (host.startsWith('[')) return host.slice(1, -1);
  return host.endsWith('.') ? host.slice(0, -1) : host;
}

/** A host, or `*.` before one, as patterns are compared. Throws a TypeError for what no request's host can be. */
export function hostPattern(option: string, text: string): string {
  const pattern = text.toLowerCase();
  const isAddress = isIPv6(pattern) || (/^\[.*\]$/.test(pattern) && isIPv6(pattern.slice(1, -1)));
  if (isAddress) return hostOf(pattern.startsWith('[') ? pattern : `[${pattern}]`);
  if (/^(?:\*\.)?[^\s*:/?#@[\],]+$/.test(pattern)) return hostOf(pattern);
  throw new TypeError(`${option}: "${text}" is not a host, such as example.org, *.example.org or ::1`);
}

/** Whether `pattern` ( `*.example.org` takes every subdomain, not the domain) takes `host`. */
export function hostMatches(pattern: string, host: string): boolean {
  if (!pattern.startsWith('*.')) return host === pattern;
  return host.length > pattern.length - 1 && host.endsWith(pattern.slice(1));
}

/** The longest name that there can be (RFC 1035 §2.3.4). To look through a longer one takes time by the square of its length. */
const MAX_NAME = 253;

/** Values under host patterns, found by the host of a request whatever their number: the exact host first, then patterns. */
export class HostMap<Value> {
  readonly #exact = new Map<string, Value>();
  /** By what follows the asterisk, dot included. */
  readonly #below = new Map<string, Value>();

  constructor(entries: Iterable<readonly [pattern: string, value: Value]>) {
    for (const [pattern, value] of entries) {
      if (pattern.startsWith('*.')) this.#below.set(pattern.slice(1), value);
      else this.#exact.set(pattern, value);
    }
  }

  /** The values of all patterns that take a host, the exact one first and then the longest. */
  find(host: string): readonly Value[] {
    const found: Value[] = [];
    const exact = this.#exact.get(host);
    if (exact !== undefined) found.push(exact);
    if (this.#below.size === 0 || host.length > MAX_NAME) return found;
    for (let dot = host.indexOf('.', 1); dot !== -1; dot = host.indexOf('.', dot + 1)) {
      const below = this.#below.get(host.slice(dot));
      if (below !== undefined) found.push(below);
    }
    return found;
  }
}

/** Tests whether any of the patterns takes a host. */
export function anyHost(patterns: readonly string[]): (host: string) => boolean {
  const map = new HostMap(patterns.map((pattern) => [pattern, true]));
  return (host) => map.find(host).length > 0;
}

/** Tests whether a host is one of those that the option `hosts` names; undefined where it names none. Throws as `hostPattern`. */
export function ownHosts(hosts: readonly string[] | 'local' | undefined): ((host: string) => boolean) | undefined {
  if (hosts === undefined || hosts === 'local') return undefined;
  return anyHost(hosts.map((host) => hostPattern('hosts', host)));
}
