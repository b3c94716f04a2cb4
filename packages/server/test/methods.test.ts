import { describe, expect, test } from 'vitest';
import { methodRegistry, methodSet, REFUSED_METHODS } from '../src/methods.ts';
import type { Method } from '../src/options.ts';

describe('methodRegistry', () => {
  test('knows every registered method but those that it refuses by name', () => {
    const registry = methodRegistry();
    for (const name of ['GET', 'PATCH', 'LINK', 'QUERY', 'PROPFIND', 'MKCALENDAR', 'LOCK', 'VERSION-CONTROL']) {
      expect(registry.get(name)).toMatchObject({ name, content: 'optional' });
    }
    for (const name of REFUSED_METHODS) expect(registry.has(name)).toBe(false);
    expect(registry.common).toEqual(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'LINK', 'UNLINK']);
  });

  test('says of each what RFC 9110 says', () => {
    const registry = methodRegistry();
    const safe = [...registry.values()].filter((method) => method.safe).map(({ name }) => name);
    expect(safe).toEqual(['GET', 'HEAD', 'OPTIONS', 'QUERY', 'PROPFIND', 'REPORT', 'SEARCH']);
    for (const method of registry.values()) if (method.safe) expect(method.idempotent).toBe(true);
    expect([...registry.values()].filter(({ idempotent }) => !idempotent).map(({ name }) => name)).toEqual([
      'POST',
      'PATCH',
      'LOCK',
    ]);
  });

  test('takes others, by name or whole, which win over its own', () => {
    const own: Method = { name: 'GET', safe: true, idempotent: true, content: 'none' };
    const registry = methodRegistry(['BREW', own, 'TRACE']);
    expect(registry.get('BREW')).toEqual({ name: 'BREW', safe: false, idempotent: false, content: 'optional' });
    expect(registry.get('GET')).toEqual(own);
    expect(registry.common.slice(-2)).toEqual(['BREW', 'TRACE']);
    expect(registry.common.filter((name) => name === 'GET')).toHaveLength(1);
  });

  test.each([
    [['BAD NAME'], 'methods: "BAD NAME" is not a method name'],
    [[''], 'methods: "" is not a method name'],
    [['A', 'A'], 'methods: A is defined twice'],
    [['CONNECT'], 'methods: CONNECT cannot be added'],
  ])('refuses %j', (added, message) => {
    expect(() => methodRegistry(added)).toThrow(message);
  });
});

describe('methodSet', () => {
  const registry = methodRegistry(['BREW']);

  test('is every known method without a list, and HEAD comes with GET', () => {
    expect(methodSet(undefined, registry)).toEqual(new Set(registry.keys()));
    expect(methodSet(['GET'], registry)).toEqual(new Set(['GET', 'HEAD']));
    expect(methodSet(['POST', 'BREW'], registry)).toEqual(new Set(['POST', 'BREW']));
    expect(methodSet([], registry)).toEqual(new Set());
  });

  test('names what is unknown, and the nearest that is known', () => {
    expect(() => methodSet(['GTE'], registry)).toThrow(/"GTE" is not a method that this server knows.*GET/);
  });
});
