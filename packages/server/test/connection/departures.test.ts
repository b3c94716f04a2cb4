// Whether a client that has finished sending is still there.

import { setTimeout as delay } from 'node:timers/promises';
import type { Socket } from 'node:net';
import { ResponseParser } from '@onezero/http-parser';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ResponseMessage } from '../../src/message/message.ts';
import { readAll, start, textResponse, type Running } from '../exchange.ts';

interface Held {
  readonly running: Running;
  readonly asked: Promise<AbortSignal>;
  release(): void;
}

/** A server whose responder waits for `release`. The clock ticks as fast as its shortest time-out needs. */
async function hold(respond: (released: Promise<void>) => ResponseMessage | Promise<ResponseMessage>): Promise<Held> {
  let release!: () => void;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let ask!: (signal: AbortSignal) => void;
  const asked = new Promise<AbortSignal>((resolve) => {
    ask = resolve;
  });
  const running = await start({
    limits: { idleTimeoutMs: 100 },
    routes: [
      {
        responder: ({ signal }) => {
          ask(signal);
          return respond(released);
        },
      },
    ],
  });
  onTestFinished(() => running.close());
  return { running, asked, release };
}

const before = async (released: Promise<void>): Promise<ResponseMessage> => {
  await released;
  return textResponse('hello');
};

const within = (length?: string) => (released: Promise<void>) => ({
  status: 200,
  fields: length === undefined ? [] : ([['content-length', length]] as const),
  content: (async function* () {
    yield Buffer.from('hel');
    await released;
    yield Buffer.from('lo');
  })(),
});

/** The content of the last response in what came, read as a client reads it. */
function contentOf(text: string): string {
  const parser = new ResponseParser();
  const events = [...parser.next({ method: 'GET' }), ...parser.push(Buffer.from(text, 'latin1')), ...parser.end()];
  const failed = events.find(({ type }) => type === 'error');
  if (failed !== undefined) return `broken: ${text}`;
  return events.map((event) => (event.type === 'content' ? Buffer.from(event.bytes).toString() : '')).join('');
}

const isAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve());
  });

async function ask({ running, asked }: Held, version: string): Promise<{ socket: Socket; signal: AbortSignal }> {
  const socket = await running.connect();
  onTestFinished(() => void socket.destroy());
  socket.write(`GET / HTTP/${version}\r\nHost: a\r\n\r\n`);
  return { socket, signal: await asked };
}

// Late enough to be no part of the request, and to be probed several times over.
const LATE_MS = 150;
const PROBED_MS = 600;

describe('a client that finishes sending late and reads on gets its whole answer', () => {
  test.each([
    ['before it begins', '1.1', before],
    ['before it begins', '1.0', before],
    ['in the middle of chunks', '1.1', within()],
    ['in the middle of content of a length', '1.1', within('5')],
    ['in the middle of content up to the end', '1.0', within()],
  ] as const)('%s, HTTP/%s', async (_, version, respond) => {
    const held = await hold(respond);
    const { socket, signal } = await ask(held, version);
    const answer = readAll(socket);
    await delay(LATE_MS);
    socket.end();
    await delay(PROBED_MS);
    expect(signal.aborted).toBe(false);
    held.release();
    expect(contentOf(await answer)).toBe('hello');
  });
});

describe('a client that closes late is missed', () => {
  test.each([
    ['before the answer', before],
    ['in the middle of chunks', within()],
  ] as const)('%s', async (_, respond) => {
    const held = await hold(respond);
    const { socket, signal } = await ask(held, '1.1');
    if (respond !== before) await new Promise((resolve) => socket.once('data', resolve));
    await delay(LATE_MS);
    socket.destroy();
    await isAborted(signal);
    expect(held.running.server.requests).toBe(0);
  });
});
