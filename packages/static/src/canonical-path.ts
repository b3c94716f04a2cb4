// A request-target becomes one path, once: guards, mounts, files, listings and redirects all see the same string.
//
// Percent-decoding comes first and happens once, then dot segments are resolved, so `%2e%2e%2f` cannot mean one thing to a
// guard and another to the file system. Empty segments go, since every file system ignores them. What cannot be a path
// (NUL, invalid UTF-8, a climb above the root, a target that is not a path) has no canonical form at all.

/** A target's path and query. */
export interface CanonicalTarget {
  /** Percent-decoded once, dot segments resolved, no empty segments, beginning with `/`. */
  readonly path: string;
  /** The query without `?`, as it stood on the wire; undefined when there was no `?`. */
  readonly query: string | undefined;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads an origin-form or absolute-form request-target (RFC 9112 §3.2); undefined means 400.
 *
 * The target may hold raw bytes above 0x7F as one character each, as `IncomingMessage.url` does.
 */
export function canonicalPath(target: string): CanonicalTarget | undefined {
  const origin = target.startsWith('/') ? target : absoluteFormPath(target);
  if (origin === undefined) return undefined;
  const fragment = origin.indexOf('#');
  const whole = fragment === -1 ? origin : origin.slice(0, fragment);
  const mark = whole.indexOf('?');
  const decoded = percentDecode(mark === -1 ? whole : whole.slice(0, mark));
  if (decoded === undefined || decoded.includes('\0')) return undefined;
  const path = resolveDotSegments(decoded);
  return path === undefined ? undefined : { path, query: mark === -1 ? undefined : whole.slice(mark + 1) };
}

function absoluteFormPath(target: string): string | undefined {
  const match = /^https?:\/\/[^/?#]+(.*)$/is.exec(target);
  if (match === null) return undefined;
  const rest = match[1] ?? '';
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/** Undefined for a stray `%`, a character that is no byte, or bytes that are not UTF-8. */
function percentDecode(text: string): string | undefined {
  if (/^[\x20-\x24\x26-\x7e]*$/.test(text)) return text;
  if (/%(?![0-9a-f]{2})/i.test(text)) return undefined;
  const latin1 = text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  const bytes = new Uint8Array(latin1.length);
  for (let index = 0; index < latin1.length; index++) {
    const code = latin1.charCodeAt(index);
    if (code > 0xff) return undefined;
    bytes[index] = code;
  }
  try {
    return utf8.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function resolveDotSegments(path: string): string | undefined {
  const resolved: string[] = [];
  const segments = path.split('/');
  for (const segment of segments) {
    if (segment === '..') {
      if (resolved.pop() === undefined) return undefined;
    } else if (segment !== '' && segment !== '.') resolved.push(segment);
  }
  const last = segments.at(-1);
  const isDirectory = resolved.length > 0 && (last === '' || last === '.' || last === '..');
  return `/${resolved.join('/')}${isDirectory ? '/' : ''}`;
}
