// Two processes on one volume, and random requests to both at once: whatever comes between them, a name has one whole content that
// somebody sent, a property one value, a lock one holder; and in the end there is nothing but what was asked for.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { request as send } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lockInfo, setting } from './served.ts';

let root: string;
let processes: { readonly child: ChildProcess; readonly port: number }[] = [];

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'onezero-two-'));
  processes = [await start(), await start()];
});
afterEach(async () => {
  await end();
  rmSync(root, { recursive: true, force: true });
});

async function start(...words: readonly string[]) {
  const child = spawn(process.execPath, [...words, join(import.meta.dirname, 'fixtures/dav-server.mjs'), root], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { child, port: Number(line) };
}

/** Ends both as a terminal does. */
async function end(): Promise<void> {
  const living = processes.filter(({ child }) => child.exitCode === null && child.signalCode === null);
  const exits = living.map(({ child }) => once(child, 'exit'));
  for (const { child } of living) child.kill('SIGTERM');
  await Promise.all(exits);
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly token: string | undefined;
}

function ask(
  by: number,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  content = '',
): Promise<Answer> {
  const { port = 0 } = processes[by] ?? {};
  return new Promise((resolve, reject) => {
    const request = send({ host: '127.0.0.1', port, method, path, headers, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => {
        const token = /<([^>]+)>/.exec(String(response.headers['lock-token']))?.[1];
        resolve({ status: response.statusCode ?? 0, text, token });
      });
      response.on('error', reject);
    });
    request.on('error', reject).end(content);
  });
}

/** Numbers from a seed, so that what failed can be seen again. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** What is below the root, but for what a living process keeps there. */
function tree(): string[] {
  return (readdirSync(root, { recursive: true }) as string[]).toSorted();
}

const CONTENT = /^(?:content (\d+) )+$/;
const contentOf = (number: number): string => `content ${number} `.repeat(1 + ((number * 37) % 400));

/** Kills its process between the rename that places something and what comes after it. */
const KILLED = `
  import fs from 'node:fs';
  import { syncBuiltinESMExports } from 'node:module';
  const { rename } = fs.promises;
  fs.promises.rename = async (from, to) => {
    await rename(from, to);
    if (/\\/(?:copy|moved)$/.test(from)) process.kill(process.pid, 'SIGKILL');
  };
  syncBuiltinESMExports();
`;

test.each([
  ['DELETE', {}],
  ['MOVE', { destination: '/away/' }],
])('what a killed COPY or MOVE had replaced does not come back after %s of its successor', async (method, headers) => {
  for (const name of ['new', 'moved', 'at', 'to']) mkdirSync(join(root, name));
  for (const [kind, from, name] of [
    ['COPY', '/new/', '/at/'],
    ['MOVE', '/moved/', '/to/'],
  ] as const) {
    const killed = await start('--import', `data:text/javascript,${encodeURIComponent(KILLED)}`);
    const exit = once(killed.child, 'exit');
    processes.push(killed);
    await expect(ask(2, kind, from, { destination: name })).rejects.toThrow();
    await exit;
    processes.pop();
    expect((await ask(0, method, name, headers)).status).toBeLessThan(300);
  }
  await end();
  processes = [await start()];
  expect((await ask(0, 'DELETE', '/new/')).status).toBe(204);
  await end();
  expect(tree()).toEqual(method === 'DELETE' ? [] : ['away']);
});

test('random requests leave whole contents, and no litter', async () => {
  const next = numbers(20_261_128);
  const names = ['/a', '/b', '/d/a', '/d/b', '/d/e/a', '/d/', '/d/e/', '/f/'];
  const pick = (): string => names[next(names.length)] ?? '/a';
  mkdirSync(join(root, 'd/e'), { recursive: true });
  const statuses = new Map<number, number>();
  let number = 0;
  const one = async (client: number): Promise<void> => {
    for (let count = 0; count < 40; count++) {
      const kind = next(9);
      const path = pick();
      const by = (client + count) % 2;
      const destination = `http://127.0.0.1:${processes[by]?.port}${pick()}`;
      const answer =
        kind < 3
          ? await ask(by, 'PUT', path.replace(/\/$/, '/x'), {}, contentOf(number++))
          : kind === 3
            ? await ask(by, 'DELETE', path)
            : kind === 4
              ? await ask(by, 'MKCOL', path)
              : kind === 5
                ? await ask(by, 'COPY', path, { destination })
                : kind === 6
                  ? await ask(by, 'MOVE', path, { destination })
                  : kind === 7
                    ? await ask(by, 'PROPPATCH', path, {}, setting(`<t:p>${number++}</t:p>`))
                    : await ask(by, 'PROPFIND', path, { depth: '1' });
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      if (answer.status >= 500)
        throw new Error(`${answer.status} for ${kind} of ${path} to ${destination}: ${answer.text}`);
    }
  };
  await Promise.all([0, 1, 2, 3, 4, 5].map((client) => one(client)));
  // Most of what was asked for could be done.
  const done = [201, 204, 207].reduce((sum, status) => sum + (statuses.get(status) ?? 0), 0);
  expect(done).toBeGreaterThan(60);
  await end();
  for (const path of tree().filter((name) => !name.includes('.onezero') && statSync(join(root, name)).isFile())) {
    const text = readFileSync(join(root, path), 'utf8');
    const [, found] = CONTENT.exec(text) ?? [];
    expect(text).toBe(contentOf(Number(found)));
  }
  // What is left of ours are records of properties, each of something that is there.
  for (const path of tree().filter((name) => name.includes('.onezero'))) {
    expect(path).toMatch(/(?:^|\/)\.onezero-webdav(?:\/(?:self|[0-9a-f]{32})\.json)?$/);
    if (!/[0-9a-f]{32}\.json$/.test(path)) continue;
    const { name } = JSON.parse(readFileSync(join(root, path), 'utf8')) as { name: string };
    expect(tree()).toContain(path.replace(/\.onezero-webdav\/.*/, name));
  }
});

describe('of many who ask both processes at once', () => {
  const all = async (asking: (client: number) => Promise<Answer>): Promise<Answer[]> =>
    Promise.all(Array.from({ length: 8 }, (_, client) => asking(client)));
  const counted = (answers: readonly Answer[], status: number): number =>
    answers.filter((answer) => answer.status === status).length;

  test('one gets the exclusive lock, and it holds in both', async () => {
    for (let round = 0; round < 5; round++) {
      const path = `/locked-${round}`;
      const answers = await all((client) => ask(client % 2, 'LOCK', path, {}, lockInfo()));
      expect([counted(answers, 201), counted(answers, 423)]).toEqual([1, 7]);
      const token = answers.find((answer) => answer.token !== undefined)?.token ?? '';
      for (const by of [0, 1]) {
        expect((await ask(by, 'PUT', path, {}, 'x')).status).toBe(423);
        expect((await ask(by, 'PUT', path, { if: `(<${token}>)` }, 'x')).status).toBe(204);
      }
      const unlocked = await all((client) => ask(client % 2, 'UNLOCK', path, { 'lock-token': `<${token}>` }));
      expect([counted(unlocked, 204), counted(unlocked, 409)]).toEqual([1, 7]);
    }
  });

  test('all get a shared lock, and each is there', async () => {
    await ask(0, 'PUT', '/shared', {}, 'x');
    const answers = await all((client) => ask(client % 2, 'LOCK', '/shared', {}, lockInfo('shared')));
    expect(counted(answers, 200)).toBe(8);
    const { text } = await ask(1, 'PROPFIND', '/shared', { depth: '0' });
    for (const { token = 'none' } of answers) expect(text).toContain(token);
    await all((client) => ask(client % 2, 'UNLOCK', '/shared', { 'lock-token': `<${answers[client]?.token ?? ''}>` }));
    expect((await ask(0, 'PUT', '/shared', {}, 'y')).status).toBe(204);
  });

  test('one makes a collection, one moves it, and one removes it', async () => {
    for (let round = 0; round < 5; round++) {
      const made = await all((client) => ask(client % 2, 'MKCOL', '/c/'));
      expect([counted(made, 201), counted(made, 405)]).toEqual([1, 7]);
      await ask(0, 'PUT', '/c/x', {}, 'x');
      const moved = await all((client) =>
        ask(client % 2, 'MOVE', '/c/', {
          destination: `http://127.0.0.1:${processes[client % 2]?.port}/m/`,
          overwrite: 'F',
        }),
      );
      expect([counted(moved, 201), counted(moved, 404) + counted(moved, 412)]).toEqual([1, 7]);
      const removed = await all((client) => ask(client % 2, 'DELETE', '/m/'));
      expect([counted(removed, 204), counted(removed, 404)]).toEqual([1, 7]);
    }
    await end();
    expect(tree()).toEqual([]);
  });

  test('one creates under If-None-Match, and one replaces under If-Match', async () => {
    for (let round = 0; round < 5; round++) {
      const path = `/raced-${round}`;
      const made = await all((client) => ask(client % 2, 'PUT', path, { 'if-none-match': '*' }, `by ${client}`));
      expect([counted(made, 201), counted(made, 412)]).toEqual([1, 7]);
      const { text } = await ask(0, 'PROPFIND', path, { depth: '0' });
      const tag = /<D:getetag>([^<]+)</.exec(text)?.[1]?.replaceAll('&quot;', '"') ?? '';
      const replaced = await all((client) => ask(client % 2, 'PUT', path, { 'if-match': tag }, `again by ${client}`));
      expect([counted(replaced, 204), counted(replaced, 412)]).toEqual([1, 7]);
    }
  });

  test('each property is that of one of them', async () => {
    await ask(0, 'PUT', '/p', {}, 'x');
    const answers = await all((client) =>
      ask(client % 2, 'PROPPATCH', '/p', {}, setting(`<t:p>${client}</t:p><t:q>${client}</t:q>`)),
    );
    expect(counted(answers, 207)).toBe(8);
    for (const by of [0, 1]) {
      const { text } = await ask(by, 'PROPFIND', '/p', { depth: '0' });
      const [p, q] = ['p', 'q'].map((name) => new RegExp(`<t:${name}[^>]*>(\\d)<`).exec(text)?.[1]);
      expect([p, p]).toEqual([expect.stringMatching(/\d/), q]);
    }
  });
});
