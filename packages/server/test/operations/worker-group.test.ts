import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { createServer as createNetServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type * as Library from '../../src/index.ts';
import type { WorkerGroup, WorkersOptions } from '../../src/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'onezero-workers-'));
afterAll(() => rmSync(folder, { recursive: true }));

// As built: what runs in the workers is a file that Node must be able to run.
const library = new URL('../../dist/index.js', import.meta.url).href;
const { startWorkers } = (await import(library)) as typeof Library;
let groups: WorkerGroup[] = [];
afterEach(async () => {
  await Promise.all(groups.map((group) => group.close({ graceMs: 0 })));
  groups = [];
});

/** A module in a file of its own. */
function moduleOf(name: string, body: string): string {
  const file = join(folder, `${name}.mjs`);
  writeFileSync(file, `import { createMetrics, createServer, metricsResponder } from '${library}';\n${body}\n`);
  return file;
}

/** A server that answers with the number of its process and a word; at /later the word comes when the server stops. */
function sayer(word: string, before = ''): string {
  return `export default function () {
    ${before}
    let drain;
    const isStopping = new Promise((resolve) => (drain = resolve));
    async function* later() {
      yield Buffer.from('under way, ');
      await isStopping;
      yield Buffer.from('${word}');
    }
    return createServer({ routes: [
      { path: '/die', responder: () => process.kill(process.pid, 'SIGKILL') },
      { path: '/later', responder: Object.assign(() => ({ status: 200, fields: [], content: later() }), { drain }) },
      { responder: () => ({ status: 200, fields: [], content: Buffer.from(\`\${process.pid} ${word}\`) }) },
    ] });
  }`;
}

async function begin(options: WorkersOptions): Promise<WorkerGroup> {
  const group = await startWorkers({ listen: 0, count: 2, report: () => undefined, ...options });
  groups.push(group);
  return group;
}

/** The answer on a connection of its own. */
async function ask(group: WorkerGroup, path = '/'): Promise<string> {
  const response = await fetch(new URL(path, group.addresses[0]?.url), { headers: { connection: 'close' } });
  return response.text();
}

/** Resolves when an answer has begun, to the promise of all of it. */
function askLater(group: WorkerGroup): Promise<{ whole: Promise<string> }> {
  return new Promise((resolve, reject) => {
    get(new URL('/later', group.addresses[0]?.url), { agent: false }, (response) => {
      let text = '';
      const whole = new Promise<string>((settle) => {
        response.on('end', () => settle(text)).on('error', ({ message }) => settle(message));
      });
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
        resolve({ whole });
      });
    }).on('error', reject);
  });
}

/** What so many connections are answered. */
async function askOften(group: WorkerGroup, times = 40): Promise<string[]> {
  return Promise.all(Array.from({ length: times }, () => ask(group)));
}

const words = (answers: readonly string[]): Set<string> => new Set(answers.map((answer) => answer.split(' ')[1] ?? ''));
const pids = (answers: readonly string[]): Set<string> => new Set(answers.map((answer) => answer.split(' ')[0] ?? ''));

describe('startWorkers', () => {
  test('answers in processes of their own, by a path and by a URL', async () => {
    const module = moduleOf('plain', sayer('here'));
    for (const named of [module, pathToFileURL(module)]) {
      const group = await begin({ module: named });
      const answers = await askOften(group);
      expect(words(answers)).toEqual(new Set(['here']));
      expect(pids(answers)).not.toContain(String(process.pid));
      expect(pids(answers).size).toBeLessThanOrEqual(2);
    }
  });

  test('replaces a worker that dies, and loses no connection meanwhile', async () => {
    const reports: string[] = [];
    const module = moduleOf('mortal', sayer('alive'));
    const group = await begin({ module, count: 1, report: (line) => reports.push(line) });
    const [before] = await askOften(group, 1);
    await expect(ask(group, '/die')).rejects.toThrow();
    const [after] = await askOften(group, 1);
    expect(after).toContain('alive');
    expect(after).not.toBe(before);
    expect(reports).toEqual(['Warning: worker 1 ended SIGKILL; another starts']);
  });

  test('takes a changed module worker by worker, and ends what is under way', async () => {
    const module = moduleOf('changing', sayer('old'));
    const group = await begin({ module });
    const slow = await askLater(group);
    moduleOf('changing', sayer('new'));
    const asking = { isDone: false, answers: [] as string[] };
    const asker = (async () => {
      while (!asking.isDone) asking.answers.push(await ask(group));
    })();
    await group.reload();
    asking.isDone = true;
    await asker;
    expect(await slow.whole).toBe('under way, old');
    expect([...words(asking.answers)].filter((word) => word !== 'old' && word !== 'new')).toEqual([]);
    expect(words(await askOften(group))).toEqual(new Set(['new']));
  });

  test('keeps what runs when the changed module cannot start', async () => {
    const module = moduleOf('breaking', sayer('good'));
    const group = await begin({ module });
    // On a busy machine one of them may answer all for a while.
    const before = new Set<string>();
    const seen = async (): Promise<number> => {
      for (const pid of pids(await askOften(group))) before.add(pid);
      return before.size;
    };
    await expect.poll(seen).toBe(2);
    moduleOf('breaking', sayer('bad', "throw new Error('no database');"));
    await expect(group.reload()).rejects.toThrow('a worker could not start: no database');
    const answers = await askOften(group);
    expect(words(answers)).toEqual(new Set(['good']));
    for (const pid of pids(answers)) expect(before).toContain(pid);
    moduleOf('breaking', sayer('mended'));
    await group.reload();
    expect(words(await askOften(group))).toEqual(new Set(['mended']));
  });

  test('adds up what all workers have counted, and forgets nothing by a reload', async () => {
    const module = moduleOf(
      'counting',
      `export default function (worker) {
        const metrics = createMetrics();
        const server = createServer({
          accessLog: (entry) => metrics.observe(entry),
          routes: [
            { path: '/metrics', responder: metricsResponder(() => worker.metrics()) },
            { path: '/', responder: () => ({ status: 200, fields: [], content: Buffer.from('x') }) },
          ],
        });
        return { server, snapshot: () => metrics.snapshot(server) };
      }`,
    );
    const group = await begin({ module });
    await askOften(group, 20);
    await expect.poll(async () => (await group.metrics()).requests['GET 2xx']).toBe(20);
    expect(await ask(group, '/metrics')).toContain('onezero_http_workers 2\n');
    await group.reload();
    await expect.poll(async () => (await group.metrics()).requests['GET 2xx']).toBe(21);
    expect((await group.metrics()).workers).toBe(2);
  });

  test('ends what is under way, refuses what is new, and ends all processes when it is closed', async () => {
    const group = await begin({ module: moduleOf('closing', sayer('last')) });
    const { url } = group.addresses[0] ?? { url: '' };
    const processes = pids(await askOften(group));
    const last = await askLater(group);
    await group.close();
    expect(await last.whole).toBe('under way, last');
    await expect(fetch(url)).rejects.toThrow();
    for (const pid of processes) expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH');
  });

  test.each([
    ["throws new Error('broken')", "throw new Error('broken');", 'broken'],
    ['is no function', 'export default 5;', 'its default export must be a function'],
    ['returns no server', 'export default () => 5;', 'must return a server, or { server, snapshot }'],
    ['ends its process', 'process.exit(3);', 'it ended before it listened'],
  ])('says why a module that %s cannot start', async (name, body, reason) => {
    const module = moduleOf(`bad-${name.length}`, body);
    await expect(startWorkers({ module, listen: 0, count: 2 })).rejects.toThrow(reason);
  });

  test('rejects with the error of an address that is taken', async () => {
    const other = createNetServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as AddressInfo;
    const module = moduleOf('taken', sayer('never'));
    await expect(startWorkers({ module, listen: { port, host: '127.0.0.1' } })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
    other.close();
  });

  test.each([
    [{}, 'startWorkers: module: '],
    [{ module: './site.mjs' }, 'not "./site.mjs"'],
    [{ module: '/site.mjs', count: 0 }, 'startWorkers: count: '],
    [{ module: '/site.mjs', workers: 2 }, 'startWorkers: workers: '],
    [{ module: '/site.mjs', listen: [] }, 'startWorkers: listen: '],
    [{ module: '/site.mjs', listen: { prot: 1 } }, 'prot'],
  ])('refuses %j', async (options, message) => {
    await expect(startWorkers(options as WorkersOptions)).rejects.toThrow(message);
  });
});
