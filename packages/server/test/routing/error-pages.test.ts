// The pages that a site has of its own: which one is taken, what stands in it, who gets it.

import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { ErrorPage, Failure } from '../../src/options.ts';
import { type OwnPage, ownPages } from '../../src/routing/error-pages.ts';
import { request } from '../request.ts';

const folder = mkdtempSync(join(tmpdir(), 'onezero-pages-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): { file: string } {
  const path = join(folder, name);
  writeFileSync(path, text);
  return { file: path };
}

function failure(status: number, accept?: string, asked = request({ pathInfo: '/x' })): Failure {
  const fields = accept === undefined ? [] : ([['accept', accept]] as const);
  return {
    status,
    cause: undefined,
    source: 'responder',
    headSent: false,
    request: Object.assign(asked, { fields }),
  };
}

async function textOf(pages: Record<string, ErrorPage>, given: Failure): Promise<string | undefined> {
  const page: OwnPage | undefined = await ownPages(pages)?.(given);
  return page === undefined ? undefined : Buffer.from(page.content as Uint8Array).toString();
}

describe('the page', () => {
  const pages = {
    '404': { template: 'missing' },
    '4xx': { template: 'yours' },
    '500': { template: 'broken' },
    default: { template: 'any' },
  };

  test.each([
    [404, 'missing'],
    [403, 'yours'],
    [499, 'yours'],
    [500, 'broken'],
    [503, 'any'],
    [599, 'any'],
  ])('of %d is %j: its own, that of its class, the default', async (status, text) => {
    expect(await textOf(pages, failure(status))).toBe(text);
  });

  test('is none where nothing is for the status', () => {
    expect(ownPages({ '5xx': { template: 'x' } })?.(failure(404))).toBeUndefined();
    expect(ownPages({})).toBeUndefined();
    expect(ownPages()).toBeUndefined();
  });

  test.each(['200', '399', '600', '40', '4x', '4XX', 'x', '', '404 ', 'Default', 'constructor'])(
    'cannot be for %j',
    (key) => {
      expect(() => ownPages({ [key]: { template: '' } })).toThrow(TypeError);
      expect(() => ownPages({ [key]: { template: '' } })).toThrow(`errorPages: "${key}" is not a status`);
    },
  );

  test('has to be a file that is there', () => {
    expect(() => ownPages({ '404': { file: join(folder, 'none.html') } })).toThrow(/none\.html" for 404 is not a file/);
    expect(() => ownPages({ '404': { file: folder } })).toThrow(/is not a file/);
  });
});

describe('a template', () => {
  test('is filled with what is known of the failure, safe in HTML', async () => {
    const template = '{{status}} {{reason}} {{path}} {{id}} {{other}} {{ status }} {{status}}';
    const asked = request({ scriptName: '/m', pathInfo: '/<script>"&\'', id: 'i-1' });
    expect(await textOf({ default: { template } }, failure(404, undefined, asked))).toBe(
      '404 Not Found /m/&#60;script&#62;&#34;&#38;&#39; i-1 {{other}} {{ status }} 404',
    );
  });

  test('knows no path and no id where there was no request', async () => {
    const broken: Failure = { status: 400, cause: undefined, source: 'parser', headSent: false, request: undefined };
    expect(await textOf({ '400': { template: '[{{path}}][{{id}}]' } }, broken)).toBe('[][]');
  });

  test('is not filled anew with what it was filled with', async () => {
    const asked = request({ pathInfo: '/{{id}}$1', id: 'secret' });
    expect(await textOf({ default: { template: '{{path}}' } }, failure(404, undefined, asked))).toBe('/{{id}}$1');
  });
});

describe('a file', () => {
  test.each([
    ['page.html', 'text/html; charset=utf-8', true],
    ['page.HTM', 'text/html; charset=utf-8', true],
    ['page', 'text/html; charset=utf-8', true],
    ['page.json', 'application/json', false],
    ['page.txt', 'text/plain; charset=utf-8', false],
    ['page.svg', 'image/svg+xml', false],
  ])('%s is sent as %s', async (name, type, varies) => {
    const page = await ownPages({ '404': file(name, 'x') })?.(failure(404));
    expect(page?.fields).toEqual(
      varies
        ? [
            ['content-type', type],
            ['vary', 'accept'],
          ]
        : [['content-type', type]],
    );
  });

  test('is read anew each time, and rejects once it is gone', async () => {
    const page = file('changing.html', 'one');
    const pages = { '404': page };
    const own = ownPages(pages);
    expect(Buffer.from((await own?.(failure(404)))?.content as Uint8Array).toString()).toBe('one');
    writeFileSync(page.file, 'two');
    expect(Buffer.from((await own?.(failure(404)))?.content as Uint8Array).toString()).toBe('two');
    unlinkSync(page.file);
    await expect(own?.(failure(404))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('who prefers another form', () => {
  test.each([
    [undefined, true],
    ['*/*', true],
    ['text/html', true],
    ['text/html;q=0.5, */*;q=0.1', true],
    ['application/json', false],
    ['application/json, text/plain, */*', false],
    ['text/plain', false],
    ['image/png', true],
  ])('with Accept %j gets HTML of the site: %s', async (accept, isGiven) => {
    const html = { '404': file('own.html', 'own') };
    expect((await textOf(html, failure(404, accept))) === 'own').toBe(isGiven);
    // What is no HTML, or decides for itself, is for everybody.
    expect(await textOf({ '404': file('own.json', '{}') }, failure(404, accept))).toBe('{}');
    expect(await textOf({ '404': () => ({ status: 200, content: 'made' }) }, failure(404, accept))).toBe('made');
  });
});

describe('a function', () => {
  test('gives fields and content, and nothing else of its answer counts', async () => {
    const page = await ownPages({
      '4xx': () => ({ status: 302, fields: [['X-A', 'b']], content: Buffer.from('x') }),
    })?.(failure(404));
    expect(page).toEqual({ fields: [['x-a', 'b']], content: Buffer.from('x') });
  });

  test('may have no page, or no request to answer', async () => {
    expect(await textOf({ default: () => ({ status: 404 }) }, failure(404))).toBeUndefined();
    const none: Failure = { status: 400, cause: undefined, source: 'parser', headSent: false, request: undefined };
    expect(await textOf({ default: () => ({ status: 200, content: 'x' }) }, none)).toBeUndefined();
  });

  test('rejects with what it throws, and says what it should have returned', async () => {
    const thrower = (): never => {
      throw new Error('no page today');
    };
    await expect(ownPages({ default: thrower })?.(failure(404))).rejects.toThrow('no page today');
    const nonsense = (() => 'text') as unknown as ErrorPage;
    await expect(ownPages({ default: nonsense })?.(failure(404))).rejects.toThrow(
      /return \{ status: 200, content: text \}/,
    );
  });
});
