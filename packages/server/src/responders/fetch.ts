// Applications in the manner of fetch, `(Request) => Response`, as responders: Hono and its like run as they are.

import type { Field, Peer, RequestMessage, Responder, ResponseMessage } from '../message/message.ts';
import { kindOf } from '../check-options.ts';
import { lengthUntold } from '../message/content.ts';
import { applicationTarget } from './application-target.ts';
import { LEFT } from './left.ts';

/** A function, or an object with one named `fetch`. What a Request does not tell is the second argument. */
export type FetchApplication =
  | ((request: Request, info: FetchInfo) => Response | Promise<Response>)
  | { fetch(request: Request, info: FetchInfo): Response | Promise<Response> };

/** Who asks. Hono has it as `c.env`, and its `getConnInfo` for Node reads `incoming`. */
export interface FetchInfo {
  /** The client, as trusted proxies name it. */
  readonly remote: Peer;
  readonly local: Peer;
  /** The user name that this server authenticated. */
  readonly user: string | undefined;
  readonly id: string;
  /** The same in the manner of node:http. */
  readonly incoming: {
    readonly socket: {
      readonly remoteAddress: string | undefined;
      readonly remotePort: number | undefined;
      readonly remoteFamily: 'IPv4' | 'IPv6' | undefined;
    };
  };
  /** Also in its manner: Hono's `earlyHints` for Node writes to it. */
  readonly outgoing: FetchOutgoing;
}

/** What can be sent before the response. */
export interface FetchOutgoing {
  /** Whether the application has answered. */
  readonly headersSent: boolean;
  /** Sends 103 (Early Hints) with these fields, to clients of HTTP/1.1. Throws a TypeError for what is no field. */
  writeEarlyHints(hints: Readonly<Record<string, string | readonly string[]>>): void;
}

/**
 * Makes a responder of an application. Content streams both ways; `request.signal` is aborted when the client has gone.
 *
 * The application sees the path below its mount, canonical: `%2F` has become `/` and dot segments are resolved.
 *
 * @example
 * const app = new Hono().get('/hello', (c) => c.text('hello'));
 * createServer({ routes: [{ responder: fetchResponder(app) }] });
 */
export function fetchResponder(application: FetchApplication): Responder {
  if (typeof application !== 'function' && typeof application?.fetch !== 'function') {
    const expected = 'a function (request) => Response, or an object with one named fetch';
    throw new TypeError(`fetchResponder: expected ${expected}, not ${kindOf(application)}`);
  }
  if (typeof application === 'function' && application.length > 2) {
    const taken = `takes ${application.length} arguments, as an application of Express does`;
    throw new TypeError(`fetchResponder: the function ${taken}; wrap it in nodeResponder`);
  }
  const ask =
    typeof application === 'function'
      ? application
      : (request: Request, info: FetchInfo) => application.fetch(request, info);
  // A Request that is collected no longer aborts its signal: each lives as long as the signal it follows.
  const alive = new WeakMap<AbortSignal, Request>();
  return async (request) => {
    const asked = toRequest(request);
    alive.set(request.signal, asked);
    const outgoing = new Outgoing(request);
    let response: Response;
    try {
      response = await ask(asked, infoOf(request, outgoing));
    } catch (error) {
      // The abort that it was told of.
      if (request.signal.aborted && error instanceof Error && error.name === 'AbortError') return LEFT;
      throw error;
    }
    outgoing.headersSent = true;
    if (!(response instanceof Response) && !isResponseLike(response)) {
      const shown = response === undefined ? 'nothing' : kindOf(response);
      if (isMessage(response))
        throw new TypeError(
          'the application returned { status, … }, not a Response: a responder needs no fetchResponder',
        );
      throw new TypeError(`the application returned ${shown}, not a Response: return new Response(content)`);
    }
    return fromResponse(response, request.method);
  };
}

class Outgoing implements FetchOutgoing {
  headersSent = false;
  readonly #request: RequestMessage;

  constructor(request: RequestMessage) {
    this.#request = request;
  }

  writeEarlyHints(hints: Readonly<Record<string, string | readonly string[]>>): void {
    if (this.headersSent) return;
    const fields = Object.entries(hints).map(([name, value]): Field => {
      return [name, typeof value === 'string' ? value : value.join(', ')];
    });
    this.#request.inform?.(103, fields);
  }
}

function infoOf({ remote, local, user, id }: RequestMessage, outgoing: FetchOutgoing): FetchInfo {
  const { address, port } = remote;
  const isKnown = address !== '';
  return {
    remote,
    local,
    user,
    id,
    outgoing,
    incoming: {
      socket: {
        remoteAddress: isKnown ? address : undefined,
        remotePort: isKnown ? port : undefined,
        remoteFamily: isKnown ? (address.includes(':') ? 'IPv6' : 'IPv4') : undefined,
      },
    },
  };
}

function toRequest(message: RequestMessage): Request {
  const { method, fields, contentLength, content, signal } = message;
  const headers = new Headers();
  for (const [name, value] of fields) headers.append(name, value);
  const url = urlOf(message);
  if (contentLength === 0 || method === 'GET' || method === 'HEAD')
    return new Request(url, { method, headers, signal });
  return new Request(url, { method, headers, signal, body: streamOf(content), duplex: 'half' });
}

/** Throws an error of status 400 for a host that HTTP has and URLs do not, such as `999.1.1.1`. */
function urlOf(message: RequestMessage): string {
  const { scheme, authority, local } = message;
  const url = `${scheme}://${authority ?? hostAndPort(local)}${applicationTarget(message)}`;
  if (URL.canParse(url)) return url;
  throw Object.assign(new TypeError(`no URL can have the host ${authority}`), { status: 400 });
}

function hostAndPort({ address, port }: RequestMessage['local']): string {
  if (port === 0) return 'localhost';
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}

/** Pulls one chunk for each that is read. */
function streamOf(content: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = content[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await iterator.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

async function fromResponse(response: Response, method: string): Promise<ResponseMessage> {
  const { status, statusText, headers, body } = response;
  // Iterating gives each Set-Cookie by itself.
  const fields: Field[] = [...headers];
  const reason = statusText === '' ? undefined : statusText;
  // What an application leaves empty is meant to be empty, also when it is an error. To HEAD it says nothing of a length.
  const empty = method === 'HEAD' ? lengthUntold(nothing()) : new Uint8Array(0);
  if (body === null) return { status, reason, fields, content: empty };
  const content = await contentOf(body, headers.has('content-length') || headers.has('transfer-encoding'));
  return { status, reason, fields, content };
}

async function* nothing(): AsyncGenerator<Uint8Array, undefined> {}

type Reader = ReadableStreamDefaultReader<Uint8Array>;
type Step = Awaited<ReturnType<Reader['read']>>;

/** A stream of more chunks streams: texts, bytes and JSON are one. */
const WHOLE_CHUNKS = 2;
/** The streams of texts are closed within three; one that waits for anything needs a turn of the loop. */
const SOON_TICKS = 8;

/** The bytes, where all of them are there already: then the server knows their length. Otherwise a stream. */
async function contentOf(body: ReadableStream<Uint8Array>, isFramed: boolean): Promise<ResponseMessage['content']> {
  const reader = body.getReader();
  const steps: Promise<Step>[] = [];
  const chunks: Uint8Array[] = [];
  while (!isFramed && steps.length <= WHOLE_CHUNKS) {
    const next = reader.read();
    steps.push(next);
    const step = await soon(next);
    if (step?.done === true) return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    // The server says what is wrong with a chunk that is none.
    if (!(step?.value instanceof Uint8Array)) break;
    chunks.push(step.value);
  }
  return chunksOf(reader, steps);
}

/** What a promise has come to within this turn of the loop; undefined where that is nothing yet, or an error. */
async function soon(promise: Promise<Step>): Promise<Step | undefined> {
  let step: Step | undefined;
  let isSettled = false;
  void promise.then(
    (value) => {
      step = value;
      isSettled = true;
      return value;
    },
    // Whoever reads the stream meets it again.
    () => (isSettled = true),
  );
  for (let ticks = 0; ticks < SOON_TICKS && !isSettled; ticks++) await Promise.resolve();
  return step;
}

/**
 * A stream's chunks, those that were asked for already first. Unlike the stream's own iterator, closing this one cancels at once,
 * also while a chunk is awaited.
 */
function chunksOf(reader: Reader, begun: Promise<Step>[]): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]() {
      return {
        next: async () => {
          const { done, value } = await (begun.shift() ?? reader.read());
          return done ? { done, value: undefined } : { done, value };
        },
        return: async () => {
          await reader.cancel();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

/** What responders of this server return. */
function isMessage(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'status' in value && ('content' in value || 'fields' in value);
}

/** Frameworks may bring a Response class of their own. */
function isResponseLike(value: unknown): value is Response {
  return typeof value === 'object' && value !== null && 'status' in value && 'headers' in value && 'body' in value;
}
