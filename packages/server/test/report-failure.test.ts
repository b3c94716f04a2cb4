import { expect, test } from 'vitest';
import { reportFailure } from '../src/report-failure.ts';

import { spawnSync } from 'node:child_process';

const index = new URL('../dist/index.js', import.meta.url).href;
const failure = { status: 500, source: 'responder', request: undefined, headSent: false } as const;

test('a failure of the server is reported with its stack, in lines that cannot be forged', () => {
  const lines: string[] = [];
  const cause = new Error('boom\nError: 500 GET / forged', { cause: new TypeError('deep') });
  reportFailure({ ...failure, cause }, (line) => lines.push(line));
  expect(lines[0]).toBe('Error: 500: Error: boom');
  expect(lines[1]).toBe('    Error: 500 GET / forged');
  expect(lines.some((line) => line.startsWith('    at '))).toBe(true);
  expect(lines).toContain('    caused by TypeError: deep');
});

test.each([
  [
    new TypeError('request.fields.get is not a function'),
    /^ {4}hint: fields is a list of \[name, value\]: .*headers\.get\(…\)$/,
  ],
  [
    new TypeError('request.query.get is not a function'),
    /^ {4}hint: query is text: new URLSearchParams\(request\.query\)\.get\(…\)$/,
  ],
  [
    new Response('x'),
    /^Error: 500: a Response was thrown: return it, in a function that is wrapped in fetchResponder$/,
  ],
  [{ status: 404 }, /^Error: 500: what was thrown is no Error: \{ status: 404 \}$/],
])('what engines and habits leave unsaid is said: %o', (cause, expected) => {
  const lines: string[] = [];
  reportFailure({ ...failure, cause }, (line) => lines.push(line));
  expect(lines.at(-1)).toMatch(expected);
});

test.each([
  [{ ...failure, status: 404, cause: new Error('gone') }],
  [{ ...failure, status: 501, source: 'parser', cause: new Error('PRI') }],
  [{ ...failure, cause: undefined }],
] as const)('what is not the fault of the server is not reported: %o', (given) => {
  const lines: string[] = [];
  reportFailure(given, (line) => lines.push(line));
  expect(lines).toEqual([]);
});

test.each([
  ['a responder', '', /Error: 500 GET \/x \[[^\]]+\]: Error: boom\n {4}at /],
  ['one whose server is told not to', 'reportErrors: false,', /^$/],
  ['one whose server has a hook', 'onError: () => {},', /^$/],
])('standard error of a process: %s', (_, option, expected) => {
  const program = `
    const { createServer } = await import(${JSON.stringify(index)});
    const server = createServer({ ${option} routes: [{ responder() { throw new Error('boom'); } }] });
    const [{ url }] = await server.listen({ port: 0, host: '127.0.0.1' });
    await fetch(url + '/x').then((response) => response.text());
    await server.close({ graceMs: 0 });
  `;
  const { stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  expect(stderr).toMatch(expected);
  expect(status).toBe(0);
});
