// Mistakes that plain JavaScript makes where a compiler would have warned: each is refused in one line that says what to do.

import { cgi, startProcess } from '@onezero/cgi-process';
import { fastcgi } from '@onezero/cgi-process/fastcgi';
import { cgiFetch } from '@onezero/cgi-process/fetch';
import { cgiHandler } from '@onezero/cgi-process/node';
import { RequestParser, ResponseParser } from '@onezero/http-parser';
import { asgi, wsgi } from '@onezero/python';
import { serveStatic } from '@onezero/static';
import { serveStatic as fetchStatic } from '@onezero/static/fetch';
import { serveStatic as nodeStatic } from '@onezero/static/node';
import { describe, expect, test } from 'vitest';
import * as server from '@onezero/server';

/** As a script without types sees it. */
// oxlint-disable-next-line typescript/no-explicit-any -- this is what it is about
type Untyped = (...values: readonly unknown[]) => any;
const untyped = (value: unknown): Untyped => value as Untyped;

const createServer = untyped(server.createServer);
const listen = async (...values: readonly unknown[]): Promise<unknown> => {
  const one = createServer();
  try {
    return await one.listen(...values);
  } finally {
    await one.close();
  }
};
const close = async (...values: readonly unknown[]): Promise<unknown> => createServer().close(...values);
const responder = (): { status: number; fields: [] } => ({ status: 204, fields: [] });
const directory = import.meta.dirname;

const MISTAKES: readonly (readonly [string, () => unknown, string])[] = [
  ['a misspelt option', () => createServer({ rot: '.' }), 'createServer: rot: is not an option; did you mean root?'],
  [
    'a port where the server is made',
    () => createServer({ root: '.', port: 8080 }),
    'createServer: port: is not an option here; it belongs to listen({ port })',
  ],
  [
    'a directory alone',
    () => createServer('public'),
    'createServer: options: expected an object, not "public"; did you mean { root: "public" }?',
  ],
  [
    'a port alone where the server is made',
    () => createServer(8080),
    'createServer: options: expected an object, not 8080; a port belongs to listen(8080)',
  ],
  [
    'a handler alone, as for node:http',
    () => createServer(responder),
    'createServer: options: expected an object, not a function; did you mean { routes: [{ responder }] }?',
  ],
  [
    'a handler in a route',
    () => createServer({ routes: [{ path: '/', handler: responder }] }),
    'createServer: routes.0.handler: is not an option; did you mean routes.0.responder?',
  ],
  [
    'functions for routes',
    () => createServer({ routes: [responder] }),
    'createServer: routes.0: expected an object, not a function; did you mean { responder: … }?',
  ],
  [
    'routes by path',
    () => createServer({ routes: { '/': responder } }),
    'createServer: routes: expected a list of routes such as [{ path, responder }], not an object',
  ],
  [
    'one route without its list',
    () => createServer({ routes: { path: '/', responder } }),
    'createServer: routes: expected a list of routes such as [{ path, responder }], not an object; put it into [ ]',
  ],
  [
    'how files are served without their root',
    () => createServer({ static: { listing: true } }),
    'createServer: root: is missing beside static; it is the directory whose files are served',
  ],
  [
    'a root in the wrong place',
    () => createServer({ static: { root: '.' } }),
    'createServer: static.root: is not an option; root stands beside static',
  ],
  [
    'a size with a unit',
    () => createServer({ limits: { maxContentBytes: '1mb' } }),
    'createServer: limits.maxContentBytes: expected a whole number of bytes or Infinity, not "1mb"',
  ],
  [
    'a limit without its unit',
    () => createServer({ limits: { maxContent: 5 } }),
    'createServer: limits.maxContent: is not an option; did you mean limits.maxContentBytes?',
  ],
  [
    'an error page by its name alone',
    () => createServer({ errorPages: { 404: '404.html' } }),
    'createServer: errorPages.404: expected an object or a responder, not "404.html"; did you mean { file: "404.html" }?',
  ],
  [
    'one rule without its list',
    () => createServer({ auth: { users: {} } }),
    'createServer: auth: expected a list, not an object; put it into [ ]',
  ],
  [
    'fields as an object',
    () => createServer({ fields: { 'X-A': 'b' } }),
    "createServer: fields: expected a list such as [['name', 'value']], not an object",
  ],
  ['a misspelt port', async () => listen({ prot: 0 }), 'listen: prot: is not an option; did you mean port?'],
  [
    'a port out of the environment',
    async () => listen('8080'),
    'listen: expected a number, not "8080"; did you mean 8080?',
  ],
  [
    'a host behind the port, as for node:http',
    async () => listen(0, '0.0.0.0'),
    'listen: takes one value; did you mean { port: …, host: "0.0.0.0" }?',
  ],
  [
    'a function behind the port, as for node:http',
    async () => listen(0, () => undefined),
    'listen: takes no function; wait for its promise: await listen()',
  ],
  [
    'paths where a certificate is expected',
    async () => listen({ port: 0, tls: { cert: 'cert.pem', key: 'key.pem' } }),
    'listen: tls.cert: expected PEM text (of files, readCertificate({ cert, key }) makes it), not "cert.pem"',
  ],
  [
    'a time alone for the end',
    async () => close(5000),
    'close: options: expected an object, not 5000; did you mean { graceMs: 5000 }?',
  ],
  [
    'a function for the end',
    async () => close(() => undefined),
    'close: takes no function; wait for its promise: await close()',
  ],
  [
    'another word for a time',
    () => untyped(cgi)({ directory, timeout: 5 }),
    'cgi: timeout: is not an option; did you mean limits.headerTimeoutMs, limits.idleTimeoutMs or limits.totalTimeoutMs?',
  ],
  [
    'a time with a unit',
    () => untyped(cgi)({ directory, limits: { headerTimeoutMs: '5s' } }),
    'cgi: limits.headerTimeoutMs: expected a whole number of milliseconds or Infinity, not "5s"',
  ],
  [
    'another word for directory',
    () => untyped(cgi)({ dir: '.' }),
    'cgi: dir: is not an option; did you mean directory?',
  ],
  [
    'scripts by their directory alone',
    () => untyped(cgi)('./cgi-bin'),
    'cgi: options: expected an object, not "./cgi-bin"; did you mean { directory: "./cgi-bin" }?',
  ],
  [
    'another word for path',
    () => untyped(cgiHandler)({ directory, mount: '/x' }),
    'cgi: mount: is not an option; did you mean path?',
  ],
  [
    'a path without its slash',
    () => untyped(cgiFetch)({ directory, path: 'x' }),
    'cgi: path: expected a path such as /cgi-bin, not "x"',
  ],
  [
    'an address alone',
    () => untyped(fastcgi)('127.0.0.1:9000'),
    'fastcgi: options: expected an object, not "127.0.0.1:9000"; did you mean { address: "127.0.0.1:9000" }?',
  ],
  [
    'an environment by its name in node:child_process',
    async () => untyped(startProcess)('ls', [], { env: {} }),
    'startProcess: options.env: is not an option; did you mean options.environment?',
  ],
  [
    'an argument that is a number',
    async () => untyped(startProcess)('ls', [1]),
    'startProcess: args.0: expected a text, not 1',
  ],
  [
    'one argument without its list',
    async () => untyped(startProcess)('ls', '-l'),
    'startProcess: args: expected a list, not "-l"; put it into [ ]',
  ],
  [
    'a misspelt format',
    () => untyped(server.accessLog)({ format: 'jsno' }),
    'accessLog: format: expected "dev", "common", "combined" or "json", not "jsno"',
  ],
  [
    'a format alone',
    () => untyped(server.accessLog)('json'),
    'accessLog: options: expected an object, not "json"; did you mean { format: "json" }?',
  ],
  [
    'a misspelt limit of a parser',
    () => new RequestParser({ maxHeadByte: 1 } as object),
    'RequestParser: maxHeadByte: is not an option; did you mean maxHeadBytes?',
  ],
  [
    'a text for bytes',
    () => untyped(new RequestParser().push.bind(new RequestParser()))('GET / HTTP/1.0\r\n\r\n'),
    'push: expected a Uint8Array, not a text; make bytes of it: new TextEncoder().encode(text)',
  ],
  [
    'a method for the request that is answered',
    () => untyped(ResponseParser.prototype.next).call(new ResponseParser(), 'GET'),
    'next: expected the request that is answered, such as { method: \'GET\' }, not "GET"',
  ],
  [
    'the name of another package for an option',
    () => untyped(serveStatic)(directory, { maxAge: 5 }),
    'maxAge: is not an option; did you mean maxAgeSeconds?',
  ],
  [
    'no time at all',
    () => untyped(nodeStatic)(directory, { maxAge: '1 dya' }),
    'maxAge: expected milliseconds or a time such as "1d", not "1 dya"',
  ],
  [
    'another word for mount',
    () => untyped(fetchStatic)(directory, { prefix: '/x' }),
    'prefix: is not an option; did you mean mount?',
  ],
  [
    'options alone, as for Hono',
    () => untyped(fetchStatic)({ root: '.' }),
    'root: expected the path of a directory or file',
  ],
  [
    'an application alone',
    () => untyped(wsgi)('app:app'),
    'wsgi: options: expected an object, not "app:app"; did you mean { application: "app:app" }?',
  ],
  [
    'another word for processes',
    () => untyped(asgi)({ application: 'app:app', workers: 3 }),
    'asgi: workers: is not an option; did you mean processes?',
  ],
  [
    'an object that is no application',
    () => untyped(server.fetchResponder)({}),
    'fetchResponder: expected a function (request) => Response, or an object with one named fetch, not an object',
  ],
  [
    'no application',
    () => untyped(server.nodeResponder)(),
    'nodeResponder: expected a function (request, response), such as an Express application, or a server of node:http, not undefined',
  ],
  [
    'metrics for a function',
    () => untyped(server.metricsResponder)(server.createMetrics()),
    'metricsResponder: expected a function such as () => metrics.snapshot(server), not an object',
  ],
  [
    'a certificate by one path',
    () => untyped(server.readCertificate)('cert.pem'),
    'readCertificate: options: expected an object, not "cert.pem"; did you mean { cert: "cert.pem" }?',
  ],
  [
    'a path for a question',
    () => createServer().explain('/x'),
    'explain: options: expected an object, not "/x"; did you mean { target: "/x" }?',
  ],
];

describe('plain JavaScript is told about', () => {
  test.each(MISTAKES)('%s', async (_, make, message) => {
    await expect((async () => make())()).rejects.toThrow(new TypeError(message));
  });
});
