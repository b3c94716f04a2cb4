// Types are those that mime-types gives, and usual ones are answered without the table, which a start does not load.

import { execFileSync } from 'node:child_process';
import { lookup, types } from 'mime-types';
import { expect, test } from 'vitest';
import { registeredType, usualTypes } from '../../src/http/registered-type.ts';

test.each([...usualTypes])('%s is %s in mime-types too', (extension, type) => {
  expect(lookup(extension)).toBe(type);
});

test('every registered extension has the type that mime-types gives it', () => {
  const extensions = Object.keys(types);
  expect(extensions.length).toBeGreaterThan(1_000);
  const given = extensions.map((extension) => [extension, registeredType(extension)]);
  expect(given).toEqual(extensions.map((extension) => [extension, lookup(extension)]));
});

test.each(['no-such-extension', 'constructor', '__proto__'])('%s is no extension', (extension) => {
  expect(registeredType(extension)).toBe(false);
});

test.each([
  ['page.html', 0],
  ['book.epub', 1],
] as const)('serving %s loads the table %d times', (name, count) => {
  const script = `
    import { createRequire } from 'node:module';
    import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
    import { tmpdir } from 'node:os';
    import { join } from 'node:path';
    import { serveStatic } from '${new URL('../../dist/index.js', import.meta.url).href}';
    const root = mkdtempSync(join(tmpdir(), 'onezero-types-'));
    writeFileSync(join(root, '${name}'), 'x');
    const { status } = await serveStatic(root)({ method: 'GET', pathInfo: '/${name}', fields: [] });
    rmSync(root, { recursive: true });
    const loaded = Object.keys(createRequire(import.meta.url).cache);
    console.log(status, loaded.filter((path) => path.endsWith('mime-db/index.js')).length);`;
  const words = ['--input-type=module', '-e', script];
  expect(execFileSync(process.execPath, words, { encoding: 'utf8' }).trim()).toBe(`200 ${count}`);
});
