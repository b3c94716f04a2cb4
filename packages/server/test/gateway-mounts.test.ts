// FastCGI mounts of a server: PHP and files from one root, a front controller behind both, and no source for anybody.

import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, start } from './exchange.ts';

const FPM = '/usr/sbin/php-fpm8.2';

function isInstalled(): boolean {
  try {
    execFileSync(FPM, ['-v'], { stdio: 'ignore' });
    return true;
  } catch (error) {
    if (process.env['CI'] !== undefined) throw error;
    return false;
  }
}

describe.skipIf(!isInstalled())('createServer with fastcgi', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-'));
  const root = join(folder, 'public');
  const address = join(folder, 'fpm.sock');
  let fpm: ChildProcess;

  beforeAll(async () => {
    chmodSync(folder, 0o755);
    mkdirSync(join(root, 'sub'), { recursive: true });
    mkdirSync(join(root, 'list'));
    const report =
      '<?php echo $_SERVER["SCRIPT_NAME"], " ", $_SERVER["PATH_INFO"] ?? "-", " ", $_SERVER["REQUEST_URI"];';
    for (const name of ['index.php', 'sub/index.php', 'a.php']) writeFileSync(join(root, name), report);
    writeFileSync(join(root, 'missing.php'), '<?php http_response_code(404);');
    writeFileSync(join(root, 'page.txt'), 'page');
    writeFileSync(join(root, 'list/b.txt'), 'b');
    const user = process.getuid?.() === 0 ? 'user = www-data\ngroup = www-data\n' : '';
    const pool = `[www]\n${user}listen = ${address}\nlisten.mode = 0666\npm = static\npm.max_children = 2\n`;
    writeFileSync(join(folder, 'fpm.conf'), `[global]\nerror_log = ${join(folder, 'log')}\n${pool}`);
    fpm = spawn(FPM, ['-R', '-F', '-y', join(folder, 'fpm.conf')], { stdio: 'ignore' });
    while (!existsSync(address) && fpm.exitCode === null) await delay(5);
  });

  afterAll(async () => {
    const gone = new Promise((resolve) => fpm.once('exit', resolve));
    fpm.kill();
    await gone;
    rmSync(folder, { recursive: true });
  });

  async function answers(
    options: Parameters<typeof start>[0],
  ): Promise<(path: string, method?: string) => Promise<string>> {
    const running = await start(options);
    closings.push(() => running.close());
    return async (path, method = 'GET') => {
      const { status, content } = parse(
        await running.exchange(`${method} ${path} HTTP/1.0\r\nAccept: text/plain\r\n\r\n`),
      );
      return `${status} ${content}`;
    };
  }

  const closings: (() => Promise<unknown>)[] = [];
  afterAll(async () => {
    for (const close of closings) await close();
  });

  test('runs PHP below the root, and serves the files there', async () => {
    const ask = await answers({ root, fastcgi: address, static: { listing: true } });
    expect(await ask('/')).toBe('200 /index.php - /');
    expect(await ask('/sub/')).toBe('200 /sub/index.php - /sub/');
    expect(await ask('/a.php/x/y')).toBe('200 /a.php /x/y /a.php/x/y');
    expect(await ask('/page.txt')).toBe('200 page');
    expect(await ask('/list/')).toContain('b.txt');
    expect(await ask('/nothing')).toMatch(/^404/);
    for (const path of ['/A.PHP', '/a.php.', '/.well-known/../a%2ephp/..', '/missing.php']) {
      for (const method of ['GET', 'HEAD']) expect(await ask(path, method)).not.toContain('<?php');
    }
    expect(await ask('/missing.php', 'HEAD')).toMatch(/^404/);
  });

  test('asks the front controller behind scripts and files', async () => {
    const ask = await answers({ root, fastcgi: { address, root, front: 'index.php' } });
    expect(await ask('/page.txt')).toBe('200 page');
    expect(await ask('/a.php')).toBe('200 /a.php - /a.php');
    expect(await ask('/blog/2026?x=1')).toBe('200 /index.php - /blog/2026?x=1');
    expect(await ask('/blog/2026', 'PUT')).toBe('200 /index.php - /blog/2026');
  });

  test('answers by a PHP of its own, and hides what is PHP', async () => {
    writeFileSync(join(root, 'config.php.bak'), '<?php secret');
    writeFileSync(join(root, 'UPPER.PHP'), '<?php secret');
    const ask = await answers({ root, php: { server: FPM }, static: { listing: true } });
    expect(await ask('/')).toBe('200 /index.php - /');
    expect(await ask('/a.php/x')).toBe('200 /a.php /x /a.php/x');
    expect(await ask('/page.txt')).toBe('200 page');
    expect(await ask('/blog/2026?x=1', 'DELETE')).toBe('200 /index.php - /blog/2026?x=1');
    for (const path of ['/config.php.bak', '/UPPER.PHP', '/a.php%20', '/a.PHP', '/a.php.']) {
      for (const method of ['GET', 'PUT', 'DELETE', 'PROPFIND']) {
        expect(await ask(path, method)).toBe(`200 /index.php - ${path}`);
      }
    }
    const without = await answers({ root, php: { server: address, front: false } });
    expect(await without('/blog/2026')).toMatch(/^404/);
    expect(await without('/UPPER.PHP')).toMatch(/^404/);
  });

  test('asks a front controller of CGI behind scripts and files', async () => {
    const ask = await answers({ root, cgi: { root, extensions: { '.php': 'php-cgi' }, front: 'index.php' } });
    expect(await ask('/')).toBe('200 /index.php - /');
    expect(await ask('/page.txt')).toBe('200 page');
    expect(await ask('/sub')).toMatch(/^301/);
    expect(await ask('/a.php/x')).toBe('200 /a.php /x /a.php/x');
    expect(await ask('/blog/2026?x=1', 'PUT')).toBe('200 /index.php - /blog/2026?x=1');
    expect(await ask('/UPPER.PHP')).toBe('200 /index.php - /UPPER.PHP');
  });

  test("asks the front controller before the root's own 404.html, which stands where that is missing", async () => {
    const own = join(folder, 'own');
    mkdirSync(own, { recursive: true });
    writeFileSync(join(own, '404.html'), 'own page');
    const ask = await answers({ root: own, php: { server: address }, static: { statusPages: true } });
    expect(await ask('/missing')).toBe('404 own page');
    writeFileSync(join(own, 'index.php'), '<?php echo "front";');
    expect(await ask('/missing')).toBe('200 front');
  });

  test('follows links as files are sent through them', async () => {
    const other = join(folder, 'other');
    mkdirSync(other);
    writeFileSync(join(other, 'out.php'), '<?php echo "out";');
    symlinkSync(join(other, 'out.php'), join(root, 'out.php'));
    symlinkSync('a.php', join(root, 'in.php'));
    const statuses: string[] = [];
    for (const symlinks of ['deny', 'inside', 'all'] as const) {
      const ask = await answers({
        root,
        php: { server: address, front: false },
        static: { symlinks },
        reportErrors: false,
      });
      for (const path of ['/in.php', '/out.php']) statuses.push((await ask(path)).slice(0, 3));
    }
    expect(statuses).toEqual(['403', '403', '200', '403', '200', '200']);
  });

  test('says 502 when nobody listens', async () => {
    const mount = { address: join(folder, 'nobody.sock'), limits: { connectTimeoutMs: 10 }, path: '/app' };
    const ask = await answers({ root, fastcgi: mount });
    expect(await ask('/app/x')).toMatch(/^502/);
    expect(await ask('/page.txt')).toBe('200 page');
  });

  test('names a wrong option of a mount', async () => {
    await expect(start({ fastcgi: { address, frnt: 'index.php' } as never })).rejects.toThrow(
      'createServer: fastcgi.frnt: is not an option; did you mean fastcgi.front?',
    );
  });
});
