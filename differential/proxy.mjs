// One request, direct and through our proxy: random requests, many of them of the kind that two servers read differently, go
// to an application of ours, to ours that passes them on to the same application, and to ours before node:http. The answers are
// the same, and no upstream sees a request that the client did not make: nothing can be smuggled.

import { createServer as createNodeServer } from 'node:http';
import { createServer } from '@onezero/server';
import { createConnection } from 'node:net';
import { randomSource } from './random.mjs';
import { ResponseParser } from '@onezero/http-parser';

const METHODS = [
  'GET',
  'GET',
  'POST',
  'POST',
  'PUT',
  'HEAD',
  'DELETE',
  'OPTIONS',
  'PATCH',
  'PROPFIND',
  'get',
  'BREW',
  'TRACE',
  'CONNECT',
  'G ET',
  '',
];
const TARGETS = [
  '/',
  '/a',
  '/a/../b',
  '/a//b',
  '/%2e%2e/a',
  '/a%2fb',
  '/a%2Fb/../c',
  '/%00',
  '/a?b=c?d',
  '/a#b',
  '*',
  'a',
  'http://x/a',
  'http://y/b?c',
  '/a b',
  '/é',
  '/\\..\\a',
  '/a;b=c',
  '/%zz',
  '/"',
  '//x/y',
  '?a',
  'x:443',
  '/a%0d%0aX: y',
];
const VERSIONS = [
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/1.2',
  'HTTP/2.0',
  'http/1.1',
  'HTTP/1.1 ',
  'HTTP/0.9',
];
const LENGTHS = [
  '0',
  '3',
  '5',
  '05',
  '+3',
  '-1',
  '3, 3',
  '3,4',
  '3;',
  '0x3',
  '',
  ' 3 ',
  '99999999999999999999',
  '1e1',
  '3\t',
];
const CODINGS = [
  'chunked',
  'chunked',
  'Chunked',
  'identity',
  'gzip, chunked',
  'chunked, chunked',
  'chunked, identity',
  'xchunked',
  'chunked;q=1',
  '\x0bchunked',
  '"chunked"',
  ' chunked',
  ',chunked',
  'chunked,',
];
const CHUNKS = [
  '3\r\nabc\r\n0\r\n\r\n',
  '0\r\n\r\n',
  '3;x=y\r\nabc\r\n0\r\n\r\n',
  '03\r\nabc\r\n0\r\n\r\n',
  '3\nabc\n0\n\n',
  '3\r\nabc0\r\n\r\n',
  '3 \r\nabc\r\n0\r\n\r\n',
  '0x3\r\nabc\r\n0\r\n\r\n',
  '3\r\nabc\r\n0\r\nX: y\r\n\r\n',
  '3\r\nabc\r\n0\r\nContent-Length: 5\r\n\r\n',
  '-3\r\nabc\r\n0\r\n\r\n',
  '3;"\r\nabc\r\n0\r\n\r\n',
  '3\r\nabcd\r\n0\r\n\r\n',
  'ffffffffffffffffff\r\nabc',
  '3\r\nabc\r\n',
];
const FIELDS = [
  'Connection: close',
  'Connection: keep-alive',
  'Connection: upgrade',
  'Connection: content-length',
  'Connection: host, x-a',
  'Upgrade: websocket',
  'Upgrade: h2c',
  'Expect: 100-continue',
  'Expect: something',
  'X-A: b',
  'X-A : b',
  ' X-A: b',
  'X-A: b\r\n folded',
  'X-A:',
  'X-A: \xe9',
  'X-A: a\x00b',
  'X A: b',
  ':',
  'Cookie: a=b',
  'Cookie: c=d',
  'TE: trailers',
  'Trailer: X',
  'Keep-Alive: 5',
  'Proxy-Connection: close',
  'Proxy: http://evil',
  'Content_Length: 5',
  'Transfer_Encoding: chunked',
  'X-Forwarded-For: 6.6.6.6',
  'Content-Length:5',
  'Transfer-Encoding:\tchunked',
  'Range: bytes=0-1',
  'If-None-Match: *',
  'Authorization: Basic YTpi',
  'HTTP2-Settings: x',
];
const HOSTS = [
  'Host: a',
  'Host: a',
  'Host: a',
  'Host: a',
  'Host: a:80',
  'Host: ',
  'Host: a, b',
  'Host: a\r\nHost: b',
  'Host: a/b',
  'Host: a@b',
  '',
  'Host: [::1]',
  'host: a',
];

function randomRequest(random) {
  const lines = [`${random.pick(METHODS)} ${random.pick(TARGETS)} ${random.pick(VERSIONS)}`];
  if (random.chance(0.6))
    lines[0] = `${random.pick(['GET', 'POST', 'PUT'])} ${random.pick(['/', '/a', '/a?b'])} HTTP/1.1`;
  lines.push(random.pick(HOSTS));
  for (let count = random.int(0, 3); count > 0; count--) lines.push(random.pick(FIELDS));
  let content = '';
  if (random.chance(0.5)) {
    lines.push(`Content-Length: ${random.pick(random.chance(0.7) ? ['3', '5'] : LENGTHS)}`);
    content = random.pick(['abc', 'abcde', 'ab', '', 'abcGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n']);
  }
  if (random.chance(0.4)) {
    lines.push(`Transfer-Encoding: ${random.pick(random.chance(0.7) ? ['chunked'] : CODINGS)}`);
    content = random.pick(CHUNKS);
  }
  const end = random.chance(0.95) ? '\r\n' : random.pick(['\n', '\r', '\r\r\n']);
  return Buffer.from(
    `${random.shuffle(lines.slice(1)).reduce((text, line) => (line === '' ? text : `${text}${line}${end}`), `${lines[0]}${end}`)}${end}${content}`,
    'latin1',
  );
}

/** What an application saw; fields that a proxy has to change are left out. */
const CHANGED =
  /^(?:connection|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade|expect|content-length|host|http2-settings|proxy-authorization|forwarded|x-forwarded-.*)$/;

async function seenOf({ method, path, query, fields, content }) {
  const chunks = [];
  for await (const chunk of content) chunks.push(Buffer.from(chunk));
  const named = new Set(
    fields.filter(([name]) => name === 'connection').flatMap(([, value]) => value.toLowerCase().split(/\s*,\s*/)),
  );
  const kept = fields.filter(([name]) => !CHANGED.test(name.replaceAll('_', '-')) && !named.has(name));
  return JSON.stringify({ method, path, query, fields: kept, content: Buffer.concat(chunks).toString('latin1') });
}

function echo(seen) {
  return async (request) => {
    const { method, scriptName, pathInfo, query, fields, content } = request;
    const text = await seenOf({ method, path: scriptName + pathInfo, query, fields, content });
    seen.push(text);
    return { status: 200, content: text };
  };
}

async function startOurs(options) {
  const server = createServer({ ...options, reportErrors: false });
  const [{ port, url }] = await server.listen({ port: 0, host: '127.0.0.1' });
  return { port, url, stop: () => server.close({ graceMs: 0 }) };
}

async function startNode(seen) {
  const server = createNodeServer((request, response) => void answer(request, response));
  const answer = async (request, response) => {
    const { method, url, rawHeaders } = request;
    const mark = url.indexOf('?');
    const fields = Array.from({ length: rawHeaders.length / 2 }, (_, at) => [
      rawHeaders[2 * at].toLowerCase(),
      rawHeaders[2 * at + 1],
    ]);
    const path = decodeURIComponent(mark === -1 ? url : url.slice(0, mark));
    try {
      const text = await seenOf({
        method,
        path,
        query: mark === -1 ? undefined : url.slice(mark + 1),
        fields,
        content: request,
      });
      seen.push(text);
      response.setHeader('content-type', 'text/plain; charset=utf-8').end(text);
    } catch {
      response.destroy();
    }
  };
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () => new Promise((resolve) => server.close(resolve) && server.closeAllConnections()),
  };
}

/** Sends the pieces, finishes sending, and collects all that comes until the server closes. */
function allOf(port, pieces) {
  return new Promise((resolve) => {
    const received = [];
    const socket = createConnection({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.setNoDelay(true);
    const finish = () => {
      socket.destroy();
      resolve(Buffer.concat(received));
    };
    socket.on('data', (bytes) => received.push(bytes));
    socket.once('end', finish).once('error', finish);
    const send = (index) => {
      if (index === pieces.length) socket.end();
      else if (!socket.destroyed) socket.write(pieces[index], () => setImmediate(send, index + 1));
    };
    socket.once('connect', () => send(0));
  });
}

/** Statuses and contents of all responses in `bytes`, in order. */
function responsesIn(bytes, methods) {
  const parser = new ResponseParser();
  const responses = [];
  const events = [...parser.push(bytes)];
  for (const method of methods) {
    if (parser.state !== 'idle') break;
    events.push(...parser.next({ method }));
    if (parser.remainder.length === 0) break;
  }
  events.push(...parser.end());
  for (const event of events) {
    if (event.type === 'head') responses.push({ status: event.head.status, content: '' });
    if (event.type === 'content' && responses.at(-1)?.status < 400)
      responses.at(-1).content += Buffer.from(event.bytes).toString('latin1');
  }
  return responses;
}

/** @param {{ seed: number, count?: number, log?: (line: string) => void }} run */
export async function compare({ seed, count = 4000, log = () => undefined }) {
  const random = randomSource(seed);
  const seen = { direct: [], ours: [], node: [] };
  const direct = await startOurs({ routes: [{ responder: echo(seen.direct) }] });
  const behind = await startOurs({ routes: [{ responder: echo(seen.ours) }] });
  const node = await startNode(seen.node);
  const fronts = { ours: await startOurs({ proxy: behind.url }), node: await startOurs({ proxy: node.url }) };
  const differences = [];
  let checked = 0;
  try {
    for (let number = 0; number < count; number++) {
      const requests = [randomRequest(random), ...(random.chance(0.3) ? [randomRequest(random)] : [])];
      const pieces = random.cut(Buffer.concat(requests), 3);
      const methods = requests.map((one) => /^[^ \r\n]*/.exec(one.toString('latin1'))[0]);
      // Bytes that were smuggled would be answered as one more request.
      methods.push('GET');
      for (const list of Object.values(seen)) list.length = 0;
      const [plain, ...proxied] = await Promise.all(
        [direct.port, fronts.ours.port, fronts.node.port].map(async (port) =>
          responsesIn(await allOf(port, pieces), methods),
        ),
      );
      checked += 1;
      for (const [index, name] of ['ours', 'node'].entries()) {
        const why = differenceOf({ plain, proxied: proxied[index], direct: seen.direct, upstream: seen[name] });
        if (why === undefined) continue;
        const difference = {
          name,
          why,
          request: Buffer.concat(pieces).toString('latin1'),
          plain,
          proxied: proxied[index],
        };
        log(JSON.stringify(difference));
        differences.push(difference);
      }
    }
  } finally {
    for (const server of [direct, fronts.ours, fronts.node, behind, node]) await server.stop();
  }
  return { checked, differences };
}

function differenceOf({ plain, proxied, direct, upstream }) {
  if (JSON.stringify(upstream) !== JSON.stringify(direct))
    return `the upstream saw ${upstream.join(' and ') || 'nothing'}`;
  if (JSON.stringify(plain.map(explained)) !== JSON.stringify(proxied.map(explained))) return 'the answers differ';
  return undefined;
}

/** A second request that breaks off and has another fault: which of the two is seen first is a matter of time. */
function explained(response, index) {
  return index > 0 && response.status >= 400 ? { ...response, status: 400 } : response;
}
