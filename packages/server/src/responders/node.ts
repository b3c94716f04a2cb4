// Applications in the manner of node:http, `(request, response) => void`, as responders: Express and its like run as they are.
//
// Each request is played to a node:http server that listens nowhere, over a connection in memory (its documented `connection`
// event), and what it writes is read by our parser. So the application gets Node's own IncomingMessage and ServerResponse,
// with back pressure and `close` as they are on a socket. That costs a second parse each way, and spares every emulation.

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Responder } from '../message/message.ts';
import { kindOf } from '../check-options.ts';
import { NodeExchange } from './node-exchange.ts';
import { announceNoTrailers } from './unannounced-trailers.ts';

/** What `http.createServer` takes; Express applications are that. */
export type NodeApplication = (request: IncomingMessage, response: ServerResponse) => unknown;

/**
 * Makes a responder of an application. It sees the path below its mount in `request.url`, canonical; `originalUrl` and
 * `baseUrl` are set as Express does for a mounted application.
 *
 * A `Server` of node:http that does not listen is an application too: its `request`, `upgrade` and `checkContinue` listeners
 * are called. That is what libraries for WebSockets attach to. Upgrades work for functions as well, when a listener is put on
 * `request.socket.server`. Interim responses such as 103 are passed on. The trailers of a request are in `request.trailers` at its
 * end; those of a response are not passed on.
 *
 * @example
 * const app = express().get('/hello', (request, response) => response.send('hello'));
 * createServer({ routes: [{ path: '/app', responder: nodeResponder(app) }] });
 *
 * const http = createHttpServer(app);
 * const sockets = new WebSocketServer({ server: http });
 * createServer({ routes: [{ responder: nodeResponder(http) }] });
 */
export function nodeResponder(application: NodeApplication | Server): Responder {
  if (typeof application !== 'function' && typeof application?.listenerCount !== 'function') {
    const expected = 'a function (request, response), such as an Express application, or a server of node:http';
    throw new TypeError(`nodeResponder: expected ${expected}, not ${kindOf(application)}${fetchHint(application)}`);
  }
  const exchanges = new WeakMap<object, NodeExchange>();
  const given = typeof application === 'function' ? undefined : application;
  const server = playServer(application, exchanges);
  return (request) => {
    const holdsContent = given !== undefined && given.listenerCount('checkContinue') > 0;
    const exchange = new NodeExchange(request, holdsContent && expectsContinue(request));
    exchanges.set(exchange.socket, exchange);
    if (given !== undefined) {
      // Both may have been set since the request before.
      server.timeout = given.timeout;
      for (const name of ASKED_FOR) listenAlike(server, given, name);
    }
    server.emit('connection', exchange.socket);
    // Where applications look for the server to put more listeners on; node:http has set its own.
    if (given !== undefined) Object.assign(exchange.socket, { server: given });
    return exchange.response;
  };
}

/** Hono and its like have a member `fetch`. */
function fetchHint(application: unknown): string {
  const isFetch = typeof application === 'object' && application !== null && 'fetch' in application;
  return isFetch ? '; one with a fetch goes into fetchResponder' : '';
}

function expectsContinue({ version, fields }: Parameters<Responder>[0]): boolean {
  return version === '1.1' && fields.some(([name, value]) => name === 'expect' && /^100-continue$/i.test(value));
}

/** Events of a server that are about one request, which comes first. */
const OF_REQUESTS = new Set(['request', 'checkContinue', 'checkExpectation', 'upgrade']);

/** Those of which node:http asks whether anybody listens, and does something else otherwise. */
const ASKED_FOR = ['checkContinue', 'checkExpectation', 'upgrade'] as const;

/** Under which names node:http keeps the options of a server that are about its requests and responses. */
const OF_MESSAGES = /^(?:Symbol\((?:IncomingMessage|ServerResponse|kUniqueHeaders)\)|joinDuplicateHeaders)$/;

function playServer(application: NodeApplication | Server, exchanges: WeakMap<object, NodeExchange>): Server {
  // Loaded when it is used: a server without such an application need not wait for it.
  const { createServer } = process.getBuiltinModule('node:http');
  const server = createServer({ maxHeaderSize: 1_048_576, requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 });
  server.maxHeadersCount = 0;
  if (typeof application === 'function') {
    // It says 100 here as soon as it sees the head, and to the client that is said when content is asked for.
    server.on('request', application);
  } else {
    for (const key of Reflect.ownKeys(application))
      if (OF_MESSAGES.test(String(key))) Reflect.set(server, key, Reflect.get(application, key));
  }
  const emit = server.emit.bind(server) as (name: string, ...words: unknown[]) => boolean;
  const answerer = typeof application === 'function' ? { emit } : application;
  const emitPlayed = (name: string, ...words: unknown[]): boolean => {
    if (!OF_REQUESTS.has(name)) return emit(name, ...words);
    const [request, other] = words as [IncomingMessage, unknown];
    const exchange = exchanges.get(request.socket);
    if (exchange === undefined) return false;
    Object.assign(request, exchange.mount);
    if (name !== 'upgrade') prepare(request, other as ServerResponse, exchange);
    const isHeard = guarded(exchange, () => {
      if (typeof application !== 'function' || name === 'upgrade') return answerer.emit(name, ...words);
      return application(request, other as ServerResponse);
    });
    exchange.leaveIfGone();
    return isHeard;
  };
  return Object.assign(server, { emit: emitPlayed });
}

function prepare(request: IncomingMessage, response: ServerResponse, exchange: NodeExchange): void {
  const { socket } = exchange;
  exchange.asked = response;
  if (request.method === 'HEAD' || request.httpVersion !== '1.1') announceNoTrailers(response);
  response.once('finish', () => {
    // Now it is known that nothing follows, also where less came than was promised.
    socket.end();
    // Node has forgotten a request once it is answered, and would not tell it that no more of its content comes.
    socket.once('close', () => request.complete || request.destroy());
  });
}

/** A throw or a rejection of the application is its response's failure, not the process's. */
function guarded(exchange: NodeExchange, run: () => unknown): boolean {
  void settled(run).catch((error: unknown) => exchange.fail(error));
  return true;
}

async function settled(run: () => unknown): Promise<void> {
  // It waits for a response that will not be written.
  if ((await run()) instanceof Response)
    throw new TypeError('the application returned a Response: wrap it in fetchResponder');
}

function listenAlike(server: Server, given: Server, name: (typeof ASKED_FOR)[number]): void {
  const isWanted = given.listenerCount(name) > 0;
  if (isWanted === server.listenerCount(name) > 0) return;
  if (isWanted) server.on(name, () => {});
  else server.removeAllListeners(name);
}
