// One request and its answer: waits for a thread if there is none, then gathers what the worker says until the head is
// there, and decides.
//
// An answer that has arrived whole by the end of the first chunk is returned as bytes, so small responses cost no stream.
// Otherwise the content becomes a sequence, and the worker is read ahead of the client only up to a limit. An answer
// that the worker did not complete never looks complete: its content throws at the end.

import type { Field } from '@onezero/cgi-process';
import type { HandedFile } from '../content/handed-file.ts';
import type { RequestContent } from '../content/request-content.ts';
import { ResponseContent, type ResponseSpool } from '../content/response-content.ts';
import { type ReadHead, readHead, type ResponseHead } from '../content/response-head.ts';
import type { AnswerListener, PythonRequest, PythonResponse } from '../message.ts';
import { PythonError } from '../python-error.ts';
import type { Socket } from 'node:net';
import type { RequestQueue } from './request-queue.ts';

/** How much of what Python said about one request is kept for its error. */
const MAX_DETAIL_LENGTH = 0x10000;

/** Content up to this size is copied behind its head, by a server that takes it so. */
const MAX_LENT_BYTES = 0x8000;

/** What stands for the answer once the protocol has changed. */
const switchedHead: ReadHead = {
  status: 101,
  reason: undefined,
  fields: [],
  contentLength: undefined,
  size: 0,
  lines: undefined,
};
const nobodyWaits: AnswerListener = { answered: () => {}, failed: () => {} };

/** What the exchange wants of its connection. */
export interface ExchangeOwner {
  /** Stops (true) or goes on with reading. */
  hold(exchange: Exchange, isHeld: boolean): void;
  /** Nobody reads the answer any more. */
  abandon(exchange: Exchange): void;
  /** The connection of the client carries what it likes from now on, both ways. */
  switch?(exchange: Exchange, stream: Socket, content: ResponseContent): void;
}

/** The answer to one request, in the making. */
export class Exchange {
  readonly request: PythonRequest;
  readonly content: RequestContent;
  /** Where it waits, as long as it does. */
  queue: RequestQueue | undefined;
  /** When the worker or the client last moved: `performance.now()`. */
  lastProgress: number = performance.now();
  /** True while the worker waits for the reader of the answer, and not we for it. */
  isHeld = false;
  /** True while the worker may be waiting for content that has not come yet. */
  isFed = false;
  /** True when there is a head: from then on it is the reader of the content that leaves. */
  hasAnswered = false;
  hasEnded = false;
  isAbandoned = false;
  /** Its number on a connection that carries several; 0 for none. */
  number = 0;
  /** True when the application was silent for too long. */
  isHung = false;
  #owner: ExchangeOwner | undefined;
  readonly #spool: ResponseSpool;
  readonly #mayLend: boolean;
  #listener: AnswerListener;
  #headBytes: Buffer | undefined;
  #head: ReadHead | undefined;
  /** Content that has just come, valid until `flush`. */
  #views: Buffer[] = [];
  #early: Buffer[] = [];
  #file: HandedFile | undefined;
  #response: ResponseContent | undefined;
  #status = 0;
  #detail = '';
  #onDeparture: (() => void) | undefined;

  /**
   * `listener` is told the response, or a bare status with a `PythonError`; or what reading the content threw. `mayLend`: it copies
   * content that `isLent` before it returns.
   */
  constructor(
    request: PythonRequest,
    content: RequestContent,
    spool: ResponseSpool,
    listener: AnswerListener,
    mayLend = false,
  ) {
    this.request = request;
    this.content = content;
    this.#spool = spool;
    this.#listener = listener;
    this.#mayLend = mayLend;
  }

  /** A connection takes the exchange on. */
  begin(owner: ExchangeOwner): void {
    this.#owner = owner;
    if (this.queue === undefined) return;
    this.queue = undefined;
    this.lastProgress = performance.now();
  }

  /**
   * From now on, a client that leaves before there is a head is missed at once. Not from the start: making a signal and
   * listening to it costs more than many an answer.
   */
  watchClient(): void {
    // Asking for the signal makes it.
    if (this.hasAnswered || this.#onDeparture !== undefined) return;
    const { signal } = this.request;
    if (signal === undefined) return;
    if (signal.aborted) return this.#leave();
    this.#onDeparture = () => this.#leave();
    signal.addEventListener('abort', this.#onDeparture);
  }

  #leave(): void {
    if (this.hasAnswered) return;
    const error = new PythonError('client-gone', 'the client left before the response began');
    if (this.#owner === undefined) return this.queue?.dismiss(this, error);
    this.fail(error);
    this.#owner.abandon(this);
  }

  /** Takes the last of the output of a response that is whole. The chunk is valid until `flush`, which has to follow. */
  lastOutput(chunk: Buffer): void {
    this.output(chunk);
    this.hasEnded = true;
    if (this.#response === undefined) return;
    this.#gather();
    this.#response.end();
  }

  /** Takes some of the worker's output, head first. The chunk is valid until `flush`. */
  output(chunk: Buffer): void {
    if (this.isAbandoned) return;
    if (this.#head !== undefined) return void this.#views.push(chunk);
    const bytes = this.#headBytes === undefined ? chunk : Buffer.concat([this.#headBytes, chunk]);
    const head = readHead(bytes);
    if (head === undefined) {
      this.#headBytes = Buffer.from(bytes);
      return;
    }
    this.#head = head;
    if (head.size < bytes.length) this.#views.push(bytes.subarray(head.size));
  }

  /** Copies what has come since the last time. */
  #gather(): void {
    const views = this.#views;
    if (views.length === 0) return;
    this.#views = [];
    if (this.#response === undefined) {
      this.#early.push(views.length === 1 ? Buffer.from(views[0]!) : Buffer.concat(views));
      return;
    }
    for (const view of views) this.#response.push(view);
    this.#balance();
  }

  /** The rest of the content is that of a file. */
  outputFile(file: HandedFile | Buffer): void {
    this.#gather();
    if (!(file instanceof Uint8Array)) {
      if (this.#response === undefined) this.#file = file;
      else this.#response.pushFile(file);
    } else if (this.#response === undefined) this.#early.push(file);
    else this.#response.push(file);
  }

  /** Keeps what Python says about this request, in case it has to explain a failure. */
  errors(text: string): void {
    if (this.#detail.length < MAX_DETAIL_LENGTH) this.#detail += text;
  }

  /** The worker has finished; `status` is 0 when the response is whole. */
  end(status: number): void {
    this.#gather();
    this.hasEnded = true;
    this.#status = status;
    this.#response?.end(this.#failure());
    this.flush();
  }

  /** Breaks the exchange off from our side. The first reason counts. */
  fail(error: unknown): void {
    if (!this.hasAnswered) {
      const listener = this.#answered();
      // Not in this call: who is told may ask for the next request, which may fail as soon.
      queueMicrotask(() => {
        if (error instanceof PythonError) listener.answered(error.response());
        else listener.failed(error);
      });
    }
    this.#views = [];
    this.#file?.close();
    this.#file = undefined;
    this.#response?.end(error);
  }

  /** Fails before anything was sent: what is kept of the content goes first. */
  refuse(error: unknown): void {
    this.content.discard();
    this.fail(error);
  }

  /** Whoever waits, and need not be kept any longer. */
  #answered(): AnswerListener {
    this.hasAnswered = true;
    if (this.#onDeparture !== undefined) this.request.signal?.removeEventListener('abort', this.#onDeparture);
    const listener = this.#listener;
    this.#listener = nobodyWaits;
    return listener;
  }

  /** Answers if there is enough to answer with: called when everything that had arrived was taken in. */
  flush(): void {
    if (this.hasAnswered) return this.#gather();
    if (this.#head !== undefined) {
      const response = this.#lent(this.#head) ?? this.#respond(this.#head);
      this.#answered().answered(response);
    } else if (this.hasEnded) {
      const said = lastLine(this.#detail) || 'the application gave no response';
      this.fail(new PythonError('application-failed', said, this.#detail));
    }
  }

  /** The response with content that is still where it was read to, for who copies it. */
  #lent({ status, reason, fields, contentLength, lines }: ReadHead): PythonResponse | undefined {
    const [content] = this.#views;
    const isWhole = this.hasEnded && this.#status === 0 && this.#views.length === 1 && this.#early.length === 0;
    if (content === undefined || !isWhole || !this.#mayLend || content.length > MAX_LENT_BYTES) return undefined;
    if (this.#isApart || (contentLength !== undefined && contentLength !== content.length)) return undefined;
    this.#views = [];
    return { status, reason, fields, content, isLent: true, lines };
  }

  #respond({ status, reason, fields, contentLength }: ResponseHead): PythonResponse {
    this.#gather();
    if (this.hasEnded && this.#status === 0 && this.#hasAll(contentLength)) {
      const content = this.#early.length === 1 ? this.#early[0]! : Buffer.concat(this.#early);
      return { status, reason, fields, content };
    }
    const content = new ResponseContent(this.#spool);
    this.#response = content;
    if (status === 101) return this.#switch({ status, reason, fields }, content);
    for (const chunk of this.#early) content.push(chunk);
    this.#early = [];
    if (this.#file !== undefined) content.pushFile(this.#file);
    this.#file = undefined;
    if (this.hasEnded) content.end(this.#failure());
    content.onRoom = () => this.#balance();
    content.onAbandon = () => this.#owner?.abandon(this);
    this.#balance();
    return { status, reason, fields: withContentLength(fields, contentLength), content };
  }

  /**
   * A change of protocol. A client that leaves before it has happened is missed by its signal, as nobody reads the content; usually
   * it happens in this turn, and then there is no need of a signal, which would last as long as the connection.
   */
  #switch(head: PythonResponse, content: ResponseContent): PythonResponse {
    let stopWaiting = (): void => clearImmediate(late);
    const late = setImmediate(() => {
      stopWaiting = this.#leaveWithClient(content);
    });
    for (const chunk of this.#early) content.push(chunk);
    this.#early = [];
    if (this.hasEnded) content.end(this.#failure());
    content.onRoom = () => this.#balance();
    content.onAbandon = () => this.#owner?.abandon(this);
    const upgrade = (stream: Socket): void => {
      stopWaiting();
      // What has been used would be kept as long as the connection.
      this.#head = switchedHead;
      this.#owner?.switch?.(this, stream, content);
    };
    return { ...head, upgrade };
  }

  /** What the content keeps, such as a file, goes with the client; returns how to end that. */
  #leaveWithClient(content: ResponseContent): () => void {
    const { signal } = this.request;
    const leave = (): void => void content.return();
    if (signal?.aborted === true) leave();
    signal?.addEventListener('abort', leave);
    return () => signal?.removeEventListener('abort', leave);
  }

  /** Whether what the worker says is not the content: of HEAD, before a file, or of another protocol. */
  get #isApart(): boolean {
    return this.request.method === 'HEAD' || this.#file !== undefined || this.#head?.status === 101;
  }

  /** Whether the content is here. Not for HEAD and 304: without content they still tell the length that GET would have. */
  #hasAll(contentLength: number | undefined): boolean {
    if (this.#isApart) return false;
    return contentLength === undefined || this.#early.reduce((sum, chunk) => sum + chunk.length, 0) === contentLength;
  }

  #failure(): PythonError | undefined {
    if (this.#status === 0) return undefined;
    const said = lastLine(this.#detail);
    return new PythonError('content-cut', said || 'the application broke its response off', this.#detail);
  }

  #balance(): void {
    const content = this.#response!;
    if (this.hasEnded) {
      if (this.isHeld) this.#hold(false);
    } else if (!this.isHeld && content.isFull) this.#hold(true);
    else if (this.isHeld && content.hasRoom) this.#hold(false);
  }

  #hold(isHeld: boolean): void {
    this.isHeld = isHeld;
    this.lastProgress = performance.now();
    this.#owner?.hold(this, isHeld);
  }
}

function withContentLength(fields: readonly Field[], contentLength: number | undefined): readonly Field[] {
  return contentLength === undefined ? fields : [...fields, ['content-length', String(contentLength)]];
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}
