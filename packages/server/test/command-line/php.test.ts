// `--php`, `--front`, `--fcgi` and `--scgi` through the real command.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run, start } from './command.ts';

const FPM = '/usr/sbin/php-fpm8.2';

function isInstalled(command: string): boolean {
  try {
    execFileSync(command, ['-v'], { stdio: 'ignore' });
    return true;
  } catch (error) {
    if (process.env['CI'] !== undefined) throw error;
    return false;
  }
}

const folder = mkdtempSync(join(tmpdir(), 'command-php-'));
const root = join(folder, 'public');
const REPORT = `<?php echo $_SERVER['SCRIPT_NAME'], ' ', $_SERVER['PATH_INFO'] ?? '-', ' ', $_SERVER['REQUEST_URI'], ' ',
  getenv('GREETING') ?: '-', ' ', PHP_SAPI;`;

beforeAll(() => {
  mkdirSync(join(root, 'uploads'), { recursive: true });
  mkdirSync(join(root, 'admin'));
  for (const name of ['index.php', 'admin/index.php', 'a.php']) writeFileSync(join(root, name), REPORT);
  writeFileSync(join(root, 'page.txt'), 'page');
  writeFileSync(join(root, 'config.php~'), '<?php $secret;');
  writeFileSync(join(root, 'uploads/b.txt'), 'b');
});

/** Servers of tests that have not come to their end. */
const running: number[] = [];

afterAll(() => {
  for (const pid of running) process.kill(pid);
  rmSync(folder, { recursive: true });
});

/** Processes of PHP whose command line names a folder. */
function keepersOf(pid: number): readonly string[] {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const { 1: parent } = /^\d+ \(.*\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8')) ?? [];
      return parent === String(pid) && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('onezero-php-');
    } catch {
      // It has ended meanwhile.
      return false;
    }
  });
}

const ways = [
  ['--php=php-fpm', FPM, [`--php=${FPM}`], 'fpm-fcgi'],
  ['--php=php-cgi', 'php-cgi', ['--php=php-cgi'], 'cgi-fcgi'],
  ['--cgi', 'php-cgi', ['--cgi', '.php=php-cgi'], 'cgi-fcgi'],
] as const;

describe.each(ways)('%s', (_name, program, words, sapi) => {
  test.skipIf(!isInstalled(program))('answers scripts, files, then the front controller', async () => {
    const server = await start([root, ...words, '--cgi-env', 'GREETING=hello']);
    running.push(server.child.pid ?? 0);
    const ask = async (path: string): Promise<string> => (await server.fetch(path)).text();
    expect(await ask('/')).toBe(`/index.php - / hello ${sapi}`);
    expect(await ask('/a.php/x?y=1')).toBe(`/a.php /x /a.php/x?y=1 hello ${sapi}`);
    expect(await ask('/admin/')).toBe(`/admin/index.php - /admin/ hello ${sapi}`);
    expect((await server.fetch('/admin')).headers.get('location')).toBe('admin/');
    expect(await ask('/page.txt')).toBe('page');
    expect(await ask('/uploads/b.txt')).toBe('b');
    for (const path of ['/2026/11/a-post?x=1', '/uploads/', '/.env', '/A.PHP', '/a.php~', '/config.php~']) {
      expect(await ask(path)).toBe(`/index.php - ${path} hello ${sapi}`);
    }
    expect((await server.stop()).code).toBe(0);
    running.pop();
  });
});

test.skipIf(!isInstalled('php-cgi'))('serves the layout of Drupal by php-cgi, with the globs of its page', async () => {
  const drupal = join(folder, 'drupal');
  const files = {
    'index.php': REPORT,
    'core/rebuild.php': REPORT,
    'core/misc/drupal.js': 'script',
    'core/modules/node/node.module': '<?php $secret;',
    'core/modules/node/node.info.yml': 'secret: 1',
    'core/includes/install.core.inc': '<?php $secret;',
    'sites/default/settings.php': '<?php $secret = 1;',
    'sites/default/files/a picture.txt': 'picture',
    'sites/default/files/.htaccess': 'secret',
  };
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(drupal, name, '..'), { recursive: true });
    writeFileSync(join(drupal, name), content);
  }
  const page = readFileSync(new URL('../../../../cookbook/php/README.md', import.meta.url), 'utf8');
  const globs = [...page.matchAll(/--hide '([^']+)'/g)].flatMap(([, glob = '']) => ['--hide', glob]);
  expect(globs.length).toBeGreaterThan(4);
  const server = await start([drupal, '--php=php-cgi', ...globs]);
  running.push(server.child.pid ?? 0);
  const ask = async (path: string): Promise<string> => (await server.fetch(path)).text();
  expect(await ask('/core/misc/drupal.js')).toBe('script');
  expect(await ask('/sites/default/files/a%20picture.txt')).toBe('picture');
  expect(await ask('/core/rebuild.php')).toMatch(/^\/core\/rebuild\.php - /);
  expect(await ask('/sites/default/settings.php')).toBe('');
  const secrets = [
    'core/modules/node/node.module',
    'core/modules/node/node.info.yml',
    'core/includes/install.core.inc',
  ];
  for (const path of ['user/login', 'node/1?page=2', 'sites/default/files/.htaccess', 'core/modules/', ...secrets])
    expect(await ask(`/${path}`)).toMatch(new RegExp(`^/index\\.php - /${path.replaceAll(/[.?]/g, '\\$&')} `));
  expect((await server.stop()).code).toBe(0);
  running.pop();
});

test.skipIf(!isInstalled(FPM))('gives each worker a PHP, and leaves none of them when all are killed', async () => {
  const server = await start([root, `--php=${FPM}`, '--workers', '2']);
  const workers = readdirSync('/proc').filter((name) => {
    try {
      return new RegExp(`^\\d+ \\(.*\\) \\S ${server.child.pid} `).test(readFileSync(`/proc/${name}/stat`, 'utf8'));
    } catch {
      return false;
    }
  });
  const keepers = workers.flatMap((pid) => keepersOf(Number(pid)));
  expect(keepers).toHaveLength(2);
  const answers = await Promise.all(Array.from({ length: 20 }, async () => (await server.fetch('/a.php')).status));
  expect(new Set(answers)).toEqual(new Set([200]));
  for (const pid of [...workers.map(Number), server.child.pid ?? 0]) process.kill(pid, 'SIGKILL');
  const isAlive = (pid: string): boolean => readdirSync('/proc').includes(pid);
  while (keepers.some(isAlive)) await delay(10);
  await server.finished;
});

test.skipIf(!isInstalled(FPM))('says which PHP and which script answers', async () => {
  const { stdout } = await run(['explain', '/x/y', root, `--php=${FPM}`]);
  expect(stdout).toContain(`asked: PHP in ${root} by ${FPM}, with /x/y`);
  expect(stdout).toContain(`run       ${join(root, 'index.php')}`);
  expect(await run(['check', root, `--php=${FPM}`])).toMatchObject({ code: 0 });
  expect(await run(['check', folder, `--php=${FPM}`])).toMatchObject({
    stderr: expect.stringContaining(`${folder} has its index.php in public`) as string,
  });
});

test.skipIf(!isInstalled('php-cgi'))('says of PHP by CGI what it says of PHP', async () => {
  const words = '--cgi=.php=php-cgi';
  const hint = `${folder} has its index.php in public: to serve that alone, onezero ${root} --cgi .php=php-cgi`;
  expect((await run(['check', folder, words])).stderr).toContain(hint);
  expect((await run(['check', root, words])).stderr).not.toContain('has its index.php in');
});

test.each([
  [['--php=/bin/sh'], 'php: /bin/sh does not speak FastCGI'],
  [['--php=no-such-php'], 'php: no-such-php is neither an address nor a program'],
  [['--front', 'index.php'], 'no program runs the front controller index.php'],
  [['--fcgi', 'nonsense'], '--fcgi expects an address (host:port, unix:/path) or /path=address, not "nonsense"'],
])('refuses %j', async (words, message) => {
  const { code, stderr } = await run(['check', root, ...words]);
  expect(stderr).toContain(message);
  expect(code).toBe(2);
});

test('refuses a directory of scripts that has no path', async () => {
  const file = join(folder, 'onezero.config.json');
  writeFileSync(file, JSON.stringify({ root, cgi: [{ directory: root }] }));
  const { code, stderr } = await run(['check', '--config', file]);
  expect(stderr).toContain(`the cgi mount of ${root} needs a path, such as "/cgi-bin"`);
  expect(code).toBe(2);
});

describe('--scgi', () => {
  let application: Server;
  beforeAll(async () => {
    // Answers with the variables that matter, and closes.
    application = createServer((socket) => {
      socket.once('data', (bytes) => {
        const words = bytes.toString('latin1').replace(/^\d+:/, '').split('\0');
        const value = (name: string): string => words[words.indexOf(name) + 1] ?? '';
        socket.end(`Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n${value('SCRIPT_NAME')} ${value('PATH_INFO')}`);
      });
    });
    await new Promise<void>((resolve) => application.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => application.close());

  test('asks the application at a path, and says 502 when it is gone', async () => {
    const { port } = application.address() as AddressInfo;
    const server = await start([root, '--scgi', `/wiki=127.0.0.1:${port}`, '--fcgi', '/gone=127.0.0.1:1']);
    expect(await (await server.fetch('/wiki/a/b')).text()).toBe('/wiki /a/b');
    expect((await server.fetch('/gone/x')).status).toBe(502);
    expect((await server.fetch('/page.txt')).status).toBe(200);
    const { stderr } = await server.stop();
    expect(stderr.split('\n').filter((line) => line.includes('Error: 502'))).toHaveLength(1);
  });
});
