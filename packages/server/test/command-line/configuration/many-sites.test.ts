// What is looked at of many sites, as a server for many customers has: each once, however many there are.

import fs, { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { resolveConfiguration } from '../../../src/command-line/configuration/configuration.ts';
import { inspectHosts } from '../../../src/command-line/configuration/host-inspection.ts';
import { inspect } from '../../../src/command-line/configuration/inspection.ts';
import { parseJsonWithComments } from '../../../src/command-line/configuration/json-with-comments.ts';
import type { Configuration } from '../../../src/command-line/options/table.ts';

const folder = mkdtempSync(join(tmpdir(), 'onezero-many-'));
afterAll(() => rmSync(folder, { recursive: true }));

const COUNT = 60;

function configurationOf(value: object): Configuration {
  const path = join(folder, 'onezero.config.json');
  const file = { ...parseJsonWithComments(JSON.stringify(value)), path, shownPath: 'onezero.config.json' };
  const resolved = resolveConfiguration({ written: [], environment: {}, file, workingDirectory: folder });
  expect(resolved.problems).toEqual([]);
  return resolved.configuration;
}

test('secrets of many sites below their roots are found without trying each root for each', () => {
  const names = Array.from({ length: COUNT }, (_, index) => `s${index}`);
  for (const name of names) {
    mkdirSync(join(folder, name, 'app'), { recursive: true });
    for (const file of ['key.pem', 'cert.pem']) writeFileSync(join(folder, name, file), '');
  }
  const sites = names.map((name, index) => ({
    host: `${name}.example`,
    root: name,
    tlsCert: `${name}/cert.pem`,
    tlsKey: `${name}/key.pem`,
    ...(index === 0 && { wsgi: [{ path: '/a', application: 'app:a', cwd: 's0/app' }] }),
    ...(index === 1 && { wsgi: [{ path: '/b', application: 'app:b', cwd: '.' }] }),
  }));
  const configuration = configurationOf({ sites, listen: ['https://localhost:1'] });
  const looks = vi.spyOn(fs, 'realpathSync');
  syncBuiltinESMExports();
  const { warnings } = inspect(configuration);
  expect(looks.mock.calls.length).toBeGreaterThan(COUNT);
  expect(looks.mock.calls.length).toBeLessThan(6 * COUNT);
  looks.mockRestore();
  syncBuiltinESMExports();
  const of = (name: string): string => join(folder, name);
  for (const name of names)
    expect(warnings).toContain(`${of(name)}/key.pem lies below the document root ${of(name)}; it is not served`);
  expect(warnings).toContain(`Python sources and databases of app:a in ${of('s0/app')} are not served as files`);
  expect(warnings).toContain(`Python sources and databases of app:b in ${folder} are not served as files`);
});

test('a warning names some of many hosts', () => {
  const sites = Array.from({ length: COUNT }, (_, index) => ({ host: `s${index}.example`, root: '.' }));
  const [warning, ...others] = inspectHosts(configurationOf({ sites, proxy: [{ path: '/api', target: 'http://a' }] }));
  expect(others).toEqual([]);
  expect(warning).toMatch(/^\/api is 404 at s0\.example, .*, s9\.example and 50 more: a host has/);
});
