// One request and its answer: waits for a thread if there is none, then gathers what the worker says until the head is
// there, and decides.
//
// An answer that has arrived whole by the end of the first chunk is returned as bytes, so small responses cost no stream.
// Otherwise the content becomes a sequence, and the connection is read ahead of its reader only up to a limit. An answer
// that the worker did not complete never looks complete: its content throws at the end.

import type { CgiResponse, Field } from '@onezero/cgi-process';
import type { RequestContent } from './request-content.ts';
import { ResponseContent } from './response-content.ts';
import { parseResponseHead, type ResponseHead } from './response-head.ts';
import { WsgiError } from './wsgi-error.ts';

const emptyLine = Buffer.from('\n\n');

/** How much of what Python said about one request is kept for its error. */
const maxDetailLength = 0x10000;

/** The line in which an exchange waits for a connection. */
export interface Line {
  /** Takes the exchange out, and answers it with `error`. */
  dismiss(exchange: Exchange, error: WsgiError): void;
}

/** What the exchange wants of its connection. */
export interface ExchangeOwner {
  /** Stops (true) or goes on with reading. */
  hold(isHeld: boolean): void;
  /** Nobody reads the answer any more. */
  abandon(exchange: Exchange): void;
}

/** What an exchange wants to know of the request itself. */
export interface Client {
  readonly method: string;
  readonly id?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A request, ready to leave. */
export interface OutgoingRequest {
  readonly client: Client;
  /** What `encodeEnviron` gives. */
  readonly environ: string;
  readonly content: RequestContent;
}

/** The answer to one request, in the making. */
export class Exchange {
  /** Resolves with the response, or with a bare status and a `WsgiError`; rejects with what reading the content threw. */
  readonly answer: Promise<CgiResponse>;
  readonly outgoing: OutgoingRequest;
  /** Where it waits, as long as it does. */
  line: Line | undefined;
  /** When the worker or the client last moved: `performance.now()`. */
  lastProgress: number = performance.now();
  /** True while the worker waits for the reader of the answer, and not we for it. */
  isHeld = false;
  /** True while the worker may be waiting for content that has not come yet. */
  isFed = false;
  /** True when there is a head: from then on it is whoever reads the content that leaves. */
  hasAnswered = false;
  hasEnded = false;
  isAbandoned = false;
  #owner: ExchangeOwner | undefined;
  readonly #readAheadBytes: number;
  #settle!: { resolve(response: CgiResponse): void; reject(error: unknown): void };
  #headBytes: Buffer | undefined;
  #head: ResponseHead | undefined;
  #early: Buffer[] = [];
  #content: ResponseContent | undefined;
  #status = 0;
  #detail = '';

  #onDeparture: (() => void) | undefined;

  constructor(outgoing: OutgoingRequest, readAheadBytes: number) {
    this.outgoing = outgoing;
    this.#readAheadBytes = readAheadBytes;
    this.answer = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
  }

  /** A connection takes the exchange on. */
  begin(owner: ExchangeOwner): void {
    this.line = undefined;
    this.#owner = owner;
    this.lastProgress = performance.now();
  }

  /**
   * From now on, a client that leaves before there is a head is missed at once. Not from the start: making a signal and
   * listening to it costs more than many an answer.
   */
  watchClient(): void {
    const { signal } = this.outgoing.client;
    if (this.hasAnswered || this.#onDeparture !== undefined || signal === undefined) return;
    if (signal.aborted) return this.#leave();
    this.#onDeparture = () => this.#leave();
    signal.addEventListener('abort', this.#onDeparture);
  }

  #leave(): void {
    if (this.hasAnswered) return;
    const error = new WsgiError('client-left', 'the client left before the response began');
    if (this.#owner === undefined) return this.line?.dismiss(this, error);
    this.fail(error);
    this.#owner.abandon(this);
  }

  /** Takes some of the worker's output, head first. The chunk is valid during the call only. */
  output(chunk: Buffer): void {
    if (this.isAbandoned) return;
    if (this.#head !== undefined) return this.#pushContent(chunk);
    const bytes = this.#headBytes === undefined ? chunk : Buffer.concat([this.#headBytes, chunk]);
    const end = bytes.indexOf(emptyLine);
    if (end === -1) {
      this.#headBytes = Buffer.from(bytes);
      return;
    }
    this.#head = parseResponseHead(bytes.toString('latin1', 0, end));
    if (end + 2 < bytes.length) this.#pushContent(bytes.subarray(end + 2));
  }

  #pushContent(chunk: Buffer): void {
    const copy = Buffer.from(chunk);
    if (this.#content === undefined) {
      this.#early.push(copy);
      return;
    }
    this.#content.push(copy);
    this.#balance();
  }

  /** Keeps what Python says about this request, in case it has to explain a failure. */
  errors(text: string): void {
    if (this.#detail.length < maxDetailLength) this.#detail += text;
  }

  /** The worker has finished; `status` is 0 when the response is whole. */
  end(status: number): void {
    this.hasEnded = true;
    this.#status = status;
    this.#content?.end(this.#failure());
    this.flush();
  }

  /** Breaks the exchange off from our side. The first reason counts. */
  fail(error: unknown): void {
    if (!this.hasAnswered) {
      this.#answered();
      if (error instanceof WsgiError) this.#settle.resolve(error.response());
      else this.#settle.reject(error);
    }
    this.#content?.end(error);
  }

  /** Fails before anything was sent: what is kept of the content goes first. */
  async refuse(error: WsgiError): Promise<void> {
    try {
      await this.outgoing.content.discard();
      this.fail(error);
    } catch (cause) {
      this.fail(cause);
    }
  }

  #answered(): void {
    this.hasAnswered = true;
    if (this.#onDeparture === undefined) return;
    this.outgoing.client.signal?.removeEventListener('abort', this.#onDeparture);
  }

  /** Answers if there is enough to answer with: called when everything that had arrived was taken in. */
  flush(): void {
    if (this.hasAnswered) return;
    if (this.#head !== undefined) {
      this.#answered();
      this.#settle.resolve(this.#respond(this.#head));
    } else if (this.hasEnded) {
      const said = lastLine(this.#detail) || 'the application gave no response';
      this.fail(new WsgiError('application-failed', said, this.#detail));
    }
  }

  #respond({ status, reason, fields, contentLength }: ResponseHead): CgiResponse {
    if (this.hasEnded && this.#status === 0 && this.#hasAll(contentLength)) {
      const content = this.#early.length === 1 ? this.#early[0]! : Buffer.concat(this.#early);
      return { status, reason, fields, content };
    }
    this.#content = new ResponseContent();
    for (const chunk of this.#early) this.#content.push(chunk);
    if (this.hasEnded) this.#content.end(this.#failure());
    this.#content.onTake = () => this.#balance();
    this.#content.onAbandon = () => this.#owner?.abandon(this);
    this.#balance();
    return { status, reason, fields: withContentLength(fields, contentLength), content: this.#content };
  }

  /** Whether the content is here. Not for HEAD and 304: without content they still tell the length that GET would have. */
  #hasAll(contentLength: number | undefined): boolean {
    if (this.outgoing.client.method === 'HEAD') return false;
    return contentLength === undefined || this.#early.reduce((sum, chunk) => sum + chunk.length, 0) === contentLength;
  }

  #failure(): WsgiError | undefined {
    if (this.#status === 0) return undefined;
    const said = lastLine(this.#detail);
    return new WsgiError('content-incomplete', said || 'the application broke its response off', this.#detail);
  }

  #balance(): void {
    const content = this.#content!;
    if (this.hasEnded) {
      if (this.isHeld) this.#hold(false);
    } else if (!this.isHeld && content.queuedBytes >= this.#readAheadBytes) this.#hold(true);
    else if (this.isHeld && content.queuedBytes < this.#readAheadBytes / 2) this.#hold(false);
  }

  #hold(isHeld: boolean): void {
    this.isHeld = isHeld;
    this.lastProgress = performance.now();
    this.#owner?.hold(isHeld);
  }
}

function withContentLength(fields: readonly Field[], contentLength: number | undefined): readonly Field[] {
  return contentLength === undefined ? fields : [...fields, ['content-length', String(contentLength)]];
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}
