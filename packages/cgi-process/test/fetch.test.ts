import { Hono } from 'hono';
import { afterAll, describe, expect, test } from 'vitest';
import { cgiFetch } from '../src/fetch.ts';
import { plain, processesWith, Scripts, until } from './mount.ts';

const scripts = new Scripts({
  'print-environment': plain('env'),
  echo: plain('cat'),
  'sleep-forever': plain('echo first; sleep 1000.81'),
  'kill-self': plain('head -c 300000 /dev/zero; kill -KILL $$'),
});
const handle = cgiFetch({ directory: scripts.path, path: '/cgi-bin', log: () => {}, limits: { killGraceMs: 100 } });
afterAll(async () => {
  await handle.close();
  scripts.remove();
});

describe('cgiFetch', () => {
  test('mounts in Hono', async () => {
    const app = new Hono().all('/cgi-bin/*', async (context) => handle(context.req.raw));
    const response = await app.request('http://example.org:81/cgi-bin/print-environment/a%20b?x=1', {
      headers: { 'x-one': '1', proxy: 'evil' },
    });
    const variables = await response.text();
    for (const line of [
      'PATH_INFO=/a b',
      'QUERY_STRING=x=1',
      'SERVER_NAME=example.org',
      'SERVER_PORT=81',
      'HTTP_X_ONE=1',
    ]) {
      expect(variables).toContain(`${line}\n`);
    }
    expect(variables).not.toContain('HTTP_PROXY');
  });

  test('passes content', async () => {
    const response = await handle(new Request('http://a/cgi-bin/echo', { method: 'POST', body: 'hello' }));
    expect(await response.text()).toBe('hello');
  });

  test('answers what is no script', async () => {
    expect((await handle(new Request('http://a/cgi-bin/no-such'))).status).toBe(404);
    expect((await handle(new Request('http://a/elsewhere'))).status).toBe(404);
  });

  test('ends the script when the response is cancelled', async () => {
    const response = await handle(new Request('http://a/cgi-bin/sleep-forever'));
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await until(() => processesWith('1000.81').length === 0);
  });

  test('breaks off when the script does', async () => {
    const response = await handle(new Request('http://a/cgi-bin/kill-self'));
    await expect(response.text()).rejects.toThrow();
  });

  test('refuses unparsed headers at the start', () => {
    expect(() => cgiFetch({ directory: scripts.path, nph: 'name' })).toThrow('nph');
  });
});
