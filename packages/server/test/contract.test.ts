// What holds whoever answers: every responder of ours is asked the same questions. The assignments are the contract of types.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cgi } from '@onezero/cgi-process';
import { serveStatic } from '@onezero/static';
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import { wsgi } from '@onezero/python';
import { fetchResponder, nodeResponder, type Responder } from '@onezero/server';
import { parse, start, type Running } from './exchange.ts';

const folder: string = mkdtempSync(join(tmpdir(), 'contract-'));
writeFileSync(join(folder, 'hello'), 'hello');
const script: string = join(folder, 'script');
writeFileSync(
  script,
  '#!/bin/sh\n[ "$PATH_INFO" = /hello ] || { printf "Status: 404\\n\\ngone"; exit; }\nprintf "Content-Type: text/plain\\n\\nhello"\n',
);
chmodSync(script, 0o755);

const RESPONDERS: Readonly<Record<string, Responder>> = {
  static: serveStatic(folder),
  cgi: cgi({ script }),
  fetch: fetchResponder((request) =>
    new URL(request.url).pathname === '/hello' ? new Response('hello') : new Response('gone', { status: 404 }),
  ),
  node: nodeResponder((request, response) => {
    response.statusCode = request.url === '/hello' ? 200 : 404;
    response.end(request.url === '/hello' ? 'hello' : 'gone');
  }),
};

// How a message is delimited depends on what is known of it and on who is still there, not on the method.
const FRAMING = new Set(['transfer-encoding', 'content-length', 'connection']);

const ask = (line: string): string => `${line} HTTP/1.1\r\nHost: a\r\nAccept: text/plain\r\n\r\n`;

test('every responder of ours is a Responder', () => {
  expectTypeOf(serveStatic).returns.toExtend<Responder>();
  expectTypeOf(cgi).returns.toExtend<Responder>();
  expectTypeOf(wsgi).returns.toExtend<Responder>();
  expectTypeOf(fetchResponder).returns.toExtend<Responder>();
  expectTypeOf(nodeResponder).returns.toExtend<Responder>();
});

describe.each(Object.keys(RESPONDERS))('%s', (name) => {
  let running: Running;

  beforeAll(async () => {
    running = await start({ routes: [{ responder: RESPONDERS[name] as Responder }] });
  });

  afterAll(() => running.close());

  test('answers GET, and HEAD with the same fields and no content', async () => {
    const get = parse(await running.exchange(ask('GET /hello')));
    expect(get.status).toBe(200);
    expect(get.content.replaceAll(/^5\r\n|\r\n0\r\n\r\n$/g, '')).toBe('hello');
    const head = parse(await running.exchange(ask('HEAD /hello')));
    expect(head.content).toBe('');
    const names = (fields: ReadonlyMap<string, string>): string[] =>
      [...fields.keys()].filter((field) => !FRAMING.has(field)).toSorted();
    expect(names(head.fields)).toEqual(names(get.fields));
  });

  test('says Date once, also to HTTP/1.0, which never gets chunks', async () => {
    const text = await running.exchange('GET /hello HTTP/1.0\r\n\r\n');
    expect(text.match(/^date: /gim)).toHaveLength(1);
    expect(parse(text).fields.has('transfer-encoding')).toBe(false);
    expect(parse(text).content).toBe('hello');
    expect(await running.exchange('GET /hello\r\n')).toBe('hello');
  });

  test('has content for a 404, and goes on answering', async () => {
    const text = await running.exchange(ask('GET /none') + ask('GET /hello'));
    const missing = parse(text);
    expect(missing.status).toBe(404);
    expect(missing.content).not.toMatch(/^HTTP/);
    expect(text).toMatch(/HTTP\/1\.1 200 OK[^]*hello/);
  });
});

afterAll(() => rmSync(folder, { recursive: true }));
