import express from 'express';
import { createServer, request as httpRequest } from 'node:http';
import type { IncomingMessage, RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { text as wholeText } from 'node:stream/consumers';
import { afterAll, describe, expect, test } from 'vitest';
import type { CgiHandler } from '../src/node.ts';
import { cgiHandler } from '../src/node.ts';
import { plain, processesWith, Scripts, until } from './mount.ts';

const scripts = new Scripts({
  'print-environment': plain('env'),
  echo: plain('cat'),
  'echo-length': plain('echo $CONTENT_LENGTH; cat'),
  'kill-self': plain('head -c 300000 /dev/zero; kill -KILL $$'),
  'sleep-forever': plain('echo first; sleep 1000.71'),
  'set-status': '#!/bin/sh\nprintf "Status: 404 Nope\\nContent-Type: text/plain\\n\\nmine"\n',
  'nph-raw': '#!/bin/sh\nprintf "HTTP/1.0 299 Mine\\r\\n\\r\\nraw"\n',
  'mark-and-sleep': plain('touch marked; echo first; sleep 1000.73'),
  vary: '#!/bin/sh\nprintf "Vary: Cookie\\nSet-Cookie: a=1\\nSet-Cookie: b=2\\nContent-Type: text/plain\\n\\n"\n',
  'write-1-mb': plain('head -c 1000000 /dev/zero'),
});

const servers: Server[] = [];
const handlers: CgiHandler[] = [];
afterAll(async () => {
  for (const server of servers) server.close();
  for (const server of servers) server.closeAllConnections();
  await Promise.all(handlers.map(async (handler) => handler.close()));
  scripts.remove();
});

function handler(path?: string): CgiHandler {
  const made = cgiHandler({
    directory: scripts.path,
    path,
    log: () => {},
    nph: 'name',
    limits: { killGraceMs: 100 },
  });
  handlers.push(made);
  return made;
}

async function listen(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(bytes);
  return wholeText(socket);
}

describe('cgiHandler', () => {
  test('serves node:http', async () => {
    const port = await listen(handler('/cgi-bin'));
    const response = await fetch(`http://127.0.0.1:${port}/cgi-bin/print-environment/a%20b?x=1`);
    expect(response.headers.get('content-type')).toBe('text/plain');
    const variables = await response.text();
    expect(variables).toContain('SCRIPT_NAME=/cgi-bin/print-environment\n');
    expect(variables).toContain('PATH_INFO=/a b\n');
    expect(variables).toContain('REQUEST_URI=/cgi-bin/print-environment/a%20b?x=1\n');
    expect(variables).toContain(`SERVER_PORT=${port}\n`);
    expect(variables).toContain('REMOTE_ADDR=127.0.0.1\n');
    expect((await fetch(`http://127.0.0.1:${port}/elsewhere`)).status).toBe(404);
  });

  test('passes content with and without a length', async () => {
    const port = await listen(handler());
    const url = `http://127.0.0.1:${port}/echo-length`;
    expect(await (await fetch(url, { method: 'POST', body: 'hello' })).text()).toBe('5\nhello');
    const chunked = await raw(
      port,
      'POST /echo-length HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n',
    );
    expect(chunked).toContain('5\n');
    expect(chunked).toContain('hello');
  });

  test('answers HEAD without content', async () => {
    const port = await listen(handler());
    const answer = await raw(port, 'HEAD /set-status HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 404 Nope\r\n/);
    expect(answer.endsWith('\r\n\r\n')).toBe(true);
  });

  test('breaks the connection off when the script breaks off', async () => {
    const port = await listen(handler());
    const answer = await raw(port, 'GET /kill-self HTTP/1.1\r\nHost: a\r\n\r\n').catch((error: Error) => error.message);
    expect(answer).not.toContain('\r\n0\r\n');
  });

  test('ends the script when the client goes', async () => {
    const port = await listen(handler());
    const response = await new Promise<IncomingMessage>((resolve) => {
      httpRequest({ port, path: '/sleep-forever' }, resolve).end();
    });
    await new Promise((resolve) => response.once('data', resolve));
    response.on('error', () => {});
    response.destroy();
    await until(() => processesWith('1000.71').length === 0);
  });

  test('writes an unparsed response as it is', async () => {
    const port = await listen(handler());
    expect(await raw(port, 'GET /nph-raw HTTP/1.1\r\nHost: a\r\n\r\n')).toBe('HTTP/1.0 299 Mine\r\n\r\nraw');
  });

  test.each(['/%00', '/%ff', '/../x', '/%2e%2e/x', '/a%'])('answers 400 to %s', async (path) => {
    const port = await listen(handler());
    expect(await raw(port, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('mounts in Express, and lets others answer what is no script', async () => {
    const app = express();
    app.use('/cgi-bin', handler());
    app.use((_, response) => {
      response.status(418).send('else');
    });
    const port = await listen(app);
    const variables = await (await fetch(`http://127.0.0.1:${port}/cgi-bin/print-environment/a?b`)).text();
    expect(variables).toContain('SCRIPT_NAME=/cgi-bin/print-environment\n');
    expect(variables).toContain('PATH_INFO=/a\n');
    expect((await fetch(`http://127.0.0.1:${port}/cgi-bin/no-such`)).status).toBe(418);
    expect((await (await fetch(`http://127.0.0.1:${port}/cgi-bin/write-1-mb`)).arrayBuffer()).byteLength).toBe(
      1_000_000,
    );
  });

  test('serves a url that was rewritten in front of it', async () => {
    const respond = handler();
    const port = await listen((request, response) => {
      request.url = request.url?.replace('/old', '/print-environment');
      respond(request, response);
    });
    const variables = await (await fetch(`http://127.0.0.1:${port}/old/a?x=1`)).text();
    expect(variables).toContain('SCRIPT_NAME=/print-environment\n');
    expect(variables).toContain('PATH_INFO=/a\n');
    expect(variables).toContain('QUERY_STRING=x=1\n');
  });

  test('serves a rewritten url below a mount of Express, and keeps REQUEST_URI', async () => {
    const app = express();
    app.use('/my%20app', (request: IncomingMessage, _response: unknown, next: () => void) => {
      request.url = '/print-environment/b?y=2';
      next();
    });
    app.use('/my%20app', handler());
    const port = await listen(app);
    const variables = await (await fetch(`http://127.0.0.1:${port}/my%20app/whatever?x=1`)).text();
    expect(variables).toContain('SCRIPT_NAME=/my app/print-environment\n');
    expect(variables).toContain('PATH_INFO=/b\n');
    expect(variables).toContain('QUERY_STRING=y=2\n');
    expect(variables).toContain('REQUEST_URI=/my%20app/whatever?x=1\n');
  });

  test('finds its mount where a router like that of Connect only takes it off', async () => {
    const respond = handler();
    const port = await listen((request, response) => {
      Object.assign(request, { originalUrl: request.url });
      request.url = request.url?.replace(/^\/app/, '');
      respond(request, response);
    });
    const variables = await (await fetch(`http://127.0.0.1:${port}/app/print-environment/c`)).text();
    expect(variables).toContain('SCRIPT_NAME=/app/print-environment\n');
    expect(variables).toContain('PATH_INFO=/c\n');
  });

  test('adds to what others vary by and to their cookies', async () => {
    const respond = handler();
    const port = await listen((request, response) => {
      response.setHeader('Vary', 'Origin');
      response.setHeader('Set-Cookie', ['session=1']);
      response.setHeader('X-Frame-Options', 'DENY');
      respond(request, response);
    });
    const { headers } = await fetch(`http://127.0.0.1:${port}/vary`);
    expect(headers.get('vary')).toBe('Origin, Cookie');
    expect(headers.getSetCookie()).toEqual(['session=1', 'a=1', 'b=2']);
    expect(headers.get('x-frame-options')).toBe('DENY');
  });

  test.each([
    ['of a length', 'Content-Length: 3\r\n\r\nabc'],
    ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'],
  ])('runs no script without the content %s that was read in front of it', async (_, rest) => {
    const respond = handler();
    const nexts: unknown[] = [];
    const port = await listen((request, response) => {
      const next = (error: unknown): void => {
        nexts.push(error);
        response.end('theirs');
      };
      void wholeText(request).then(() => respond(request, response, request.url === '/echo?alone' ? undefined : next));
    });
    const ask = (target: string): Promise<string> =>
      raw(port, `POST ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${rest}`);
    expect(await ask('/echo?alone')).toMatch(/^HTTP\/1\.1 500 /);
    expect(await ask('/echo')).toMatch(/theirs$/);
    expect(await ask('/no-such')).toMatch(/theirs$/);
    expect(nexts).toMatchObject([{ message: 'the content of the request was read before it came here' }, undefined]);
  });

  test('ends a script where somebody else has answered meanwhile, and leaves that answer alone', async () => {
    const respond = handler();
    const large = Buffer.alloc(20_000_000);
    const port = await listen((request, response) => {
      respond(request, response);
      response.end(large);
    });
    const response = await fetch(`http://127.0.0.1:${port}/mark-and-sleep`);
    await until(() => scripts.has('marked'));
    await until(() => processesWith('1000.73').length === 0);
    expect((await response.arrayBuffer()).byteLength).toBe(large.length);
  });
});
