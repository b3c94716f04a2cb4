// The methods a server knows. A method outside the registry is answered 501; one inside that a path does not take, 405.
//
// TRACE and CONNECT are never in it by themselves: TRACE echoes credentials back to scripts, CONNECT would need a tunnel.
// They are recognised, so that the answer is 405 and not 501.

import type { Method } from './options.ts';

const content = 'optional';

/** RFC 9110 §9.3, RFC 5789 and RFC 1945 appendix D.1. */
const STANDARD_METHODS: readonly Method[] = [
  { name: 'GET', safe: true, idempotent: true, content },
  { name: 'HEAD', safe: true, idempotent: true, content },
  { name: 'POST', safe: false, idempotent: false, content },
  { name: 'PUT', safe: false, idempotent: true, content },
  { name: 'DELETE', safe: false, idempotent: true, content },
  { name: 'PATCH', safe: false, idempotent: false, content },
  { name: 'OPTIONS', safe: true, idempotent: true, content },
  { name: 'LINK', safe: false, idempotent: true, content },
  { name: 'UNLINK', safe: false, idempotent: true, content },
];

/** Known by name, and refused unless somebody registers TRACE. */
export const REFUSED_METHODS: ReadonlySet<string> = new Set(['TRACE', 'CONNECT']);

export type MethodRegistry = ReadonlyMap<string, Method>;

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** The standard methods and `added`. Throws a TypeError for a name that is no token, given twice, or CONNECT. */
export function methodRegistry(added: readonly Method[] = []): MethodRegistry {
  const registry = new Map<string, Method>();
  for (const method of [...STANDARD_METHODS, ...added]) {
    if (!TOKEN.test(method.name)) throw new TypeError(`methods: "${method.name}" is not a method name`);
    if (registry.has(method.name)) throw new TypeError(`methods: ${method.name} is defined twice`);
    if (method.name === 'CONNECT') throw new TypeError('methods: CONNECT cannot be added, there are no tunnels');
    registry.set(method.name, method);
  }
  return registry;
}

/** The methods of a route as a set: HEAD comes with GET; undefined stands for every known method. */
export function methodSet(methods: readonly string[] | undefined, registry: MethodRegistry): ReadonlySet<string> {
  if (methods === undefined) return new Set(registry.keys());
  const set = new Set(methods);
  for (const name of methods) {
    if (!registry.has(name)) throw new TypeError(`"${name}" is no method this server knows; define it in "methods"`);
  }
  if (set.has('GET')) set.add('HEAD');
  return set;
}
