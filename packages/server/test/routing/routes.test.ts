// The router against the rules of its page, read a second time without any index.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { methodRegistry } from '../../src/methods.ts';
import type { Route } from '../../src/options.ts';
import { createRouter, type Found } from '../../src/routing/routes.ts';

const registry = methodRegistry();
const responder = (): { status: number; fields: [] } => ({ status: 204, fields: [] });

const NAMES = ['a', 'b', 'ab', 'é', 'x y'];
const HOSTS = ['x.org', '*.x.org', 'y.x.org', '*.y.x.org', '[::1]'];
const METHODS = ['GET', 'POST', 'PUT'];

interface Given {
  readonly names: readonly string[];
  readonly host: string | undefined;
  readonly methods: readonly string[] | undefined;
}

const routes: fc.Arbitrary<Given> = fc.record({
  names: fc.array(fc.constantFrom(...NAMES), { maxLength: 3 }),
  host: fc.option(fc.constantFrom(...HOSTS), { nil: undefined }),
  methods: fc.option(fc.subarray(METHODS, { minLength: 1 }), { nil: undefined }),
});

const requests = fc.record({
  names: fc.array(fc.constantFrom(...NAMES, 'c'), { maxLength: 4 }),
  slashes: fc.constantFrom('/', '//'),
  end: fc.constantFrom('', '/'),
  host: fc.constantFrom('x.org', 'X.org:80', 'y.x.org.', 'a.y.x.org', 'other.org', '[::1]:8080', undefined),
  method: fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'DELETE'),
});

function plainHost(authority: string): string {
  const host = authority.toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '');
  return host.replace(/^\[|\]$/g, '');
}

/** 0 for the host itself, 1 for a pattern, 2 for any; undefined where it does not match. */
function rankOf(pattern: string | undefined, authority: string | undefined): number | undefined {
  if (pattern === undefined) return 2;
  if (authority === undefined) return undefined;
  const host = plainHost(authority);
  if (!pattern.startsWith('*.')) return plainHost(pattern) === host ? 0 : undefined;
  return host.endsWith(pattern.slice(1)) && host !== pattern.slice(2) ? 1 : undefined;
}

function takes({ methods }: Given, method: string): boolean {
  return methods === undefined || methods.includes(method) || (method === 'HEAD' && methods.includes('GET'));
}

type Outcome = readonly number[] | 404 | { readonly allow: readonly string[] };

/** All routes that a request falls through, in order; or what it is told. */
function expected(
  given: readonly Given[],
  names: readonly string[],
  method: string,
  host: string | undefined,
): Outcome {
  const matching = given
    .map((route, index) => ({ route, index, rank: rankOf(route.host, host) }))
    .filter(({ route, rank }) => rank !== undefined && route.names.every((name, place) => names[place] === name))
    .toSorted((a, b) => (a.rank ?? 0) - (b.rank ?? 0) || b.route.names.length - a.route.names.length);
  const found: number[] = [];
  const allow = new Set<string>();
  let refused = 0;
  for (const { route, index } of matching) {
    if (route.names.length < refused) continue;
    if (takes(route, method)) {
      // What another route refused before does not count for the one that goes on behind this.
      found.push(index);
      refused = 0;
    } else {
      refused = route.names.length;
      for (const one of route.methods ?? []) allow.add(one).add(one === 'GET' ? 'HEAD' : one);
    }
  }
  if (found.length > 0) return found;
  return allow.size === 0 ? 404 : { allow: [...allow].toSorted() };
}

describe('createRouter', () => {
  test('finds what its rules say, and falls through in their order', () => {
    fc.assert(
      fc.property(fc.array(routes, { maxLength: 8 }), requests, (given, { names, slashes, end, host, method }) => {
        const made = given.map((route, index): Route & { readonly index: number } => ({
          path: `/${route.names.map(encodeURIComponent).join('/')}`,
          host: route.host,
          methods: route.methods,
          responder,
          index,
        }));
        const router = createRouter(made, registry);
        const pathInfo = `${slashes}${names.join(slashes)}${names.length > 0 ? end : ''}`;
        const request = { method, authority: host, pathInfo };
        const outcome = expected(given, names, method, host);
        let found = router(request);
        if (outcome === 404) expect(found).toEqual({ status: 404 });
        else if ('allow' in outcome) expect(allowOf(found)).toEqual(outcome.allow);
        else {
          const order: number[] = [];
          while ('route' in found) {
            order.push(made.indexOf(found.route as (typeof made)[number]));
            const { names: own } = given[order.at(-1) ?? 0] ?? { names: [] };
            expect(found.scriptName).toBe(own.map((name) => `/${name}`).join(''));
            // What is left is what the path had behind the prefix, empty names included.
            expect(pathInfo.endsWith(found.pathInfo)).toBe(true);
            expect(found.pathInfo.split('/').filter(Boolean)).toEqual(names.slice(own.length));
            found = router(request, found.next);
          }
          expect(order).toEqual(outcome);
        }
      }),
      { numRuns: 3000 },
    );
  });

  test('finds one of a thousand routes and hosts', () => {
    const many = Array.from({ length: 1000 }, (_, index): Route => ({
      path: `/app${index}/v1`,
      responder,
      name: `${index}`,
    }));
    const hosts = Array.from({ length: 1000 }, (_, index): Route => ({
      host: `h${index}.org`,
      responder,
      name: `h${index}`,
    }));
    const router = createRouter([...many, ...hosts], registry);
    for (let index = 0; index < 1000; index += 37) {
      const byPath = router({ method: 'GET', authority: undefined, pathInfo: `/app${index}/v1/x` });
      expect('route' in byPath && byPath.route.name).toBe(`${index}`);
      const byHost = router({ method: 'GET', authority: `h${index}.org`, pathInfo: '/x' });
      expect('route' in byHost && byHost.route.name).toBe(`h${index}`);
    }
    expect(router({ method: 'GET', authority: 'h1000.org', pathInfo: '/app1' })).toEqual({ status: 404 });
  });
});

function allowOf(found: Found): readonly string[] | undefined {
  return 'allow' in found ? [...found.allow].toSorted() : undefined;
}
