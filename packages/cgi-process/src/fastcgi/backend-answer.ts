// The answer of an application: its header, then its content, ahead of the client.

import { hasContent } from '../answer/finished-answer.ts';
import { ScriptHeadParser } from '../answer/script-header.ts';
import type { KnownHeads, ScriptHead } from '../answer/script-header.ts';
import { ScriptContent } from '../answer/script-output.ts';
import type { ContentSource } from '../answer/script-output.ts';
import { CgiError } from '../cgi-error.ts';
import type { BackendOutput } from './output.ts';
import type { GatewayLimits } from './options.ts';

// PHP writes its page in pieces of 8 KiB, and each piece that is passed on alone costs a write and a wake-up of the client, which on
// a busy machine is more than all the rest. So they are gathered for a moment that nobody sees, the first ones too: most answers
// are whole by then, and need neither chunks nor a second write. Events are passed on one by one.
const GATHER_MS = 20;
/** Of an answer that took longer, this part of its time. */
const GATHER_SHARE = 1 / 8;
const MAX_GATHER_MS = 60;

const NOTHING = new Uint8Array(0);

/** Bytes, or what gives them as they come. */
export type BackendContent = Uint8Array | AsyncIterableIterator<Uint8Array>;

type Limits = { readonly [Name in keyof GatewayLimits]-?: number };

/** What is known of an answer before it comes. */
export interface AnswerSettings {
  /** Of the script or the application, for errors. */
  readonly name: string;
  readonly limits: Limits;
  /** The end of what it said on STDERR. */
  readonly tail: () => string;
  readonly known: KnownHeads;
}

/** Whether an application has left: what it wrote before may be all, as where it said how long that is. */
function isGone(error: Error): boolean {
  return error instanceof CgiError && error.code === 'backend-gone';
}

export class BackendAnswer implements ContentSource {
  readonly #output: BackendOutput;
  readonly #name: string;
  readonly #limits: Limits;
  /** The end of what it said on STDERR. */
  readonly #tail: () => string;
  readonly #known: KnownHeads;
  /** How long pieces are gathered. */
  #gatherMs = 0;

  constructor(output: BackendOutput, { name, limits, tail, known }: AnswerSettings) {
    this.#output = output;
    this.#name = name;
    this.#limits = limits;
    this.#tail = tail;
    this.#known = known;
  }

  /** Its `rest` is left for `content`, and only there for now. Rejects with CgiError, with the connection given up. */
  async head(): Promise<ScriptHead> {
    const { headerTimeoutMs } = this.#limits;
    const parser = new ScriptHeadParser(this.#limits, this.#known);
    const since = performance.now();
    try {
      for (let leftMs = headerTimeoutMs; ; leftMs = Math.max(1, since + headerTimeoutMs - performance.now())) {
        const wait = this.#output.some(leftMs);
        if (wait !== undefined) await wait;
        const bytes = this.#output.peek();
        if (bytes === 'nothing') throw new CgiError('timed-out', `no header within ${headerTimeoutMs} ms`);
        if (bytes === 'end') {
          const [code, why] = parser.isEmpty
            ? (['no-output', 'no output'] as const)
            : (['bad-header', 'its header did not end'] as const);
          throw new CgiError(code, why);
        }
        const head = parser.push(bytes);
        this.#output.skip(bytes.length - (head?.rest.length ?? 0));
        if (head !== undefined) return head;
      }
    } catch (error) {
      this.end();
      throw error instanceof CgiError ? this.#named(error) : error;
    }
  }

  /**
   * The content after `head`: bytes, where the application has ended within a moment. Throws or rejects with CgiError (`content-cut`) when it
   * wrote less than it announced; for HEAD it may.
   * @param isForNow whether bytes have to last no longer than this turn of the loop
   */
  content(head: ScriptHead, method: string, isForNow = false): BackendContent | Promise<BackendContent> {
    const { rest, fields } = head;
    const isEvents = fields.some(([name, value]) => name === 'content-type' && /^text\/event-stream/i.test(value));
    if (rest.length > 0 && !isEvents) {
      this.#gatherMs = Math.min(Math.max(GATHER_MS, this.#output.tookMs * GATHER_SHARE), MAX_GATHER_MS);
      const wait = this.#output.gathered(this.#gatherMs);
      if (wait !== undefined) return wait.then(() => this.#contentNow(head, method, isForNow));
    }
    return this.#contentNow(head, method, isForNow);
  }

  #contentNow({ contentLength, status }: ScriptHead, method: string, isForNow: boolean): BackendContent {
    const { bytes = NOTHING, end } = this.#output.readNow(isForNow);
    if (end instanceof Error && !isGone(end)) throw end instanceof CgiError ? this.#named(end) : end;
    if (end === 'end') {
      if (contentLength === undefined || contentLength <= bytes.length) return bytes.subarray(0, contentLength);
      if (method !== 'HEAD' && hasContent(status)) throw this.cut(bytes.length, contentLength);
    }
    return new ScriptContent(this, bytes, contentLength);
  }

  async more(): Promise<Uint8Array | undefined> {
    const bytes = await this.#next(this.#limits.silenceTimeoutMs);
    if (bytes !== 'timed-out') return bytes;
    this.end();
    throw this.#named(new CgiError('timed-out', `no output for ${this.#limits.silenceTimeoutMs} ms`));
  }

  async #next(timeoutMs: number): Promise<Uint8Array | 'timed-out' | undefined> {
    try {
      const bytes = await this.#output.read(timeoutMs, this.#gatherMs);
      return bytes === 'end' ? undefined : bytes;
    } catch (error) {
      this.end();
      throw error instanceof CgiError ? this.#named(error) : error;
    }
  }

  /** Reads and drops what is left, so that the connection can be used again. */
  async drain(): Promise<void> {
    while ((await this.more()) !== undefined);
  }

  end(): void {
    this.#output.abort();
  }

  leave(): void {
    this.#output.abort();
  }

  cut(got: number, announced: number): CgiError {
    return this.#named(new CgiError('content-cut', `it announced ${announced} bytes and wrote ${got}`));
  }

  #named(error: CgiError): CgiError {
    const details = { script: this.#name, stderr: this.#tail(), cause: error.cause };
    return new CgiError(error.code, `${this.#name}: ${error.message}`, details);
  }
}
