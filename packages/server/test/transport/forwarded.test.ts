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

describe('X-Forwarded-Proto', () => {
  test.each([
    ['192.0.2.1', 'https', 'https'],
    ['192.0.2.1', 'HTTPS', 'https'],
    ['192.0.2.1', 'https, http', 'http'],
    ['192.0.2.1', 'http,https', 'https'],
    ['192.0.2.1, 10.0.0.2', 'https, http', 'https'],
    ['192.0.2.1, 10.0.0.2', 'https', 'https'],
    ['1.1.1.1, 192.0.2.1, 10.0.0.2', 'http, https, http', 'https'],
    ['1.1.1.1, 192.0.2.1', 'https, http', 'http'],
    ['', 'http, https', 'https'],
    ['', 'https', 'https'],
    ['192.0.2.1', 'wss', 'https'],
    ['192.0.2.1', 'ws', 'http'],
    ['192.0.2.1', 'https, ftp', 'http'],
    ['192.0.2.1', 'https,', 'http'],
    ['192.0.2.1', 'javascript:https', 'http'],
    ['192.0.2.1', '', 'http'],
  ])('of a request for %s: %s is %s', (addresses, schemes, scheme) => {
    const fields = [
      ['x-forwarded-for', addresses],
      ['x-forwarded-proto', schemes],
    ] as const;
    expect(forwarded(fields, peer, isTrusted).scheme).toBe(scheme);
  });

  test('in several lines is one list', () => {
    const fields = [
      ['x-forwarded-for', '192.0.2.1, 10.0.0.2'],
      ['x-forwarded-proto', 'https'],
      ['x-forwarded-proto', 'http'],
    ] as const;
    expect(forwarded(fields, peer, isTrusted).scheme).toBe('https');
  });
});
