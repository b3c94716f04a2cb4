import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { afterEach, expect, test, vi } from 'vitest';
import { tunnel } from '../../src/asgi/tunnel.ts';
import type { ResponseContent } from '../../src/content/response-content.ts';

afterEach(() => vi.useRealTimers());

test('a client that does not close behind the end of the worker is closed', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const sent: string[] = [];
  const stream = new Duplex({
    read() {},
    write(bytes: Buffer, _, taken) {
      sent.push(bytes.toString());
      taken();
    },
  }) as Socket;
  async function* frames(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('closing');
  }
  tunnel(stream, frames() as unknown as ResponseContent, { write: () => true, end: () => {}, abandon: () => {} });
  const closed = new Promise((resolve) => stream.once('close', resolve));
  await new Promise((resolve) => stream.once('finish', resolve));
  expect([sent, stream.destroyed]).toEqual([['closing'], false]);
  await vi.advanceTimersByTimeAsync(60_000);
  await closed;
  expect(stream.destroyed).toBe(true);
});
