// Real programs, unmodified, through the adapter for node:http. Where a program is missing its tests are skipped by name.

import { execFile, execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text as wholeText } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import type { CgiOptions } from '../src/index.ts';
import type { CgiHandler } from '../src/node.ts';
import { cgiHandler } from '../src/node.ts';
import { isInstalled, Scripts } from './mount.ts';

const run = promisify(execFile);
const scripts = new Scripts();
const servers: Server[] = [];
const handlers: CgiHandler[] = [];
afterAll(async () => {
  for (const server of servers) server.close();
  for (const server of servers) server.closeAllConnections();
  await Promise.all(handlers.map(async (handler) => handler.close()));
  scripts.remove();
});

async function serve(options: CgiOptions & { path?: string }): Promise<string> {
  const handler = cgiHandler({ log: () => {}, ...options });
  const server = createServer(handler);
  handlers.push(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** POSTs without saying the length. */
async function postChunked(url: string, type: string, bytes: Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    const sending = httpRequest(url, { method: 'POST', headers: { 'content-type': type } }, (response) => {
      wholeText(response).then(resolve, reject);
    });
    sending.on('error', reject);
    sending.write(bytes.subarray(0, bytes.length >> 1));
    sending.end(bytes.subarray(bytes.length >> 1));
  });
}

const backend = '/usr/lib/git-core/git-http-backend';
const hasGit = isInstalled('git', '--version') && (existsSync(backend) || process.env['CI'] !== undefined);

describe.skipIf(!hasGit)('git http-backend', () => {
  const root = join(scripts.path, 'repositories');
  const environment = {
    ...process.env,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_SYSTEM: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
  };
  const git = async (cwd: string, ...args: string[]): Promise<string> => {
    const identity = ['-c', 'user.name=A', '-c', 'user.email=a@example.org', '-c', 'protocol.version=2'];
    return (await run('git', [...identity, ...args], { cwd, env: environment })).stdout;
  };

  test('clones, pushes 50 MB in chunks, and clones shallow', async () => {
    mkdirSync(join(root, 'work'), { recursive: true });
    await git(root, 'init', '-q', '--bare', 'bare.git');
    await git(root, '-C', 'bare.git', 'config', 'http.receivepack', 'true');
    const url = await serve({
      script: backend,
      path: '/git',
      env: { GIT_PROJECT_ROOT: root, GIT_HTTP_EXPORT_ALL: '1' },
    });
    const work = join(root, 'work');
    await git(work, 'init', '-q', '-b', 'main');
    writeFileSync(join(work, 'small'), 'one\n');
    await git(work, 'add', '.');
    await git(work, 'commit', '-q', '-m', 'One');
    await git(work, 'push', '-q', `${url}/git/bare.git`, 'main');
    const bytes = randomBytes(50_000_000);
    writeFileSync(join(work, 'large'), bytes);
    await git(work, 'add', '.');
    await git(work, '-c', 'core.compression=0', 'commit', '-q', '-m', 'Two');
    // Beyond http.postBuffer (1 MiB) git sends chunks without a length.
    await git(work, '-c', 'core.compression=0', 'push', '-q', `${url}/git/bare.git`, 'main');
    await git(root, '-C', 'bare.git', 'symbolic-ref', 'HEAD', 'refs/heads/main');
    await git(root, 'clone', '-q', `${url}/git/bare.git`, 'whole');
    const digest = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');
    expect(digest(readFileSync(join(root, 'whole/large')))).toBe(digest(bytes));
    await git(root, 'clone', '-q', '--depth', '1', `${url}/git/bare.git`, 'shallow');
    expect((await git(join(root, 'shallow'), 'log', '--format=%s')).trim()).toBe('Two');
  });
});

describe.skipIf(!isInstalled('php-cgi', '-v'))('php-cgi', () => {
  scripts.add('site/index.php', '<?php echo "index ", $_SERVER["SCRIPT_NAME"], " ", $_GET["a"] ?? "none";');
  scripts.add(
    'site/info.php',
    '<?php header("X-One: 1"); http_response_code(201); echo $_SERVER["PATH_INFO"] ?? "no path";',
  );
  scripts.add('site/post.php', '<?php echo $_POST["a"], " ", strlen(file_get_contents("php://input"));');
  scripts.add(
    'site/upload.php',
    '<?php $f = $_FILES["file"]; echo $f["name"], " ", sha1_file($f["tmp_name"]), " ", $_POST["note"];',
  );
  scripts.add('site/session.php', '<?php setcookie("a", "1"); setcookie("b", "2"); header("Location: /elsewhere");');
  scripts.add('site/image.gif', '<?php echo "run";');
  const site = async (): Promise<string> =>
    serve({ root: join(scripts.path, 'site'), extensions: { '.php': 'php-cgi' }, index: ['index.php'] });

  test('answers for a directory and for a path behind a script', async () => {
    const url = await site();
    expect(await (await fetch(`${url}/?a=1`)).text()).toBe('index /index.php 1');
    const response = await fetch(`${url}/info.php/more/path`);
    expect([response.status, response.headers.get('x-one'), await response.text()]).toEqual([201, '1', '/more/path']);
  });

  test('reads a form, with its length and without', async () => {
    const url = await site();
    const body = `a=${'x'.repeat(200_000)}`;
    const type = 'application/x-www-form-urlencoded';
    const known = await fetch(`${url}/post.php`, { method: 'POST', body, headers: { 'content-type': type } });
    expect(await known.text()).toBe(`${'x'.repeat(200_000)} 200002`);
    expect(await postChunked(`${url}/post.php`, type, Buffer.from(body))).toBe(`${'x'.repeat(200_000)} 200002`);
  });

  test('takes an upload', async () => {
    const url = await site();
    const bytes = randomBytes(1_000_000);
    const form = new FormData();
    form.set('note', 'hello');
    form.set('file', new Blob([bytes]), 'a b.bin');
    const response = await fetch(`${url}/upload.php`, { method: 'POST', body: form });
    expect(await response.text()).toBe(`a b.bin ${createHash('sha1').update(bytes).digest('hex')} hello`);
  });

  test('redirects with two cookies', async () => {
    const response = await fetch(`${await site()}/session.php`, { redirect: 'manual' });
    expect(response.status).toBe(302);
    expect(response.headers.getSetCookie().map((cookie) => cookie.slice(0, 3))).toEqual(['a=1', 'b=2']);
  });

  test.each([
    '/?-s',
    '/info.php?-s',
    '/info.php?%2ds',
    '/info.php?%AD-s',
    '/info.php?-d+auto_prepend_file%3d/etc/passwd',
  ])('takes %s for a query, not for options', async (path) => {
    const answer = await (await fetch((await site()) + path)).text();
    expect(answer).not.toMatch(/<\?php|&lt;\?php|root:|<code>/);
  });

  test.each(['/image.gif', '/image.gif/x.php', '/no-such.php', '/index.php%00.gif', '/index.php.bak'])(
    'does not run %s',
    async (path) => {
      const response = await fetch((await site()) + path);
      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(await response.text()).not.toContain('run');
    },
  );
});

describe.skipIf(!isInstalled('perl', '-MCGI', '-e', '1'))('Perl CGI.pm', () => {
  test('reads parameters and an upload, writes a page and a redirect', async () => {
    scripts.add(
      'perl/form.pl',
      '#!/usr/bin/perl\nuse CGI; my $q = CGI->new; print $q->header(-type => "text/plain", -cookie => $q->cookie("a", "1"));\nmy $f = $q->upload("file"); my $s = $f ? do { local $/; <$f> } : ""; print $q->param("name"), " ", length $s, " ", $q->url(-path_info => 1);\n',
    );
    scripts.add('perl/go.pl', '#!/usr/bin/perl\nuse CGI; print CGI->new->redirect("http://example.org/");\n');
    const url = await serve({ directory: join(scripts.path, 'perl') });
    const form = new FormData();
    form.set('name', 'ann');
    form.set('file', new Blob(['x'.repeat(100_000)]), 'f');
    const response = await fetch(`${url}/form.pl/path`, { method: 'POST', body: form });
    expect(response.headers.get('set-cookie')).toContain('a=1');
    expect(await response.text()).toBe(`ann 100000 ${url}/form.pl/path`);
    expect((await fetch(`${url}/go.pl`, { redirect: 'manual' })).headers.get('location')).toBe('http://example.org/');
  });
});

describe('scripts in other languages', () => {
  test.skipIf(!isInstalled('/usr/bin/python3', '--version'))('Python', async () => {
    scripts.add(
      'languages/form.py',
      '#!/usr/bin/python3\nimport os, sys, urllib.parse\nform = urllib.parse.parse_qs(sys.stdin.buffer.read(int(os.environ["CONTENT_LENGTH"])).decode())\nprint("Content-Type: text/plain\\n")\nprint(form["a"][0], os.environ["REQUEST_METHOD"])\n',
    );
    const url = await serve({ directory: join(scripts.path, 'languages') });
    const response = await fetch(`${url}/form.py`, { method: 'POST', body: new URLSearchParams({ a: 'b c' }) });
    expect(await response.text()).toBe('b c POST\n');
  });

  test('Node', async () => {
    scripts.add(
      'languages/hello.mjs',
      `#!${process.execPath}\nlet text = '';\nfor await (const chunk of process.stdin) text += chunk;\nconsole.log('Content-Type: text/plain\\n\\n' + text + process.env.QUERY_STRING);\n`,
    );
    const url = await serve({ directory: join(scripts.path, 'languages') });
    expect(await (await fetch(`${url}/hello.mjs?q`, { method: 'POST', body: 'hi ' })).text()).toBe('hi q\n');
  });

  test.skipIf(!isInstalled('gcc', '--version'))('C', async () => {
    const source = join(scripts.path, 'hello.c');
    writeFileSync(
      source,
      '#include <stdio.h>\n#include <stdlib.h>\nint main(void) { char b[64]; size_t n = fread(b, 1, 64, stdin); printf("Content-Type: text/plain\\r\\nContent-Length: %zu\\r\\n\\r\\n", n + 4); fwrite(b, 1, n, stdout); printf("%.4s", getenv("REQUEST_METHOD")); return 0; }\n',
    );
    mkdirSync(join(scripts.path, 'compiled'));
    execFileSync('gcc', ['-o', join(scripts.path, 'compiled/hello'), source]);
    const url = await serve({ directory: join(scripts.path, 'compiled') });
    expect(await (await fetch(`${url}/hello`, { method: 'POST', body: 'hi ' })).text()).toBe('hi POST');
  });
});
