import { describe, expect, test } from 'vitest';
import { addressMatcher, forwarded } from '../../src/transport/forwarded.ts';

const isTrusted = addressMatcher('trustedProxies', ['10.0.0.0/8', '::1']);
const peer = { address: '10.0.0.1', scheme: 'http' } as const;

describe('Forwarded', () => {
  test.each([
    ['for=192.0.2.60;proto=https;by=203.0.113.43', '192.0.2.60', 'https'],
    ['For="[2001:db8:cafe::17]:4711"', '2001:db8:cafe::17', 'http'],
    ['for=192.0.2.43, for=198.51.100.17', '198.51.100.17', 'http'],
    ['for=192.0.2.43;proto=https, for=10.0.0.2;proto=http', '192.0.2.43', 'https'],
    ['for="192.0.2.43:80" ; PROTO="https"', '192.0.2.43', 'https'],
    ['for=1.2.3.4, for="10.0.0.\\2"', '1.2.3.4', 'http'],
    ['for=unknown, for=10.0.0.9', '10.0.0.9', 'http'],
    ['for=_hidden', '10.0.0.1', 'http'],
    ['for="1.2.3.4, for=10.0.0.9', '10.0.0.1', 'http'],
    ['for=1.2.3.4 for=5.6.7.8', '10.0.0.1', 'http'],
    ['', '10.0.0.1', 'http'],
    [',,for=1.2.3.4,,', '1.2.3.4', 'http'],
  ])('%s', (value, address, scheme) => {
    expect(forwarded([['forwarded', value]], peer, isTrusted, 'forwarded')).toEqual({ address, scheme });
  });

  test('and X-Forwarded-For are never read together', () => {
    const both = [
      ['forwarded', 'for=1.1.1.1;proto=https'],
      ['x-forwarded-for', '2.2.2.2'],
    ] as const;
    expect(forwarded(both, peer, isTrusted)).toEqual({ address: '2.2.2.2', scheme: 'http' });
    expect(forwarded(both, peer, isTrusted, 'forwarded')).toEqual({ address: '1.1.1.1', scheme: 'https' });
  });
});
