// Rolling restarts under load: three replicas of the command are stopped and started one after the other, and no request may
// fail. Four ways lead to them: HAProxy speaking HTTP, HAProxy passing TCP on, nginx with kept upstream connections, and a
// client whose list of replicas is older than what happened, as an endpoint list in a cluster is.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ask, pause } from './kept-client.mjs';
import { COMMAND, freePort, isInstalled, scratchFolder, startNginx, startServer } from './peers.mjs';
import { randomSource } from './random.mjs';

/** How long balancers and lists may take to notice: two health checks here take 300 ms. */
const DRAIN_DELAY_MS = 800;
const STALE_MS = 600;

/** Clients at once. */
const CLIENTS = 6;

const PROGRAM_OF = { 'haproxy http': 'haproxy', 'haproxy tcp': 'haproxy', nginx: 'nginx', 'stale list': 'sh' };

/**
 * `count` requests and at least 20 restarts for each 25,000 of them, and 2 in any case.
 *
 * @param {{ seed: number, count?: number, ways?: string[], log?: (line: string) => void }} run
 */
export async function compare({
  seed,
  count = 100_000,
  ways: wanted = Object.keys(PROGRAM_OF),
  log = () => undefined,
}) {
  const ways = wanted.filter((way) => isInstalled(PROGRAM_OF[way]));
  const differences = [];
  let checked = 0;
  for (const way of ways) {
    const { requests, restarts, failures } = await roll(way, randomSource(seed), Math.ceil(count / ways.length));
    log(`${way}: ${requests} requests, ${restarts} restarts, ${failures.length} failed`);
    checked += requests;
    for (const failure of failures) differences.push({ way, ...failure });
  }
  return { checked, differences };
}

async function roll(way, random, count) {
  const folder = scratchFolder('drain');
  writeFileSync(join(folder.path, 'a.txt'), 'hello');
  const replicas = await Promise.all(Array.from({ length: 3 }, () => Replica.start(folder.path)));
  const balancer = await startBalancer(way, replicas);
  const failures = [];
  let requests = 0;
  let restarts = 0;
  let isOver = false;
  const client = async () => {
    const connections = new Map();
    while (!isOver) {
      const began = performance.now();
      const port = balancer?.port ?? random.pick(listed(replicas));
      const failure = await ask(connections, port);
      requests += 1;
      // Kept from the processor for long enough, this client asks by a list that is older than a list may be.
      const isTooOld = balancer === undefined && performance.now() - began > DRAIN_DELAY_MS - STALE_MS;
      if (failure !== undefined && !(isTooOld && failure.startsWith('new: '))) {
        failures.push({ failure, after: restarts });
      }
      // Kept connections that are silent for a while are what a stop must not lose.
      if (random.chance(0.02)) await pause(random.int(0, 120));
    }
    for (const socket of connections.values()) socket.destroy();
  };
  const clients = Array.from({ length: CLIENTS }, client);
  try {
    const least = Math.max(2, Math.ceil(count / 1250));
    while (requests < count || restarts < least) {
      await replicas[restarts % replicas.length].restart();
      restarts += 1;
    }
  } finally {
    isOver = true;
    await Promise.all(clients);
    await balancer?.stop();
    await Promise.all(replicas.map((replica) => replica.stop()));
    folder.remove();
  }
  return { requests, restarts, failures };
}

/** The replicas that a list would name that is `STALE_MS` old. */
function listed(replicas) {
  const now = performance.now();
  const known = replicas.filter(({ stoppedAt, readyAt }) => now - readyAt > STALE_MS && now - stoppedAt < STALE_MS);
  const steady = replicas.filter(({ stoppedAt, readyAt }) => now - readyAt > STALE_MS && stoppedAt === Infinity);
  return [...steady, ...known].map(({ port }) => port);
}

class Replica {
  stoppedAt = Infinity;
  readyAt = -Infinity;
  #child;

  static async start(folder) {
    const replica = new Replica();
    replica.folder = folder;
    replica.port = await freePort();
    await replica.#begin();
    replica.readyAt = -Infinity;
    return replica;
  }

  async #begin() {
    const words = ['--port', this.port, '--host', '127.0.0.1', '--strict-port', '--quiet', '--no-config', '--json'];
    const own = ['--health', '/up', '--drain-delay', `${DRAIN_DELAY_MS}ms`];
    this.#child = spawn(process.execPath, [COMMAND, this.folder, ...words.map(String), ...own], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(this.#child.stdout, 'data');
    this.readyAt = performance.now();
    this.stoppedAt = Infinity;
  }

  async stop() {
    this.stoppedAt = performance.now();
    this.#child.kill('SIGTERM');
    await once(this.#child, 'exit');
  }

  async restart() {
    await this.stop();
    await this.#begin();
    // Balancers are given the time to see that it is back before the next one goes.
    await delay(DRAIN_DELAY_MS);
  }
}

function startBalancer(way, replicas) {
  if (way === 'stale list') return undefined;
  const ports = replicas.map(({ port }) => port);
  if (way === 'nginx') {
    const servers = ports.map((port) => `server 127.0.0.1:${port} max_fails=0;`).join(' ');
    return startNginx({
      http: `upstream replicas { ${servers} keepalive 16; }`,
      server:
        'location / { proxy_pass http://replicas; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host localhost; }',
    });
  }
  return startServer('haproxy', (port, folder) => {
    const servers = ports.map(
      (one, index) => `  server s${index} 127.0.0.1:${one} check inter 250ms fastinter 50ms fall 2 rise 1`,
    );
    // A check may be late on a busy machine: where all three failed by that alone, the answer would be HAProxy's own, a 503.
    const text = `global
  maxconn 1000
defaults
  mode ${way === 'haproxy tcp' ? 'tcp' : 'http'}
  timeout connect 5s
  timeout check 5s
  timeout client 30s
  timeout server 30s
  option redispatch
listen replicas
  bind 127.0.0.1:${port}
  option httpchk GET /up
${servers.join('\n')}
`;
    writeFileSync(join(folder, 'haproxy.cfg'), text);
    return ['haproxy', '-db', '-f', join(folder, 'haproxy.cfg')];
  });
}
