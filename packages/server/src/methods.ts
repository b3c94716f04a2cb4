// The methods a server knows. A method outside the registry is answered 501; one inside that a path does not take, 405.
//
// Scripts and applications know best which methods they have, so every method of the IANA registry is known and reaches them
// unless their route restricts its methods; static files answer 405. TRACE and CONNECT are never in it by themselves: TRACE
// echoes credentials back to scripts, CONNECT would need a tunnel. They are recognised, so that the answer is 405 and not 501.

import type { Method } from './options.ts';
import { suggestion } from './suggestion.ts';

const CONTENT = 'optional';

/** RFC 9110 §9.3, RFC 5789 and RFC 1945 appendix D.1: what `OPTIONS *` names, beside the methods that the options add. */
const STANDARD_METHODS: readonly Method[] = [
  { name: 'GET', safe: true, idempotent: true, content: CONTENT },
  { name: 'HEAD', safe: true, idempotent: true, content: CONTENT },
  { name: 'POST', safe: false, idempotent: false, content: CONTENT },
  { name: 'PUT', safe: false, idempotent: true, content: CONTENT },
  { name: 'DELETE', safe: false, idempotent: true, content: CONTENT },
  { name: 'PATCH', safe: false, idempotent: false, content: CONTENT },
  { name: 'OPTIONS', safe: true, idempotent: true, content: CONTENT },
  { name: 'LINK', safe: false, idempotent: true, content: CONTENT },
  { name: 'UNLINK', safe: false, idempotent: true, content: CONTENT },
];

/** The others of the IANA registry of methods, which applications have: safe ones, idempotent ones, and the rest. */
const APPLICATION_METHODS: readonly Method[] = [
  // RFC 10008 QUERY, RFC 4918 §9.1, RFC 3253 §3.6 and RFC 5323.
  ...named('QUERY PROPFIND REPORT SEARCH', { safe: true, idempotent: true }),
  // WebDAV (RFC 4918, 3648, 3744, 4437, 5842), CalDAV (RFC 4791) and versioning (RFC 3253).
  ...named(
    'ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT COPY LABEL MERGE MKACTIVITY MKCALENDAR MKCOL MKREDIRECTREF MKWORKSPACE MOVE ' +
      'ORDERPATCH PROPPATCH REBIND UNBIND UNCHECKOUT UNLOCK UPDATE UPDATEREDIRECTREF VERSION-CONTROL',
    { safe: false, idempotent: true },
  ),
  ...named('LOCK', { safe: false, idempotent: false }),
];

function named(names: string, properties: Pick<Method, 'safe' | 'idempotent'>): readonly Method[] {
  return names.split(' ').map((name) => ({ name, ...properties, content: CONTENT }));
}

/** Known by name, and refused unless somebody registers TRACE. */
export const REFUSED_METHODS: ReadonlySet<string> = new Set(['TRACE', 'CONNECT']);

export interface MethodRegistry extends ReadonlyMap<string, Method> {
  /** What the server as a whole takes: the standard methods and those that its options add. */
  readonly common: readonly string[];
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/**
 * The known methods and `added`, which win. A name alone stands for a method that is neither safe nor idempotent. Throws a
 * TypeError for a name that is no token, given twice, or CONNECT.
 */
export function methodRegistry(added: readonly (string | Method)[] = []): MethodRegistry {
  const registry = new Map<string, Method>();
  for (const method of [...STANDARD_METHODS, ...APPLICATION_METHODS]) registry.set(method.name, method);
  const own = new Map<string, Method>();
  for (const one of added) {
    const method =
      typeof one === 'string' ? ({ name: one, safe: false, idempotent: false, content: CONTENT } as const) : one;
    const { name } = method;
    if (typeof name !== 'string' || !TOKEN.test(name))
      throw new TypeError(`methods: ${JSON.stringify(name)} is not a method name`);
    if (own.has(name)) throw new TypeError(`methods: ${name} is defined twice`);
    if (name === 'CONNECT') throw new TypeError('methods: CONNECT cannot be added, there are no tunnels');
    own.set(name, method);
    registry.set(name, method);
  }
  const common = [...new Set([...STANDARD_METHODS.map(({ name }) => name), ...own.keys()])];
  return Object.assign(registry, { common });
}

/** The methods of a route as a set: HEAD comes with GET; undefined stands for every known method. */
export function methodSet(methods: readonly string[] | undefined, registry: MethodRegistry): ReadonlySet<string> {
  if (methods === undefined) return new Set(registry.keys());
  const set = new Set(methods);
  for (const name of methods) {
    if (registry.has(name)) continue;
    const hint = suggestion(name, registry.keys());
    throw new TypeError(`"${name}" is not a method that this server knows; define it in "methods"${hint}`);
  }
  if (set.has('GET')) set.add('HEAD');
  return set;
}
