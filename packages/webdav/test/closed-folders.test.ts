// Directories that the server may read and not change: what it cannot do whole it does not begin.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ownName } from '@onezero/static/tree';
import { lockInfo, makeFolder } from './served.ts';

/** Nobody's rights stop root, so the server gives its own up. */
const UID = 65_534;
const isRoot = process.getuid?.() === 0;

let root: string;
let child: ChildProcess | undefined;
let url: string;

beforeEach(() => {
  root = makeFolder();
});

afterEach(async () => {
  if (child?.exitCode === null) {
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    await exit;
  }
  for (const path of everything()) if (isDirectory(path)) chmodSync(join(root, path), 0o755);
  rmSync(root, { recursive: true, force: true });
});

const isDirectory = (path: string): boolean => statSync(join(root, path)).isDirectory();

function everything(): string[] {
  return (readdirSync(root, { recursive: true }) as string[])
    .filter((path) => !/(?:^|\/)\.onezero-partial-/.test(path))
    .toSorted();
}

/** A tree with a directory in it that nothing can be removed from. */
function makeTree(top: string, mode = 0o555): void {
  mkdirSync(join(root, top, 'in/closed'), { recursive: true });
  for (const name of ['a', 'in/b', 'in/closed/c', 'z']) writeFileSync(join(root, top, name), top);
  chmodSync(join(root, top, 'in/closed'), mode);
}

async function start(): Promise<void> {
  if (isRoot) for (const path of ['.', ...everything()]) chownSync(join(root, path), UID, UID);
  const words = [join(import.meta.dirname, 'fixtures/dav-server.mjs'), root, ...(isRoot ? [String(UID)] : [])];
  child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface(child.stdout as NodeJS.ReadableStream), 'line')) as [string];
  url = `http://127.0.0.1:${line}`;
}

async function ask(method: string, path: string, destination?: string): Promise<number> {
  const headers = destination === undefined ? undefined : { destination: url + destination };
  const body = method === 'LOCK' ? lockInfo() : undefined;
  const response = await fetch(url + path, {
    method,
    ...(headers === undefined ? {} : { headers }),
    ...(body === undefined ? {} : { body }),
  });
  await response.arrayBuffer();
  return response.status;
}

test('a tree with a closed directory is copied and moved whole, and neither replaced nor removed in part', async () => {
  for (const top of ['d', 'e', 'f']) makeTree(top);
  await start();
  const before = everything();
  expect(await ask('COPY', '/d/', '/e/')).toBe(403);
  expect(await ask('MOVE', '/d/', '/e/')).toBe(403);
  expect(await ask('DELETE', '/d/')).toBe(403);
  expect(everything()).toEqual(before);
  expect(await ask('COPY', '/d/', '/copy/')).toBe(201);
  expect(await ask('MOVE', '/f/', '/moved/')).toBe(201);
  for (const top of ['copy', 'moved']) {
    expect(everything().filter((path) => path.startsWith(top))).toHaveLength(7);
    expect(statSync(join(root, top, 'in/closed')).mode & 0o777).toBe(0o555);
  }
  expect(readFileSync(join(root, 'copy/in/closed/c'), 'utf8')).toBe('d');
  chmodSync(join(root, 'd/in/closed'), 0o755);
  expect(await ask('DELETE', '/d/')).toBe(204);
  expect(everything().filter((path) => path.includes('.onezero'))).toEqual([]);
});

test('a closed directory itself is copied, and keeps its rights', async () => {
  makeTree('d');
  await start();
  expect(await ask('COPY', '/d/in/closed/', '/copy/')).toBe(201);
  expect(statSync(join(root, 'copy')).mode & 0o777).toBe(0o555);
  expect(readFileSync(join(root, 'copy/c'), 'utf8')).toBe('d');
  expect(everything().filter((path) => path.includes('.onezero'))).toEqual([]);
});

test.skipIf(!isRoot)('nor is one in which others keep what is theirs', async () => {
  for (const top of ['d', 'e']) makeTree(top, 0o755);
  await start();
  chmodSync(join(root, 'd/in'), 0o1777);
  for (const path of ['d/in', 'd/in/b']) chownSync(join(root, path), 0, 0);
  const before = everything();
  expect(await ask('DELETE', '/d/')).toBe(403);
  expect(await ask('MOVE', '/e/', '/d/')).toBe(403);
  expect(everything()).toEqual(before);
  chownSync(join(root, 'd/in/b'), UID, UID);
  expect(await ask('DELETE', '/d/')).toBe(204);
});

test('what a dead process has left is removed with its closed directories, and what cannot be removed stops no write', async () => {
  const dead = ownName().replace(/\.\d+\.\d+\.[0-9a-f]{12}-/, '.999999999.1.0123456789ab-');
  makeTree(`.onezero-webdav/${dead}.new`);
  makeTree(`closed/.onezero-webdav/${dead}.del`);
  chmodSync(join(root, 'closed/.onezero-webdav'), 0o555);
  await start();
  expect(await ask('MKCOL', '/first')).toBe(201);
  expect(everything().filter((path) => path.startsWith('.onezero'))).toEqual([]);
  expect(everything()).toContain(`closed/.onezero-webdav/${dead}.del`);
});

test('in a root that may not be written to, directories that may be are', async () => {
  makeTree('d', 0o755);
  mkdirSync(join(root, 'e'));
  await start();
  chmodSync(root, 0o555);
  const steps: [method: string, path: string, status: number, destination?: string][] = [
    ['PUT', '/top', 403],
    ['MKCOL', '/new/', 403],
    ['DELETE', '/d/', 403],
    ['MOVE', '/d/', 403, '/f/'],
    ['PUT', '/e/new', 201],
    ['PUT', '/e/new', 204],
    ['MKCOL', '/e/c/', 201],
    ['MOVE', '/e/new', 201, '/e/c/moved'],
    ['COPY', '/d/in/', 201, '/e/copy/'],
    ['COPY', '/d/in/', 204, '/e/copy/'],
    ['MOVE', '/e/copy/', 201, '/d/came/'],
    ['DELETE', '/d/came/', 204],
    ['DELETE', '/e/c/moved', 204],
    ['LOCK', '/e/c/', 403],
  ];
  for (const [method, path, status, destination] of steps)
    expect([method, path, await ask(method, path, destination)]).toEqual([method, path, status]);
  const prepared = join(root, '.onezero-webdav');
  chmodSync(root, 0o755);
  mkdirSync(prepared);
  if (isRoot) chownSync(prepared, UID, UID);
  chmodSync(root, 0o555);
  expect(await ask('LOCK', '/e/c/')).toBe(200);
  expect(await ask('PUT', '/e/c/x')).toBe(423);
  chmodSync(root, 0o755);
  rmSync(prepared, { recursive: true });
  expect(everything()).toEqual(['d', 'd/a', 'd/in', 'd/in/b', 'd/in/closed', 'd/in/closed/c', 'd/z', 'e', 'e/c']);
});

test('in a root that may be written to, nothing is changed while the turn is held by another user', async () => {
  makeTree('d', 0o755);
  await start();
  // As a server of another user makes it while it has the turn.
  const turn = join(root, '.onezero-partial-webdav');
  await vi.waitFor(() => mkdirSync(turn), { timeout: 20_000 }); // the server has it for its start
  writeFileSync(join(turn, ownName()), '');
  if (isRoot) chownSync(turn, 0, 0);
  chmodSync(turn, isRoot ? 0o700 : 0o000);
  for (const [method, path] of [
    ['PUT', '/d/new'],
    ['DELETE', '/d/'],
    ['MKCOL', '/c/'],
  ] as const)
    expect([method, await ask(method, path)]).toEqual([method, 403]);
  chmodSync(turn, 0o755);
  rmSync(turn, { recursive: true });
  expect(await ask('PUT', '/d/new')).toBe(201);
});
