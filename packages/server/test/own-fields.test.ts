// The option `fields` as a function: fields that depend on the request and the response.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { FieldsHook, ServerOptions } from '@onezero/server';
import { start } from './exchange.ts';

const untyped = (value: unknown): FieldsHook => value as FieldsHook;

type Serve = { readonly exchange: (bytes: string) => Promise<string>; readonly failures: readonly string[] };

async function serve(options: ServerOptions): Promise<Serve> {
  const failures: string[] = [];
  const running = await start({ onError: ({ cause }) => void failures.push(String(cause)), ...options });
  onTestFinished(() => running.close());
  return { exchange: (bytes) => running.exchange(bytes), failures };
}

function folder(): string {
  const root = mkdtempSync(join(tmpdir(), 'onezero-fields-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  writeFileSync(join(root, 'a.html'), 'page');
  writeFileSync(join(root, 'b.bin'), 'bytes');
  return root;
}

test('takes the place of fields of the same name, for the responses that it is for', async () => {
  const { exchange } = await serve({
    root: folder(),
    fields: (request) =>
      request?.pathInfo.endsWith('.html') === true
        ? [
            ['Cache-Control', 'max-age=9'],
            ['x-seen', request.method],
          ]
        : undefined,
  });
  const page = await exchange('GET /a.html HTTP/1.0\r\n\r\n');
  expect(page).toContain('\r\ncache-control: max-age=9\r\n');
  expect(page).not.toContain('no-cache');
  expect(page).toContain('\r\nx-seen: GET\r\n');
  const other = await exchange('GET /b.bin HTTP/1.0\r\n\r\n');
  expect(other).toContain('\r\ncache-control: no-cache\r\n');
  expect(other).not.toContain('x-seen');
});

test('is asked anew for a response that comes again', async () => {
  let asked = 0;
  const response = { status: 200, fields: [], content: 'again' };
  const { exchange } = await serve({
    routes: [{ responder: () => response }],
    fields: () => [['x-number', String((asked += 1))]],
  });
  for (const number of ['1', '2', '3', '4']) {
    expect(await exchange('GET / HTTP/1.0\r\n\r\n')).toContain(`\r\nx-number: ${number}\r\n`);
  }
});

test('sees the status, and error pages and what is no request as well', async () => {
  const { exchange } = await serve({ fields: (request, { status }) => [['x-status', `${status} ${request?.target}`]] });
  expect(await exchange('GET /none HTTP/1.0\r\n\r\n')).toContain('\r\nx-status: 404 /none\r\n');
  expect(await exchange('no request\r\n\r\n')).toContain('\r\nx-status: 400 undefined\r\n');
});

test('does not decide where a message ends', async () => {
  const { exchange } = await serve({
    routes: [{ responder: () => ({ status: 200, content: 'whole' }) }],
    fields: () => [
      ['content-length', '2'],
      ['transfer-encoding', 'chunked'],
      ['connection', 'close'],
    ],
  });
  const both = await exchange(
    'GET / HTTP/1.1\r\nhost: localhost\r\n\r\nGET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n',
  );
  expect(both.match(/\r\ncontent-length: 5\r\n/g)).toHaveLength(2);
  expect(both).not.toContain('chunked');
});

test.each<[string, () => unknown, string]>([
  [
    'throws',
    () => {
      throw new Error('broken');
    },
    'Error: broken',
  ],
  [
    'returns a promise',
    () => Promise.resolve([]),
    'TypeError: fields: the function returned a promise: return the list itself',
  ],
  [
    'returns an object',
    () => ({ 'x-a': 'b' }),
    'TypeError: fields: what the function returned: fields must be a list of pairs such as [["content-type", "text/html"]]: write Object.entries(fields)',
  ],
  [
    'returns a line break',
    () => [['x-a', 'b\r\nx-evil: d']],
    'SerializeError: The field x-a cannot hold "b\\r\\nx-evil: d": a value is one line of Latin-1; encode other characters, such as with encodeURIComponent',
  ],
])('is a 500 when the function %s', async (_, hook, cause) => {
  const { exchange, failures } = await serve({
    routes: [{ responder: () => ({ status: 200 }) }],
    fields: untyped(hook),
  });
  const answer = await exchange('GET / HTTP/1.0\r\n\r\n');
  expect(answer).toMatch(/^HTTP\/1\.1 500 /);
  expect(answer).not.toContain('x-evil');
  expect(failures).toContain(cause);
});

test('that is an async function which rejects is refused, and ends no process', async () => {
  const { exchange, failures } = await serve({
    routes: [{ responder: () => ({ status: 200, content: 'x' }) }],
    fields: untyped(async () => Promise.reject(new Error('later'))),
  });
  expect(await exchange('GET / HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.[01] 500 /);
  expect(failures[0]).toContain('the function returned a promise: return the list itself');
});
