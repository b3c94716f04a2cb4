import { describe, expect, test } from 'vitest';
import { bannerText, readyLine, type Announcement } from '../../../src/command-line/running/banner.ts';
import { isExposed } from '../../../src/command-line/configuration/inspection.ts';
import {
  interfaceAddresses,
  listenerAt,
  listenFailure,
  onFreePort,
} from '../../../src/command-line/running/listeners.ts';

const tls = { cert: 'c', key: 'k' };

describe('listenerAt', () => {
  test.each([
    ['8000', { host: 'localhost', port: 8000, tls }],
    [':8000', { host: 'localhost', port: 8000, tls }],
    ['0.0.0.0:80', { host: '0.0.0.0', port: 80, tls }],
    ['[::1]:81', { host: '::1', port: 81, tls }],
    ['example.org', { host: 'example.org', port: 8080, tls }],
    ['http://localhost', { host: 'localhost', port: 80, tls: undefined }],
    ['https://localhost/', { host: 'localhost', port: 443, tls }],
    ['unix:/run/a.sock', { socket: '/run/a.sock', tls: undefined }],
  ])('%s', (address, listener) => {
    expect(listenerAt(address, tls)).toEqual(listener);
  });
});

describe('onFreePort', () => {
  const taken =
    (...ports: number[]) =>
    (port: number): Promise<string> =>
      ports.includes(port)
        ? Promise.reject(Object.assign(new Error('in use'), { code: 'EADDRINUSE' }))
        : Promise.resolve(`open at ${port}`);

  test('moves on from ports in use', async () => {
    expect(await onFreePort(8080, true, taken(8080, 8081))).toEqual({ port: 8082, result: 'open at 8082' });
  });

  test('stays where it must, and does not go past the last port', async () => {
    await expect(onFreePort(8080, false, taken(8080))).rejects.toThrow('in use');
    await expect(onFreePort(65_535, true, taken(65_535))).rejects.toThrow('in use');
  });
});

describe('interfaceAddresses', () => {
  test('has none where they cannot be listed', () => {
    const refuse = (): never => {
      throw Object.assign(new Error('uv_interface_addresses returned Unknown system error 13'), {
        code: 'ERR_SYSTEM_ERROR',
      });
    };
    expect(interfaceAddresses(refuse)).toEqual([]);
    expect(interfaceAddresses().length).toBeGreaterThan(0);
  });
});

describe('listenFailure', () => {
  test.each([
    [{ code: 'EADDRINUSE', port: 80 }, "port 80 is in use; see by whom with: ss -ltnp 'sport = :80' (or lsof -i :80)"],
    [{ code: 'EADDRINUSE', address: '/a.sock' }, '/a.sock is in use by another server'],
    [{ code: 'EADDRINUSE' }, 'the address is in use by another server'],
    [
      { code: 'EACCES', port: 80 },
      'port 80 needs privileges that this user does not have; ports below 1024 are for root, or use --port 8080',
    ],
    [{ code: 'EADDRNOTAVAIL', address: '192.0.2.1' }, '192.0.2.1 is not an address of this machine'],
    [
      { code: 'ENOTFOUND', hostname: 'public' },
      'the host public is unknown; write a directory before the flags, or the address as --host=…',
    ],
  ])('%j', (properties, message) => {
    expect(listenFailure(Object.assign(new Error('x'), properties))).toBe(message);
  });
});

describe('isExposed', () => {
  test.each([
    ['localhost', undefined, false],
    ['127.0.0.1', undefined, false],
    ['::1', undefined, false],
    ['0.0.0.0', undefined, true],
    [true, undefined, true],
    ['localhost', ['0.0.0.0:80'], true],
    ['0.0.0.0', ['unix:/a', '[::1]:80', 'http://localhost'], false],
    ['0.0.0.0', [':80', '8000'], false],
    ['localhost', ['https://:443'], true],
  ] as const)('%s %j → %s', (host, listen, exposed) => {
    expect(isExposed({ host, listen })).toBe(exposed);
  });
});

describe('bannerText', () => {
  const announcement: Announcement = {
    version: '1.2.3',
    what: 'www',
    addresses: [{ url: 'http://localhost:8081', address: '127.0.0.1', port: 8081, secure: false }],
    base: '/',
    wantedPort: 8080,
    warnings: ['mind the step'],
  };

  test('tells a terminal everything, and everything else one line', () => {
    const banner = bannerText(announcement, { isTerminal: true, useColor: false });
    for (const words of [
      'onezero 1.2.3 serves www',
      'http://localhost:8081/',
      'Port 8080 is in use',
      'Warning: mind the step',
    ]) {
      expect(banner).toContain(words);
    }
    expect(bannerText(announcement, { isTerminal: false, useColor: false })).toBe(
      'onezero serves www at http://localhost:8081/ (port 8080 is in use)\n',
    );
  });

  test('does not hide from a log that other machines can connect', () => {
    const open = { url: 'http://localhost:80', address: '0.0.0.0', port: 80, secure: false };
    const text = bannerText(
      { ...announcement, addresses: [open], wantedPort: undefined },
      { isTerminal: false, useColor: false },
    );
    expect(text).toBe('onezero serves www at http://localhost:80/ (all addresses of this machine)\n');
  });

  test.each([
    ['/app', 'http://localhost:8081/app/'],
    ['/caf%C3%A9/', 'http://localhost:8081/caf%C3%A9/'],
    ['/café/a b', 'http://localhost:8081/caf%C3%A9/a%20b/'],
  ])('leads to where something is: below %s', (base, url) => {
    for (const isTerminal of [true, false])
      expect(bannerText({ ...announcement, base }, { isTerminal, useColor: false })).toMatch(
        `${url}${isTerminal ? '\n' : ' '}`,
      );
  });

  test('tells programs where it listens', () => {
    expect(JSON.parse(readyLine(announcement))).toMatchObject({ event: 'ready', url: 'http://localhost:8081' });
  });
});
