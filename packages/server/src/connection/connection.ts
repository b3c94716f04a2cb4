// One connection: what comes in, which requests it makes, and how it ends.
//
// Bytes go to the parser, whose events start requests and feed their content. While nothing has to be waited for, a request
// is answered in the same turn of the loop in which it came, and the answers to pipelined requests leave together. One
// exchange is under way at a time (`answering.ts` has its journey); the next request is read when the answer is out and its
// content has been read or dropped.
//
// The end: after the last answer we finish sending and go on reading for a while (RFC 9112 §9.6), or a reset could destroy
// the answer on its way. What comes then is dropped. An answer that cannot be finished is cut off by a reset.

import type { Socket } from 'node:net';
import { RequestParser, type ParserEvent, type RequestHeadEvent } from '@onezero/http-parser';
import type { ResolvedLimits } from '../limits.ts';
import type { Field } from '../message/message.ts';
import { answer, end, recover, type AnswerTarget } from './answering.ts';
import type { Clock, Watched } from './clock.ts';
import { Deadlines, type Observed } from './deadlines.ts';
import type { Ends } from '../transport/ends.ts';
import { CONTINUE, enforce, type Enforced } from './enforcement.ts';
import { Exchange, type Informer, type Interruption } from './exchange.ts';
import { Holds, HOLDS } from './holds.ts';
import { interimResponse, sendInterim } from './interim.ts';
import { mayFollow } from './may-follow.ts';
import { late, refusalIn, refusalOf } from './refusals.ts';
import { Output } from './output.ts';
import { probe } from './probe.ts';
import { RequestContent, type ContentSource } from './request-content.ts';
import type { Service } from './service.ts';
import { Tunnel } from './tunnel.ts';
import { writeAtTurnEnd } from './turn-end.ts';
import type { Receiver, Transport } from '../transport/transport.ts';

/** What all connections of one server share. */
export interface Engine {
  readonly clock: Clock;
  /** What a request that begins now is answered with. */
  readonly service: Service;
  /** Every answer is the last of its connection. */
  readonly isStopping: boolean;
  /** The last request that a generation was answering has ended. */
  idle(service: Service): void;
  closed(connection: Connection): void;
}

export class Connection implements AnswerTarget, Receiver, ContentSource, Informer, Watched, Observed, Enforced {
  clockPlace = -1;
  serverPlace = -1;
  readonly engine: Engine;
  readonly transport: Transport;
  readonly output: Output;
  readonly ends: Ends;
  /** The request under way; the last one until the next head begins. */
  exchange: Exchange | undefined;
  receivedBytes = 0;
  finishedAt: number | undefined;
  readonly #parser: RequestParser;
  readonly #deadlines: Deadlines;
  #mode: 'open' | 'tunnel' | 'lingering' | 'closed' = 'open';
  #tunnel: Tunnel | undefined;
  readonly #holds: Holds;
  #requests = 0;
  /** Of the content of the last request, or since the last answer. */
  #droppedBytes = 0;
  /** How much had been received when a stop last looked. */
  #silentAt = -1;

  constructor(engine: Engine, transport: Transport, ends: Ends) {
    this.engine = engine;
    this.transport = transport;
    this.output = new Output(transport);
    this.#holds = new Holds(transport);
    this.ends = ends;
    this.#parser = new RequestParser(engine.service.parser);
    engine.clock.watch(this);
    this.#deadlines = new Deadlines(engine.clock.now);
  }

  /** Those of what is served now; a request keeps those it began with. */
  get limits(): ResolvedLimits {
    return (this.exchange ?? this.engine).service.limits;
  }

  // What comes in.

  received(bytes: Uint8Array): void {
    if (this.#mode === 'lingering') return this.#drop(bytes.length);
    this.receivedBytes += bytes.length;
    if (this.#tunnel !== undefined) return this.#tunnel.received(bytes);
    if (this.#parser.state === 'paused') this.#holds.cameAhead(bytes.length);
    this.advance(this.#parser.push(bytes));
  }

  finished(): void {
    this.finishedAt = performance.now();
    if (this.#mode === 'open') this.advance(this.#parser.end());
    else this.#tunnel?.finished();
  }

  /** Takes events, and those of the next requests as long as each is answered at once. */
  advance(first: readonly ParserEvent[] = []): void {
    let events = first;
    this.output.isBatching = true;
    for (;;) {
      for (const event of events) this.#take(event, events);
      if (this.#mode !== 'open' || this.exchange?.over !== true || this.#parser.state !== 'paused') break;
      events = this.#parser.next();
      // A head that is not here whole is waited for, however long it is.
      this.#holds.tookAhead(this.#parser.state === 'paused' ? this.#parser.remainderBytes : 0);
      if (events.length === 0) break;
    }
    this.output.isBatching = false;
    writeAtTurnEnd(this.output, this.#holds);
    if (this.#mode === 'open') this.#settle();
  }

  #take(event: ParserEvent, events: readonly ParserEvent[]): void {
    const { exchange } = this;
    switch (event.type) {
      case 'head':
        if (this.#mode === 'open') this.#begin(event, refusalIn(events), events.length > 1);
        break;
      case 'content':
        if (exchange !== undefined) this.#takeContent(exchange, event.bytes);
        break;
      case 'end':
        if (exchange === undefined) break;
        exchange.received = true;
        exchange.receivedAt = exchange.content === undefined ? exchange.startedAt : performance.now();
        exchange.content?.end(event.trailers);
        break;
      case 'error':
        this.refuse(refusalOf(event.error));
    }
  }

  /** Answers a request; without an event, what could not be read as one. */
  #begin(event: RequestHeadEvent | undefined, refusal: Interruption | undefined, isContentHere: boolean): void {
    const exchange = new Exchange(event, this.engine.service, this);
    if (event === undefined) exchange.received = true;
    else if (event.contentLength !== 0) exchange.content = new RequestContent(this);
    // Where content came with the head, nobody waits for 100.
    if (isContentHere) exchange.continueDue = false;
    this.exchange = exchange;
    this.#droppedBytes = 0;
    this.#requests += 1;
    answer(this, exchange, refusal);
  }

  #takeContent(exchange: Exchange, bytes: Uint8Array): void {
    const { maxContentBytes } = this.limits;
    exchange.receivedBytes += bytes.length;
    exchange.continueDue = false;
    if (maxContentBytes > 0 && exchange.receivedBytes > maxContentBytes) {
      return this.refuse(late(413, `the content exceeds ${maxContentBytes} bytes`));
    }
    if (exchange.over && exchange.content?.isOpen !== true) return this.#drop(bytes.length);
    exchange.content?.push(bytes);
  }

  /** What came is no good: the request that it belongs to is answered with that, or nobody's is. */
  refuse(failure: Interruption): void {
    const { exchange } = this;
    if (this.#mode !== 'open') return;
    if (exchange === undefined || exchange.received) {
      this.#begin(undefined, failure, false);
    } else if (exchange.over) {
      this.linger();
    } else {
      exchange.refused = true;
      exchange.content?.fail(failure.cause);
      exchange.interrupt(failure);
    }
  }

  #drop(bytes: number): void {
    this.#droppedBytes += bytes;
    if (this.#droppedBytes > this.limits.maxDrainBytes) this.output.flushAndClose();
  }

  // What the answer asks for.

  get method(): string | undefined {
    return this.#parser.method;
  }

  mayFollow(exchange: Exchange, event: RequestHeadEvent): boolean {
    const isNoneHere = this.#parser.remainderBytes === 0;
    return mayFollow(exchange, event, {
      isClosing: (this.engine.isStopping || this.#deadlines.isOverdue) && isNoneHere,
      hasFailed: this.#parser.state === 'failed',
      requests: this.#requests,
      isExhausted: this.finishedAt !== undefined && isNoneHere,
    });
  }

  answered(exchange: Exchange): void {
    if (!exchange.persistent || this.#parser.state === 'failed') return this.linger();
    // Whoever reads when the answer leaves may read on, as long as content is drained.
    if (exchange.content?.isRead !== true) exchange.dropContent();
    // Content that came whole and was not read must not keep the next request from being read.
    this.#holds.release(HOLDS.content);
    if (!this.output.isBatching) this.advance();
  }

  idle(service: Service): void {
    this.engine.idle(service);
  }

  inform(exchange: Exchange, status: number, fields: readonly Field[]): void {
    const bytes = interimResponse(status, fields);
    if (exchange.headSent || exchange.over || exchange.event?.head.version !== '1.1' || this.#mode !== 'open') return;
    sendInterim(bytes, this);
  }

  switched(exchange: Exchange, upgrade: (stream: Socket) => void): void {
    this.output.flush();
    this.#mode = 'tunnel';
    this.#tunnel = new Tunnel(this.transport, this.ends, this.#holds);
    this.#deadlines.enter('tunnel', this.engine.clock.now);
    this.#tunnel.received(this.#parser.remainder);
    if (this.finishedAt !== undefined) this.#tunnel.finished();
    this.#holds.release(HOLDS.ahead | HOLDS.stalled);
    this.#tunnel.handTo(upgrade, (cause) => void recover(this, exchange, cause));
  }

  cut(exchange: Exchange): void {
    // A FIN in the middle of framed content shows as much as a reset, and does not destroy what is on its way.
    if (exchange.headSent && exchange.isEndMarked) this.linger();
    else this.transport.reset();
  }

  // What the content of the request asks for.

  contentWanted(): void {
    const { exchange } = this;
    if (exchange?.continueDue !== true || exchange.headSent || this.#mode !== 'open') return;
    exchange.continueDue = false;
    this.output.flush();
    this.transport.write(CONTINUE);
  }

  contentFull(): void {
    this.#holds.add(HOLDS.content);
  }

  contentRoom(): void {
    this.#holds.release(HOLDS.content);
  }

  // Time and end.

  /** Notes what is waited for now. */
  #settle(): void {
    const { state } = this.#parser;
    const isOver = this.exchange?.over !== false;
    const phase = !isOver ? 'answer' : state === 'content' ? 'drain' : state === 'head' ? 'head' : 'idle';
    if (!this.#deadlines.enter(phase, this.engine.clock.now)) return;
    if (phase !== 'idle') return;
    this.exchange = undefined;
    if (this.finishedAt !== undefined) this.linger();
  }

  tick(now: number): void {
    // Nothing reads a connection that is held or finished, so the system is asked for a reset.
    const isUnread = this.#holds.isHeld || this.finishedAt !== undefined;
    if (isUnread && this.transport.isBroken) return this.transport.destroy();
    enforce(this.#deadlines.judge(now, this), this);
  }

  probe(exchange: Exchange): void {
    this.output.flush();
    probe(this.transport, exchange);
    this.#deadlines.probed(this.engine.clock.now, this.transport);
  }

  breakOff(exchange: Exchange, cause: Error): void {
    void recover(this, exchange, cause);
  }

  linger(): void {
    if (this.#mode !== 'open') return;
    this.#mode = 'lingering';
    // Under TLS, who leaves waits for the client to finish as well.
    this.#deadlines.enter('linger', this.engine.clock.now);
    const isTaken = this.output.flush();
    if (isTaken && this.exchange?.hasHeardAll === true) return this.transport.leave();
    this.#droppedBytes = 0;
    this.exchange?.dropContent();
    this.#holds.release();
    this.transport.end();
  }

  closed(): void {
    const { exchange } = this;
    this.#mode = 'closed';
    this.#tunnel?.closed();
    if (exchange !== undefined && !exchange.over) {
      exchange.contentBytes = this.#tunnel?.sentBytes ?? exchange.contentBytes;
      end(this, exchange, this.#tunnel !== undefined);
      exchange.left();
    }
    exchange?.dropContent();
    this.engine.clock.unwatch(this);
    this.engine.closed(this);
  }

  leaveIfSilent(): void {
    const isIdle = this.#deadlines.phase === 'idle' && this.exchange?.over !== false;
    if (this.#mode === 'open' && isIdle) {
      if (this.#silentAt === this.receivedBytes) this.linger();
      else this.#silentAt = this.receivedBytes;
    } else if (this.#mode === 'lingering' && this.#silentAt === this.receivedBytes) {
      // An idle client has had its FIN; nothing is on its way to it.
      this.transport.destroy();
    }
  }
}
