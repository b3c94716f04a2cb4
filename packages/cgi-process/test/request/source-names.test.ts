import { expect, test } from 'vitest';
import { sourceNames } from '../../src/request/source-names.ts';

const isSource = sourceNames(['.cgi', '.py', '.C++']);

test.each([
  'a.cgi',
  '.cgi',
  'A.CGI',
  '/srv/a b/x.PY',
  'a.c++',
  'a.cgi~',
  'a.cgi.bak',
  'a.cgi.BAK',
  'a.py_old',
  'a.py-copy',
  'a.py.1',
  'a.py.20261128',
  'a.py.orig',
  'a.py.swp',
  'a.py.save',
  'a.py.',
  'a.py. ',
  'a.cgi.dist',
])('takes %j for the text of a script', (name) => {
  expect(isSource(name)).toBe(true);
});

test.each([
  'cgi',
  'acgi',
  'a.cgi.txt',
  'a.cgix',
  'a.pyc',
  'a.py1',
  'a.py/x',
  'a.c',
  'a.cgi.bak.html',
  'a.php',
  'x',
  '',
])('takes %j for no script', (name) => {
  expect(isSource(name)).toBe(false);
});

test('knows PHP by its other names, with whatever else is run', () => {
  const isPhp = sourceNames(['.PHP', '.cgi']);
  for (const name of ['a.php', 'a.php5', 'a.phtml', 'a.phar', 'a.phps', 'a.inc', 'a.phtml.bak', 'a.cgi']) {
    expect(isPhp(name)).toBe(true);
  }
  for (const name of ['a.phpx', 'a.ph', 'graph', 'a.include']) expect(isPhp(name)).toBe(false);
});

test('has none where nothing is run, and takes linear time', () => {
  expect(sourceNames([])('a.cgi')).toBe(false);
  expect(isSource(`${'.cgi'.repeat(50_000)}x`)).toBe(false);
  expect(isSource(`a.cgi${' .'.repeat(100_000)}x`)).toBe(false);
});
