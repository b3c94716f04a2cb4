// What `explain` says of a request, compared with what the very same server answers to it.

import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { createServer } from '@onezero/server';
import type { Server } from '../../src/options.ts';

const USER = `Basic ${Buffer.from('ada:password').toString('base64')}`;

function serverWithRules(): Server {
  const named = (name: string) => () => ({ status: 200, fields: [['x-route', name]] as const, content: name });
  return createServer({
    reportErrors: false,
    hosts: ['example.org', '*.example.org'],
    methods: ['BREW'],
    auth: [
      { path: '/private', users: { ada: '{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=' } },
      { path: '/private/open', methods: ['PUT'], users: { ada: '{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=' } },
    ],
    routes: [
      { path: '/a', name: 'a', responder: named('a') },
      { path: '/a/b', name: 'b', methods: ['GET', 'PUT'], responder: named('b') },
      { path: '/private', name: 'private', methods: ['GET', 'POST'], responder: named('private') },
      { path: '/', host: 'www.example.org', name: 'www', methods: ['GET', 'BREW'], responder: named('www') },
    ],
  });
}

const server = serverWithRules();
afterAll(() => server.close({ graceMs: 0 }));

const questions = fc.record({
  method: fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'BREW', 'PROPFIND', 'TRACE', 'CONNECT', 'NONSENSE'),
  host: fc.constantFrom('example.org', 'www.example.org', 'WWW.example.org:80', 'other.org'),
  path: fc.constantFrom(
    '/',
    '/a',
    '/a/',
    '//a//b',
    '/ab',
    '/a/b/c',
    '/a/%62',
    '/x/../a',
    '/private',
    '/private/x',
    '/private/open',
    '/%2570rivate',
    '/a%2fb',
    '/a%2fb/../c',
    '/../a',
    '/%00',
    '/none',
  ),
});

/** The same question over the wire, with a password that the rules know: its route, or the status without one. */
async function answer(
  { method, host, path }: { method: string; host: string; path: string },
  isKnown: boolean,
): Promise<{ status: number; route: string | null }> {
  const head = `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n${isKnown ? `Authorization: ${USER}\r\n` : ''}`;
  const framed = method === 'POST' || method === 'PUT' ? 'Content-Length: 0\r\n' : '';
  const text = await exchange(`${head}${framed}Connection: close\r\n\r\n`);
  return {
    status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]),
    route: /^x-route: (.*)$/im.exec(text)?.[1]?.trim() ?? null,
  };
}

async function exchange(bytes: string): Promise<string> {
  const { MemoryTransport } = await import('../../src/transport/memory-transport.ts');
  const { Connection } = await import('../../src/connection/connection.ts');
  const { Ends } = await import('../../src/transport/ends.ts');
  return new Promise((resolve) => {
    let text = '';
    const client = {
      received: (part: Uint8Array) => void (text += Buffer.from(part).toString('latin1')),
      ended: () => resolve(text),
    };
    const transport = new MemoryTransport(false, client);
    const engine = Object.assign(Object.create(server as object), { idle: () => {}, closed: () => {} });
    transport.open(new Connection(engine, transport, new Ends(transport, undefined)));
    void transport.send(Buffer.from(bytes, 'latin1'));
  });
}

describe('explain', () => {
  test('says which route answers, which rule asks, and with which status the server refuses', async () => {
    await fc.assert(
      fc.asyncProperty(questions, async (question) => {
        if (question.method === 'CONNECT') return;
        const { method, host, path } = question;
        const said = server.explain({ method, target: `http://${host}${path}` });
        const known = await answer(question, true);
        const unknown = await answer(question, false);
        const label = `${method} http://${host}${path}: ${JSON.stringify(said.why)}`;
        if (said.status === undefined) {
          expect(known.status, label).toBe(200);
          expect(known.route, label).toBe(said.route?.name);
        } else {
          expect(known.status, label).toBe(said.status);
        }
        // Without a password a rule shows itself, unless something else is refused before.
        const isAsked = said.auth !== undefined && said.status !== 421 && said.status !== 400;
        expect(unknown.status === 401, label).toBe(isAsked);
      }),
      { numRuns: 250 },
    );
  });

  test.each(['TRACE', 'CONNECT'])('says that %s is never taken, as the server does', (method) => {
    expect(server.explain({ method, target: '/a' }).status).toBe(405);
  });

  test('splits the query off, and keeps it as it stands', () => {
    expect(server.explain({ target: '/a?x=%2F?y' })).toMatchObject({ path: '/a', query: 'x=%2F?y' });
    expect(server.explain({ target: 'http://example.org?x' })).toMatchObject({ path: '/', query: 'x' });
    expect(server.explain({ target: '/a' }).query).toBeUndefined();
  });

  test('leaves out the fragment of an address, which no browser sends', () => {
    expect(server.explain({ target: 'http://example.org/a#top' })).toMatchObject({ path: '/a', status: undefined });
    expect(server.explain({ target: '/a?x=1#top' })).toMatchObject({ path: '/a', query: 'x=1' });
    expect(server.explain({ target: '/a%23b' })).toMatchObject({ path: '/a#b' });
  });

  test('reads a path as people type it', () => {
    expect(server.explain({ target: '/caf\u00e9' })).toMatchObject({ path: '/caf\u00e9', status: 404 });
  });
});
