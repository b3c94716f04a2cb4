// The transport on a bare handle, with a handle that this test plays and the descriptor of a real pipe: a system that takes
// some bytes and not others, reads that bring nothing, ends and errors.

import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { Handle } from '../../src/transport/handle.ts';
import { HandleTransport } from '../../src/transport/handle-transport.ts';

const folder = mkdtempSync(join(tmpdir(), 'onezero-handle-'));
afterAll(() => rmSync(folder, { recursive: true }));

let opened: number[] = [];
afterEach(() => {
  for (const descriptor of opened) closeSync(descriptor);
  opened = [];
});

let pipes = 0;

interface Played {
  readonly transport: HandleTransport;
  readonly handle: FakeHandle;
  readonly told: readonly string[];
  readonly reader: number;
}

class FakeHandle implements Handle {
  readonly fd: number;
  bytesRead = 0;
  onread: () => void = () => {};
  buffer: Uint8Array = new Uint8Array(0);
  readonly calls: string[] = [];
  isGone = false;
  isClosed = false;

  constructor(fd: number) {
    this.fd = fd;
  }

  useUserBuffer(buffer: Uint8Array): void {
    this.buffer = buffer;
  }
  readStart(): number {
    this.calls.push('start');
    return 0;
  }
  readStop(): number {
    this.calls.push('stop');
    return 0;
  }
  setNoDelay(): number {
    this.calls.push('no delay');
    return 0;
  }
  getpeername(out: { address?: string; port?: number }): number {
    if (this.isGone) return -107;
    Object.assign(out, { address: '192.0.2.7', port: 4711 });
    return 0;
  }
  getsockname(out: { address?: string; port?: number }): number {
    Object.assign(out, { address: '192.0.2.1', port: 80 });
    return 0;
  }
  close(closed?: () => void): void {
    this.isClosed = true;
    setImmediate(() => closed?.());
  }

  /** The system has read these bytes into the buffer that it was given. */
  bring(text: string): void {
    this.buffer.set(Buffer.from(text));
    this.bytesRead += text.length;
    this.onread();
  }
}

function play(): Played {
  const path = join(folder, String(++pipes));
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  opened.push(reader, writer);
  const handle = new FakeHandle(writer);
  const transport = new HandleTransport(handle);
  const told: string[] = [];
  transport.open({
    received: (bytes) => void told.push(Buffer.from(bytes).toString()),
    finished: () => void told.push('finished'),
    closed: () => void told.push('closed'),
  });
  return { transport, handle, told, reader };
}

function read(descriptor: number): string {
  const buffer = Buffer.alloc(200_000);
  try {
    return buffer.toString('latin1', 0, readSync(descriptor, buffer));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return '';
    throw error;
  }
}

describe('reading', () => {
  test('hands over each read, whatever its length', () => {
    const { handle, told } = play();
    for (const text of ['a', 'bcd', 'e', 'fgh', 'i'.repeat(1000), 'j']) handle.bring(text);
    expect(told).toEqual(['a', 'bcd', 'e', 'fgh', 'i'.repeat(1000), 'j']);
    expect(handle.calls).toEqual(['start']);
  });

  test('asks again after a read that brought nothing, and takes only a second one for the end', () => {
    const { handle, told } = play();
    handle.bring('a');
    handle.onread();
    expect([told, handle.calls]).toEqual([['a'], ['start', 'stop', 'start']]);
    handle.bring('b');
    handle.onread();
    handle.onread();
    handle.onread();
    expect(told).toEqual(['a', 'b', 'finished']);
  });

  test('closes a connection that is broken, without an end', async () => {
    const { handle, told, transport } = play();
    expect(transport.isBroken).toBe(false);
    handle.isGone = true;
    expect(transport.isBroken).toBe(true);
    handle.onread();
    await expect.poll(() => told).toEqual(['closed']);
    expect(transport.isBroken).toBe(false);
  });

  test('pauses and goes on, each once', () => {
    const { handle, transport } = play();
    transport.pause();
    transport.pause();
    transport.resume();
    transport.resume();
    expect(handle.calls).toEqual(['start', 'stop', 'start']);
  });
});

describe('writing', () => {
  test('goes to the system in the order given, whole or in pieces', async () => {
    const { transport, handle, reader } = play();
    expect(transport.write(Buffer.from('one,'))).toBe(true);
    expect(transport.writeAll([Buffer.from('two,'), Buffer.alloc(0), Buffer.from('three')])).toBe(true);
    expect(transport.write(Buffer.alloc(0))).toBe(true);
    expect(await transport.flushed()).toBe(true);
    expect(read(reader)).toBe('one,two,three');
    expect([transport.writtenBytes, transport.pendingBytes]).toEqual([13, 0]);
    // Small writes must not wait for one another; the first one cannot.
    expect(handle.calls).toEqual(['start', 'no delay']);
  });

  test('to a peer that has gone closes the connection, once', async () => {
    const { transport, handle, told, reader } = play();
    closeSync(reader);
    opened = opened.filter((descriptor) => descriptor !== reader);
    expect(transport.write(Buffer.from('a'))).toBe(false);
    expect(transport.write(Buffer.from('b'))).toBe(false);
    expect(transport.writeAll([Buffer.from('c')])).toBe(false);
    expect(await transport.flushed()).toBe(false);
    transport.destroy();
    transport.end();
    transport.reset();
    await expect.poll(() => told).toEqual(['closed']);
    expect(handle.isClosed).toBe(true);
  });

  test('leaves at once when all is with the system', async () => {
    const { transport, told, reader } = play();
    transport.write(Buffer.from('last'));
    transport.leave();
    await expect.poll(() => told).toEqual(['closed']);
    expect(read(reader)).toBe('last');
  });
});

test('both ends are asked of the system', () => {
  const { transport, handle } = play();
  expect(transport.remote).toEqual({ address: '192.0.2.7', port: 4711 });
  expect(transport.local).toEqual({ address: '192.0.2.1', port: 80 });
  handle.isGone = true;
  expect(transport.remote).toEqual({ address: '', port: 0 });
  expect(transport.secure).toBe(false);
});
