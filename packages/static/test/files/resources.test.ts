// What serving costs when clients behave badly: descriptors, memory, threads.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, closeSync, ftruncateSync, openSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serveStatic as makeResponder, type StaticResponse } from '../../src/index.ts';
import { serveStatic } from '../../src/node.ts';
import { exchange, exchangeBytes, makeSite, type Site } from '../site.ts';

let site: Site;
let server: Server;
let port: number;

beforeAll(async () => {
  site = makeSite();
  const huge = openSync(join(site.root, 'huge.bin'), 'w');
  ftruncateSync(huge, 500_000_000);
  closeSync(huge);
  writeFileSync(join(site.root, 'large.bin'), Buffer.alloc(3_000_000, 'x'));
  server = createServer(serveStatic(site.root)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});

afterAll(() => {
  server.close();
  server.closeAllConnections();
  site.remove();
});

/** Descriptors that this process holds on files of the site. */
async function openFilesOfSite(): Promise<number> {
  const { readlink } = await import('node:fs/promises');
  const names = readdirSync('/proc/self/fd');
  const places = await Promise.all(names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')));
  return places.filter((place) => place.startsWith(site.top)).length;
}

/** Waits until no file of the site is open; the test's time-out is the limit. */
async function untilAllClosed(): Promise<void> {
  while ((await openFilesOfSite()) > 0) await new Promise((resolve) => setImmediate(resolve));
}

async function inBatches(count: number, action: () => Promise<unknown>): Promise<void> {
  for (let done = 0; done < count; done += 50) await Promise.all(Array.from({ length: 50 }, action));
}

describe.runIf(process.platform === 'linux')('descriptors', () => {
  test('functions of the caller that throw leave none, and each request is answered', async () => {
    const fail = (): never => {
      throw new Error('a fault of the caller');
    };
    const reads = ['/large.bin', '/', '/large.bin'].map((pathInfo) => ({ method: 'GET', pathInfo, fields: [] }));
    const writes = ['PUT', 'DELETE'].map((method) => ({ method, pathInfo: '/large.bin', fields: [] }));
    const judged = makeResponder(site.root, { isSource: fail, listing: true, writable: true });
    for (const request of [...reads, ...writes]) expect((await judged(request)).status).toBe(500);
    // One that is async says nothing that could be waited for.
    const promised = makeResponder(site.root, { isSource: (async () => fail()) as never });
    for (const request of reads) expect((await promised(request)).status).toBe(404);
    for (const options of [
      { setHeaders: fail },
      { setHeaders: async () => fail() },
      { isSource: fail, onError: fail },
      { isSource: fail, onError: async () => fail() },
    ]) {
      const failing = createServer(serveStatic(site.root, options as never)).listen(0, '127.0.0.1');
      await once(failing, 'listening');
      const answer = fetch(`http://127.0.0.1:${(failing.address() as AddressInfo).port}/large.bin`);
      const status = await answer.then(
        ({ status: given }) => given,
        () => 'cut',
      );
      expect(status).toBe('isSource' in options ? 500 : 'cut');
      failing.close();
      failing.closeAllConnections();
    }
    await untilAllClosed();
  });

  test('1,000 aborted downloads leave none', async () => {
    await inBatches(1000, async () => {
      const socket = connect(port, '127.0.0.1');
      socket.write('GET /huge.bin HTTP/1.1\r\nHost: a\r\n\r\n');
      await once(socket, 'data');
      socket.destroy();
    });
    await untilAllClosed();
  });

  test('1,000 downloads aborted before the first byte leave none', async () => {
    await inBatches(1000, async () => {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      socket.write('GET /huge.bin HTTP/1.1\r\nHost: a\r\n\r\n', () => socket.destroy());
      await once(socket, 'close');
    });
    await untilAllClosed();
  });

  test('1,000 304s, HEADs and 416s leave none', async () => {
    const etag = (await exchange(port, '/huge.bin', { method: 'HEAD' })).field('etag') ?? '';
    const requests = [
      `GET /huge.bin HTTP/1.1\r\nHost: a\r\nIf-None-Match: ${etag}\r\n\r\n`,
      'HEAD /huge.bin HTTP/1.1\r\nHost: a\r\n\r\n',
      'GET /huge.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=600000000-\r\n\r\n',
    ];
    const last = 'HEAD /a.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    const bytes = await exchangeBytes(port, requests.join('').repeat(1000) + last);
    const answers = bytes
      .toString('latin1')
      .match(/HTTP\/1\.1 \d+/g)
      ?.map((line) => Number(line.slice(9)));
    expect(answers).toHaveLength(3001);
    expect(new Set(answers)).toEqual(new Set([304, 200, 416]));
    await untilAllClosed();
  });

  test('a response whose content is returned unread closes its file', async () => {
    const respond = makeResponder(site.root);
    const response = await respond({ method: 'GET', pathInfo: '/large.bin', fields: [] });
    expect(await openFilesOfSite()).toBe(1);
    await iteratorOf(response).return?.();
    await untilAllClosed();
  });

  test('content closed during a read closes its file after it', async () => {
    const respond = makeResponder(site.root);
    const iterator = iteratorOf(await respond({ method: 'GET', pathInfo: '/large.bin', fields: [] }));
    const reading = iterator.next();
    await iterator.return?.();
    expect((await reading).done).toBe(false);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    await untilAllClosed();
  });

  test('content coded on the way and abandoned, begun or not, closes its file', async () => {
    writeFileSync(join(site.root, 'large.txt'), 'line of text\n'.repeat(300_000));
    const respond = makeResponder(site.root);
    const request = { method: 'GET', pathInfo: '/large.txt', fields: [['accept-encoding', 'gzip']] } as const;
    await iteratorOf(await respond(request)).return?.();
    const begun = iteratorOf(await respond(request));
    await begun.next();
    await begun.return?.();
    await untilAllClosed();
  });
});

function iteratorOf({ content }: StaticResponse): AsyncIterator<Uint8Array> {
  if (content === undefined || content instanceof Uint8Array) throw new Error('expected content from the disk');
  return content[Symbol.asyncIterator]();
}

describe('a named pipe that nobody writes to', () => {
  test('is missing at once, and holds nobody up', async () => {
    const pipes = Array.from({ length: 8 }, () => exchange(port, '/fifo'));
    expect((await exchange(port, '/large.bin')).content).toHaveLength(3_000_000);
    expect((await Promise.all(pipes)).map(({ status }) => status)).toEqual(Array(8).fill(404));
  });
});

describe('memory', () => {
  test('fifty stalled readers of a 500 MB file cost less than 50 MB', async () => {
    const before = process.memoryUsage.rss();
    const sockets: Socket[] = [];
    for (let count = 0; count < 50; count++) {
      const socket = connect(port, '127.0.0.1');
      socket.write('GET /huge.bin HTTP/1.1\r\nHost: a\r\n\r\n');
      // One chunk shows that the download runs; from then on nothing is read.
      await once(socket, 'data');
      socket.pause();
      sockets.push(socket);
    }
    // Others are served meanwhile, which also gives the stalled ones every chance to pile up.
    for (let count = 0; count < 100; count++) await exchange(port, '/a.txt');
    const grown = process.memoryUsage.rss() - before;
    for (const socket of sockets) socket.destroy();
    expect(grown).toBeLessThan(50_000_000);
  });
});

describe('what clients can ask for and not take', () => {
  test('coding on the way is done for a few at a time; others get the file as it is', async () => {
    writeFileSync(join(site.root, 'wanted.txt'), 'line of text\n'.repeat(200_000));
    const respond = makeResponder(site.root);
    const ask = async () => respond({ method: 'GET', pathInfo: '/wanted.txt', fields: [['accept-encoding', 'br']] });
    const isCoded = ({ fields }: StaticResponse): boolean => fields.some(([name]) => name === 'content-encoding');
    const responses = await Promise.all(Array.from({ length: 60 }, ask));
    const [coded, whole] = [responses.filter(isCoded), responses.filter((response) => !isCoded(response))];
    expect(coded.length).toBeGreaterThan(0);
    expect(coded.length).toBeLessThan(16);
    expect(whole.every(({ fields }) => fields.some(([name]) => name === 'vary'))).toBe(true);
    for (const response of responses) await iteratorOf(response).return?.();
    const again = await ask();
    expect(isCoded(again)).toBe(true);
    await iteratorOf(again).return?.();
  });

  test('what does not become less is not coded on the way', async () => {
    writeFileSync(join(site.root, 'noise.txt'), randomBytes(2_000_000));
    const respond = makeResponder(site.root);
    const response = await respond({ method: 'GET', pathInfo: '/noise.txt', fields: [['accept-encoding', 'br']] });
    expect(response.fields.some(([name]) => name === 'content-encoding')).toBe(false);
    await iteratorOf(response).return?.();
  });

  test('three hundred readers that stall after their first piece hold less than 100 KB each', async () => {
    const respond = makeResponder(site.root);
    const before = process.memoryUsage().arrayBuffers;
    const readers: AsyncIterator<Uint8Array>[] = [];
    for (let count = 0; count < 300; count++) {
      const reader = iteratorOf(await respond({ method: 'GET', pathInfo: '/huge.bin', fields: [] }));
      await reader.next();
      readers.push(reader);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(30_000_000);
    for (const reader of readers) await reader.return?.();
  });
});

describe('files that change while they are sent', () => {
  test('one that shrinks cuts the connection after the bytes there were', async () => {
    const path = join(site.root, 'shrinks.bin');
    writeFileSync(path, Buffer.alloc(3_000_000, 'x'));
    const respond = makeResponder(site.root);
    const iterator = iteratorOf(await respond({ method: 'GET', pathInfo: '/shrinks.bin', fields: [] }));
    let bytes = (await iterator.next()).value?.length ?? 0;
    truncateSync(path, 2_000_000);
    await expect(async () => {
      for (let chunk = await iterator.next(); chunk.done !== true; chunk = await iterator.next())
        bytes += chunk.value.length;
    }).rejects.toThrow('shorter');
    expect(bytes).toBe(2_000_000);
  });

  test('one that grows ends where it was announced to', async () => {
    const path = join(site.root, 'grows.bin');
    writeFileSync(path, Buffer.alloc(3_000_000, 'x'));
    const respond = makeResponder(site.root);
    const response = await respond({ method: 'GET', pathInfo: '/grows.bin', fields: [] });
    appendFileSync(path, 'more');
    let bytes = 0;
    if (response.content instanceof Uint8Array || response.content === undefined) throw new Error('expected iterable');
    for await (const chunk of response.content) bytes += chunk.length;
    expect(response.fields).toContainEqual(['content-length', '3000000']);
    expect(bytes).toBe(3_000_000);
  });

  test('the server stays up when it happens on a connection', async () => {
    const path = join(site.root, 'shrinking.bin');
    writeFileSync(path, Buffer.alloc(40_000_000, 'x'));
    const socket = connect(port, '127.0.0.1');
    socket.write('GET /shrinking.bin HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(socket, 'data');
    truncateSync(path, 100);
    socket.resume();
    socket.on('error', () => {});
    await once(socket, 'close');
    expect((await exchange(port, '/a.txt')).status).toBe(200);
  });
});
