import { describe, expect, test } from 'vitest';
import { CgiError } from '../../src/index.ts';
import { KnownHeads } from '../../src/answer/script-header.ts';
import type { ScriptHead } from '../../src/answer/script-header.ts';
import { BackendAnswer } from '../../src/fastcgi/backend-answer.ts';
import type { BackendContent } from '../../src/fastcgi/backend-answer.ts';
import { gatewayLimitsTable } from '../../src/fastcgi/options.ts';
import type { BackendOutput } from '../../src/fastcgi/output.ts';
import type { OutputNow } from '../../src/fastcgi/pending-output.ts';
import { completed } from '../../src/options.ts';

/** `end` and `timed-out` are themselves, other texts are output. */
type Said = string | Error;

/** An output that says these things in order; of those from `nowFrom` on, all bytes are there at once. */
class FakeOutput implements BackendOutput {
  readonly hasAnswered = true;
  sentAt = 0;
  tookMs = 0;
  isUnderWay = false;
  readonly isOver = false;
  aborts = 0;
  readonly waits: number[] = [];
  /** For how long what follows was to be gathered. */
  readonly gathers: number[] = [];
  /** Whether all that it says is here already, and whether its end is. */
  isNow = false;
  isEndNow = true;
  endNow: 'end' | Error = 'end';
  readonly #said: Said[];
  #left: Buffer | undefined;

  constructor(...said: Said[]) {
    this.#said = said;
  }

  async read(timeoutMs: number, gatherMs = 0): Promise<Uint8Array | 'end' | 'timed-out'> {
    this.waits.push(timeoutMs);
    this.gathers.push(gatherMs);
    if (this.#left !== undefined) return this.readNow().bytes ?? 'end';
    const said = this.#said[0] ?? 'end';
    if (said !== 'end') this.#said.shift();
    if (said instanceof Error) throw said;
    return said === 'end' || said === 'timed-out' ? said : Buffer.from(said, 'latin1');
  }

  some(withinMs: number, then: () => void): void {
    this.waits.push(withinMs);
    this.gathers.push(0);
    then();
  }

  peek(): Uint8Array | 'end' | 'nothing' {
    const said = this.#said[0] ?? 'end';
    if (said instanceof Error) throw said;
    if (said === 'timed-out') this.#said.shift();
    return said === 'end' ? said : said === 'timed-out' ? 'nothing' : Buffer.from(said, 'latin1');
  }

  get isEmpty(): boolean {
    return this.#left === undefined;
  }

  begins(bytes: Uint8Array): boolean {
    const [said = 'end'] = this.#said;
    return typeof said === 'string' && said.startsWith(Buffer.from(bytes).toString('latin1'));
  }

  /** What is left of an output is here in any case. */
  skip(count: number): void {
    const left = Buffer.from(this.#said.shift() as string, 'latin1').subarray(count);
    this.#left = left.length === 0 ? undefined : left;
  }

  gathered(withinMs: number, then: () => void): void {
    this.gathers.push(withinMs);
    then();
  }

  readNow(): OutputNow {
    const chunks = this.#left === undefined ? [] : [this.#left];
    this.#left = undefined;
    while (this.isNow && this.#said.length > 0 && this.#said[0] !== 'end') {
      chunks.push(Buffer.from(this.#said.shift() as string));
    }
    const bytes = chunks.length === 0 ? undefined : Buffer.concat(chunks);
    return { bytes, end: this.isNow && this.isEndNow ? this.endNow : undefined };
  }

  abort(): void {
    this.aborts++;
  }
}

const limits = {
  ...completed(gatewayLimitsTable, {}),
  headerTimeoutMs: 5000,
  silenceTimeoutMs: 700,
  maxHeaderBytes: 100,
};

const known = new KnownHeads();

function answerOf(...said: Said[]): { output: FakeOutput; answer: BackendAnswer } {
  const output = new FakeOutput(...said);
  return { output, answer: new BackendAnswer(output, { name: '/app.php', limits, tail: () => 'PHP Warning', known }) };
}

const UNASKED = {
  headRead: (): void => expect.unreachable(),
  contentRead: (): void => expect.unreachable(),
};

async function headOf(answer: BackendAnswer): Promise<ScriptHead> {
  return new Promise((headRead, failed) => answer.readHead({ ...UNASKED, headRead, failed }));
}

async function contentOf(answer: BackendAnswer, head: ScriptHead, method = 'GET'): Promise<BackendContent> {
  return new Promise((contentRead, failed) =>
    answer.readContent(head, { method, isForNow: false }, { ...UNASKED, contentRead, failed }),
  );
}

async function text(content: Uint8Array | AsyncIterable<Uint8Array>): Promise<string> {
  if (content instanceof Uint8Array) return Buffer.from(content).toString();
  let all = '';
  for await (const bytes of content) all += Buffer.from(bytes).toString();
  return all;
}

describe('BackendAnswer.head', () => {
  test('comes of as many outputs as it takes', async () => {
    const { answer, output } = answerOf('Status: 40', '4\r', '\nA: b\n', '\nrest');
    expect(await headOf(answer)).toMatchObject({ status: 404, rest: Buffer.from('rest') });
    expect(output.aborts).toBe(0);
  });

  test('has one time-out for all of it, and never waits for less than a millisecond', async () => {
    const { answer, output } = answerOf('A: b\n', 'C: d\n', '\n');
    await headOf(answer);
    expect(output.waits).toHaveLength(3);
    for (const wait of output.waits) expect(wait).toBeLessThanOrEqual(5000);
    for (const wait of output.waits) expect(wait).toBeGreaterThanOrEqual(1);
    expect(output.waits[2]).toBeLessThanOrEqual(output.waits[0] as number);
  });

  test.each<[string, Said[], string, string]>([
    ['nothing', ['end'], 'no-output', '/app.php: no output'],
    ['half a header', ['A: b\n', 'end'], 'bad-header', '/app.php: its header did not end'],
    ['no header in time', ['A: b\n', 'timed-out'], 'timed-out', '/app.php: no header within 5000 ms'],
    [
      'what is no field',
      ['nonsense\n\n'],
      'bad-header',
      '/app.php: the header has a line that is not a field: "nonsense"',
    ],
    ['too long a header', ['x'.repeat(101)], 'bad-header', '/app.php: the header is longer than 100 bytes'],
    ['its end', [new CgiError('backend-gone', 'it closed')], 'backend-gone', '/app.php: it closed'],
  ])('says why there is none where the application gives %s', async (_, said, code, message) => {
    const { answer, output } = answerOf(...said);
    await expect(headOf(answer)).rejects.toMatchObject({ code, message, script: '/app.php', stderr: 'PHP Warning' });
    expect(output.aborts).toBe(1);
  });

  test('has all of its time from the last content that the application took', async () => {
    const { answer, output } = answerOf('timed-out', 'A: b\n\n', 'end');
    // Beyond what its time from the start allows, however long this takes.
    output.sentAt = performance.now() + 600_000;
    expect((await headOf(answer)).fields).toEqual([['a', 'b']]);
    expect(output.waits.every((wait) => wait > limits.headerTimeoutMs)).toBe(true);
  });

  test('keeps the cause of a failure, and lets what is no CgiError through', async () => {
    const cause = new Error('ECONNRESET');
    const named = answerOf(new CgiError('backend-gone', 'it closed', { cause }));
    await expect(headOf(named.answer)).rejects.toMatchObject({ cause });
    const bug = answerOf(new RangeError('a bug'));
    await expect(headOf(bug.answer)).rejects.toThrow(RangeError);
    expect(bug.output.aborts).toBe(1);
  });
});

describe('BackendAnswer.content', () => {
  async function contentOfSaid(isNow: boolean, ...said: Said[]): Promise<BackendContent> {
    const { answer, output } = answerOf(...said);
    const head = await headOf(answer);
    output.isNow = isNow;
    return contentOf(answer, head);
  }

  test.each<[string, string]>([
    ['no length', 'A: b\n\none'],
    ['its length', 'Content-Length: 6\n\none'],
  ])('is bytes where the application is done and said %s', async (_, head) => {
    const content = await contentOfSaid(true, head, 'two');
    expect(content).toBeInstanceOf(Uint8Array);
    expect(await text(content)).toBe('onetwo');
  });

  test('is no bytes where it is done and wrote nothing', async () => {
    expect(await contentOfSaid(true, 'A: b\n\n')).toHaveLength(0);
  });

  test('has what is here already in its place where the application goes on', async () => {
    const { answer, output } = answerOf('A: b\n\none', 'two', 'three', 'end');
    const head = await headOf(answer);
    output.isNow = true;
    output.isEndNow = false;
    expect(await text(await contentOf(answer, head))).toBe('onetwothree');
  });

  test.each(['Content-Length: 7\n\n', 'A: b\n\n', 'Status: 304\n\n'])(
    'is what came before an application left, behind %j',
    async (header) => {
      const { answer, output } = answerOf(`${header}one`, 'two');
      const head = await headOf(answer);
      output.isNow = true;
      output.endNow = new CgiError('backend-gone', 'it closed');
      const content = (await contentOf(answer, head)) as AsyncIterableIterator<Uint8Array>;
      expect((await content.next()).value).toEqual(Buffer.from('onetwo'));
    },
  );

  test.each<[string, Said[], string]>([
    ['all of it', ['Content-Length: 6\n\none', 'two'], 'onetwo'],
    ['more than it', ['Content-Length: 4\n\none', 'two'], 'onet'],
    ['nothing, as it', ['Content-Length: 0\n\n'], ''],
  ])('is whole where an application left that had written %s announced', async (_, said, expected) => {
    for (const isNow of [true, false]) {
      const gone = new CgiError('backend-gone', 'it closed');
      const { answer, output } = answerOf(...said, ...(isNow ? [] : [gone]));
      const head = await headOf(answer);
      output.isNow = isNow;
      output.endNow = gone;
      expect(await text(await contentOf(answer, head))).toBe(expected);
    }
  });

  test('is refused with all that is no FastCGI', async () => {
    const { answer, output } = answerOf('A: b\n\none');
    const head = await headOf(answer);
    output.isNow = true;
    output.endNow = new CgiError('bad-header', 'not FastCGI');
    await expect(contentOf(answer, head)).rejects.toMatchObject({ message: '/app.php: not FastCGI' });
  });

  test('comes as it is made where the application goes on', async () => {
    const content = await contentOfSaid(false, 'A: b\n\none', 'two', 'three', 'end');
    expect(content).not.toBeInstanceOf(Uint8Array);
    expect(await text(content)).toBe('onetwothree');
  });

  test('that is all here and less than announced is refused, but for HEAD and where there is none', async () => {
    for (const [head, method] of [
      ['Content-Length: 9\n\none', 'GET'],
      ['Status: 304\nContent-Length: 9\n\none', 'GET'],
      ['Content-Length: 9\n\none', 'HEAD'],
    ] as const) {
      const { answer, output } = answerOf(head, 'two', 'end');
      const read = await headOf(answer);
      output.isNow = true;
      const isRefused = method === 'GET' && read.status === 200;
      const content = contentOf(answer, read, method);
      if (isRefused) await expect(content).rejects.toThrow('/app.php: it announced 9 bytes and wrote 6');
      else expect(await content).not.toBeInstanceOf(Uint8Array);
    }
  });

  test.each([
    [true, 0],
    [false, 1],
  ])('is cut at the announced length (all here: %s), and the connection given up %i times', async (isNow, aborts) => {
    const { answer, output } = answerOf('Content-Length: 4\n\none', 'two', 'end');
    const head = await headOf(answer);
    output.isNow = isNow;
    expect(await text(await contentOf(answer, head))).toBe('onet');
    expect(output.aborts).toBe(aborts);
  });

  test('fails after the time between two outputs, with the connection given up', async () => {
    const { answer, output } = answerOf('A: b\n\none', 'timed-out');
    const content = await contentOf(answer, await headOf(answer));
    await expect(text(content)).rejects.toMatchObject({ code: 'timed-out', message: '/app.php: no output for 700 ms' });
    expect([output.aborts, output.waits.at(-1)]).toEqual([1, 700]);
  });

  test('gives the connection up when its reader leaves', async () => {
    const { answer, output } = answerOf('A: b\n\none', 'two');
    const content = await contentOf(answer, await headOf(answer));
    for await (const bytes of content as AsyncIterable<Uint8Array>) {
      expect(Buffer.from(bytes).toString()).toBe('one');
      break;
    }
    expect(output.aborts).toBe(1);
  });
});

describe('pieces', () => {
  async function gathersOf(...said: Said[]): Promise<readonly number[]> {
    const { answer, output } = answerOf(...said);
    await text(await contentOf(answer, await headOf(answer)));
    return output.gathers;
  }

  test('are gathered behind a header that came with content', async () => {
    expect(await gathersOf('A: b\n\none', 'two', 'end')).toEqual([0, 20, 20, 20]);
    for (const [tookMs, gatherMs] of [
      [160, 20],
      [240, 30],
      [10_000, 60],
    ] as const) {
      const { answer, output } = answerOf('A: b\n\none', 'end');
      output.tookMs = tookMs;
      await contentOf(answer, await headOf(answer));
      expect(output.gathers.at(-1)).toBe(gatherMs);
    }
  });

  test('are gathered behind a header that came alone while content is under way', async () => {
    const { answer, output } = answerOf('A: b\n\n', 'one', 'end');
    output.isUnderWay = true;
    await text(await contentOf(answer, await headOf(answer)));
    expect(output.gathers).toEqual([0, 20, 20, 20]);
  });

  test('pass one by one where they are events, or the header came alone', async () => {
    const events = 'Content-Type: text/event-stream; charset=utf-8\n\n';
    expect(await gathersOf(`${events}one`, 'two', 'end')).toEqual([0, 0, 0]);
    expect(await gathersOf('A: b\n\n', 'one', 'end')).toEqual([0, 0, 0]);
  });
});

describe('BackendAnswer.drain', () => {
  test('reads to the end, and leaves the connection as it is', async () => {
    const { answer, output } = answerOf('A: b\n\none', 'two', 'three', 'end');
    await headOf(answer);
    await answer.drain();
    expect([await output.read(1), output.aborts]).toEqual(['end', 0]);
  });

  test('fails with its connection', async () => {
    const { answer } = answerOf('A: b\n\n', new CgiError('backend-gone', 'it closed'));
    await headOf(answer);
    await expect(answer.drain()).rejects.toMatchObject({ code: 'backend-gone' });
  });
});
