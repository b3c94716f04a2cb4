// The answer of an application: its header, then its content, ahead of the client.

import { hasContent } from '../answer/finished-answer.ts';
import { ScriptHeadParser } from '../answer/script-header.ts';
import type { KnownHeads, ScriptHead } from '../answer/script-header.ts';
import { ScriptContent } from '../answer/script-output.ts';
import type { ContentSource } from '../answer/script-output.ts';
import { CgiError } from '../cgi-error.ts';
import type { Field } from '../message.ts';
import { afterMs } from '../timer.ts';
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
  readonly known: KnownHeads;
  /** The end of what it said on STDERR. */
  tail(): string;
}

/** Who waits for an answer. Each step comes once, within the call that asks for it or later. */
export interface AnswerReader {
  /** Its `rest` is of no meaning: it is left for the content. */
  headRead(head: ScriptHead): void;
  contentRead(content: BackendContent): void;
  /** In place of either: a CgiError, with the connection given up where there is no header. */
  failed(error: unknown): void;
}

/** What an answer is wanted for. */
export interface ContentWish {
  readonly method: string;
  /** Whether bytes have to last no longer than this turn of the loop. */
  readonly isForNow: boolean;
}

/** Whether an application has left: what it wrote before may be all, as where it said how long that is. */
function isGone(error: unknown): boolean {
  return error instanceof CgiError && error.code === 'backend-gone';
}

export class BackendAnswer implements ContentSource {
  readonly #output: BackendOutput;
  readonly #settings: AnswerSettings;
  readonly #since: number;
  /** Made for a header that does not come at once. */
  #parser: ScriptHeadParser | undefined;
  /** How long pieces are gathered. */
  #gatherMs = 0;

  /** @param since when the request was sent */
  constructor(output: BackendOutput, settings: AnswerSettings, since: number = performance.now()) {
    this.#since = since;
    this.#output = output;
    this.#settings = settings;
  }

  readHead(reader: AnswerReader, now: number = performance.now()): void {
    const { headerTimeoutMs } = this.#settings.limits;
    const leftMs = Math.max(1, this.#movedAt + headerTimeoutMs - now);
    const read = (): void => {
      let head: ScriptHead | undefined;
      try {
        head = this.#headHere(headerTimeoutMs);
      } catch (error) {
        this.end();
        return reader.failed(this.#named(error));
      }
      if (head === undefined) return this.readHead(reader);
      try {
        reader.headRead(head);
      } catch (error) {
        reader.failed(error);
      }
    };
    this.#output.some(leftMs, read, now);
  }

  /** An upload that moves is no reason to lose patience. */
  get #movedAt(): number {
    return Math.max(this.#since, this.#output.sentAt);
  }

  /** The header, if it ends in what is here. */
  #headHere(headerTimeoutMs: number): ScriptHead | undefined {
    const output = this.#output;
    const { last } = this.#settings.known;
    if (last !== undefined && this.#parser === undefined && output.begins(last.bytes)) {
      output.skip(last.bytes.length);
      return last.head;
    }
    const bytes = output.peek();
    if (bytes === 'nothing') {
      if (this.#movedAt > this.#since && performance.now() < this.#movedAt + headerTimeoutMs) return undefined;
      throw new CgiError('timed-out', `no header within ${headerTimeoutMs} ms`);
    }
    if (bytes === 'end') {
      const [code, why] =
        this.#parser === undefined
          ? (['no-output', 'no output'] as const)
          : (['bad-header', 'its header did not end'] as const);
      throw new CgiError(code, why);
    }
    this.#parser ??= new ScriptHeadParser(this.#settings.limits, this.#settings.known);
    const head = this.#parser.push(bytes);
    output.skip(bytes.length - (head?.rest.length ?? 0));
    return head;
  }

  /**
   * The content after `head`: bytes, where the application has ended within a moment. Fails with CgiError (`content-cut`) when it
   * wrote less than it announced; for HEAD it may.
   */
  readContent(head: ScriptHead, wish: ContentWish, reader: AnswerReader): void {
    const output = this.#output;
    const isAlone = output.isEmpty && !output.isUnderWay;
    if (output.isOver || isAlone || head.fields.some(isEvents)) return this.#tellContent(head, wish, reader);
    this.#gatherMs = Math.min(Math.max(GATHER_MS, output.tookMs * GATHER_SHARE), MAX_GATHER_MS);
    output.gathered(this.#gatherMs, () => this.#tellContent(head, wish, reader));
  }

  #tellContent(head: ScriptHead, wish: ContentWish, reader: AnswerReader): void {
    try {
      reader.contentRead(this.#contentNow(head, wish));
    } catch (error) {
      reader.failed(error);
    }
  }

  #contentNow({ contentLength, status }: ScriptHead, { method, isForNow }: ContentWish): BackendContent {
    const { bytes = NOTHING, end } = this.#output.readNow(isForNow);
    if (end instanceof Error && !isGone(end)) throw this.#named(end);
    if (contentLength !== undefined && contentLength <= bytes.length) {
      // All that was announced is here, however the application ends.
      const isAll = contentLength === bytes.length;
      if (end === undefined && isAll) this.drain().catch(() => {});
      else if (end === undefined) this.end();
      return isAll ? bytes : bytes.subarray(0, contentLength);
    }
    if (end === 'end') {
      if (contentLength === undefined) return bytes;
      if (method !== 'HEAD' && hasContent(status)) throw this.cut(bytes.length, contentLength);
    }
    return new ScriptContent(this, bytes, contentLength);
  }

  async more(isComplete = false): Promise<Uint8Array | undefined> {
    const { silenceTimeoutMs } = this.#settings.limits;
    try {
      const bytes = await this.#output.read(silenceTimeoutMs, this.#gatherMs);
      if (bytes === 'timed-out') throw new CgiError(bytes, `no output for ${silenceTimeoutMs} ms`);
      return bytes === 'end' ? undefined : bytes;
    } catch (error) {
      this.end();
      if (isComplete && isGone(error)) return undefined;
      throw this.#named(error);
    }
  }

  /** Reads and drops what is left, so that the connection can be used again, for as long as it may be silent: it may never end. */
  async drain(): Promise<void> {
    const stop = afterMs(this.#settings.limits.silenceTimeoutMs, () => this.end());
    try {
      while ((await this.more()) !== undefined);
    } finally {
      stop();
    }
  }

  end(): void {
    this.#output.abort();
  }

  leave(): void {
    this.#output.abort();
  }

  cut(got: number, announced: number): unknown {
    return this.#named(new CgiError('content-cut', `it announced ${announced} bytes and wrote ${got}`));
  }

  #named(error: unknown): unknown {
    if (!(error instanceof CgiError)) return error;
    const { name } = this.#settings;
    const details = { script: name, stderr: this.#settings.tail(), cause: error.cause };
    return new CgiError(error.code, `${name}: ${error.message}`, details);
  }
}

function isEvents(field: Field): boolean {
  return field[0] === 'content-type' && /^text\/event-stream/i.test(field[1]);
}
