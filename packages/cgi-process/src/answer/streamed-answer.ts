// One run of a script: content in, header and content out, standard error aside, all at once.
//
// The response is given as soon as the header is whole. From then on nothing can be taken back, so whatever goes wrong with
// the content is thrown to whoever reads it, who must break the connection off: a cut answer that looks complete is worse.

import { CgiError } from '../cgi-error.ts';
import type { CgiErrorCode, CgiErrorDetails } from '../cgi-error.ts';
import { OutputReader } from './output-reader.ts';
import type { Exit } from '../process/process-options.ts';
import type { LaunchedProcess } from '../process/unix-process.ts';
import { ProcessError } from '../process/process-error.ts';
import { afterMs } from '../timer.ts';
import { ScriptContent } from './script-output.ts';
import type { HeaderLimits, ScriptHead } from './script-header.ts';
import { ScriptHeadParser } from './script-header.ts';
import type { Collected } from '../spool/collect-content.ts';
import type { StderrLines } from './stderr-lines.ts';

/** A script that was killed closes its output moments before its end can be known; one that works on is not waited for. */
const SOON_MS = 200;
/**
 * How long an output may be silent when its script has ended by itself and a process that it left running has it open:
 * long enough for a job or a filter (`exec > >(gzip)`) that goes on writing, short enough for a client that waits.
 */
const SILENCE_AFTER_EXIT_MS = 5000;

export interface RunLimits extends HeaderLimits {
  readonly headerTimeoutMs: number;
  readonly silenceTimeoutMs: number;
}

export interface RunOptions {
  readonly script: string;
  readonly limits: RunLimits;
  /** What it says on standard error, and when all of that has been read. */
  readonly stderr: { readonly lines: StderrLines; readonly ended: Promise<void> };
  /** Whether a reader who leaves ends the script. */
  readonly killWhenLeft: boolean;
  /** How long it may write what nobody reads, before it is ended. */
  readonly unreadMs: number;
  /** When it was started. */
  readonly since: number;
}

/** A started script. */
export class ScriptRun {
  readonly #process: LaunchedProcess;
  readonly #options: RunOptions;
  readonly #reader: OutputReader;
  /** When the script last took content: an upload that moves is no reason to lose patience. */
  #progress: number;

  constructor(process: LaunchedProcess, options: RunOptions) {
    this.#process = process;
    this.#options = options;
    this.#progress = options.since;
    this.#reader = new OutputReader(process.stdout);
    const hurry = (): void => this.#reader.waitAtMost(SILENCE_AFTER_EXIT_MS);
    process.exited.then(hurry, hurry);
  }

  /** Gives the script its content. Ends the script when the content breaks off; never rejects. */
  async feed(content: Collected): Promise<void> {
    const { stdin } = this.#process;
    try {
      for (const bytes of content.memory) await stdin.write(bytes);
      if (content.rest !== undefined) await this.#feedRest(content.rest);
      await stdin.end();
    } catch {
      // The content is the client's: it has gone, and with it whoever the answer was for.
      await this.#process.kill().catch(() => {});
    }
  }

  async #feedRest(rest: AsyncIterator<Uint8Array>): Promise<void> {
    for (;;) {
      const { done, value } = await rest.next();
      if (done === true) return;
      this.#progress = performance.now();
      const isTaken = await this.#process.stdin.write(value);
      this.#progress = performance.now();
      if (!isTaken) {
        await rest.return?.();
        return;
      }
    }
  }

  /** The script's header. Rejects with CgiError, after having ended the script. */
  async head(): Promise<ScriptHead> {
    const parser = new ScriptHeadParser(this.#options.limits);
    try {
      for (;;) {
        const bytes = await this.#firstOutput();
        if (bytes === undefined) throw await this.#withoutHead(parser.isEmpty);
        const head = parser.push(bytes);
        if (head !== undefined) return head;
      }
    } catch (error) {
      this.end();
      // The parser knows no script; every other error names it already.
      if (!(error instanceof CgiError) || error.script !== undefined) throw error;
      throw new CgiError(error.code, `${this.#options.script}: ${error.message}`, this.#details(error.cause));
    }
  }

  /** The first output, for a response that is passed on unparsed. Rejects as `head` does. */
  async start(): Promise<Uint8Array> {
    const bytes = await this.#firstOutput();
    if (bytes !== undefined) return bytes;
    this.end();
    throw await this.#withoutHead(true);
  }

  /** The content after the header, to be read once. `length` is what the script announced. */
  content(first: Uint8Array, length: number | undefined): AsyncIterableIterator<Uint8Array> {
    return new ScriptContent(this, first, length);
  }

  /**
   * Reads and drops what is left, so that a script whose output nobody wants can end as it likes, and work on behind its output. One
   * that writes on is ended: it may do so for ever, and hold a place.
   */
  async drain(): Promise<void> {
    const stop = afterMs(this.#options.unreadMs, () => this.end());
    let read: unknown;
    try {
      // What a script that has ended left running may write for ever.
      do read = await this.#reader.read(this.#options.limits.silenceTimeoutMs);
      while (typeof read !== 'string' && !this.#process.hasEndedItself);
    } finally {
      stop();
      if (read !== 'end') this.end();
    }
  }

  /** What a reader of the content gets next; undefined at the end. Rejects with CgiError when there is no proper end. */
  async more(isComplete: boolean): Promise<Uint8Array | undefined> {
    const bytes = await this.#reader.read(this.#options.limits.silenceTimeoutMs);
    if (bytes === 'timed-out') {
      const isWhole = this.#process.hasEndedItself;
      this.end();
      if (isWhole) return undefined;
      throw this.#error('timed-out', `no output for ${this.#options.limits.silenceTimeoutMs} ms`);
    }
    if (bytes !== 'end') return bytes;
    if (isComplete) return undefined;
    const exit = await this.#soon(this.#process.exited);
    if (exit === undefined || (exit.signal === null && exit.reason === 'exited')) return undefined;
    throw this.#ended(exit);
  }

  /** Drops the output, and ends the script with everything it started. What a script that has ended left running goes on. */
  end(): void {
    void this.#process.stop();
  }

  /** The reader has left before the end. */
  leave(): void {
    if (this.#options.killWhenLeft) this.end();
    else this.drain().catch(() => {});
  }

  cut(got: number, announced: number): CgiError {
    return this.#error('content-cut', `it announced ${announced} bytes and wrote ${got}`);
  }

  async #firstOutput(): Promise<Uint8Array | undefined> {
    const { headerTimeoutMs } = this.#options.limits;
    for (;;) {
      const left = this.#progress + headerTimeoutMs - performance.now();
      if (left <= 0) throw this.#error('timed-out', `no header within ${headerTimeoutMs} ms`);
      const bytes = await this.#reader.read(left);
      if (bytes === 'end' || (bytes === 'timed-out' && this.#process.hasEndedItself)) return undefined;
      if (bytes !== 'timed-out') return bytes;
    }
  }

  async #withoutHead(isEmpty: boolean): Promise<CgiError> {
    const code = isEmpty ? 'no-output' : 'bad-header';
    try {
      const exit = await this.#soon(this.#process.exited);
      // What it said last is the best explanation there is.
      await this.#soon(this.#options.stderr.ended);
      if (exit === undefined) return this.#error(code, 'it closed its output before its header ended');
      if (exit.reason !== 'exited') return this.#ended(exit);
      const end = exit.signal === null ? `it exited with code ${exit.code}` : `it was ended by ${exit.signal}`;
      return this.#error(code, `${end} before its header ended`);
    } catch (error) {
      if (!(error instanceof ProcessError)) throw error;
      return startError(error, this.#details(error));
    }
  }

  #ended({ reason, signal }: Exit): CgiError {
    const codes: Partial<Record<Exit['reason'], CgiErrorCode>> = { 'timed-out': 'timed-out', aborted: 'client-gone' };
    return this.#error(codes[reason] ?? 'killed', `it was ended (${signal === null ? reason : signal})`);
  }

  /** What is about to happen; undefined when it does not. */
  async #soon<T>(event: Promise<T>): Promise<T | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), SOON_MS);
    });
    try {
      return await Promise.race([event, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #error(code: CgiErrorCode, message: string): CgiError {
    return new CgiError(code, `${this.#options.script}: ${message}`, this.#details());
  }

  #details(cause?: unknown): CgiErrorDetails {
    return { script: this.#options.script, stderr: this.#options.stderr.lines.tail, cause };
  }
}

/** A process that did not start, as the failure of a request. */
export function startError(error: ProcessError, details: CgiErrorDetails): CgiError {
  const codes: Partial<Record<ProcessError['code'], CgiErrorCode>> = {
    'argument-list-too-long': 'fields-too-large',
    'too-many-files': 'busy',
    'too-many-processes': 'busy',
    'out-of-memory': 'busy',
    'file-busy': 'busy',
    'not-executable': 'script-forbidden',
    'not-found': 'script-not-found',
    aborted: 'client-gone',
  };
  return new CgiError(codes[error.code] ?? 'start-failed', error.message, { ...details, cause: error });
}
