import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type * as entry from '../../src/index.ts';
import type { CgiResponder } from '../../src/index.ts';
import { plain, request, Scripts, text, until } from '../mount.ts';

const scripts = new Scripts({
  hello: plain('echo hello'),
  count: plain('wc -c'),
  large: plain('head -c 200000 /dev/zero'),
  slow: plain('echo first; sleep 0.5; echo last'),
});
let folder = '';
let cgi: typeof entry.cgi;
const before = process.env['TMPDIR'];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fifos-'));
  process.env['TMPDIR'] = folder;
  // All mounts of a process share FIFOs, so those of other test files would be elsewhere.
  vi.resetModules();
  ({ cgi } = await import('../../src/index.ts'));
});
afterAll(() => {
  if (before === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = before;
  rmSync(folder, { recursive: true });
  scripts.remove();
});

/** The directories of FIFOs that there are. */
function directories(): string[] {
  return readdirSync(folder).filter((name) => name.startsWith('onezero-pipes-'));
}

describe.each(['shell', 'direct'] as const)('FIFOs for %s', (spawner) => {
  function mount(): CgiResponder {
    const options = { spawner, log: () => {}, concurrency: { max: 3 }, spool: 'small' as const };
    const respond = cgi({ directory: scripts.path, ...options });
    onTestFinished(() => respond.close());
    return respond;
  }

  async function expectAllIsWell(respond: CgiResponder): Promise<void> {
    for (let round = 0; round < 3; round++) {
      const answers = await Promise.all([
        respond(request('/hello')).then(text),
        respond(request('/count', { content: 'x'.repeat(100_000) })).then(text),
        respond(request('/large')).then(text),
      ]);
      expect(answers.map(({ length }) => length)).toEqual([6, 7, 200_000]);
      expect(answers[1]).toBe('100000\n');
    }
  }

  test.each([
    [
      'are removed one by one',
      (directory: string) => {
        for (const name of readdirSync(directory)) rmSync(join(directory, name));
      },
    ],
    [
      'are replaced by files',
      (directory: string) => {
        for (const name of readdirSync(directory)) {
          rmSync(join(directory, name));
          writeFileSync(join(directory, name), 'stale');
        }
      },
    ],
    ['are removed with their directory', (directory: string) => rmSync(directory, { recursive: true })],
  ])('that %s are made anew', async (_, remove) => {
    const respond = mount();
    await expectAllIsWell(respond);
    for (const name of directories()) remove(join(folder, name));
    await expectAllIsWell(respond);
    await respond.close();
  });

  test('pass all output where the folder for temporary files lies behind a link', async () => {
    const link = join(folder, `link-${spawner}`);
    symlinkSync(folder, link);
    vi.stubEnv('TMPDIR', link);
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(await text(await mount()(request('/slow')))).toBe('first\nlast\n');
  });

  test('of which any one is left are made anew', async () => {
    const respond = cgi({ directory: scripts.path, spawner, log: () => {}, concurrency: { max: 1 } });
    onTestFinished(() => respond.close());
    for (let round = 0; round < 10; round++) {
      expect(await text(await respond(request('/hello')))).toBe('hello\n');
      for (const directory of directories()) {
        const names = readdirSync(join(folder, directory));
        names.splice(round % names.length, 1);
        for (const name of names) rmSync(join(folder, directory, name));
      }
    }
  });

  test.runIf(spawnSync('systemd-tmpfiles', ['--version']).status === 0)('outlive systemd-tmpfiles', async () => {
    const respond = mount();
    await expectAllIsWell(respond);
    const configuration = join(folder, `clean-${spawner}.conf`);
    writeFileSync(configuration, `d ${folder} 0700 - - 1s\n`);
    const names = directories().flatMap((directory) =>
      readdirSync(join(folder, directory)).map((name) => join(directory, name)),
    );
    expect(names).not.toEqual([]);
    const old = new Date(Date.now() - 86_400_000);
    for (const name of [...directories(), ...names]) utimesSync(join(folder, name), old, old);
    execFileSync('systemd-tmpfiles', ['--clean', configuration]);
    const left = directories().flatMap((directory) =>
      readdirSync(join(folder, directory)).map((name) => join(directory, name)),
    );
    expect(left.toSorted()).toEqual(names.toSorted());
    await expectAllIsWell(respond);
  });
});

test('FIFOs of which some are removed while they are made are made anew', async () => {
  const { FifoDirectory } = await import('../../src/process/fifo-directory.ts');
  const fifos = new FifoDirectory();
  onTestFinished(() => fifos.remove());
  const tidying = scripts.add('path/mkfifo', '#!/bin/sh\nPATH=/usr/bin:/bin; mkfifo "$@"; rm "$3"\n');
  vi.stubEnv('PATH', dirname(tidying));
  await expect(fifos.take()).rejects.toMatchObject({ code: 'ENOENT' });
  vi.unstubAllEnvs();
  expect(await fifos.take()).toContain(folder);
});

test('FIFOs that are taken stay when others of their directory are made anew', async () => {
  const { FifoDirectory } = await import('../../src/process/fifo-directory.ts');
  const fifos = new FifoDirectory();
  onTestFinished(() => fifos.remove());
  const taken = [await fifos.take()];
  rmSync(join(fifos.path, 'alive'));
  while (taken.length < 14) taken.push(await fifos.take());
  expect(taken.filter((path) => !existsSync(path))).toEqual([]);
  expect(existsSync(join(fifos.path, 'alive'))).toBe(true);
});

test('directories of FIFOs go with their mounts', async () => {
  await until(() => directories().length <= 1);
});

test('what the system refuses of a FIFO is nobody’s failure: it is tried when no request waits for it', async () => {
  const { FifoDirectory } = await import('../../src/process/fifo-directory.ts');
  const fifos = new FifoDirectory();
  onTestFinished(() => fifos.remove());
  // Neither may be opened nor removed, like any FIFO without a descriptor or in a folder that is not writable any more.
  const path = join(scripts.path, 'hello', 'fifo');
  expect(() => {
    fifos.wake(path);
    fifos.discard(path);
    fifos.giveBackWritten(path);
  }).not.toThrow();
});
