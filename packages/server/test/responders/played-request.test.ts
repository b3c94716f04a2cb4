// A request as bytes for node:http: Node's own parser is asked what it reads.

import { createServer, type IncomingMessage } from 'node:http';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RequestMessage } from '../../src/message/message.ts';
import { type ContentTaker, PlayedContent, playedHead } from '../../src/responders/played-request.ts';
import { DuplexSocket } from '../../src/transport/duplex-socket.ts';
import { request } from '../request.ts';

const HOST = ['host', 'a'] as const;

/** What a node:http server reads of a request that is played to it. */
async function read(asked: RequestMessage, target: string): Promise<{ message: IncomingMessage; content: Buffer }> {
  const server = createServer();
  const content = new PlayedContent(asked, false);
  const socket: DuplexSocket = new DuplexSocket(
    {
      read: () => void content.read(socket),
      write: (_, taken) => taken(),
      finish: (taken) => taken(),
      destroyed: () => {},
    },
    asked,
  );
  socket.on('error', () => {});
  const message = new Promise<IncomingMessage>((resolve, reject) => {
    server.once('request', resolve).once('clientError', reject);
  });
  socket.push(playedHead(asked, target));
  server.emit('connection', socket);
  const incoming = await message;
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  socket.destroy();
  return { message: incoming, content: Buffer.concat(chunks) };
}

async function* chunksOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

describe('a played request', () => {
  test('has the content that it was made of, however it comes, and whether its length is known', async () => {
    const chunks = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(chunks, fc.boolean(), async (given, isKnown) => {
        const whole = Buffer.concat(given);
        const contentLength = isKnown ? whole.length : undefined;
        const framing = isKnown
          ? (['content-length', String(whole.length)] as const)
          : (['transfer-encoding', 'chunked'] as const);
        const asked = request({ method: 'POST', contentLength, fields: [HOST, framing], content: chunksOf(given) });
        expect((await read(asked, '/')).content).toEqual(whole);
      }),
      { numRuns: 60 },
    );
  });

  test('has its method, target, version and fields', async () => {
    const fields = [
      ['host', 'a'],
      ['x-a', '1'],
      ['x-a', '\u00e9'],
      ['cookie', 'a=1'],
      ['cookie', 'b=2'],
    ] as const;
    const { message } = await read(request({ method: 'PROPFIND', fields }), '/a%20b?c');
    expect(message).toMatchObject({ method: 'PROPFIND', url: '/a%20b?c', httpVersion: '1.1' });
    expect(message.rawHeaders).toEqual(fields.flat());
    expect((await read(request({ version: '1.0' }), '/')).message.httpVersion).toBe('1.0');
    expect((await read(request({ version: '0.9' }), '/')).message.httpVersion).toBe('1.0');
  });

  test('may have a method that Node does not know', async () => {
    const { message } = await read(request({ method: 'BREW' }), '/');
    expect(message.method).toBe('POST');
  });

  test('offers an upgrade only where the server does', () => {
    const fields = [HOST, ['connection', 'upgrade'], ['upgrade', 'h2c']] as const;
    expect(Buffer.from(playedHead(request({ fields }), '/')).toString()).not.toMatch(/^upgrade:/im);
    const offered = request({ fields: [HOST, ['upgrade', 'websocket']], upgrade: 'websocket' });
    expect(Buffer.from(playedHead(offered, '/')).toString()).toMatch(/^upgrade: websocket$/im);
  });
});

describe('its content', () => {
  class Taker implements ContentTaker {
    destroyed = false;
    readonly pushed: string[] = [];
    readableLength = 0;
    error: Error | undefined;
    push(bytes: Uint8Array | null): boolean {
      this.pushed.push(bytes === null ? 'end' : Buffer.from(bytes).toString());
      return true;
    }
    destroy(error?: Error): void {
      this.destroyed = true;
      this.error = error;
    }
  }

  test('comes a chunk for each time that it is asked for', async () => {
    const taker = new Taker();
    const content = chunksOf(['a', '', 'b'].map((text) => Buffer.from(text)));
    const played = new PlayedContent(request({ contentLength: 2, content }), false);
    await played.read(taker);
    expect(taker.pushed).toEqual(['a']);
    await played.read(taker);
    await played.read(taker);
    await played.read(taker);
    expect(taker.pushed).toEqual(['a', 'b']);
  });

  test('may fail while it is closed, which nobody has to hear', async () => {
    const taker = new Taker();
    const iterator: AsyncIterator<Uint8Array> = {
      next: async () => ({ done: false, value: Buffer.from('a') }),
      return: async () => {
        throw new Error('cannot be closed');
      },
    };
    const content = { [Symbol.asyncIterator]: () => iterator };
    const played = new PlayedContent(request({ contentLength: 2, content }), false);
    await played.read(taker);
    played.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect(taker.pushed).toEqual(['a']);
  });

  test('is held until the application says 100, where it shall say so', async () => {
    const taker = new Taker();
    let isAsked = false;
    async function* content(): AsyncGenerator<Uint8Array> {
      isAsked = true;
      yield Buffer.from('a');
    }
    const played = new PlayedContent(request({ contentLength: 1, content: content() }), true);
    await played.read(taker);
    expect([isAsked, taker.pushed]).toEqual([false, []]);
    played.release(taker);
    await expect.poll(() => taker.pushed).toEqual(['a']);
    // Released before anything was asked for, it waits to be asked.
    const early = new PlayedContent(request({ contentLength: 1, content: content() }), true);
    const other = new Taker();
    early.release(other);
    expect(other.pushed).toEqual([]);
    await early.read(other);
    expect(other.pushed).toEqual(['a']);
  });

  test('ends the connection behind it, once the response is out', async () => {
    const content = chunksOf([Buffer.from('a')]);
    const taker = new Taker();
    const played = new PlayedContent(request({ contentLength: 1, content }), false);
    played.endBehind(taker);
    await played.read(taker);
    await played.read(taker);
    expect([taker.pushed, taker.destroyed]).toEqual([['a', 'end'], false]);
    // What has ended and is not taken yet goes before the end.
    const slow = Object.assign(new Taker(), { readableLength: 1 });
    played.endBehind(slow);
    expect([slow.pushed, slow.destroyed]).toEqual([['end'], false]);
    played.endBehind(taker);
    expect(taker.destroyed).toBe(true);
  });

  test('that breaks off breaks the connection, and one that is closed is asked no more', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('a');
      throw new Error('gone');
    }
    const taker = new Taker();
    const played = new PlayedContent(request({ contentLength: 5, content: broken() }), false);
    await played.read(taker);
    await played.read(taker);
    expect(taker.error?.message).toBe('gone');
    let isClosed = false;
    async function* closable(): AsyncGenerator<Uint8Array> {
      try {
        yield Buffer.from('a');
        yield Buffer.from('b');
      } finally {
        isClosed = true;
      }
    }
    const second = new PlayedContent(request({ contentLength: 2, content: closable() }), false);
    await second.read(new Taker());
    second.close();
    await expect.poll(() => isClosed).toBe(true);
    new PlayedContent(request(), false).close();
  });
});
