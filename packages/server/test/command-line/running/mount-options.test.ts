// From mounts of the configuration to options of the packages: what they take from the site around them.

import { availableParallelism } from 'node:os';
import { describe, expect, test } from 'vitest';
import { certificatePlaces } from '../../../src/command-line/configuration/certificate-places.ts';
import {
  cgiMount,
  gatewayMount,
  phpMount,
  pythonProcesses,
  workerCount,
  wsgiMount,
} from '../../../src/command-line/running/mount-options.ts';

const around = { root: '/www', front: undefined, env: { SITE: 'a', BOTH: 'site' } };

describe('a CGI mount', () => {
  test('by extension runs what is below the root of its site, unless it has its own', () => {
    expect(cgiMount({ extensions: { '.py': null } }, around)).toMatchObject({
      root: '/www',
      extensions: { '.py': null },
    });
    expect(cgiMount({ extensions: { '.py': null }, root: '/own' }, around)).toMatchObject({ root: '/own' });
    expect(cgiMount({ path: '/cgi-bin', directory: '/bin' }, around)).not.toHaveProperty('root');
  });

  test('has the front controller that its extensions run', () => {
    const php = { extensions: { '.php': 'php-cgi' } };
    expect(cgiMount(php, { ...around, front: 'index.php' })).toMatchObject({ front: 'index.php' });
    expect(cgiMount(php, { ...around, front: 'index.py' })).not.toHaveProperty('front');
    expect(cgiMount(php, { ...around, front: false })).not.toHaveProperty('front');
    expect(cgiMount({ extensions: { '.x': null } }, { ...around, front: 'constructor' })).not.toHaveProperty('front');
  });

  test.each([
    [{ '.php': 'php-cgi' }, 'index.php'],
    [{ '.php': '/usr/bin/php-cgi8.2', '.pl': null }, 'index.php'],
    [{ '.php': null }, undefined],
    [{ '.php': '/usr/bin/env' }, undefined],
    [{ '.php7': 'php-cgi' }, undefined],
  ])('has the front controller of PHP where php-cgi runs it: %j', (extensions, expected) => {
    expect((cgiMount({ extensions }, around) as { front?: string }).front).toBe(expected);
    expect(cgiMount({ extensions, front: 'main.php' }, around)).toMatchObject({ front: 'main.php' });
  });

  test('has the variables of its site below its own', () => {
    expect(cgiMount({ extensions: {}, env: { BOTH: 'mount' } }, around)).toMatchObject({
      env: { SITE: 'a', BOTH: 'mount' },
    });
  });
});

describe('a gateway', () => {
  test('has the front controller only with a root of its own', () => {
    const given = { server: '127.0.0.1:9000' } as never;
    expect(gatewayMount(given, { ...around, front: 'index.php' })).not.toHaveProperty('front');
    expect(
      gatewayMount({ server: '127.0.0.1:9000', root: '/www' } as never, { ...around, front: 'index.php' }),
    ).toMatchObject({
      front: 'index.php',
      params: { SITE: 'a' },
    });
  });
});

describe('PHP', () => {
  test.each([
    [undefined, undefined],
    [false, undefined],
  ])('%s is none', (php, expected) => {
    expect(phpMount(php, around, 1)).toBe(expected);
  });

  test('is what is named, below the root', () => {
    expect(phpMount(true, around, 1)).toMatchObject({ root: '/www', params: { SITE: 'a' } });
    expect(phpMount('127.0.0.1:9000', around, 1)).toMatchObject({ server: '127.0.0.1:9000' });
    expect(phpMount(true, { ...around, front: false }, 1)).toMatchObject({ front: false });
  });

  test('has fewer processes for each of ours, the more of ours there are, and never one alone', () => {
    const childrenOf = (workers: number): unknown =>
      (phpMount(true, around, workers) as { children?: number }).children;
    expect(childrenOf(1)).toBeUndefined();
    let before = Number.POSITIVE_INFINITY;
    for (const workers of [2, 3, 4, 8, 64, 1000]) {
      const children = Number(childrenOf(workers));
      expect(children).toBeGreaterThanOrEqual(2);
      expect(children).toBeLessThanOrEqual(before);
      before = children;
    }
  });
});

describe('processes', () => {
  test('of Python are those named, or the processors shared among ours, one at least', () => {
    expect(pythonProcesses({ processes: 5 } as never, 3)).toBe(5);
    expect(pythonProcesses({} as never, 1)).toBe(availableParallelism());
    expect(pythonProcesses({ processes: 'auto' } as never, 1_000)).toBe(1);
    expect(wsgiMount({ application: 'a:b', processes: 2 }, 1)).toMatchObject({
      application: 'a:b',
      processes: 2,
    });
  });

  test('of ours are those named, or one for each processor, and one where pages wait for changes', () => {
    expect([workerCount({ workers: 3 }), workerCount({ workers: 'auto' })]).toEqual([3, availableParallelism()]);
    expect(workerCount({ workers: 3, live: true })).toBe(1);
    expect(workerCount({ workers: 3, live: ['src'] })).toBe(1);
  });
});

describe('certificates', () => {
  test('are the one for everybody, those of sites, and those for names, in this order', () => {
    const places = certificatePlaces({
      tlsCert: '/c',
      tlsKey: '/k',
      tlsPassphraseFile: '/p',
      certificates: [{ cert: '/names', key: '/k3' }] as never,
      sites: [
        { host: 'a.example', tlsCert: '/a', tlsKey: '/k2' },
        { path: '/x', tlsCert: '/x', tlsKey: '/kx' },
      ],
    });
    expect(places).toEqual([
      { cert: '/c', key: '/k', passphraseFile: '/p', hosts: undefined },
      { cert: '/a', key: '/k2', passphraseFile: undefined, hosts: ['a.example'] },
      { cert: '/x', key: '/kx', passphraseFile: undefined, hosts: undefined },
      { cert: '/names', key: '/k3' },
    ]);
  });

  test('that lack a half are none', () => {
    const none = { certificates: undefined, sites: undefined, tlsPassphraseFile: undefined };
    expect(certificatePlaces({ ...none, tlsCert: '/c', tlsKey: undefined })).toEqual([]);
    expect(certificatePlaces({ ...none, tlsCert: undefined, tlsKey: '/k' })).toEqual([]);
    expect(certificatePlaces({ ...none, tlsCert: undefined, tlsKey: undefined })).toEqual([]);
  });
});
