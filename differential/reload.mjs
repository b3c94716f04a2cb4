// Everything that a running server replaces, replaced under load: configurations of workers, Python processes that have answered
// enough, sources that change, connections that have been idle or used for long enough. No request may fail.

import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ask, pause } from './kept-client.mjs';
import { isInstalled, scratchFolder, startOnezero } from './peers.mjs';
import { randomSource } from './random.mjs';

/** Clients at once. */
const CLIENTS = 8;

const IDLE_TIMEOUT_MS = 300;

const APPLICATION = `
def app(environ, start_response):
    start_response('200 OK', [('Content-Length', '5')])
    return [b'hello']

async def loop(scope, receive, send):
    if scope['type'] != 'http':
        raise ValueError(scope['type'])
    await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-length', b'5')]})
    await send({'type': 'http.response.body', 'body': b'hello'})
`;

/** @param {{ seed: number, count?: number, log?: (line: string) => void }} run */
export async function compare({ seed, count = 100_000, log = () => undefined }) {
  const random = randomSource(seed);
  const folder = scratchFolder('reload');
  const differences = [];
  const source = join(folder.path, 'application.py');
  const config = join(folder.path, 'config.json');
  writeFileSync(join(folder.path, 'a.txt'), 'hello');
  writeFileSync(source, APPLICATION);
  const hasPython = isInstalled('python3');
  const configure = (generation) =>
    writeFileSync(config, JSON.stringify(configuration(folder.path, generation, hasPython)));
  configure(0);
  const server = await startOnezero(['-c', config]);
  let requests = 0;
  let reloads = 0;
  let isOver = false;
  const client = async () => {
    const connections = new Map();
    let askedAt = performance.now();
    while (!isOver) {
      const askedBefore = askedAt;
      askedAt = performance.now();
      const failure = await ask(
        connections,
        server.port,
        hasPython ? random.pick(['/a.txt', '/app', '/loop']) : '/a.txt',
      );
      requests += 1;
      // A client that was kept from the processor may ask in the very moment in which its idle connection is closed at last: HTTP/1.1
      // cannot prevent that (decision 048).
      const isTooLate =
        performance.now() - askedBefore >= 2 * IDLE_TIMEOUT_MS && failure === 'kept: ended after 0 bytes';
      if (failure !== undefined && !isTooLate) differences.push({ failure, after: reloads });
      // At the edge of the idle time-out.
      if (random.chance(0.02)) await pause(IDLE_TIMEOUT_MS + random.int(-30, 60));
    }
    for (const socket of connections.values()) socket.destroy();
  };
  const clients = Array.from({ length: CLIENTS }, client);
  try {
    const least = Math.max(3, Math.ceil(count / 1000));
    while (requests < count || reloads < least) {
      if (random.chance(0.5)) {
        // At once: of a file that is written in place, a worker may find nothing yet, and answers with 503 until it changes again.
        writeFileSync(`${source}.new`, `${APPLICATION}# ${reloads}\n`);
        renameSync(`${source}.new`, source);
      }
      configure((reloads += 1));
      process.kill(server.pid, 'SIGHUP');
      await delay(random.int(50, 500));
    }
  } finally {
    isOver = true;
    await Promise.all(clients);
    await server.stop();
    folder.remove();
  }
  log(`${requests} requests, ${reloads} reloads, ${differences.length} failed`);
  return { checked: requests, differences };
}

function configuration(root, generation, hasPython) {
  return {
    root,
    workers: 2,
    idleTimeout: `${IDLE_TIMEOUT_MS}ms`,
    maxRequestsPerConnection: 40,
    headers: [{ fields: { 'X-Generation': `${generation}` } }],
    ...(hasPython && {
      app: [
        {
          path: '/loop',
          application: 'application:loop',
          cwd: root,
          processes: 1,
          maxRequests: 50,
          reload: true,
        },
      ],
      wsgi: [
        {
          path: '/app',
          application: 'application:app',
          cwd: root,
          processes: 1,
          maxRequests: 50,
          reload: true,
        },
      ],
    }),
  };
}
