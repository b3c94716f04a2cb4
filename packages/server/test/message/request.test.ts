import { describe, expect, test } from 'vitest';
import type { RequestMessage } from '../../src/message/message.ts';
import { authenticated, changed, LazyRequest, NO_CONTENT, type RequestSource } from '../../src/message/request.ts';

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

  test('is whole when it is spread: the signal is an own member', () => {
    const from = source();
    const spread = { ...request(from), pathInfo: '/c' };
    expect(Object.keys(spread)).toContain('signal');
    expect(spread.signal).toBeInstanceOf(AbortSignal);
    expect(spread.method).toBe('GET');
  });

  test('changes what is named and keeps the rest, also of a plain object', () => {
    const plain = { ...request(source()) };
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
