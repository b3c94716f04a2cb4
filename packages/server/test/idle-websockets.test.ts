// What a WebSocket costs that says nothing: the heap of this process, beside what the application keeps in its own.

import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { start, type Running } from './exchange.ts';

const COUNT = 1000;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

async function heapBytes(): Promise<number> {
  for (let round = 0; round < 4; round++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage().heapUsed;
}

let running: Running;
beforeAll(async () => {
  const python = process.env['PYTHON'] ?? (existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3');
  const cwd = join(import.meta.dirname, '../../python/test/fixtures');
  const env = { PYTHONDONTWRITEBYTECODE: '1' };
  const asgi = {
    application: 'asgi_3:application',
    cwd,
    python,
    env,
    processes: 1,
    concurrency: { max: 2 * COUNT },
    log: () => {},
  };
  running = await start({ asgi, limits: { maxConnections: 2 * COUNT } });
  await running.server.ready();
});
afterAll(() => running.close());

/** Clients in a process of their own, all open. */
async function openClients(count: number): Promise<ChildProcess> {
  const clients = fork(join(import.meta.dirname, 'fixtures/idle-clients.mjs'), [
    String(running.port),
    '/ws-echo',
    String(count),
  ]);
  expect(await once(clients, 'message')).toEqual(['open', undefined]);
  return clients;
}

test('a WebSocket that is idle costs at most 8 KB of memory', async () => {
  // What is made once for all, such as compiled code, is there already.
  const first = await openClients(COUNT / 4);
  first.kill();
  await expect.poll(() => running.server.connections).toBe(0);
  const before = await heapBytes();
  const clients = await openClients(COUNT);
  expect(running.server.connections).toBe(COUNT);
  // Every request under way has been looked at by whoever looks for clients that have left.
  await new Promise((resolve) => setTimeout(resolve, 300));
  const each = ((await heapBytes()) - before) / COUNT;
  clients.kill();
  expect(each).toBeLessThan(8 * 1024);
  expect(each).toBeGreaterThan(0);
});
