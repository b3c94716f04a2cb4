// The policy of a page allows its own script and style, as browsers hash them, and nothing else.

import { createHash } from 'node:crypto';
import { Script } from 'node:vm';
import { expect, test } from 'vitest';
import { LISTING_POLICY, LISTING_STYLE } from '../../src/listing/style.ts';
import { UPLOAD_POLICY, UPLOAD_SCRIPT } from '../../src/listing/upload.ts';

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

test('the script is one, ends no element early, and is named by its hash', () => {
  expect(() => new Script(UPLOAD_SCRIPT)).not.toThrow();
  expect(UPLOAD_SCRIPT).not.toMatch(/<\/script|<!--/i);
  expect(UPLOAD_POLICY.split('; ')).toEqual([`script-src ${hashOf(UPLOAD_SCRIPT)}`, "connect-src 'self'"]);
});

test('the style ends no element early, and is named by its hash', () => {
  expect(LISTING_STYLE).not.toMatch(/<\/style|<!--/i);
  expect(LISTING_POLICY).toContain(`style-src ${hashOf(LISTING_STYLE)}`);
  expect(LISTING_POLICY).toContain("default-src 'none'");
  expect(LISTING_POLICY).not.toMatch(/unsafe|script-src/);
});
