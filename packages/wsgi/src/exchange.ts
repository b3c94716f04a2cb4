// One request and its answer on a connection: gathers what the worker says until the head is there, then decides.
//
// An answer that has arrived whole by the end of the first chunk is returned as bytes, so small responses cost no stream.
// Otherwise the content becomes a sequence, and the connection is read ahead of its reader only up to a limit. An answer
// that the worker did not complete never looks complete: its content throws at the end.

import type { CgiResponse, Field } from '@onezero/cgi-process';
import { ResponseContent } from './response-content.ts';
import { parseResponseHead, type ResponseHead } from './response-head.ts';
import { WsgiError } from './wsgi-error.ts';

const emptyLine = Buffer.from('\n\n');

/** How much of what Python said about one request is kept for its error. */
const maxDetailLength = 0x10000;

/** What the exchange wants of its connection. */
export interface ExchangeOwner {
  /** Stops (true) or goes on with reading. */
  hold(isHeld: boolean): void;
  /** Nobody reads the answer any more. */
  abandon(exchange: Exchange): void;
}

/** The answer to one request, in the making. */
export class Exchange {
  readonly answer: Promise<CgiResponse>;
  /** How the request is called in logs. */
  readonly name: string | undefined;
  /** When the worker or the client last moved: `performance.now()`. */
  lastProgress: number = performance.now();
  /** True while the worker waits for the reader of the answer, and not we for it. */
  isHeld = false;
  hasEnded = false;
  isAbandoned = false;
  readonly #owner: ExchangeOwner;
  readonly #isHead: boolean;
  readonly #readAheadBytes: number;
  #settle!: { resolve(response: CgiResponse): void; reject(error: unknown): void };
  #headBytes: Buffer | undefined;
  #head: ResponseHead | undefined;
  #early: Buffer[] = [];
  #content: ResponseContent | undefined;
  #isSettled = false;
  #status = 0;
  #detail = '';

  constructor(owner: ExchangeOwner, request: { method: string; id?: string | undefined }, readAheadBytes: number) {
    this.#owner = owner;
    this.#isHead = request.method === 'HEAD';
    this.#readAheadBytes = readAheadBytes;
    this.name = request.id;
    this.answer = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
  }

  /** Takes some of the worker's output, head first. */
  output(chunk: Buffer): void {
    if (this.isAbandoned) return;
    if (this.#head !== undefined) return this.#pushContent(chunk);
    const bytes = this.#headBytes === undefined ? chunk : Buffer.concat([this.#headBytes, chunk]);
    const end = bytes.indexOf(emptyLine);
    if (end === -1) {
      this.#headBytes = bytes;
      return;
    }
    this.#head = parseResponseHead(bytes.toString('latin1', 0, end));
    if (end + 2 < bytes.length) this.#pushContent(bytes.subarray(end + 2));
  }

  #pushContent(chunk: Buffer): void {
    if (this.#content === undefined) {
      this.#early.push(chunk);
      return;
    }
    this.#content.push(chunk);
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
    if (!this.#isSettled) {
      this.#isSettled = true;
      this.#settle.reject(error);
    }
    this.#content?.end(error);
  }

  /** Answers if there is enough to answer with: called when everything that had arrived was taken in. */
  flush(): void {
    if (this.#isSettled || (this.#head === undefined && !this.hasEnded)) return;
    this.#isSettled = true;
    if (this.#head === undefined) {
      const said = lastLine(this.#detail);
      this.#settle.reject(
        new WsgiError('application-failed', said || 'the application gave no response', this.#detail),
      );
    } else this.#settle.resolve(this.#respond(this.#head));
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
    this.#content.onAbandon = () => this.#owner.abandon(this);
    this.#balance();
    return { status, reason, fields: withContentLength(fields, contentLength), content: this.#content };
  }

  /** Whether the content is here. Not for HEAD and 304: without content they still tell the length that GET would have. */
  #hasAll(contentLength: number | undefined): boolean {
    if (this.#isHead) return false;
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
    this.#owner.hold(isHeld);
  }
}

function withContentLength(fields: readonly Field[], contentLength: number | undefined): readonly Field[] {
  return contentLength === undefined ? fields : [...fields, ['content-length', String(contentLength)]];
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}
