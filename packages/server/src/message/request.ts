// A request whose AbortSignal is created on first access, because creating one is expensive.
//
// The members are own and enumerable, so `{ ...request, pathInfo }` is a whole request as well. So is the signal once the request
// has been `shown` to a program: to make a member that is worked out costs as much as all others, and our own responders copy none.

import type { Field, Peer, RequestMessage } from './message.ts';

type Members = Omit<RequestMessage, 'signal' | 'inform'>;

/** Where a request comes from: gives the signal when it is asked for, sends interim responses, and learns who was let in. */
export interface RequestSource {
  readonly signal: AbortSignal;
  inform?(status: number, fields: readonly Field[]): void;
  user?: string | undefined;
}

export class LazyRequest implements RequestMessage {
  readonly method: string;
  readonly target: string;
  readonly version: '0.9' | '1.0' | '1.1';
  readonly fields: readonly Field[];
  readonly scheme: 'http' | 'https';
  readonly authority: string | undefined;
  readonly scriptName: string;
  readonly pathInfo: string;
  readonly query: string | undefined;
  readonly contentLength: number | undefined;
  readonly content: AsyncIterable<Uint8Array>;
  readonly remote: Peer;
  readonly local: Peer;
  readonly user: string | undefined;
  readonly authType: string | undefined;
  readonly id: string;
  readonly upgrade: string | undefined;
  readonly #source: RequestSource;
  #isShown = false;

  constructor(members: Members, source: RequestSource) {
    this.method = members.method;
    this.target = members.target;
    this.version = members.version;
    this.fields = members.fields;
    this.scheme = members.scheme;
    this.authority = members.authority;
    this.scriptName = members.scriptName;
    this.pathInfo = members.pathInfo;
    this.query = members.query;
    this.contentLength = members.contentLength;
    this.content = members.content;
    this.remote = members.remote;
    this.local = members.local;
    this.user = members.user;
    this.authType = members.authType;
    this.id = members.id;
    this.upgrade = members.upgrade;
    this.#source = source;
  }

  get signal(): AbortSignal {
    return this.#source.signal;
  }

  inform(status: number, fields: readonly Field[]): void {
    this.#source.inform?.(status, fields);
  }

  static show(request: LazyRequest): void {
    if (request.#isShown) return;
    request.#isShown = true;
    Object.defineProperty(request, 'signal', SIGNAL);
  }

  static signalOf(request: LazyRequest): AbortSignal {
    return request.#source.signal;
  }

  static sourceOf(request: RequestMessage): RequestSource {
    return request instanceof LazyRequest ? request.#source : { signal: request.signal };
  }
}

const SIGNAL: PropertyDescriptor & ThisType<LazyRequest> = {
  enumerable: true,
  get() {
    return LazyRequest.signalOf(this);
  },
};

/** What requests have elsewhere, in node:http, fetch and Express, and what it is here: read, each says so instead of undefined. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  headers: 'is called fields here, a list of [name, value]; new Headers(request.fields) has get()',
  url: 'is called target here; the path alone is pathInfo, and query is the rest',
  path: 'is called pathInfo here',
  params: 'does not exist here, as routes are prefixes; the rest of the path is pathInfo',
  body: 'is called content here: for await (const chunk of request.content), or text(request.content) of node:stream/consumers',
  text: "is not here: import { text } from 'node:stream/consumers' and await text(request.content)",
  json: "is not here: import { json } from 'node:stream/consumers' and await json(request.content)",
  ip: 'is called remote.address here',
  get: 'is not here: new Headers(request.fields).get(name)',
  header: 'is not here: new Headers(request.fields).get(name)',
  cookies: "is not here: new Headers(request.fields).get('cookie') has them as the client sent them",
  host: 'is called authority here, the port included',
  hostname: 'is called authority here, the port included',
  protocol: 'is called scheme here',
  httpVersion: 'is called version here',
  originalUrl: 'is called target here',
  pathname: 'is called pathInfo here',
  socket: 'is not here: the addresses are remote and local',
  on: "is not here: import { Readable } from 'node:stream' and Readable.from(request.content).on(…)",
  pipe: "is not here: import { pipeline } from 'node:stream/promises' and await pipeline(request.content, …)",
  arrayBuffer:
    "is not here: import { arrayBuffer } from 'node:stream/consumers' and await arrayBuffer(request.content)",
  formData: 'is not here: fetchResponder gives a Request, which has formData()',
};

for (const [name, advice] of Object.entries(ELSEWHERE)) {
  Object.defineProperty(LazyRequest.prototype, name, {
    get() {
      throw new TypeError(`request.${name}: ${advice}`);
    },
  });
}

Object.defineProperty(LazyRequest.prototype, Symbol.asyncIterator, {
  get() {
    throw new TypeError('request is not iterable here: for await (const chunk of request.content)');
  },
});

/** The same request as programs see it: with its signal as a member of its own, which spreading copies. */
export function shown<Request extends RequestMessage | undefined>(request: Request): Request {
  if (request instanceof LazyRequest) LazyRequest.show(request);
  return request;
}

/** The same request with some members changed; the signal is still made only when asked for. */
export function changed(request: RequestMessage, changes: Partial<Members>): RequestMessage {
  return Object.assign(new LazyRequest(request, LazyRequest.sourceOf(request)), changes);
}

/** The same request with the name of who was let in. */
export function authenticated(request: RequestMessage, user: string): RequestMessage {
  LazyRequest.sourceOf(request).user = user;
  return changed(request, { user, authType: 'Basic' });
}

/** The content of a request that has none. */
export const NO_CONTENT: AsyncIterable<Uint8Array> = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }),
};
