// One request to an application in the manner of node:http: random sequences of writes, compared with node:http on a socket.

import { once } from 'node:events';
import { createServer, request as ask, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RequestMessage, ResponseMessage } from '../../src/message/message.ts';
import { type NodeApplication, nodeResponder } from '../../src/responders/node.ts';
import { request } from '../request.ts';

/** What an application does with its response, one thing after the other. */
type Step =
  | { readonly kind: 'header'; readonly name: string; readonly value: string | string[] }
  | { readonly kind: 'head'; readonly status: number; readonly reason: string | undefined }
  | { readonly kind: 'write'; readonly text: string }
  | { readonly kind: 'flush' | 'turn' | 'hint' | 'cork' };

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('header' as const),
      name: fc.constantFrom('X-A', 'content-type', 'Set-Cookie', 'ETag'),
      value: fc.constantFrom('1', 'text/plain', ['a=1', 'b=2']),
    }),
    fc.record({
      kind: fc.constant('head' as const),
      status: fc.constantFrom(200, 201, 302, 404, 500, 503),
      reason: fc.constantFrom(undefined, 'My Reason'),
    }),
    fc.record({
      kind: fc.constant('write' as const),
      text: fc.string({ unit: fc.constantFrom('a', 'é', '密', '\r\n', '0'), maxLength: 9 }),
    }),
    fc.record({ kind: fc.constantFrom('flush' as const, 'turn' as const, 'hint' as const, 'cork' as const) }),
  ),
  { maxLength: 10 },
);

/** Does the steps; hints come before the head only, since node:http writes them into the middle of content. One that the response refuses, such as a header behind the head, is left out. */
async function perform(response: ServerResponse, script: readonly Step[], last: string): Promise<void> {
  for (const step of script) {
    try {
      if (step.kind === 'header') response.setHeader(step.name, step.value);
      else if (step.kind === 'head') response.writeHead(step.status, step.reason);
      else if (step.kind === 'write') response.write(step.text);
      else if (step.kind === 'flush') response.flushHeaders();
      else if (step.kind === 'hint' && !response.headersSent) response.writeEarlyHints({ link: '</a>; rel=preload' });
      else if (step.kind === 'cork') response.cork();
      else await new Promise((resolve) => setImmediate(resolve));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error;
    }
  }
  response.end(last);
}

interface Got {
  readonly status: number;
  readonly reason: string;
  readonly fields: readonly (readonly [string, string])[];
  readonly text: string;
  readonly hints: number;
}

/** Fields of one connection, and those that servers add, are no part of what an application says. */
const OF_THE_SERVER = /^(?:date|connection|keep-alive|transfer-encoding|content-length)$/;

let script: readonly Step[] = [];
let last = '';
const application: RequestListener = (_, response) => void perform(response, script, last);
const reference = createServer(application);
beforeAll(async () => {
  await once(reference.listen(0, '127.0.0.1'), 'listening');
});
afterAll(() => void reference.close());

/** Undefined where no client can read it: Node 22 and 24 end what is corked before they write it. */
function byNode(method: string): Promise<Got | undefined> {
  return new Promise((resolve, reject) => {
    const refuse = (error: Error & { code?: string }): void =>
      error.code?.startsWith('HPE_') === true ? resolve(undefined) : reject(error);
    let hints = 0;
    const { port } = reference.address() as AddressInfo;
    const asked = ask({ port, host: '127.0.0.1', method, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', refuse);
      response.on('end', () => {
        const { rawHeaders, statusCode = 0, statusMessage = '' } = response;
        const pairs = rawHeaders.flatMap((name, index) =>
          index % 2 === 0 ? [[name.toLowerCase(), rawHeaders[index + 1] ?? ''] as const] : [],
        );
        const fields = pairs.filter(([name]) => !OF_THE_SERVER.test(name));
        resolve({ status: statusCode, reason: statusMessage, fields, text: Buffer.concat(chunks).toString(), hints });
      });
    });
    asked.on('information', () => void (hints += 1)).on('error', refuse);
    asked.end();
  });
}

async function byUs(method: string): Promise<Got> {
  let hints = 0;
  const asked = request({ method }, { signal: new AbortController().signal, inform: () => void (hints += 1) });
  const { status, reason = '', fields, content } = (await nodeResponder(application)(asked)) as ResponseMessage;
  const text = await textOf(content);
  return { status, reason, fields: fields.filter(([name]) => !OF_THE_SERVER.test(name)), text, hints };
}

async function textOf(content: ResponseMessage['content']): Promise<string> {
  const chunks: Buffer[] = [];
  if (content instanceof Uint8Array) return Buffer.from(content).toString();
  for await (const chunk of content ?? []) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

async function answered(application: NodeApplication, asked: RequestMessage = request()): Promise<ResponseMessage> {
  return (await nodeResponder(application)(asked)) as ResponseMessage;
}

describe('an application', () => {
  test('says the same as behind node:http, whatever it writes and when', async () => {
    await fc.assert(
      fc.asyncProperty(
        steps,
        fc.constantFrom('', 'the end'),
        fc.constantFrom('GET', 'HEAD'),
        async (given, end, method) => {
          script = given;
          last = end;
          const their = await byNode(method);
          fc.pre(their !== undefined);
          expect(await byUs(method)).toEqual(their);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('that writes a length gets it kept, and is broken when it writes less', async () => {
    const exact = await answered((_, response) => response.writeHead(200, { 'content-length': 5 }).end('hello'));
    expect(exact.fields).toContainEqual(['content-length', '5']);
    expect(await textOf(exact.content)).toBe('hello');
    const short = await answered((_, response) => response.writeHead(200, { 'content-length': 9 }).end('hello'));
    await expect(textOf(short.content)).rejects.toThrow();
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('mine');
      },
    ],
    [
      'rejects',
      async () => {
        throw new Error('mine');
      },
    ],
    [
      'throws later than its turn',
      async () => {
        await new Promise((resolve) => setImmediate(resolve));
        throw new Error('mine');
      },
    ],
  ])('that %s before its head is a failure', async (_, broken) => {
    await expect(answered(broken)).rejects.toThrow('mine');
  });

  test('that rejects behind its head breaks the content off with its reason', async () => {
    const answer = await answered(async (_, response) => {
      response.write('begun');
      await new Promise((resolve) => setImmediate(resolve));
      throw new Error('mine');
    });
    await expect(textOf(answer.content)).rejects.toThrow('mine');
  });

  test('that destroys its connection before the head is a failure with a reason', async () => {
    await expect(answered((_, response) => void response.destroy())).rejects.toThrow(/closed the connection/);
    await expect(answered((asked) => void asked.socket.destroy(new Error('mine')))).rejects.toThrow('mine');
  });

  test('that destroys it behind the head breaks the content off', async () => {
    const answer = await answered((_, response) => {
      response.write('begun');
      setImmediate(() => response.destroy());
    });
    await expect(textOf(answer.content)).rejects.toThrow(/closed the connection/);
  });

  test.each([
    ['whole', true],
    ['as far as it was written', false],
  ])('that destroys it before anything was read is %s', async (_, isEnded) => {
    let isClosed = false;
    const { content } = await answered(async (_asked, response) => {
      response.on('close', () => (isClosed = true));
      for (const text of ['one ', 'two ', 'three']) {
        response.write(text);
        await new Promise((resolve) => process.nextTick(resolve));
      }
      if (isEnded) response.end();
      await new Promise((resolve) => process.nextTick(resolve));
      response.destroy();
    });
    await expect.poll(() => isClosed).toBe(true);
    const pieces: Uint8Array[] = [];
    const reading = (async () => {
      for await (const piece of content as AsyncIterable<Uint8Array>) pieces.push(piece);
    })();
    await (isEnded ? reading : expect(reading).rejects.toThrow(/closed the connection/));
    expect(Buffer.concat(pieces).toString()).toBe('one two three');
  });

  test.each(['not http\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n'])(
    'that writes %j past node:http is a failure',
    async (text) => {
      await expect(answered((asked) => void asked.socket.write(text))).rejects.toMatchObject({
        name: 'HttpParseError',
      });
    },
  );

  test('waits while nobody reads, and hears that its client has gone', async () => {
    const controller = new AbortController();
    let room: boolean | undefined;
    let isClosed = false;
    const answer = await answered(
      (_, response) => {
        room = response.write(Buffer.alloc(100_000));
        response.on('close', () => (isClosed = true));
      },
      request({}, { signal: controller.signal }),
    );
    expect(answer.status).toBe(200);
    expect(room).toBe(false);
    controller.abort();
    await expect.poll(() => isClosed).toBe(true);
  });

  test('is closed when its content is, also before any was read', async () => {
    let isClosed = false;
    const { content } = await answered((_, response) => {
      response.on('close', () => (isClosed = true));
      response.write('x');
    });
    await (content as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]().return?.();
    await expect.poll(() => isClosed).toBe(true);
  });

  test.each([
    ['/m', '/a b', undefined, '/m/a%20b', '/a%20b'],
    ['/m', '/', 'q=1', '/m/?q=1', '/?q=1'],
    ['/m', '', 'q', '/m?q', '/?q'],
    ['/m', '', undefined, '/m', '/'],
    ['', '/x', '', '/x?', '/x?'],
    ['/m é', '/x', undefined, '/m%20%C3%A9/x', '/x'],
  ])('mounted at %j sees %j with the query %j', async (scriptName, pathInfo, query, originalUrl, url) => {
    const { content } = await answered(
      (asked, response) => {
        const { originalUrl: original, baseUrl } = asked as unknown as Record<string, string>;
        response.end(JSON.stringify([original, baseUrl, asked.url, asked.method]));
      },
      request({ scriptName, pathInfo, query, method: 'BREW' }),
    );
    const baseUrl = encodeURI(scriptName);
    expect(JSON.parse(await textOf(content))).toEqual([originalUrl, baseUrl, url, 'BREW']);
  });
});
