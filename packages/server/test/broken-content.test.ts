// What a client gets when content breaks off before its first byte.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { createServer } from '../src/create-server.ts';
import type { Server } from '../src/options.ts';

let server: Server;
let url = '';

beforeAll(async () => {
  const cut = async function* (): AsyncGenerator<Uint8Array> {
    throw Object.assign(new Error('it broke'), { status: 504 });
  };
  const odd = async function* (): AsyncGenerator<Uint8Array> {
    throw Object.assign(new Error('it broke'), { status: 200 });
  };
  server = createServer({
    routes: [
      { path: '/cut', responder: () => ({ status: 200, content: cut() }) },
      { path: '/odd', responder: () => ({ status: 200, content: odd() }) },
    ],
    reportErrors: false,
  });
  const [address] = await server.listen({ port: 0 });
  url = address?.url ?? '';
});

afterAll(async () => {
  await server.close();
});

test.each([
  ['/cut', 504],
  ['/odd', 500],
])('%s is %i', async (path, status) => {
  expect((await fetch(url + path)).status).toBe(status);
});
