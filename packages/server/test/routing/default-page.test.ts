// The page of a status, in the form that the client reads.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { defaultPage, escapeHtml } from '../../src/routing/default-page.ts';

function textOf(...[status, type, id]: Parameters<typeof defaultPage>): string {
  return Buffer.from(defaultPage(status, type, id).content ?? '').toString();
}

/** The statuses that the sources of all packages refuse with. */
function refusals(): readonly number[] {
  const packages = join(import.meta.dirname, '../../..');
  const sources = readdirSync(packages, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /^[\w-]+\/src\/.*\.ts$/.test(name),
  );
  const found = sources.flatMap((name) =>
    Array.from(
      readFileSync(join(packages, name), 'utf8').matchAll(/(?:refusal\(|status: )([45]\d\d)\b/g),
      ([, status]) => Number(status),
    ),
  );
  return [...new Set(found)].toSorted((a, b) => a - b);
}

test('has a sentence for every status that a package refuses with', () => {
  const statuses = refusals();
  expect(statuses).toEqual(expect.arrayContaining([400, 404, 409, 413, 503, 507]));
  const silent = statuses.filter((status) => !/<p class="soft">\w[^<]+\.<\/p>/.test(textOf(status, 'text/html')));
  expect(silent).toEqual([]);
});

test('has no empty paragraph for any other', () => {
  expect(textOf(499, 'text/html')).not.toMatch(/<p[^>]*><\/p>/);
});

test('names the request, and lets nothing of it become markup', () => {
  const id = '"><script>alert(1)</script>';
  expect(textOf(500, 'text/html', id)).toContain(`Request ${escapeHtml(id)}`);
  expect(textOf(500, 'text/html', id)).not.toContain('<script>');
  expect(textOf(500, 'text/plain', 'abc')).toBe(
    '500 Internal Server Error\nSomething went wrong on the server.\nRequest abc\n',
  );
  expect(JSON.parse(textOf(500, 'application/problem+json', id))).toEqual({
    type: 'about:blank',
    title: 'Internal Server Error',
    status: 500,
    id,
  });
});

test.each([
  ['text/html', 'text/html; charset=utf-8'],
  ['text/plain', 'text/plain; charset=utf-8'],
  ['application/json', 'application/problem+json'],
  ['application/problem+json', 'application/problem+json'],
] as const)('is %s as %s, and runs nothing', (type, sent) => {
  const { fields } = defaultPage(404, type);
  const names = new Map(fields.map(([name, value]) => [name, value]));
  expect(names.get('content-type')).toBe(sent);
  expect(names.get('x-content-type-options')).toBe('nosniff');
  if (type === 'text/html')
    expect(names.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/);
});
