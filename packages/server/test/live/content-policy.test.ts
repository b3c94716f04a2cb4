import { expect, test } from 'vitest';
import { allowScript } from '../../src/live/content-policy.ts';

test.each([
  ["default-src 'self'", "default-src 'self'; script-src 'self' 'self'; connect-src 'self' 'self'"],
  ["default-src 'none'", "default-src 'none'; script-src 'self'; connect-src 'self'"],
  ["img-src 'none'", "img-src 'none'"],
  ["script-src 'sha256-x'; style-src a", "script-src 'sha256-x' 'self'; style-src a"],
  ["script-src 'unsafe-inline'", "script-src 'unsafe-inline' 'self'"],
  ["script-src-elem 'none'; connect-src 'NONE'", "script-src-elem 'self'; connect-src 'self'"],
  ["script-src 'strict-dynamic' 'nonce-a'", "script-src 'strict-dynamic' 'nonce-a' 'nonce-n'"],
  [
    'sandbox allow-scripts; ; default-src a',
    "sandbox allow-scripts; default-src a; script-src a 'self'; connect-src a 'self'",
  ],
])('%s lets the script in', (policy, expected) => {
  expect(allowScript(policy, 'n')?.policy).toBe(expected);
});

test('a nonce is used only where hosts are ignored', () => {
  expect(allowScript("script-src 'self'", 'n')?.nonce).toBeUndefined();
  expect(allowScript("default-src 'strict-dynamic' 'nonce-a'", 'n')?.nonce).toBe('n');
});

test('a sandbox without scripts is left alone', () => {
  expect(allowScript('sandbox allow-forms', 'n')).toBeUndefined();
  expect(allowScript('SANDBOX Allow-Scripts', 'n')?.policy).toBe('SANDBOX Allow-Scripts');
});
