// The main job on real input: a site, git over CGI, Django and Express behind one port each, and a rolling restart of two
// such servers behind HAProxy while clients go on asking.
import { execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../differential/peers.mjs';
import { ask, startLoad, type Question } from './main-job/load.ts';
import { startProxy } from './main-job/proxy.ts';
import { Replica } from './main-job/replica.ts';
import { isThere, pythonWith } from './programs.ts';

const run = promisify(execFile);
const here = join(import.meta.dirname, 'main-job');
const python = pythonWith('django');
const missing = ['git', 'haproxy', 'python3 with django'].filter((need) => !isThere(need));

const BIG = randomBytes(3_000_000);
const UPLOAD = randomBytes(200_000);
const uploadAnswer = `${UPLOAD.length} ${createHash('sha256').update(UPLOAD).digest('hex')}\n`;
const TEMPLATED = '<p>cup, tea &amp; milk for Ann\n';
const EXPORTED = Array.from({ length: 1000 }, (_, number) => `row ${number}\n`).join('');

const answers = (status: number, content: Buffer | string) => (gotStatus: number, got: Buffer) =>
  gotStatus === status && got.equals(Buffer.from(content));

/** What every client asks, again and again. */
const QUESTIONS: readonly Question[] = [
  { path: '/', isRight: answers(200, '<p>Home.\n') },
  { path: '/big.bin', isRight: answers(200, BIG) },
  { path: '/none.txt', isRight: (status) => status === 404 },
  { path: '/cgi-bin/hello.sh/Ann', isRight: answers(200, 'hello /Ann\n') },
  { method: 'POST', path: '/cgi-bin/count.sh', content: UPLOAD, isRight: answers(200, `${UPLOAD.length}\n`) },
  { path: '/things/Ann', isRight: answers(200, TEMPLATED) },
  { path: '/export', isRight: answers(200, EXPORTED) },
  { method: 'POST', path: '/upload', content: UPLOAD, isRight: answers(200, uploadAnswer) },
];

/** A site, scripts and a bare repository in a temporary folder. */
async function furnish(folder: string): Promise<void> {
  mkdirSync(join(folder, 'site'));
  writeFileSync(join(folder, 'site/index.html'), '<p>Home.\n');
  writeFileSync(join(folder, 'site/big.bin'), BIG);
  mkdirSync(join(folder, 'cgi-bin'));
  const script = (name: string, text: string): void =>
    writeFileSync(join(folder, 'cgi-bin', name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  script('hello.sh', `printf 'Content-Type: text/plain\\n\\nhello %s\\n' "$PATH_INFO"`);
  script('count.sh', `printf 'Content-Type: text/plain\\n\\n'; wc -c | tr -d ' '`);
  script('git', 'exec git http-backend');
  await run('git', ['init', '-q', '--bare', '--initial-branch', 'main', join(folder, 'repositories/notes.git')]);
  await run('git', ['-C', join(folder, 'repositories/notes.git'), 'config', 'http.receivepack', 'true']);
  chmodSync(folder, 0o755);
}

/** Clones, commits and pushes; returns how many commits a new clone has then. */
async function pushAndClone(url: string, folder: string, name: string): Promise<number> {
  const work = join(folder, name);
  const git = async (...words: string[]): Promise<string> => {
    const identity = ['-c', 'user.name=Ann', '-c', 'user.email=ann@example.org'];
    return (await run('git', ['-C', work, ...identity, ...words])).stdout;
  };
  await run('git', ['clone', '-q', url, work]);
  await git('checkout', '-q', '-B', 'main');
  writeFileSync(join(work, `${name}.bin`), randomBytes(300_000));
  await git('add', '.');
  await git('commit', '-q', '-m', name);
  await git('push', '-q', 'origin', 'main');
  await run('git', ['clone', '-q', '--branch', 'main', url, `${work}-again`]);
  return Number((await run('git', ['-C', `${work}-again`, 'rev-list', '--count', 'HEAD'])).stdout);
}

describe.skipIf(missing.length > 0 && process.env['CI'] === undefined)('the main job', () => {
  let folder = '';
  const started: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'onezero-main-job-'));
    await furnish(folder);
  });

  afterAll(async () => {
    for (const stop of started.toReversed()) await stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('a site, git over CGI and Django, and a rolling restart that loses nothing', async () => {
    // The python3 that has Django, as activating its virtual environment would put it on the path.
    mkdirSync(join(folder, 'bin'));
    if (python?.startsWith('/')) symlinkSync(python, join(folder, 'bin/python3'));
    const environment = { ...process.env, PYTHONPATH: here, PATH: `${join(folder, 'bin')}:${process.env['PATH']}` };
    const words = [
      join(folder, 'site'),
      '--cgi-bin',
      join(folder, 'cgi-bin'),
      '--cgi-env',
      `GIT_PROJECT_ROOT=${join(folder, 'repositories')}`,
      '--cgi-env',
      'GIT_HTTP_EXPORT_ALL=1',
      '--wsgi',
      'shop:application',
      '--no-config',
      '--health',
      '/healthz',
      '--drain-delay',
      '1s',
      '--quiet',
    ];
    const replicas: Replica[] = [];
    for (const name of ['one', 'two']) {
      const replica = new Replica(await freePort(), words, join(folder, `${name}.ready`), environment);
      started.push(async () => replica.stop());
      await replica.start();
      replicas.push(replica);
    }
    const proxy = await startProxy(
      replicas.map(({ port }) => port),
      join(folder, 'haproxy.sock'),
    );
    started.push(proxy.stop);
    await proxy.untilUp(replicas.length);
    for (const question of QUESTIONS) expect(await ask(undefined, proxy.port, question), question.path).toBeUndefined();

    const repository = `${proxy.origin}/cgi-bin/git/notes.git`;
    const load = startLoad(proxy.port, QUESTIONS, 8);
    expect(await pushAndClone(repository, folder, 'first')).toBe(1);
    for (let round = 0; round < 2; round++) {
      for (const replica of replicas) {
        expect(await replica.stop(), replica.printed).toBe(0);
        await replica.start();
        await proxy.untilUp(replicas.length);
      }
    }
    expect(await pushAndClone(repository, folder, 'second')).toBe(2);
    await load.stop();

    expect(load.wrong, `of ${load.total} requests`).toEqual([]);
    expect(load.right.size).toBe(QUESTIONS.length);
  });

  test('files, scripts, Django and Express in one program', async () => {
    const parameters = [join(here, 'express.mjs'), join(folder, 'site'), join(folder, 'cgi-bin'), python ?? 'python3'];
    const child = spawn(process.execPath, parameters, { stdio: ['ignore', 'pipe', 'pipe'] });
    const exited = once(child, 'exit');
    started.push(async () => child.kill() && exited);
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const port = Number(new URL(String(line).trim()).port);
    const order = Buffer.from('{"cups":2}');
    const events = Array.from({ length: 100 }, (_, number) => `event: tick\ndata: ${number}\n\n`).join('');
    const questions: Question[] = [
      ...QUESTIONS.slice(0, 5),
      { path: '/python/things/Ann', isRight: answers(200, TEMPLATED) },
      { method: 'POST', path: '/python/upload', content: UPLOAD, isRight: answers(200, uploadAnswer) },
      { path: '/shop/cup?name=Ann', isRight: answers(200, 'a cup for Ann, /shop') },
      { method: 'POST', path: '/shop/order', content: order, isRight: (status) => status === 201 },
      { path: '/shop/events', isRight: answers(200, events) },
      { path: '/shop/wrong', isRight: (status) => status === 500 },
      { path: '/shop/none', isRight: (status) => status === 404 },
    ];
    for (const question of questions) expect(await ask(undefined, port, question), question.path).toBeUndefined();
    const load = startLoad(port, questions, 8);
    while (load.total < 200) await new Promise((resolve) => setImmediate(resolve));
    await load.stop();
    expect(load.wrong).toEqual([]);
    child.kill('SIGTERM');
    expect((await exited)[0]).toBe(0);
  });
});
