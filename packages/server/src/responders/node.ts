// Applications in the manner of node:http, `(request, response) => void`, as responders: Express and its like run as they are.
//
// Each request is played to a node:http server that listens nowhere, over a stream in memory (its documented `connection`
// event), and what it writes is read by our parser. So the application gets Node's own IncomingMessage and ServerResponse,
// with back pressure and `close` as they are on a socket. That costs a second parse each way, and spares every emulation.

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Responder } from '../message/message.ts';
import { NodeExchange } from './node-exchange.ts';
import { announceNoTrailers } from './unannounced-trailers.ts';

/** What `http.createServer` takes; Express applications are that. */
export type NodeApplication = (request: IncomingMessage, response: ServerResponse) => unknown;

/**
 * Makes a responder of an application. It sees the path below its mount in `request.url`, canonical; `originalUrl` and
 * `baseUrl` are set as Express does for a mounted application.
 *
 * @example
 * const app = express().get('/hello', (request, response) => response.send('hello'));
 * createServer({ routes: [{ path: '/app', responder: nodeResponder(app) }] });
 */
export function nodeResponder(application: NodeApplication): Responder {
  const exchanges = new WeakMap<object, NodeExchange>();
  const server = playServer((request, response) => {
    const exchange = exchanges.get(request.socket);
    if (exchange === undefined) return;
    Object.assign(request, exchange.mount);
    if (request.method === 'HEAD' || request.httpVersion !== '1.1') announceNoTrailers(response);
    // Now it is known that nothing follows, also where less came than was promised.
    response.once('finish', () => exchange.stream.end());
    // A throw or a rejection of the application is its answer's failure, not the process's.
    new Promise((resolve) => resolve(application(request, response))).catch((error: unknown) => exchange.fail(error));
  });
  return (request) => {
    const exchange = new NodeExchange(request);
    exchanges.set(exchange.stream, exchange);
    server.emit('connection', exchange.stream);
    return exchange.response;
  };
}

function playServer(listener: (request: IncomingMessage, response: ServerResponse) => void): Server {
  // Loaded when it is used: whoever serves no such application need not wait for it.
  const { createServer } = process.getBuiltinModule('node:http');
  const server = createServer(
    { maxHeaderSize: 1_048_576, requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 },
    listener,
  );
  server.timeout = 0;
  server.maxHeadersCount = 0;
  // The application decides; without it node:http would say 100 as soon as it sees the head.
  server.on('checkContinue', listener);
  return server;
}
