// Debian's frameworks, unmodified: each below every kind of mount, and what people do with them.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { app } from '../../src/index.ts';
import { fixtures, hasModule, python, read, request, until } from '../harness.ts';

const MOUNTS: readonly (readonly [mount: string, written: string])[] = [
  ['', ''],
  ['/api', '/api'],
  ['/a/b', '/a/b'],
  ['/café', '/caf%C3%A9'],
  ['/with space', '/with%20space'],
];

const host = 'http://shop.example:8080';

describe.each(['starlette', 'fastapi', 'quart', 'django'])('%s', (framework) => {
  const isThere = hasModule(framework);
  const lines: string[] = [];
  const responder = app({
    application: `asgi_sites:make("${framework}")`,
    cwd: fixtures,
    python,
    processes: 1,
    lazy: true,
    env: { PYTHONDONTWRITEBYTECODE: '1' },
    log: ({ line }) => lines.push(line),
  });
  afterAll(() => responder.close(0));

  const below = ([mount, written]: (typeof MOUNTS)[number], path: string) =>
    request(path, { scriptName: mount, target: written + path });
  const json = async (pending: ReturnType<typeof responder>): Promise<unknown> => {
    const { status, bytes } = await read(pending);
    expect(status).toBe(200);
    // Frameworks differ in whether an address is percent-encoded; it is the same one.
    return JSON.parse(bytes.toString(), (name, value) =>
      name === 'url' ? decodeURI(value as string) : (value as unknown),
    );
  };

  test.skipIf(!isThere).each(MOUNTS)('below %j finds its routes and its own address', async (...mount) => {
    const [decoded, written] = mount;
    expect(await json(responder(below(mount, '/items/one')))).toEqual({
      item: 'one',
      url: `${host}${decoded}/items/next`,
    });
    // A path that begins like the mount is no part of it.
    const twice = `${written}/items/one`;
    if (mount[0] === '/api') {
      expect(await json(responder(below(mount, '/items/api/items')))).toMatchObject({ item: 'api/items' });
      expect((await read(responder(below(mount, twice)))).status).toBe(404);
    }
    // Quart 0.18 repeats the root path in `request.url`, whatever the server.
    if (framework === 'quart' && decoded !== '') return;
    expect(await json(responder(below(mount, '/where?a=b')))).toMatchObject({ url: `${host}${decoded}/where?a=b` });
  });

  test.skipIf(!isThere)('is found to be ASGI', async () => {
    await responder.ready();
    expect(responder.state()).toMatchObject({ interface: 'asgi', ready: 1 });
  });

  test.runIf(isThere && (framework === 'fastapi' || framework === 'quart'))('takes JSON', async () => {
    const body = JSON.stringify({ name: 'thing', price: 1.5 });
    const fields = [['host', 'shop.example:8080'], ['content-type', 'application/json'], ['content-length', String(body.length)]] as const; // prettier-ignore
    expect(await json(responder(request('/things', { body, fields })))).toEqual({ name: 'thing', double: 3 });
  });

  test.runIf(isThere && framework === 'fastapi')(
    'refuses what does not fit its model, and describes itself',
    async () => {
      const fields = [
        ['host', 'shop.example:8080'],
        ['content-type', 'application/json'],
      ] as const;
      expect((await read(responder(request('/things', { body: '{}', fields })))).status).toBe(422);
      expect(await json(responder(request('/openapi.json')))).toMatchObject({ openapi: expect.any(String) });
      expect((await read(responder(request('/docs')))).text).toContain('swagger');
    },
  );

  describe.runIf(isThere && framework === 'starlette')('Starlette', () => {
    test('has mounts of its own below ours', async () => {
      const inner = await json(responder(below(['/api', '/api'], '/inner/leaf')));
      expect(inner).toMatchObject({ url: `${host}/api/inner/leaf` });
    });

    test('streams, sends files and goes on in the background', async () => {
      const numbers = (await read(responder(request('/stream')))).text;
      expect(numbers).toBe(Array.from({ length: 100 }, (_, number) => `${number}\n`).join(''));
      const file = readFileSync(join(fixtures, 'asgi_sites.py'), 'latin1');
      expect((await read(responder(request('/file')))).text).toBe(file);
      expect(await json(responder(request('/background')))).toEqual({ now: true });
      await until(() => lines.includes('later'));
    });
  });
});
