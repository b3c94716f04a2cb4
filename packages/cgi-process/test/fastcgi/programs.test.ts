// FastCGI and SCGI with the programs that people run behind them.

import { execFile, execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fastcgi, scgi } from '../../src/fastcgi.ts';
import type { GatewayResponder } from '../../src/fastcgi.ts';
import { fastcgiFetch } from '../../src/fetch.ts';
import { fastcgiHandler, scgiHandler } from '../../src/node.ts';
import { chunks, field, isInstalled, plain, request, Scripts, text, until } from '../mount.ts';

const folder = mkdtempSync(join(tmpdir(), 'onezero-fastcgi-'));
chmodSync(folder, 0o755);
const closables: { close: () => Promise<void> }[] = [];
const children: ChildProcess[] = [];

afterAll(async () => {
  for (const one of closables) await one.close();
  for (const child of children) await end(child);
  rmSync(folder, { recursive: true, force: true });
});

async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await gone;
}

async function start(socket: string, command: string, ...args: string[]): Promise<ChildProcess> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'ignore'] });
  children.push(child);
  await until(() => existsSync(socket) || child.exitCode !== null);
  return child;
}

const REPORT = `<?php
header('X-Powered: php');
echo json_encode(['method' => $_SERVER['REQUEST_METHOD'], 'name' => $_SERVER['SCRIPT_NAME'], 'info' => $_SERVER['PATH_INFO'] ?? null,
  'file' => basename($_SERVER['SCRIPT_FILENAME']), 'uri' => $_SERVER['REQUEST_URI'], 'get' => $_GET, 'post' => $_POST,
  'files' => array_map(fn($f) => [$f['name'], $f['size']], $_FILES), 'self' => $_SERVER['PHP_SELF'],
  'auth' => $_SERVER['PHP_AUTH_USER'] ?? null, 'length' => strlen(file_get_contents('php://input'))]);`;
const site = new Scripts({
  'index.php': REPORT,
  'sub/index.php': REPORT,
  'report.php': REPORT,
  'page.html': '<p>',
  'image.gif': '<?php echo "run";',
  'redirect.php': '<?php header("Location: /elsewhere");',
  'missing.php': '<?php http_response_code(404); echo "mine";',
  'cookies.php': '<?php setcookie("a", "1"); setcookie("b", "2");',
  'fatal.php': '<?php nonsense();',
  'log.php': '<?php error_log("a line\\nand another"); echo "logged";',
  'large.php': '<?php for ($i = 0; $i < 200; $i++) echo str_repeat(chr($i), 10000);',
  'slow.php': '<?php echo str_repeat("x", 100); flush(); usleep(20000); echo "y";',
});
chmodSync(site.path, 0o755);
mkdirSync(join(site.path, 'empty'));
afterAll(() => site.remove());

interface Report {
  readonly [name: string]: unknown;
}

describe.skipIf(!isInstalled('/usr/sbin/php-fpm8.2', '-v'))('php-fpm', () => {
  const socket = join(folder, 'fpm.sock');
  const configuration = join(folder, 'fpm.conf');
  const lines: string[] = [];
  let fpm: ChildProcess;
  let php: GatewayResponder;
  const run = async (): Promise<ChildProcess> => start(socket, '/usr/sbin/php-fpm8.2', '-R', '-F', '-y', configuration);
  const report = async (path: string, changes = {}): Promise<Report> => {
    const response = await php(request(path, { scriptName: '', target: encodeURI(path), ...changes }));
    return JSON.parse(await text(response)) as Report;
  };

  beforeAll(async () => {
    const isRoot = process.getuid?.() === 0;
    const user = isRoot ? 'user = www-data\ngroup = www-data\n' : '';
    writeFileSync(
      configuration,
      `[global]\nerror_log = ${join(folder, 'fpm.log')}\n[www]\n${user}listen = ${socket}\nlisten.mode = 0666\n` +
        'pm = static\npm.max_children = 4\npm.max_requests = 50\ncatch_workers_output = no\n',
    );
    fpm = await run();
    // A busy machine takes its time to start the successor of one that is restarted.
    const limits = { connectTimeoutMs: 60_000 };
    php = fastcgi({ address: socket, root: site.path, limits, log: ({ line }) => lines.push(line) });
    closables.push(php);
  });

  test.each<[string, Report]>([
    ['/report.php', { name: '/report.php', info: null, file: 'report.php', self: '/report.php' }],
    ['/report.php/', { name: '/report.php', info: '/', file: 'report.php' }],
    ['/report.php/a/b', { name: '/report.php', info: '/a/b', file: 'report.php', self: '/report.php/a/b' }],
    ['/report.php/x.php', { name: '/report.php', info: '/x.php', file: 'report.php' }],
    ['/report.php/ü b', { name: '/report.php', info: '/ü b' }],
    ['/', { name: '/index.php', info: null, file: 'index.php' }],
    ['/sub/', { name: '/sub/index.php', info: null }],
    ['/sub/index.php/x', { name: '/sub/index.php', info: '/x' }],
    ['//report.php', { name: '/report.php', info: null, self: '/report.php' }],
    ['//sub//', { name: '/sub/index.php', info: null, file: 'index.php' }],
    ['/sub//index.php//x', { name: '/sub/index.php', info: '//x' }],
  ])('runs %s with the names that Apache gives', async (path, expected) => {
    expect(await report(path)).toMatchObject({ ...expected, uri: encodeURI(path) });
  });

  test.each([
    '/page.html',
    '/image.gif',
    '/image.gif/x.php',
    '/nothing.php',
    '/nothing.php/x.php',
    '/empty/',
    '/.hidden.php',
    '/REPORT.PHP',
  ])('has nothing at %s', async (path) => {
    expect(await php(request(path, { scriptName: '' }))).toMatchObject({ status: 404, isNothing: true });
  });

  test('reads forms, uploads, content without a length, credentials', async () => {
    const type = (value: string): readonly [string, string] => ['content-type', value];
    const form = 'a=1&b=%C3%BC';
    const posted = {
      method: 'POST',
      content: form,
      fields: [type('application/x-www-form-urlencoded'), ['content-length', '12']],
    };
    expect(await report('/report.php?x=y', { ...posted, query: 'x=y', pathInfo: '/report.php' })).toMatchObject({
      method: 'POST',
      get: { x: 'y' },
      post: { a: '1', b: 'ü' },
    });
    const part = `--X\r\nContent-Disposition: form-data; name="f"; filename="big.bin"\r\n\r\n${'z'.repeat(200_000)}\r\n--X--\r\n`;
    const upload = {
      content: part,
      fields: [type('multipart/form-data; boundary=X'), ['content-length', String(part.length)]],
    };
    expect(await report('/report.php', upload)).toMatchObject({ files: { f: ['big.bin', 200_000] } });
    expect(await report('/report.php', { content: chunks(20, 10_000) })).toMatchObject({ length: 200_000 });
    expect(await report('/report.php', { fields: [['authorization', 'Basic YWRhOnB3']] })).toMatchObject({
      auth: 'ada',
    });
  });

  test('answers as PHP says', async () => {
    const redirect = await php(request('/redirect.php'));
    expect([redirect.status, field(redirect, 'location'), redirect.localRedirect]).toEqual([
      302,
      '/elsewhere',
      undefined,
    ]);
    const missing = await php(request('/missing.php'));
    expect([missing.status, missing.isNothing, await text(missing)]).toEqual([404, undefined, 'mine']);
    const cookies = await php(request('/cookies.php'));
    expect(cookies.fields.filter(([name]) => name === 'set-cookie').map(([, value]) => value)).toEqual(['a=1', 'b=2']);
    expect((await text(await php(request('/large.php')))).length).toBe(2_000_000);
    expect(await text(await php(request('/log.php')))).toBe('logged');
    await until(() => lines.some((line) => line.includes('and another')));
    expect((await php(request('/fatal.php'))).status).toBe(500);
  });

  test('gives what is nowhere else to the front controller', async () => {
    const front = fastcgi({ address: socket, root: site.path, front: 'index.php' });
    closables.push(front);
    const response = await front(
      request('/blog/2026?p=1', { scriptName: '', pathInfo: '/blog/2026', query: 'p=1', target: '/blog/2026?p=1' }),
    );
    expect(JSON.parse(await text(response))).toMatchObject({
      name: '/index.php',
      uri: '/blog/2026?p=1',
      get: { p: '1' },
    });
    expect(JSON.parse(await text(await front(request('/report.php', { scriptName: '' }))))).toMatchObject({
      name: '/report.php',
    });
    expect(front.front).toBeDefined();
  });

  test('never crosses 50 answers in parallel', async () => {
    const tokens = Array.from({ length: 50 }, (_, index) => `token-${index}`);
    const answers = await Promise.all(tokens.map(async (token) => report('/report.php', { query: `t=${token}` })));
    expect(answers.map(({ get }) => (get as { t: string }).t)).toEqual(tokens);
  });

  test('loses no GET while children end and php-fpm is restarted', async () => {
    let failed = 0;
    let isOver = false;
    const asking = Array.from({ length: 3 }, async () => {
      while (!isOver) {
        const response = await php(request('/report.php'));
        const whole = response.status === 200 ? await text(response).catch(() => '') : '';
        if (!whole.endsWith('}')) failed++;
      }
    });
    let answered = 0;
    try {
      for (let count = 0; count < 120; count++) answered += (await report('/report.php'))['method'] === 'GET' ? 1 : 0;
      for (let restart = 0; restart < 2; restart++) {
        await end(fpm, 'SIGQUIT');
        rmSync(socket, { force: true });
        fpm = await run();
        answered += (await report('/report.php'))['method'] === 'GET' ? 1 : 0;
      }
    } finally {
      isOver = true;
    }
    await Promise.all(asking);
    expect([failed, answered]).toEqual([0, 122]);
  });

  test('is not poisoned by clients that leave', async () => {
    let wrong = 0;
    for (let round = 0; round < 20; round++) {
      const leaving = Array.from({ length: 10 }, async (_, index) => {
        const gone = new AbortController();
        setTimeout(() => gone.abort(), index * 3);
        const response = await php(request(index % 2 === 0 ? '/slow.php' : '/large.php', { signal: gone.signal }));
        await text(response).catch(() => {});
      });
      const staying = Array.from({ length: 4 }, async (_, index) => {
        const { get } = await report('/report.php', { query: `t=${round}-${index}` });
        if ((get as { t: string }).t !== `${round}-${index}`) wrong++;
      });
      await Promise.all([...leaving, ...staying]);
    }
    expect(wrong).toBe(0);
  });

  test('serves through node:http and fetch', async () => {
    const handler = fastcgiHandler({ address: socket, root: site.path });
    const server = createServer((incoming, response) => handler(incoming, response, () => response.end('next')));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await (await fetch(`${origin}/report.php/x?a=b`)).json()).toMatchObject({ info: '/x', get: { a: 'b' } });
    expect(await (await fetch(`${origin}/page.html`)).text()).toBe('next');
    const ask = fastcgiFetch({ address: socket, root: site.path, path: '/app' });
    expect(await (await ask(new Request('http://a/app/report.php/x'))).json()).toMatchObject({
      name: '/app/report.php',
      info: '/x',
    });
    await Promise.all([handler.close(), ask.close()]);
    await new Promise((resolve) => server.close(resolve));
  });
});

describe.skipIf(!isInstalled('fcgiwrap', '-h'))('fcgiwrap', () => {
  test('runs the scripts of a directory', async () => {
    const scripts = new Scripts({ hello: plain('echo "$SCRIPT_NAME $PATH_INFO"; cat; echo oops >&2'), 'no-x.txt': '' });
    chmodSync(scripts.path, 0o755);
    const socket = join(folder, 'wrap.sock');
    await start(socket, 'fcgiwrap', '-f', '-s', `unix:${socket}`);
    const lines: string[] = [];
    const ask = fastcgi({ address: socket, directory: scripts.path, log: ({ line }) => lines.push(line) });
    closables.push(ask);
    for (let count = 0; count < 5; count++) {
      expect(await text(await ask(request('/hello/a b', { content: 'content' })))).toBe('/cgi-bin/hello /a b\ncontent');
    }
    expect(lines).toContain('oops');
    expect(await ask(request('/no-x.txt'))).toMatchObject({ status: 403 });
    expect(await ask(request('/'))).toMatchObject({ status: 403 });
    scripts.remove();
  });
});

const MAP = `MAP
  NAME "test" EXTENT 0 0 10 10 SIZE 8 8 UNITS METERS
  PROJECTION "init=epsg:3857" END
  WEB METADATA "wms_title" "a test map" "wms_enable_request" "*" "wms_srs" "EPSG:3857" END END
  LAYER NAME "square" TYPE POLYGON STATUS DEFAULT
    FEATURE POINTS 0 0 0 10 10 10 10 0 0 0 END END
    CLASS STYLE COLOR 255 0 0 END END
  END
END`;
const MAP_SETTINGS = 'CONFIG\n  ENV\n    "MS_MAP_PATTERN" "."\n  END\nEND\n';

describe.skipIf(!isInstalled('fcgiwrap', '-h') || !isInstalled('/usr/lib/cgi-bin/mapserv', '-v'))('MapServer', () => {
  test('says what it can, and draws a map', async () => {
    const site = new Scripts({ 'test.map': MAP, 'map.conf': MAP_SETTINGS });
    chmodSync(site.path, 0o755);
    const socket = join(folder, 'map.sock');
    await start(socket, 'fcgiwrap', '-f', '-s', `unix:${socket}`);
    const params = {
      MS_MAPFILE: join(site.path, 'test.map'),
      MAPSERVER_CONFIG_FILE: join(site.path, 'map.conf'),
    };
    const ask = fastcgi({ address: socket, directory: '/usr/lib/cgi-bin', symlinks: 'all', params });
    closables.push(ask);
    const wms = 'SERVICE=WMS&VERSION=1.1.1';
    const answer = await ask(request('/mapserv', { query: `${wms}&REQUEST=GetCapabilities` }));
    expect(await text(answer)).toContain('<Title>a test map</Title>');
    const where = 'SRS=EPSG:3857&BBOX=0,0,10,10&WIDTH=8&HEIGHT=8';
    const query = `${wms}&REQUEST=GetMap&LAYERS=square&STYLES=&FORMAT=image/png&${where}`;
    const image = await ask(request('/mapserv', { query }));
    expect([field(image, 'content-type'), (await text(image)).slice(1, 4)]).toEqual(['image/png', 'PNG']);
    site.remove();
  });
});

const LIBFCGI = `#include <fcgi_stdio.h>
#include <stdlib.h>
#include <fcgiapp.h>
#include <string.h>
int main(int count, char **words) {
  FCGX_Request request;
  FCGX_Init();
  FCGX_InitRequest(&request, FCGX_OpenSocket(words[1], 16), 0);
  while (FCGX_Accept_r(&request) == 0) {
    char bytes[1000];
    long total = 0, got;
    while ((got = FCGX_GetStr(bytes, sizeof bytes, request.in)) > 0) total += got;
    if (FCGX_GetParam("HTTP_X_SILENT", request.envp) == NULL) {
      FCGX_FPrintF(request.out, "Content-Type: text/plain\\r\\n\\r\\n%s %ld\\n", FCGX_GetParam("PATH_INFO", request.envp), total);
      for (int line = 0; line < 5000; line++) FCGX_PutS("0123456789\\n", request.out);
    }
    FCGX_FPrintF(request.err, "done\\n");
    FCGX_Finish_r(&request);
  }
}`;

function hasLibfcgi(): boolean {
  if (!isInstalled('cc', '--version')) return false;
  const isThere = existsSync('/usr/include/fcgiapp.h');
  if (!isThere && process.env['CI'] !== undefined) throw new Error('libfcgi-dev is not installed');
  return isThere;
}

describe.skipIf(!hasLibfcgi())('libfcgi', () => {
  test('answers one request after the other, with content of any length', async () => {
    const source = new Scripts({ 'application.c': LIBFCGI });
    const program = join(source.path, 'application');
    execFileSync('cc', ['-o', program, join(source.path, 'application.c'), '-lfcgi']);
    const socket = join(folder, 'libfcgi.sock');
    await start(socket, program, socket);
    const lines: string[] = [];
    const ask = fastcgi({ address: socket, log: ({ line }) => lines.push(line) });
    closables.push(ask);
    const rest = '0123456789\n'.repeat(5000);
    for (const length of [0, 1, 65_535, 65_536, 1_000_000]) {
      const answer = await ask(request('/a b', length === 0 ? {} : { content: 'x'.repeat(length) }));
      expect(await text(answer)).toBe(`/a b ${length}\n${rest}`);
    }
    const both = await Promise.all(['/1', '/2', '/3'].map(async (path) => text(await ask(request(path)))));
    expect(both).toEqual(['/1', '/2', '/3'].map((path) => `${path} 0\n${rest}`));
    expect(await ask(request('/', { fields: [['x-silent', '1']] }))).toMatchObject({ status: 502 });
    expect(lines).toContain('done');
    source.remove();
  });
});

const SCGI = `
import os, socket, sys, threading
def answer(connection):
    file = connection.makefile('rwb')
    digits = b''
    while not digits.endswith(b':'): digits += file.read(1)
    head = file.read(int(digits[:-1]))
    assert file.read(1) == b','
    words = head.split(b'\\0')
    params = dict(zip(words[0::2], words[1::2]))
    assert words[0] == b'CONTENT_LENGTH' and params[b'SCGI'] == b'1'
    body = file.read(int(params[b'CONTENT_LENGTH']))
    file.write(b'Status: 200 OK\\r\\nContent-Type: text/plain\\r\\n\\r\\n')
    file.write(b'%s %s %s %d' % (params[b'REQUEST_METHOD'], params[b'SCRIPT_NAME'], params[b'PATH_INFO'], len(body)))
    file.close(); connection.close()
listening = socket.socket(socket.AF_UNIX)
listening.bind(sys.argv[1]); listening.listen(64)
while True: threading.Thread(target=answer, args=(listening.accept()[0],)).start()
`;

describe.skipIf(!isInstalled('python3', '--version'))('scgi', () => {
  test('asks an application, one connection for each request', async () => {
    const socket = join(folder, 'scgi.sock');
    writeFileSync(join(folder, 'scgi.py'), SCGI);
    const app = await start(socket, 'python3', join(folder, 'scgi.py'), socket);
    const ask = scgi({ address: `unix:${socket}` });
    closables.push(ask);
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, index) =>
        text(await ask(request(`/p${index}`, { content: 'x'.repeat(index * 10_000) }))),
      ),
    );
    expect(answers).toEqual(Array.from({ length: 20 }, (_, index) => `POST /cgi-bin /p${index} ${index * 10_000}`));
    await end(app);
    expect(await ask(request('/'))).toMatchObject({ status: 502, cause: { code: 'backend-gone' } });
  });
});

const HGWEB = `import os
from mercurial.hgweb import hgweb
application = hgweb(os.environb[b'REPOSITORY'])
`;

/** Runs while this process answers. */
const run = promisify(execFile);

async function hg(...words: string[]): Promise<void> {
  await run('hg', words, { env: { ...process.env, HGRCPATH: '', HGPLAIN: '1' } });
}

describe.skipIf(!isInstalled('hg', '--version') || !isInstalled('uwsgi', '--version'))('Mercurial behind uWSGI', () => {
  test('is cloned from and pushed to over SCGI', async () => {
    const place = new Scripts({ 'hgweb.py': HGWEB, 'work/a b.txt': 'content\n'.repeat(20_000) });
    const repository = join(place.path, 'repository');
    await hg('init', repository);
    writeFileSync(join(repository, '.hg/hgrc'), '[web]\nallow-push = *\npush_ssl = false\n');
    const socket = join(folder, 'hg.sock');
    const app = [
      '--scgi-socket',
      socket,
      '--wsgi-file',
      join(place.path, 'hgweb.py'),
      '--env',
      `REPOSITORY=${repository}`,
    ];
    await start(
      socket,
      'uwsgi',
      '--plugin',
      'python3',
      '--need-app',
      '--master',
      '--die-on-term',
      '--processes',
      '2',
      ...app,
    );
    const handler = scgiHandler({ address: socket, path: '/hg' });
    const server = createServer((incoming, response) => handler(incoming, response, () => response.end('next')));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closables.push(handler);
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hg`;
    const work = join(place.path, 'work');
    await hg('init', work);
    await hg('--cwd', work, 'commit', '--addremove', '--user', 'ann', '--message', 'first');
    await hg('--cwd', work, 'push', url);
    await hg('clone', url, join(place.path, 'clone'));
    expect(place.read('clone/a b.txt')).toBe(place.read('work/a b.txt'));
    expect(await (await fetch(`${url}/raw-file/tip/a%20b.txt`)).text()).toBe(place.read('work/a b.txt'));
    expect((await fetch(`${url}/raw-file/tip/none`)).status).toBe(404);
    await new Promise((resolve) => server.close(resolve));
    place.remove();
  });
});
