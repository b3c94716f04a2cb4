// A PHP of our own: started when it is first needed, started again when it dies, and gone when we are.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, closeSync, existsSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ScriptStderr } from '../answer/stderr.ts';
import { openConnection } from '../fastcgi/connection.ts';
import type { CgiLogEntry } from '../options.ts';
import { PHP_PREFIX, removeLeftoversOnce } from '../process/leftovers.ts';
import { withOwnGroup } from '../process/owner.ts';
import { KEEPER } from './keeper.ts';
import { phpCommand, UPLOAD_SETTINGS, uploadsIn } from './php-command.ts';
import type { PhpProgram } from './php-command.ts';
import { settingOf } from './php-setting.ts';

/** Longest path of a Unix socket that every system takes (macOS: 104 with its end). */
const MAX_SOCKET_CHARACTERS = 100;
/** What means something within the quotes of a configuration of PHP, or ends its line. */
const UNQUOTABLE = /["\n]|\$\{/;
/** Time to the first connection; extensions and preloading count. */
const START_MS = 30_000;
const LOOK_MS = 10;
/** What has lived for less is started again after a wait that doubles up to the last. */
const SHORT_LIFE_MS = 1000;
const FIRST_WAIT_MS = 100;
const LAST_WAIT_MS = 5000;
const LAST_WORDS_MS = 200;
/** All of these wait for 150 ms together, in which nothing else is done. */
const MAX_REMOVALS = 5;
/** The descriptor that the keeper's watcher holds. */
const WATCH = 4;
/** The rest of standard error of one life is dropped; php-fpm says little at its level. */
const MAX_STDERR_BYTES = 1_048_576;

/** What a start takes for a moment, both ends of its pipes among it: rather too many. */
const START_DESCRIPTORS = 12;

/** Variables of this process that PHP sees. */
const PASSED = ['PATH', 'HOME', 'TMPDIR', 'TZ', 'LANG', 'LC_ALL'];

/** What is to be started, and who hears of it. */
export interface PhpProcessOptions extends Omit<PhpProgram, 'runsAs'> {
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  readonly log?: ((entry: CgiLogEntry) => void) | undefined;
}

type Owner = PhpProgram['runsAs'];

export class PhpProcess {
  /** Where it listens once it has been started. */
  readonly socket: string;
  readonly #options: PhpProcessOptions;
  readonly #folder: string;
  readonly #stderr: ScriptStderr;
  #child: ChildProcess | undefined;
  /** The child whose socket was seen, and when the present one was started. */
  #reached: ChildProcess | undefined;
  #launchedAt = 0;
  #started: Promise<void> | undefined;
  #isClosed = false;
  /** Whether uploads wait in the private folder: where nobody has named another. */
  #hasOwnUploads = true;
  /** Whether it has accepted connections: from then on it is started again when it ends. */
  #isUp = false;
  #wait = FIRST_WAIT_MS;
  #restarts = 0;
  #again: NodeJS.Timeout | undefined;

  constructor(options: PhpProcessOptions) {
    this.#options = options;
    this.#stderr = new ScriptStderr(options.log, MAX_STDERR_BYTES);
    const name = `${PHP_PREFIX}${randomBytes(8).toString('hex')}`;
    const socket = join(tmpdir(), name, 'php.sock');
    const isElsewhere = socket.length > MAX_SOCKET_CHARACTERS || UNQUOTABLE.test(socket);
    this.#folder = join(isElsewhere ? '/tmp' : tmpdir(), name);
    this.socket = join(this.#folder, 'php.sock');
  }

  /** Resolves when it accepts connections; rejects with the reason when it ends before, and may be asked again then. */
  async start(): Promise<void> {
    this.#endUnreachable();
    this.#started ??= this.#startFirst().catch((error: unknown) => {
      this.#started = undefined;
      throw error;
    });
    return this.#started;
  }

  /** Ends one whose socket something has removed, as what tidies up temporary files does: it would live on, and nobody reach it. */
  #endUnreachable(): void {
    const child = this.#child;
    if (!this.#isUp || child === undefined) return;
    if (existsSync(this.socket)) this.#reached = child;
    else if (this.#reached === child || performance.now() - this.#launchedAt > START_MS) child.stdin?.end();
  }

  /** Its children, as many as it may have, and how often it was started again. */
  get state(): { readonly processes: number; readonly ready: number; readonly restarts: number } {
    const { children } = this.#options;
    return {
      processes: children,
      ready: this.#isUp && this.#child !== undefined ? children : 0,
      restarts: this.#restarts,
    };
  }

  /** Ends it. Whatever it still does is cut off. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#again);
    const child = this.#child;
    if (child !== undefined) {
      const gone = new Promise<void>((done) => child.once('exit', () => done()));
      child.ref();
      child.stdin?.end();
      await gone;
    }
    this.#removeFolder();
  }

  /** A child that outlives the others may still begin an upload in it. */
  #removeFolder(): void {
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: MAX_REMOVALS, retryDelay: LOOK_MS });
  }

  async #startFirst(): Promise<void> {
    removeLeftoversOnce();
    checkDescriptors();
    const { program, ini } = this.#options;
    this.#hasOwnUploads = !UPLOAD_SETTINGS.some((name) => name in ini);
    if (this.#hasOwnUploads) {
      const { env, user } = this.#surroundings();
      this.#hasOwnUploads = (await settingOf(program, UPLOAD_SETTINGS, { env, cwd: '/', ...user })) === undefined;
      if (this.#isClosed) throw new Error('php: closed while it started');
    }
    let failure: string | undefined;
    this.#launch((tail) => (failure = tail));
    const until = performance.now() + START_MS;
    while (performance.now() < until && !this.#isClosed) {
      if (failure !== undefined) {
        throw new Error(`php: ${program} did not start: ${failure.trim().replaceAll('\n', '; ')}`);
      }
      if (await this.#accepts()) {
        this.#isUp = true;
        this.#reached = this.#child;
        return;
      }
      await delay(LOOK_MS);
    }
    this.#child?.stdin?.end();
    throw new Error(this.#isClosed ? 'php: closed while it started' : `php: ${program} does not listen`);
  }

  async #accepts(): Promise<boolean> {
    try {
      (await openConnection({ path: this.socket }, START_MS)).socket.destroy();
      return true;
    } catch {
      // Not there yet.
      return false;
    }
  }

  /** Starts it. `ended` hears the end of what it said, unless it was up by then: then it is started again. */
  #launch(ended: (tail: string) => void): void {
    const since = performance.now();
    this.#launchedAt = since;
    const lines = this.#stderr.lines(this.#options.program, undefined);
    let child: ChildProcess;
    try {
      child = this.#spawn();
    } catch (error) {
      // The disk is full, or the folder for temporary files is not there: in a while it may be otherwise.
      lines.add(Buffer.from(`${(error as Error).message}\n`));
      lines.end();
      return this.#isUp ? this.#launchAgain(0) : ended(lines.tail);
    }
    this.#child = child;
    const end = (): void => {
      if (this.#child !== child) return;
      this.#child = undefined;
      lines.end();
      if (this.#isUp) this.#launchAgain(performance.now() - since);
      else ended(lines.tail);
    };
    child.once('error', (error) => {
      lines.add(Buffer.from(`${error.message}\n`));
      end();
    });
    // What it said last may come after its exit, and never ends where something still holds the pipe.
    child.once('exit', () => setTimeout(end, LAST_WORDS_MS));
    child.once('close', end);
    child.stdin?.on('error', () => {});
    // What it says to being ended is what it was told.
    child.stderr?.on('data', (bytes: Buffer) => this.#isClosed || lines.add(bytes));
    const watch = child.stdio[WATCH] as Socket | null;
    // The watcher has gone: nobody would end this PHP after us.
    watch?.on('error', () => {}).once('close', () => void child.kill('SIGTERM'));
    watch?.resume();
    child.unref();
    for (const pipe of [child.stdin, child.stderr, watch]) (pipe as Socket | null)?.unref();
  }

  #launchAgain(livedMs: number): void {
    if (this.#isClosed) return;
    const isShort = livedMs < SHORT_LIFE_MS;
    const wait = isShort ? this.#wait : 0;
    this.#wait = isShort ? Math.min(this.#wait * 2, LAST_WAIT_MS) : FIRST_WAIT_MS;
    this.#restarts++;
    this.#again = setTimeout(() => this.#launch(() => {}), wait);
    this.#again.unref();
  }

  /** The environment of PHP, and who it runs as: as a part of the options of a child where that is somebody else. */
  #surroundings(): { env: Record<string, string>; runsAs: Owner; user: Partial<Owner> } {
    const { uid, gid } = this.#options;
    const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    const asked = withOwnGroup({ uid, gid });
    const runsAs = { uid: asked.uid ?? own.uid, gid: asked.gid ?? own.gid };
    const isOther = runsAs.uid !== own.uid || runsAs.gid !== own.gid;
    const passed = PASSED.flatMap((name): [string, string][] => {
      const value = process.env[name];
      // The home of this process is nothing to another user.
      return value === undefined || (isOther && name === 'HOME') ? [] : [[name, value]];
    });
    return { env: Object.fromEntries(passed), runsAs, user: isOther ? runsAs : {} };
  }

  /** Throws the reason why it cannot be started, as far as it is known by then. */
  #spawn(): ChildProcess {
    checkDescriptors();
    const { uid: _uid, gid: _gid, log: _log, ...program } = this.#options;
    const { env: passed, runsAs, user } = this.#surroundings();
    this.#removeFolder();
    for (const folder of [this.#folder, uploadsIn(this.#folder)]) {
      mkdirSync(folder, { mode: 0o700 });
      if (user.uid !== undefined) chownSync(folder, runsAs.uid, runsAs.gid);
    }
    const { words, env } = phpCommand({ ...program, runsAs }, this.#folder, this.socket, this.#hasOwnUploads);
    return spawn('/bin/sh', ['-c', KEEPER, 'onezero-php', this.#folder, ...words], {
      env: { ...passed, ...env },
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'ignore', 'pipe', 'ignore', 'pipe'],
      ...user,
    });
  }
}

/** Throws EMFILE or ENFILE when a start would find too few: Node would leave some of its pipes open, one start after another. */
function checkDescriptors(): void {
  const opened: number[] = [];
  try {
    while (opened.length < START_DESCRIPTORS) opened.push(openSync('/dev/null', 'r'));
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}
