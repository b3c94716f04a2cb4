import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Field, serveStatic, type StaticResponder, type StaticResponse } from '../../src/index.ts';
import { writeContent } from '../../src/writing/content.ts';
import { Sweeper } from '../../src/writing/sweep.ts';
import { exchange, makeSite, type Site } from '../site.ts';

let site: Site;
let respond: StaticResponder;

beforeAll(() => {
  site = makeSite();
  respond = serveStatic(site.root, { writable: true });
});

afterAll(() => site.remove());

async function* pieces(...parts: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

type Fields = Readonly<Record<string, string>>;

async function put(pathInfo: string, content: string, fields: Fields = {}, by = respond): Promise<StaticResponse> {
  return by({ method: 'PUT', pathInfo, fields: Object.entries(fields), content: pieces(content) });
}

async function remove(pathInfo: string, fields: Fields = {}): Promise<StaticResponse> {
  return respond({ method: 'DELETE', pathInfo, fields: Object.entries(fields) });
}

async function read(pathInfo: string): Promise<string> {
  const { status, content } = await respond({ method: 'GET', pathInfo, fields: [] });
  return content instanceof Uint8Array ? Buffer.from(content).toString() : String(status);
}

function etagOf({ fields }: StaticResponse): string {
  return fields.find(([name]: Field) => name === 'etag')?.[1] ?? '';
}

/** What a write must never leave behind. */
function litter(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.includes('.onezero-partial-'),
  );
}

describe('PUT', () => {
  test('creates with 201 and replaces with 204, and the tag it returns is the one that GET sends', async () => {
    const created = await put('/new.txt', 'first');
    expect([created.status, await read('/new.txt')]).toEqual([201, 'first']);
    const replaced = await put('/new.txt', 'second');
    expect([replaced.status, await read('/new.txt')]).toEqual([204, 'second']);
    const got = await respond({ method: 'GET', pathInfo: '/new.txt', fields: [['if-none-match', etagOf(replaced)]] });
    expect(got.status).toBe(304);
    expect(litter(site.root)).toEqual([]);
  });

  test('without content makes an empty file', async () => {
    expect((await respond({ method: 'PUT', pathInfo: '/none-given.txt', fields: [] })).status).toBe(201);
    expect(statSync(join(site.root, 'none-given.txt')).size).toBe(0);
  });

  test('keeps the permissions of what it replaces', async () => {
    await put('/script.sh', '#!/bin/sh\n');
    chmodSync(join(site.root, 'script.sh'), 0o751);
    await put('/script.sh', '#!/bin/sh\nexit 1\n');
    expect(statSync(join(site.root, 'script.sh')).mode & 0o777).toBe(0o751);
  });

  test('replaces only the state that If-Match names', async () => {
    const first = await put('/matched.txt', 'one');
    expect((await put('/matched.txt', 'lost', { 'if-match': '"other"' })).status).toBe(412);
    const second = await put('/matched.txt', 'two', { 'if-match': etagOf(first) });
    expect(second.status).toBe(204);
    expect((await put('/matched.txt', 'three', { 'if-match': etagOf(first) })).status).toBe(412);
    expect((await put('/absent.txt', 'x', { 'if-match': '*' })).status).toBe(412);
    expect(await read('/matched.txt')).toBe('two');
  });

  test('creates only once under If-None-Match: *, however many try', async () => {
    const tries = Array.from({ length: 20 }, (_, index) =>
      put('/once.txt', `writer ${index}`, { 'if-none-match': '*' }),
    );
    const statuses = (await Promise.all(tries)).map(({ status }) => status).toSorted((a, b) => a - b);
    expect(statuses).toEqual([201, ...Array(19).fill(412)]);
    expect(litter(site.root)).toEqual([]);
  });

  test('lets one of many win under If-Match', async () => {
    const tag = etagOf(await put('/raced.txt', 'start'));
    const tries = Array.from({ length: 20 }, (_, index) => put('/raced.txt', `writer ${index}`, { 'if-match': tag }));
    const statuses = (await Promise.all(tries)).map(({ status }) => status).toSorted((a, b) => a - b);
    expect(statuses).toEqual([204, ...Array(19).fill(412)]);
  });

  test('without fsync lets one of many win, whoever else in this process writes there', async () => {
    const quick = ['one', 'two'].map(() => serveStatic(site.root, { writable: { fsync: false } }));
    const [by = respond] = quick;
    const first = etagOf(await put('/quick.txt', 'start', {}, by));
    for (const [fields, expected] of [
      [{ 'if-match': first }, [204, ...Array(19).fill(412)]],
      [{}, Array(20).fill(204)],
    ] as const) {
      const tries = Array.from({ length: 20 }, (_, index) =>
        put('/quick.txt', `writer ${index}`, fields, quick[index % 2]),
      );
      const statuses = (await Promise.all(tries)).map(({ status }) => status).toSorted((a, b) => a - b);
      expect(statuses).toEqual(expected);
    }
    expect(await read('/quick.txt')).toMatch(/^writer \d+$/);
    expect(litter(site.root)).toEqual([]);
  });

  test.each([
    ['/../x', 400],
    ['/..\\x', 404],
    ['/x\0', 400],
    ['/.env', 404],
    ['/.git/config', 404],
    ['/.onezero-partial-x', 404],
    ['/link-out', 409],
    ['/link-in', 409],
    ['/linkdir/new.txt', 404],
    ['/sub', 409],
    ['/sub/', 409],
    ['/', 409],
    ['/no/such/directory/x', 409],
    ['/a.txt/x', 409],
    ['/fifo', 409],
    [`/${'n'.repeat(300)}`, 404],
  ])('to %j is %i', async (pathInfo, status) => {
    expect((await put(pathInfo, 'x')).status).toBe(status);
    expect(readFileSync(join(site.top, 'secret.txt'), 'utf8')).not.toBe('x');
    expect(readdirSync(join(site.top, 'outside'))).toEqual(['index.html', 'o.txt']);
    expect(litter(site.top)).toEqual([]);
  });

  test('goes through a directory link that stays inside', async () => {
    expect((await put('/linksub/through.txt', 'x')).status).toBe(201);
    expect(existsSync(join(site.root, 'sub/through.txt'))).toBe(true);
    const strict = serveStatic(site.root, { writable: true, symlinks: 'deny' });
    expect((await put('/linksub/through.txt', 'y', {}, strict)).status).toBe(404);
  });

  test('of a part, or of coded content, is refused', async () => {
    expect((await put('/a.txt', 'xx', { 'content-range': 'bytes 0-1/10' })).status).toBe(400);
    expect((await put('/a.txt', 'xx', { 'content-encoding': 'gzip' })).status).toBe(415);
    expect(await read('/a.txt')).toBe('0123456789');
  });

  test('beyond the size for one file is 413, announced or not', async () => {
    const small = serveStatic(site.root, { writable: { maxFileBytes: 4 } });
    expect((await put('/small.txt', '1234', {}, small)).status).toBe(201);
    expect((await put('/small.txt', '12345', {}, small)).status).toBe(413);
    expect((await put('/small.txt', '', { 'content-length': '5' }, small)).status).toBe(413);
    expect(await read('/small.txt')).toBe('1234');
    expect(litter(site.root)).toEqual([]);
  });

  test('beyond the quota is 507, and deleting makes room', async () => {
    const root = join(site.top, 'quota');
    mkdirSync(root);
    writeFileSync(join(root, 'there.txt'), 'x'.repeat(60_000));
    const limited = serveStatic(root, { writable: { quotaBytes: 100_000 } });
    expect((await put('/one.txt', 'x'.repeat(30_000), {}, limited)).status).toBe(201);
    expect((await put('/two.txt', 'x'.repeat(30_000), {}, limited)).status).toBe(507);
    expect((await limited({ method: 'DELETE', pathInfo: '/there.txt', fields: [] })).status).toBe(204);
    expect((await put('/two.txt', 'x'.repeat(30_000), {}, limited)).status).toBe(201);
    expect((await put('/one.txt', 'x'.repeat(70_000), {}, limited)).status).toBe(507);
    expect((await put('/one.txt', 'x'.repeat(40_000), {}, limited)).status).toBe(204);
    expect(readFileSync(join(root, 'one.txt'), 'utf8')).toBe('x'.repeat(40_000));
    expect(readdirSync(root).toSorted()).toEqual(['.onezero-partial-quota', 'one.txt', 'two.txt']);
  });

  test('of empty files ends at the quota too', async () => {
    const root = join(site.top, 'quota-empty');
    mkdirSync(root);
    const limited = serveStatic(root, { writable: { quotaBytes: 20 * 4096 } });
    const statuses: number[] = [];
    for (let number = 0; number < 30; number++) statuses.push((await put(`/${number}`, '', {}, limited)).status);
    expect(statuses).toEqual([...Array(20).fill(201), ...Array(10).fill(507)]);
  });

  test('leaves no right to run as the owner on what it replaces', async () => {
    await put('/owner', 'old');
    chmodSync(join(site.root, 'owner'), 0o6755);
    expect((await put('/owner', 'new')).status).toBe(204);
    expect(statSync(join(site.root, 'owner')).mode & 0o7777).toBe(0o755);
  });

  test('in many small chunks arrives whole, and is few writes', async () => {
    const chunks = Array.from({ length: 50_000 }, (_, index) => Uint8Array.of(index % 251));
    const content = (async function* () {
      // The chunk is lent: it may change as soon as the next is asked for.
      const lent = new Uint8Array(1);
      for (const chunk of chunks) {
        lent.set(chunk);
        yield lent;
      }
    })();
    expect((await respond({ method: 'PUT', pathInfo: '/tiny.bin', fields: [], content })).status).toBe(201);
    expect(readFileSync(join(site.root, 'tiny.bin')).equals(Buffer.concat(chunks))).toBe(true);
    const writes: number[] = [];
    const handle = {
      write: async (_chunk: Uint8Array, _offset: number, length: number) => {
        writes.push(length);
        return { bytesWritten: length };
      },
    } as unknown as FileHandle;
    const pieces = (async function* () {
      yield* chunks;
      yield Buffer.alloc(100_000);
      yield Buffer.alloc(3);
    })();
    expect(await writeContent(handle, pieces, { onLength: () => {}, hashes: [] })).toBe(150_003);
    expect(writes).toEqual([50_000, 100_000, 3]);
  });

  test('is compared with the digests that come with it', async () => {
    const content = 'digested';
    const digest = (algorithm: string, of = content): string => createHash(algorithm).update(of).digest('base64');
    const good = [
      { 'repr-digest': `sha-256=:${digest('sha256')}:` },
      { 'content-digest': `sha-512=:${digest('sha512')}:, sha-256=:${digest('sha256')}:` },
      { 'repr-digest': `md5=:${digest('md5', 'x')}:, x=:AAAA:;q=1` },
      { 'repr-digest': '' },
    ];
    for (const fields of good) expect([201, 204]).toContain((await put('/digested.txt', content, fields)).status);
    const bad = [
      { 'repr-digest': `sha-256=:${digest('sha256', 'other')}:` },
      { 'content-digest': `sha-256=:${digest('sha256')}:, sha-512=:${digest('sha512', 'other')}:` },
      { 'content-digest': `sha-256=${digest('sha256')}` },
      { 'repr-digest': 'sha-256=:%%:' },
      { 'repr-digest': 'sha-256=:AAAA:' },
    ];
    for (const fields of bad) expect((await put('/undigested.txt', content, fields)).status).toBe(400);
    expect(existsSync(join(site.root, 'undigested.txt'))).toBe(false);
    expect(litter(site.root)).toEqual([]);
  });

  test('takes the tag of any form that a GET gave, and not the tag of an earlier state', async () => {
    const text = 'compressible text '.repeat(500);
    for (const coding of ['gzip', 'br', undefined]) {
      await put('/synced.txt', text);
      const fields: Field[] = coding === undefined ? [] : [['accept-encoding', coding]];
      const got = await respond({ method: 'GET', pathInfo: '/synced.txt', fields });
      expect(got.fields.find(([name]) => name === 'content-encoding')?.[1]).toBe(coding);
      const tag = etagOf(got);
      expect((await put('/synced.txt', `${text}${coding}`, { 'if-match': `"other", ${tag}` })).status).toBe(204);
      expect((await put('/synced.txt', text, { 'if-match': tag })).status).toBe(412);
      expect(
        (
          await put('/synced.txt', text, {
            'if-none-match': etagOf(await respond({ method: 'GET', pathInfo: '/synced.txt', fields })),
          })
        ).status,
      ).toBe(412);
    }
    const stored = await respond({ method: 'GET', pathInfo: '/big.js', fields: [['accept-encoding', 'br']] });
    expect((await put('/big.js', 'new', { 'if-match': etagOf(stored) })).status).toBe(204);
    expect((await put('/big.js', 'newer', { 'if-match': etagOf(stored) })).status).toBe(412);
  });

  test('takes the tag of a large file that another process has hashed', async () => {
    const content = Buffer.alloc(2_000_000, 'large ');
    writeFileSync(join(site.root, 'large.bin'), content);
    // Within the last tick of the clock a file could change without a sign of it.
    utimesSync(join(site.root, 'large.bin'), 1000, 1000);
    const tagOf = async (by: StaticResponder): Promise<string> => {
      const got = await by({ method: 'GET', pathInfo: '/large.bin', fields: [] });
      for await (const chunk of got.content as AsyncIterable<Uint8Array>) expect(chunk.length).toBeGreaterThan(0);
      return etagOf(got);
    };
    const other = serveStatic(site.root);
    let strong = '';
    while (!strong.startsWith('"')) strong = await tagOf(other);
    expect((await put('/large.bin', 'new', { 'if-match': '"1-other"' })).status).toBe(412);
    expect((await put('/large.bin', 'new', { 'if-match': strong })).status).toBe(204);
    expect((await put('/large.bin', 'newer', { 'if-match': strong })).status).toBe(412);
  });

  test('whose content breaks off rejects with its error and leaves the old file alone', async () => {
    await put('/kept.txt', 'kept');
    const broken = (async function* () {
      yield Buffer.from('half');
      throw new Error('client gone');
    })();
    await expect(async () =>
      respond({ method: 'PUT', pathInfo: '/kept.txt', fields: [], content: broken }),
    ).rejects.toThrow('client gone');
    expect(await read('/kept.txt')).toBe('kept');
    expect(litter(site.root)).toEqual([]);
  });

  test('is 405 unless writing is on', async () => {
    expect(await put('/a.txt', 'x', {}, serveStatic(site.root))).toEqual({
      status: 405,
      fields: [['allow', 'GET, HEAD, OPTIONS']],
    });
  });
});

describe('DELETE', () => {
  test('removes a file with 204; then it is 404', async () => {
    await put('/doomed.txt', 'x');
    expect((await remove('/doomed.txt')).status).toBe(204);
    expect((await remove('/doomed.txt')).status).toBe(404);
    expect(await read('/doomed.txt')).toBe('404');
  });

  test('removes only the state that If-Match names', async () => {
    const tag = etagOf(await put('/doomed.txt', 'x'));
    expect((await remove('/doomed.txt', { 'if-match': '"other"' })).status).toBe(412);
    expect((await remove('/doomed.txt', { 'if-match': tag })).status).toBe(204);
  });

  test.each([
    ['/sub', 409],
    ['/link-out', 409],
    ['/linkdir/o.txt', 404],
    ['/.env', 404],
    ['/../secret.txt', 400],
    ['/', 409],
  ])('of %s is %i', async (pathInfo, status) => {
    expect((await remove(pathInfo)).status).toBe(status);
    expect(existsSync(join(site.top, 'outside/o.txt'))).toBe(true);
  });
});

describe('partial files of dead writers', () => {
  test('are swept at the first write, those of the living are not', async () => {
    const root = join(site.top, 'swept');
    mkdirSync(join(root, 'deep/er'), { recursive: true });
    const writer = serveStatic(root, { writable: true });
    let release = (): void => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    const slow = (async function* () {
      yield Buffer.from('half');
      await released;
      yield Buffer.from('whole');
    })();
    const writing = Promise.resolve(writer({ method: 'PUT', pathInfo: '/deep/slow.txt', fields: [], content: slow }));
    const files = (): string[] => litter(root).filter((name) => statSync(join(root, name)).isFile());
    while (files().length === 0) await new Promise((resolve) => setImmediate(resolve));
    const [own = ''] = files();
    const name = own.slice(own.lastIndexOf('/') + 1);
    // The same process number with another start time, and a number that no process has.
    const dead = [
      name.replace(/\.\d+\.([0-9a-f]{12})-/, '.1.0123456789ab-'),
      name.replace(/\.\d+\.(\d+)\.[0-9a-f]{12}-/, '.999999999.$1.0123456789ab-'),
    ];
    mkdirSync(join(root, 'deep/er/.onezero-partial-x'));
    for (const one of dead) writeFileSync(join(root, 'deep/er/.onezero-partial-x', `${one}.claim`), 'left over');
    writeFileSync(join(root, 'deep', `${own.split('/')[1]}`, dead[0] ?? ''), 'left over');
    symlinkSync(site.top, join(root, 'up'));
    await put('/x.txt', 'x', {}, serveStatic(root, { writable: true }));
    expect(litter(root).filter((one) => !one.startsWith('up/'))).toEqual([join(own, '..'), own]);
    release();
    expect((await writing).status).toBe(201);
    expect(readFileSync(join(root, 'deep/slow.txt'), 'utf8')).toBe('halfwhole');
  });

  test('of another container or host go when they no longer change, and not before', async () => {
    const root = join(site.top, 'shared');
    mkdirSync(join(root, '.onezero-partial-x'), { recursive: true });
    const foreign = join(root, '.onezero-partial-x/00ff.4026531836.1.99.0123456789ab-1');
    const old = join(root, '.onezero-partial-706f64-1-0123456789ab-1');
    for (const path of [foreign, old]) writeFileSync(path, 'half');
    let now = 0;
    const sweeper = new Sweeper(root, () => now);
    expect(await sweeper.sweep()).toBe(0);
    now += 59_000;
    expect(await sweeper.sweep()).toBe(0);
    now += 30_000;
    // A sign of life: another program writes to it.
    chmodSync(foreign, 0o600);
    expect(await sweeper.sweep()).toBe(1);
    expect([existsSync(foreign), existsSync(old)]).toEqual([true, false]);
    now += 61_000;
    expect(await sweeper.sweep()).toBe(1);
    expect(litter(root)).toEqual([]);
  });

  test('cannot be asked for, whatever dotfiles are', async () => {
    const root = join(site.top, 'open');
    mkdirSync(root);
    writeFileSync(join(root, '.onezero-partial-x'), 'x');
    const open = serveStatic(root, { dotfiles: 'allow', listing: true });
    expect((await open({ method: 'GET', pathInfo: '/.onezero-partial-x', fields: [] })).status).toBe(404);
  });
});

/** A server in a process of its own, which can be killed. */
async function startWriter(root: string): Promise<{ port: number; kill: (signal?: NodeJS.Signals) => Promise<void> }> {
  const program = join(import.meta.dirname, '../fixtures/writable-server.mjs');
  const child = spawn(process.execPath, [program, root], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const kill = async (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  };
  return { port: Number(line), kill };
}

describe('two processes that serve one folder', () => {
  test('let one of two writes under the same tag win, and one of two that must be new', async () => {
    const root = join(site.top, 'raced-by-two');
    mkdirSync(root);
    const writers = [await startWriter(root), await startWriter(root)];
    const [first] = writers;
    const race = async (path: string, fields: Fields, round: number) => {
      const requests = writers.map(async ({ port }, index) =>
        exchange(port, path, { method: 'PUT', content: `${round} by ${index}`, fields }),
      );
      return (await Promise.all(requests)).map(({ status }) => status).toSorted((a, b) => a - b);
    };
    await exchange(first?.port ?? 0, '/one.txt', { method: 'PUT', content: 'start' });
    for (let round = 0; round < 25; round++) {
      const tag = (await exchange(first?.port ?? 0, '/one.txt')).field('etag') ?? '';
      expect(await race('/one.txt', { 'If-Match': tag }, round)).toEqual([204, 412]);
      expect(await race(`/new-${round}.txt`, { 'If-None-Match': '*' }, round)).toEqual([201, 412]);
    }
    for (const { kill } of writers) await kill();
    expect(litter(root)).toEqual([]);
  });
});

describe('a process that ends by itself during uploads', () => {
  test('removes what they have written', async () => {
    const root = join(site.top, 'ended');
    mkdirSync(root);
    const { port, kill } = await startWriter(root);
    const sockets = Array.from({ length: 5 }, (_, index) => {
      const socket = connect(port, '127.0.0.1').on('error', () => {});
      socket.write(`PUT /${index % 2}.bin HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nhalf`);
      return socket;
    });
    const files = (): string[] => litter(root).filter((name) => statSync(join(root, name)).isFile());
    while (files().length < sockets.length) await new Promise((resolve) => setImmediate(resolve));
    await kill('SIGTERM');
    expect(readdirSync(root)).toEqual([]);
    for (const socket of sockets) socket.destroy();
  });
});

describe('a writer killed at random instants', () => {
  test('leaves the old file or the new one, whole, and no litter after the next start', async () => {
    const root = join(site.top, 'killed');
    mkdirSync(root);
    const sizes = [1_000, 300_000, 2_000_000];
    const versions = sizes.map((size) => randomBytes(size));
    const digests = new Set(versions.map((bytes) => createHash('sha256').update(bytes).digest('hex')));
    writeFileSync(join(root, 'target.bin'), versions[0] ?? '');
    let interrupted = 0;
    // On a busy machine hardly anything is written before a writer is killed.
    for (let round = 0; round < 8 || (interrupted === 0 && round < 40); round++) {
      const { port, kill } = await startWriter(root);
      const killed = new AbortController();
      const writing = (async () => {
        for (let count = 0; !killed.signal.aborted; count++) {
          await sendPut(port, versions[count % versions.length] ?? Buffer.alloc(0));
        }
      })();
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 120));
      killed.abort();
      await kill();
      await writing;
      const left = readFileSync(join(root, 'target.bin'));
      expect(digests).toContain(createHash('sha256').update(left).digest('hex'));
      interrupted += litter(root).length;
    }
    const { port, kill } = await startWriter(root);
    expect((await exchange(port, '/last.txt', { method: 'PUT', content: 'last' })).status).toBe(201);
    await kill();
    expect(litter(root)).toEqual([]);
    expect(readdirSync(root).toSorted()).toEqual(['last.txt', 'target.bin']);
    // With none interrupted the test would have shown nothing.
    expect(interrupted).toBeGreaterThan(0);
  });
});

/** Sends one PUT; resolves when the connection ends, however it ends. */
async function sendPut(port: number, content: Buffer): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.resume();
  socket.write(`PUT /target.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${content.length}\r\n\r\n`);
  socket.write(content);
  await new Promise((resolve) => socket.once('close', resolve));
}

function mountFullDisk(directory: string): boolean {
  mkdirSync(directory);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory], { stdio: 'ignore' });
    return true;
  } catch {
    // Not allowed, or no mount at all: either way there is no small disk here.
    return false;
  }
}

describe('a full disk', () => {
  test('is 507; the old file stays, nothing else does, and smaller files still fit', async ({ skip }) => {
    const root = join(site.top, 'full');
    if (!mountFullDisk(root)) skip('mounting needs privileges');
    try {
      const full = serveStatic(root, { writable: true });
      expect((await put('/old.bin', 'x'.repeat(300_000), {}, full)).status).toBe(201);
      expect((await put('/old.bin', 'y'.repeat(900_000), {}, full)).status).toBe(507);
      expect((await put('/new.bin', 'y'.repeat(900_000), {}, full)).status).toBe(507);
      expect(readFileSync(join(root, 'old.bin'), 'utf8')).toBe('x'.repeat(300_000));
      expect(readdirSync(root)).toEqual(['old.bin']);
      expect((await put('/old.bin', 'z'.repeat(400_000), {}, full)).status).toBe(204);
    } finally {
      execFileSync('umount', [root]);
    }
  });
});
