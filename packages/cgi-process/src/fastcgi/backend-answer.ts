// The answer of an application: its header, then its content, ahead of the client.

import { hasContent } from '../answer/finished-answer.ts';
import { ScriptHeadParser } from '../answer/script-header.ts';
import type { ScriptHead } from '../answer/script-header.ts';
import { ScriptContent } from '../answer/script-output.ts';
import type { ContentSource } from '../answer/script-output.ts';
import { CgiError } from '../cgi-error.ts';
import type { BackendOutput } from './connection.ts';
import type { GatewayLimits } from './options.ts';

type Limits = { readonly [Name in keyof GatewayLimits]-?: number };

export class BackendAnswer implements ContentSource {
  readonly #output: BackendOutput;
  readonly #name: string;
  readonly #limits: Limits;
  /** The end of what it said on STDERR. */
  readonly #tail: () => string;
  /** Output that was read with the header. */
  readonly #early: Uint8Array[] = [];

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
  content({ rest, contentLength, status }: ScriptHead, method: string): Uint8Array | AsyncIterableIterator<Uint8Array> {
    const { chunks, isEnd } = this.#output.readNow();
    if (isEnd) {
      const whole = chunks.length === 0 ? rest : Buffer.concat([rest, ...chunks]);
      if (contentLength === undefined || contentLength <= whole.length) return whole.subarray(0, contentLength);
      if (method !== 'HEAD' && hasContent(status)) throw this.cut(whole.length, contentLength);
    }
    this.#early.push(...chunks);
    return new ScriptContent(this, rest, contentLength);
  }

  async more(): Promise<Uint8Array | undefined> {
    const { idleTimeoutMs } = this.#limits;
    const early = this.#early.shift();
    if (early !== undefined) return early;
    try {
      const bytes = await this.#output.read(idleTimeoutMs);
      if (bytes === 'timed-out') throw new CgiError('timed-out', `no output for ${idleTimeoutMs} ms`);
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
