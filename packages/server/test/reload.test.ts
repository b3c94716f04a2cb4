import { describe, expect, test } from 'vitest';
import { createServer, type Route } from '@onezero/server';
import { start, textResponse } from './exchange.ts';

interface Gate {
  readonly route: Route;
  readonly log: string[];
  open(): void;
  refuse(reason: string): void;
}

/** A route whose responder is ready when it is told to be. */
function gate(text: string): Gate {
  const log: string[] = [];
  let settle!: { resolve(): void; reject(error: Error): void };
  const ready = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  const responder = Object.assign(() => textResponse(text), {
    ready: () => ready,
    close: () => void log.push(`${text} closed`),
  });
  return {
    route: { responder },
    log,
    open: () => settle.resolve(),
    refuse: (reason) => settle.reject(new Error(reason)),
  };
}

const get = 'GET / HTTP/1.0\r\n\r\n';
const body = (answer: string): string | undefined => answer.split('\r\n\r\n')[1];

describe('ready', () => {
  test('resolves when every responder is, and rejects with what one that is not has to say', async () => {
    const [a, b] = [gate('a'), gate('b')];
    const server = createServer({ routes: [a.route, b.route] });
    a.open();
    const ready = server.ready();
    b.refuse('no such module');
    await expect(ready).rejects.toThrow('no such module');
    await expect(createServer({ routes: [a.route] }).ready()).resolves.toBeUndefined();
    await server.close();
  });
});

describe('reload', () => {
  test('answers as before until all of the new is ready', async () => {
    const running = await start({ routes: [{ responder: () => textResponse('old') }] });
    const next = gate('new');
    const reloaded = running.server.reload({ routes: [next.route] });
    for (let times = 0; times < 5; times++) expect(body(await running.exchange(get))).toBe('old');
    next.open();
    await reloaded;
    expect(body(await running.exchange(get))).toBe('new');
    await running.close();
  });

  test('keeps the old and closes the new, once, when that does not become ready', async () => {
    const running = await start({ routes: [{ responder: () => textResponse('old') }] });
    const next = gate('new');
    const reloaded = running.server.reload({ routes: [next.route] });
    next.refuse('it does not load');
    await expect(reloaded).rejects.toThrow('it does not load');
    expect(body(await running.exchange(get))).toBe('old');
    expect(next.log).toEqual(['new closed']);
    await running.close();
    expect(next.log).toEqual(['new closed']);
  });

  test('takes its turn, so that the last one asked for is what stays', async () => {
    const running = await start({ routes: [{ responder: () => textResponse('old') }] });
    const [first, second] = [gate('first'), gate('second')];
    const reloads = [first, second].map(({ route }) => running.server.reload({ routes: [route] }));
    second.open();
    first.open();
    await Promise.all(reloads);
    expect(body(await running.exchange(get))).toBe('second');
    await running.close();
  });

  test('ends with the server, and leaves nothing open', async () => {
    const running = await start({});
    const next = gate('new');
    const reloaded = running.server.reload({ routes: [next.route] });
    const refused = expect(reloaded).rejects.toThrow('the server was closed meanwhile');
    await Promise.resolve();
    await running.close();
    await refused;
    expect(next.log).toEqual(['new closed']);
    await expect(running.server.reload({})).rejects.toThrow('the server is closed');
  });
});
