import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CgiError } from '../../src/index.ts';
import { StderrLines } from '../../src/answer/stderr-lines.ts';
import { ScriptRun, startError } from '../../src/answer/streamed-answer.ts';
import { ProcessError } from '../../src/process/process-error.ts';
import type { ProcessErrorCode } from '../../src/process/process-error.ts';
import type { Exit } from '../../src/process/process-options.ts';
import type { LaunchedProcess } from '../../src/process/unix-process.ts';
import type { Collected } from '../../src/spool/collect-content.ts';

// Immediates stay real: what came is read before a time is over.
beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => vi.useRealTimers());

/** A process whose every move is the test's. */
class FakeProcess {
  readonly stdout = new Readable({ read: () => {} });
  readonly written: string[] = [];
  readonly calls: string[] = [];
  hasEndedItself = false;
  takes = true;
  exit: (exit: Partial<Exit>) => void = () => {};
  fail: (error: Error) => void = () => {};
  readonly exited = new Promise<Exit>((resolve, reject) => {
    this.exit = (exit) => {
      const whole: Exit = { code: 0, signal: null, reason: 'exited', ...exit };
      this.hasEndedItself = whole.reason === 'exited';
      resolve(whole);
    };
    this.fail = reject;
  });
  readonly stdin = {
    write: async (bytes: Uint8Array): Promise<boolean> => {
      this.written.push(Buffer.from(bytes).toString());
      return this.takes;
    },
    end: async (): Promise<void> => void this.written.push('(end)'),
  };

  say(text: string | null): void {
    this.stdout.push(text === null ? null : Buffer.from(text, 'latin1'));
  }

  stop(): void {
    this.calls.push('stop');
  }

  async kill(): Promise<Exit> {
    this.calls.push('kill');
    return this.exited;
  }
}

const limits = { maxHeaderBytes: 1000, maxHeaderLines: 10, headerTimeoutMs: 60_000, silenceTimeoutMs: 30_000 };

interface Started {
  readonly process: FakeProcess;
  readonly run: ScriptRun;
  readonly lines: StderrLines;
}

function started(killWhenLeft = true): Started {
  const process = new FakeProcess();
  const lines = new StderrLines(1000, () => {});
  const stderr = { lines, ended: Promise.resolve() };
  const options = { script: '/s.cgi', limits, stderr, killWhenLeft, unreadMs: 90_000, since: performance.now() };
  return { process, lines, run: new ScriptRun(process as unknown as LaunchedProcess, options) };
}

/** What a promise came to, so that timers may be moved before anything listens to it. */
async function outcome(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch((error: unknown) => error);
}

async function read(content: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  for await (const bytes of content) text += Buffer.from(bytes).toString('latin1');
  return text;
}

function collected(memory: readonly string[], rest?: AsyncIterator<Uint8Array>): Collected {
  const bytes = memory.map((text) => Buffer.from(text));
  return { memory: bytes, file: undefined, length: 1, rest, pieces: () => ({}) as never, dispose: () => {} };
}

describe('ScriptRun.head', () => {
  test('comes as soon as the blank line has come, however it is cut', async () => {
    const { process, run } = started();
    const head = run.head();
    for (const part of ['Status: 404', ' No\nA: b', '\r\n', '\r', '\nrest']) {
      process.say(part);
      await vi.advanceTimersByTimeAsync(10_000);
    }
    expect(await head).toMatchObject({ status: 404, reason: 'No', rest: Buffer.from('rest') });
    expect(process.calls).toEqual([]);
  });

  test.each<[string, string, Partial<Exit>, string, string]>([
    ['nothing and exits', '', { code: 3 }, 'no-output', '/s.cgi: it exited with code 3 before its header ended'],
    [
      'nothing and is killed',
      '',
      { code: null, signal: 'SIGSEGV' },
      'no-output',
      '/s.cgi: it was ended by SIGSEGV before its header ended',
    ],
    ['half a header', 'A: b\n', { code: 0 }, 'bad-header', '/s.cgi: it exited with code 0 before its header ended'],
    [
      'too little in its time',
      '',
      { code: null, signal: 'SIGTERM', reason: 'timed-out' },
      'timed-out',
      '/s.cgi: it was ended (SIGTERM)',
    ],
    [
      'to a client that leaves',
      '',
      { code: null, signal: 'SIGTERM', reason: 'aborted' },
      'client-gone',
      '/s.cgi: it was ended (SIGTERM)',
    ],
    [
      'while the spawner is lost',
      '',
      { code: null, signal: null, reason: 'spawner-lost' },
      'killed',
      '/s.cgi: it was ended (spawner-lost)',
    ],
  ])('says why there is none of a script that writes %s', async (_, output, exit, code, message) => {
    const { process, run, lines } = started();
    lines.add(Buffer.from('Segmentation fault\n'));
    const head = outcome(run.head());
    if (output !== '') process.say(output);
    process.say(null);
    process.exit(exit);
    expect(await head).toMatchObject({ code, message, script: '/s.cgi', stderr: 'Segmentation fault\n' });
    expect(process.calls).toEqual(['stop']);
  });

  test('is waited for as long as its time-out says, and the script is ended then', async () => {
    const { process, run } = started();
    const head = outcome(run.head());
    process.say('A: b\n');
    await vi.advanceTimersByTimeAsync(59_999);
    expect(process.calls).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(await head).toMatchObject({ code: 'timed-out', message: '/s.cgi: no header within 60000 ms' });
    expect(process.calls).toEqual(['stop']);
  });

  test('counts its time anew from the last content that the script took', async () => {
    const { process, run } = started();
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('a');
      await new Promise((resolve) => setTimeout(resolve, 50_000));
      yield Buffer.from('b');
      await new Promise(() => {});
    }
    void run.feed(collected([], slow()));
    const head = outcome(run.head());
    await vi.advanceTimersByTimeAsync(109_999);
    expect(process.calls).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(await head).toMatchObject({ code: 'timed-out' });
  });

  test('counts from when the script took content, not from when it was offered', async () => {
    const { process, run } = started();
    process.stdin.write = async (): Promise<boolean> =>
      new Promise((resolve) => setTimeout(() => resolve(true), 50_000));
    async function* rest(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('a');
      await new Promise(() => {});
    }
    void run.feed(collected([], rest()));
    const head = outcome(run.head());
    await vi.advanceTimersByTimeAsync(109_999);
    expect(process.calls).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(await head).toMatchObject({ code: 'timed-out' });
  });

  test('is a failure of the script where the bytes are none', async () => {
    const { process, run } = started();
    const head = outcome(run.head());
    process.say('no field\n\n');
    expect(await head).toMatchObject({ code: 'bad-header', script: '/s.cgi' });
    expect(process.calls).toEqual(['stop']);
  });

  test('does not wait for a script that has closed its output and works on', async () => {
    const { process, run } = started();
    const head = outcome(run.head());
    process.say(null);
    await vi.advanceTimersByTimeAsync(200);
    expect(await head).toMatchObject({
      code: 'no-output',
      message: '/s.cgi: it closed its output before its header ended',
    });
  });

  test('waits five seconds for what a script left running that has ended by itself', async () => {
    const { process, run } = started();
    const head = outcome(run.head());
    process.exit({ code: 0 });
    await vi.advanceTimersByTimeAsync(4999);
    expect(process.calls).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(await head).toMatchObject({ code: 'no-output' });
  });

  test('names the failure of a command that turns out not to have started', async () => {
    const { process, run } = started();
    const head = outcome(run.head());
    process.fail(new ProcessError('not-executable', '/s.cgi: not executable'));
    process.say(null);
    expect(await head).toMatchObject({ code: 'script-forbidden', status: 403 });
  });
});

describe('ScriptRun.start', () => {
  test('gives the first bytes as they are', async () => {
    const { process, run } = started();
    process.say('HTTP/1.0 200 OK\r\n');
    expect(Buffer.from(await run.start()).toString()).toBe('HTTP/1.0 200 OK\r\n');
  });

  test('fails where there are none', async () => {
    const { process, run } = started();
    const start = outcome(run.start());
    process.say(null);
    process.exit({ code: 1 });
    expect(await start).toMatchObject({ code: 'no-output' });
  });
});

describe('ScriptRun.content', () => {
  test('ends with the output of a script that has ended well, whatever its exit code', async () => {
    const { process, run } = started();
    process.say('one');
    process.say(null);
    process.exit({ code: 7 });
    expect(await read(run.content(Buffer.from('rest '), undefined))).toBe('rest one');
  });

  test.each<[string, Partial<Exit>, string]>([
    ['by a signal', { code: null, signal: 'SIGSEGV' }, 'killed'],
    ['by the deadline', { code: null, signal: 'SIGTERM', reason: 'timed-out' }, 'timed-out'],
    ['by its size', { code: null, signal: 'SIGTERM', reason: 'output-too-long' }, 'killed'],
  ])('throws at the end of a script that was ended %s', async (_, exit, code) => {
    const { process, run } = started();
    process.say('one');
    process.say(null);
    process.exit(exit);
    const content = run.content(new Uint8Array(0), undefined);
    expect((await content.next()).value).toEqual(Buffer.from('one'));
    await expect(content.next()).rejects.toMatchObject({ code });
  });

  test('is whole where all that was announced came, however the script ends', async () => {
    const { process, run } = started();
    process.say('four');
    process.say(null);
    process.exit({ code: null, signal: 'SIGKILL' });
    expect(await read(run.content(new Uint8Array(0), 4))).toBe('four');
  });

  test('throws after the time between two outputs, and ends the script', async () => {
    const { process, run } = started();
    const content = run.content(Buffer.from('x'), undefined);
    await content.next();
    const next = outcome(content.next());
    await vi.advanceTimersByTimeAsync(29_999);
    expect(process.calls).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(await next).toMatchObject({ code: 'timed-out', message: '/s.cgi: no output for 30000 ms' });
    expect(process.calls).toEqual(['stop']);
  });

  test('ends, and is whole, where a process that the script left is silent for five seconds', async () => {
    const { process, run } = started();
    const content = run.content(Buffer.from('x'), undefined);
    await content.next();
    const next = content.next();
    process.exit({ code: 0 });
    await vi.advanceTimersByTimeAsync(5000);
    expect(await next).toEqual({ done: true, value: undefined });
    expect(process.calls).toEqual(['stop']);
  });

  test('ends the script when its reader leaves', async () => {
    const { process, run } = started();
    await run.content(Buffer.from('x'), undefined).return?.();
    expect(process.calls).toEqual(['stop']);
  });

  test('reads on when the reader leaves of a script that is to go on', async () => {
    const { process, run } = started(false);
    await run.content(Buffer.from('x'), undefined).return?.();
    for (let count = 0; count < 20; count++) process.say('y'.repeat(10_000));
    await vi.advanceTimersByTimeAsync(0);
    expect(process.stdout.readableLength).toBe(0);
    expect(process.calls).toEqual([]);
    for (let second = 0; second < 90; second++) {
      process.say('z');
      await vi.advanceTimersByTimeAsync(1000);
    }
    expect(process.calls).toEqual(['stop']);
  });
});

describe('ScriptRun.feed', () => {
  test('writes what is in memory, then what still comes, then the end', async () => {
    const { process, run } = started();
    async function* rest(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('c');
      yield Buffer.from('d');
    }
    await run.feed(collected(['a', 'b'], rest()));
    expect(process.written).toEqual(['a', 'b', 'c', 'd', '(end)']);
  });

  test('leaves the rest of a script that takes no more, and the script alone', async () => {
    const { process, run } = started();
    process.takes = false;
    let isReturned = false;
    async function* rest(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield Buffer.from('x');
      } finally {
        isReturned = true;
      }
    }
    await run.feed(collected([], rest()));
    expect(isReturned).toBe(true);
    expect(process.written).toEqual(['x', '(end)']);
    expect(process.calls).toEqual([]);
  });

  test('ends the script when the content breaks off, without its end', async () => {
    const { process, run } = started();
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('x');
      throw new Error('reset');
    }
    process.exit({ code: null, signal: 'SIGTERM', reason: 'killed' });
    await run.feed(collected([], broken()));
    expect(process.written).toEqual(['x']);
    expect(process.calls).toEqual(['kill']);
  });
});

describe('startError', () => {
  test.each<[ProcessErrorCode, string, number]>([
    ['argument-list-too-long', 'fields-too-large', 431],
    ['too-many-files', 'busy', 503],
    ['too-many-processes', 'busy', 503],
    ['out-of-memory', 'busy', 503],
    ['file-busy', 'busy', 503],
    ['not-executable', 'script-forbidden', 403],
    ['not-found', 'script-not-found', 404],
    ['aborted', 'client-gone', 400],
    ['bad-interpreter', 'start-failed', 500],
    ['bad-format', 'start-failed', 500],
    ['bad-directory', 'start-failed', 500],
    ['spawn-failed', 'start-failed', 500],
  ])('makes %s to %s, which is %i', (from, code, status) => {
    const cause = new ProcessError(from, 'why');
    const error = startError(cause, { script: '/s.cgi' });
    expect(error).toBeInstanceOf(CgiError);
    expect(error).toMatchObject({ code, status, message: 'why', script: '/s.cgi', cause });
  });
});
