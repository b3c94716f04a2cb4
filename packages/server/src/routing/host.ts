// Which host a request is for, and whether a pattern takes it.

/** The host of an authority: lower case, without port and trailing dot, IPv6 addresses without brackets. */
export function hostOf(authority: string): string {
  const bracket = authority.lastIndexOf(']');
  const colon = authority.indexOf(':', bracket + 1);
  const host = (colon === -1 ? authority : authority.slice(0, colon)).toLowerCase();
  if (host.startsWith('[')) return host.slice(1, -1);
  return host.endsWith('.') ? host.slice(0, -1) : host;
}

/** Whether `pattern` (lower case; `*.example.org` takes every subdomain, not the domain) takes `host`. */
export function hostMatches(pattern: string, host: string): boolean {
  if (!pattern.startsWith('*.')) return host === pattern;
  return host.length > pattern.length - 1 && host.endsWith(pattern.slice(1));
}
