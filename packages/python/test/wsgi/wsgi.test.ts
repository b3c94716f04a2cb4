// Content both ways, clients that leave, and what is left when this process is gone.

import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  chunks,
  fixtures,
  isRunning,
  openContent,
  python,
  read,
  request,
  start,
  until,
  withLongerLimits,
  type Answer,
} from '../harness.ts';
import { makeSite } from '../site.ts';

const app = start('life:application', { threads: 1 });
const streaming = start('life:application', { threads: 1, spool: 'never' });

beforeAll(async () => {
  await Promise.all([app.responder.ready(), streaming.responder.ready()]);
});
afterAll(async () => {
  await Promise.all([app.responder.close(0), streaming.responder.close(0)]);
});

function get(target: string, changes: Parameters<typeof request>[1] = {}): Promise<Answer> {
  return read(app.responder(request(target, changes)));
}

describe('request content', () => {
  test('of any size is read from disk, and leaves nothing there', async () => {
    const piece = randomBytes(1 << 20);
    const sha256 = createHash('sha256');
    async function* fiftyMegabytes(): AsyncGenerator<Uint8Array> {
      for (let count = 0; count < 50; count++) {
        sha256.update(piece);
        yield piece;
      }
    }
    const upload = { method: 'PUT', contentLength: 50 << 20, content: fiftyMegabytes() };
    // The machine's directory for temporary files is full of those of other processes.
    const { folder } = makeSite();
    vi.stubEnv('TMPDIR', folder);
    onTestFinished(() => void vi.unstubAllEnvs());
    expect((await get('/digest', upload)).text).toBe(sha256.digest('hex'));
    expect(readdirSync(folder)).toEqual([]);
  });

  test('costs no thread while it arrives', async () => {
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('a');
      await gate;
      yield Buffer.from('b');
    }
    const upload = get('/echo', { method: 'POST', contentLength: undefined, content: slow() });
    expect((await get('/pid')).status).toBe(200);
    release();
    expect((await upload).text).toBe('length 2:ab');
  });

  test('that breaks off is never seen by the application', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(100_000);
      throw new RangeError('the client is gone');
    }
    const upload = get('/digest', { method: 'POST', contentLength: 200_000, content: broken() });
    await expect(upload).rejects.toThrow('the client is gone');
    expect((await get('/pid')).status).toBe(200);
  });

  test('that cannot be kept is 507', async () => {
    const before = process.env['TMPDIR'];
    process.env['TMPDIR'] = '/nowhere';
    onTestFinished(() => {
      if (before === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = before;
    });
    expect(await get('/digest', { body: 'x'.repeat(1_100_000) })).toMatchObject({
      status: 507,
      cause: { code: 'content-unstored' },
    });
    expect((await get('/echo', { body: 'x' })).text).toBe('length 1:x');
  });
});

test('NUL in a request cannot become another variable, and leaves no content behind', async () => {
  const user = ['a', 'REMOTE_ADDR', '127.0.0.1'].join('\0');
  await expect(get('/pid', { user })).rejects.toThrow('NUL in REMOTE_USER');
  await expect(get('/digest', { user, body: 'x'.repeat(1_100_000) })).rejects.toThrow('NUL in REMOTE_USER');
  await until(() => openContent().length === 0);
});

describe('streamed request content', () => {
  test('is answered while it arrives', async () => {
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('one');
      await gate;
      yield Buffer.from('two');
    }
    const upload = request('/echo', { method: 'POST', contentLength: undefined, content: slow() });
    const { content } = await streaming.responder(upload);
    let text = '';
    for await (const chunk of content as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk).toString();
      if (text.endsWith('one')) release();
    }
    expect(text).toBe('length True:onetwo');
  });

  test('goes both ways at once, however much it is', async () => {
    const content = chunks(...Array.from({ length: 60 }, () => Buffer.alloc(100_000, 'x')));
    const answer = await read(
      streaming.responder(request('/echo', { method: 'POST', contentLength: 6_000_000, content })),
    );
    expect(answer.text.length).toBe('length 6000000:'.length + 6_000_000);
  });

  test('may be left unread', async () => {
    for (let round = 0; round < 3; round++) {
      const content = chunks(...Array.from({ length: 60 }, () => Buffer.alloc(100_000, 'x')));
      const answer = await read(
        streaming.responder(request('/pid', { method: 'POST', contentLength: 6_000_000, content })),
      );
      expect(answer.status).toBe(200);
    }
  });

  test('that stalls is not taken for silence of the application', async () => {
    await withLongerLimits(async (silenceTimeoutMs) => {
      const impatient = start('life:application', { spool: 'never', limits: { silenceTimeoutMs } });
      onTestFinished(() => impatient.responder.close(0));
      await impatient.responder.ready();
      async function* slow(): AsyncGenerator<Uint8Array> {
        yield Buffer.from('a');
        await new Promise((resolve) => setTimeout(resolve, 2.5 * silenceTimeoutMs));
        yield Buffer.from('b');
      }
      const upload = request('/digest', { method: 'POST', contentLength: 2, content: slow() });
      expect((await read(impatient.responder(upload))).status).toBe(200);
    });
  });

  test('that breaks off is an OSError in read()', async () => {
    const site = makeSite();
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('a');
      await until(() => site.has('started'));
      throw new RangeError('the client is gone');
    }
    const target = `/read-until-error?started=${site.path('started')}`;
    const upload = streaming.responder(request(target, { method: 'POST', contentLength: 10, content: broken() }));
    await expect(upload).rejects.toThrow('the client is gone');
    expect((await read(streaming.responder(request('/what-happened')))).text).toBe('Disconnected');
  });
});

describe('response content', () => {
  test('is made no faster than it is taken, beyond a limit', async () => {
    const two = start('life:application', { threads: 2, limits: { spoolFileBytes: 0 } });
    onTestFinished(() => two.responder.close(0));
    const made = async (): Promise<number> => Number((await read(two.responder(request('/how-much')))).text);
    const { content } = await two.responder(request('/produce?blocks=5000&size=10000'));
    let before = -1;
    await expect.poll(async () => [before, (before = await made())], { interval: 100 }).toSatisfy(([a, b]) => a === b); // prettier-ignore
    expect(before).toBeGreaterThan(1_000_000);
    // Buffers of the kernel and of both processes, whose sizes are theirs; all of it would be 50 MB.
    expect(before).toBeLessThan(25_000_000);
    let length = 0;
    for await (const chunk of content as AsyncIterable<Uint8Array>) length += chunk.length;
    expect(length).toBe(50_000_000);
  });

  test('that is longer waits in a file that has no name, and holds no thread', async () => {
    const one = start('life:application', { threads: 1 });
    onTestFinished(() => one.responder.close(0));
    const pending = Array.from({ length: 8 }, () => one.responder(request('/produce?blocks=500&size=10000')));
    const slow = await Promise.all(pending);
    expect((await read(one.responder(request('/pid')))).status).toBe(200);
    await until(() => openContent().length === 8);
    await (slow[0]!.content as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]().return!();
    await until(() => openContent().length === 7);
    for (const { content } of slow.slice(1)) {
      const hash = createHash('sha256');
      for await (const chunk of content as AsyncIterable<Uint8Array>) hash.update(chunk);
      expect(hash.digest('hex')).toBe(createHash('sha256').update('x'.repeat(5_000_000)).digest('hex'));
    }
    await until(() => openContent().length === 0);
  });

  test('that finds no room in a file is made as it is taken', async () => {
    const before = process.env['TMPDIR'];
    process.env['TMPDIR'] = '/nowhere';
    onTestFinished(() => {
      if (before === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = before;
    });
    const one = start('life:application', { threads: 1 });
    onTestFinished(() => one.responder.close(0));
    const pending = await one.responder(request('/produce?blocks=500&size=10000'));
    await until(() => one.text() !== '');
    const answer = await read(pending);
    expect(answer).toMatchObject({ status: 200, broken: undefined });
    expect(answer.bytes.equals(Buffer.alloc(5_000_000, 'x'))).toBe(true);
    expect(one.text()).toContain('cannot keep responses in a temporary file');
  });

  test('that fits into the limit holds no thread, however slow the client', async () => {
    const { content } = await app.responder(request('/produce?blocks=50&size=10000'));
    expect((await get('/how-much')).text).toBe('500000');
    let length = 0;
    for await (const chunk of content as AsyncIterable<Uint8Array>) length += chunk.length;
    expect(length).toBe(500_000);
  });
});

describe('a client that leaves', () => {
  test('before the head is answered at once, and the thread is free when it is', async () => {
    const site = makeSite();
    const client = new AbortController();
    const target = `/held?started=${site.path('started')}&until=${site.path('until')}`;
    const left = get(target, { signal: client.signal });
    await until(() => site.has('started'));
    client.abort();
    expect(await left).toMatchObject({ status: 400, cause: { code: 'client-gone' } });
    const next = get('/pid');
    site.write('until', '');
    expect((await next).status).toBe(200);
  });

  test('while content is made stops the application', async () => {
    const { content } = await app.responder(request('/produce?blocks=1000000000&size=10000'));
    for await (const chunk of content as AsyncIterable<Uint8Array>) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    expect((await get('/pid')).status).toBe(200);
  });

  test('many times leaves all threads free', async () => {
    const pids = new Set<string>();
    for (let round = 0; round < 200; round++) {
      const client = new AbortController();
      const answer = app.responder(request('/produce?blocks=100&size=10000', { signal: client.signal }));
      if (round % 2 === 0) client.abort();
      const { content } = await answer;
      if (content !== undefined) await (content as AsyncIterableIterator<Uint8Array>).return?.();
      if (round % 20 === 0) pids.add((await get('/pid')).text);
    }
    expect(pids.size).toBe(1);
  });
});

test('no response goes to the wrong request', async () => {
  const four = start('pep_3333:application', { processes: 2, threads: 2 });
  onTestFinished(() => four.responder.close(0));
  const exchange = async (index: number): Promise<void> => {
    const body = `${index}-`.repeat(1 + (index % 3) * 20_000);
    const client = new AbortController();
    const answer = read(four.responder(request('/read-all', { body, signal: client.signal })));
    if (index % 7 === 0) client.abort();
    const { status, text } = await answer;
    if (index % 7 !== 0 || status === 200) expect(text === `${body}||`).toBe(true);
  };
  await Promise.all(Array.from({ length: 300 }, (_, index) => exchange(index)));
});

describe('when this process is killed', () => {
  test.each(['/sleep-in-python', '/hold-the-interpreter'])(
    'no Python process is left: busy with %s',
    async (target) => {
      const site = makeSite();
      const program = `
      import { wsgi } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)};
      const pids = new Set();
      const responder = wsgi({ application: 'life', cwd: ${JSON.stringify(fixtures)}, python: ${JSON.stringify(python)},
        processes: 2, threads: 2, log: ({ pid }) => console.log(pid) });
      await responder.ready();
      async function* nothing() {}
      const request = { method: 'GET', target: '/', version: '1.1', scheme: 'http', scriptName: '', fields: [],
        contentLength: 0, content: nothing(), remote: { address: '::1', port: 1 }, local: { address: '::1', port: 1 } };
      const ask = async (pathInfo) => Buffer.from((await responder({ ...request, pathInfo })).content).toString();
      while (pids.size < 2) for (const pid of await Promise.all([ask('/pid'), ask('/pid')])) pids.add(pid);
      void ask(${JSON.stringify(target)}); void ask(${JSON.stringify(target)});
      console.log([...pids].join(' '));
      setInterval(() => {}, 1000);`;
      site.write('parent.mjs', program);
      const parent = spawn(process.execPath, [site.path('parent.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] });
      const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
      const pids = line.split(' ').map(Number);
      expect(pids).toHaveLength(2);
      expect(pids.every(isRunning)).toBe(true);
      parent.kill('SIGKILL');
      await until(() => !pids.some(isRunning));
    },
  );
});

test('a log that throws does not end this process', async () => {
  const broken = start('pep_3333:application', {
    log: () => {
      throw new Error('the disk is full');
    },
  });
  onTestFinished(() => broken.responder.close(0));
  expect((await read(broken.responder(request('/prints')))).status).toBe(200);
  expect((await read(broken.responder(request('/fails-at-once')))).status).toBe(500);
});
