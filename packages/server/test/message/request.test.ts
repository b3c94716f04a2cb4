import { describe, expect, onTestFinished, test } from 'vitest';
import type { RequestMessage } from '../../src/message/message.ts';
import {
  authenticated,
  changed,
  LazyRequest,
  NO_CONTENT,
  shown,
  type RequestSource,
} from '../../src/message/request.ts';
import { requestEnd, requestError, requestStart } from '../../src/diagnostics.ts';
import { start } from '../exchange.ts';

const end = { address: '127.0.0.1', port: 1 };

/** A source that counts how often its signal is asked for. */
function source(): RequestSource & { asked: number; informed: unknown[] } {
  const controller = new AbortController();
  return {
    asked: 0,
    informed: [],
    get signal() {
      this.asked += 1;
      return controller.signal;
    },
    inform(status, fields) {
      this.informed.push([status, fields]);
    },
  };
}

function request(from: RequestSource): RequestMessage {
  return new LazyRequest(
    {
      method: 'GET',
      target: '/a',
      version: '1.1',
      fields: [],
      scheme: 'http',
      authority: 'x.test',
      scriptName: '',
      pathInfo: '/a',
      query: undefined,
      contentLength: 0,
      content: NO_CONTENT,
      remote: end,
      local: end,
      user: undefined,
      authType: undefined,
      id: 'id',
    } as const,
    from,
  );
}

describe('LazyRequest', () => {
  test('makes its signal when it is asked for, and not before', () => {
    const from = source();
    const one = request(from);
    const other = changed(one, { pathInfo: '/b' });
    expect(from.asked).toBe(0);
    expect(other.signal).toBe(one.signal);
    expect(from.asked).toBe(2);
  });

  test('is whole when it is spread after it was shown: the signal is an own member', () => {
    const from = source();
    const one = request(from);
    expect(shown(shown(one))).toBe(one);
    expect(from.asked).toBe(0);
    const spread = { ...one, pathInfo: '/c' };
    expect(Object.keys(spread)).toContain('signal');
    expect(spread.signal).toBeInstanceOf(AbortSignal);
    expect(spread.method).toBe('GET');
  });

  test('changes what is named and keeps the rest, also of a plain object', () => {
    const plain = { ...shown(request(source())) };
    const other = changed(plain, { method: 'HEAD', user: 'ada' });
    expect(other).toMatchObject({ method: 'HEAD', user: 'ada', target: '/a' });
    expect(other.signal).toBe(plain.signal);
    expect(plain.method).toBe('GET');
  });

  test('tells its source who was let in, and what is to be sent before the answer', () => {
    const from = source();
    const one = request(from);
    expect(authenticated(one, 'ada')).toMatchObject({ user: 'ada', authType: 'Basic' });
    expect(from.user).toBe('ada');
    changed(one, { pathInfo: '/x' }).inform?.(103, [['link', '</a>']]);
    expect(from.informed).toEqual([[103, [['link', '</a>']]]]);
  });

  test('has content that ends at once where there is none', async () => {
    for await (const chunk of NO_CONTENT) expect.unreachable(String(chunk));
  });
});

test.each(['fields', 'onError', 'responder', 'start', 'error', 'end'])(
  'a program can spread a request that it sees: %s',
  async (name) => {
    let isWhole = false;
    const see = (one: RequestMessage | undefined): undefined => {
      isWhole ||= Object.keys(one ?? {}).includes('signal');
    };
    const channel = { start: requestStart, error: requestError, end: requestEnd }[name];
    const listener = (message: unknown): void => see((message as { request: RequestMessage }).request);
    channel?.subscribe(listener);
    onTestFinished(() => {
      channel?.unsubscribe(listener);
    });
    const running = await start({
      routes: [
        {
          path: '/there',
          responder: name === 'responder' ? (one) => (see(one), { status: 200 }) : () => ({ status: 200 }),
        },
      ],
      ...(name === 'fields' && { fields: (one) => see(one) }),
      ...(name === 'onError' && { onError: ({ request: one }) => see(one) }),
    });
    onTestFinished(() => running.close());
    await running.exchange('GET /there HTTP/1.1\r\nHost: a\r\n\r\nGET /gone HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(isWhole).toBe(true);
  },
);
