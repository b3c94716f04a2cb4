// How many connections are opened to an application that serves only so many at once.

import { afterEach, describe, expect, test } from 'vitest';
import { fastcgi } from '../../src/fastcgi.ts';
import type { GatewayResponder } from '../../src/fastcgi.ts';
import { Capacity } from '../../src/fastcgi/capacity.ts';
import type { Counted } from '../../src/fastcgi/capacity.ts';
import { request, text, until } from '../mount.ts';
import { backend } from './backend.ts';
import type { Asked, Backend } from './backend.ts';

const open: { close: () => Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

/** Answers on `children` connections at once; others wait, in their order, until one of those is closed. */
async function prefork(
  children: () => number,
  content: (path: string) => string | Promise<string> = (path) => path,
): Promise<{ ask: GatewayResponder; app: Backend }> {
  let taken = 0;
  const waiting: Asked[] = [];
  const take = (): void => {
    while (taken < children() && waiting.length > 0) {
      const asked = waiting.shift() as Asked;
      taken++;
      asked.reply.socket.on('close', () => {
        taken--;
        take();
      });
      answer(asked);
    }
  };
  const answer = ({ reply, params }: Asked): void => {
    setImmediate(() => {
      void Promise.resolve(content(params.get('PATH_INFO') ?? '')).then((made) =>
        reply.out(`Content-Type: text/plain\r\n\r\n${made}`).end(),
      );
    });
  };
  const app = await backend((asked) => {
    // Answers are small writes on connections that are kept.
    asked.reply.socket.setNoDelay(true);
    if (asked.number > 0) return answer(asked);
    waiting.push(asked);
    take();
  });
  const ask = fastcgi({ address: app.address });
  open.push(ask, app);
  return { ask, app };
}

/** So many clients, each of which asks so often, one request after the other. */
async function load(ask: GatewayResponder, clients: number, times: number, method = 'GET'): Promise<void> {
  const client = async (_: unknown, number: number): Promise<void> => {
    for (let time = 0; time < times; time++) {
      const path = `/${number}-${time}`;
      expect(await text(await ask(request(path, { method })))).toBe(path);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
}

describe('an application that serves fewer connections than there are clients', () => {
  test.each([1, 4, 8])('of %i children gets few connections once that is known', async (children) => {
    const { ask, app } = await prefork(() => children);
    await load(ask, 24, 100);
    const before = app.connections();
    await load(ask, 24, 100);
    expect(app.connections() - before).toBeLessThan(1200);
  });

  test('answers what must not be repeated', async () => {
    const { ask } = await prefork(() => 2);
    await Promise.all([load(ask, 8, 50), load(ask, 8, 50, 'POST')]);
  });

  test('may ask this server itself, and be slow', async () => {
    let ask: GatewayResponder | undefined;
    const slow: (() => void)[] = [];
    const { ask: made } = await prefork(
      () => 4,
      async (path) => {
        if (path.startsWith('/slow')) await new Promise<void>((resolve) => slow.push(resolve));
        if (path.startsWith('/nested'))
          return `nested ${await text(await (ask as GatewayResponder)(request('/inner')))}`;
        return path;
      },
    );
    ask = made;
    await load(ask, 24, 60);
    const held = [ask(request('/slow/1')), ask(request('/slow/2'))];
    await until(() => slow.length === 2);
    await load(ask, 8, 20);
    for (let time = 0; time < 20; time++) expect(await text(await ask(request('/nested')))).toBe('nested /inner');
    for (const go of slow) go();
    expect(await Promise.all(held.map(async (one) => text(await one)))).toEqual(['/slow/1', '/slow/2']);
  });

  test('is asked for more once it serves more', async () => {
    let children = 2;
    const { ask } = await prefork(() => children);
    await load(ask, 16, 100);
    children = 100;
    await load(ask, 16, 100);
  });
});

function connection(capacity: Capacity): Counted {
  const made = { openedAt: 0, closings: 0, teaches: true };
  capacity.opens(made);
  return made;
}

describe('Capacity', () => {
  const CHILDREN = 3;

  /** Has as many connections answered, each after one was closed for it, as teach a limit. */
  function taught(): { capacity: Capacity; held: Counted[] } {
    const capacity = new Capacity(true);
    const held = Array.from({ length: CHILDREN }, () => connection(capacity));
    for (const one of held) capacity.answers(one);
    const waiting: Counted[] = [];
    while (!capacity.isFull() || waiting.length > 0) {
      while (!capacity.isFull() && waiting.length < 5) waiting.push(connection(capacity));
      expect(capacity.wantsOne(1, 1)).toBe(true);
      capacity.leaves(held.shift() as Counted);
      const next = waiting.shift() as Counted;
      capacity.answers(next);
      held.push(next);
      if (capacity.limit < Infinity) break;
    }
    return { capacity, held };
  }

  test('is unlimited while connections are answered at once', () => {
    const capacity = new Capacity(true);
    for (let count = 0; count < 100; count++) {
      capacity.answers(connection(capacity));
      expect(capacity.isFull()).toBe(false);
    }
  });

  test('is what is left when all who waited were answered', () => {
    expect(taught().capacity.limit).toBe(CHILDREN);
  });

  test('tries one more, and more than one where that succeeds', () => {
    const { capacity } = taught();
    expect(capacity.isFull()).toBe(false);
    const more = connection(capacity);
    expect(capacity.isFull()).toBe(true);
    capacity.answers(more);
    expect(capacity.limit).toBe(CHILDREN + 1);
    for (let count = 0; count < 2; count++) {
      expect(capacity.isFull()).toBe(false);
      connection(capacity);
    }
    expect(capacity.isFull()).toBe(true);
  });

  test('is forgotten when all connections have ended', () => {
    const { capacity, held } = taught();
    for (const one of held) capacity.leaves(one);
    expect(capacity.limit).toBe(Infinity);
    expect(capacity.isFull()).toBe(false);
  });

  test('learns nothing where it may not', () => {
    const capacity = new Capacity(false);
    for (let count = 0; count < 2000; count++) {
      const [one, two] = [connection(capacity), connection(capacity)];
      capacity.wantsOne(1, 1);
      capacity.leaves(one);
      capacity.answers(two);
      capacity.leaves(two);
    }
    connection(capacity);
    expect(capacity.isFull()).toBe(false);
  });

  test('does not wait for one that another overtook, and closes for it at a pace', () => {
    const capacity = new Capacity(true);
    const slow = connection(capacity);
    capacity.answers(connection(capacity));
    expect(capacity.hasWaiting).toBe(false);
    expect([capacity.wantsOne(100, 99), capacity.wantsOne(101, 99), capacity.wantsOne(120, 99)]).toEqual([
      true,
      false,
      true,
    ]);
    capacity.leaves(slow);
    expect(capacity.wantsOne(1000, 999)).toBe(false);
  });

  test('knows who waits where those that others overtook are answered late', () => {
    const capacity = new Capacity(true);
    const [first, second, third] = [connection(capacity), connection(capacity), connection(capacity)];
    const last = connection(capacity);
    for (const one of [third, first] as Counted[]) capacity.answers(one);
    expect(capacity.hasWaiting).toBe(true);
    for (const one of [second, last] as Counted[]) capacity.answers(one);
    expect(capacity.hasWaiting).toBe(false);
    connection(capacity);
    expect(capacity.hasWaiting).toBe(true);
  });

  test('counts those that are about to be opened', () => {
    const { capacity, held } = taught();
    capacity.leaves(held[0] as Counted);
    expect([capacity.isFull(), capacity.isFull(1)]).toEqual([false, true]);
  });
});
