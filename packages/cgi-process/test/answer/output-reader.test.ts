import { closeSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { OutputReader } from '../../src/answer/output-reader.ts';
import { FifoDirectory, openForReading } from '../../src/process/fifo-directory.ts';

const FOREVER = Number.POSITIVE_INFINITY;

describe('OutputReader', () => {
  test('gives what is there, waits for what comes, and says when it is the end', async () => {
    const stream = new PassThrough();
    const reader = new OutputReader(stream);
    stream.write('one');
    expect(await reader.read(FOREVER)).toEqual(Buffer.from('one'));
    const next = reader.read(FOREVER);
    stream.write('two');
    expect(await next).toEqual(Buffer.from('two'));
    const last = reader.read(FOREVER);
    stream.end();
    expect(await last).toBe('end');
    expect(await reader.read(FOREVER)).toBe('end');
  });

  test('gives up a wait after its time, and can be asked again', async () => {
    const stream = new PassThrough();
    const reader = new OutputReader(stream);
    expect(await reader.read(1)).toBe('timed-out');
    stream.write('late');
    expect(await reader.read(FOREVER)).toEqual(Buffer.from('late'));
  });

  test('takes what came while this process stood still for longer than it waits', async () => {
    const fifos = new FifoDirectory();
    onTestFinished(() => fifos.remove());
    const { readEnd, writeEnd } = openForReading(await fifos.take());
    onTestFinished(() => closeSync(writeEnd));
    const stream = new Socket({ fd: readEnd, readable: true, writable: false });
    onTestFinished(() => void stream.destroy());
    const waiting = new OutputReader(stream).read(10);
    writeSync(writeEnd, 'in time');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    expect(String(await waiting)).toBe('in time');
  });

  test('bounds waits from a moment on, also the one under way', async () => {
    const reader = new OutputReader(new PassThrough());
    const waiting = reader.read(FOREVER);
    reader.waitAtMost(1);
    expect(await waiting).toBe('timed-out');
    expect(await reader.read(FOREVER)).toBe('timed-out');
  });

  test('rejects with what breaks the stream, after the bytes that came before', async () => {
    const stream = new PassThrough();
    const reader = new OutputReader(stream);
    const waiting = reader.read(FOREVER);
    stream.destroy(new Error('broken'));
    await expect(waiting).rejects.toThrow('broken');
    await expect(reader.read(FOREVER)).rejects.toThrow('broken');
  });

  test('takes a stream that is destroyed without an error for one that has ended', async () => {
    const stream = new PassThrough();
    const reader = new OutputReader(stream);
    const waiting = reader.read(FOREVER);
    stream.destroy();
    expect(await waiting).toBe('end');
  });
});
