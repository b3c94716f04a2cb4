// A socket that lends its bytes instead of queueing them, for whoever can do without a stream.

import { expect, test } from 'vitest';
import { DuplexSocket, type Taken } from '../../src/transport/duplex-socket.ts';

const peer = { address: '127.0.0.1', port: 1 };

function make(): { socket: DuplexSocket; written: string[]; asked: () => number; take: () => void } {
  const written: string[] = [];
  const waiting: Taken[] = [];
  let reads = 0;
  const socket = new DuplexSocket(
    {
      read: () => reads++,
      write(pieces, taken) {
        written.push(...pieces.map(String));
        if (written.at(-1) === 'slow') waiting.push(taken);
        else taken();
      },
      finish: (taken) => taken(),
      destroyed: () => {},
    },
    { remote: peer, local: peer, scheme: 'http' },
  );
  return { socket, written, asked: () => reads, take: () => waiting.shift()?.() };
}

const bytes = (text: string): Buffer => Buffer.from(text);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('what came before it was lent comes first, then each piece as it comes', async () => {
  const { socket } = make();
  socket.push(bytes('early'));
  const seen: Uint8Array[] = [];
  socket.lend((piece) => seen.push(piece) > 0);
  expect(socket.isLending).toBe(false);
  await turn();
  expect(seen.map(String)).toEqual(['early']);
  expect(socket.isLending).toBe(true);
  const piece = bytes('now');
  expect(socket.push(piece)).toBe(true);
  expect(seen[1]).toBe(piece);
  expect(socket.bytesRead).toBe(8);
});

test('a reader that wants no more says so, and asks again with goOn', async () => {
  const { socket, asked } = make();
  let wants = false;
  const seen: string[] = [];
  socket.lend((piece) => seen.push(String(piece)) > 0 && wants);
  await turn();
  expect(socket.push(bytes('a'))).toBe(false);
  const before = asked();
  wants = true;
  socket.goOn();
  expect(asked()).toBeGreaterThan(before);
  await turn();
  expect(socket.push(bytes('b'))).toBe(true);
  expect(seen).toEqual(['a', 'b']);
});

test('one that wants no more of what came early gets the rest after goOn, and the end', async () => {
  const { socket } = make();
  for (const text of ['a', 'b', 'c']) socket.push(bytes(text));
  socket.push(null);
  const seen: string[] = [];
  let ended = false;
  socket.on('end', () => (ended = true));
  socket.lend((piece) => {
    seen.push(String(piece));
    return false;
  });
  for (let count = 0; count < 4 && !ended; count++) {
    await turn();
    socket.goOn();
  }
  await turn();
  expect(seen.join('')).toBe('abc');
  expect(ended).toBe(true);
});

test('send goes out at once, says when it has not, and stays behind what was written', async () => {
  const { socket, written, take } = make();
  expect(socket.send(bytes('fast'))).toBeUndefined();
  const slow = socket.send(bytes('slow'));
  expect(written).toEqual(['fast', 'slow']);
  take();
  await slow;
  socket.cork();
  socket.write('queued');
  const behind = socket.send(bytes('behind'));
  socket.uncork();
  await behind;
  expect(written).toEqual(['fast', 'slow', 'queued', 'behind']);
  expect(socket.bytesWritten).toBe(20);
  socket.destroy();
  await socket.send(bytes('nobody'));
  expect(written).not.toContain('nobody');
});
