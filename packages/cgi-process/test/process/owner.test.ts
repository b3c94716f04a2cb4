import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as wholeText } from 'node:stream/consumers';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { cgi, startProcess } from '../../src/index.ts';
import { groupIn, withOwnGroup } from '../../src/process/owner.ts';
import { removeLeftovers } from '../../src/process/leftovers.ts';
import { chunks, isInstalled, plain, request, Scripts, text } from '../mount.ts';

const scripts = new Scripts({
  count: plain('wc -c'),
  slow: plain('echo first; sleep 0.5; echo last'),
  groups: plain('id -u; id -g; id -G'),
  reopen: plain('echo complaint >/dev/stderr; head -c 1000 >/dev/null; cat /dev/stdin | wc -c'),
  meddle: plain(
    `own=$(readlink /proc/$$/fd/1) || exit
folder=\${own%/*}
echo "\${own##*/}" | grep -c '^[0-9]*$'
for try in "touch $folder/new" "mv $own $folder/moved" "rm $own" "chmod 777 $folder" "ls $folder"; do
  $try 2>/dev/null && echo "could $try"
done
true`,
  ),
});
chmodSync(scripts.path, 0o755);
afterAll(() => scripts.remove());

const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;
const UNKNOWN = 4_123_456;

describe('groupIn', () => {
  const passwd = 'root:x:0:0:root:/root:/bin/sh\nweb:x:33:34::/var/www:/bin/false\nbroken:x:7\n';

  test.each([
    [0, 0],
    [33, 34],
    [34, undefined],
    [7, undefined],
  ])('finds the group of user %i', (uid, gid) => {
    expect(groupIn(passwd, uid)).toBe(gid);
  });
});

describe('withOwnGroup', () => {
  test('leaves what was said, and what is this process', () => {
    expect(withOwnGroup({ uid: undefined, gid: undefined })).toEqual({ uid: undefined, gid: undefined });
    expect(withOwnGroup({ uid: NOBODY, gid: 7 })).toEqual({ uid: NOBODY, gid: 7 });
    const uid = process.getuid?.();
    expect(withOwnGroup({ uid, gid: undefined })).toEqual({ uid, gid: undefined });
  });

  test('refuses a user without a group', async () => {
    expect(() => withOwnGroup({ uid: UNKNOWN, gid: undefined })).toThrow(/gid has to be given/);
    expect(() => cgi({ directory: scripts.path, uid: UNKNOWN })).toThrow(/gid has to be given/);
    await expect(startProcess('id', [], { uid: UNKNOWN })).rejects.toMatchObject({ code: 'bad-argument' });
  });
});

describe.skipIf(!isRoot)('another user', () => {
  test('has its own group when none is given', async () => {
    const child = await startProcess('id', ['-G'], { uid: NOBODY });
    expect(await wholeText(child.stdout)).toBe(`${NOBODY}\n`);
  });

  test.each(['shell', 'direct'] as const)('has its own group when started by %s', async (spawner) => {
    const respond = cgi({ directory: scripts.path, uid: NOBODY, spawner });
    expect(await text(await respond(request('/groups')))).toBe(`${NOBODY}\n`.repeat(3));
    await respond.close();
  });

  test.each([
    // Content in a file is read from its beginning again, content in a pipe goes on.
    ['shell', 20_000, 20_000],
    ['shell', 200_000, 199_000],
    ['direct', 20_000, 20_000],
    ['direct', 200_000, 199_000],
  ] as const)('can open its standard streams again: %s, %i bytes', async (spawner, contentLength, expected) => {
    const lines: string[] = [];
    const log = ({ line }: { line: string }): unknown => lines.push(line);
    const respond = cgi({ directory: scripts.path, uid: NOBODY, spawner, spool: 'small', log });
    const content = chunks(contentLength / 10_000, 10_000);
    const rest = await text(await respond(request('/reopen', { content, contentLength })));
    expect(Number(rest)).toBe(expected);
    expect(lines).toEqual(['complaint']);
    await respond.close();
  });

  test.each(['shell', 'direct'] as const)('changes nothing among the pipes: %s', async (spawner) => {
    const respond = cgi({ directory: scripts.path, uid: NOBODY, spawner });
    expect(await text(await respond(request('/meddle')))).toBe('1\n');
    await respond.close();
  });

  test.runIf(isInstalled('setpriv', '--version'))('passes all output on to who may not look at it', async () => {
    const entry = new URL('../../dist/index.js', import.meta.url).href;
    const program = `
      import { cgi } from ${JSON.stringify(entry)};
      const respond = cgi({ directory: ${JSON.stringify(scripts.path)}, uid: ${NOBODY} });
      const peer = { address: '192.0.2.1', port: 1 };
      const { content } = await respond({
        method: 'GET', target: '/slow', version: '1.1', scheme: 'http', scriptName: '', pathInfo: '/slow', fields: [],
        contentLength: 0, content: (async function* () {})(), remote: peer, local: peer,
      });
      for await (const bytes of content) process.stdout.write(bytes);
      await respond.close();`;
    // As in a container, where root is not told what processes of others have open.
    const less = ['--bounding-set=-sys_ptrace', '--inh-caps=-sys_ptrace'];
    const child = spawn('setpriv', [...less, process.execPath, '--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    expect(await wholeText(child.stdout)).toBe('first\nlast\n');
  });

  test('gives content to scripts where a process has changed its own user', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'onezero-changed-'));
    chmodSync(folder, 0o777);
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const entry = new URL('../../dist/index.js', import.meta.url).href;
    const program = `
      import { cgi } from ${JSON.stringify(entry)};
      process.setgid(${NOBODY});
      process.setuid(${NOBODY});
      const respond = cgi({ directory: ${JSON.stringify(scripts.path)} });
      const peer = { address: '192.0.2.1', port: 1 };
      const { status, content } = await respond({
        method: 'POST', target: '/count', version: '1.1', scheme: 'http', scriptName: '', pathInfo: '/count', fields: [],
        contentLength: 4, content: (async function* () { yield Buffer.from('sent'); })(), remote: peer, local: peer,
      });
      const parts = [];
      if (content instanceof Uint8Array) parts.push(content);
      else for await (const bytes of content ?? []) parts.push(Buffer.from(bytes));
      console.log(status, Buffer.concat(parts).toString());
      await respond.close();`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      env: { ...process.env, TMPDIR: folder },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    expect(await wholeText(child.stdout)).toBe('200 4\n\n');
  });

  test('leaves no pipes behind for good when this process is killed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'onezero-killed-'));
    chmodSync(folder, 0o711);
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const entry = new URL('../../dist/index.js', import.meta.url).href;
    const program = `
      import { startProcess } from ${JSON.stringify(entry)};
      const child = await startProcess('id', ['-u'], { uid: ${NOBODY} });
      child.stdout.pipe(process.stdout);
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      env: { ...process.env, TMPDIR: folder },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const left = readdirSync(folder);
    expect(left).toHaveLength(1);
    for (const name of left) utimesSync(join(folder, name), 1, 1);
    vi.stubEnv('TMPDIR', folder);
    onTestFinished(() => void vi.unstubAllEnvs());
    removeLeftovers();
    expect(readdirSync(folder)).toEqual([]);
  });
});
