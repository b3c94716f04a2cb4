import { afterEach, describe, expect, test } from 'vitest';
import { fastcgi } from '../../src/fastcgi.ts';
import type { GatewayResponder } from '../../src/fastcgi.ts';
import { request, text } from '../mount.ts';
import { backend } from './backend.ts';
import type { Asked } from './backend.ts';

const open: { close: () => Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

/** An application with one child, which serves a connection until that is closed, then the one that came next. */
function oneChild(): (asked: Asked) => void {
  const waiting: Asked[] = [];
  let served: number | undefined;
  const serve = ({ connection, reply }: Asked): void => {
    if (served === undefined)
      reply.socket.once('close', () => {
        served = undefined;
        const next = waiting.shift();
        if (next !== undefined) serve(next);
      });
    served = connection;
    reply.out(`Content-Type: text/plain\r\n\r\n${connection}`).end();
  };
  return (asked) => {
    if (served === undefined || served === asked.connection) serve(asked);
    else waiting.push(asked);
  };
}

describe('Desk', () => {
  test('closes a kept connection that holds the child for which requests wait, where no other request ends', async () => {
    const app = await backend(oneChild());
    const ask = fastcgi({ address: app.address, concurrency: { keepIdleMs: 600_000 }, log: () => {} });
    open.push(ask, app);
    const answers = await Promise.all([0, 1, 2].map(async () => text(await ask(request('/')))));
    expect(answers).toEqual(['0', '1', '2']);
  });

  test('lets others have the child of a connection that is in use all the time', async () => {
    const app = await backend(oneChild());
    const [busy, other] = ['busy', 'other'].map(() => {
      const ask = fastcgi({ address: app.address, concurrency: { keepIdleMs: 20 }, log: () => {} });
      open.push(ask);
      return ask;
    }) as [GatewayResponder, GatewayResponder];
    open.push(app);
    await text(await busy(request('/')));
    let isAnswered = false;
    const asking = async (): Promise<void> => {
      while (!isAnswered) await text(await busy(request('/')));
    };
    const all = asking();
    try {
      expect((await other(request('/'))).status).toBe(200);
    } finally {
      isAnswered = true;
      await all;
    }
  });

  test('opens another connection in the place of an old one for who waits for it', async () => {
    const app = await backend(oneChild());
    const ask = fastcgi({ address: app.address, concurrency: { keepIdleMs: 1 }, log: () => {} });
    open.push(ask, app);
    const all = Array.from({ length: 100 }, async () => (await ask(request('/'))).status);
    expect(new Set(await Promise.all(all))).toEqual(new Set([200]));
  });
});
