// A header of the PROXY protocol taken from the start of a socket: the rest is there for whoever reads next, to the byte.

import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import type { ReadHeader } from '../../src/transport/accept.ts';
import { DuplexSocket } from '../../src/transport/duplex-socket.ts';
import { takeHeader } from '../../src/transport/socket-header.ts';

const NOBODY = { remote: { address: '', port: 0 }, local: { address: '', port: 0 }, scheme: 'http' } as const;
const LINE = 'PROXY TCP6 2001:db8::7 2001:db8::1 55555 443\r\n';
const ENDS = { remote: { address: '2001:db8::7', port: 55_555 }, local: { address: '2001:db8::1', port: 443 } };

interface Taken {
  readonly socket: DuplexSocket;
  readonly headers: readonly ReadHeader[];
}

function take(timeoutMs = 60_000): Taken {
  const headers: ReadHeader[] = [];
  const socket = new DuplexSocket(
    { read: () => {}, write: (_, taken) => taken(), finish: (taken) => taken(), destroyed: () => {} },
    NOBODY,
  );
  takeHeader(socket, timeoutMs, (header) => headers.push(header));
  return { socket, headers };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('takeHeader', () => {
  test('leaves everything behind the header, wherever the bytes are split', async () => {
    const text = `${LINE}\u0016\u0003\u0001hello`;
    for (let at = 1; at < text.length; at++) {
      const { socket, headers } = take();
      socket.push(Buffer.from(text.slice(0, at)));
      await turn();
      socket.push(Buffer.from(text.slice(at)));
      await expect.poll(() => headers, { interval: 1 }).toEqual([{ ends: ENDS }]);
      let rest = '';
      socket.on('data', (bytes: Buffer) => (rest += String(bytes)));
      await expect.poll(() => rest, { interval: 1 }).toBe(text.slice(LINE.length));
      socket.destroy();
    }
  });

  test('leaves the end of a client that has finished already', async () => {
    const { socket, headers } = take();
    socket.push(Buffer.from(`${LINE}bye`));
    await turn();
    socket.push(null);
    await expect.poll(() => headers).toHaveLength(1);
    let rest = '';
    socket.on('data', (bytes: Buffer) => (rest += String(bytes)));
    await once(socket, 'end');
    expect(rest).toBe('bye');
  });

  test.each(['GET / HTTP/1.1\r\n', 'PROXY TCP4 x y 1 2\r\n', '\u0016\u0003\u0001'])('closes for %j', async (text) => {
    const { socket, headers } = take();
    socket.push(Buffer.from(text));
    await expect.poll(() => socket.destroyed).toBe(true);
    expect(headers).toEqual([]);
  });

  test('closes a socket that ends in the middle, fails, or takes too long', async () => {
    const ended = take();
    ended.socket.push(Buffer.from('PROXY TCP4'));
    ended.socket.push(null);
    const failed = take();
    failed.socket.destroy(new Error('reset'));
    const late = take(1);
    late.socket.push(Buffer.from('PROXY'));
    for (const { socket, headers } of [ended, failed, late]) {
      await expect.poll(() => socket.destroyed).toBe(true);
      expect(headers).toEqual([]);
    }
  });
});
