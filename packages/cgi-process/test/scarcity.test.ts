// Scripts where descriptors, processes, a place for temporary files or rights are wanting: a status, never a rejection,
// never a script's source, and business as usual when the want has passed.

import { execFile } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { cgi } from '../src/index.ts';
import { isInstalled, plain, request, Scripts, text } from './mount.ts';

const scripts = new Scripts({
  hello: plain('echo hello'),
  count: plain('wc -c'),
  slow: plain('echo begun; echo $$ > "$0.begun"; while [ ! -e "$0.end" ]; do sleep 0.02; done; echo ended'),
  who: plain('id -u; id -g; id -G; cat; cat /dev/stdin'),
});
chmodSync(scripts.path, 0o755);
afterAll(() => scripts.remove());

const isRoot = process.getuid?.() === 0;
const run = promisify(execFile);

interface Outcome {
  readonly crowd: Answer[];
  readonly after: Answer;
  readonly upload: Answer;
  readonly large: Answer;
  readonly endless: Answer;
  readonly slow?: Answer;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function scarce(
  limit: string,
  count: number,
  env: Record<string, string> = {},
  ...more: string[]
): Promise<Outcome> {
  const runner = join(import.meta.dirname, 'fixtures/scarce.mjs');
  const command = `${limit}; exec "$0" "$@"`;
  const args = ['-c', command, process.execPath, runner, scripts.path, String(count), ...more];
  const { stdout } = await run('/bin/sh', args, { env: { ...process.env, ...env } });
  return JSON.parse(stdout) as Outcome;
}

describe('cgi', () => {
  test.each([40, 60])('answers with a status with %i descriptors', async (limit) => {
    const { crowd, after, upload, slow } = await scarce(`ulimit -n ${limit}`, 30, {}, 'slow');
    for (const { status, text: answer } of crowd) {
      expect([200, 500, 503]).toContain(status);
      expect(answer).toBe(status === 200 ? 'hello\n' : '');
    }
    expect(after).toEqual({ status: 200, text: 'hello\n' });
    expect(upload).toEqual({ status: 200, text: '5000\n' });
    expect(slow).toEqual({ status: 200, text: 'begun\nended\n' });
  });

  test('leaves no descriptor open, however few there were', async () => {
    const runner = join(import.meta.dirname, 'fixtures/tight.mjs');
    const args = ['-c', 'ulimit -n 60; exec "$0" "$@"', process.execPath, runner, scripts.path, '24'];
    const { stdout } = await run('/bin/sh', args);
    const { statuses, left } = JSON.parse(stdout) as { statuses: number[]; left: number };
    for (const status of statuses) expect([200, 503]).toContain(status);
    expect([statuses.at(-1), left]).toEqual([200, 0]);
  });

  // With a umask a script is started in a subshell.
  test.skipIf(!isRoot || !isInstalled('setpriv', '--version')).each(['no umask', 'umask'])(
    'answers with 503 without a process (%s)',
    async (which) => {
      // Root has as many as it likes.
      const other = 'setpriv --reuid=64998 --regid=64998 --clear-groups prlimit --nproc=22:22';
      const { crowd, after } = await scarce(`exec ${other} "$0" "$@"`, 30, {}, which);
      for (const { status, text: answer } of crowd) {
        expect([200, 503]).toContain(status);
        expect(answer).toBe(status === 200 ? 'hello\n' : '');
      }
      expect(after).toEqual({ status: 200, text: 'hello\n' });
    },
  );

  test('runs scripts without a place for files and pipes, and says what cannot be stored', async () => {
    const { crowd, upload, large, endless } = await scarce(':', 2, { TMPDIR: join(scripts.path, 'hello') });
    expect(crowd.map(({ status }) => status)).toEqual([200, 200]);
    expect(upload).toEqual({ status: 200, text: '5000\n' });
    expect(large).toEqual({ status: 200, text: '300000\n' });
    expect(endless.status).toBe(507);
  });

  test('runs scripts where no pipe can be made in the folder for temporary files', async () => {
    scripts.add('path/mkfifo', '#!/bin/sh\nexit 1\n');
    const PATH = `${scripts.path}/path:${process.env['PATH']}`;
    const { crowd, upload } = await scarce(':', 2, { PATH });
    expect(crowd).toEqual([1, 2].map(() => ({ status: 200, text: 'hello\n' })));
    expect(upload).toEqual({ status: 200, text: '5000\n' });
  });

  test.skipIf(!isRoot).each(['shell', 'direct'] as const)(
    'runs scripts as somebody else, started by %s',
    async (spawner) => {
      // What somebody else owns, nobody sweeps for us, and it lasts as long as the process.
      vi.stubEnv('TMPDIR', scripts.path);
      onTestFinished(() => void vi.unstubAllEnvs());
      const respond = cgi({ directory: scripts.path, uid: 65_534, gid: 65_534, spawner });
      const response = await respond(request('/who', { content: 'content' }));
      expect(await text(response)).toBe('65534\n65534\n65534\ncontentcontent');
      await respond.close();
    },
  );
});
