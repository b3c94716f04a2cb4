import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ServerOptions } from '@onezero/server';
import type { RequestEndMessage, RequestErrorMessage, RequestStartMessage } from '../src/diagnostics.ts';
import { start, textResponse } from './exchange.ts';

type Message = RequestStartMessage | RequestEndMessage | RequestErrorMessage;

let port = 0;

/**
 * What is said on all channels, in order. They are those of the whole process: answers of other tests that wait, as those to
 * who guesses passwords do, are told there as well.
 */
function listen(): [string, Message][] {
  const said: [string, Message][] = [];
  for (const name of ['start', 'error', 'end']) {
    const hear = (told: unknown): void => {
      const message = told as Message;
      if (message.request === undefined || message.request.local.port === port) said.push([name, message]);
    };
    subscribe(`onezero.request.${name}`, hear);
    onTestFinished(() => void unsubscribe(`onezero.request.${name}`, hear));
  }
  return said;
}

async function exchange(options: ServerOptions, bytes: string): Promise<string> {
  const running = await start(options);
  port = running.port;
  const answer = await running.exchange(bytes);
  await running.close();
  return answer;
}

const ask = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}Connection: close\r\n\r\n`;

describe('the channels of a request', () => {
  test('tell of its start and its end, with one request', async () => {
    const said = listen();
    await exchange({ routes: [{ responder: () => textResponse('hi') }] }, ask('/a'));
    expect(said.map(([name]) => name)).toEqual(['start', 'end']);
    const [[, begun], [, ended]] = said as [[string, RequestStartMessage], [string, RequestEndMessage]];
    expect(ended.request).toBe(begun.request);
    expect(begun.request.pathInfo).toBe('/a');
    expect(ended.entry).toMatchObject({ status: 200, contentBytes: 2, complete: true, id: begun.request.id });
  });

  test('tell of what a responder throws', async () => {
    const said = listen();
    const cause = new Error('boom');
    const responder = (): never => {
      throw cause;
    };
    await exchange({ routes: [{ responder }], onError: () => undefined }, ask('/'));
    expect(said.map(([name]) => name)).toEqual(['start', 'error', 'end']);
    expect(said[1]?.[1]).toMatchObject({ status: 500, cause, source: 'responder' });
  });

  test('tell of what is no request', async () => {
    const said = listen();
    await exchange({}, 'GET / HTTP/1.1\r\n\r\n');
    expect(said.map(([name]) => name)).toEqual(['error', 'end']);
    expect(said[1]?.[1]).toMatchObject({ request: undefined, entry: { status: 400 } });
  });
});

describe('a trace', () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

  test.each([
    [traceparent, traceparent],
    [`cc${traceparent.slice(2)}-what-the-future-brings`, `cc${traceparent.slice(2)}-what-the-future-brings`],
    [traceparent.toUpperCase(), undefined],
    [`ff${traceparent.slice(2)}`, undefined],
    [`00-${'0'.repeat(32)}-b7ad6b7169203331-01`, undefined],
    ['nonsense', undefined],
  ])('is in the entry of the log: %s', async (sent, logged) => {
    const entries: (string | undefined)[] = [];
    const options = { accessLog: (entry: { traceparent: string | undefined }) => entries.push(entry.traceparent) };
    await exchange(options, ask('/', `traceparent: ${sent}\r\n`));
    expect(entries).toEqual([logged]);
  });
});
