import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { inspectDjango } from '../../../src/command-line/configuration/django-inspection.ts';

const SETTINGS = "INSTALLED_APPS = ['django.contrib.admin', 'django.contrib.staticfiles']\nSTATIC_URL = '/static/'\n";

/** A project as django-admin lays it out. */
function project(settings = SETTINGS): string {
  const folder = mkdtempSync(join(tmpdir(), 'onezero-django-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'shop'));
  writeFileSync(join(folder, 'manage.py'), 'from django.core.management import execute_from_command_line\n');
  writeFileSync(join(folder, 'shop/settings.py'), settings);
  return folder;
}

const inspect = (site: object): readonly string[] => inspectDjango(site);

test('static files that nothing serves are told of once, however the project is named', () => {
  const cwd = project();
  const [warning, ...others] = inspect({
    wsgi: [{ application: 'shop.wsgi:application', cwd }],
    asgi: [{ application: 'shop.asgi:application', cwd }],
    app: [{ application: cwd.slice(1), cwd: '/' }],
  });
  expect(warning).toMatch(/set STATIC_ROOT = .* in shop\/settings\.py, run manage\.py collectstatic, and add --mount/);
  expect(others).toEqual([]);
});

test.each([['shop.wsgi'], ['.'], ['/'], ['shop/wsgi.py'], ['/shop/wsgi.py'], ['/shop/wsgi.py:application']])(
  'the project is found by %s',
  (written) => {
    const folder = project();
    const isAbsolute = written.startsWith('/');
    const application = isAbsolute ? folder + written : written;
    expect(inspect({ app: [{ application, cwd: isAbsolute ? tmpdir() : folder }] })).toHaveLength(1);
  },
);

test('what is set already is not asked for', () => {
  const cwd = project(`${SETTINGS}STATIC_ROOT = BASE_DIR / 'staticfiles'\n`);
  const [warning] = inspect({ wsgi: [{ application: 'shop.wsgi:application', cwd }] });
  expect(warning).not.toContain('set STATIC_ROOT');
  expect(warning).toContain('run manage.py collectstatic');
});

test.each<[string, object, string | undefined]>([
  ['a mount', { mount: { '/static': 'staticfiles' } }, undefined],
  ['a site', { sites: [{ path: '/static', root: 'staticfiles' }] }, undefined],
  ['a root', { root: 'public' }, undefined],
  ['WhiteNoise', {}, `${SETTINGS}MIDDLEWARE = ['whitenoise.middleware.WhiteNoiseMiddleware']\n`],
  ['no static files', {}, 'INSTALLED_APPS = []\n'],
])('nothing is said where there is %s', (_, more, settings) => {
  const cwd = project(settings);
  expect(inspect({ wsgi: [{ application: 'shop.wsgi:application', cwd }], ...more })).toEqual([]);
});

test('a project that is served as files is told of', () => {
  const root = project();
  expect(inspect({ root })).toEqual([expect.stringMatching(/^visitors can read the sources .* onezero --app \//)]);
  expect(inspect({ root, app: [{ application: 'shop.wsgi', cwd: root }] })).toEqual([]);
});

test.skipIf(process.getuid?.() === 0)('nothing is said of a folder that cannot be listed', () => {
  const cwd = project();
  chmodSync(cwd, 0o311);
  onTestFinished(() => chmodSync(cwd, 0o755));
  expect(inspect({ wsgi: [{ application: 'shop.wsgi:application', cwd }] })).toEqual([]);
});

test('nothing is said of other applications', () => {
  const cwd = mkdtempSync(join(tmpdir(), 'onezero-flask-'));
  onTestFinished(() => rmSync(cwd, { recursive: true }));
  expect(inspect({ wsgi: [{ application: 'app:app', cwd }] })).toEqual([]);
  expect(inspect({})).toEqual([]);
});
