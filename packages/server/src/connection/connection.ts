// One connection: its requests, one after another, each on the journey that `#answer` shows in order.
//
// Bytes go to the parser, whose events start requests and feed their content. While nothing has to be waited for, a request
// is answered in the same turn of the loop in which it came, and the answers to pipelined requests leave together. One
// exchange is under way at a time; the next request is read when the answer is out and its content has been read or dropped.
//
// The end: after the last answer we finish sending and go on reading for a while (RFC 9112 §9.6), or a reset could destroy
// the answer on its way. What comes then is dropped. An answer that cannot be finished is cut off by a reset.

import { RequestParser, type HttpParseError, type ParserEvent, type RequestHeadEvent } from '@onezero/http-parser';
import type { ResponseMessage } from '../message.ts';
import { discard } from '../responders/discard.ts';
import { isPromiseLike } from '../when-ready.ts';
import type { Watched } from './clock.ts';
import { complete, type Situation } from './complete.ts';
import { sendContent } from './content-sender.ts';
import { Pace, patienceMs, type Phase } from './deadlines.ts';
import type { Ends } from './ends.ts';
import type { Engine, Service } from './engine.ts';
import { Exchange, type Interruption } from './exchange.ts';
import { logEntry } from './log-entry.ts';
import { Output } from './output.ts';
import { RequestContent, type ContentSource } from './request-content.ts';
import { readRequest } from './request.ts';
import type { Receiver, Transport } from './transport.ts';

const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n');

// What a client may send ahead while its request is answered; beyond it the socket is not read.
const AHEAD_BYTES = 65_536;

// A client that finishes sending at once wants its answer all the same; one that does so later, and nothing moves, has left:
// a closing and a half-closing peer look the same until something is sent to it. "At once" leaves room for a busy loop.
const AT_ONCE_MS = 100;
const STILL_MS = 250;

// A stop does not wait for idle clients to close as well: nothing is on its way to them.
const IDLE_STOP_MS = 50;

// Why the socket is not read: bits of one number, since every idle connection has it.
const HOLDS = { content: 1, ahead: 2, stalled: 4 } as const;
const ALL_HOLDS = HOLDS.content | HOLDS.ahead | HOLDS.stalled;

export class Connection implements Receiver, ContentSource, Watched {
  readonly #engine: Engine;
  readonly #transport: Transport;
  readonly #output: Output;
  readonly #parser: RequestParser;
  readonly #ends: Ends;
  #holds = 0;
  #sending: Pace | undefined;
  #receiving: Pace | undefined;
  #service: Service;
  #mode: 'open' | 'lingering' | 'closed' = 'open';
  #exchange: Exchange | undefined;
  /** Whether the answer under way lets another follow. */
  #persistent = true;
  /** Whether content came with the head: then nobody waits for 100. */
  #isContentHere = false;
  #requests = 0;
  #phase: Phase = 'idle';
  #since: number;
  #received = 0;
  #ahead = 0;
  #dropped = 0;
  #finishedAt: number | undefined;
  #written = 0;
  #movedAt = 0;

  constructor(engine: Engine, transport: Transport, ends: Ends) {
    this.#engine = engine;
    this.#transport = transport;
    this.#output = new Output(transport);
    this.#ends = ends;
    this.#service = engine.service;
    this.#parser = new RequestParser(this.#service.parser);
    engine.clock.watch(this);
    this.#since = engine.clock.now;
  }

  get remoteAddress(): string {
    return this.#ends.remote.address;
  }

  /**
   * One request, from its head to the last octet of its answer; without an event, what could not be read as a request. An
   * answer that is there at once and that the system takes at once costs no promise.
   */
  #answer(event: RequestHeadEvent | undefined, refusal?: Interruption): void {
    const exchange = this.#begin(event);
    try {
      const asked = this.#ask(exchange, refusal);
      const going = isPromiseLike(asked)
        ? this.#firstOf(exchange, asked).then((response) => this.#reply(exchange, response))
        : this.#reply(exchange, asked);
      if (going === undefined) this.#finish(exchange);
      else void this.#finishAfter(exchange, going);
    } catch (error) {
      void this.#recover(exchange, error);
    }
  }

  #reply(exchange: Exchange, response: ResponseMessage): Promise<void> | undefined {
    if (exchange.over) {
      discard(response.content);
      return undefined;
    }
    exchange.answered = true;
    return this.#send(exchange, response);
  }

  async #finishAfter(exchange: Exchange, going: Promise<void>): Promise<void> {
    try {
      await going;
      this.#finish(exchange);
    } catch (error) {
      await this.#recover(exchange, error);
    }
  }

  #begin(event: RequestHeadEvent | undefined): Exchange {
    const exchange = new Exchange(event);
    if (event === undefined) exchange.received = true;
    else if (event.contentLength !== 0) exchange.content = new RequestContent(this);
    if (this.#isContentHere) exchange.continueDue = false;
    this.#exchange = exchange;
    this.#requests += 1;
    this.#service = this.#engine.service;
    this.#service.underWay += 1;
    return exchange;
  }

  /** What the responder says, or what is wrong with the request before anybody is asked. */
  #ask(exchange: Exchange, refusal?: Interruption): ResponseMessage | Promise<ResponseMessage> {
    const { event } = exchange;
    const { site, limits, request: settings } = this.#service;
    const request = event && readRequest(event, this.#ends, exchange, settings);
    exchange.request = request;
    if (refusal !== undefined) return this.#fail(exchange, refusal);
    if (event === undefined || request === undefined) {
      return this.#fail(exchange, { status: 400, cause: undefined, source: 'parser' });
    }
    if (event.expectation === 'unknown') {
      return this.#fail(exchange, { status: 417, cause: undefined, source: 'parser' });
    }
    if (limits.maxContentBytes > 0 && (event.contentLength ?? 0) > limits.maxContentBytes) {
      exchange.refused = true;
      return this.#fail(exchange, { status: 413, cause: undefined, source: 'limit' });
    }
    return site.respond(request);
  }

  #fail(exchange: Exchange, failure: Interruption): ResponseMessage | Promise<ResponseMessage> {
    return this.#service.site.fail({ ...failure, request: exchange.request, headSent: exchange.headSent });
  }

  /** The responder's answer, unless the request breaks off or patience ends before it has one. */
  async #firstOf(exchange: Exchange, asked: Promise<ResponseMessage>): Promise<ResponseMessage> {
    const first = await Promise.race([asked.then((response) => ({ response })), exchange.interrupted()]);
    if ('response' in first) return first.response;
    exchange.answered = true;
    exchange.abort();
    void asked.then((late) => discard(late.content));
    return this.#fail(exchange, first);
  }

  /** Writes the response; a promise when not all of it is with the system yet. */
  #send(exchange: Exchange, response: ResponseMessage): Promise<void> | undefined {
    const situation = this.#situation(exchange);
    exchange.status = response.status;
    const ready = this.#service.remembered.get(response, situation);
    if (ready !== undefined) {
      this.#persistent = ready.persistent;
      return this.#write(exchange, ready.pieces, ready.contentBytes);
    }
    const framed = complete(response, situation, this.#service.complete);
    const { head, content } = framed;
    this.#persistent = framed.persistent;
    if (content !== undefined && !(content instanceof Uint8Array)) {
      this.#output.flush();
      return sendContent(exchange, content, framed, this.#transport);
    }
    discard(response.content);
    const pieces = [head, content].filter((piece) => piece !== undefined);
    return this.#write(exchange, pieces, content?.length ?? 0);
  }

  #write(exchange: Exchange, pieces: readonly Uint8Array[], contentBytes: number): Promise<void> | undefined {
    exchange.headSent = true;
    exchange.contentBytes = contentBytes;
    if (this.#output.write(pieces)) return undefined;
    return this.#transport.flushed().then(() => undefined);
  }

  #situation(exchange: Exchange): Situation {
    const { event, request, content, received, continueDue } = exchange;
    if (event === undefined) {
      return { method: this.#parser.method, version: '1.1', persistent: false, id: undefined };
    }
    const { maxRequestsPerConnection, drainBytes } = this.#service.limits;
    const isContentPending = content !== undefined && !received;
    const persistent =
      event.persistent &&
      !exchange.refused &&
      // What follows CONNECT was meant for a tunnel.
      event.form !== 'authority' &&
      !this.#engine.isStopping &&
      this.#parser.state !== 'failed' &&
      (maxRequestsPerConnection === 0 || this.#requests < maxRequestsPerConnection) &&
      (this.#finishedAt === undefined || this.#parser.remainder.length > 0) &&
      // Whether content will come is anybody's guess when 100 was not sent (RFC 9110 §10.1.1).
      !(isContentPending && (continueDue || (event.contentLength ?? 0) - exchange.receivedBytes > drainBytes));
    return { method: event.head.method, version: event.head.version, persistent, id: request?.id };
  }

  /** The answer broke: another takes its place if nothing of it is out, else the client gets to see that it broke. */
  async #recover(exchange: Exchange, cause: unknown): Promise<void> {
    if (exchange.over) return this.#transport.destroy();
    const { headSent } = exchange;
    exchange.answered = true;
    exchange.abort();
    const answer = this.#fail(exchange, { status: 500, cause, source: headSent ? 'content' : 'responder' });
    try {
      const response = await answer;
      if (headSent || exchange.over) return this.#cut(exchange);
      await this.#send(exchange, response);
      this.#finish(exchange);
    } catch {
      // The second attempt broke as well: whatever it was has been reported as the first.
      this.#cut(exchange);
    }
  }

  #cut(exchange: Exchange): void {
    this.#end(exchange, false);
    this.#transport.reset();
  }

  #finish(exchange: Exchange): void {
    if (exchange.over) return;
    this.#end(exchange, true);
    if (!this.#persistent || this.#engine.isStopping || this.#parser.state === 'failed') return this.#linger();
    if (!exchange.received) exchange.content?.abandon();
    if (!this.#output.gathers) this.#advance([]);
  }

  /** Says everything that is to be said about an exchange, once. */
  #end(exchange: Exchange, isComplete: boolean): void {
    if (exchange.over) return;
    exchange.over = true;
    const { accessLog } = this.#service;
    if (accessLog !== undefined) accessLog(logEntry(exchange, this.remoteAddress, isComplete));
    this.#service.underWay -= 1;
    if (this.#service.underWay === 0) this.#engine.idle(this.#service);
  }

  // What comes in.

  received(bytes: Uint8Array): void {
    if (this.#mode !== 'open') return this.#drop(bytes.length);
    this.#received += bytes.length;
    if (this.#parser.state === 'paused') {
      this.#ahead += bytes.length;
      if (this.#ahead >= AHEAD_BYTES) this.#hold(HOLDS.ahead);
    }
    this.#advance(this.#parser.push(bytes));
  }

  /** Takes events, and those of the next requests as long as each is answered at once. */
  #advance(first: readonly ParserEvent[]): void {
    let events = first;
    this.#output.gathers = true;
    for (;;) {
      for (const event of events) this.#take(event, events);
      if (this.#mode !== 'open' || this.#exchange?.over !== true || this.#parser.state !== 'paused') break;
      events = this.#parser.next();
      this.#ahead = 0;
      this.#release(HOLDS.ahead);
      if (events.length === 0) break;
    }
    this.#output.gathers = false;
    if (!this.#output.flush()) this.#stall();
    if (this.#mode === 'open') this.#settle();
  }

  #take(event: ParserEvent, events: readonly ParserEvent[]): void {
    const exchange = this.#exchange;
    switch (event.type) {
      case 'head':
        this.#isContentHere = events.length > 1;
        if (this.#mode === 'open') this.#answer(event, refusalIn(events));
        break;
      case 'content':
        if (exchange !== undefined) this.#takeContent(exchange, event.bytes);
        break;
      case 'end':
        if (exchange === undefined) break;
        exchange.received = true;
        exchange.receivedAt = exchange.content === undefined ? exchange.startedAt : performance.now();
        exchange.content?.end();
        break;
      case 'error':
        this.#refuse(refusalOf(event.error));
    }
  }

  #takeContent(exchange: Exchange, bytes: Uint8Array): void {
    const { maxContentBytes } = this.#service.limits;
    exchange.receivedBytes += bytes.length;
    exchange.continueDue = false;
    if (maxContentBytes > 0 && exchange.receivedBytes > maxContentBytes) {
      this.#refuse({ status: 413, cause: new Error(`the content exceeds ${maxContentBytes} bytes`), source: 'limit' });
    } else if (exchange.over) {
      this.#drop(bytes.length);
    } else {
      exchange.content?.push(bytes);
    }
  }

  /** What came is no good: the request that it belongs to is answered with that, or nobody's is. */
  #refuse(failure: Interruption): void {
    const exchange = this.#exchange;
    if (this.#mode !== 'open') return;
    if (exchange === undefined || exchange.received) {
      this.#answer(undefined, failure);
    } else if (exchange.over) {
      this.#linger();
    } else {
      exchange.refused = true;
      exchange.content?.fail(failure.cause);
      exchange.interrupt(failure);
    }
  }

  #drop(bytes: number): void {
    this.#dropped += bytes;
    if (this.#dropped > this.#service.limits.drainBytes) this.#transport.destroy();
  }

  finished(): void {
    this.#finishedAt = performance.now();
    if (this.#mode !== 'open') return;
    this.#advance(this.#parser.end());
  }

  closed(): void {
    const exchange = this.#exchange;
    this.#mode = 'closed';
    if (exchange !== undefined && !exchange.over) {
      this.#end(exchange, false);
      exchange.abort();
      exchange.content?.fail(new Error('the client has gone'));
      const { iterator } = exchange;
      if (iterator !== undefined) discard({ [Symbol.asyncIterator]: () => iterator });
    }
    this.#engine.clock.unwatch(this);
    this.#engine.closed(this);
  }

  // What the content of the request asks for.

  contentWanted(): void {
    const exchange = this.#exchange;
    if (exchange?.continueDue !== true || exchange.headSent || this.#mode !== 'open') return;
    exchange.continueDue = false;
    this.#output.flush();
    this.#transport.write(CONTINUE);
  }

  contentFull(): void {
    this.#hold(HOLDS.content);
  }

  contentRoom(): void {
    this.#release(HOLDS.content);
  }

  #hold(hold: number): void {
    this.#holds |= hold;
    this.#transport.pause();
  }

  #release(holds: number): void {
    if ((this.#holds & holds) === 0) return;
    this.#holds &= ~holds;
    if (this.#holds === 0) this.#transport.resume();
  }

  /** The client reads its answers slower than it asks: no more questions until it has them. */
  #stall(): void {
    this.#hold(HOLDS.stalled);
    void this.#transport.flushed().then(() => this.#release(HOLDS.stalled));
  }

  // Time and end.

  /** Notes what is waited for now. A head and unwanted content have their time as a whole, not anew with every octet. */
  #settle(): void {
    const { state } = this.#parser;
    const isOver = this.#exchange?.over !== false;
    const phase = !isOver ? 'answer' : state === 'content' ? 'drain' : state === 'head' ? 'head' : 'idle';
    if (phase === this.#phase && (phase === 'head' || phase === 'drain')) return;
    this.#phase = phase;
    this.#since = this.#engine.clock.now;
    if (phase === 'idle') this.#exchange = undefined;
    if (phase === 'drain') this.#dropped = 0;
    else if (phase === 'idle' && (this.#finishedAt !== undefined || this.#engine.isStopping)) this.#linger();
  }

  #linger(): void {
    if (this.#mode !== 'open') return;
    this.#mode = 'lingering';
    const isTaken = this.#output.flush();
    if (isTaken && this.#hasHeardAll()) return this.#transport.leave();
    this.#phase = 'linger';
    this.#since = this.#engine.clock.now;
    this.#dropped = 0;
    this.#exchange?.content?.abandon();
    this.#release(ALL_HOLDS);
    this.#transport.end();
  }

  /**
   * Whether the client has said that this request is its last, and all of it was read: then nothing that may come can make
   * the system reset the connection under the answer, unless the client does what it said it would not.
   */
  #hasHeardAll(): boolean {
    const exchange = this.#exchange;
    return exchange?.event?.persistent === false && exchange.content === undefined;
  }

  /** Closes the connection now if it is idle; else after the answer under way. */
  stop(): void {
    if (this.#mode !== 'open' || this.#phase !== 'idle' || this.#exchange?.over === false) return;
    this.#linger();
    setTimeout(() => this.#transport.destroy(), IDLE_STOP_MS).unref();
  }

  destroy(): void {
    this.#transport.destroy();
  }

  tick(now: number): void {
    const { limits } = this.#service;
    const { pendingBytes, writtenBytes } = this.#transport;
    if (writtenBytes !== this.#written) this.#movedAt = now;
    this.#written = writtenBytes;
    if (pendingBytes > 0) {
      this.#since = now;
      this.#sending ??= new Pace();
      if (this.#sending.isTooSlow(now, writtenBytes - pendingBytes, limits)) this.#transport.reset();
      return;
    }
    this.#sending?.rest();
    if (this.#phase === 'answer') return this.#tickAnswer(now);
    const patience = patienceMs(this.#phase, limits);
    if (patience === 0 || now - this.#since < patience) return;
    if (this.#phase === 'idle') this.#linger();
    else if (this.#phase === 'head')
      this.#refuse({ status: 408, cause: new Error('the head took too long'), source: 'limit' });
    else this.#transport.destroy();
  }

  #tickAnswer(now: number): void {
    const { limits } = this.#service;
    const exchange = this.#exchange;
    if (exchange === undefined || exchange.over) return;
    if (exchange.content?.isAwaited === true) {
      this.#receiving ??= new Pace();
      if (!this.#receiving.isTooSlow(now, this.#received, limits)) return;
      this.#refuse({ status: 408, cause: new Error('the content came too slowly'), source: 'limit' });
      return;
    }
    this.#receiving?.rest();
    if (this.#hasLeft(exchange, now)) return this.#transport.destroy();
    const { answerTimeoutMs } = limits;
    if (exchange.answered || answerTimeoutMs === 0 || now - this.#since < answerTimeoutMs) return;
    exchange.interrupt({ status: 503, cause: new Error(`no answer within ${answerTimeoutMs} ms`), source: 'limit' });
  }

  #hasLeft(exchange: Exchange, now: number): boolean {
    const at = this.#finishedAt;
    if (at === undefined || !exchange.received || at - exchange.receivedAt < AT_ONCE_MS) return false;
    return now - Math.max(at, this.#movedAt) > STILL_MS;
  }
}

/** A request whose content is known to be broken already is refused before anybody is asked. */
function refusalIn(events: readonly ParserEvent[]): Interruption | undefined {
  const last = events.at(-1);
  return last?.type === 'error' ? refusalOf(last.error) : undefined;
}

function refusalOf(error: HttpParseError): Interruption {
  return { status: error.status, cause: error, source: 'parser' };
}
