import { closeSync, openSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { cgi, ProcessError, startProcess } from '../../src/index.ts';
import type { CgiOptions, CgiResponse } from '../../src/index.ts';
import { interpreterIn, isOfFormat } from '../../src/process/program.ts';
import { isBusyMessage } from '../../src/spawner/run.ts';
import { request, Scripts, text } from '../mount.ts';

const scripts = new Scripts({
  'notes.data': 'guestbook / hello; touch "$FLAG"\n',
  'marked.py': '\u{feff}#!/usr/bin/env python3\nimport os\n',
  'empty.cgi': '',
  'by-text.cgi': '#!/NOTES\n',
  'no-interpreter.cgi': '#!\ntouch "$FLAG"\n',
  'blank-interpreter.cgi': '#! \t\ntouch "$FLAG"\n',
  'relative.cgi': '#!notes.data\ntouch "$FLAG"\n',
  'chain.cgi': '#!/CHAIN\n',
});
scripts.add('by-text.cgi', `#!${scripts.path}/notes.data\ntouch "$FLAG"\n`);
scripts.add('inner.cgi', '#!/bin/sh\necho "Content-Type: text/plain"; echo; echo chained\n');
scripts.add('chain.cgi', `#!${scripts.path}/inner.cgi\n`);
afterAll(() => scripts.remove());

const notPrograms = [
  'notes.data',
  'marked.py',
  'empty.cgi',
  'by-text.cgi',
  'no-interpreter.cgi',
  'blank-interpreter.cgi',
];

describe('a file that the kernel cannot execute', () => {
  test.each(notPrograms)('is not handed to a shell by startProcess: %s', async (name) => {
    const environment = { FLAG: `${scripts.path}/flag-${name}` };
    const error: unknown = await startProcess(`${scripts.path}/${name}`, [], { environment }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(ProcessError);
    expect(error).toMatchObject({ code: 'bad-format' });
    expect(scripts.has(`flag-${name}`)).toBe(false);
  });

  test('is found through PATH, too', async () => {
    const start = startProcess('notes.data', [], { environment: { PATH: `/nowhere:${scripts.path}` } });
    await expect(start).rejects.toMatchObject({ code: 'bad-format' });
  });

  test('is not handed to a shell as an interpreter whose path is relative', async () => {
    const options = { environment: { FLAG: `${scripts.path}/flag-relative` }, cwd: scripts.path };
    const start = startProcess(`${scripts.path}/relative.cgi`, [], options);
    await expect(start).rejects.toMatchObject({ code: 'bad-format' });
    expect(scripts.has('flag-relative')).toBe(false);
  });

  const mounts: [string, Partial<CgiOptions>][] = [
    ['shells', { spawner: 'shell' }],
    ['direct starts', { spawner: 'direct' }],
    ['shells with a wrapper', { spawner: 'shell', wrapper: ['env'] }],
    ['direct starts with a wrapper', { spawner: 'direct', wrapper: ['env'] }],
    ['a command with a umask', { spawner: 'shell', umask: 0o22 }],
    ['a wrapper that is none', { wrapper: [`${scripts.path}/notes.data`] }],
  ];
  test.each(mounts)('answers 500 and runs nothing: %s', async (_, options) => {
    const respond = cgi({
      directory: scripts.path,
      log: () => {},
      env: { FLAG: `${scripts.path}/flag` },
      ...options,
    });
    try {
      for (const name of notPrograms) {
        expect(await respond(request(`/${name}`))).toMatchObject({ status: 500, cause: { code: 'start-failed' } });
      }
      expect(scripts.has('flag')).toBe(false);
    } finally {
      await respond.close();
    }
  });

  test('is no script whose interpreter is a script', async () => {
    const child = await startProcess(`${scripts.path}/chain.cgi`);
    await child.stdin.end();
    child.stdout.resume();
    child.stderr.resume();
    expect(await child.finished).toMatchObject({ code: 0 });
  });

  test('that may not be executed is refused for that', async () => {
    await expect(startProcess('/etc/passwd')).rejects.toMatchObject({ code: 'not-executable' });
  });
});

describe('isOfFormat', () => {
  const described = (lines: string): string => `enabled\ninterpreter /usr/bin/x\nflags: \n${lines}`;
  const jar = 'PK\x03\x04rest';
  test.each([
    [described('offset 0\nmagic 504b0304\n'), jar, '/a.jar', true],
    [described('offset 0\nmagic 504b0305\n'), jar, '/a.jar', false],
    [described('offset 2\nmagic 0304\n'), jar, '/a.jar', true],
    [described('offset 0\nmagic 504b0004\nmask ffff00ff\n'), jar, '/a.jar', true],
    [described('extension .jar\n'), '', '/a.jar', true],
    [described('extension .jar\n'), jar, '/a.zip', false],
    [described('offset 0\nmagic 504b0304\n'), 'PK', '/short', false],
    ['disabled\ninterpreter /usr/bin/x\noffset 0\nmagic 504b0304\n', jar, '/a.jar', false],
    ['', jar, '/a.jar', false],
  ])('%j', (description, begun, file, expected) => {
    expect(isOfFormat(description, begun, file)).toBe(expected);
  });
});

describe('interpreterIn', () => {
  test.each([
    ['#!/bin/sh\n', '/bin/sh'],
    ['#! \t/bin/sh -e\n', '/bin/sh'],
    ['#!/bin/sh', '/bin/sh'],
    ['#!/bin/sh\r\n', '/bin/sh\r'],
    ['#!/bin/sh\0rest', '/bin/sh'],
    [`#!/${'x'.repeat(251)}\n`, `/${'x'.repeat(251)}`],
    [`#!/${'x'.repeat(253)}`, undefined],
    [`#!/bin/sh ${'x'.repeat(246)}`, '/bin/sh'],
    ['#!', undefined],
    ['#!\n/bin/sh', undefined],
    ['#! \t\n', undefined],
  ])('reads %j', (begun, expected) => {
    expect(interpreterIn(begun)).toBe(expected);
  });
});

describe.each(['shell', 'direct'] as const)('a file that is being written, started by %s', (spawner) => {
  async function answer(closeAfterMs: number | undefined): Promise<CgiResponse> {
    const file = scripts.add(`busy-${spawner}.cgi`, '#!/bin/sh\necho Content-Type: text/plain; echo; echo started\n');
    const respond = cgi({ directory: scripts.path, spawner, log: () => {} });
    // Shells and pipes are made, and the file is not yet busy.
    await respond(request('/inner.cgi'));
    const open = openSync(file, 'a');
    const timer = setTimeout(() => closeSync(open), closeAfterMs ?? 0);
    if (closeAfterMs === undefined) clearTimeout(timer);
    try {
      return await respond(request(`/busy-${spawner}.cgi`));
    } finally {
      if (closeAfterMs === undefined) closeSync(open);
      await respond.close();
    }
  }

  test('is a 503 that names no file of ours', async () => {
    const response = await answer(undefined);
    expect(response).toMatchObject({ status: 503, cause: { code: 'busy' } });
    expect((response.cause as Error).message).not.toContain('onezero-pipes');
  });

  test('is started when its writer closes it at once', async () => {
    expect(await answer(1)).toMatchObject({ status: 200 });
  });
});

test('a script that is read as it comes is started when its writer closes it at once', async () => {
  const large = 'x'.repeat(100);
  const file = scripts.add(
    'busy-large.cgi',
    `#!/bin/sh\necho Content-Type: text/plain; echo; for i in $(seq 1500); do echo ${large}; done\n`,
  );
  const respond = cgi({ directory: scripts.path, log: () => {} });
  // From then on its output is expected to be large.
  const first = await text(await respond(request('/busy-large.cgi')));
  // A busy machine may close it too late for the second attempt: then the answer says so.
  let response: Awaited<ReturnType<typeof respond>>;
  let attempts = 0;
  do {
    const open = openSync(file, 'a');
    setTimeout(() => closeSync(open), 5);
    response = await respond(request('/busy-large.cgi'));
  } while (response.status !== 200 && ++attempts < 10);
  expect(response.status).toBe(200);
  expect(await text(response)).toBe(first);
  await respond.close();
});

describe('isBusyMessage', () => {
  test.each([
    ['dash', '/tmp/onezero-pipes-x/0: 1: /srv/a: Text file busy\n', true],
    ['another command', '/srv/a: 3: /srv/b: Text file busy\n', false],
    ['more words', '/srv/a: Text file busy\nmore\n', false],
  ])('%s', (_, text, expected) => {
    expect(isBusyMessage(text, '/srv/a')).toBe(expected);
  });
});
