import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { bin, run, runAlone, site, start, type Started } from './command.ts';

const place = site({
  'www/index.html': '<h1>home</h1>',
  'www/a.txt': 'the letter a',
  'www/.env': 'SECRET=1',
  'other/index.html': 'other',
  'app.py': 'SECRET = 1\n',
  'page.php': '<?php $secret = 1;',
  'page.txt': 'no users\n',
  'empty.json': '\n',
  'cgi-bin/hello.cgi': '#!/bin/sh\necho Content-Type: text/plain\necho\necho "hello $PATH_INFO"\n',
});
const www = join(place.path, 'www');
const started: Started[] = [];

async function serve(words: readonly string[], env: Record<string, string> = {}): Promise<Started> {
  const server = await start(words, { cwd: place.path, env });
  started.push(server);
  return server;
}

afterAll(async () => {
  for (const { child, finished } of started) {
    child.kill('SIGKILL');
    await finished;
  }
  place.remove();
});

describe('onezero', () => {
  test('serves a directory, scripts in another, and ends with 0', async () => {
    const server = await serve(['www', '--cgi-bin', 'cgi-bin']);
    expect(await (await server.fetch('/')).text()).toBe('<h1>home</h1>');
    expect(await (await server.fetch('/cgi-bin/hello.cgi/there')).text()).toBe('hello /there\n');
    expect((await server.fetch('/.env')).status).toBe(404);
    expect((await server.stop()).code).toBe(0);
  });

  test('serves a single file', async () => {
    const server = await serve(['www/a.txt']);
    const answers = await Promise.all([server.fetch('/a.txt'), server.fetch('/index.html')]);
    expect(answers.map(({ status }) => status)).toEqual([200, 404]);
    await server.stop();
  });

  test.skipIf(!existsSync('/dev/full'))('outlives an output that takes nothing', async () => {
    const ready = join(place.path, 'ready.json');
    const full = openSync('/dev/full', 'w');
    const child = spawn(process.execPath, [bin, 'www', '--port', '0', '--ready-file', ready], {
      cwd: place.path,
      stdio: ['ignore', full, full],
    });
    closeSync(full);
    const ended = once(child, 'exit');
    await vi.waitFor(() => expect(existsSync(ready)).toBe(true), 120_000);
    const { url } = JSON.parse(readFileSync(ready, 'utf8')) as { url: string };
    for (let times = 0; times < 3; times++) expect((await fetch(`${url}/a.txt`)).status).toBe(200);
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });

  test.skipIf(!existsSync('/dev/full'))('tells of a log file that cannot be written, once', async () => {
    const server = await serve(['www', '--log-file', '/dev/full', '-q']);
    for (let times = 0; times < 3; times++) {
      expect((await server.fetch('/a.txt')).status).toBe(200);
      await vi.waitFor(() => expect(server.output.stderr).toContain('ENOSPC'), 120_000);
    }
    const { stderr } = await server.stop();
    expect(stderr).toMatch(/^Warning: lines for the log file \/dev\/full are lost: ENOSPC[^\n]*\n$/);
  });

  test('says that its working directory is gone', async () => {
    const gone = site({});
    const script = 'cd "$1" && rmdir "$1" && exec "$2" "$3"';
    const child = spawn('sh', ['-c', script, 'sh', gone.path, process.execPath, bin], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += String(chunk);
    });
    const [code] = (await once(child, 'close')) as [number];
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/^Error: the working directory has been removed;[^\n]*\n/),
    ]);
  });

  test.each(['www/a.txt/below', 'circle', 'x'.repeat(300)])(
    'has a line for a path that leads nowhere: %s',
    async (bad) => {
      const circle = join(place.path, 'circle');
      symlinkSync('circle', circle);
      onTestFinished(() => rmSync(circle));
      const flags = [
        'root',
        'cgi-bin',
        'auth-file',
        'log-file',
        'types-file',

        'live',
        'config',
        'certificate',
      ];
      const lines = [
        ...flags.map((flag) => ['check', `--${flag}=${bad}`]),
        ...['mount', 'internal', 'cgi'].map((flag) => ['check', `--${flag}`, `/m=${bad}`]),
        ['check', 'www', '--php', '--front', bad],
        ['check', bad, '--php'],
        ['check', '--error-page', `404=${bad}`],
        ['check', '--tls-cert', bad, '--tls-key', bad],
        ['check', '--wsgi', 'app:app', '--cwd', bad],
        ['compress', bad],
      ];
      for (const words of lines) {
        const { stderr } = await run(words, { cwd: place.path });
        expect(stderr, words.join(' ')).not.toMatch(/^ {4}at /m);
        expect(stderr, words.join(' ')).toContain(bad);
      }
    },
  );

  test('names the log file that cannot be opened', async () => {
    const { code, stderr } = await run(['www', '-p', '0', '--log-file', 'other'], { cwd: place.path });
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^Error: the log file .*\/other is a directory\n$/)]);
  });

  test('says nothing of what only clients did wrong', async () => {
    const server = await serve(['www']);
    expect(await server.raw('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')).toContain(' 505 ');
    expect(await server.raw(`${'X'.repeat(9000)} / HTTP/1.1\r\n\r\n`)).toMatch(/ (?:414|501) /);
    expect((await server.stop()).stderr).toBe('');
  });

  test.skipIf(!existsSync('/dev/full'))('ends with 1 where what it prints cannot be written', () => {
    for (const word of ['--version', '--help', 'print-config', 'check', 'man', 'completions bash']) {
      const words = ['-c', `"$0" "$1" ${word} > /dev/full`, process.execPath, bin];
      const { status, stderr } = spawnSync('sh', words, { cwd: place.path, encoding: 'utf8' });
      expect([word, status]).toEqual([word, 1]);
      expect(stderr).toMatch(/^(?:Warning: .*\n)*Error: ENOSPC[^\n]*\n$/);
    }
  });

  test('says --help and --version on standard output with 0', async () => {
    const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    for (const word of ['-v', '-V', '--version']) {
      expect(await run([word])).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: '' });
    }
    for (const word of ['-h', '--help', 'help']) {
      const { code, stdout, stderr } = await run([word]);
      expect([code, stderr, stdout.split('\n')[0]]).toEqual([0, '', 'Usage: onezero [directory | file] [flags]']);
    }
  });

  test.each([
    [['wwww'], /^Error: the directory .*\/wwww does not exist \(did you mean .*\/www\?\)\n/],
    [['--prot', '1'], /^Error: --prot is not a flag \(did you mean "--port"\?\)\n/],
    [['--port', 'abc'], /^Error: port expects a whole number from 0 to 65535, not "abc" \(flag --port\)\n/],
    [['--port', '99999'], /^Error: port expects .*, not 99999 \(flag --port\)\n/],
    [['--port', '-1'], /^Error: --port needs a value/],
    [['chek'], /^Error: the directory .*\/chek does not exist; the command is onezero check\n/],
    [['--zip'], /^Error: --zip is not a flag: downloads of folders are --listing=archives\n/],
    [
      ['www', '--hidden', 'x'],
      /^Error: --hidden is not a flag: names that begin with a dot [^\n]*\nSee onezero --help\n$/,
    ],
    [['www', '-c', '3600'], /^Error: the configuration file 3600 does not exist; a cache lifetime is --max-age 3600\n/],
    [['--auth', 'foo'], /^Error: --auth expects [^\n]*\(flag --auth\)\n/],
    [['www', '-c-1'], /^Error: the configuration file -1 does not exist; files are revalidated each time already/],
    [['www', '-d', 'other'], /^Error: both www and -d other are named; name one\n/],
    [['www', '--root', 'other'], /^Error: both www and --root other are named; name one\n/],
    [['page.php'], /^Error: .*\/page\.php is PHP source, .*; to run it: onezero \S+ --php --front page\.php\n/],
    [['app.py'], /^Error: .*\/app\.py is Python source, .*; to run it: onezero --wsgi .*\/app\.py\n/],
    [['-c', 'empty.json'], /^Error: the configuration file empty\.json is empty; \{\} stands for no options\n/],
    [['www', 'other'], /^Error: unexpected argument "other": only one directory or file can be served\n/],
    [['www', '--cgi-bin', 'cgi-bim'], /^Error: the directory of scripts .* \(did you mean .*\/cgi-bin\?\)\n/],
    [['www', '--config', 'none.json'], /^Error: the configuration file none\.json does not exist\n/],
    [['www', '--tls-cert', 'www/a.txt'], /^Error: TLS needs both --tls-cert and --tls-key\n/],
    [['www', '--error-page', '404=none.html'], /^Error: the error page .*none\.html does not exist\n/],
    [['www', '--log-file', 'no/dir/log'], /^Error: the directory of the log file .* does not exist\n/],
    [['explain'], /^Error: explain needs a URL or path/],
  ])('refuses %j with 2 and a line', async (words, message) => {
    const { code, stdout, stderr } = await run(words, { cwd: place.path });
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain('    at ');
    expect([code, stdout]).toEqual([2, '']);
  });

  test('names a busy port that was asked for, with 1 and no stack, and makes no file', async () => {
    const busy = createServer().listen(0, '127.0.0.1');
    await once(busy, 'listening');
    const { port } = busy.address() as AddressInfo;
    const { code, stderr } = await run(['www', '-p', String(port)], { cwd: place.path });
    expect(code).toBe(1);
    expect(stderr).toBe(
      `Error: port ${port} is in use; see by whom with: ss -ltnp 'sport = :${port}' (or lsof -i :${port})\n`,
    );
    expect(existsSync(join(place.path, String(port)))).toBe(false);
    busy.close();
  });

  test('prints one plain line where there is no terminal', async () => {
    const child = spawn(process.execPath, [bin, 'www', '-p', '0'], {
      cwd: place.path,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    expect(line.toString()).toMatch(/^onezero serves www at http:\/\/localhost:\d+\/\n$/);
    child.kill('SIGTERM');
    const [code] = (await once(child, 'close')) as [number];
    expect(code).toBe(0);
  });

  test('goes on when nobody reads standard output any more', async () => {
    const server = await serve(['www', '--debug']);
    server.child.stdout?.destroy();
    for (let count = 0; count < 50; count++) expect((await server.fetch('/a.txt')).status).toBe(200);
    server.child.kill('SIGTERM');
    const [code] = (await once(server.child, 'exit')) as [number];
    expect(code).toBe(0);
  });

  test('writes a ready file when it is ready and removes it at the end', async () => {
    const ready = join(place.path, 'ready.json');
    const server = await serve(['www', '--ready-file', ready]);
    await vi.waitFor(
      () => expect(JSON.parse(readFileSync(ready, 'utf8'))).toMatchObject({ event: 'ready', url: server.url }),
      120_000,
    );
    await server.stop();
    expect(existsSync(ready)).toBe(false);
  });

  test('replaces no link or device by a ready file', async () => {
    const link = join(place.path, 'stdout');
    symlinkSync('/dev/null', link);
    const { code, stderr } = await run(['check', 'www', '--ready-file', link], { cwd: place.path });
    expect([code, stderr]).toEqual([2, `Error: the ready file ${link} is not a file\n`]);
    rmSync(link);
  });

  test('says that a ready file cannot be written or removed, and ends in order', async () => {
    for (const [path, why] of [
      ['other', `the ready file ${join(place.path, 'other')} is a directory`],
      ['nowhere/ready', `the directory of the ready file ${join(place.path, 'nowhere')} does not exist`],
    ] as const) {
      const { code, stderr } = await run(['check', 'www', '--ready-file', path], { cwd: place.path });
      expect([code, stderr]).toEqual([2, `Error: ${why}\n`]);
    }
    const ready = join(place.path, 'replaced');
    const server = await serve(['www', '--ready-file', ready]);
    await vi.waitFor(() => expect(existsSync(ready)).toBe(true), 120_000);
    rmSync(ready);
    mkdirSync(ready);
    const { code, stderr } = await server.stop();
    expect([code, stderr]).toEqual([0, expect.stringMatching(/^Warning: cannot remove \S+replaced: .*\n$/)]);
  });

  test('listens on several addresses, a Unix socket among them', async () => {
    const socket = join(place.path, 'one.sock');
    const server = await serve(['www', '-l', '127.0.0.1:0', '-l', `unix:${socket}`]);
    expect((await server.fetch('/a.txt')).status).toBe(200);
    const connection = connect(socket).end('GET /a.txt HTTP/1.0\r\n\r\n');
    let answer = '';
    for await (const chunk of connection) answer += String(chunk);
    expect(answer).toContain('the letter a');
    await server.stop();
    expect(existsSync(socket)).toBe(false);
  });

  test('goes on where the path for the browser makes no URL', async () => {
    const server = await serve(['www', '--open=//'], { BROWSER: 'true' });
    expect((await server.fetch('/a.txt')).status).toBe(200);
    const { code, stderr } = await server.stop();
    expect([code, stderr]).toEqual([0, 'Warning: cannot open the browser: Invalid URL\n']);
  });

  test('opens the browser at a path', async () => {
    const browser = join(place.path, 'browser.sh');
    writeFileSync(browser, `#!/bin/sh\necho "$1" > '${place.path}/opened'\n`, { mode: 0o755 });
    const server = await serve(['www', '--open=/a.txt'], { BROWSER: browser });
    await vi.waitFor(
      () => expect(readFileSync(join(place.path, 'opened'), 'utf8')).toBe(`${server.url}/a.txt\n`),
      120_000,
    );
    await server.stop();
  });
});

describe('the configuration file', () => {
  const home = site({
    'www/a.txt': 'a',
    'www/b.js': 'b',
    'www/onezero.config.json': '{ "nonsense": true }',
    'blog/index.html': 'blog',
    'docs/index.html': 'docs',
    'cgi/x.cgi': '#!/bin/sh\necho Content-Type: text/plain\necho\necho "x $SCRIPT_NAME $MODE"\n',
    'onezero.config.json': `{
      "$schema": "./node_modules/@onezero/server/onezero.schema.json",
      "root": "www", // where the files are
      "maxAge": "1h",
      "headers": [{ "fields": { "X-All": "1" } }, { "glob": "*.js", "fields": { "X-Script": "2" } }],
      "redirects": [{ "from": "/old/*", "to": "/new/*", "status": 302 }],
      "cgi": [{ "path": "/run", "directory": "cgi", "env": { "MODE": "test" }, "headerTimeout": "5s" }],
      "auth": [{ "path": "/run/private", "users": { "ann": "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=" } }],
      "sites": [
        { "host": "blog.example", "root": "blog", "maxAge": 0 },
        { "path": "/docs", "root": "docs" },
      ],
    }`,
  });
  afterAll(() => home.remove());

  test('says all that flags say and more', async () => {
    const server = await start(['-c', 'onezero.config.json'], { cwd: home.path });
    const a = await server.fetch('/a.txt');
    expect([a.status, a.headers.get('cache-control'), a.headers.get('x-all')]).toEqual([
      200,
      'public, max-age=3600',
      '1',
    ]);
    expect((await server.fetch('/b.js')).headers.get('x-script')).toBe('2');
    expect((await server.fetch('/old/x?y')).headers.get('location')).toMatch(/^\/new\/x/);
    expect(await (await server.fetch('/run/x.cgi')).text()).toBe('x /run/x.cgi test\n');
    expect((await server.fetch('/run/private/x')).status).toBe(401);
    const ann = { headers: { authorization: `Basic ${btoa('ann:secret')}` } };
    expect((await server.fetch('/run/private/x', ann)).status).toBe(404);
    expect(await (await server.fetch('/docs/')).text()).toBe('docs');
    const blog = await server.raw('GET / HTTP/1.0\r\nHost: blog.example\r\n\r\n');
    expect(blog).toContain('\r\n\r\nblog');
    expect(blog).toContain('cache-control: no-cache');
    await server.stop();
  });

  test('is never served, and not read from the served directory', async () => {
    const server = await start(['www', '--no-config'], { cwd: home.path });
    for (const path of ['/onezero.config.json', '/%6fnezero.config.json', '/ONEZERO.CONFIG.JSON']) {
      expect((await server.fetch(path)).status, path).toBe(404);
    }
    await server.stop();
  });

  test('gives way to the environment, and that to flags', async () => {
    const env = { ONEZERO_MAX_AGE: '2h' };
    const { stdout } = await run(['print-config'], { cwd: home.path, env });
    expect(stdout).toContain('"maxAge": 7200, // environment ONEZERO_MAX_AGE');
    expect(stdout).toContain('"auth": not shown (onezero.config.json:8:7)');
    const odd = 'odd\u001b[31m\nname.json';
    writeFileSync(join(home.path, odd), '{ "port": 1 }');
    expect((await run(['print-config', '--config', odd], { cwd: home.path })).stdout).toContain(
      String.raw`"port": 1, // odd\u001b[31m\nname.json:1:3`,
    );
    expect((await run(['print-config', '-m', '3h'], { cwd: home.path, env })).stdout).toContain(
      '"maxAge": 10800, // flag -m',
    );
    expect((await run(['print-config', '--no-config'], { cwd: home.path })).stdout).toContain(
      '"maxAge": 0, // default',
    );
  });

  test('is printed as a file that says the same', async () => {
    const first = await run(['print-config'], { cwd: home.path });
    const copy = join(home.path, 'printed.jsonc');
    writeFileSync(copy, first.stdout);
    const values = (text: string): string =>
      text.replaceAll(/ *\/\/ (?!")[^\n]*|\n? *\/\/ "(?:auth|config)"[^\n]*/g, '');
    const second = await run(['print-config', '--config', copy], { cwd: home.path });
    expect(values(second.stdout)).toBe(values(first.stdout));
    // What is only a flag is a comment, on however many lines.
    const flags = await run(['print-config', '--no-config', '--cors-headers', 'X-A,X-B'], { cwd: home.path });
    writeFileSync(copy, flags.stdout);
    expect((await run(['check', '--config', copy], { cwd: home.path })).code).toBe(0);
  });

  test('is refused with its place', async () => {
    writeFileSync(join(home.path, 'bad.json'), '{\n  "port": 80,\n  "rooot": "www"\n}');
    const { code, stderr } = await run(['--config', 'bad.json'], { cwd: home.path });
    expect([code, stderr.split('\n')[0]]).toEqual([
      2,
      'Error: "rooot" is not an option of the file (did you mean "root"?) (bad.json:3:3)',
    ]);
    for (const key of ['sites', 'proxy', 'wsgi', 'cgi', 'certificates']) {
      writeFileSync(join(home.path, 'bad.json'), `{ "${key}": ["www"] }`);
      expect((await run(['check', '--config', 'bad.json'], { cwd: home.path })).stderr).toMatch(
        new RegExp(`^Error: ${key}\\.0 expects an object, not "www" \\(bad\\.json:1:\\d+\\)\n`),
      );
    }
    writeFileSync(join(home.path, 'bad.json'), '{\n  "port": 80\n  "root": "www"\n}');
    expect((await run(['check', '--config', 'bad.json'], { cwd: home.path })).stderr).toContain(
      'Error: expected "," or "}" (bad.json:3:3)\n',
    );
  });
});

test('a name in a file that was found drives no terminal', async () => {
  const folder = site({ 'onezero.config.json': JSON.stringify({ 'a\u001b[2J\u009b31mb': 1 }) });
  for (const words of [[], ['check'], ['explain', '/']]) {
    const { code, stderr } = await run(words, { cwd: folder.path });
    expect([code, stderr.split('\n')[0]]).toEqual([
      2,
      String.raw`Error: "a\u001b[2J\u009b31mb" is not an option of the file (onezero.config.json:1:2)`,
    ]);
  }
  folder.remove();
});

describe('a configuration file that is only found', () => {
  test.each([
    ['{ "wsgi": [{ "application": "evil:app" }] }', 'would start programs (wsgi)'],
    ['{ "cgiBin": "bin" }', 'would start programs (cgiBin)'],
    ['{ "cgi": [{ "extensions": { ".sh": null } }] }', 'would start programs (cgi)'],
    ['{ "sites": [{ "path": "/x", "wsgi": [{ "application": "evil" }] }] }', 'would start programs (wsgi)'],
    ['{ "host": "0.0.0.0" }', 'would let other machines connect'],
    ['{ "host": true, "quiet": true }', 'would let other machines connect'],
    ['{ "listen": [":80", "[::]:81"] }', 'would let other machines connect'],
    ['{ "root": "/etc" }', 'reaches outside its folder (root)'],
    ['{ "logFile": "../.bashrc" }', 'reaches outside its folder (logFile)'],
    ['{ "sites": [{ "path": "/x", "root": "../.." }] }', 'reaches outside its folder (root)'],
    ['{ "host": "::", "cgiBin": "bin" }', 'would start programs (cgiBin) and would let other machines connect'],
  ])('is refused until it is named: %s', async (text, reason) => {
    const folder = site({ 'onezero.config.json': text, 'index.html': 'x' });
    for (const words of [[], ['check'], ['explain', '/']]) {
      const { code, stdout, stderr } = await run(words, { cwd: folder.path });
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toContain(
        `Error: onezero.config.json in this directory ${reason}; if you trust it, name it: -c onezero.config.json\n`,
      );
    }
    expect((await run(['print-config'], { cwd: folder.path })).code).toBe(0);
    folder.remove();
  });

  test('is used when it says how its own folder is served', async () => {
    const folder = site({ 'onezero.config.json': '{ "root": "www", "maxAge": "1h" }', 'www/a.txt': 'a' });
    const server = await start([], { cwd: folder.path });
    expect((await server.fetch('/a.txt')).headers.get('cache-control')).toBe('public, max-age=3600');
    await server.stop();
    folder.remove();
  });
});

describe('a server that only this machine can reach', () => {
  test('answers for no name that another site can have, unless it is told to', async () => {
    const status = async (server: Started, host: string): Promise<string> =>
      (await server.raw(`GET /a.txt HTTP/1.0\r\nHost: ${host}\r\n\r\n`)).slice(9, 12);
    const server = await serve(['www']);
    expect([await status(server, 'evil.example'), await status(server, `localhost:${server.port}`)]).toEqual([
      '421',
      '200',
    ]);
    const { stderr } = await server.stop();
    expect(stderr).toContain('Warning: hosts: evil.example gets 421');
    for (const words of [
      ['--hosts', 'shop.example'],
      ['--hosts', '*'],
      ['--trusted-proxies', '127.0.0.1'],
    ]) {
      const open = await serve(['www', ...words]);
      expect(await status(open, 'shop.example')).toBe('200');
      await open.stop();
    }
    expect((await run(['check', 'www'], { cwd: place.path })).stdout).toContain('--trusted-proxy 127.0.0.1');
    expect((await run(['explain', 'http://evil.example/', 'www'], { cwd: place.path })).stdout).toContain(
      'status    421',
    );
  });

  const chromium = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path));

  test.skipIf(chromium === undefined && process.env['CI'] === undefined)(
    'shows nothing to a page whose name was made to lead here',
    async () => {
      const server = await serve(['www']);
      const open = async (host: string): Promise<string> => {
        const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--dump-dom'];
        const profile = `--user-data-dir=${join(place.path, 'chromium')}`;
        const rules = `--host-resolver-rules=MAP evil.test 127.0.0.1:${server.port}`;
        const { stdout } = await promisify(execFile)(chromium ?? '', [
          ...flags,
          profile,
          rules,
          `http://${host}/a.txt`,
        ]);
        return stdout;
      };
      expect(await open(`localhost:${server.port}`)).toContain('the letter a');
      const rebound = await open('evil.test');
      expect(rebound).toContain('421');
      expect(rebound).not.toContain('the letter a');
      await server.stop();
    },
    60_000,
  );
});

test('serves no file that is the server’s or an application’s own, and check says so', async () => {
  const own = site({
    'app.py': 'SECRET_KEY = "x"\ndef application(e, s):\n    s("404 Not Found", [])\n    return [b"not here"]\n',
    'shop/settings.py': 'PASSWORD = 1\n',
    'db.sqlite3': 'rows',
    'a.txt': 'a',
    users: 'ann:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n',
    'my.json': '{ "auth": [{ "path": "/private", "file": "users" }], "logFile": "access.log", "readyFile": "ready" }',
  });
  const words = ['.', '-c', 'my.json', '--wsgi', 'app'];
  const server = await start(words, { cwd: own.path });
  expect(await (await server.fetch('/a.txt')).text()).toBe('a');
  for (const path of ['app.py', 'shop/settings.py', 'db.sqlite3', 'users', 'my.json', 'access.log', 'ready']) {
    expect([path, (await server.fetch(`/${path}`)).status]).toEqual([path, 404]);
  }
  await server.stop();
  const { stderr } = await run(['check', ...words], { cwd: own.path });
  for (const name of ['users', 'access.log', 'ready'])
    expect(stderr).toMatch(new RegExp(`/${name} lies below the document root .*; it is not served`));
  expect(stderr).toContain(`Python sources and databases of app in ${own.path} are not served as files`);
  own.remove();
});

describe('check and explain', () => {
  test('check waits for no drain delay, and takes a root that is unset for none', async () => {
    const words = ['check', 'www', '--no-root', '--drain-delay=unlimited'];
    expect(await run(words, { cwd: place.path })).toMatchObject({ code: 0, stderr: '' });
  });

  test('check finds what will not work and what is dangerous', async () => {
    const odd = site({
      'www/cgi/fine.cgi': '#!/bin/sh\n',
      'www/cgi/windows.cgi': '#!/bin/sh\r\n',
      'www/cgi/plain': '#!/bin/sh\n',
      'www/cgi/open.cgi': '#!/bin/sh\n',
    });
    execFileSync('chmod', ['o+w', join(odd.path, 'www/cgi'), join(odd.path, 'www/cgi/open.cgi')]);
    const { code, stdout, stderr } = await run(
      ['check', 'www', '--cgi-bin', 'www/cgi', '--writable', '--auth', 'a:b'],
      { cwd: odd.path },
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^The configuration is sound, with \d warnings\nOnly this machine can connect, so only requests for localhost [^\n]*\n {2}Behind a proxy /,
    );
    for (const warning of [
      /everybody on this machine can put scripts into .*cgi\n/,
      /windows\.cgi has a carriage return at the end of its #! line/,
      /plain is not executable: chmod \+x\n/,
      /everybody on this machine can change .*open\.cgi\n/,
      /lies below the document root/,
      /the password in --auth can be seen/,
    ]) {
      expect(stderr).toMatch(warning);
    }
    expect(stderr).not.toContain('fine.cgi');
    const { stderr: root } = await run(['check', 'www', '--cgi-bin', 'www/cgi'], { cwd: odd.path });
    expect(root.includes('will run as root')).toBe(process.getuid?.() === 0);
    odd.remove();
  });

  test('check says what this user may not do with the root', () => {
    const folder = site({ 'closed/a.txt': 'a', 'unlisted/a.txt': 'a', 'fixed/a.txt': 'a', 'a.txt': 'a' });
    const modes = { closed: 0o600, unlisted: 0o711, fixed: 0o555, 'a.txt': 0o600 };
    onTestFinished(() => {
      for (const name of Object.keys(modes)) chmodSync(join(folder.path, name), 0o755);
      folder.remove();
    });
    chmodSync(folder.path, 0o755);
    for (const [name, mode] of Object.entries(modes)) chmodSync(join(folder.path, name), mode);
    // What the command reads of itself is read before it becomes another user, as nobody need not reach this repository.
    const program = `
      const { runCommand } = await import(${JSON.stringify(new URL('../../dist/command.js', import.meta.url).href)});
      process.chdir(${JSON.stringify(folder.path)});
      await runCommand(['check', 'fixed', '--writable']);
      if (process.getuid() === 0) process.setuid(65534);
      for (const words of [['closed'], ['unlisted'], ['fixed', '--writable'], ['a.txt']]) {
        process.stderr.write('== ' + words + '\\n');
        await runCommand(['check', ...words]);
      }
      process.exit();`;
    const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
    const said = stderr.split('== ').slice(1);
    expect(said).toEqual([
      expect.stringMatching(/^closed\nError: the directory .*closed cannot be entered by this user\n/),
      expect.stringMatching(/^unlisted\nWarning: the directory .*unlisted cannot be listed by this user\n/),
      expect.stringMatching(
        /^fixed,--writable\n(?:Warning: .*\n)*Warning: the directory .*fixed cannot be written to by this user/,
      ),
      expect.stringMatching(/^a\.txt\nError: .*a\.txt cannot be read by this user\n/),
    ]);
  });

  test('check warns of PHP that nothing runs', async () => {
    const folder = site({ 'www/index.php': '<?php' });
    onTestFinished(() => folder.remove());
    const warning = 'visitors can read the sources of PHP';
    const check = async (...flags: readonly string[]): Promise<string> =>
      (await run(['check', 'www', ...flags], { cwd: folder.path })).stderr;
    expect(await check()).toContain(warning);
    expect(await check('--hide', '**/*.php')).not.toContain(warning);
    expect(await check('--cgi', '.php=true')).not.toContain(warning);
  });

  test('check finds scripts that are not executable, however they are named', async () => {
    const odd = site({ 'www/form.pl': '#!/usr/bin/perl\n', 'www/plain.cgi': 'echo', 'one.txt': '#!/bin/sh\n' });
    execFileSync('chmod', ['a-x', join(odd.path, 'www/plain.cgi')]);
    const words = ['check', 'www', '--cgi', '.pl', '--cgi', '.cgi', '--cgi', '/one=one.txt'];
    const { stderr } = await run(words, { cwd: odd.path });
    for (const name of ['form.pl', 'plain.cgi', 'one.txt'])
      expect(stderr).toContain(`${name} is not executable: chmod +x\n`);
    odd.remove();
  });

  test('check refuses what would not start', async () => {
    expect(await run(['check', 'www', '--cgi', '.php=/no/php'], { cwd: place.path })).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('Error: the interpreter /no/php cannot be run\n') as string,
    });
  });

  test.each([
    ['/a.txt', ['status    200', `file      ${www}/a.txt`, 'field     content-type: text/plain; charset=utf-8']],
    ['/x/../%61.txt?q', [`file      ${www}/a.txt`, '          /x/../%61.txt is read as /a.txt']],
    ['/', [`file      ${www}/index.html`]],
    ['http://localhost/nothing', ['status    404']],
    ['http://example.org/nothing', ['status    421']],
    ['/../etc/passwd', ['status    400']],
    [
      '/cgi-bin/hello.cgi/x?y=1',
      [`run       ${place.path}/cgi-bin/hello.cgi`, 'with      SCRIPT_NAME=/cgi-bin/hello.cgi PATH_INFO=/x'],
    ],
    ['/cgi-bin/none', ['status    404', `          ${place.path}/cgi-bin/none does not exist`]],
    ['BREW /a.txt', ['status    501']],
    ['PUT /a.txt', ['status    405']],
  ])('explain %s', async (asked, lines) => {
    const { code, stdout, stderr } = await run(['explain', asked, 'www', '--cgi-bin', 'cgi-bin'], { cwd: place.path });
    expect([code, stderr]).toEqual([0, '']);
    for (const line of lines) expect(stdout.split('\n')).toContain(line);
  });

  test('say in a line what a part of the server refuses', async () => {
    const refused: readonly (readonly [string, string, RegExp])[] = [
      ['--auth-file', 'page.txt', /^Error: [^\n]*line 1 is not "name:hash"[^\n]*\n$/],
      [
        '--cors=X-Name',
        '',
        /^Error: cors expects an origin such as [^\n]* \(request headers are --cors-headers\), not "X-Name"/,
      ],
      ['--cors=no origin', '', /^Error: cors expects an origin such as [^\n]*, not "no origin" \(flag --cors\)\n/],
    ];
    for (const command of [['check'], ['explain', '/'], []]) {
      for (const [flag, value, message] of refused) {
        const words = ['www', flag, ...(value === '' ? [] : [value])];
        const { code, stderr } = await run([...command, ...words], { cwd: place.path });
        expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
      }
    }
  });

  test.each(['check .', 'explain /a.txt', 'print-config .', 'recipe systemd', 'recipe nothing', 'check nowhere'])(
    '%s says as a program what it says in the tests, where one process runs many',
    async (line) => {
      const folder = site({ 'a.txt': 'a' });
      const surroundings = { cwd: folder.path };
      const [alone, inTurn] = await Promise.all([
        runAlone(line.split(' '), surroundings),
        run(line.split(' '), surroundings),
      ]);
      expect(inTurn).toEqual(alone);
      folder.remove();
    },
  );

  test('explain changes nothing on a site that is writable', async () => {
    const before = readFileSync(join(www, 'a.txt'), 'utf8');
    for (const method of ['PUT', 'DELETE']) {
      const { stdout } = await run(['explain', `${method} /a.txt`, 'www', '--writable'], { cwd: place.path });
      expect(stdout).toContain(`the site is writable, so ${method} may change a file; nothing was changed`);
    }
    expect(readFileSync(join(www, 'a.txt'), 'utf8')).toBe(before);
  });

  test('explain says of every path what the server does with it', async () => {
    const names = [
      'a.txt',
      'index.html',
      'sub/index.html',
      'empty/x',
      'run.sh',
      'sub/run.sh',
      'plain.sh',
      '.hid.sh',
      '.env',
      'link',
      'out',
    ];
    const tree = site({
      'www/a.txt': 'a',
      'www/index.html': 'i',
      'www/sub/index.html': 's',
      'www/empty/x': 'x',
      'www/.env': 'e',
      'www/run.sh': '#!/bin/sh\necho X-Ran: yes\necho\n',
      'www/sub/run.sh': '#!/bin/sh\necho X-Ran: yes\necho\n',
      'www/.hid.sh': '#!/bin/sh\n',
      'www/plain.sh': '#!/bin/sh\n',
      'secret.txt': 'secret',
    });
    execFileSync('chmod', ['a-x', join(tree.path, 'www/plain.sh')]);
    execFileSync('ln', ['-s', 'a.txt', join(tree.path, 'www/link')]);
    execFileSync('ln', ['-s', '../secret.txt', join(tree.path, 'www/out')]);
    const words = ['www', '--cgi', '.sh'];
    const server = await start(words, { cwd: tree.path });
    const paths = [
      ...names,
      '',
      'sub',
      'sub/',
      'empty/',
      'none',
      'none.sh',
      'run.sh/more',
      'a.txt/more',
      'sub//run.sh',
    ];
    for (const path of paths) {
      const { stdout } = await run(['explain', `/${path}`, ...words], { cwd: tree.path });
      const answer = await server.fetch(`/${path}`, { headers: { accept: 'text/html' } });
      const told = [...stdout.matchAll(/^status {4}(\d+)$/gm)].at(-1)?.[1];
      const isRun = /^run /m.test(stdout);
      expect([path, isRun], stdout).toEqual([path, answer.headers.get('x-ran') === 'yes']);
      if (!isRun) expect([path, told], stdout).toEqual([path, String(answer.status)]);
    }
    await server.stop();
    tree.remove();
  });

  test('explain refuses no host where other machines can connect', async () => {
    const status = async (...flags: readonly string[]): Promise<string | undefined> =>
      /^status +(\d+)/m.exec(
        (await run(['explain', 'http://site.example/a.txt', 'www', ...flags], { cwd: place.path })).stdout,
      )?.[1];
    expect([await status(), await status('--host'), await status('-l', '0.0.0.0:80')]).toEqual(['421', '200', '200']);
    expect(await status('--host', '--hosts', 'other.example')).toBe('421');
  });

  test('explain names the variant and runs nothing', async () => {
    writeFileSync(join(www, 'big.js'), 'x'.repeat(5000));
    writeFileSync(join(www, 'big.js.br'), 'y');
    const cgi = join(place.path, 'cgi-bin/mark.cgi');
    writeFileSync(cgi, `#!/bin/sh\ntouch '${place.path}/was-run'\necho\n`, { mode: 0o755 });
    expect((await run(['explain', '/big.js', 'www'], { cwd: place.path })).stdout).toContain(
      `variant   ${www}/big.js.br\n`,
    );
    await run(['explain', '/cgi-bin/mark.cgi', 'www', '--cgi-bin', 'cgi-bin'], { cwd: place.path });
    expect(existsSync(join(place.path, 'was-run'))).toBe(false);
  });
});
