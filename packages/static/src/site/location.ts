// Location values for redirects within the site, built from canonical names and nothing else.

/**
 * The encoded path of `segments` below the mount, with the query as it came.
 *
 * Undefined when the first name begins with a backslash: browsers read `/\` as `//`, the start of another host.
 */
export function siteLocation(
  scriptName: string | undefined,
  segments: readonly string[],
  { isDirectory, query }: { readonly isDirectory: boolean; readonly query: string | undefined },
): string | undefined {
  const all = [...(scriptName ?? '').split('/').filter((segment) => segment !== ''), ...segments];
  if (all[0]?.startsWith('\\') === true) return undefined;
  const path = `/${all.map(encodeSegment).join('/')}${isDirectory && all.length > 0 ? '/' : ''}`;
  return query === undefined || !/^[\x21-\x7e\x80-\xff]*$/.test(query) ? path : `${path}?${query}`;
}

/** One name as a path segment that survives in a field value, an attribute and a URL parser. */
export function encodeSegment(segment: string): string {
  return encodeURIComponent(segment).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
