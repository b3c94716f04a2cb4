// A program that was bundled into one folder, far from the files that our packages lie beside.

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'onezero-bundled-'));
const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as {
  version: string;
};

const PROGRAM = `
import { createServer, nodeResponder } from ${JSON.stringify(join(import.meta.dirname, '../dist/index.js'))};
const responder = nodeResponder((request, response) => response.end('node'));
const server = createServer({ root: ${JSON.stringify(join(folder, 'site'))}, cgi: ${JSON.stringify(join(folder, 'cgi'))}, routes: [{ path: '/node', responder }] });
const users = { ann: '{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=', bob: '$apr1$abcdefgh$FBwExRW4dCc8aL.OvjpIE1' };
const closed = createServer({ root: ${JSON.stringify(join(folder, 'site'))}, auth: [{ users }] });
const logins = ['ann:password', 'ann:other', 'bob:password', 'bob:other', 'eve:password'].map(async (login) => {
  const authorization = 'Basic ' + Buffer.from(login).toString('base64');
  const response = await closed.fetch('/page.html', { headers: { authorization } });
  return [response.status, login];
});
const answers = ['/page.html', '/book.epub', '/node', '/cgi-bin/software'].map(async (path) => {
  const response = await server.fetch(path);
  return [response.status, (await response.text()).trim()];
});
Promise.all([...answers, ...logins]).then(async (all) => {
  await server.close();
  await closed.close();
  console.log(JSON.stringify(all));
});
`;

beforeAll(() => {
  for (const name of ['site', 'cgi', 'program']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'site/page.html'), 'page');
  writeFileSync(join(folder, 'site/book.epub'), 'book');
  writeFileSync(
    join(folder, 'cgi/software'),
    '#!/bin/sh\necho Content-Type: text/plain\necho\necho $SERVER_SOFTWARE\n',
    { mode: 0o755 },
  );
  writeFileSync(join(folder, 'entry.mjs'), PROGRAM);
  // Where the program's own manifest lies, ours would lie for files of dist/.
  writeFileSync(join(folder, 'program/package.json'), JSON.stringify({ name: 'program', version: '99.0.0' }));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  ['modules', 'esm', 'mjs'],
  ['CommonJS', 'cjs', 'cjs'],
] as const)('answers as it does from its own files: %s', async (_, format, extension) => {
  const bundle = await rolldown({ input: join(folder, 'entry.mjs'), platform: 'node', logLevel: 'silent' });
  const names = { entryFileNames: `main.${extension}`, chunkFileNames: `[name].${extension}` };
  await bundle.write({ dir: join(folder, 'program/out'), format, ...names });
  await bundle.close();
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, `program/out/main.${extension}`)]);
  expect(JSON.parse(stdout)).toEqual([
    [200, 'page'],
    [200, 'book'],
    [200, 'node'],
    [200, `onezero/${version}`],
    [200, 'ann:password'],
    [401, 'ann:other'],
    [200, 'bob:password'],
    [401, 'bob:other'],
    [401, 'eve:password'],
  ]);
});
