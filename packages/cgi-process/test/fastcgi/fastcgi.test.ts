import { createServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { CgiError } from '../../src/index.ts';
import { fastcgi } from '../../src/fastcgi.ts';
import type { GatewayOptions, GatewayResponder } from '../../src/fastcgi.ts';
import { chunks, field, openDescriptors, request, text, until } from '../mount.ts';
import { backend } from './backend.ts';
import type { Asked, Backend } from './backend.ts';

const open: { close: () => Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

const HEAD = 'Content-Type: text/plain\r\n\r\n';

async function made(
  answer: (asked: Asked) => void,
  options: Partial<GatewayOptions> = {},
): Promise<{ ask: GatewayResponder; app: Backend; lines: string[] }> {
  const app = await backend(answer);
  const lines: string[] = [];
  const ask = fastcgi({ address: app.address, log: ({ line }) => lines.push(line), ...options });
  open.push(ask, app);
  return { ask, app, lines };
}

describe('fastcgi', () => {
  test('passes the request, and answers with what comes', async () => {
    const { ask } = await made(({ params, stdin, keeps, reply }) => {
      reply.out(
        `Status: 201 Made\r\n${HEAD}${params.get('REQUEST_METHOD')} ${params.get('SCRIPT_NAME')} ${params.get('PATH_INFO')} `,
      );
      reply.out(`${params.get('CONTENT_LENGTH')} ${stdin.toString()} ${keeps}`).end();
    });
    const response = await ask(request('/a b', { content: 'hello' }));
    expect(response).toMatchObject({ status: 201, reason: 'Made' });
    expect(field(response, 'content-type')).toBe('text/plain');
    expect(await text(response)).toBe('POST /cgi-bin /a b 5 hello true');
  });

  test.each([1, 7, 1000])('reads records that come in pieces of %i bytes, with padding', async (size) => {
    const { ask } = await made(({ reply }) => {
      const whole: Buffer[] = [];
      const { socket } = reply;
      const write = socket.write.bind(socket);
      socket.write = (bytes: Uint8Array | string): boolean => whole.push(Buffer.from(bytes as Uint8Array)) > 0;
      reply.out(HEAD, 7).err('a complaint\n').out('x'.repeat(3000), 255).end();
      const bytes = Buffer.concat(whole);
      const send = (start: number): void => {
        if (start >= bytes.length) return;
        write(bytes.subarray(start, start + size));
        setImmediate(send, start + size);
      };
      socket.setNoDelay(true);
      send(0);
    });
    expect(await text(await ask(request('/')))).toBe('x'.repeat(3000));
  });

  test('passes content of any size, with and without a length', async () => {
    const { ask } = await made(({ params, stdin, reply }) => {
      reply.out(`${HEAD}${params.get('CONTENT_LENGTH')} ${stdin.length} ${stdin[stdin.length - 1]}`).end();
    });
    for (const length of [1, 65_535, 65_536, 1_000_000]) {
      expect(await text(await ask(request('/', { content: Buffer.alloc(length, 7) })))).toBe(`${length} ${length} 7`);
    }
    expect(await text(await ask(request('/', { content: chunks(30, 10_000) })))).toBe('300000 300000 29');
  });

  test('keeps a connection for requests that may be repeated, one at a time', async () => {
    const { ask, app } = await made(
      ({ connection, number, reply }) => {
        reply.out(`${HEAD}${connection}.${number}`).end();
      },
      { concurrency: { keepIdleMs: 600_000 } },
    );
    const answers: string[] = [];
    for (let count = 0; count < 3; count++) answers.push(await text(await ask(request('/'))));
    expect(answers).toEqual(['0.0', '0.1', '0.2']);
    expect(await text(await ask(request('/', { content: 'x' })))).toBe('1.0');
    const many = await Promise.all(Array.from({ length: 20 }, async () => text(await ask(request('/')))));
    expect(new Set(many).size).toBe(20);
    expect(app.connections()).toBeLessThanOrEqual(22);
  });

  test('gives an application that only complains no more time than a silent one', async () => {
    const complaining: NodeJS.Timeout[] = [];
    const { ask } = await made(({ reply }) => complaining.push(setInterval(() => reply.err('not yet\n'), 5)), {
      limits: { headerTimeoutMs: 100 },
    });
    expect(await ask(request('/'))).toMatchObject({ status: 504, cause: { code: 'timed-out' } });
    for (const timer of complaining) clearInterval(timer);
  });

  test('counts a request that waits for its application when it is closed', async () => {
    const probe = createServer();
    await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
    const { port } = probe.address() as { port: number };
    await new Promise((resolve) => probe.close(resolve));
    const ask = fastcgi({ address: `127.0.0.1:${port}`, limits: { connectTimeoutMs: 600_000 } });
    const asked = ask(request('/'));
    let isAnswered = false;
    void asked.then(() => (isAnswered = true));
    await new Promise((resolve) => setImmediate(resolve));
    await ask.close(20);
    await new Promise((resolve) => setImmediate(resolve));
    expect(isAnswered).toBe(true);
    expect(await asked).toMatchObject({ status: 503, cause: { code: 'closing' } });
  });

  test('asks again when a kept connection was closed meanwhile', async () => {
    const { ask } = await made(({ connection, number, reply }) => {
      if (number > 0) reply.socket.destroy();
      else reply.out(`${HEAD}${connection}`).end();
    });
    for (let count = 0; count < 10; count++) {
      expect(await text(await ask(request('/')))).toBe(String(count));
    }
  });

  test('asks once what must not be repeated', async () => {
    let count = 0;
    const { ask } = await made(({ reply }) => {
      count++;
      reply.socket.destroy();
    });
    const response = await ask(request('/', { content: 'x' }));
    expect(response).toMatchObject({ status: 502, cause: { code: 'backend-gone' } });
    expect(count).toBe(1);
    expect(await ask(request('/'))).toMatchObject({ status: 502 });
    expect(count).toBe(6);
  });

  test.each<[string, (asked: Asked) => void, number, string]>([
    ['ends without output', ({ reply }) => void reply.end(), 502, 'no-output'],
    ['is overloaded', ({ reply }) => void reply.end(2), 503, 'busy'],
    ['knows no responders', ({ reply }) => void reply.end(3), 502, 'bad-header'],
    ['has a broken header', ({ reply }) => void reply.out('nonsense\r\n\r\n').end(), 502, 'bad-header'],
    ['closes in its header', ({ reply }) => void reply.out('Content-Ty').socket.end(), 502, 'backend-gone'],
    ['answers another request', ({ reply }) => void reply.as(2).out(`${HEAD}x`).end(), 502, 'bad-header'],
    ['answers no request', ({ reply }) => void reply.as(0).out(`${HEAD}x`).end(), 502, 'bad-header'],
    ['sends what is the server’s', ({ reply }) => void reply.record(5, 'x').out(HEAD).end(), 502, 'bad-header'],
    ['speaks HTTP', ({ reply }) => void reply.socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'), 502, 'bad-header'],
    ['is silent', () => {}, 504, 'timed-out'],
    ['stops in its header', ({ reply }) => void reply.out('Content-Ty'), 504, 'timed-out'],
  ])('refuses an application that %s', async (_, answer, status, code) => {
    const { ask } = await made(answer, { limits: { headerTimeoutMs: code === 'timed-out' ? 100 : 600_000 } });
    const response = await ask(request('/'));
    expect(response).toMatchObject({ status, cause: { code } });
    expect(response.content).toBeUndefined();
  });

  test.each<[string, (asked: Asked) => void, string]>([
    ['closes', ({ reply }) => void reply.out(`${HEAD}part`).socket.end(), 'backend-gone'],
    [
      'writes less than it announced',
      ({ reply }) => void reply.out(`Content-Length: 10\r\n${HEAD}part`).end(),
      'content-cut',
    ],
    ['falls silent', ({ reply }) => void reply.out(`${HEAD}part`), 'timed-out'],
    ['answers another request', ({ reply }) => void reply.out(`${HEAD}part`).as(2).out('x').end(), 'bad-header'],
    ['ends another request', ({ reply }) => void reply.out(`${HEAD}part`).as(257).end().as(1).end(), 'bad-header'],
  ])('breaks an answer off when the application %s', async (_, answer, code) => {
    const { ask } = await made(answer, { limits: { silenceTimeoutMs: code === 'timed-out' ? 50 : 600_000 } });
    const response = await ask(request('/'));
    // What is there with the header makes a status of it.
    const error = await text(response).then(
      () => response.cause as CgiError | undefined,
      (reason: CgiError) => reason,
    );
    expect(error?.code).toBe(code);
  });

  test.each(['', 'some', 'x'.repeat(200_000)])('is whole with the length that was announced (%#)', async (content) => {
    const { ask } = await made(({ params, reply }) => {
      reply.out(`Content-Length: ${content.length}\r\n${HEAD}`);
      for (let at = 0; at < content.length; at += 50_000) reply.out(content.slice(at, at + 50_000));
      if (params.get('QUERY_STRING') === 'closes') reply.socket.end();
    });
    for (const query of ['closes', 'works on']) {
      const response = await ask({ ...request('/'), query });
      expect(response.status).toBe(200);
      const parts = response.content instanceof Uint8Array ? [response.content] : (response.content ?? []);
      let got = '';
      for await (const bytes of parts) {
        got += Buffer.from(bytes).toString();
        // A client knows that this is all.
        if (got.length === content.length) break;
      }
      expect(got).toBe(content);
    }
  });

  test('takes what was announced of more, and the connection goes on', async () => {
    const { ask } = await made(
      ({ connection, reply }) => {
        reply.socket.cork();
        reply.out(`Content-Length: 1\r\n${HEAD}${connection} and more`).end();
        reply.socket.uncork();
      },
      { concurrency: { keepIdleMs: 600_000 } },
    );
    for (let count = 0; count < 3; count++) expect(await text(await ask(request('/')))).toBe('0');
    expect((await ask(request('/', { method: 'HEAD' }))).status).toBe(200);
  });

  test('counts what it was asked, by address', async () => {
    let isDead = true;
    const { ask, app } = await made(
      ({ params, reply }) => {
        if (params.get('QUERY_STRING') === 'late') return;
        if (isDead) reply.socket.destroy();
        else reply.out(`${HEAD}fine`).end();
        isDead = false;
      },
      { limits: { headerTimeoutMs: 2000 } },
    );
    expect(ask.state()).toEqual({
      busy: 0,
      queued: 0,
      backends: [{ address: app.address, requests: 0, failures: 0, retries: 0 }],
    });
    expect(await text(await ask(request('/')))).toBe('fine');
    const late = ask(request('/', { query: 'late' }));
    await until(() => ask.state().busy === 1);
    expect(await late).toMatchObject({ status: 504 });
    expect(ask.state()).toMatchObject({ busy: 0, backends: [{ requests: 3, failures: 2, retries: 1 }] });
    const none = fastcgi({ address: ['/nonexistent/a.sock', '/nonexistent/b.sock'], limits: { connectTimeoutMs: 1 } });
    open.push(none);
    await none(request('/'));
    const counts = { requests: 0, failures: 1, retries: 0 };
    expect(none.state().backends).toEqual([
      { address: '/nonexistent/a.sock', ...counts },
      { address: '/nonexistent/b.sock', ...counts },
    ]);
  });

  test('passes management records over', async () => {
    const { ask } = await made(({ reply }) => {
      reply.as(0).record(10, '').record(11, Buffer.alloc(8)).as(1).out(`${HEAD}fine`).as(0).record(99, '').as(1).end();
    });
    for (let count = 0; count < 3; count++) expect(await text(await ask(request('/')))).toBe('fine');
  });

  test('passes STDERR on by lines, and says it in errors', async () => {
    const { ask, lines } = await made(({ reply }) => {
      reply.err('PHP Warning: on').err('e\nPHP Fatal: two\n').end();
    });
    const { cause } = await ask(request('/'));
    expect(lines).toEqual(['PHP Warning: one', 'PHP Fatal: two']);
    expect((cause as CgiError).stderr).toContain('PHP Fatal: two');
  });

  test('gives up a connection whose reader or client has left', async () => {
    const { ask, app } = await made(({ params, reply }) => {
      if (params.get('QUERY_STRING') === 'fine') reply.out(`${HEAD}fine`).end();
      else if (params.get('QUERY_STRING') === 'late') return;
      else reply.out(`${HEAD}first`);
    });
    const response = await ask(request('/'));
    const iterator = (response.content as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    await iterator.next();
    await iterator.return?.();
    await until(() => app.aborts() === 1);
    const gone = new AbortController();
    const late = ask(request('/', { query: 'late', signal: gone.signal }));
    await until(() => app.connections() === 2);
    gone.abort();
    expect(await late).toMatchObject({ cause: { code: 'client-gone' } });
    await until(() => app.aborts() === 2);
    expect(await text(await ask(request('/', { query: 'fine' })))).toBe('fine');
  });

  test('gives up an answer that never ends and that nobody wants', async () => {
    const { ask, app } = await made(
      ({ reply }) => {
        const more = setInterval(() => reply.out('more'), 5);
        reply.out(HEAD).socket.once('close', () => clearInterval(more));
      },
      { limits: { silenceTimeoutMs: 100 } },
    );
    expect(await ask(request('/', { fields: [['if-none-match', '*']] }))).toMatchObject({ status: 304 });
    await until(() => app.aborts() === 1);
  });

  test('frees the application from a slow reader', async () => {
    let isDone = false;
    const { ask } = await made(
      ({ params, reply }) => {
        if (params.get('QUERY_STRING') === 'fine') {
          reply.out(`${HEAD}fine`).end();
          return;
        }
        reply.out(HEAD);
        for (let count = 0; count < 100; count++) reply.out(Buffer.alloc(50_000, count));
        reply.end().socket.once('drain', () => (isDone = true));
      },
      { concurrency: { max: 1 } },
    );
    const response = await ask(request('/'));
    const iterator = (response.content as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    let bytes = (await iterator.next()).value.length as number;
    await until(() => isDone);
    expect(await text(await ask(request('/', { query: 'fine' })))).toBe('fine');
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) bytes += next.value.length;
    expect(bytes).toBe(5_000_000);
  });

  test('waits for an application that is restarted, and not for one that is down', async () => {
    const probe = createServer();
    await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
    const { port } = probe.address() as { port: number };
    await new Promise((resolve) => probe.close(resolve));
    const ask = fastcgi({ address: `127.0.0.1:${port}`, limits: { connectTimeoutMs: 10_000 } });
    open.push(ask);
    const waiting = ask(request('/'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const app = await backend(({ reply }) => void reply.out(`${HEAD}back`).end(), port);
    open.push(app);
    expect(await text(await waiting)).toBe('back');
    const down = fastcgi({ address: '/nonexistent/php.sock', limits: { connectTimeoutMs: 50 } });
    open.push(down);
    for (let count = 0; count < 3; count++) {
      expect(await down(request('/'))).toMatchObject({ status: 502, cause: { code: 'backend-gone' } });
    }
  });

  test('asks an address after the others that takes connections and gives no answer', async () => {
    let refused = 0;
    const [closes, answers] = await Promise.all([
      backend(({ reply }) => {
        refused++;
        reply.socket.destroy();
      }),
      backend(({ reply }) => void reply.out(`${HEAD}fine`).end()),
    ]);
    const ask = fastcgi({ address: [closes.address, answers.address], concurrency: { maxIdle: 0 }, log: () => {} });
    open.push(ask, closes, answers);
    for (let count = 0; count < 10; count++) expect(await text(await ask(request('/')))).toBe('fine');
    expect(refused).toBe(1);
  });

  test.each<[string, (asked: Asked) => void]>([
    ['closes in its header', ({ reply }) => void reply.out('Content-Ty').socket.end()],
    ['is silent', () => {}],
    ['stops in its header', ({ reply }) => void reply.out('Content-Ty')],
  ])('asks another address where one %s, but for POST', async (_, fails) => {
    let failures = 0;
    const failing = (asked: Asked): void => {
      failures++;
      fails(asked);
    };
    const apps = await Promise.all([
      ...[failing, failing].map(async (answer) => backend(answer)),
      backend(({ params, reply }) => void reply.out(`${HEAD}${params.get('REQUEST_METHOD')}`).end()),
    ]);
    const address = apps.map((app) => app.address);
    for (const method of ['GET', 'POST']) {
      const ask = fastcgi({ address, limits: { headerTimeoutMs: 200 }, log: () => {} });
      open.push(ask);
      const response = await ask(request('/', { method }));
      if (method === 'GET') expect([failures, await text(response)]).toEqual([2, 'GET']);
      else expect([failures, response.status >= 502]).toEqual([3, true]);
      expect(ask.state()).toMatchObject({ busy: 0 });
    }
    open.push(...apps);
  });

  test('asks each address once where all are silent', async () => {
    let asked = 0;
    const apps = await Promise.all([1, 2, 3].map(async () => backend(() => void asked++)));
    const address = apps.map((app) => app.address);
    const ask = fastcgi({ address, limits: { headerTimeoutMs: 50 }, log: () => {} });
    open.push(ask, ...apps);
    expect(await ask(request('/'))).toMatchObject({ status: 504 });
    expect([asked, ask.state().busy]).toEqual([3, 0]);
  });

  test('asks several addresses in turn, and leaves out who is gone', async () => {
    const apps = await Promise.all(
      ['a', 'b'].map(async (name) => backend(({ reply }) => void reply.out(`${HEAD}${name}`).end())),
    );
    const addresses = [...apps.map(({ address }) => address), '/nonexistent/php.sock'];
    const ask = fastcgi({ address: addresses, concurrency: { maxIdle: 0 } });
    open.push(ask, ...apps);
    const answers: string[] = [];
    for (let count = 0; count < 9; count++) answers.push(await text(await ask(request('/'))));
    expect(new Set(answers)).toEqual(new Set(['a', 'b']));
  });

  test('never crosses answers, and leaves no descriptor, whoever leaves when', async () => {
    const before = openDescriptors();
    const { ask, app } = await made(({ params, reply }) => {
      const token = params.get('QUERY_STRING') ?? '';
      reply.out(HEAD).out(token);
      setImmediate(() => reply.socket.writable && reply.out(token).end());
    });
    let wrong = 0;
    const one = async (number: number): Promise<void> => {
      const token = `token-${number}`;
      const gone = new AbortController();
      const leaves = number % 3;
      if (leaves === 1) setTimeout(() => gone.abort(), number % 4);
      const response = await ask(request('/', { query: token, signal: gone.signal }));
      if (response.content === undefined) return;
      if (leaves === 2) {
        await (response.content as AsyncIterableIterator<Uint8Array>).return?.();
        return;
      }
      const got = await text(response).catch(() => 'broken off');
      if (got !== token + token && got !== 'broken off') wrong++;
      if (leaves === 0 && got !== token + token) wrong++;
    };
    for (let round = 0; round < 25; round++) {
      await Promise.all(Array.from({ length: 20 }, async (_, index) => one(round * 20 + index)));
    }
    expect(wrong).toBe(0);
    await ask.close();
    await app.close();
    await until(() => openDescriptors() <= before);
  });

  test.each<[object, string]>([
    [{}, 'fastcgi: address: is missing'],
    [
      { address: 9000 },
      'fastcgi: address: expected host:port, unix:/path or /path or a list that is not empty, not 9000',
    ],
    [{ address: 'nowhere' }, 'address: expected host:port, unix:/path or /path, not "nowhere"'],
    [{ adress: ':9000' }, 'fastcgi: adress: is not an option; did you mean address?'],
    [
      { address: ':9000', limits: { headerTimeout: 1 } },
      'fastcgi: limits.headerTimeout: is not an option; did you mean limits.headerTimeoutMs?',
    ],
    [{ address: ':9000', extensions: ['.php'] }, 'fastcgi: extensions: goes with root only'],
    [{ address: ':9000', root: '.', directory: '.' }, 'fastcgi: expected root or directory; both are given'],
  ])('names what is wrong with %j', (options, message) => {
    expect(() => fastcgi(options as GatewayOptions)).toThrow(message);
  });
});
