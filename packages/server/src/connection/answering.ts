// A request's journey: asked of the site, its answer framed and written, whatever breaks on the way answered in its place.
//
// An answer that is there at once and that the system takes at once costs no promise. Each exchange ends once: `end` says
// everything that is to be said about it, and the line learns whether another request may follow.

import type { Socket } from 'node:net';
import type { RequestHeadEvent } from '@onezero/http-parser';
import type { ResponseMessage } from '../message/message.ts';
import { requestEnd, requestStart, type RequestEndMessage, type RequestStartMessage } from '../diagnostics.ts';
import { discard, isPromiseLike } from '../message/content.ts';
import { shown } from '../message/request.ts';
import { failureStatus } from '../message/failure-status.ts';
import { complete, switchingHead, type Situation } from './complete.ts';
import { lentResponse } from './lent-response.ts';
import { warnOnce } from '../warn-once.ts';
import { sendContent } from './content-sender.ts';
import type { Ends } from '../transport/ends.ts';
import type { Service } from './service.ts';
import type { Exchange, Interruptible, Interruption } from './exchange.ts';
import { logEntry } from './log-entry.ts';
import type { Output } from './output.ts';
import { withOwnFields } from './own-fields.ts';
import { readRequest } from './read-request.ts';
import { type Answer, type AnswerTaker, Asked, tell } from '../routing/asked.ts';
import type { Transport } from '../transport/transport.ts';

/** The connection as its answers see it. */
export interface AnswerTarget {
  readonly transport: Transport;
  readonly output: Output;
  readonly ends: Ends;
  /** The method of what could not be read as a request, as far as it is known. */
  readonly method: string | undefined;
  /** Whether another request may follow the answer to this one. */
  mayFollow(exchange: Exchange, event: RequestHeadEvent): boolean;
  /** The whole answer is with the system, or in the output. */
  answered(exchange: Exchange): void;
  /** Goes on to the next requests, and lets what was gathered leave with others of this turn of the loop. */
  advance(): void;
  /** The last request that a generation was answering has ended. */
  idle(service: Service): void;
  /** The head of a 101 is in the output: the connection belongs to the responder from now on. */
  switched(exchange: Exchange, upgrade: (stream: Socket) => void): void;
  /** The answer breaks off, and its head is out. */
  cut(exchange: Exchange): void;
}

/** Answers a request, or what could not be read as one: then there is no event, but a refusal. */
export function answer(target: AnswerTarget, exchange: Exchange, refusal: Interruption | undefined): void {
  try {
    const asked = ask(target, exchange, refusal);
    if (!(asked instanceof Asked) && !isPromiseLike(asked)) return answerWith(target, exchange, asked);
    const waiting = new Waiting(target, exchange);
    tell(waiting, asked);
    exchange.onInterruption(waiting);
  } catch (error) {
    void recover(target, exchange, error);
  }
}

/**
 * Answers with what the responder says, unless the request breaks off or patience ends before. Whatever is first decides: a race of
 * promises would make several for each request.
 */
class Waiting implements AnswerTaker, Interruptible {
  readonly #target: AnswerTarget;
  readonly #exchange: Exchange;

  constructor(target: AnswerTarget, exchange: Exchange) {
    this.#target = target;
    this.#exchange = exchange;
  }

  interrupted(interruption: Interruption): void {
    this.#exchange.answered = true;
    this.#exchange.abort();
    void answerInstead(this.#target, this.#exchange, interruption);
  }

  answered(response: ResponseMessage): void {
    const target = this.#target;
    if (!this.#exchange.heard()) return discard(response.content);
    // A client that has not taken the answers before waits for this one until it has: no further request is begun meanwhile.
    if (target.transport.pendingBytes > 0) return answerWith(target, this.#exchange, response);
    target.output.isBatching = true;
    answerWith(target, this.#exchange, response);
    target.advance();
  }

  failed(error: unknown): void {
    if (this.#exchange.heard()) void recover(this.#target, this.#exchange, error);
    else warnOnce('an answer that came too late', error);
  }
}

async function answerInstead(target: AnswerTarget, exchange: Exchange, interruption: Interruption): Promise<void> {
  try {
    answerWith(target, exchange, await fail(exchange, interruption));
  } catch (error) {
    await recover(target, exchange, error);
  }
}

function answerWith(target: AnswerTarget, exchange: Exchange, response: ResponseMessage): void {
  try {
    const going = reply(target, exchange, response);
    if (going === undefined) finish(target, exchange);
    else void finishAfter(target, exchange, going);
  } catch (error) {
    discard(response.content);
    void recover(target, exchange, error);
  }
}

/** Says everything that is to be said about an exchange, once. */
export function end(target: AnswerTarget, exchange: Exchange, isComplete: boolean): void {
  if (exchange.over) return;
  exchange.over = true;
  const { service } = exchange;
  const { accessLog } = service;
  if (accessLog !== undefined || requestEnd.hasSubscribers) {
    const entry = logEntry(exchange, target.ends.remote.address, isComplete);
    accessLog?.(entry);
    if (requestEnd.hasSubscribers)
      requestEnd.publish({ request: shown(exchange.request), entry } satisfies RequestEndMessage);
  }
  service.underWay -= 1;
  if (service.underWay === 0) target.idle(service);
}

/** What the responder says, or what is wrong with the request before anybody is asked. */
function ask({ ends }: AnswerTarget, exchange: Exchange, refusal: Interruption | undefined): Answer | Asked {
  const { event, service } = exchange;
  const request = event && readRequest(event, ends, exchange, service.request);
  exchange.request = request;
  if (request !== undefined && requestStart.hasSubscribers) {
    requestStart.publish({ request: shown(request) } satisfies RequestStartMessage);
  }
  if (refusal !== undefined) return fail(exchange, refusal);
  if (event === undefined || request === undefined) {
    return fail(exchange, { status: 400, cause: undefined, source: 'parser' });
  }
  if (event.expectation === 'unknown') {
    return fail(exchange, { status: 417, cause: undefined, source: 'parser' });
  }
  const { maxContentBytes } = service.limits;
  if (maxContentBytes > 0 && (event.contentLength ?? 0) > maxContentBytes) {
    exchange.refused = true;
    return fail(exchange, { status: 413, cause: undefined, source: 'limit' });
  }
  // A hook may ask the same files between the answer and its sending.
  return service.site.respond(request, 0, service.fieldsHook === undefined);
}

function fail(exchange: Exchange, failure: Interruption): Answer {
  const { service, request, headSent } = exchange;
  return service.site.fail({ ...failure, request, headSent });
}

function reply(target: AnswerTarget, exchange: Exchange, response: ResponseMessage): Promise<boolean> | undefined {
  if (exchange.over) {
    discard(response.content);
    return undefined;
  }
  exchange.answered = true;
  return send(target, exchange, decorated(exchange, response));
}

/** The response with the fields that the option `fields` decides for it. */
function decorated({ service, request }: Exchange, response: ResponseMessage): ResponseMessage {
  const { fieldsHook } = service;
  return fieldsHook === undefined ? response : withOwnFields(fieldsHook, request, response);
}

/** Writes the response; when not all of it is with the system yet, a promise of whether it took all. */
function send(target: AnswerTarget, exchange: Exchange, response: ResponseMessage): Promise<boolean> | undefined {
  const { service } = exchange;
  const situation = situationOf(target, exchange);
  exchange.status = response.status;
  if (response.upgrade !== undefined) return switchProtocols(target, exchange, response, response.upgrade);
  if (response.isLent === true) return sendLent(target, exchange, response, situation);
  const ready = service.remembered.get(response, situation);
  if (ready !== undefined) {
    exchange.persistent = ready.persistent;
    exchange.isEndMarked = true;
    return write(target, exchange, ready.pieces, ready.contentBytes);
  }
  const framed = complete(response, situation, service.complete);
  const { head, content } = framed;
  exchange.persistent = framed.persistent;
  exchange.isEndMarked = framed.length !== undefined || framed.chunked;
  exchange.isChunked = framed.chunked;
  if (content !== undefined && !(content instanceof Uint8Array)) {
    target.output.flush();
    return sendContent(exchange, content, framed, target.transport);
  }
  discard(response.content);
  const pieces = [head, content].filter((piece) => piece !== undefined);
  return write(target, exchange, pieces, content?.length ?? 0);
}

/** Writes a response whose content is only there for now, as few pages of many are asked for twice within a second. */
function sendLent(
  target: AnswerTarget,
  exchange: Exchange,
  response: ResponseMessage,
  situation: Situation,
): Promise<boolean> | undefined {
  const lent = lentResponse(response, situation, exchange.service.complete);
  exchange.persistent = lent.persistent;
  exchange.isEndMarked = situation.version !== '0.9';
  exchange.headSent = true;
  exchange.contentBytes = lent.content.length;
  return target.output.writeLent(lent.head, lent.lines, lent.content) ? undefined : target.transport.flushed();
}

/** Writes a 101 and hands the connection over; it ends the exchange when it closes. */
function switchProtocols(
  target: AnswerTarget,
  exchange: Exchange,
  response: ResponseMessage,
  upgrade: (stream: Socket) => void,
): Promise<boolean> {
  if (exchange.request?.upgrade === undefined) throw new TypeError('101 does not answer this request');
  const head = switchingHead(response, exchange.service.complete);
  discard(response.content);
  exchange.headSent = true;
  exchange.persistent = false;
  target.output.write([head]);
  target.switched(exchange, upgrade);
  return Promise.resolve(false);
}

function write(
  { output, transport }: AnswerTarget,
  exchange: Exchange,
  pieces: readonly Uint8Array[],
  contentBytes: number,
): Promise<boolean> | undefined {
  exchange.headSent = true;
  exchange.contentBytes = contentBytes;
  if (output.write(pieces)) return undefined;
  return transport.flushed();
}

function situationOf(target: AnswerTarget, exchange: Exchange): Situation {
  const { event, request } = exchange;
  if (event === undefined) return { method: target.method, version: '1.1', persistent: false, id: undefined };
  const { method, version } = event.head;
  return { method, version, persistent: target.mayFollow(exchange, event), id: request?.id };
}

function finish(target: AnswerTarget, exchange: Exchange): void {
  if (exchange.over) return;
  end(target, exchange, true);
  target.answered(exchange);
}

/** A connection that is gone takes nothing; its own end, which is near, is then that of the exchange. */
async function finishAfter(
  target: AnswerTarget,
  exchange: Exchange,
  going: Promise<boolean | undefined>,
): Promise<void> {
  try {
    if ((await going) !== false) finish(target, exchange);
  } catch (error) {
    await recover(target, exchange, error);
  }
}

/**
 * The answer broke: another takes its place as long as nothing is out, the default page when that one breaks as well; else
 * the client gets to see that it broke.
 */
export async function recover(target: AnswerTarget, exchange: Exchange, cause: unknown): Promise<void> {
  exchange.answered = true;
  exchange.abort();
  const { service, request, headSent } = exchange;
  const failure = { status: failureStatus(cause), cause, source: headSent ? 'content' : 'responder', request } as const;
  const attempts = [
    async () => decorated(exchange, await fail(exchange, failure)),
    () => service.site.failPlainly(failure),
  ];
  for (const attempt of attempts) {
    if (exchange.over) return target.transport.destroy();
    let response: ResponseMessage | undefined;
    try {
      response = await attempt();
      if (exchange.over || exchange.headSent) {
        discard(response.content);
        break;
      }
      if ((await send(target, exchange, response)) !== false) finish(target, exchange);
      return;
    } catch {
      // What broke this time has the first failure as its cause, and that has been reported.
      discard(response?.content);
    }
  }
  end(target, exchange, false);
  exchange.closeContent();
  target.cut(exchange);
}
