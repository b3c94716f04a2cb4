// One Python process: how it is started, what it reports, and how it ends.
//
// Everything between it and us is an open descriptor that it inherits (see python/worker.py), so no other process can
// connect to it, and when this process dies the kernel ends it. It runs in a session of its own: Ctrl-C reaches only us,
// and what the application starts can be ended with it.

import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { afterMs } from '@onezero/cgi-process';
import { LoopChannel } from '../asgi/loop-channel.ts';
import { encodeScope, type TravellingScope } from '../asgi/scope.ts';
import { workerProgram } from '../installed-files.ts';
import { PythonError } from '../python-error.ts';
import { KnownHeads } from '../exchange/known-heads.ts';
import { encodeEnviron, type EnvironOptions } from '../wsgi/environ.ts';
import { ThreadChannel } from '../wsgi/thread-channel.ts';
import type { Channel, ChannelOwner, Interface } from '../exchange/channel.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { adviceFor, whichPython } from './find-python.ts';
import { startChild } from './start-child.ts';
import { readLines } from './lines.ts';
import { parseReport } from './report.ts';
import { type LoadedApplication, loadedOf } from './loaded.ts';

const FIRST_CONNECTION = 4;

/** From asking a worker to end to ending it: enough for `atexit` functions that write a file. */
const STOP_GRACE_MS = 5000;

/** How long a worker whose stacks were asked for is left alone to write them. */
const DUMP_GRACE_MS = 2000;

/** How long the streams of a worker that is gone may be held open by a child of the application. */
const CLOSE_GRACE_MS = 500;

/** How much of what a worker wrote before it was ready is kept, to explain why it never became so. */
const MAX_TAIL_LENGTH = 0x4000;

/** Everything a worker has to know. */
export interface WorkerSettings {
  readonly python: string;
  readonly cwd: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly application: string;
  readonly interface: Interface | 'auto';
  readonly processes: number;
  /** Requests that a WSGI worker takes at once. */
  readonly threads: number;
  /** Requests that an ASGI worker takes at once. */
  readonly concurrency: number;
  /** First entries of `sys.path`. */
  readonly path: readonly string[];
  /** What every environ or scope state holds beside the standard. */
  readonly environ: Readonly<Record<string, string | number | boolean>>;
  /** How requests are told to the application. */
  readonly request: EnvironOptions;
  /** Seconds between two looks at the source files; 0 for none. */
  readonly watch: number;
  readonly startTimeoutMs: number;
}

/** What a worker tells the pool. */
export interface WorkerOwner {
  released(worker: Worker): void;
  changed(worker: Worker, file: string): void;
  /** It is to be replaced, for a reason that is logged. */
  recycle(worker: Worker, reason: string): void;
  log(worker: Worker, line: string, request: string | undefined): void;
}

/** A Python process and its connections. */
export class Worker implements ChannelOwner {
  readonly number: number;
  /** Whether it reports changes of the source: one of them is enough. */
  readonly watches: boolean;
  /** Its connections, from the moment it is ready. */
  channel: Channel | undefined;
  /** What it has loaded, once it is ready. */
  loaded: LoadedApplication | undefined;
  /** Resolves when the application is loaded; rejects with `PythonError` (`start-failed`, `start-timed-out`). */
  readonly ready: Promise<void>;
  /** Resolves when the process is gone. */
  readonly exited: Promise<void>;
  /** When it became ready, by `performance.now()`. */
  readyAt: number | undefined;
  /** How many requests it was given. */
  served = 0;
  /** Whether it has been done with one of them. */
  hasAnswered = false;
  /** After how many requests it should be replaced. */
  maxRequests: number = Infinity;
  isRetiring = false;
  /** Why the application could not be loaded, in Python's words. */
  traceback: string | undefined;
  /** Whether it will never be ready. */
  hasFailed = false;
  hasExited = false;
  /** Whether somebody else has ended it, as the kernel does when memory is short. */
  wasKilled = false;
  readonly #settings: WorkerSettings;
  readonly #child: ChildProcess;
  readonly #owner: WorkerOwner;
  #tail = '';
  /** How the process ended, in words. */
  #end = 'was not started';
  #isToldToStop = false;
  /** How long it has to end when it retires. */
  #graceMs = 0;
  #settleReady!: { resolve(): void; reject(error: PythonError): void };
  #settleExited!: () => void;
  #timers: (() => void)[] = [];

  constructor(settings: WorkerSettings, number: number, owner: WorkerOwner) {
    this.number = number;
    this.#settings = settings;
    this.watches = settings.watch > 0 && number === 1;
    this.#owner = owner;
    this.ready = new Promise((resolve, reject) => {
      this.#settleReady = { resolve, reject };
    });
    this.ready.catch(() => {}); // whoever waits for it gets the rejection; nobody has to
    this.exited = new Promise((resolve) => {
      this.#settleExited = resolve;
    });
    const { python, application, cwd, environment, threads } = settings;
    const sockets = settings.interface === 'asgi' ? 1 : threads;
    const pipes = Array.from({ length: FIRST_CONNECTION + sockets }, () => 'pipe' as const);
    const words = [workerProgram(), application];
    this.#child = startChild(python, words, { cwd, env: environment, stdio: pipes, detached: true }, (reason) =>
      this.#failToStart(reason),
    );
    this.#child.on('exit', (code, signal) => this.#exit(code, signal));
    this.#child.on('close', () => this.#gone());
    // The reason of an error is in the worker's exit; what matters here is that the socket closes.
    for (const socket of this.#sockets) socket.on('error', () => {});
    this.#listen();
    this.#configure(settings);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The requests that it is busy with. */
  get underWay(): readonly Exchange[] {
    return this.channel === undefined ? [] : [...this.channel.underWay];
  }

  get isReady(): boolean {
    return this.readyAt !== undefined && !this.isRetiring && !this.hasExited;
  }

  #stdio<Stream>(): Stream[] {
    // A process that could not be started has no streams.
    return this.#child.pid === undefined ? [] : (this.#child.stdio as unknown as Stream[]);
  }

  get #sockets(): readonly Socket[] {
    return this.#stdio<Socket>().slice(FIRST_CONNECTION);
  }

  #listen(): void {
    const [, reports, log] = this.#stdio<Readable>();
    if (reports === undefined || log === undefined) return;
    readLines(reports, (line) => this.#report(line));
    readLines(log, (line) => this.#write(line));
  }

  #configure(settings: WorkerSettings): void {
    const [configuration, , , orders] = this.#stdio<Writable>();
    if (configuration === undefined || orders === undefined) return;
    // A worker that dies early is reported by its exit.
    for (const stream of [configuration, orders]) stream.on('error', () => {});
    const { application, interface: called, processes, threads, path, environ } = settings;
    const watch = this.watches ? settings.watch : 0;
    const told = { application, interface: called, processes, threads, path, environ, watch };
    configuration.write(`${JSON.stringify(told)}\n`);
    this.#after(settings.startTimeoutMs, () => {
      if (this.readyAt !== undefined) return;
      const message = `${application} was not ready after ${settings.startTimeoutMs} ms`;
      this.hasFailed = true;
      this.#settleReady.reject(new PythonError('start-timed-out', message, this.#tail));
      this.hang(DUMP_GRACE_MS);
    });
  }

  #after(delayMs: number, action: () => void): void {
    this.#timers.push(afterMs(delayMs, action));
  }

  #report(line: string): void {
    const report = parseReport(line);
    if (report.event === 'ready') {
      // Said again it would give the sockets a second reader.
      if (this.readyAt !== undefined) return;
      this.readyAt = performance.now();
      this.loaded = loadedOf(report);
      this.channel = this.#open(report.interface);
      this.#settleReady.resolve();
    } else if (report.event === 'failed') {
      const traceback = report.traceback ?? '';
      this.traceback = traceback;
      const { application, python, cwd, environment } = this.#settings;
      const reason = traceback.trimEnd().split('\n').at(-1)!;
      const which = whichPython(python, environment);
      this.#failToStart(
        `${application} does not load in ${which}: ${reason}${adviceFor(reason, application, cwd)}`,
        traceback,
      );
    } else if (report.event === 'changed') this.#owner.changed(this, report.file ?? '');
    else if (report.event === 'ending') this.#after(STOP_GRACE_MS, () => this.kill());
    else if (report.event === 'leaving') this.#owner.recycle(this, 'was sent SIGTERM: it is replaced');
  }

  #open(called: Interface): Channel {
    const { request, concurrency } = this.#settings;
    const known = new KnownHeads();
    if (called === 'asgi') {
      const encode = (exchange: Exchange): TravellingScope => encodeScope(exchange.request, request, known);
      return new LoopChannel(this.#sockets[0]!, { pid: this.pid, concurrency, encode }, this);
    }
    const encode = ({ request: asked, content }: Exchange): string => {
      return encodeEnviron(asked, request, content.length, known);
    };
    return new ThreadChannel(this.#sockets, this.pid, encode, this);
  }

  #write(line: string, request?: string): void {
    if (this.readyAt === undefined) this.#tail = (this.#tail + line + '\n').slice(-MAX_TAIL_LENGTH);
    this.#owner.log(this, line, request);
  }

  #failToStart(message: string, detail = this.#tail): void {
    if (this.readyAt === undefined) this.hasFailed = true;
    this.#settleReady.reject(new PythonError('start-failed', message, detail));
  }

  #exit(code: number | null, signal: NodeJS.Signals | null): void {
    this.hasExited = true;
    this.wasKilled = signal !== null && !this.isRetiring;
    this.#end = signal === null ? `ended with code ${code}` : `was ended by ${signal}`;
    this.#failToStart(`the worker ${this.#end} before it was ready`);
    if (!this.isRetiring && this.readyAt !== undefined) this.#owner.log(this, this.#end, undefined);
    // What it said before may still be on its way to us; but a child of the application may hold its sockets open.
    this.#after(CLOSE_GRACE_MS, () => this.#stdio<Socket>().forEach((stream) => stream.destroy()));
  }

  /** The process has ended and all of its streams have. */
  #gone(): void {
    this.hasExited = true;
    const failure = new PythonError('worker-died', `the worker (pid ${this.pid}) ${this.#end} during the request`);
    this.channel?.close(failure);
    for (const stop of this.#timers) stop();
    this.#settleExited();
  }

  released(): void {
    if (this.hasExited) return;
    this.hasAnswered = true;
    this.#stopWhenIdle();
    this.#owner.released(this);
  }

  abort(place: number, requestId: number): void {
    this.#order(`abort ${place} ${requestId}`);
  }

  errors(text: string, request: string | undefined): void {
    for (const line of text.replace(/\n$/, '').split('\n')) this.#write(line, request);
  }

  broken(error: unknown): void {
    this.channel?.close(new PythonError('bad-worker', 'the worker spoke no FastCGI', '', { cause: error }));
    this.kill();
  }

  #order(line: string): void {
    const orders = this.#stdio<Writable>()[3];
    if (orders?.writable) orders.write(`${line}\n`);
  }

  /** Takes no more requests, and ends when those under way are done, at the latest after `graceMs`. */
  retire(graceMs: number): void {
    this.isRetiring = true;
    this.#graceMs = graceMs;
    this.channel?.drain();
    this.#after(graceMs, () => this.kill());
    this.#stopWhenIdle();
  }

  #stopWhenIdle(): void {
    if (!this.isRetiring) return;
    const busy = this.underWay;
    if (this.#isToldToStop || (this.readyAt !== undefined && busy.some(({ isHung }) => !isHung))) return;
    this.#isToldToStop = true;
    this.#order('stop');
    // It may still be busy with what follows a response, such as its close().
    this.#after(busy.length > 0 ? DUMP_GRACE_MS : Math.max(STOP_GRACE_MS, this.#graceMs), () => this.kill());
  }

  /** Asks for the stacks of all threads in the log, and ends the worker as soon as no other request needs it. */
  hang(graceMs: number): void {
    this.#signal('SIGURG');
    this.retire(graceMs);
  }

  /** Ends the process, and what the application started in its session, at once. */
  kill(): void {
    this.isRetiring = true;
    this.#signal('SIGKILL', true);
  }

  #signal(signal: NodeJS.Signals, isForGroup = false): void {
    const { pid } = this.#child;
    if (pid === undefined || pid <= 1 || this.hasExited) return;
    try {
      process.kill(isForGroup ? -pid : pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}
