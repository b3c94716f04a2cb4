// Vite's development server inside of ours, as its documentation has it for servers of one's own: middleware for the pages, and
// its WebSocket for updates on the same port.

import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, nodeResponder } from '@onezero/server';
import { expect, onTestFinished, test } from 'vitest';
import { createServer as createViteServer } from 'vite';
import { WebSocket } from 'ws';

interface Update {
  readonly type: string;
  readonly updates?: readonly { readonly path: string; readonly timestamp: number }[];
}

/** A page whose module accepts its own updates. */
function writePage(): { folder: string; write: (text: string) => void } {
  const folder = mkdtempSync(join(tmpdir(), 'onezero-vite-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'index.html'), '<!doctype html><script type="module" src="/main.js"></script>');
  const write = (text: string): void =>
    writeFileSync(join(folder, 'main.js'), `console.log('${text}');\nimport.meta.hot?.accept();\n`);
  write('first');
  return { folder, write };
}

/** Vite in middleware mode below our upgrade; its address. */
async function serveVite(root: string): Promise<string> {
  const http: HttpServer = createHttpServer();
  const vite = await createViteServer({
    root,
    configFile: false,
    appType: 'spa',
    logLevel: 'silent',
    optimizeDeps: { noDiscovery: true },
    server: { middlewareMode: true, hmr: { server: http }, watch: { usePolling: true, interval: 20 } },
  });
  http.on('request', vite.middlewares);
  const server = createServer({ routes: [{ responder: nodeResponder(http) }] });
  const [address] = await server.listen({ port: 0, host: '127.0.0.1' });
  onTestFinished(async () => {
    await server.close({ graceMs: 0 });
    await vite.close();
  });
  return `http://127.0.0.1:${address?.port}`;
}

test('Vite serves its page, and tells it over our port what has changed', async () => {
  const { folder, write } = writePage();
  const url = await serveVite(folder);
  const page = await (await fetch(url, { headers: { accept: 'text/html' } })).text();
  expect(page).toContain('/@vite/client');
  const client = await (await fetch(`${url}/@vite/client`)).text();
  const [, token] = /wsToken = "([^"]+)"/.exec(client) ?? [];
  expect(token).toBeTypeOf('string');
  expect(await (await fetch(`${url}/main.js`)).text()).toContain("console.log('first')");

  const socket = new WebSocket(`${url.replace('http', 'ws')}/?token=${token}`, 'vite-hmr');
  const messages: Update[] = [];
  socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString()) as Update));
  await once(socket, 'open');
  await expect.poll(() => messages.map(({ type }) => type)).toContain('connected');
  write('second');
  await expect.poll(() => messages.find(({ type }) => type === 'update')).toBeDefined();
  const [update] = messages.find(({ type }) => type === 'update')!.updates!;
  expect(update!.path).toBe('/main.js');
  const changed = await (await fetch(`${url}${update!.path}?t=${update!.timestamp}`)).text();
  expect(changed).toContain("console.log('second')");
  const closed = once(socket, 'close');
  socket.close();
  await closed;
});
