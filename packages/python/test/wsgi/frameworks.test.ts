// Applications as their frameworks make them, unmodified, and once more inside the validator of the standard library.

import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PythonError } from '../../src/index.ts';
import { Browser } from '../browser.ts';
import { fixtures, hasModule, python, start } from '../harness.ts';

const lines = Array.from({ length: 1000 }, (_, number) => `line ${number}\n`).join('');
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** How an application is named to run as it is, and to run validated. */
function ways(application: string): [string, string, Record<string, string>][] {
  return [
    ['as it is', application, {}],
    ['validated', 'validated', { VALIDATED: application }],
  ];
}

const data = mkdtempSync(join(tmpdir(), 'onezero-django-'));
const djangoEnvironment = { SHOP_DATA: data, PYTHONDONTWRITEBYTECODE: '1' };
const hasDjango = hasModule('django');

beforeAll(() => {
  if (!hasDjango) return;
  const django = (...words: string[]): void => {
    execFileSync(python, ['-m', 'django', ...words, '--settings', 'shop.settings', '--pythonpath', fixtures], {
      env: { ...process.env, ...djangoEnvironment, DJANGO_SUPERUSER_PASSWORD: 'open sesame' },
      stdio: 'pipe',
    });
  };
  django('migrate', '--verbosity', '0');
  django('createsuperuser', '--noinput', '--username', 'ada', '--email', 'ada@shop.example');
});
afterAll(() => rmSync(data, { recursive: true }));

describe.runIf(hasDjango).each(ways('shop.wsgi:application'))('Django %s', (way, application, env) => {
  const app = start(application, { env: { ...env, ...djangoEnvironment }, processes: 2, lazy: true });
  afterAll(() => app.responder.close());

  test('lets one log into the admin, change something, and log out', async () => {
    const browser = new Browser(app.responder);
    expect((await browser.open('/admin/')).field('location')).toBe('/admin/login/?next=/admin/');
    const login = await browser.open('/admin/login/');
    const token = /csrfmiddlewaretoken" value="([^"]+)"/.exec(login.text)![1]!;
    const form = { csrfmiddlewaretoken: token, username: 'ada', next: '/admin/' };
    expect((await browser.submit('/admin/login/', { ...form, password: 'wrong' })).text).toContain(
      'enter the correct username',
    );
    const entered = await browser.submit('/admin/login/', { ...form, password: 'open sesame' });
    expect(entered).toMatchObject({ status: 302, broken: undefined });
    expect(entered.field('location')).toBe('/admin/');
    expect((await browser.open('/admin/')).text).toContain('Site administration');
    const page = await browser.open('/admin/auth/group/add/');
    const added = await browser.submit('/admin/auth/group/add/', {
      csrfmiddlewaretoken: /csrfmiddlewaretoken" value="([^"]+)"/.exec(page.text)![1]!,
      name: `Käufer ${way}`,
    });
    expect(added.status).toBe(302);
    expect((await browser.open('/admin/auth/group/')).bytes.toString()).toContain(`Käufer ${way}`);
  });

  test('takes a form with its CSRF token, with and without a length, and refuses it without', async () => {
    const browser = new Browser(app.responder);
    const token = /csrfmiddlewaretoken" value="([^"]+)"/.exec((await browser.open('/greet')).text)![1]!;
    const form = { csrfmiddlewaretoken: token, name: 'Zoë' };
    expect((await browser.submit('/greet', form)).bytes.toString()).toBe('Hello Zoë');
    expect((await browser.submit('/greet', form, 'unknown')).bytes.toString()).toBe('Hello Zoë');
    expect((await browser.submit('/greet', { name: 'Eve' })).status).toBe(403);
  });

  test('takes an upload of 50 MB', async () => {
    const content = randomBytes(50 << 20);
    const answer = await new Browser(app.responder).upload('/upload', { note: 'large' }, { name: 'a.bin', content });
    expect(answer.text).toBe(`large|a.bin ${content.length} ${sha256(content)}`);
  });

  test('streams, sends a file, and sends nothing', async () => {
    const browser = new Browser(app.responder);
    expect(await browser.open('/stream')).toMatchObject({ status: 200, text: lines, broken: undefined });
    const source = readFileSync(join(fixtures, 'shop/views.py'), 'latin1');
    expect((await browser.open('/file')).text === source).toBe(true);
    const head = await browser.open('/file', { method: 'HEAD' });
    expect([head.status, head.text, head.field('content-length')]).toEqual([200, '', String(source.length)]);
    expect(await browser.open('/empty')).toMatchObject({ status: 204, text: '', broken: undefined });
  });

  test('knows where it is mounted', async () => {
    const browser = new Browser(app.responder, '/shöp');
    expect((await browser.open('/where')).text).toBe('/sh%C3%B6p/ /where http://shop.example:8080/sh%C3%B6p/where');
  });

  test('answers with its own error page, and logs why', async () => {
    const answer = await new Browser(app.responder).open('/fails');
    expect(answer).toMatchObject({ status: 500, cause: undefined });
    expect(answer.text).toContain('Server Error (500)');
    await expect.poll(() => app.text()).toContain('RuntimeError: a bug in a view');
    expect((await new Browser(app.responder).open('/nowhere')).status).toBe(404);
  });
});

describe.runIf(hasModule('flask')).each(ways('flask_site:app'))('Flask %s', (_, application, env) => {
  const app = start(application, { env: { ...env, PYTHONDONTWRITEBYTECODE: '1' } });
  const browser = new Browser(app.responder, '/mount');
  afterAll(() => app.responder.close());

  test('keeps a session, takes forms and redirects', async () => {
    expect((await browser.open('/')).text).toBe('visit 0 at /mount/');
    const answer = await browser.submit('/form', { name: 'Ada' });
    expect([answer.status, answer.field('location')]).toEqual([302, '/mount/']);
    await browser.submit('/form', { name: 'Ada' }, 'unknown');
    expect((await browser.open('/')).text).toBe('visit 2 at /mount/');
  });

  test('takes JSON and files', async () => {
    const json = await browser.open('/json', { body: '{"a":[1,2]}', type: 'application/json' });
    expect(JSON.parse(json.text)).toEqual({ got: { a: [1, 2] } });
    const content = randomBytes(3_000_000);
    expect((await browser.upload('/upload', {}, { name: 'b.bin', content })).text).toBe(`b.bin ${sha256(content)}`);
  });

  test('streams, sends a file, and answers conditionally', async () => {
    expect((await browser.open('/stream')).text).toBe(lines);
    const file = await browser.open('/file');
    expect(file.text).toContain('from flask import');
    const head = await browser.open('/file', { method: 'HEAD' });
    expect([head.text, head.field('content-length')]).toEqual(['', String(file.bytes.length)]);
  });

  test('logs its errors under the name of the worker, and refuses methods', async () => {
    expect((await browser.open('/fails')).status).toBe(500);
    await expect.poll(() => app.text()).toContain('RuntimeError: a bug in a view');
    expect((await browser.open('/json', { method: 'DELETE' })).status).toBe(405);
  });
});

describe.runIf(hasModule('pyramid')).each(ways('pyramid_site:make()'))('Pyramid %s', (_, application, env) => {
  const app = start(application, { env: { ...env, PYTHONDONTWRITEBYTECODE: '1' } });
  const browser = new Browser(app.responder, '/mount');
  afterAll(() => app.responder.close());

  test('routes, takes forms, sets cookies and redirects', async () => {
    expect((await browser.open('/')).text).toBe('index at /mount/');
    const answer = await browser.submit('/form', { name: 'Ada' });
    expect(answer.status).toBe(302);
    expect(answer.field('location')).toMatch(/\/mount\/hello\/Ada$/);
    expect((await browser.open('/hello/Ada')).text).toBe('Hello Ada, seen: yes');
    const json = await browser.open('/json', { body: '{"a":1}', type: 'application/json' });
    expect(JSON.parse(json.text)).toEqual({ got: { a: 1 } });
  });

  test('streams and sends a file', async () => {
    expect((await browser.open('/stream')).text).toBe(lines);
    expect((await browser.open('/file')).text).toContain('from pyramid.config import');
    expect((await browser.open('/nowhere')).status).toBe(404);
  });

  test('may raise: 500 with the traceback for the log', async () => {
    const answer = await browser.open('/fails');
    expect(answer).toMatchObject({ status: 500, text: '' });
    expect((answer.cause as PythonError).detail).toContain('RuntimeError: a bug in a view');
  });
});
