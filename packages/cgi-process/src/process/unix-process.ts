// A command as three byte sequences and an end: what started it is hidden behind `Launched`.
//
// Every cause for ending the process (a call of `kill`, an abort, the deadline, too much output, a reader that leaves) goes
// through `#end`, which keeps the first reason, sends SIGTERM to all processes of the session, and SIGKILL after the grace
// to what is left. After a process has ended by itself nothing is signalled: what it left running stays. Our end of its
// input is closed when it has ended, whatever the cause: nothing reads it any more, and a FIFO does not say so.

import { setTimeout as delay } from 'node:timers/promises';
import type { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { Launched, LaunchPlan, Status } from './launch.ts';
import { launchDirectly } from './launch-directly.ts';
import { toByteString } from '../byte-string.ts';
import { afterMs } from '../timer.ts';
import { withOwnGroup } from './owner.ts';
import { ProcessError } from './process-error.ts';
import { checkOptions } from '../options/checks.ts';
import { type ByteSink, type Exit, type ProcessOptions, startTable, type UnixProcess } from './process-options.ts';

/** Long enough for a handler that removes a temporary file, short enough for a client's patience. */
const DEFAULT_KILL_GRACE_MS = 2000;
/** First wait before looking whether everything has ended; it doubles up to the second value. */
const FIRST_LOOK_MS = 5;
const LAST_LOOK_MS = 80;
/** SIGKILL is repeated for what was forked meanwhile; after this time what is left waits in the kernel, or is not ours. */
const MAX_KILL_MS = 5000;

/**
 * Starts a command, never through a shell: `args` reach it byte for byte.
 *
 * It gets exactly `environment` and what `inherit` names, its own session, default signal dispositions, and pipes that it
 * can open again as `/dev/stdin` and `/dev/stderr`. Rejects with ProcessError when it cannot be started; any exit code is
 * a result, not an error.
 *
 * @example
 * const sort = await startProcess('sort', ['-n']);
 * await sort.stdin.write(Buffer.from('10\n9\n'));
 * await sort.stdin.end();
 * for await (const chunk of sort.stdout) process.stdout.write(chunk);
 */
export async function startProcess(
  command: string,
  args: readonly string[] = [],
  options: ProcessOptions = {},
): Promise<UnixProcess> {
  checkOptions(startTable, { command, args, options }, 'startProcess');
  const { cwd, umask, stdin = 'pipe' } = options;
  const { uid, gid } = withOwnGroup({ uid: options.uid, gid: options.gid });
  const environment = addEnvironment({}, options.inherit ?? ['PATH'], options.environment ?? {});
  return startThrough(launchDirectly, { command, args, environment, cwd, uid, gid, umask, stdin }, options);
}

/** What bounds a process, once it is started. */
export type ProcessBounds = Omit<ProcessOptions, 'environment' | 'inherit' | 'cwd' | 'uid' | 'gid' | 'umask' | 'stdin'>;

/** `startProcess` with a choice of how it is started: `launch` rejects with ProcessError. */
export async function startThrough(
  launch: (plan: LaunchPlan) => Promise<Launched>,
  plan: LaunchPlan,
  bounds: ProcessBounds,
): Promise<UnixProcess> {
  if (bounds.signal?.aborted === true) throw new ProcessError('aborted', `${plan.command}: aborted before it started`);
  return new LaunchedProcess(await launch(plan), bounds);
}

/** Adds variables of this process by name, and others over them, as byte strings. */
export function addEnvironment(
  environment: Record<string, string>,
  inherit: readonly string[],
  given: Readonly<Record<string, string>>,
): Record<string, string> {
  for (const name of inherit) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = toByteString(value);
  }
  for (const name of Object.keys(given)) environment[name] = toByteString(given[name] ?? '');
  return environment;
}

type Reason = Exit['reason'];

/** A started child as a process. */
export class LaunchedProcess implements UnixProcess {
  readonly pid: number | undefined;
  readonly stdin: ByteSink;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exited: Promise<Exit>;
  readonly #launched: Launched;
  readonly #graceMs: number;
  #reason: Reason = 'exited';
  /** Whether something is left that cannot be ended. */
  #ending: Promise<boolean> | undefined;
  /** Resolves when the first signal of the ending was sent. */
  #signalled: Promise<unknown> | undefined;
  #isReaped = false;
  #hasEndedItself = false;
  /** Resolves when it has been reaped, its output is closed, and nothing is left to be signalled. */
  readonly gone: Promise<void>;

  constructor(launched: Launched, options: ProcessBounds) {
    this.#launched = launched;
    this.#graceMs = options.killGraceMs ?? DEFAULT_KILL_GRACE_MS;
    this.pid = launched.pid;
    this.stdin = new WritableSink(launched.stdin);
    this.stdout = this.#watched(launched.stdout, options.maxStdoutBytes);
    this.stderr = this.#watched(launched.stderr, options.maxStderrBytes);
    launched.stdout.once('close', () => {
      if (!launched.stdout.readableEnded) this.#end('killed');
    });
    const release = this.#watchTime(options);
    this.exited = launched.ended.then((status) => this.#exit(status));
    const reaped = (): void => {
      this.#isReaped = true;
      release();
      launched.stdin?.destroy();
      launched.settleOutputs();
    };
    this.exited.then(reaped, reaped);
    const closed = new Promise<void>((resolve) => launched.stdout.once('close', resolve));
    this.gone = Promise.allSettled([this.exited, closed]).then(async () => this.#release());
  }

  get finished(): Promise<Exit> {
    return this.#finish();
  }

  async kill(): Promise<Exit> {
    this.#end('killed');
    const exit = await this.exited;
    await this.#ending;
    return exit;
  }

  /**
   * Ends it and drops its output. What a process that has ended by itself left running goes on, and may write on. Resolves when
   * nothing of it is left, or what cannot be ended.
   */
  async stop(): Promise<void> {
    if (this.#hasEndedItself) this.#launched.ignoreOutputs();
    else {
      this.#end('killed');
      // A command that SIGPIPE ended before the first look would no longer show which processes are its own.
      await this.#signalled;
      this.stdout.destroy();
    }
    if ((await this.#ending) !== true) await this.gone;
  }

  /** Whether it has ended by itself. What it left running may still write. */
  get hasEndedItself(): boolean {
    return this.#hasEndedItself;
  }

  async #release(): Promise<void> {
    await this.#ending;
    this.#launched.release?.();
  }

  #exit(status: Status): Exit {
    const isLost = status.code === null && status.signal === null;
    const reason = isLost && this.#reason === 'exited' ? 'spawner-lost' : this.#reason;
    this.#hasEndedItself = reason === 'exited';
    return { ...status, reason };
  }

  async #finish(): Promise<Exit> {
    const { stdout, stderr } = this.#launched;
    const ends = [stdout, stderr].map((stream) => finished(stream, { writable: false }).catch(() => {}));
    const exit = await this.exited;
    await Promise.all(ends);
    await this.#ending;
    return exit;
  }

  /** Ends the process when more than `limit` bytes come out of `stream`. */
  #watched(stream: Readable, limit = Number.POSITIVE_INFINITY): Readable {
    if (limit === Number.POSITIVE_INFINITY) return stream;
    let count = 0;
    const push = stream.push.bind(stream);
    stream.push = (chunk: Uint8Array | null, encoding?: BufferEncoding): boolean => {
      count += chunk?.length ?? 0;
      if (count <= limit) return push(chunk, encoding);
      this.#end('output-too-long');
      stream.destroy(new ProcessError('output-too-long', `more than ${limit} bytes of output`));
      return false;
    };
    return stream;
  }

  #watchTime({ signal, timeoutMs = Number.POSITIVE_INFINITY }: ProcessOptions): () => void {
    const abort = (): void => this.#end('aborted');
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted === true) abort();
    const stop = afterMs(timeoutMs, () => this.#end('timed-out'));
    return () => {
      signal?.removeEventListener('abort', abort);
      stop();
    };
  }

  #end(reason: Reason): void {
    if (this.#ending !== undefined || this.#isReaped) return;
    this.#reason = reason;
    this.#ending = this.#endAll();
  }

  /** SIGTERM, the grace, SIGKILL until nothing is left: whether something is. */
  async #endAll(): Promise<boolean> {
    const launched = this.#launched;
    const first = launched.signalAll('SIGTERM');
    this.#signalled = first.catch(() => {});
    const isLeft =
      (await first) && (await this.#outlives(this.#graceMs)) && (await this.#outlives(MAX_KILL_MS, 'SIGKILL'));
    launched.settleOutputs();
    return isLeft;
  }

  /** Whether something is left after a time, in which a signal is sent again and again. */
  async #outlives(ms: number, signal: NodeJS.Signals | 0 = 0): Promise<boolean> {
    const end = performance.now() + ms;
    let isAlive = true;
    for (let wait = FIRST_LOOK_MS; isAlive && performance.now() < end; wait = Math.min(wait * 2, LAST_LOOK_MS)) {
      if (signal !== 0) await this.#launched.signalAll(signal);
      await delay(Math.min(wait, Math.max(1, end - performance.now())));
      isAlive = await this.#launched.signalAll(0);
    }
    return isAlive;
  }
}

/** A Node stream as a sink that treats a reader's departure as an ordinary end. */
class WritableSink implements ByteSink {
  readonly #stream: Writable | undefined;

  constructor(stream: Writable | undefined) {
    this.#stream = stream;
    // EPIPE or ECONNRESET: the process has closed its end, which `write` reports as false.
    stream?.on('error', () => {});
  }

  async write(bytes: Uint8Array): Promise<boolean> {
    const stream = this.#stream;
    if (stream === undefined || !stream.writable) return false;
    if (stream.write(bytes)) return true;
    return new Promise((resolve) => {
      const settle = (): void => {
        stream.off('drain', settle);
        stream.off('close', settle);
        resolve(stream.writable);
      };
      stream.on('drain', settle);
      stream.on('close', settle);
    });
  }

  async end(content?: unknown): Promise<void> {
    // Streams of Node take it; here it would be lost without a word.
    if (content !== undefined) throw new TypeError('end: takes no content; write(bytes) before it');
    const stream = this.#stream;
    if (stream === undefined || stream.destroyed) return;
    await new Promise<void>((resolve) => {
      stream.once('close', resolve);
      stream.end();
    });
  }
}
