// The page of a bare status: for errors without content, and for nothing else.

import { STATUS_CODES } from 'node:http';
import { expect, test } from 'vitest';
import type { StaticResponse } from '../src/message.ts';
import { withPlainPage } from '../src/plain-page.ts';
import { refusal } from '../src/refusals.ts';

/** Every status that the engine answers with. */
const STATUSES = [400, 403, 404, 405, 409, 412, 413, 415, 416, 500, 503, 507];

const textOf = ({ content }: StaticResponse): string => Buffer.from(content as Uint8Array).toString();

test.each(STATUSES)('of %i says the reason that the registry has', (status) => {
  const page = withPlainPage(refusal(status, new Error('/secret/path')));
  const { fields } = page;
  // Node has the name that RFC 9110 gave up.
  const reason = status === 413 ? 'Content Too Large' : STATUS_CODES[status];
  expect(textOf(page)).toBe(`${status} ${reason}\n`);
  expect(fields).toContainEqual(['content-type', 'text/plain; charset=utf-8']);
  expect(fields).toContainEqual(['x-content-type-options', 'nosniff']);
  expect(fields).toContainEqual(['content-security-policy', "default-src 'none'"]);
});

test('keeps the fields that there are, and has words for any status', () => {
  const page = withPlainPage({ status: 405, fields: [['allow', 'GET']] });
  expect(page.fields[0]).toEqual(['allow', 'GET']);
  expect(textOf(withPlainPage(refusal(499)))).toBe('499 Error\n');
});

test.each<StaticResponse>([
  { status: 200, fields: [] },
  { status: 204, fields: [] },
  { status: 304, fields: [] },
  { status: 399, fields: [] },
  { status: 404, fields: [], content: Buffer.from('own page') },
  { status: 404, fields: [], content: Buffer.alloc(0) },
])('is not there for %j', (response) => {
  expect(withPlainPage(response)).toBe(response);
});
