// The life of workers: starting, dying, hanging, being replaced, and who waits meanwhile.

import { mkdirSync, readFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { PythonError, WsgiOptions } from '../../src/index.ts';
import { fixtures, isRunning, read, request, start, until, withLongerLimits, type Answer } from '../harness.ts';
import { makeSite, saying } from '../site.ts';

interface Running {
  get(target: string, changes?: Parameters<typeof request>[1]): Promise<Answer>;
  pid(): Promise<number>;
  responder: ReturnType<typeof start>['responder'];
  text(): string;
}

function run(options: Partial<WsgiOptions> = {}): Running {
  const { responder, text } = start('life:application', options);
  onTestFinished(() => responder.close(0));
  const get: Running['get'] = (target, changes) => read(responder(request(target, changes)));
  return { get, pid: async () => Number((await get('/pid')).text), responder, text };
}

/** Makes a request that has begun, and goes on until `release` is called. */
async function hold(app: Running, site: ReturnType<typeof makeSite>, name: string) {
  const target = `/held?started=${site.path(`${name}-started`)}&until=${site.path(`${name}-until`)}`;
  const answer = app.get(target);
  await until(() => site.has(`${name}-started`));
  return { answer, release: () => site.write(`${name}-until`, '') };
}

describe('processes and threads', () => {
  test('answer at the same time', async () => {
    const app = run({ threads: 3 });
    const answers = await Promise.all([app.get('/meet'), app.get('/meet'), app.get('/meet')]);
    expect(answers.map(({ text }) => text)).toEqual(['met', 'met', 'met']);
  });

  test('share the work: the one with less to do gets the next request', async () => {
    const app = run({ processes: 2, threads: 2 });
    await app.responder.ready();
    const site = makeSite();
    const held = [
      await hold(app, site, 'a'),
      await hold(app, site, 'b'),
      await hold(app, site, 'c'),
      await hold(app, site, 'd'),
    ];
    for (const { release } of held) release();
    const pids = await Promise.all(held.map(async ({ answer }) => (await answer).text));
    expect(new Set(pids.slice(0, 2)).size).toBe(2);
    expect(new Set(pids.slice(2)).size).toBe(2);
  });

  test('start with the first request when lazy', async () => {
    const app = run({ lazy: true, application: 'life' });
    expect(app.text()).toBe('');
    expect((await app.get('/pid')).status).toBe(200);
  });

  test('get an environment and a working directory', async () => {
    const site = makeSite();
    const app = run({ cwd: site.folder, pythonPath: [fixtures], env: { COLOUR: 'blue' } });
    expect((await app.get('/where')).text).toBe(site.folder);
    expect((await app.get('/variable?name=COLOUR')).text).toBe('blue');
    expect((await app.get('/variable?name=PATH')).text).toBe(process.env['PATH']);
    const closed = run({ passEnv: ['LANG'] });
    expect((await closed.get('/variable?name=HOME')).text).toBe('unset');
  });
});

describe('an application', () => {
  test.each([
    ['module:name', 'shop.web:hello'],
    ['module', 'shop.web'],
    ['module:factory()', 'shop.web:make()'],
    ['module:object.attribute', 'shop.web:Holder.inner'],
    ['file:name in a package', 'shop/web.py:hello'],
    ['file:name', 'single.py:hello'],
    ['file', './single.py'],
  ])('is named as %s', async (_, application) => {
    const site = makeSite();
    const source = `${saying('found').replace('application', 'hello')}\napplication = hello\ndef make(): return hello\nclass Holder: inner = hello\n`;
    mkdirSync(site.path('shop'));
    site.write('shop/__init__.py', '');
    site.write('shop/web.py', `import shop\n${source}`);
    site.write('single.py', source);
    const { responder } = start(application, { cwd: site.folder });
    onTestFinished(() => responder.close(0));
    expect((await read(responder(request('/')))).text).toBe('found');
  });

  test.each([
    ['raises', 'raise RuntimeError("not today")', 'app', 'RuntimeError: not today'],
    ['has a syntax error', 'def broken(:', 'app', 'SyntaxError'],
    ['is not there', '', 'nowhere', "No module named 'nowhere'"],
    ['has no such name', '', 'app:missing', "has no attribute 'missing'"],
    ['is no callable', 'application = 7', 'app', 'is not callable: 7'],
    ['exits', 'import sys; sys.exit("gone")', 'app', 'SystemExit: gone'],
    ['ends the process', 'import os; os._exit(3)', 'app', 'ended with code 3 before it was ready'],
  ])('that %s is told at the start and to each request', async (_, source, application, message) => {
    const site = makeSite();
    site.write('app.py', source);
    const { responder, text } = start(application, { cwd: site.folder });
    onTestFinished(() => responder.close(0));
    await expect(responder.ready()).rejects.toMatchObject({
      code: 'start-failed',
      message: expect.stringContaining(message),
    });
    const answer = await read(responder(request('/')));
    expect(answer).toMatchObject({ status: 503, cause: { code: 'no-worker' } });
    expect(answer.field('retry-after')).toBe('2');
    if (!source.includes('_exit')) {
      expect((answer.cause as PythonError).detail).toContain(message);
      expect(text()).toContain(message);
    }
  });

  test.each([
    ['Python is not there', { python: '/nowhere/python3' }, 'cannot run /nowhere/python3'],
    ['the working directory is not there', { cwd: '/nowhere' }, 'in /nowhere: there is no such directory'],
    ['the working directory lies below a file', { cwd: `${import.meta.filename}/x` }, ': there is no such directory'],
  ])('does not start when %s', async (_, options, message) => {
    const app = run(options);
    await expect(app.responder.ready()).rejects.toMatchObject({
      code: 'start-failed',
      message: expect.stringContaining(message),
    });
    expect((await app.get('/')).status).toBe(503);
  });

  test('that takes too long to load is given up', async () => {
    const site = makeSite();
    site.write('app.py', 'import time\ntime.sleep(1000)');
    const isShown = (log: string): boolean => /app\.py", line 2/.test(log);
    let shown = false;
    // A busy machine may keep Python from its application all this time, and from its stacks until it is killed.
    for (let startTimeoutMs = 1000; !shown; startTimeoutMs = Math.min(16_000, 2 * startTimeoutMs)) {
      const { responder, text } = start('app', { cwd: site.folder, limits: { startTimeoutMs } });
      await expect(responder.ready()).rejects.toMatchObject({ code: 'start-timed-out' });
      const end = performance.now() + 5000;
      await until(() => isShown(text()) || performance.now() > end);
      await responder.close(0);
      shown = isShown(text());
    }
  });

  test('is tried again, and then serves', async () => {
    const site = makeSite();
    site.write(
      'app.py',
      `import os\nif not os.path.exists("ready"): raise RuntimeError("later")\n${saying('at last')}`,
    );
    const { responder } = start('app', { cwd: site.folder });
    onTestFinished(() => responder.close(0));
    await expect(responder.ready()).rejects.toThrow('later');
    site.write('ready', '');
    await expect.poll(async () => (await read(responder(request('/')))).text).toBe('at last');
  });
});

describe('the queue', () => {
  test('is bounded, and sends away with Retry-After', async () => {
    const site = makeSite();
    const app = run({ threads: 1, concurrency: { maxQueue: 1 } });
    const first = await hold(app, site, 'first');
    const second = app.get('/pid');
    const third = await app.get('/pid');
    expect(third).toMatchObject({ status: 503, cause: { code: 'queue-full' } });
    expect(third.field('retry-after')).toBe('2');
    first.release();
    expect((await second).status).toBe(200);
  });

  test('has a time limit', async () => {
    const site = makeSite();
    const app = run({ threads: 1, concurrency: { queueTimeoutMs: 100 } });
    await app.responder.ready();
    const first = await hold(app, site, 'first');
    expect(await app.get('/pid')).toMatchObject({ status: 503, cause: { code: 'queue-timed-out' } });
    first.release();
    expect((await first.answer).status).toBe(200);
  });

  test('is left by a request whose client leaves', async () => {
    const site = makeSite();
    const app = run({ threads: 1 });
    const first = await hold(app, site, 'first');
    const client = new AbortController();
    const second = app.get(`/held?started=${site.path('second-started')}&until=/`, { signal: client.signal });
    const third = app.get('/pid');
    client.abort();
    expect(await second).toMatchObject({ cause: { code: 'client-gone' } });
    first.release();
    expect((await third).status).toBe(200);
    expect(site.has('second-started')).toBe(false);
  });
});

describe('a worker that dies', () => {
  test('takes with it only what it was doing', async () => {
    const site = makeSite();
    const app = run({ processes: 2, threads: 1 });
    await app.responder.ready();
    const other = await hold(app, site, 'other');
    expect(await app.get('/crash')).toMatchObject({
      status: 502,
      cause: { code: 'worker-died', message: expect.stringMatching(/ended with code 9/) },
    });
    expect((await app.get('/pid')).status).toBe(200);
    other.release();
    expect((await other.answer).status).toBe(200);
    expect(app.text()).toContain('ended with code 9');
  });

  test('after the head breaks the response off', async () => {
    const app = run();
    // The second block came right behind the first, and was not on its way yet.
    expect(await app.get('/crash-after-head')).toMatchObject({
      status: 200,
      text: expect.stringMatching(/^some(?: more)?$/),
      broken: { code: 'worker-died' },
    });
  });

  test('again and again is replaced ever more slowly, and requests are not lost silently', async () => {
    const app = run({ threads: 1 });
    await app.responder.ready();
    expect((await app.get('/crash')).status).toBe(502);
    expect((await app.get('/crash')).status).toBe(502);
    const answer = await app.get('/pid');
    expect([200, 503]).toContain(answer.status);
  });

  test('after an answer is replaced at once, however often', async () => {
    const app = run({ threads: 1 });
    await app.responder.ready();
    const timers = vi.spyOn(globalThis, 'setTimeout');
    onTestFinished(() => timers.mockRestore());
    for (let deaths = 1; deaths <= 4; deaths++) {
      process.kill(Number((await app.get('/pid')).text), 'SIGKILL');
      await until(() => app.responder.state().restarts === deaths);
    }
    expect((await app.get('/pid')).status).toBe(200);
    expect(timers.mock.calls.filter(([, ms]) => [1000, 2000, 4000].includes(ms!))).toEqual([]);
  });

  test('under load loses only the requests that it had', async () => {
    const app = run({ processes: 2, threads: 2 });
    await app.responder.ready();
    const pids = new Set<number>();
    const failures: Answer[] = [];
    let kills = 0;
    let answered = 0;
    const client = async (): Promise<void> => {
      while (answered < 1500) {
        const answer = await app.get('/pid');
        answered++;
        if (answer.status === 200) pids.add(Number(answer.text));
        else failures.push(answer);
        if (answered % 400 !== 0) continue;
        const victim = [...pids].findLast((pid) => isRunning(pid))!;
        process.kill(victim, 'SIGKILL');
        kills++;
      }
    };
    await Promise.all(Array.from({ length: 8 }, client));
    expect(kills).toBeGreaterThanOrEqual(3);
    expect(pids.size).toBeGreaterThanOrEqual(4);
    expect(failures.every(({ status }) => status === 502)).toBe(true);
    expect(failures.length).toBeLessThanOrEqual(kills * 2);
  });
});

describe('a worker that is silent', () => {
  test.each(['/sleep-in-python', '/hold-the-interpreter'])(
    'gets 504, shows its stacks and is replaced: %s',
    async (target) => {
      await withLongerLimits(async (silenceTimeoutMs) => {
        const app = run({ threads: 1, limits: { silenceTimeoutMs } });
        const pid = await app.pid();
        expect(pid).toBeGreaterThan(1);
        expect(await app.get(target)).toMatchObject({ status: 504, cause: { code: 'timed-out' } });
        expect(await app.pid()).not.toBe(pid);
        await until(() => !isRunning(pid));
        expect(app.text()).toContain(`in ${target.slice(1).replaceAll('-', '_')}`);
      });
    },
  );

  test('after the head breaks the response off', async () => {
    await withLongerLimits(async (silenceTimeoutMs) => {
      const app = run({ limits: { silenceTimeoutMs } });
      expect(await app.get('/sleep-after-head')).toMatchObject({
        status: 200,
        text: 'some',
        broken: { code: 'timed-out' },
      });
    });
  });

  test('still finishes what its other threads do', async () => {
    await withLongerLimits(async (silenceTimeoutMs) => {
      const app = run({ threads: 2, limits: { silenceTimeoutMs } });
      const { content } = await app.responder(request('/produce?blocks=100000&size=100'));
      const silent = app.get('/sleep-in-python');
      let length = 0;
      // The client takes its time, so the response outlasts the silent one.
      for await (const chunk of content as AsyncIterable<Uint8Array>) {
        length += chunk.length;
        if (length > 5_000_000) await silent;
      }
      expect(length).toBe(10_000_000);
      expect((await silent).status).toBe(504);
    });
  });
});

describe('recycling', () => {
  test('replaces a worker after its number of requests, and loses none', async () => {
    const app = run({ threads: 1, limits: { maxRequests: 20 } });
    const pids = new Set<number>();
    const statuses = new Set<number>();
    while (pids.size < 3) {
      const answer = await app.get('/pid');
      statuses.add(answer.status);
      pids.add(Number(answer.text));
    }
    expect([...statuses]).toEqual([200]);
    await until(() => [...pids].filter((pid) => isRunning(pid)).length <= 2);
  });

  test.runIf(process.platform === 'linux')('replaces a worker that has grown', async () => {
    // Memory is looked at as often as the shortest limit asks for.
    const app = run({ limits: { maxMemoryBytes: 60 << 20 }, concurrency: { queueTimeoutMs: 400 } });
    await app.responder.ready();
    const pid = Number((await app.get('/grow?megabytes=80')).text);
    expect(pid).toBeGreaterThan(1);
    await expect.poll(() => app.pid()).not.toBe(pid);
    await until(() => !isRunning(pid));
  });
});

describe('reload()', () => {
  test('answers with the new code, finishes with the old, and loses nothing', async () => {
    const site = makeSite();
    const version = (name: string): string =>
      `import life\n${saying(name)}\ninner = application\ndef application(e, s):\n    return life.application(e, s) if e["PATH_INFO"] == "/held" else inner(e, s)\n`;
    site.write('app.py', version('old'));
    const { responder } = start('app', {
      cwd: site.folder,
      pythonPath: [fixtures],
      processes: 2,
    });
    onTestFinished(() => responder.close(0));
    await responder.ready();
    const app = { get: (target: string) => read(responder(request(target))) } as Running;
    const held = await hold(app, site, 'held');
    const seen: string[] = [];
    let isOver = false;
    const client = (async () => {
      while (!isOver) seen.push((await app.get('/')).text);
    })();
    await until(() => seen.includes('old'));
    site.write('app.py', version('new').padEnd(1000, '\n'));
    await responder.reload();
    await until(() => seen.at(-1) === 'new');
    isOver = true;
    await client;
    expect(seen.filter((text) => text !== 'old' && text !== 'new')).toEqual([]);
    held.release();
    expect((await held.answer).status).toBe(200);
  });

  test('keeps what runs when the new code does not load', async () => {
    const site = makeSite();
    site.write('app.py', saying('good'));
    const { responder } = start('app', { cwd: site.folder });
    onTestFinished(() => responder.close(0));
    expect((await read(responder(request('/')))).text).toBe('good');
    site.write('app.py', 'raise RuntimeError("bad edit, and longer")');
    await expect(responder.reload()).rejects.toMatchObject({
      code: 'start-failed',
      detail: expect.stringContaining('bad edit'),
    });
    expect((await read(responder(request('/')))).text).toBe('good');
  });

  test('happens by itself when a source file changes, and recovers from a bad edit', async () => {
    const site = makeSite();
    site.write('part.py', 'TEXT = b"one"\n');
    site.write('app.py', saying('x').replace('b"x"', '__import__("part").TEXT') + '\nimport part\n');
    const { responder, text } = start('app', { cwd: site.folder, reload: true, processes: 2 });
    onTestFinished(() => responder.close(0));
    const answer = async (): Promise<string> => (await read(responder(request('/')))).text;
    expect(await answer()).toBe('one');
    site.write('part.py', 'TEXT = b"number two"\n');
    await expect.poll(answer).toBe('number two');
    site.write('part.py', 'TEXT = b"unfinished\n');
    await expect.poll(text).toContain('SyntaxError');
    expect(await answer()).toBe('number two');
    site.write('part.py', 'TEXT = b"the third"\n');
    await expect.poll(answer).toBe('the third');
  });

  test('happens by itself also when the application did not load at first', async () => {
    const site = makeSite();
    site.write('app.py', 'def application(:\n');
    const { responder } = start('app', { cwd: site.folder, reload: true });
    onTestFinished(() => responder.close(0));
    await expect(responder.ready()).rejects.toMatchObject({ code: 'start-failed' });
    expect((await read(responder(request('/')))).status).toBe(503);
    site.write('app.py', saying('repaired'));
    await expect.poll(async () => (await read(responder(request('/')))).text).toBe('repaired');
  });
});

describe('close()', () => {
  test('finishes what is under way, refuses the rest, and leaves no process', async () => {
    const site = makeSite();
    const app = run({ processes: 2, threads: 1 });
    await app.responder.ready();
    const first = await hold(app, site, 'first');
    const pid = await app.pid();
    const closing = app.responder.close(10_000);
    expect(await app.get('/pid')).toMatchObject({ status: 503, cause: { code: 'closing' } });
    await until(() => !isRunning(pid));
    first.release();
    const answer = await first.answer;
    expect(answer.status).toBe(200);
    await closing;
    expect(isRunning(Number(answer.text))).toBe(false);
    await app.responder.close();
  });

  test('breaks off what takes longer than the grace', async () => {
    const site = makeSite();
    const app = run({ threads: 1 });
    const pid = await app.pid();
    const answer = app.get(`/hold-the-interpreter?started=${site.path('started')}`);
    await until(() => site.has('started'));
    await app.responder.close(100);
    expect((await answer).status).toBe(502);
    expect(isRunning(pid)).toBe(false);
  });

  test('also ends a process that is still starting', async () => {
    const site = makeSite();
    site.write(
      'app.py',
      'import os, time\nopen("pid", "w").write(str(os.getpid()))\nopen("there", "w")\ntime.sleep(1000)',
    );
    const { responder } = start('app', { cwd: site.folder });
    await until(() => site.has('there'));
    const pid = Number(readFileSync(site.path('pid'), 'latin1'));
    await responder.close(0);
    expect(isRunning(pid)).toBe(false);
  });

  test('does not wait for a child of the application that holds its descriptors', async () => {
    const app = run({ threads: 1 });
    const child = Number((await app.get('/start-child')).text);
    await app.responder.close();
    if (isRunning(child)) process.kill(child, 'SIGKILL');
  });
});
