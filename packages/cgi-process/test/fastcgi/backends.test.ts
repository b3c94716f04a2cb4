import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { parseAddress } from '../../src/fastcgi/address.ts';
import type { Address } from '../../src/fastcgi/address.ts';
import { Backends } from '../../src/fastcgi/backends.ts';
import type { BackendOptions } from '../../src/fastcgi/backends.ts';
import { Connection } from '../../src/fastcgi/connection.ts';
import { FakeSocket } from './socket.ts';

const folder = mkdtempSync(join(tmpdir(), 'onezero-backends-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const servers = new Set<Server>();
const sockets = new Set<Socket>();
const open: Backends[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const backends of open.splice(0)) backends.close();
  for (const socket of sockets) socket.destroy();
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  servers.clear();
});

interface Listening {
  readonly text: string;
  readonly connections: () => number;
  readonly close: () => Promise<unknown>;
}

async function listening(where: number | string = 0): Promise<Listening> {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  servers.add(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    if (typeof where === 'string') server.listen(where, resolve);
    else server.listen(where, '127.0.0.1', resolve);
  });
  const text = typeof where === 'string' ? where : `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = async (): Promise<unknown> => new Promise((resolve) => server.close(resolve));
  return { text, connections: () => connections, close };
}

function backends(texts: readonly string[], changes: Partial<BackendOptions> = {}): Backends {
  const addresses = texts.map((text) => ({ text, address: parseAddress(text) as Address }));
  const made = new Backends({ addresses, connectTimeoutMs: 2000, maxIdle: 2, idleMs: 60_000, ...changes });
  open.push(made);
  return made;
}

function connection(): { connection: Connection; fake: FakeSocket } {
  const fake = new FakeSocket();
  const made = new Connection(fake.socket);
  fake.connection = made;
  return { fake, connection: made };
}

describe('Backends.open', () => {
  test('asks several addresses in turn', async () => {
    const all = await Promise.all([listening(), listening(), listening(join(folder, 'one.sock'))]);
    const made = backends(all.map(({ text }) => text));
    for (let count = 0; count < 7; count++) (await made.open()).socket.destroy();
    await expect.poll(() => all.map(({ connections }) => connections())).toEqual([3, 2, 2]);
  });

  test('goes on to the next address where one is away, and begins behind it then', async () => {
    const [one, away, two] = [await listening(), join(folder, 'away.sock'), await listening()];
    const made = backends([away, one.text, two.text]);
    for (let count = 0; count < 4; count++) (await made.open()).socket.destroy();
    await expect.poll(() => one.connections() + two.connections()).toBe(4);
    expect(one.connections()).toBeGreaterThan(0);
    expect(two.connections()).toBeGreaterThan(0);
  });

  test('asks one that was away after the others for a while', async () => {
    let asked = 0;
    const away = {
      text: 'away',
      get address(): Address {
        asked++;
        return { path: join(folder, 'away-for-now.sock') };
      },
    };
    const there = await listening();
    const address = parseAddress(there.text) as Address;
    const made = backends([], { addresses: [away, { text: there.text, address }] });
    for (let count = 0; count < 6; count++) (await made.open()).socket.destroy();
    expect(asked).toBe(1);
  });

  test('gives one that keeps its connections busy only a few more than the others', async () => {
    const [hanging, quick] = [await listening(), await listening()];
    const made = backends([hanging.text, quick.text]);
    for (let count = 0; count < 40; count++) {
      const { socket } = await made.open();
      if (!hanging.text.endsWith(`:${socket.remotePort}`)) {
        socket.destroy();
        await once(socket, 'close');
      }
    }
    await expect.poll(() => hanging.connections() + quick.connections()).toBe(40);
    expect(hanging.connections()).toBeLessThan(8);
  });

  test('waits for an application that is restarted', async () => {
    const path = join(folder, 'restarted.sock');
    const made = backends([path]);
    const opening = made.open();
    const later = await listening(path);
    expect((await opening).isOpen).toBe(true);
    expect(later.connections()).toBeLessThanOrEqual(1);
  });

  test.each(['EACCES', 'ENOTFOUND', 'EAI_AGAIN'])('waits while it is %s, as in a restart', async (code) => {
    const there = await listening(join(folder, `${code}.sock`));
    let asked = 0;
    const address = {
      get path(): string {
        if (asked++ < 3) throw Object.assign(new Error(`connect ${code}`), { code });
        return there.text;
      },
    };
    const made = backends([], { addresses: [{ text: there.text, address }], connectTimeoutMs: 60_000 });
    expect((await made.open()).isOpen).toBe(true);
    expect(asked).toBe(4);
  });

  test('gives up after its time, with all addresses in the message', async () => {
    const [one, two] = [join(folder, 'no-one.sock'), join(folder, 'no-two.sock')];
    await expect(backends([one, two], { connectTimeoutMs: 30 }).open()).rejects.toMatchObject({
      code: 'backend-gone',
      status: 502,
      message: expect.stringContaining(`${one}, ${two}: the application cannot be reached: connect ENOENT`),
      cause: { code: 'ENOENT' },
    });
  });

  test('asks one that has been away for longer once for each request, until it was there again', async () => {
    const path = join(folder, 'away-for-long.sock');
    let asked = 0;
    const address = {
      text: path,
      get address(): Address {
        asked++;
        return { path };
      },
    };
    // Only attempts move the clock on, however long the machine stands still: the third is over the limit.
    vi.spyOn(performance, 'now').mockImplementation(() => asked * 15);
    const made = backends([], { addresses: [address], connectTimeoutMs: 40 });
    const attempts = async (): Promise<number> => {
      const before = asked;
      await expect(made.open()).rejects.toMatchObject({ code: 'backend-gone' });
      return asked - before;
    };
    expect(await attempts()).toBe(3);
    expect([await attempts(), await attempts()]).toEqual([1, 1]);
    const server = await listening(path);
    (await made.open()).socket.destroy();
    await server.close();
    expect(await attempts()).toBe(3);
  });

  test('waits for a descriptor, and says that this server is busy where there is none', async () => {
    let refusals = 3;
    const { text } = await listening(join(folder, 'short.sock'));
    const address: Address = {
      get path(): string {
        if (refusals-- > 0) throw Object.assign(new Error('connect EMFILE'), { code: 'EMFILE' });
        return text;
      },
    };
    const addresses = [{ text, address }];
    const made = backends([], { addresses, connectTimeoutMs: 600_000 });
    const { connection: idle } = connection();
    made.keep(idle);
    (await made.open()).socket.destroy();
    expect(idle.isOpen).toBe(false);
    refusals = Number.POSITIVE_INFINITY;
    const hasty = backends([], { addresses, connectTimeoutMs: 30 });
    for (let count = 0; count < 2; count++)
      await expect(hasty.open()).rejects.toMatchObject({ code: 'busy', status: 503, cause: { code: 'EMFILE' } });
  });

  test('does not try again what no restart explains', async () => {
    const made = backends(['/dev/null/no.sock'], { connectTimeoutMs: 600_000 });
    await expect(made.open()).rejects.toMatchObject({ code: 'backend-gone', cause: { code: 'ENOTDIR' } });
  });

  test('opens nothing after close', async () => {
    const server = await listening();
    const made = backends([server.text]);
    made.close();
    await expect(made.open()).rejects.toMatchObject({ code: 'closing', status: 503 });
    expect(server.connections()).toBe(0);
  });

  test('stops waiting for an application when it is closed', async () => {
    const made = backends([join(folder, 'never.sock')], { connectTimeoutMs: 60_000 });
    const opening = made.open();
    made.close();
    await expect(opening).rejects.toMatchObject({ code: 'closing' });
  });

  test('gives no connection that was being opened when it is closed', async () => {
    const server = await listening();
    const made = backends([server.text]);
    const opening = made.open();
    made.close();
    await expect(opening).rejects.toMatchObject({ code: 'closing' });
    await expect.poll(() => sockets.size).toBe(0);
  });
});

describe('Backends.keep', () => {
  test('gives the one that was used last, and each once', () => {
    const made = backends(['host:1']);
    const [one, two] = [connection(), connection()];
    made.keep(one.connection);
    made.keep(two.connection);
    expect([one.fake.isReferenced, two.fake.isReferenced]).toEqual([false, false]);
    expect(made.kept()).toBe(two.connection);
    expect(two.fake.isReferenced).toBe(true);
    expect(made.kept()).toBe(one.connection);
    expect(made.kept()).toBeUndefined();
  });

  test('keeps as many as it may', () => {
    const made = backends(['host:1'], { maxIdle: 1 });
    const [one, two] = [connection(), connection()];
    made.keep(one.connection);
    made.keep(two.connection);
    expect([one.fake.destroyed, two.fake.destroyed]).toEqual([false, true]);
    const none = connection();
    backends(['host:1'], { maxIdle: 0 }).keep(none.connection);
    expect(none.fake.destroyed).toBe(true);
  });

  test('keeps none that has closed, before or after', async () => {
    const made = backends(['host:1']);
    const [before, after, good] = [connection(), connection(), connection()];
    before.fake.destroy();
    made.keep(before.connection);
    made.keep(good.connection);
    made.keep(after.connection);
    after.fake.destroy();
    expect(made.kept()).toBe(good.connection);
    expect(made.kept()).toBeUndefined();
  });

  test('has room again when a kept one was closed', async () => {
    const made = backends(['host:1'], { maxIdle: 1 });
    const [one, two] = [connection(), connection()];
    made.keep(one.connection);
    one.fake.destroy();
    await once(one.fake, 'close');
    made.keep(two.connection);
    expect(made.kept()).toBe(two.connection);
  });

  test('closes one that nothing goes over for its time, and not one that is used by then', async () => {
    const made = backends(['host:1'], { idleMs: 1 });
    const [one, two] = [connection(), connection()];
    made.keep(one.connection);
    made.keep(two.connection);
    expect(made.kept()).toBe(two.connection);
    await expect.poll(() => one.fake.destroyed).toBe(true);
    expect(two.connection.isOpen).toBe(true);
    expect(made.kept()).toBeUndefined();
  });

  test('closes what is kept when it is closed, and keeps nothing from then on', () => {
    const made = backends(['host:1']);
    const [one, two] = [connection(), connection()];
    made.keep(one.connection);
    made.close();
    made.keep(two.connection);
    expect([one.fake.destroyed, two.fake.destroyed]).toEqual([true, true]);
  });
});
