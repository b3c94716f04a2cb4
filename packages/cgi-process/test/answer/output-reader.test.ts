import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { OutputReader } from '../../src/answer/output-reader.ts';

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
