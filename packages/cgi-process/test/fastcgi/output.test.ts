import fc from 'fast-check';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Connection } from '../../src/fastcgi/connection.ts';
import { FastcgiOutput, ScgiOutput } from '../../src/fastcgi/output.ts';
import type { BackendOutput, BackendRequest } from '../../src/fastcgi/output.ts';
import { nothing } from '../../src/spool/collect-content.ts';
import type { Collected } from '../../src/spool/collect-content.ts';
import { encodePairs, requestHead, scgiHead } from '../../src/fastcgi/records.ts';
import { endRecord, FakeSocket, record, recordsIn } from './socket.ts';

function contentOf(pieces: AsyncIterable<Uint8Array>): Collected {
  return { ...nothing, length: 1, pieces: () => pieces };
}

async function* piecesOf(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text, 'latin1');
}

interface Asked {
  readonly fake: FakeSocket;
  readonly connection: Connection;
  readonly output: BackendOutput;
  readonly errors: string[];
  /** What `finished` was called with. */
  readonly finished: boolean[];
}

function ask(Output: typeof FastcgiOutput | typeof ScgiOutput, changes: Partial<BackendRequest> = {}): Asked {
  const fake = new FakeSocket();
  const connection = new Connection(fake.socket);
  fake.connection = connection;
  const errors: string[] = [];
  const finished: boolean[] = [];
  const stderr = (bytes: Buffer): void => void errors.push(bytes.toString('latin1'));
  const { content = nothing, keep = true } = changes;
  const head =
    Output === ScgiOutput ? scgiHead({ A: 'b' }) : requestHead(encodePairs({ A: 'b' }), keep, content === nothing);
  const request = {
    head,
    stderr,
    finished: (mayKeep: boolean): void => void finished.push(mayKeep),
    ...changes,
    content,
    keep,
  };
  const output = new Output(connection, request);
  return { fake, connection, output, errors, finished };
}

const TIME_MS = 60_000;

/** Has no time pass until the test ends: behind what has taken long a socket rests. */
function stopTime(): void {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
}

/** All output to its end, or the code of its error. */
async function read({ output }: Asked): Promise<string> {
  let text = '';
  for (;;) {
    const bytes = await output.read(TIME_MS);
    if (bytes === 'end' || bytes === 'timed-out') return bytes === 'end' ? text : `${text} (timed out)`;
    text += Buffer.from(bytes).toString('latin1');
  }
}

describe('FastcgiOutput, asking', () => {
  test('sends one request with its parameters and the ends of both streams', async () => {
    const { fake } = ask(FastcgiOutput);
    await turn();
    expect(recordsIn(fake.written)).toEqual([
      [1, '\0\x01\x01\0\0\0\0\0'],
      [4, '\x01\x01Ab'],
      [4, ''],
      [5, ''],
    ]);
  });

  test('asks to close the connection where it is not to be kept', async () => {
    const { fake } = ask(FastcgiOutput, { keep: false });
    await turn();
    expect(recordsIn(fake.written)[0]).toEqual([1, '\0\x01\0\0\0\0\0\0']);
  });

  test.each([1, 65_534, 65_535, 65_536, 131_071, 200_000])('sends %i bytes of content and its end', async (length) => {
    const content = contentOf(piecesOf('x'.repeat(length), 'y'));
    const { fake } = ask(FastcgiOutput, { content });
    await expect.poll(() => recordsIn(fake.written).at(-1)).toEqual([5, '']);
    expect(recordsIn(fake.written).at(-2)).toEqual([5, `${'x'.repeat(length)}y`]);
  });

  test('sends no empty record for an empty piece, which would end the content', async () => {
    const { fake } = ask(FastcgiOutput, { content: contentOf(piecesOf('a', '', 'b')) });
    await expect
      .poll(() => recordsIn(fake.written).slice(-2))
      .toEqual([
        [5, 'ab'],
        [5, ''],
      ]);
  });

  test('waits for a backend that takes no more', async () => {
    let asked = 0;
    async function* content(): AsyncGenerator<Uint8Array> {
      for (; asked < 3; asked++) yield Buffer.alloc(2000, 'x');
    }
    const fake = new FakeSocket();
    fake.isStuck = true;
    const request = { head: '', content: contentOf(content()), keep: true, stderr: () => {}, finished: () => {} };
    const output = new FastcgiOutput(new Connection(fake.socket), request);
    for (let count = 0; count < 5; count++) await turn();
    expect(asked).toBe(0);
    fake.goOn();
    await expect.poll(() => asked).toBe(3);
    expect(output.sentAt).toBeGreaterThan(0);
    output.abort();
  });

  test('aborts the request and closes when the content breaks off', async () => {
    async function* content(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('half');
      throw new Error('reset');
    }
    const asked = ask(FastcgiOutput, { content: contentOf(content()) });
    await expect.poll(() => asked.finished).toEqual([false]);
    expect(recordsIn(asked.fake.written).slice(-2)).toEqual([
      [5, 'half'],
      [2, ''],
    ]);
    expect(asked.fake.destroyed).toBe(true);
  });

  test('aborts once, and not after the end', async () => {
    const asked = ask(FastcgiOutput);
    asked.output.abort();
    asked.output.abort();
    expect(asked.finished).toEqual([false]);
    const other = ask(FastcgiOutput);
    other.fake.say(endRecord());
    expect(await read(other)).toBe('');
    other.output.abort();
    expect(other.finished).toEqual([true]);
    expect(recordsIn(other.fake.written).map(([type]) => type)).not.toContain(2);
  });
});

describe('FastcgiOutput, answered', () => {
  const answer = Buffer.concat([
    record(6, 'Status: 200\n\n', 3),
    record(7, 'oh', 7),
    record(6, 'text'),
    record(7, ''),
    record(6, ''),
    endRecord(),
  ]);

  test('comes to the same wherever the bytes are cut', async () => {
    for (let cut = 0; cut <= answer.length; cut++) {
      const asked = ask(FastcgiOutput);
      const reading = read(asked);
      asked.fake.say(answer.subarray(0, cut));
      await turn();
      asked.fake.say(answer.subarray(cut));
      expect(await reading).toBe('Status: 200\n\ntext');
      expect([asked.errors.join(''), asked.finished, asked.fake.destroyed]).toEqual(['oh', [true], false]);
    }
  });

  test('is the same byte by byte', async () => {
    const asked = ask(FastcgiOutput);
    const reading = read(asked);
    for (const byte of answer) {
      asked.fake.say(Buffer.from([byte]));
      await turn();
    }
    expect(await reading).toBe('Status: 200\n\ntext');
  });

  test('gives what is there without waiting, and says whether it is all', async () => {
    stopTime();
    const { fake, output, finished } = ask(FastcgiOutput);
    fake.say(Buffer.concat([record(6, 'one'), record(6, 'two')]));
    expect(Buffer.from((await output.read(TIME_MS)) as Uint8Array).toString()).toBe('onetwo');
    expect(output.readNow()).toEqual({ bytes: undefined, end: undefined });
    fake.say(Buffer.concat([record(6, 'three'), record(6, 'four'), endRecord()]));
    expect(output.readNow()).toEqual({ bytes: Buffer.from('threefour'), end: 'end' });
    expect(await output.read(TIME_MS)).toBe('end');
    expect(finished).toEqual([true]);
  });

  test.each<[string, Buffer, Partial<BackendRequest>]>([
    ['the application says so', Buffer.concat([endRecord(), record(6, 'late')]), {}],
    ['it was not asked for', endRecord(), { keep: false }],
    ['the content was not taken', endRecord(), { content: contentOf(piecesOf('x')) }],
  ])('does not keep the connection where %s', async (_, bytes, changes) => {
    const asked = ask(FastcgiOutput, changes);
    asked.fake.say(bytes);
    expect(await read(asked)).toBe('');
    expect(asked.finished).toEqual([false]);
    expect(asked.fake.destroyed).toBe(true);
  });

  test.each<[string, Buffer, string]>([
    ['is overloaded', endRecord(2), 'busy'],
    ['takes one request at a time', endRecord(1), 'bad-header'],
    ['knows no such role', endRecord(3), 'bad-header'],
    ['speaks HTTP', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), 'bad-header'],
    ['speaks another version', Buffer.from([2, 6, 0, 1, 0, 0, 0, 0]), 'bad-header'],
    ['ends with too short a record', record(3, '\0\0\0\0'), 'bad-header'],
  ])('fails where the application %s', async (_, bytes, code) => {
    const asked = ask(FastcgiOutput);
    asked.fake.say(bytes);
    await expect(read(asked)).rejects.toMatchObject({ code });
    expect(asked.finished).toEqual([false]);
    expect(asked.fake.destroyed).toBe(true);
  });

  test.each([
    ['before anything', Buffer.alloc(0), false],
    ['within a header', record(6, 'x').subarray(0, 5), true],
    ['within a record', record(6, 'xyz').subarray(0, 10), true],
    ['after output', record(6, 'x'), true],
  ])('fails where the connection closes %s', async (_, bytes, hasAnswered) => {
    const asked = ask(FastcgiOutput);
    if (bytes.length > 0) asked.fake.say(bytes);
    asked.fake.say(null);
    await expect(read(asked)).rejects.toMatchObject({ code: 'backend-gone' });
    expect([asked.output.hasAnswered, asked.finished]).toEqual([hasAnswered, [false]]);
  });

  test('fails with the reason of a connection that breaks', async () => {
    const asked = ask(FastcgiOutput);
    const reading = read(asked);
    asked.fake.destroy(Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
    await expect(reading).rejects.toMatchObject({ code: 'backend-gone', cause: { code: 'ECONNRESET' } });
  });

  test('takes STDERR for no output, however much of it there is', async () => {
    const { fake, output, errors } = ask(FastcgiOutput);
    let isOver = false;
    const talk = async (): Promise<void> => {
      for (; !isOver; await turn()) fake.say(record(7, 'x'));
    };
    const talking = talk();
    expect(await output.read(30)).toBe('timed-out');
    isOver = true;
    await talking;
    expect(errors.length).toBeGreaterThan(1);
  });

  test('gives any stream of records in order', async () => {
    const part = fc.record({
      type: fc.constantFrom(6, 7),
      content: fc.uint8Array({ maxLength: 30 }),
      padding: fc.integer({ min: 0, max: 255 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 8 }), fc.array(fc.nat(600), { maxLength: 5 }), async (parts, at) => {
        const bytes = Buffer.concat([...parts.map((p) => record(p.type, p.content, p.padding)), endRecord()]);
        const asked = ask(FastcgiOutput);
        const reading = read(asked);
        const cuts = [...at.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
        let start = 0;
        for (const cut of cuts) {
          if (cut > start) asked.fake.say(bytes.subarray(start, cut));
          start = cut;
          await turn();
        }
        const of = (type: number): string =>
          Buffer.concat(parts.filter((p) => p.type === type).map((p) => p.content)).toString('latin1');
        expect(await reading).toBe(of(6));
        expect(asked.errors.join('')).toBe(of(7));
      }),
      { numRuns: 100 },
    );
  });
});

describe('a connection with several requests', () => {
  test('carries one request after another', async () => {
    const fake = new FakeSocket();
    const connection = new Connection(fake.socket);
    fake.connection = connection;
    for (const text of ['one', 'two', 'three']) {
      connection.rest(false);
      const request = {
        head: '',
        content: nothing,
        keep: true,
        stderr: () => {},
        finished: () => connection.rest(true),
      };
      const output = new FastcgiOutput(connection, request);
      fake.say(Buffer.concat([record(6, text), endRecord()]));
      expect(Buffer.from((await output.read(TIME_MS)) as Uint8Array).toString()).toBe(text);
      expect(await output.read(TIME_MS)).toBe('end');
      await turn();
      expect([connection.isOpen, fake.isReferenced]).toEqual([true, false]);
    }
  });

  test('tells whether a record has begun of which there is more', () => {
    stopTime();
    const { fake, output } = ask(FastcgiOutput);
    const seen = [output.isUnderWay];
    const next = record(6, 'content', 1);
    for (const bytes of [record(6, 'A: b'), next.subarray(0, 4), next.subarray(4, 8), next.subarray(8)]) {
      fake.say(bytes);
      seen.push(output.isUnderWay);
    }
    expect(seen).toEqual([false, false, true, true, false]);
    fake.say(Buffer.concat([endRecord(), record(6, 'more')]));
    expect(output.isUnderWay).toBe(false);
  });
});

describe('ScgiOutput', () => {
  test('sends a netstring and the content as it is', async () => {
    const { fake, output } = ask(ScgiOutput, {
      head: scgiHead({ A: 'b', CONTENT_LENGTH: '3' }),
      content: contentOf(piecesOf('x', '', 'yz')),
    });
    await expect.poll(() => fake.written.toString('latin1')).toBe('28:CONTENT_LENGTH\x003\0SCGI\x001\0A\0b\0,xyz');
    expect(output.sentAt).toBeGreaterThan(0);
  });

  test('ends with the connection, which is never kept', async () => {
    const asked = ask(ScgiOutput);
    asked.fake.say(Buffer.from('Status: 200\n\nte'));
    asked.fake.say(Buffer.from('xt'));
    asked.fake.say(null);
    expect(await read(asked)).toBe('Status: 200\n\ntext');
    expect(asked.finished).toEqual([false]);
  });

  test('leaves out nothing where the application was slow, so that its socket rests between the pieces', async () => {
    stopTime();
    const asked = ask(ScgiOutput);
    vi.advanceTimersByTime(100);
    for (const text of ['Status: 200\n\nte', 'xt']) asked.fake.say(Buffer.from(text));
    asked.fake.say(null);
    expect(asked.fake.isHeld).toBe(true);
    expect(await read(asked)).toBe('Status: 200\n\ntext');
  });

  test('fails where nothing came', async () => {
    const asked = ask(ScgiOutput);
    asked.fake.say(null);
    await expect(read(asked)).rejects.toMatchObject({ code: 'backend-gone' });
    expect(asked.finished).toEqual([false]);
  });

  test('fails where it was given up, and where it breaks', async () => {
    const left = ask(ScgiOutput);
    left.fake.say(Buffer.from('x'));
    await left.output.read(TIME_MS);
    left.output.abort();
    await expect(read(left)).rejects.toMatchObject({ code: 'backend-gone' });
    const broken = ask(ScgiOutput);
    const reading = read(broken);
    broken.fake.destroy(new Error('reset'));
    await expect(reading).rejects.toMatchObject({ code: 'backend-gone', cause: { message: 'reset' } });
    expect([left.finished, broken.finished]).toEqual([[false], [false]]);
  });

  test('knows what is here, and that it is all when the connection has closed', async () => {
    const { fake, output } = ask(ScgiOutput);
    fake.say(Buffer.from('x'));
    expect(output.readNow()).toEqual({ bytes: Buffer.from('x'), end: undefined });
    fake.say(Buffer.from('y'));
    fake.say(null);
    await new Promise<void>((done) => output.gathered(TIME_MS, done));
    expect(output.readNow()).toEqual({ bytes: Buffer.from('y'), end: 'end' });
  });

  test('holds an application back that nobody reads', async () => {
    stopTime();
    const { fake, output } = ask(ScgiOutput);
    for (let count = 0; count < 4; count++) fake.say(Buffer.alloc(65_536, count));
    expect(fake.isHeld).toBe(true);
    expect(await output.read(TIME_MS)).toHaveLength(131_072);
    expect(await output.read(TIME_MS)).toHaveLength(131_072);
  });
});
