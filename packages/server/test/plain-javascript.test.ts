// Mistakes that plain JavaScript makes where a compiler would have warned: each is refused in one line that says what to do.

import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { cgi, collectContent, metaVariables, startProcess } from '@onezero/cgi-process';
import { fastcgi } from '@onezero/cgi-process/fastcgi';
import { cgiFetch } from '@onezero/cgi-process/fetch';
import { cgiHandler } from '@onezero/cgi-process/node';
import { RequestParser, ResponseParser } from '@onezero/http-parser';
import { asgi, wsgi } from '@onezero/python';
import { serveStatic } from '@onezero/static';
import { serveStatic as fetchStatic } from '@onezero/static/fetch';
import { serveStatic as nodeStatic } from '@onezero/static/node';
import { afterAll, describe, expect, test } from 'vitest';
import * as server from '@onezero/server';
import { type MadeCertificate, selfSigned } from '../src/operations/self-signed.ts';

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
const folder = mkdtempSync(join(tmpdir(), 'onezero-mistakes-'));
const PRECIOUS = join(folder, 'precious.txt');
writeFileSync(PRECIOUS, 'precious');
afterAll(() => rmSync(folder, { recursive: true }));

const NODE_REQUEST = { method: 'GET', url: '/', headers: {}, socket: {} };
const NODE_RESPONSE = { setHeader() {}, end() {} };

const MISTAKES: readonly (readonly [string, () => unknown, string])[] = [
  ['a misspelt option', () => createServer({ rot: '.' }), 'createServer: rot: is not an option; did you mean root?'],
  [
    'a port where the server is made',
    () => createServer({ root: '.', port: 8080 }),
    'createServer: port: is not an option here; it belongs to listen({ port })',
  ],
  [
    'variables of no request',
    () => untyped(metaVariables)({}),
    '@onezero/cgi-process: expected a request of the form { method, pathInfo, fields, … }; for node:http and Express there is @onezero/cgi-process/node, for fetch and Hono @onezero/cgi-process/fetch',
  ],
  [
    'content of no request',
    () => untyped(collectContent)('text'),
    'collectContent: expected the content of a request, an async iterable of bytes',
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
    "createServer: fields: expected a list such as [['name', 'value']] or a function that returns one, not an object",
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
    'cgi: timeout: is not an option; did you mean limits.headerTimeoutMs, limits.silenceTimeoutMs or limits.totalTimeoutMs?',
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
    'prefix: is not an option; did you mean path?',
  ],
  [
    'options alone, as for Hono',
    () => untyped(fetchStatic)({ root: '.' }),
    'root: expected the path of a directory or file, in front of the options: serveStatic(root, options)',
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

/** Mistakes that come from what other servers, Node and browsers call the same thing. */
const HABITS: readonly (readonly [string, () => unknown, string])[] = [
  [
    'a URL for a path',
    () => createServer({ root: new URL('.', import.meta.url) }),
    'createServer: root: expected a path, not a URL; did you mean fileURLToPath(url)?',
  ],
  [
    'the text of a URL for a path',
    () => createServer({ root: 'file:///srv' }),
    'createServer: root: expected a path, not "file:///srv"; did you mean fileURLToPath(url)?',
  ],
  ['headers', () => createServer({ headers: {} }), 'createServer: headers: is not an option; did you mean fields?'],
  [
    'setHeaders',
    () => createServer({ setHeaders() {} }),
    'createServer: setHeaders: is not an option; did you mean fields?',
  ],
  ['a logger', () => createServer({ logger: true }), 'createServer: logger: is not an option; did you mean accessLog?'],
  ['log', () => createServer({ log: console.log }), 'createServer: log: is not an option; did you mean accessLog?'],
  [
    'middleware',
    () => createServer({ middleware: [] }),
    'createServer: middleware: is not an option; did you mean routes?',
  ],
  [
    'publicDir',
    () => createServer({ publicDir: '.' }),
    'createServer: publicDir: is not an option; did you mean root?',
  ],
  [
    'fetch, as Bun and Deno have it',
    () => createServer({ fetch: () => new Response() }),
    'createServer: fetch: is not an option; did you mean { routes: [{ responder: fetchResponder(fetch) }] }?',
  ],
  [
    'a directory for how files are served',
    () => createServer({ static: './public' }),
    'createServer: static: expected an object, not "./public"; did you mean { root: "./public" }?',
  ],
  [
    'a handler of node:http in a route',
    () => createServer({ routes: [{ responder: (_request: unknown, response: { end(): void }) => response.end() }] }),
    'createServer: routes.0.responder: takes 2 arguments, and a responder takes one; wrap it in nodeResponder, which gives it the request and response of node:http, or in fetchResponder',
  ],
  [
    'a star at the end of a path',
    () => createServer({ routes: [{ path: '/files/*', responder }] }),
    'createServer: routes.0.path: expected a path without a pattern (all below it is meant), not "/files/*"',
  ],
  [
    'a parameter in a path',
    () => createServer({ routes: [{ path: '/users/:id', responder }] }),
    'createServer: routes.0.path: expected a path without a pattern (all below it is meant), not "/users/:id"',
  ],
  [
    'a star in what asks for a password, which would leave it open',
    () => createServer({ auth: [{ path: '/admin/*', users: {} }] }),
    'createServer: auth.0.path: expected a path without a pattern (all below it is meant), not "/admin/*"',
  ],
  [
    'a star where scripts are mounted',
    () => untyped(cgiHandler)({ directory, path: '/cgi-bin/*' }),
    'cgi: path: expected a path without a pattern (all below it is meant), not "/cgi-bin/*"',
  ],
  ['ssl', async () => listen({ port: 0, ssl: {} }), 'listen: ssl: is not an option; did you mean tls?'],
  ['https', async () => listen({ port: 0, https: true }), 'listen: https: is not an option; did you mean tls?'],
  [
    'TLS without a certificate',
    async () => listen({ port: 0, tls: true }),
    'listen: tls: expected an object such as { cert, key }, not true',
  ],
  [
    'hostname',
    async () => listen({ port: 0, hostname: 'x' }),
    'listen: hostname: is not an option; did you mean host?',
  ],
  [
    'a path for a socket',
    async () => listen({ path: '/x.sock' }),
    'listen: path: is not an option; did you mean socket?',
  ],
  [
    'no options where some are needed',
    () => untyped(wsgi)(),
    'wsgi: options: expected an object such as { application }, not undefined',
  ],
  [
    'setHeaders for files',
    () => untyped(serveStatic)(directory, { setHeaders() {} }),
    'setHeaders: is not an option; did you mean fieldRules?',
  ],
];

/** What a caller of another kind does with a function of ours, and calls that come with the wrong things. */
const CALLS: readonly (readonly [string, () => unknown, string | RegExp])[] = [
  ['no listener', async () => listen([]), 'listen: expected a listener such as { port: 8080 }, not an empty list'],
  [
    'a file where a socket is to be',
    async () => listen({ socket: PRECIOUS }),
    `listen: ${PRECIOUS} exists and is not a socket; it is left as it is`,
  ],
  [
    'a socket in no directory',
    async () => listen({ socket: '/nowhere/at/all.sock' }),
    'listen: /nowhere/at/all.sock cannot be made: its directory does not exist, or this user may not write there',
  ],
  [
    'a path too long for a socket',
    async () => listen({ socket: `/tmp/${'x'.repeat(200)}` }),
    /is longer than the \d+ bytes/,
  ],
  [
    'a descriptor that is none',
    async () => listen({ fd: 9999 }),
    'listen: the descriptor 9999 is no socket that can be listened on',
  ],
  [
    'upstreams by path',
    () => createServer({ proxy: { '/api': 'http://localhost:3000' } }),
    'createServer: proxy: expected an object with path and target; did you mean { path: "/api", target: "http://localhost:3000" }?',
  ],
  ['spa', () => createServer({ spa: true }), 'createServer: spa: is not an option; did you mean static.fallback?'],
  ['watch', () => createServer({ watch: true }), 'createServer: watch: is not an option; did you mean live?'],
  ['basePath', () => createServer({ basePath: '/x' }), 'createServer: basePath: is not an option; did you mean base?'],
  [
    'nothing to fetch',
    async () => createServer().fetch(),
    'fetch: expected a path such as "/", a URL or a Request, not undefined',
  ],
  [
    'events of a server',
    () => createServer().on('error', () => {}),
    'server.on: there are no events; failures go to the option onError, requests to accessLog, and listen() returns a promise',
  ],
  ['address()', () => createServer().address(), 'server.address: the addresses are server.addresses, a list'],
  [
    'use()',
    () => createServer().use(() => {}),
    'server.use: there is no middleware; { routes: [{ path, responder }] } is an option of createServer',
  ],
  [
    'an application with a fetch in nodeResponder',
    () => untyped(server.nodeResponder)({ fetch() {} }),
    /^nodeResponder: expected .* not an object; one with a fetch goes into fetchResponder$/,
  ],
  [
    'an Express application in fetchResponder',
    () => untyped(server.fetchResponder)((_request: unknown, _response: unknown, _next: unknown) => {}),
    'fetchResponder: the function takes 3 arguments, as an application of Express does; wrap it in nodeResponder',
  ],
  [
    'no server for a snapshot',
    () => untyped(server.createMetrics().snapshot)(),
    'snapshot: expected the server: metrics.snapshot(server)',
  ],
  [
    'one snapshot for several',
    () => untyped(server.addUpMetrics)({}),
    'addUpMetrics: expected a list of snapshots; put it into [ ]',
  ],
  ...(
    [
      ['static', serveStatic(directory), nodeStatic(directory), fetchStatic(directory)],
      ['cgi-process', cgi({ directory }), cgiHandler({ directory }), cgiFetch({ directory })],
    ] as const
  ).flatMap(([name, core, node, fetching]): readonly (readonly [string, () => unknown, string])[] => [
    [
      `a request of node:http for the responder of ${name}`,
      async () => untyped(core)(NODE_REQUEST, NODE_RESPONSE),
      `@onezero/${name}: expected a request of the form { method, pathInfo, fields, … }; for node:http and Express there is @onezero/${name}/node, for fetch and Hono @onezero/${name}/fetch`,
    ],
    [
      `a Request for the handler of node:http of ${name}`,
      async () => untyped(node)(new Request('http://localhost/')),
      `@onezero/${name}/node: expected request and response of node:http; for fetch and Hono there is @onezero/${name}/fetch`,
    ],
    [
      `a request of node:http for the handler of fetch of ${name}`,
      async () => untyped(fetching)(NODE_REQUEST, NODE_RESPONSE),
      `@onezero/${name}/fetch: expected a Request; for node:http and Express there is @onezero/${name}/node`,
    ],
  ]),
  [
    'a Request for an upstream',
    async () => untyped(server.proxyResponder({ target: 'http://localhost:9' }))(new Request('http://localhost/')),
    'proxyResponder: expected a request of createServer; put it into a route of that',
  ],
];

/** What responders return and do, and what is reported of it. */
const ANSWERS: readonly (readonly [string, Untyped, string])[] = [
  [
    'text that is computed later',
    () => ({ status: 200, content: async function* later() {} }),
    'the content is a function: call it',
  ],
  ['null', () => ({ status: 200, content: null }), 'the content is null: leave it out'],
  [
    'a generator that does not wait',
    () => ({ status: 200, content: (function* now() {})() }),
    'the content is iterated at once: make it an async function*, or write Buffer.concat([...content])',
  ],
  [
    'wide numbers',
    () => ({ status: 200, content: new Uint16Array(2) }),
    'the content is no Uint8Array: write Buffer.from(view.buffer)',
  ],
  [
    'a date',
    () => ({ status: 200, content: new Date() }),
    'the content is an object with a text: write String(content)',
  ],
  ['an error', () => ({ status: 200, content: new Error('x') }), 'the content is an Error: throw it'],
  [
    'a misspelt member',
    () => ({ status: 200, filds: [], content: 'x' }),
    'the response has "filds": did you mean fields?',
  ],
  [
    'misspelt content',
    () => ({ status: 200, fields: [], contents: 'x' }),
    'the response has "contents": did you mean content?',
  ],
  [
    'json',
    () => ({ status: 200, fields: [], json: {} }),
    'the response has "json": here it is called content: JSON.stringify(value), with ["content-type", "application/json"] in fields',
  ],
  [
    'a redirect',
    () => ({ redirect: '/x' }),
    'the response has "redirect": here it is called status 302, with ["location", "/there"] in fields',
  ],
  [
    'a number in a field',
    () => ({ status: 200, fields: [['x-a', 5]], content: 'x' }),
    'the value of the field x-a must be text, not 5',
  ],
  [
    'a promise in a field',
    () => ({ status: 200, fields: [['x-a', Promise.resolve('b')]] }),
    'the value of the field x-a must be text, not a promise: await it',
  ],
  [
    'a status that is a promise',
    () => ({ status: Promise.resolve(200), fields: [] }),
    'the status must be a number such as 200, not a promise: await it',
  ],
  [
    'no value in a field',
    () => ({ status: 200, fields: [['x-a', undefined]] }),
    'the value of the field x-a must be text, not a undefined',
  ],
];

/** Mistakes in what reads a request or sends something early. */
const READS: readonly (readonly [string, (request: Readonly<Record<string, Untyped>>) => unknown, string])[] = [
  [
    'iterates over the request',
    (request) => Readable.from(request as unknown as AsyncIterable<unknown>),
    'request is not iterable here: for await (const chunk of request.content)',
  ],
  [
    'parses content that is not read',
    (request) => JSON.parse(String(request['content'])),
    "request.content is no text: import { text } from 'node:stream/consumers' and await text(request.content)",
  ],
  [
    'sends fields of an object early',
    (request) => request['inform']?.(103, { link: '</a>' }),
    'inform: fields must be a list of pairs such as [["content-type", "text/html"]]: write Object.entries(fields)',
  ],
  [
    'throws nothing',
    () => {
      throw undefined;
    },
    'the responder threw undefined',
  ],
  [
    'a health that is a promise',
    untyped(server.healthResponder(untyped(async () => 'ok'))),
    "healthResponder: the function returned a promise, not 'starting', 'ok' or 'stopping'",
  ],
  [
    'metrics of nothing',
    untyped(server.metricsResponder(untyped(() => undefined))),
    'metricsResponder: the function returned no snapshot: return metrics.snapshot(server)',
  ],
  [
    'an application of fetch in nodeResponder',
    untyped(server.nodeResponder(untyped(async () => new Response('x')))),
    'the application returned a Response: wrap it in fetchResponder',
  ],
  [
    'a responder in fetchResponder',
    untyped(server.fetchResponder(untyped(() => ({ status: 200, content: 'x' })))),
    'the application returned { status, … }, not a Response: a responder needs no fetchResponder',
  ],
];

/** What reads a member of a request that has another name here. */
const REQUESTS: readonly (readonly [string, (request: Readonly<Record<string, Untyped>>) => unknown, string])[] = [
  [
    'headers',
    ({ headers }) => headers,
    'request.headers: is called fields here, a list of [name, value]; new Headers(request.fields) has get()',
  ],
  ['url', ({ url }) => url, 'request.url: is called target here; the path alone is pathInfo, and query is the rest'],
  ['path', ({ path }) => path, 'request.path: is called pathInfo here'],
  [
    'params',
    ({ params }) => params,
    'request.params: does not exist here, as routes are prefixes; the rest of the path is pathInfo',
  ],
  [
    'body',
    ({ body }) => body,
    'request.body: is called content here: for await (const chunk of request.content), or text(request.content) of node:stream/consumers',
  ],
  [
    'text()',
    async (request) => request['text']?.(),
    "request.text: is not here: import { text } from 'node:stream/consumers' and await text(request.content)",
  ],
  [
    'json()',
    async (request) => request['json']?.(),
    "request.json: is not here: import { json } from 'node:stream/consumers' and await json(request.content)",
  ],
  ['ip', ({ ip }) => ip, 'request.ip: is called remote.address here'],
];

describe('plain JavaScript is told about', () => {
  test.each([...MISTAKES, ...HABITS])('%s', async (_, make, message) => {
    await expect((async () => make())()).rejects.toThrow(new TypeError(message));
  });
  test.each(REQUESTS)('request.%s', async (_, read, message) => {
    const causes: unknown[] = [];
    const one = createServer({
      routes: [{ responder: untyped(read) }],
      onError: ({ cause }: { cause: unknown }) => void causes.push(cause),
    });
    const { status } = (await one.fetch('/')) as Response;
    expect([status, causes]).toEqual([500, [new TypeError(message)]]);
    await one.close();
  });

  test.each(CALLS)('%s', async (_, make, message) => {
    const expected = typeof message === 'string' ? new TypeError(message).message : message;
    await expect((async () => make())()).rejects.toThrow(expected);
  });

  test('a file in place of a socket, which stays', () => {
    expect(readFileSync(PRECIOUS, 'utf8')).toBe('precious');
  });

  test.each([
    ...ANSWERS.map(([name, give, message]) => [name, give, `the responder of the route /: ${message}`] as const),
    ...READS,
  ])('a responder: %s', async (_, give, message) => {
    const causes: unknown[] = [];
    const one = createServer({
      routes: [{ responder: (request: never) => give(request) }],
      onError: ({ cause }: { cause: unknown }) => void causes.push((cause as Error).message),
    });
    const { status } = (await one.fetch('/', { method: 'POST', body: '{}' })) as Response;
    expect([status, causes]).toEqual([500, [message]]);
    await one.close();
  });

  test.each([
    [
      'a generator',
      () =>
        (async function* () {
          yield Buffer.from('once');
        })(),
      'GET',
    ],
    [
      'a generator that HEAD has closed',
      () =>
        (async function* () {
          yield Buffer.from('once');
        })(),
      'HEAD',
    ],
    ['a stream of Node', () => Readable.from([Buffer.from('once')], { objectMode: false }), 'GET'],
    ['a stream of the web', () => new Response('once').body, 'GET'],
  ])('a responder that returns %s of an earlier response', async (_, make, method) => {
    const causes: string[] = [];
    const content = untyped(make)();
    const one = createServer({
      routes: [{ responder: () => ({ status: 200, fields: [], content }) }],
      onError: ({ cause }: { cause: unknown }) => void causes.push(String(cause)),
    });
    const ask = async (given: string): Promise<unknown> => {
      const response = (await one.fetch('/', { method: given })) as Response;
      return [response.status, await response.text()];
    };
    expect(await ask(method)).toEqual([200, method === 'GET' ? 'once' : '']);
    expect(await ask('GET')).toEqual([500, expect.any(String)]);
    expect(causes).toEqual([
      'TypeError: the content is a generator or stream that was read before: make one for each response',
    ]);
    await one.close();
  });

  test('text that is made of a promise', async () => {
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
    const later: unknown = Promise.resolve('you');
    const responder = (): object => ({ status: 200, content: `Hello ${String(later)}` });
    const one = createServer({ routes: [{ responder }] });
    await one.fetch('/');
    expect((await warned).message).toBe('a response: its text has "[object Promise]": is an await missing?');
    await one.close();
  });

  test('a certificate that is none', async () => {
    const text = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    await expect(listen({ port: 0, tls: { cert: text, key: text } })).rejects.toThrow(
      'listen: tls: cert and key cannot be used together: the key has no -----BEGIN PRIVATE KEY-----',
    );
  });

  test('a certificate with the key of another, which no client could use', async () => {
    const until = new Date(Date.now() + 60_000);
    const [one, two] = [0, 1].map(() => selfSigned(['localhost'], new Date(), until)) as [
      MadeCertificate,
      MadeCertificate,
    ];
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const another = 'listen: tls: cert and key cannot be used together: the key is of another certificate';
    for (const key of [two.key, String(privateKey.export({ type: 'pkcs8', format: 'pem' }))]) {
      await expect(listen({ port: 0, tls: { cert: one.cert, key } })).rejects.toThrow(another);
      const tls = { ...one, others: [{ cert: two.cert, key, hosts: ['other'] }] };
      if (key !== two.key) await expect(listen({ port: 0, tls })).rejects.toThrow(another);
    }
  });

  test('an application that returns something else than a Response', async () => {
    const causes: unknown[] = [];
    const one = createServer({
      routes: [{ responder: untyped(server.fetchResponder)(() => 'text') }],
      onError: ({ cause }: { cause: unknown }) => void causes.push(cause),
    });
    await one.fetch('/');
    expect(causes).toEqual([
      new TypeError('the application returned a text, not a Response: return new Response(content)'),
    ]);
    await one.close();
  });

  test('methods that were taken out of the server work alone', async () => {
    const { listen: open, fetch, reload, close: stop } = createServer({ routes: [{ responder }] });
    await expect(open(0)).resolves.toHaveLength(1);
    await expect(fetch('/')).resolves.toMatchObject({ status: 204 });
    await reload({ routes: [{ responder: () => ({ status: 205, fields: [] }) }] });
    await expect(fetch('/')).resolves.toMatchObject({ status: 205 });
    await stop();
    await expect(open(0)).rejects.toThrow('closed');
  });
});
