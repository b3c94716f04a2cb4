import { afterEach, describe, expect, test } from 'vitest';
import { fastcgi } from '../../src/fastcgi.ts';
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
});
