// Sites told apart by their host: what one does not have is not there, whatever the others have.

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run, site, start, type Started } from './command.ts';

const place = site({
  'main/a.txt': 'main',
  'main/kept.txt': 'main',
  'docs/d.txt': 'docs',
  'more/m.txt': 'more',
  'more/part/m.txt': 'part of more',
  'docs/404.html': 'nothing in docs',
  'cgi/c.cgi': '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\nran"\n',
  users: 'ann:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n',
  'sites.json': JSON.stringify({
    root: 'main',
    cgiBin: 'cgi',
    writable: true,
    health: '/healthz',
    live: true,
    auth: [{ path: '/private', file: 'users' }],
    headers: [{ fields: { 'X-All': 'yes', 'Accept-Ranges': 'none' } }],
    sites: [
      { host: 'docs.example', root: 'docs' },
      { host: 'scripts.example', cgiBin: 'cgi' },
      { host: 'part.example', path: '/part', root: 'docs' },
      { host: 'several.example', path: '/part', root: 'docs' },
      { host: 'Several.example', root: 'main', cgiBin: 'cgi' },
      { host: 'several.example', root: 'more' },
      { path: '/over', root: 'docs' },
    ],
  }),
});
let server: Started;

beforeAll(async () => {
  server = await start(['-c', 'sites.json'], { cwd: place.path });
});
afterAll(async () => {
  await server.stop();
  place.remove();
});

async function ask(host: string, line: string, rest = ''): Promise<string> {
  // Without chunks, which a script that takes longer has in HTTP/1.1.
  const answer = await server.raw(`${line} HTTP/1.0\r\nHost: ${host}\r\n${rest}\r\n`);
  return `${answer.slice(9, 12)} ${answer.split('\r\n\r\n').slice(1).join('').split('\n')[0]}`;
}

describe('a site with a host', () => {
  test.each([
    ['docs.example', 'GET /d.txt', '200 docs'],
    ['docs.example', 'GET /a.txt', '404 nothing in docs'],
    ['docs.example', 'GET /cgi-bin/c.cgi', '404 nothing in docs'],
    ['docs.example', 'GET /over/d.txt', '404 nothing in docs'],
    ['docs.example', 'GET /healthz', '200 ok'],
    ['scripts.example', 'GET /cgi-bin/c.cgi', '200 ran'],
    ['scripts.example', 'GET /a.txt', '404 404 Not Found'],
    ['part.example', 'GET /part/d.txt', '200 docs'],
    ['part.example', 'GET /part/a.txt', '404 nothing in docs'],
    ['part.example', 'GET /a.txt', '200 main'],
    ['several.example', 'GET /part/d.txt', '200 docs'],
    ['several.example', 'GET /part/m.txt', '200 part of more'],
    ['several.example', 'GET /a.txt', '200 main'],
    ['several.example', 'GET /m.txt', '200 more'],
    ['several.example', 'GET /over/d.txt', '404 404 Not Found'],
    ['docs.example', 'GET /.onezero/live.js', '200 (() => {'],
    ['scripts.example', 'GET /.onezero/live.js', '200 (() => {'],
    ['localhost', 'GET /a.txt', '200 main'],
    ['localhost', 'GET /healthz', '200 ok'],
  ])('%s: %s', async (host, line, expected) => {
    expect(await ask(host, line)).toBe(expected);
  });

  test('has nothing written or removed in the others', async () => {
    expect(await ask('docs.example', 'PUT /new.txt', 'Content-Length: 0\r\n')).toMatch(/^405/);
    expect(await ask('docs.example', 'DELETE /kept.txt')).toMatch(/^405/);
    expect([existsSync(join(place.path, 'main/new.txt')), existsSync(join(place.path, 'main/kept.txt'))]).toEqual([
      false,
      true,
    ]);
  });
});

test('check says what is not there at a host', async () => {
  const { stdout, stderr, code } = await run(['check', '-c', 'sites.json'], { cwd: place.path });
  expect(`${stdout}${stderr}`).toContain('/cgi-bin is 404 at docs.example: a host has');
  expect(`${stdout}${stderr}`).toContain('/over is 404 at docs.example, scripts.example, several.example: a host has');
  expect(code).toBe(0);
});

describe('explain', () => {
  const explained = async (question: string): Promise<string> =>
    (await run(['explain', question, '-c', 'sites.json'], { cwd: place.path })).stdout;

  test('says of such a site what is answered', async () => {
    expect(await explained('http://docs.example/a.txt')).toMatch(/^status +404$/m);
  });

  test('asks for a password where it is asked for', async () => {
    expect(await explained('/private/x')).toContain('without them, the status is 401');
    expect(await explained('/a.txt')).not.toContain('401');
  });

  test('ends where a page is missing, below a base path and a rule for what it holds', async () => {
    writeFileSync(
      join(place.path, 'base.json'),
      JSON.stringify({ root: 'main', base: '/app', auth: [{ path: '/private', file: 'users' }] }),
    );
    const { stdout } = await run(['explain', '/app/none', '-c', 'base.json'], { cwd: place.path });
    expect(stdout).toMatch(/^status +404$/m);
  });

  test('names the fields of every response, unless it has them', async () => {
    const fields = (await explained('/a.txt')).match(/^field +(?:x-all|accept-ranges): .*$/gm);
    expect(fields?.map((line) => line.replace(/^field +/, ''))).toEqual(['accept-ranges: bytes', 'x-all: yes']);
  });
});
