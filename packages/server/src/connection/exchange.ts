// One request and what becomes of it: the state that the steps of its journey share, and the ways it can be cut short.

import type { RequestHeadEvent } from '@onezero/http-parser';
import { discard } from '../message/content.ts';
import type { Field, RequestMessage } from '../message/message.ts';
import type { Failure } from '../options.ts';
import type { RequestSource } from '../message/request.ts';
import type { Service } from './service.ts';
import { ContentFailure } from './refusals.ts';
import type { RequestContent } from './request-content.ts';

/** Sends interim responses of an exchange. */
export interface Informer {
  inform(exchange: Exchange, status: number, fields: readonly Field[]): void;
}

export type Interruption = Pick<Failure, 'status' | 'cause' | 'source'>;

/** Who waits for the responder, and is told when somebody else has to answer. */
export interface Interruptible {
  interrupted(interruption: Interruption): void;
}

export class Exchange implements RequestSource {
  /** Milliseconds of the monotonic clock. */
  readonly startedAt: number = performance.now();
  /** The generation that answers it. */
  readonly service: Service;
  /** Absent when no request could be read. */
  readonly event: RequestHeadEvent | undefined;
  request: RequestMessage | undefined;
  /** Absent when there is none to read. */
  content: RequestContent | undefined;
  user: string | undefined;
  /** All of its content has come. */
  received = false;
  receivedAt = 0;
  receivedBytes = 0;
  status = 0;
  contentBytes = 0;
  headSent = false;
  /** Framing shows the client where the response ends, so that it notices one that breaks off. */
  isEndMarked = false;
  /** How often a client that has finished sending was asked whether it is still there. */
  probes = 0;
  /** The chunked coding: there is something to say between two pieces of the content that means nothing. */
  isChunked = false;
  /** Zeros that were sent in front of the size of the next chunk. */
  padding = 0;
  /** The answer is under way: the responder has spoken, nobody can interrupt it any more. */
  answered = false;
  /** Everything has been said about it, or the client has gone. */
  over = false;
  /** Another request may follow on the connection. */
  persistent = true;
  /** Its content is not accepted: nothing may follow it. */
  refused = false;
  /** `100 (Continue)` has not been sent to a client that waits for it. */
  continueDue: boolean;
  #controller: AbortController | undefined;
  #isAborted = false;
  #iterator: AsyncIterator<Uint8Array> | undefined;
  #interruption: Interruption | undefined;
  #waiting: Interruptible | undefined;

  readonly #informer: Informer;

  constructor(event: RequestHeadEvent | undefined, service: Service, informer: Informer) {
    this.event = event;
    this.service = service;
    this.#informer = informer;
    service.underWay += 1;
    this.continueDue = event?.expectation === 'continue' && event.head.version === '1.1';
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#isAborted) this.#controller.abort();
    return this.#controller.signal;
  }

  /**
   * Whether the client has said that this request is its last, and all of it was read: then nothing that may come can make the
   * kernel reset the connection under the answer, unless the client does what it said it would not.
   */
  get hasHeardAll(): boolean {
    return this.event?.persistent === false && this.content === undefined;
  }

  inform(status: number, fields: readonly Field[]): void {
    this.#informer.inform(this, status, fields);
  }

  /** Answers with a failure in place of what the responder may still say; of no effect once it has spoken. */
  interrupt(interruption: Interruption): void {
    if (this.answered || this.over) return;
    this.#interruption ??= interruption;
    this.#waiting?.interrupted(this.#interruption);
  }

  /** Tells `waiting` once the answer has to be given by somebody else, unless the responder is heard before. */
  onInterruption(waiting: Interruptible): void {
    if (this.#interruption === undefined) this.#waiting = waiting;
    else waiting.interrupted(this.#interruption);
  }

  /** The responder has spoken: nobody waits for an interruption any more. False if one came before. */
  heard(): boolean {
    this.#waiting = undefined;
    return this.#interruption === undefined;
  }

  /** Remembers the content being sent, to close it when the client goes. */
  sending(iterator: AsyncIterator<Uint8Array>): void {
    this.#iterator = iterator;
  }

  /** Closes the content that is being sent, also while a piece of it is awaited. */
  closeContent(): void {
    const iterator = this.#iterator;
    if (iterator !== undefined) discard({ [Symbol.asyncIterator]: () => iterator });
  }

  /** Reads no more of its content: who goes on reading gets an error, since a part must not pass for the whole. */
  dropContent(): void {
    if (this.received) return;
    this.content?.fail(new ContentFailure(400, 'the response was complete before the content was'));
    this.content?.abandon();
  }

  /** The client has gone in the middle: responder, reader and content are told. */
  left(): void {
    this.abort();
    this.content?.fail(new ContentFailure(400, 'the client has gone'));
    this.closeContent();
  }

  /** Tells the responder that nobody waits any more. */
  abort(): void {
    if (this.#isAborted) return;
    this.#isAborted = true;
    this.#controller?.abort();
  }
}
