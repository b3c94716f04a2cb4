// The answer of an application: its header, then its content, ahead of the client.

import { hasContent } from '../answer/finished-answer.ts';
import { ScriptHeadParser } from '../answer/script-header.ts';
import type { ScriptHead } from '../answer/script-header.ts';
import { ScriptContent } from '../answer/script-output.ts';
import type { ContentSource } from '../answer/script-output.ts';
import { CgiError } from '../cgi-error.ts';
import type { BackendOutput } from './connection.ts';
import type { GatewayLimits } from './options.ts';

// PHP writes its page in pieces of 8 KiB, and each piece that is passed on alone costs a write and a wake-up of the client, which on
// a busy machine is more than all the rest. The first is passed on at once; what follows is gathered for a moment that nobody
// sees. Events are passed on one by one.
const GATHER_MS = 20;
const GATHER_BYTES = 65_536;

type Limits = { readonly [Name in keyof GatewayLimits]-?: number };

export class BackendAnswer implements ContentSource {
  readonly #output: BackendOutput;
  readonly #name: string;
  readonly #limits: Limits;
  /** The end of what it said on STDERR. */
  readonly #tail: () => string;
  /** Output that was read with the header. */
  readonly #early: Uint8Array[] = [];
  /** Whether pieces are gathered: not before the first has been given. */
  #gathers = false;
  /** What the output came to behind pieces that were given. */
  #end: 'ended' | { readonly error: unknown } | undefined;

  constructor(output: BackendOutput, name: string, limits: Limits, tail: () => string) {
    this.#output = output;
    this.#name = name;
    this.#limits = limits;
    this.#tail = tail;
  }

  /** Rejects with CgiError, with the connection given up. */
  async head(): Promise<ScriptHead> {
    const { headerTimeoutMs } = this.#limits;
    const parser = new ScriptHeadParser(this.#limits);
    const deadline = performance.now() + headerTimeoutMs;
    try {
      for (;;) {
        const bytes = await this.#output.read(Math.max(1, deadline - performance.now()));
        if (bytes === 'timed-out') throw new CgiError('timed-out', `no header within ${headerTimeoutMs} ms`);
        if (bytes === 'end') {
          const [code, why] = parser.isEmpty
            ? (['no-output', 'no output'] as const)
            : (['bad-header', 'its header did not end'] as const);
          throw new CgiError(code, why);
        }
        const head = parser.push(bytes);
        if (head !== undefined) return head;
      }
    } catch (error) {
      this.end();
      throw error instanceof CgiError ? this.#named(error) : error;
    }
  }

  /**
   * The content: bytes, where the application has ended already. Throws CgiError (`content-cut`) when it wrote less than it
   * announced; for HEAD it may.
   */
  content(head: ScriptHead, method: string): Uint8Array | AsyncIterableIterator<Uint8Array> {
    const { rest, contentLength, status, fields } = head;
    const { chunks, isEnd } = this.#output.readNow();
    if (isEnd) {
      const whole = chunks.length === 0 ? rest : Buffer.concat([rest, ...chunks]);
      if (contentLength === undefined || contentLength <= whole.length) return whole.subarray(0, contentLength);
      if (method !== 'HEAD' && hasContent(status)) throw this.cut(whole.length, contentLength);
    }
    this.#early.push(...chunks);
    const isEvents = fields.some(([name, value]) => name === 'content-type' && /^text\/event-stream/i.test(value));
    this.#gathers = rest.length > 0 && !isEvents;
    return new ScriptContent(this, rest, contentLength);
  }

  async more(): Promise<Uint8Array | undefined> {
    const early = this.#early.shift();
    if (early !== undefined) return early;
    if (this.#end === 'ended') return undefined;
    if (this.#end !== undefined) throw this.#end.error;
    const bytes = await this.#next(this.#limits.silenceTimeoutMs);
    if (bytes === 'timed-out') {
      this.end();
      throw this.#named(new CgiError('timed-out', `no output for ${this.#limits.silenceTimeoutMs} ms`));
    }
    if (bytes === undefined) return undefined;
    return this.#gathers ? this.#gathered(bytes) : bytes;
  }

  /** More of what comes within a moment. What ends it is told with the next piece. */
  async #gathered(first: Uint8Array): Promise<Uint8Array> {
    const parts = [first];
    const until = performance.now() + GATHER_MS;
    for (let size = first.length; size < GATHER_BYTES;) {
      const left = until - performance.now();
      const bytes = left <= 0 ? 'timed-out' : await this.#next(left).catch((error: unknown) => ({ error }));
      if (bytes === 'timed-out') break;
      if (!(bytes instanceof Uint8Array)) {
        this.#end = bytes ?? 'ended';
        break;
      }
      parts.push(bytes);
      size += bytes.length;
    }
    return parts.length === 1 ? first : Buffer.concat(parts);
  }

  async #next(timeoutMs: number): Promise<Uint8Array | 'timed-out' | undefined> {
    try {
      const bytes = await this.#output.read(timeoutMs);
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
