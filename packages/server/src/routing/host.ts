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
