import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { run, site, start, type Started } from './command.ts';

async function api(): Promise<string> {
  const server = createServer((request, response) => response.end(`api ${request.method} ${request.url}`));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function serve(words: readonly string[]): Promise<Started> {
  const folder = site({ 'index.html': 'page', 'a.txt': 'a' });
  const started = await start([folder.path, ...words]);
  onTestFinished(async () => {
    await started.stop();
    folder.remove();
  });
  return started;
}

describe('--proxy', () => {
  test('passes a path on', async () => {
    const { fetch } = await serve(['--proxy', `/api=${await api()}`]);
    expect(await (await fetch('/api/x?y')).text()).toBe('api GET /api/x?y');
    expect(await (await fetch('/')).text()).toBe('page');
    expect((await fetch('/x')).status).toBe(404);
  });

  test('without a path answers for what is not there', async () => {
    const { fetch } = await serve(['-P', await api()]);
    expect(await (await fetch('/a.txt')).text()).toBe('a');
    expect(await (await fetch('/x')).text()).toBe('api GET /x');
    expect(await (await fetch('/a.txt', { method: 'POST' })).text()).toBe('api POST /a.txt');
  });

  test.each([
    [[], 'api GET /'],
    [['--listing'], undefined],
  ])('goes before the listing of a folder, with %j: %s', async (more, expected) => {
    const folder = site({ 'a.txt': 'a' });
    const started = await start([folder.path, '--proxy', `/=${await api()}`, ...more]);
    onTestFinished(async () => {
      await started.stop();
      folder.remove();
    });
    const text = await (await started.fetch('/')).text();
    if (expected === undefined) expect(text).toContain('a.txt');
    else expect(text).toBe(expected);
    expect(await (await started.fetch('/a.txt')).text()).toBe('a');
  });

  test('says in one line that the upstream is not there', async () => {
    const started = await serve(['--proxy', '/api=:1', '--no-access-log']);
    expect((await started.fetch('/api/x')).status).toBe(502);
    const { stderr } = await started.stop();
    expect(stderr).toMatch(
      /^Error: 502 GET \/api\/x \[[^\]]+\]: http:\/\/localhost:1 cannot be asked: ECONNREFUSED\n$/,
    );
  });

  test.each(['localhost', 'ftp://a:1', '/api', '/api=http://a:b@c'])('refuses %s', async (written) => {
    const { code, stderr } = await run(['.', '--proxy', written]);
    expect(code).toBe(2);
    expect(stderr).toContain('--proxy expects');
  });
});
