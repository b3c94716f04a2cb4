// Every flag, in a run of the real command that shows what it does. The last test makes sure that none is left out.

import { createServer } from 'node:net';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { flagName } from '../../../src/command-line/options/option.ts';
import { optionEntries } from '../../../src/command-line/options/table.ts';
import { freePort } from '../../free-port.ts';
import { run, site, start, startPlain, type Started } from '../command.ts';

const script = 'x = 1;\n'.repeat(1000);
const place = site({
  'www/a.txt': 'a',
  'www/page.html': '<p>page',
  'www/home.htm': 'home',
  'www/noext': 'plain',
  'www/new.kind': 'kind',
  'www/big.js': script,
  'www/app-0123456789abcdef.js': script,
  'www/small.js': 'y',
  'www/small.js.gz': 'precompressed',
  'www/x.key': 'secret',
  'www/run.sh': 'echo Content-Type: text/plain; echo; echo "ran $COLOR"',
  'www/404.html': 'own 404',
  'www/spa/index.html': 'spa',
  'www/.dot': 'dot',
  'cgi-bin/x.cgi': '#!/bin/sh\necho Content-Type: text/plain\necho\necho "cgi $COLOR $REMOTE_USER"\n',
  'cgi-bin/silent.cgi': '#!/bin/sh\nsleep 20\n',
  'one.sh': '#!/bin/sh\necho Content-Type: text/plain\necho\necho "one $PATH_INFO"\n',
  'mime.types': 'text/x-new kind\n',
  'page404.html': 'page for 404',
  passwords: 'ann:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n',
  'outside.txt': 'outside',
  'fast.py': `async def application(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError("only http")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"fast"})
`,
  'app.py':
    "def application(environ, start_response):\n    start_response('200 OK', [('Content-Type', 'text/plain')])\n    return [b'python']\n",
});
symlinkSync('../outside.txt', join(place.path, 'www/link'));
writeFileSync(join(place.path, 'www/CON'), 'device');
afterAll(() => place.remove());

const used = new Set<string>();

/** Runs `check` against a server with these flags. */
async function withFlags(words: readonly string[], check: (server: Started) => Promise<void>): Promise<void> {
  for (const word of words) if (word.startsWith('-')) used.add(/^-[^=]*/.exec(word)?.[0] ?? '');
  const server = await start(words, { cwd: place.path });
  try {
    await check(server);
  } finally {
    await server.stop();
  }
}

async function text(server: Started, path: string, options?: RequestInit): Promise<string> {
  return (await server.fetch(path, options)).text();
}

async function field(server: Started, path: string, name: string, options?: RequestInit): Promise<string | null> {
  return (await server.fetch(path, options)).headers.get(name);
}

const basic = (pair: string): RequestInit => ({ headers: { authorization: `Basic ${btoa(pair)}` } });
const navigation = (path: string, fields = ''): string => `GET ${path} HTTP/1.0\r\nAccept: text/html\r\n${fields}\r\n`;
const coding = (name: string): RequestInit => ({ headers: { 'accept-encoding': name } });

test('what is served', () =>
  withFlags(
    [
      '--root',
      'www',
      '--cgi-bin',
      'cgi-bin',
      '--cgi',
      '.sh=/bin/sh',
      '--cgi',
      '/one=one.sh',
      '--cgi-env',
      'COLOR=red',
      '-s',
    ],
    async (server) => {
      expect(await text(server, '/cgi-bin/x.cgi')).toBe('cgi red \n');
      expect(await text(server, '/run.sh')).toBe('ran red\n');
      expect(await text(server, '/one/x')).toBe('one /x\n');
      writeFileSync(join(place.path, 'www/index.html'), 'the app');
      expect(await server.raw(navigation('/nothing/here'))).toMatch(/\r\n\r\nthe app$/);
      rmSync(join(place.path, 'www/index.html'));
    },
  ));

test('--wsgi', () =>
  withFlags(['www', '--wsgi', '/py=app:application'], async (server) => {
    expect(await text(server, '/py/x')).toBe('python');
    expect(await text(server, '/a.txt')).toBe('a');
  }));

test('--webdav', () =>
  withFlags(['www', '--webdav=/dav'], async (server) => {
    const listing = await server.fetch('/dav/', { method: 'PROPFIND', headers: { depth: '1' } });
    expect([listing.status, await listing.text()]).toEqual([
      207,
      expect.stringContaining('<D:href>/dav/a.txt</D:href>'),
    ]);
    expect((await server.fetch('/dav/made', { method: 'MKCOL' })).status).toBe(201);
    expect((await server.fetch('/a.txt', { method: 'PROPFIND' })).status).toBe(405);
  }));

test('--single, --writable, --auth and --auth-realm', () =>
  withFlags(
    ['www', '--single=spa/index.html', '--writable', '--auth', 'bob:pass:word', '--auth-realm', 'the files'],
    async (server) => {
      expect(await field(server, '/', 'www-authenticate')).toMatch(/^Basic realm="the files"/);
      const bob = basic('bob:pass:word');
      expect(await server.raw(navigation('/nothing', `Authorization: Basic ${btoa('bob:pass:word')}\r\n`))).toMatch(
        /\r\n\r\nspa$/,
      );
      expect((await server.fetch('/written.txt', { method: 'PUT', body: 'w', ...bob })).status).toBe(201);
      expect(await text(server, '/written.txt', bob)).toBe('w');
      expect((await server.fetch('/written.txt', { method: 'DELETE', ...bob })).status).toBe(204);
      for (const pair of ['bob:pass', 'bob:', 'bo:pass:word', ':'])
        expect((await server.fetch('/', basic(pair))).status).toBe(401);
    },
  ));

test('--auth-file', () =>
  withFlags(['www', '--auth-file', 'passwords'], async (server) => {
    expect((await server.fetch('/a.txt')).status).toBe(401);
    expect((await server.fetch('/a.txt', basic('ann:secret'))).status).toBe(200);
  }));

test('files, this way', () =>
  withFlags(
    [
      'www',
      '--index',
      'none.html,home.htm',
      '--clean-urls=redirect',
      '--extensions',
      'html',
      '--dotfiles',
      '--symlinks=all',
      '--hide',
      '*.key',
      '--windows-names=allow',
      '--mime-types',
      'mime.types',
      '--default-type',
      'text/x-none',
      '--charset',
      'latin1',
      '--etag=weak',
      '--max-age',
      '1h',
      '--immutable',
      '--cache-memory',
      '1m',
      '--max-cached-file',
      '10k',
    ],
    async (server) => {
      expect(await text(server, '/')).toBe('home');
      expect(await text(server, '/page')).toBe('<p>page');
      expect(await field(server, '/page.html', 'location')).toBe('page');
      expect(await text(server, '/.dot')).toBe('dot');
      expect(await text(server, '/link')).toBe('outside');
      expect(await text(server, '/CON')).toBe('device');
      expect((await server.fetch('/x.key')).status).toBe(404);
      expect(await field(server, '/new.kind', 'content-type')).toBe('text/x-new; charset=latin1');
      expect(await field(server, '/noext', 'content-type')).toMatch(/^text\/x-none/);
      expect(await field(server, '/a.txt', 'etag')).toMatch(/^W\//);
      expect(await field(server, '/a.txt', 'cache-control')).toBe('public, max-age=3600');
      expect(await field(server, '/app-0123456789abcdef.js', 'cache-control')).toContain('immutable');
    },
  ));

test('files, that way', () =>
  withFlags(
    [
      'www',
      '--no-listing',
      '--no-status-pages',
      '--no-last-modified',
      '--no-ranges',
      '--no-precompressed',
      '--no-compression',
      '--no-etag',
      '--no-symlinks',
      '--no-cache',
      '--no-access-log',
      '--no-server-field',
      '--no-simple-requests',
      '--windows-names=deny',
      '--no-charset',
    ],
    async (server) => {
      expect((await server.fetch('/')).status).toBe(404);
      expect(await text(server, '/none')).not.toContain('own 404');
      expect((await server.fetch('/CON')).status).toBe(404);
      const { headers } = await server.fetch('/a.txt', { headers: { range: 'bytes=0-0' } });
      const names = ['last-modified', 'content-range', 'etag', 'server', 'cache-control', 'content-type'];
      expect(names.map((name) => headers.get(name))).toEqual([null, null, null, null, 'no-cache', 'text/plain']);
      expect(await field(server, '/big.js', 'content-encoding', coding('gzip, br'))).toBeNull();
      expect(await field(server, '/small.js', 'content-encoding', coding('gzip'))).toBeNull();
      expect(await server.raw('GET /a.txt\r\n')).not.toBe('a');
      expect(server.output.stdout.split('\n')).toHaveLength(2);
    },
  ));

test('the defaults of the same', () =>
  withFlags(
    ['www', '--access-log', '--listing', '--etag', '--charset=utf-8', '--compression', '--precompressed'],
    async (server) => {
      expect(await field(server, '/', 'content-type')).toBe('text/html; charset=utf-8');
      expect(await text(server, '/none')).toBe('own 404');
      expect(await field(server, '/big.js', 'content-encoding', coding('br'))).toBe('br');
      expect(await field(server, '/small.js', 'content-encoding', coding('gzip'))).toBe('gzip');
      expect((await server.fetch('/.dot')).status + (await server.fetch('/link')).status).toBe(404 * 2);
      expect(await server.raw('GET /a.txt\r\n')).toBe('a');
    },
  ));

test.each([
  ['--gzip', 'gzip'],
  ['-B', 'br'],
])('%s', (flag, expected) =>
  withFlags(['www', flag], async (server) => {
    expect(await field(server, '/big.js', 'content-encoding', coding('gzip, br'))).toBe(expected);
    expect(await field(server, '/big.js', 'content-encoding', coding(expected === 'gzip' ? 'br' : 'gzip'))).toBeNull();
  }),
);

test('--cors-headers', () =>
  withFlags(['www', '--cors-headers', 'x-token,X-Other'], async (server) => {
    const preflight = await server.fetch('/a.txt', {
      method: 'OPTIONS',
      headers: {
        origin: 'https://a.example',
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'authorization,x-token',
      },
    });
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*');
    expect(preflight.headers.get('access-control-allow-headers')).toMatch(
      /\bauthorization\b.*\bx-token\b.*\bx-other\b/i,
    );
  }));

test('--listing=archives', async () => {
  await withFlags(['www', '--listing=archives'], async (server) => {
    const listing = await server.fetch('/', { headers: { accept: 'text/html' } });
    expect(await listing.text()).toContain('href="./?format=zip"');
    const archive = await server.fetch('/?format=zip');
    expect(archive.headers.get('content-type')).toBe('application/zip');
    expect(
      Buffer.from(await archive.arrayBuffer())
        .subarray(0, 4)
        .toString('latin1'),
    ).toBe('PK\x03\x04');
  });
  await withFlags(['www'], async (server) => {
    const listing = await server.fetch('/?format=zip', { headers: { accept: 'text/html' } });
    expect(await listing.text()).not.toContain('format=zip"');
  });
});

test('headers and access', () =>
  withFlags(
    [
      'www',
      '--header',
      'X-One: 1',
      '--header',
      'X-Two: 2',
      '--cors=https://a.example',
      '--error-page',
      '404=page404.html',
      '--no-status-pages',
      '--trusted-proxy',
      '127.0.0.1',
      '--forwarded-field',
      'forwarded',
      '--proxy-protocol',
      '192.0.2.1',
      '--hosts',
      'good.example,127.0.0.1',
      '--server-field',
      'testing',
      '--server-name',
      'named.example',
      '--request-id-field',
      'X-Request-Id',
      '--simple-requests',
      '--log-format',
      'json',
      '--last-modified',
      '--ranges',
      '--status-pages',
      '--no-status-pages',
    ],
    async (server) => {
      const { headers } = await server.fetch('/a.txt', {
        headers: { origin: 'https://a.example', 'x-forwarded-for': '192.0.2.8', forwarded: 'for=192.0.2.7' },
      });
      const names = ['x-one', 'x-two', 'access-control-allow-origin', 'server'];
      expect(names.map((name) => headers.get(name))).toEqual(['1', '2', 'https://a.example', 'testing']);
      expect(headers.get('x-request-id')).toMatch(/./);
      expect(await text(server, '/none')).toBe('page for 404');
      expect(await server.raw('GET / HTTP/1.0\r\nHost: evil.example\r\n\r\n')).toMatch(/^HTTP\/1\.[01] 421 /);
      expect(await server.raw('GET /a.txt HTTP/1.0\r\nHost: good.example\r\n\r\n')).toMatch(/^HTTP\/1\.[01] 200 /);
      expect(await server.raw('GET /a.txt HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.[01] (?:200|421) /);
      await vi.waitFor(
        () => expect(server.output.stdout).toMatch(/"remote":"192\.0\.2\.7".*"target":"\/a\.txt"/),
        120_000,
      );
    },
  ));

test('-C alone allows every origin', () =>
  withFlags(['www', '-C'], async (server) => {
    expect(
      await field(server, '/a.txt', 'access-control-allow-origin', { headers: { origin: 'https://b.example' } }),
    ).toBe('*');
  }));

test('limits that a request can meet', () =>
  withFlags(
    [
      'www',
      '--cgi-bin',
      'cgi-bin',
      '--max-request-line',
      '100',
      '--max-head',
      '1k',
      '--max-fields',
      '3',
      '--max-content',
      '10',
      '--max-drain',
      '1k',
      '--drain-timeout',
      '200ms',
      '--max-requests-per-connection',
      '2',
      '--head-timeout',
      '10s',
      '--answer-timeout',
      '300ms',
      '--content-timeout',
      '10s',
      '--idle-timeout',
      '10s',
      '--hook-timeout',
      '1s',
      '--min-bytes-per-second',
      '0',
      '--close-timeout',
      '1s',
      '--max-connections',
      '50',
      '--max-connections-per-address',
      '4',
    ],
    async (server) => {
      const status = async (bytes: string): Promise<string> => (await server.raw(bytes)).slice(9, 12);
      expect(await status(`GET /${'a'.repeat(200)} HTTP/1.0\r\n\r\n`)).toBe('414');
      expect(await status(`GET / HTTP/1.0\r\nX: ${'a'.repeat(2000)}\r\n\r\n`)).toBe('431');
      expect(await status('GET / HTTP/1.0\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n\r\n')).toBe('431');
      expect(await status('POST /cgi-bin/x.cgi HTTP/1.0\r\nContent-Length: 11\r\n\r\n01234567890')).toBe('413');
      const three = 'GET /a.txt HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(3);
      expect((await server.raw(three)).match(/HTTP\/1\.1 200/g)).toHaveLength(2);
      expect(await status('GET /cgi-bin/silent.cgi HTTP/1.0\r\n\r\n')).toBe('503');
    },
  ));

test('--drain-delay and --silence-timeout', () =>
  withFlags(['www', '--drain-delay', '1h', '--silence-timeout', '1h', '--health', '/up'], async (server) => {
    server.child.kill('SIGTERM');
    await expect.poll(async () => (await server.fetch('/up')).status).toBe(503);
    const last = await server.fetch('/a.txt');
    expect([last.status, last.headers.get('connection')]).toEqual([200, 'close']);
    // A second signal skips the delay.
    server.child.kill('SIGINT');
    expect((await server.finished).code).toBe(130);
  }));

test('-p, -H and -l', async () => {
  const port = await freePort();
  await withFlags(
    ['www', '-p', String(port), '-H', '127.0.0.1', '--strict-port', '--health', '/up', '--metrics', '/metrics'],
    async (server) => {
      expect([server.port, server.url]).toEqual([port, `http://127.0.0.1:${port}`]);
      expect(await text(server, '/up')).toBe('ok\n');
      expect(await text(server, '/metrics')).toContain('onezero_http_requests_total{method="GET",status="2xx"} 1\n');
    },
  );
  const outside = Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4');
  await withFlags(['www', '--port=0', '--host'], async (server) => {
    if (outside !== undefined) expect((await fetch(`http://${outside.address}:${server.port}/a.txt`)).status).toBe(200);
  });
  await withFlags(['www', '--listen', 'http://127.0.0.1:0'], async (server) =>
    expect(await text(server, '/a.txt')).toBe('a'),
  );
});

test('the default port gives way to the next, unless --strict-port', async () => {
  const servers = [createServer(), createServer()];
  const taken: boolean[] = [];
  for (const [index, server] of servers.entries()) {
    server.on('error', () => undefined).listen(8080 + index, '127.0.0.1');
    taken.push(
      await Promise.race([once(server, 'listening').then(() => true), once(server, 'error').then(() => true)]),
    );
  }
  expect(taken).toEqual([true, true]);
  const strict = await run(['www', '--strict-port'], { cwd: place.path });
  expect([strict.code, strict.stderr]).toEqual([1, expect.stringMatching(/^Error: port 8080 is in use; /)]);
  const { child, output, stop } = startPlain(['www'], { cwd: place.path });
  await vi.waitFor(
    () => expect(output.stdout).toMatch(/at http:\/\/localhost:80(?:8[2-9]|9\d)\/ \(port 8080 is in use\)\n/),
    120_000,
  );
  expect(child.exitCode).toBeNull();
  await stop();
  for (const server of servers) server.close();
});

test('-q prints nothing, --log-file all the same', () => {
  const log = join(place.path, 'quiet.log');
  return withFlags(
    ['www', '-q', '--log-file', log, '--log-format=common', '--ready-file', join(place.path, 'ready')],
    async (server) => {
      await server.fetch('/a.txt');
      await vi.waitFor(() => expect(readFileSync(log, 'utf8')).toContain('"GET /a.txt HTTP/1.1" 200 1\n'), 120_000);
      expect(server.output.stdout.trim().split('\n')).toHaveLength(1);
    },
  );
});

test('--debug shows the stack of a failure, otherwise there is one line', async () => {
  const failing = join(place.path, 'cgi-bin/bad.cgi');
  writeFileSync(failing, '#!/bin/sh\necho nonsense\n', { mode: 0o755 });
  for (const flags of [[], ['--debug']]) {
    await withFlags(['www', '--cgi-bin', 'cgi-bin', ...flags], async (server) => {
      expect((await server.fetch('/cgi-bin/bad.cgi')).status).toBe(502);
      await vi.waitFor(
        () => expect(server.output.stderr).toMatch(/^Error: 502 GET \/cgi-bin\/bad\.cgi \[.+\]: .+$/m),
        120_000,
      );
      expect(server.output.stderr.includes('\n    at ')).toBe(flags.length > 0);
    });
  }
});

test('the flags that have tests of their own', () => {
  // command.test.ts, certificates.test.ts and signals.test.ts; named here so that the next test can count on them.
  for (const flag of [
    '--base',
    '--certificate',
    '--config',
    '--https',
    '--internal',
    '--json',
    '--live',
    '--mount',
    '--open',
    '--proxy',
    '--tls-cert',
    '--tls-key',
    '--workers',
  ])
    used.add(flag);
  expect(used.size).toBeGreaterThan(6);
});

test('--methods makes methods known', async () => {
  await withFlags(['www', '--methods', 'FROB,BAN'], async (server) => {
    const answers = ['FROB', 'BAN', 'OTHER'].map(async (method) => (await server.fetch('/a.txt', { method })).status);
    expect(await Promise.all(answers)).toEqual([405, 405, 501]);
  });
});

test('--php, --fcgi and --scgi ask applications', async () => {
  const nobody = '127.0.0.1:1';
  const words = ['www', `--php=${nobody}`, '--fcgi', `/fast=${nobody}`, '--scgi', `/simple=${nobody}`];
  writeFileSync(join(place.path, 'www/x.php'), '<?php');
  await withFlags(words, async (server) => {
    const statuses = ['/x.php', '/fast/x', '/simple'].map(async (path) => (await server.fetch(path)).status);
    expect(await Promise.all(statuses)).toEqual([502, 502, 502]);
    expect(await text(server, '/a.txt')).toBe('a');
  });
});

test('--front answers where nothing is', () =>
  withFlags(['www', '--cgi', '.sh=/bin/sh', '--front', 'run.sh'], async (server) => {
    expect(await text(server, '/no/such/path')).toBe('ran \n');
    expect(await text(server, '/a.txt')).toBe('a');
  }));

test('--asgi serves a Python application', async () => {
  await withFlags(['--asgi', 'fast'], async (server) => {
    expect(await text(server, '/')).toBe('fast');
  });
});

test('--app serves a Python application of either kind', async () => {
  await withFlags(['--app', 'app.py'], async (server) => {
    expect(await text(server, '/')).toBe('python');
  });
});

test('--python, --virtualenv, --cwd, --processes, --threads and --reload hold for every application', async () => {
  for (const flag of ['--python', '--virtualenv', '--cwd', '--processes', '--threads', '--reload']) used.add(flag);
  const words = [
    '--python',
    '/usr/bin/env',
    '--virtualenv',
    'venv',
    '--cwd',
    'www',
    '--processes',
    '3',
    '--threads',
    '5',
  ];
  const { stdout } = await run(['print-config', '--app', 'app', '--wsgi', '/py=app', '--reload', ...words], {
    cwd: place.path,
  });
  const folder = (name: string): string => join(realpathSync(place.path), name);
  for (const part of [
    '"python": "/usr/bin/env", // flag --python',
    `"virtualenv": "${folder('venv')}", // flag --virtualenv`,
    `"cwd": "${folder('www')}", // flag --cwd`,
    '"processes": 3, // flag --processes',
    '"threads": 5, // flag --threads',
    '"reload": true, // flag --reload',
  ]) {
    expect(stdout).toContain(part);
  }
});

test('--keep-trying starts although an application does not load', async () => {
  used.add('--keep-trying');
  const { stdout } = await run(['print-config', '--keep-trying'], { cwd: place.path });
  expect(stdout).toContain('"keepTrying": true, // flag --keep-trying');
});

test('--tls-passphrase-file is read', async () => {
  used.add('--tls-passphrase-file');
  const words = [
    'check',
    'www',
    '--tls-cert',
    'page404.html',
    '--tls-key',
    'page404.html',
    '--tls-passphrase-file',
    'none',
  ];
  expect((await run(words, { cwd: place.path })).stderr).toMatch(/^Error: the file .*none does not exist\n/);
});

test('no flag is left out', () => {
  const known = new Map(
    optionEntries.flatMap(([key, option]) => {
      const name = `--${flagName(key, option)}`;
      const spellings = [name, `--no-${name.slice(2)}`, ...(option.short ?? []).map((letter) => `-${letter}`)];
      const others = [...(option.negations ?? []), ...(option.aliases ?? [])].map((other) => `--${other}`);
      return option.only === 'file'
        ? []
        : [...spellings, ...others].map((spelling): [string, string] => [spelling, name]);
    }),
  );
  const exercised = new Set([...used].map((flag) => known.get(flag)));
  expect([...new Set(known.values())].filter((name) => !exercised.has(name))).toEqual([]);
});
