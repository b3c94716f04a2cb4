import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { CgiError } from '../../src/index.ts';
import { explainScript } from '../../src/request/explain-script.ts';
import type { FindScript, FoundScript } from '../../src/request/find-script.ts';
import { Scripts } from '../mount.ts';

const scripts = new Scripts({
  'good.cgi': '#!/bin/sh\n',
  'no-interpreter.cgi': '#!/no/such/interpreter\n',
  'dos.cgi': '#!/bin/sh\r\n',
  'page.txt': 'text',
});
chmodSync(join(scripts.path, 'page.txt'), 0o644);
afterAll(() => scripts.remove());

function found(name: string, changes: Partial<FoundScript> = {}): FindScript {
  const file = join(scripts.path, name);
  return () => ({
    kind: 'script',
    file,
    root: scripts.path,
    interpreter: undefined,
    scriptName: `/${name}`,
    pathInfo: '/rest',
    ...changes,
  });
}

describe('explainScript', () => {
  test('names the script that runs, and what is left of the path', () => {
    expect(explainScript(found('good.cgi'), '/x', { sharesRoot: false })).toEqual({
      outcome: 'run',
      script: join(scripts.path, 'good.cgi'),
      interpreter: undefined,
      scriptName: '/good.cgi',
      pathInfo: '/rest',
    });
  });

  test('gives the whole path to the search', () => {
    const seen: string[] = [];
    const find: FindScript = (path) => {
      seen.push(path);
      return { kind: 'missing-slash' };
    };
    expect(explainScript(find, '/a//b', { sharesRoot: true })).toMatchObject({ outcome: 'redirect', status: 301 });
    expect(seen).toEqual(['/a//b']);
  });

  test.each([
    ['whose interpreter is missing', 'no-interpreter.cgi', {}, 500, 'cannot be run'],
    ['whose first line ends as under DOS', 'dos.cgi', {}, 500, 'carriage return'],
    ['that may not be executed', 'page.txt', {}, 403, 'not executable'],
    ['that has gone since', 'gone.cgi', {}, 404, 'no such file'],
    ['whose interpreter is a directory', 'good.cgi', { interpreter: '/tmp' }, 403, 'not a regular file'],
    ['whose interpreter has gone', 'good.cgi', { interpreter: '/no/php' }, 404, 'no such file'],
  ])('says that a script is refused %s', (_, name, changes, status, reason) => {
    const explained = explainScript(found(name, changes), '/x', { sharesRoot: true });
    expect(explained).toMatchObject({ outcome: 'refused', status, script: join(scripts.path, name) });
    expect(explained.reason).toContain(reason);
  });

  test('looks at the interpreter and not at the script, which need not be executable then', () => {
    expect(explainScript(found('page.txt', { interpreter: '/bin/cat' }), '/x', { sharesRoot: false })).toMatchObject({
      outcome: 'run',
      interpreter: '/bin/cat',
    });
  });

  test('looks at no file that an application elsewhere runs', () => {
    const mount = { sharesRoot: true, isElsewhere: true };
    expect(explainScript(found('gone.cgi'), '/x', mount)).toEqual({
      outcome: 'run',
      script: join(scripts.path, 'gone.cgi'),
      scriptName: '/gone.cgi',
      pathInfo: '/rest',
    });
    expect(explainScript(found('', { file: '' }), '/x', mount)).toMatchObject({ outcome: 'run', script: undefined });
  });

  test.each([
    ['script-not-found', true, 'nothing', 404],
    ['script-not-found', false, 'refused', 404],
    ['script-forbidden', true, 'refused', 403],
    ['script-forbidden', false, 'refused', 403],
  ] as const)('takes %s, with a shared root %s, for %s', (code, sharesRoot, outcome, status) => {
    const find: FindScript = () => {
      throw new CgiError(code, 'the reason', { script: '/s' });
    };
    const explained = { outcome, status, reason: 'the reason', script: '/s' };
    expect(explainScript(find, '/x', { sharesRoot })).toEqual(explained);
  });

  test('lets errors through that are no decision', () => {
    const find: FindScript = () => {
      throw new RangeError('a bug');
    };
    expect(() => explainScript(find, '/x', { sharesRoot: true })).toThrow(RangeError);
  });
});
