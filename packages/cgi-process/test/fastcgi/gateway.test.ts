// What the gateway decides between a responder and its connections.

import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fastcgi } from '../../src/fastcgi.ts';
import type { GatewayOptions, GatewayResponder } from '../../src/fastcgi/options.ts';
import { request, text, until } from '../mount.ts';
import { backend } from './backend.ts';
import type { Asked, Backend } from './backend.ts';

interface Served {
  readonly application: Backend;
  readonly respond: GatewayResponder;
  readonly asked: Asked[];
}

/** An application that keeps what it is asked, and answers when the test says so. */
async function serve(options: Partial<GatewayOptions> = {}): Promise<Served> {
  const asked: Asked[] = [];
  const application = await backend((one) => void asked.push(one));
  const respond = fastcgi({ address: application.address, log: () => {}, ...options });
  onTestFinished(async () => {
    await respond.close();
    await application.close();
  });
  return { application, respond, asked };
}

describe('close', () => {
  test('resolves for every call, when what is under way has ended', async () => {
    const { respond, asked } = await serve();
    const answer = respond(request('/'));
    await until(() => asked.length === 1);
    let closed = 0;
    const closing = [60_000, 60_000, 60_000].map(async (graceMs) => respond.close(graceMs).then(() => closed++));
    expect(await respond(request('/'))).toMatchObject({ status: 503, cause: { code: 'closing' } });
    expect(closed).toBe(0);
    asked[0]?.reply.out('A: b\n\ndone').end();
    expect(await text(await answer)).toBe('done');
    await Promise.all(closing);
  });

  test('ends what is under way when the shortest grace is over', async () => {
    const { application, respond, asked } = await serve();
    const answer = respond(request('/'));
    await until(() => asked.length === 1);
    const slow = respond.close(600_000);
    await respond.close(0);
    await slow;
    expect(await answer).toMatchObject({ status: 503, cause: { code: 'closing' } });
    await until(() => application.aborts() === 1);
  });
});

test('an answer whose first write ends with the header of its content, as those of PHP, comes whole', async () => {
  const { respond, asked } = await serve();
  const answer = respond(request('/'));
  await until(() => asked.length === 1);
  const content = 'x'.repeat(9000);
  const header = Buffer.from([1, 6, 0, 1, content.length >> 8, content.length & 255, 0, 0]);
  const { reply } = asked[0] as Asked;
  reply.out('A: b\n\n').socket.write(header);
  for (let count = 0; count < 5; count++) await turn();
  reply.socket.write(content);
  reply.end();
  expect((await answer).content).toEqual(Buffer.from(content));
});

describe('answers that come whole in one read', () => {
  function whole(content: string): Buffer {
    const output = Buffer.from(`A: b\n\n${content}`);
    const header = Buffer.from([1, 6, 0, 1, output.length >> 8, output.length & 255, 0, 0]);
    return Buffer.concat([header, output, Buffer.from([1, 3, 0, 1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])]);
  }

  async function answered(isLent: boolean): Promise<string[]> {
    const { respond, asked } = await serve({ concurrency: { max: 64, maxIdle: 64 } });
    const texts: string[] = [];
    for (let round = 0; round < 3; round++) {
      asked.length = 0;
      const all = Array.from({ length: 40 }, async (_, number) => {
        const message = { ...request('/'), query: `${number}` };
        const { content, fields, isLent: hasLent } = await (isLent ? respond.scripts.lend(message) : respond(message));
        expect([fields, hasLent === true]).toEqual([
          [
            ['a', 'b'],
            ['x-content-type-options', 'nosniff'],
          ],
          isLent,
        ]);
        // What is lent is there for whoever is called now.
        const now = Buffer.from(content as Uint8Array);
        await turn();
        await turn();
        return (isLent ? now : Buffer.from(content as Uint8Array)).toString();
      });
      await until(() => asked.length === 40);
      for (const { params, reply } of asked) {
        const query = params.get('QUERY_STRING') as string;
        reply.socket.write(whole(query.repeat(1 + Number(query) * 9)));
      }
      texts.push(...(await Promise.all(all)));
    }
    return texts;
  }

  test.each([false, true])('are nobody else’s, however long they are kept (lent: %j)', async (isLent) => {
    const expected = Array.from({ length: 40 }, (_, number) => `${number}`.repeat(1 + number * 9));
    expect(await answered(isLent)).toEqual([...expected, ...expected, ...expected]);
  });
});

describe('a request that got no answer', () => {
  test.each(['GET', 'HEAD', 'OPTIONS', 'PROPFIND', 'QUERY'])('is asked again for %s', async (method) => {
    const { respond, asked } = await serve();
    const answer = respond(request('/', { method }));
    await until(() => asked.length === 1);
    asked[0]?.reply.socket.destroy();
    await until(() => asked.length === 2);
    asked[1]?.reply.out('A: b\n\nagain').end();
    expect(await answer).toMatchObject({ status: 200 });
  });

  test.each(['POST', 'PUT', 'DELETE', 'PATCH', 'MKCOL'])('is not asked again for %s', async (method) => {
    const { respond, asked } = await serve();
    const answer = respond(request('/', { method }));
    await until(() => asked.length === 1);
    asked[0]?.reply.socket.destroy();
    expect(await answer).toMatchObject({ status: 502, cause: { code: 'backend-gone' } });
    expect(asked).toHaveLength(1);
  });

  test('is asked five times at most', async () => {
    let count = 0;
    const application = await backend(({ reply }) => {
      count++;
      reply.socket.destroy();
    });
    const respond = fastcgi({ address: application.address, log: () => {} });
    expect(await respond(request('/'))).toMatchObject({ status: 502 });
    expect(count).toBe(5);
    await respond.close();
    await application.close();
  });

  test('is not asked again when its time is over', async () => {
    const { respond, asked } = await serve({ limits: { headerTimeoutMs: 300 } });
    const answer = respond(request('/'));
    let isOver = false;
    void answer.then(() => (isOver = true));
    for (let next = 0; !isOver; next++) {
      await until(() => asked.length > next || isOver);
      // It is ended by its application after more than half of its time.
      await new Promise((resolve) => setTimeout(resolve, 200));
      asked[next]?.reply.socket.destroy();
    }
    expect([502, 504]).toContain((await answer).status);
    expect(asked.length).toBeLessThan(3);
  });

  test('is not asked again once a byte of it has come', async () => {
    const { respond, asked } = await serve();
    const answer = respond(request('/'));
    await until(() => asked.length === 1);
    asked[0]?.reply.socket.end(Buffer.from([1]));
    expect(await answer).toMatchObject({ status: 502 });
    expect(asked).toHaveLength(1);
  });
});

describe('connections', () => {
  test('are used again for requests that may be repeated, and not for others', async () => {
    const connections: number[] = [];
    const application = await backend(({ connection, reply }) => {
      connections.push(connection);
      reply.out('A: b\n\nx').end();
    });
    const respond = fastcgi({ address: application.address, log: () => {}, concurrency: { keepIdleMs: 600_000 } });
    for (const method of ['GET', 'GET', 'POST', 'GET', 'PUT']) await text(await respond(request('/', { method })));
    // Behind a request that changed something a script may work on.
    expect(connections).toEqual([0, 0, 1, 2, 3]);
    await respond.close();
    await application.close();
  });

  test('go to the other addresses where one has answered nonsense', async () => {
    const [broken, whole] = await Promise.all(
      ['nonsense', 'A: b\n\nx'].map(async (answer) => backend(({ reply }) => void reply.out(answer).end())),
    );
    const addresses = [broken, whole].map((one) => one?.address ?? '');
    const respond = fastcgi({ address: addresses, log: () => {} });
    const statuses: number[] = [];
    for (let count = 0; count < 6; count++) statuses.push((await respond(request('/', { method: 'POST' }))).status);
    expect(statuses).toEqual([502, 200, 200, 200, 200, 200]);
    await respond.close();
    await broken?.close();
    await whole?.close();
  });

  test('are as many as may be, and the rest waits in the order of its clients', async () => {
    const { respond, asked } = await serve({ concurrency: { max: 2, maxQueue: 2 } });
    const from = (address: string, path: string): ReturnType<GatewayResponder> =>
      respond(request(path, { remote: { address, port: 1 } }));
    const first = [from('a', '/1'), from('a', '/2')];
    await until(() => asked.length === 2);
    const waiting = [from('a', '/3'), from('b', '/4')];
    expect(await from('c', '/5')).toMatchObject({ status: 503, cause: { code: 'queue-full' } });
    for (let next = 0; next < 4; next++) {
      asked[next]?.reply.out('A: b\n\nx').end();
      await until(() => asked.length >= Math.min(4, next + 3));
    }
    expect((await Promise.all([...first, ...waiting])).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(asked.map(({ params }) => params.get('PATH_INFO'))).toEqual(['/1', '/2', '/3', '/4']);
  });
});
