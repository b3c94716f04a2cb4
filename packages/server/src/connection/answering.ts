// A request's journey: asked of the site, its answer framed and written, whatever breaks on the way answered in its place.
//
// An answer that is there at once and that the system takes at once costs no promise. Each exchange ends once: `end` says
// everything that is to be said about it, and the line learns whether another request may follow.

import type { RequestHeadEvent } from '@onezero/http-parser';
import type { ResponseMessage } from '../message/message.ts';
import { discard } from '../message/discard.ts';
import { isPromiseLike } from '../message/when-ready.ts';
import { complete, type Situation } from './complete.ts';
import { sendContent } from './content-sender.ts';
import type { Ends } from '../transport/ends.ts';
import type { Engine } from './engine.ts';
import type { Exchange, Interruption } from './exchange.ts';
import { logEntry } from './log-entry.ts';
import type { Output } from './output.ts';
import { readRequest } from './read-request.ts';
import type { Transport } from '../transport/transport.ts';

/** The connection as its answers see it. */
export interface Line {
  readonly engine: Engine;
  readonly transport: Transport;
  readonly output: Output;
  readonly ends: Ends;
  /** The method of what could not be read as a request, as far as it is known. */
  readonly method: string | undefined;
  /** Whether another request may follow the answer to this one. */
  mayFollow(exchange: Exchange, event: RequestHeadEvent): boolean;
  /** The whole answer is with the system, or in the output. */
  answered(exchange: Exchange): void;
}

/** Answers a request, or what could not be read as one: then there is no event, but a refusal. */
export function answer(line: Line, exchange: Exchange, refusal: Interruption | undefined): void {
  try {
    const asked = ask(line, exchange, refusal);
    const going = isPromiseLike(asked)
      ? firstOf(exchange, asked).then((response) => reply(line, exchange, response))
      : reply(line, exchange, asked);
    if (going === undefined) finish(line, exchange);
    else void finishAfter(line, exchange, going);
  } catch (error) {
    void recover(line, exchange, error);
  }
}

/** Says everything that is to be said about an exchange, once. */
export function end({ engine, ends }: Line, exchange: Exchange, isComplete: boolean): void {
  if (exchange.over) return;
  exchange.over = true;
  const { service } = exchange;
  const { accessLog } = service;
  if (accessLog !== undefined) accessLog(logEntry(exchange, ends.remote.address, isComplete));
  service.underWay -= 1;
  if (service.underWay === 0) engine.idle(service);
}

/** What the responder says, or what is wrong with the request before anybody is asked. */
function ask(
  { ends }: Line,
  exchange: Exchange,
  refusal: Interruption | undefined,
): ResponseMessage | Promise<ResponseMessage> {
  const { event, service } = exchange;
  const request = event && readRequest(event, ends, exchange, service.request);
  exchange.request = request;
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
  return service.site.respond(request);
}

function fail(exchange: Exchange, failure: Interruption): ResponseMessage | Promise<ResponseMessage> {
  const { service, request, headSent } = exchange;
  return service.site.fail({ ...failure, request, headSent });
}

/** The responder's answer, unless the request breaks off or patience ends before it has one. */
async function firstOf(exchange: Exchange, asked: Promise<ResponseMessage>): Promise<ResponseMessage> {
  const first = await Promise.race([asked.then((response) => ({ response })), exchange.interrupted()]);
  if ('response' in first) return first.response;
  exchange.answered = true;
  exchange.abort();
  void asked.then((late) => discard(late.content));
  return fail(exchange, first);
}

function reply(line: Line, exchange: Exchange, response: ResponseMessage): Promise<boolean> | undefined {
  if (exchange.over) {
    discard(response.content);
    return undefined;
  }
  exchange.answered = true;
  return send(line, exchange, response);
}

/** Writes the response; when not all of it is with the system yet, a promise of whether it took all. */
function send(line: Line, exchange: Exchange, response: ResponseMessage): Promise<boolean> | undefined {
  const { service } = exchange;
  const situation = situationOf(line, exchange);
  exchange.status = response.status;
  const ready = service.remembered.get(response, situation);
  if (ready !== undefined) {
    exchange.persistent = ready.persistent;
    return write(line, exchange, ready.pieces, ready.contentBytes);
  }
  const framed = complete(response, situation, service.complete);
  const { head, content } = framed;
  exchange.persistent = framed.persistent;
  if (content !== undefined && !(content instanceof Uint8Array)) {
    line.output.flush();
    return sendContent(exchange, content, framed, line.transport);
  }
  discard(response.content);
  const pieces = [head, content].filter((piece) => piece !== undefined);
  return write(line, exchange, pieces, content?.length ?? 0);
}

function write(
  { output, transport }: Line,
  exchange: Exchange,
  pieces: readonly Uint8Array[],
  contentBytes: number,
): Promise<boolean> | undefined {
  exchange.headSent = true;
  exchange.contentBytes = contentBytes;
  if (output.write(pieces)) return undefined;
  return transport.flushed();
}

function situationOf(line: Line, exchange: Exchange): Situation {
  const { event, request } = exchange;
  if (event === undefined) return { method: line.method, version: '1.1', persistent: false, id: undefined };
  const { method, version } = event.head;
  return { method, version, persistent: line.mayFollow(exchange, event), id: request?.id };
}

function finish(line: Line, exchange: Exchange): void {
  if (exchange.over) return;
  end(line, exchange, true);
  line.answered(exchange);
}

/** A connection that is gone takes nothing; its own end, which is near, is then that of the exchange. */
async function finishAfter(line: Line, exchange: Exchange, going: Promise<boolean | undefined>): Promise<void> {
  try {
    if ((await going) !== false) finish(line, exchange);
  } catch (error) {
    await recover(line, exchange, error);
  }
}

/**
 * The answer broke: another takes its place as long as nothing is out, the default page when that one breaks as well; else
 * the client gets to see that it broke.
 */
async function recover(line: Line, exchange: Exchange, cause: unknown): Promise<void> {
  exchange.answered = true;
  exchange.abort();
  const { service, request, headSent } = exchange;
  const failure = { status: 500, cause, source: headSent ? 'content' : 'responder', request } as const;
  const attempts = [() => fail(exchange, failure), () => service.site.failPlainly(failure)];
  for (const attempt of attempts) {
    if (exchange.over) return line.transport.destroy();
    try {
      const response = await attempt();
      if (exchange.over || exchange.headSent) break;
      if ((await send(line, exchange, response)) !== false) finish(line, exchange);
      return;
    } catch {
      // What broke this time has the first failure as its cause, and that has been reported.
    }
  }
  cut(line, exchange);
}

function cut(line: Line, exchange: Exchange): void {
  end(line, exchange, false);
  line.transport.reset();
}
