// Usual types are answered without the table of mime-types, which a start does not load.

import { execFileSync } from 'node:child_process';
import { lookup } from 'mime-types';
import { expect, test } from 'vitest';
import { registeredType, usualTypes } from '../../src/http/registered-type.ts';

test.each([...usualTypes])('%s is %s in mime-types too', (extension, type) => {
  expect(lookup(extension)).toBe(type);
});

test.each(['epub', 'stl', 'no-such-extension', 'constructor', '__proto__'])(
  '%s is what mime-types says',
  (extension) => {
    expect(registeredType(extension)).toBe(lookup(extension));
  },
);

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
    console.log(status, loaded.filter((path) => path.endsWith('mime-types/index.js')).length);`;
  const words = ['--input-type=module', '-e', script];
  expect(execFileSync(process.execPath, words, { encoding: 'utf8' }).trim()).toBe(`200 ${count}`);
});
