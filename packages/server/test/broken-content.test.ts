// What a client gets when content breaks off before its first byte.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { createServer } from '../src/create-server.ts';
import type { Server } from '../src/options.ts';

let server: Server;
let url = '';

beforeAll(async () => {
  const broken = (status: number): AsyncIterable<Uint8Array> => ({
    [Symbol.asyncIterator]: () => ({
      next: () => Promise.reject(Object.assign(new Error('it broke'), { status })),
    }),
  });
  server = createServer({
    routes: [
      { path: '/cut', responder: () => ({ status: 200, content: broken(504) }) },
      { path: '/odd', responder: () => ({ status: 200, content: broken(200) }) },
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
