// A PHP of our own: found, started, kept alive and ended, with php-fpm and with php-cgi.

import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { php } from '../../src/php.ts';
import type { PhpResponder } from '../../src/php/options.ts';
import { isPhpSource } from '../../src/php/sources.ts';
import { isInstalled, request, Scripts, text, until } from '../mount.ts';

const FPM = '/usr/sbin/php-fpm8.2';
const programs = [
  ['php-fpm', FPM],
  ['php-cgi', 'php-cgi'],
] as const;

const REPORT = `<?php echo json_encode(['pid' => getmypid(), 'parent' => posix_getppid(), 'name' => $_SERVER['SCRIPT_NAME'],
  'info' => $_SERVER['PATH_INFO'] ?? null, 'uri' => $_SERVER['REQUEST_URI'], 'sapi' => PHP_SAPI, 'limit' => ini_get('upload_max_filesize'),
  'secret' => getenv('ONEZERO_TEST_SECRET'), 'files' => array_map(fn($f) => [$f['name'], $f['size']], $_FILES)]);`;
const site = new Scripts({
  'index.php': REPORT,
  'a.php': REPORT,
  'log.php': '<?php error_log("a line of a script"); echo "logged";',
  'page.txt': 'page',
  'reads.php': '<?php echo json_encode(["length" => strlen(file_get_contents($_FILES["f"]["tmp_name"]))]);',
  'waits.php': '<?php file_put_contents($_SERVER["TOLD"], getmypid() . " " . $_FILES["f"]["tmp_name"]); sleep(600);',
});
const none = new Scripts({ 'a.php': REPORT, 'ends/php-fpm': '#!/bin/sh\necho it is broken >&2\nexit 3\n' });
const closables: PhpResponder[] = [];

afterAll(async () => {
  for (const one of closables) await one.close();
  site.remove();
  none.remove();
});

function made(options: Omit<Parameters<typeof php>[0], 'root'> & { readonly root?: string }): PhpResponder {
  const responder = php({ root: site.path, log: () => {}, ...options });
  closables.push(responder);
  return responder;
}

async function report(responder: PhpResponder, path: string, changes = {}): Promise<Record<string, unknown>> {
  const response = await responder(request(path, { scriptName: '', ...changes }));
  return response.status === 200
    ? (JSON.parse(await text(response)) as Record<string, unknown>)
    : { status: response.status };
}

/** A form with one file of so many bytes. */
function upload(length: number): { content: string; fields: readonly (readonly [string, string])[] } {
  const part = 'Content-Disposition: form-data; name="f"; filename="n.txt"\r\n\r\n';
  const content = `--b\r\n${part}${'x'.repeat(length)}\r\n--b--\r\n`;
  const fields = [
    ['content-type', 'multipart/form-data; boundary=b'],
    ['content-length', String(content.length)],
  ] as const;
  return { content, fields };
}

/** Folders of ours whose configuration or command line names them, by who is alive. */
function processesOf(folder: string): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder);
    } catch {
      // It has ended meanwhile.
      return false;
    }
  });
}

/** The parent and the process group of a process; none where it has ended. */
function statOf(pid: string): { readonly parent?: string | undefined; readonly group?: string | undefined } {
  if (!/^\d+$/.test(pid)) return {};
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [, parent, group] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { parent, group };
  } catch {
    // It has ended meanwhile.
    return {};
  }
}

/** Makes a folder for temporary files that no other test has, so that what is in it is this test's. */
function useOwnTemporary(name = 'php-'): string {
  const folder = mkdtempSync(join(tmpdir(), name));
  vi.stubEnv('TMPDIR', folder);
  onTestFinished(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });
  return folder;
}

function folders(): ReadonlySet<string> {
  return new Set(readdirSync(tmpdir()).filter((name) => name.startsWith('onezero-php-')));
}

describe.each(programs)('a %s of our own', (name, server) => {
  const isThere = isInstalled(server, '-v');

  test.skipIf(!isThere)('answers for files, indexes, paths behind files and the front controller', async () => {
    process.env['ONEZERO_TEST_SECRET'] = 'hidden';
    const site = made({ server, ini: { upload_max_filesize: '3M' } });
    const sapi = name === 'php-fpm' ? 'fpm-fcgi' : 'cgi-fcgi';
    expect(await report(site, '/')).toMatchObject({ name: '/index.php', info: null, sapi, limit: '3M', secret: false });
    expect(await report(site, '/a.php/x//y')).toMatchObject({ name: '/a.php', info: '/x//y' });
    expect(await report(site, '/2026/a-page')).toMatchObject({
      name: '/index.php',
      info: null,
      uri: '/cgi-bin/2026/a-page',
    });
    expect(await report(site, '/a.php', upload(300_000))).toMatchObject({ files: { f: ['n.txt', 300_000] } });
  });

  test.skipIf(!isThere)('leaves uploads where scripts may read them', async () => {
    const ini = { sys_temp_dir: site.path, open_basedir: site.path };
    expect(await report(made({ server, ini }), '/reads.php', upload(10))).toEqual({ length: 10 });
  });

  test.skipIf(!isThere)(
    'leaves no descriptor open where too few are left to start it',
    { timeout: 60_000 },
    async () => {
      const runner = join(import.meta.dirname, '../fixtures/tight-php.mjs');
      const args = ['-c', 'ulimit -n 60; exec "$0" "$@"', process.execPath, runner, site.path, server, '22'];
      const { stdout } = await promisify(execFile)('/bin/sh', args);
      const { outcomes, left } = JSON.parse(stdout) as { outcomes: string[]; left: number };
      expect([outcomes[0], outcomes.at(-1), left]).toEqual(['failed', 'ready', 0]);
    },
  );

  test.skipIf(!isThere)('goes on when its master is killed, and says so', async () => {
    const lines: string[] = [];
    const site = made({ server, children: 3, log: ({ line }) => lines.push(line) });
    expect(site.state()).toMatchObject({ processes: 3, ready: 0, restarts: 0 });
    const { parent } = await report(site, '/');
    expect(site.state()).toMatchObject({
      processes: 3,
      ready: 3,
      restarts: 0,
      backends: [{ requests: 1, failures: 0 }],
    });
    process.kill(Number(parent), 'SIGKILL');
    const others = await Promise.all(Array.from({ length: 8 }, async () => report(site, '/a.php')));
    for (const other of others) expect(other).toMatchObject({ name: '/a.php' });
    await until(() => lines.some((line) => line.includes('ended with status')));
    await until(async () => (await report(site, '/'))['parent'] !== parent);
    expect(site.state()).toMatchObject({ processes: 3, ready: 3, restarts: 1 });
  });

  test.skipIf(!isThere || name !== 'php-fpm')(
    'goes on when the shell around it is killed, whose last act is not to end the next',
    async () => {
      const site = made({ server });
      const { parent: master } = await report(site, '/');
      const keeper = statOf(String(master)).parent;
      process.kill(Number(keeper), 'SIGKILL');
      const isGone = (): boolean => !readdirSync('/proc').some((pid) => statOf(pid).group === keeper);
      await until(async () => isGone() && existsSync(site.address) && (await report(site, '/'))['parent'] !== master);
      expect(existsSync(site.address)).toBe(true);
      expect(await report(site, '/a.php')).toMatchObject({ name: '/a.php' });
    },
  );

  test.skipIf(!isThere)('is another one when what watches over it is killed: nobody would end it', async () => {
    const site = made({ server });
    const { parent: master } = await report(site, '/');
    const keeper = statOf(String(master)).parent;
    const isWatcher = (pid: string): boolean =>
      statOf(pid).parent === keeper && readFileSync(`/proc/${pid}/comm`, 'utf8') === 'sh\n';
    for (const pid of readdirSync('/proc').filter(isWatcher)) process.kill(Number(pid), 'SIGKILL');
    await until(() => !existsSync(`/proc/${String(master)}`) && !existsSync(`/proc/${String(keeper)}`));
    await until(async () => (await report(site, '/a.php'))['name'] === '/a.php');
  });

  test.skipIf(!isThere)('comes back when there is room for its folder again', async () => {
    const removed = useOwnTemporary();
    const lines: string[] = [];
    const responder = made({ server, log: ({ line }) => lines.push(line) });
    const { parent } = await report(responder, '/');
    rmSync(removed, { recursive: true });
    process.kill(Number(parent), 'SIGKILL');
    await until(() => lines.some((line) => line.includes('ENOENT')));
    mkdirSync(removed);
    await until(async () => (await report(responder, '/'))['name'] === '/index.php');
  });

  test.skipIf(!isThere)('leaves nothing when it is closed while it is to be started again', async () => {
    const temporary = useOwnTemporary();
    const lines: string[] = [];
    const responder = php({ root: site.path, server, log: ({ line }) => lines.push(line) });
    const { parent } = await report(responder, '/');
    rmSync(temporary, { recursive: true });
    process.kill(Number(parent), 'SIGKILL');
    await until(() => lines.some((line) => line.includes('ENOENT')));
    mkdirSync(join(responder.address, '..'), { recursive: true });
    await responder.close();
    expect(readdirSync(temporary)).toEqual([]);
  });

  test.skipIf(!isThere)('leaves nothing when it is closed', async () => {
    useOwnTemporary();
    const site = php({ root: none.path, server, log: () => {} });
    await site.ready();
    const [folder = ''] = folders();
    expect(processesOf(folder)).not.toEqual([]);
    await site.close();
    expect(existsSync(join(tmpdir(), folder))).toBe(false);
    await until(() => processesOf(folder).length === 0);
    expect((await site(request('/a.php'))).status).toBe(503);
  });

  test.skipIf(!isThere).each(['"', '${HOME}', "\\'(a b)"])('starts where TMPDIR has %s in it', async (part) => {
    useOwnTemporary(`php-${part}-`);
    const responder = made({ server });
    expect(await report(responder, '/a.php')).toMatchObject({ name: '/a.php' });
  });

  test.skipIf(!isThere)('leaves no upload behind whose process is killed', async () => {
    useOwnTemporary();
    const told = join(tmpdir(), 'told');
    const responder = php({ root: site.path, server, log: () => {}, params: { TOLD: told } });
    const answer = responder(request('/waits.php', { scriptName: '', ...upload(10) }));
    await until(() => existsSync(told) && readFileSync(told, 'utf8').includes('/php'));
    const [pid, file = ''] = readFileSync(told, 'utf8').split(' ');
    expect(existsSync(file)).toBe(true);
    process.kill(Number(pid), 'SIGKILL');
    expect((await answer).status).toBe(502);
    await responder.close();
    expect(readdirSync(tmpdir())).toEqual(['told']);
  });

  test.skipIf(!isThere)('is started again when its socket was removed', async () => {
    useOwnTemporary();
    const responder = made({ server, limits: { connectTimeoutMs: 60_000 }, concurrency: { maxIdle: 0 } });
    const before = await report(responder, '/a.php');
    for (const path of [responder.address, join(responder.address, '..')]) {
      await report(responder, '/a.php');
      rmSync(path, { recursive: true });
      const after = await report(responder, '/a.php');
      expect(after).toMatchObject({ name: '/a.php' });
      expect(after['parent']).not.toBe(before['parent']);
    }
    expect(responder.state()).toMatchObject({ restarts: 2 });
  });

  test.skipIf(!isThere)('keeps uploads where its settings say', async () => {
    useOwnTemporary();
    const told = join(tmpdir(), 'told');
    const options = { params: { TOLD: told }, ini: { upload_tmp_dir: tmpdir() } };
    const responder = php({ root: site.path, server, log: () => {}, ...options });
    const answer = responder(request('/waits.php', { scriptName: '', ...upload(10) }));
    await until(() => existsSync(told) && readFileSync(told, 'utf8').includes('/php'));
    const [, file = ''] = readFileSync(told, 'utf8').split(' ');
    expect(join(file, '..')).toBe(tmpdir());
    await Promise.all([responder.close(), answer]);
  });

  test.skipIf(!isThere)('ends with a process that is killed', async () => {
    const entry = new URL('../../dist/fastcgi.js', import.meta.url).href;
    const program = `import { php } from ${JSON.stringify(entry)};
      const site = php({ root: ${JSON.stringify(site.path)}, server: ${JSON.stringify(server)} });
      setInterval(() => {}, 1000);
      site.ready().then(() => console.log(site.address));`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const address = await new Promise<string>((resolve) =>
      child.stdout.once('data', (bytes) => resolve(String(bytes).trim())),
    );
    const folder = join(address, '..');
    expect(processesOf(folder).length).toBeGreaterThan(0);
    child.kill('SIGKILL');
    await until(() => !existsSync(folder) && processesOf(folder).length === 0);
  });
});

test.skipIf(!isInstalled(FPM, '-v'))('passes on what scripts log', async () => {
  const lines: string[] = [];
  const site = made({ server: FPM, log: ({ line }) => lines.push(line) });
  await site(request('/log.php')).then(text);
  await until(() => lines.some((line) => line.includes('a line of a script')));
});

test.skipIf(!isInstalled(FPM, '-v'))('has nothing where neither a script nor a front controller is', async () => {
  const site = made({ root: none.path, server: FPM });
  expect(await site(request('/missing'))).toMatchObject({ status: 404, isNothing: true });
  expect(await made({ server: FPM, front: false })(request('/missing'))).toMatchObject({ status: 404 });
});

test('says what a program said that does not start', async () => {
  useOwnTemporary();
  const site = made({ server: join(none.path, 'ends/php-fpm') });
  await expect(site.ready()).rejects.toThrow(/php-fpm did not start: .*it is broken; ended with status 3/);
  const response = await site(request('/a.php'));
  expect(response).toMatchObject({ status: 502 });
  expect([...folders()].filter((one) => processesOf(one).length > 0)).toEqual([]);
});

test('refuses what is neither an address nor a PHP that speaks FastCGI', () => {
  expect(() => php({ root: site.path, server: 'no-such-php' })).toThrow(
    'php: no-such-php is neither an address nor a program',
  );
  expect(() => php({ root: site.path, server: '/bin/sh' })).toThrow(
    'php: /bin/sh does not speak FastCGI; php-fpm and php-cgi do',
  );
  expect(() => php({ root: join(site.path, 'none'), server: '127.0.0.1:9000' })).toThrow(/none does not exist/);
});

test.each([
  ['index.php', true],
  ['INDEX.PhP', true],
  ['index.php.', true],
  ['index.php ', true],
  ['config.php~', true],
  ['config.php.bak', true],
  ['wp-config.php.old', true],
  ['settings.inc', true],
  ['a.phtml', true],
  ['a.php5', true],
  ['archive.phar', true],
  ['php', false],
  ['a.php.txt', false],
  ['graph', false],
  ['a.phpx', false],
])('takes %s for a source: %s', (name, expected) => {
  expect(isPhpSource(`/srv/${name}`)).toBe(expected);
});
