// Python applications, side by side: the same application, the same number of processes and threads, in turn.
//
//   node wsgi.mjs [--short] [--rounds N] [--seconds N] [--cases hello,page] [--processes N] [--connections 8,64] [--asgi] [--write]
//
// Several numbers of `--connections` are measured one after the other in one run, each case with the smaller number first.
//
// `--asgi` compares the servers of ASGI applications, uvicorn with h11 and with httptools and uvloop. With h11 and several workers its
// answers wait for delayed acknowledgements (README.md), so only the ratio of processor time says something there.
//
// `--short` takes less than two minutes: two rounds of a second of the first three cases. `--write` keeps the outcome
// in results/wsgi.md.
//
// Needs Linux, two cores, wrk, ab and Debian's python3-django; gunicorn, uwsgi and nginx are left out by name where they
// are missing. Servers and their workers have core 0, the load generator core 1. gunicorn's sync worker closes each
// connection by design, so the cases with a new connection for each request are the ones that compare like with like.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { measure } from './load.mjs';
import { installed, start, versionOf } from './peers/index.mjs';
import { peakMebibytes } from './process-tree.mjs';
import { ratio, ratioText, spread, table } from './report.mjs';
import { gunicorn, onezero, onezeroAsgi, python, uvicorn, uwsgi } from './wsgi/peers.mjs';

const ASGI_CASES = [
  { name: 'hello', path: '/hello' },
  { name: 'JSON of 30 objects', path: '/json' },
  { name: 'FastAPI page', path: '/page' },
  { name: '1 MiB echoed', path: '/echo', script: join(import.meta.dirname, 'wsgi/upload.lua') },
  { name: '1,000 chunks of 11 bytes', path: '/chunks' },
  { name: 'WebSocket, 100 bytes echoed', path: '/messages', messageBytes: 100 },
  { name: 'WebSocket, 16 kB echoed', path: '/messages', messageBytes: 16_000 },
];

const WSGI_CASES = [
  { name: 'hello', path: '/hello' },
  { name: 'hello, new connections', path: '/hello', newConnections: true },
  { name: 'Django page', path: '/page' },
  { name: 'Django page, new connections', path: '/page', newConnections: true },
  { name: 'file of 1 MiB', path: '/file' },
  { name: '1 MiB echoed', path: '/echo', script: join(import.meta.dirname, 'wsgi/upload.lua') },
  { name: '1,000 chunks of 11 bytes', path: '/chunks' },
  { name: 'sleep of 20 ms', path: '/sleep' },
];

/**
 * Enough small requests for Node to have compiled what is hot, also on a busy machine: a server in use has long been there,
 * and some thousand pages that take two milliseconds each would not get it there. Then a moment for each case.
 */
const WARM_UP_SECONDS = 5;
const CASE_WARM_UP_SECONDS = 1;

/** The cases of `--short`. */
const SHORT_CASES = 3;

const { values: flags } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    processes: { type: 'string', default: '2' },
    cases: { type: 'string' },
    connections: { type: 'string' },
    servers: { type: 'string' },
    asgi: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
const rounds = Number(flags.rounds ?? (flags.short ? 2 : 5));
const seconds = Number(flags.seconds ?? (flags.short ? 1 : 2));
const processes = Number(flags.processes);
const clients = (flags.connections ?? (flags.asgi || flags.short ? '32' : '8,64')).split(',').map(Number);
const folder = join(import.meta.dirname, 'wsgi');

const CASES = flags.asgi ? ASGI_CASES : WSGI_CASES;

const wsgiPeers = [
  gunicorn('gunicorn sync', ['--worker-class', 'sync'], processes),
  onezero('onezero, 1 thread', 1, processes),
  gunicorn('gunicorn gthread, 4 threads', ['--worker-class', 'gthread', '--threads', '4'], processes),
  onezero('onezero, 4 threads', 4, processes),
  {
    name: 'nginx + uwsgi, 1 thread',
    baseline: 'gunicorn sync',
    version: () => versionOf('nginx', ['-v']) && versionOf('uwsgi', ['--version']),
    command: uwsgi(processes),
  },
];

const asgiPeers = [
  uvicorn('uvicorn, h11', ['--http', 'h11', '--loop', 'asyncio'], processes),
  uvicorn('uvicorn, httptools and uvloop', ['--http', 'httptools', '--loop', 'uvloop'], processes),
  onezeroAsgi('onezero', 'uvicorn, h11', processes),
  onezeroAsgi('onezero again', 'uvicorn, httptools and uvloop', processes),
];

async function compare(present, cases, scratch) {
  const servers = [];
  try {
    for (const peer of present) servers.push({ ...(await start(peer, folder, scratch)), baseline: peer.baseline });
    for (const server of servers) await answers(server);
    for (const server of servers) await measure(server, load(server, cases[0], WARM_UP_SECONDS));
    const figures = new Map(cases.map((item) => [item.name, new Map(servers.map(({ name }) => [name, []]))]));
    for (const item of cases) {
      for (const server of servers) await measure(server, load(server, item, CASE_WARM_UP_SECONDS));
      for (let round = 0; round < rounds; round++) {
        for (const server of servers) {
          const result = await measure(server, load(server, item, seconds));
          if (result.failed > 0) throw new Error(`${server.name}, ${item.name}: ${result.failed} failures`);
          figures.get(item.name).get(server.name).push(result);
        }
        process.stderr.write('.');
      }
      process.stderr.write(` ${item.name}\n`);
    }
    return describe(figures, servers, cases);
  } finally {
    for (const server of servers) await server.stop();
  }
}

/** Waits until the application answers: some servers accept connections before it is loaded. */
async function answers({ name, port }) {
  for (const end = Date.now() + 20_000; Date.now() < end;) {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/page`);
      if (response.ok && (await response.text()).includes('thing &lt;29&gt;')) return;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // not listening yet
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${name} does not answer`);
}

function load({ port }, { path, ...how }, duration) {
  return { url: `http://127.0.0.1:${port}${path}`, seconds: duration, ...how };
}

function describe(figures, servers, cases) {
  const header = ['case', ...servers.map(({ name }) => name)];
  const series = (item, name, key) =>
    figures
      .get(item.name)
      .get(name)
      .map((result) => result[key]);
  const rows = (key, digits) =>
    cases.map((item) => [
      item.name,
      ...servers.map(({ name }) => spread(series(item, name, key)).median.toFixed(digits)),
    ]);
  const pairs = servers.filter(({ baseline }) => servers.some(({ name }) => name === baseline));
  const ratios = cases.map((item) => [
    item.name,
    ...pairs.map(({ name, baseline }) =>
      ratioText(ratio(series(item, name, 'requestsPerSecond'), series(item, baseline, 'requestsPerSecond'))),
    ),
  ]);
  // The other way round, so that more than 1 is less time here too.
  const costs = cases.map((item) => [
    item.name,
    ...pairs.map(({ name, baseline }) =>
      ratioText(ratio(series(item, baseline, 'processorPerRequest'), series(item, name, 'processorPerRequest'))),
    ),
  ]);
  return [
    `## Python applications: ${processes} processes each, ${clients.join(' and ')} connections, ${rounds} rounds of ${seconds} s in turn\n`,
    `Versions: ${versions()}. Repeat with \`node bench/wsgi.mjs${flags.asgi ? ' --asgi' : ''} --rounds ${rounds} --seconds ${seconds} --write\`.\n`,
    '### Ratio of requests per second: median (lowest..highest round)\n',
    table(['case', ...pairs.map(({ name, baseline }) => `${name} / ${baseline}`)], ratios),
    '\n### Ratio of processor time for each request, which other load on the machine disturbs less\n',
    table(['case', ...pairs.map(({ name, baseline }) => `${baseline} / ${name}`)], costs),
    '\n### Requests per second, median\n',
    table(header, rows('requestsPerSecond', 0)),
    '\n### Processor time of the server and its workers, µs for each request\n',
    table(header, rows('processorPerRequest', 0)),
    '\n### 99th percentile, ms\n',
    table(header, rows('p99', 1)),
    '\n### Peak memory, MiB (shared pages counted in each process)\n',
    table(
      servers.map(({ name }) => name),
      [servers.map(({ pid }) => peakMebibytes(pid).toFixed(0))],
    ),
    `\n${cpus().length} × ${cpus()[0].model}; Node ${process.version}; ${execFileSync(python, ['--version'], { encoding: 'utf8' }).trim()}.`,
  ].join('\n');
}

/** Each program with its version, once. */
function versions() {
  const found = present.map(({ name, versionText }) => `${name.split(/[ ,]/)[0]} ${versionText}`);
  return [...new Set(found)].join(', ').replace('nginx', 'uwsgi');
}

/** The case with a number of clients, which its name says where there are several numbers. */
function withClients(item, connections) {
  return { ...item, connections, name: clients.length > 1 ? `${item.name}, ${connections} clients` : item.name };
}

const wanted = (list, name) => !list || list.split(',').some((part) => name.includes(part));

/** A misspelt name would measure less than was asked for, and say nothing of it. */
function refuseUnknown(flag, list, names) {
  const unknown = list?.split(',').filter((part) => !names.some((name) => name.includes(part))) ?? [];
  if (unknown.length === 0) return;
  console.error(`--${flag}: nothing is named ${unknown.join(' or ')}; there are: ${names.join('; ')}`);
  process.exit(2);
}

const peers = flags.asgi ? asgiPeers : wsgiPeers;
refuseUnknown(
  'cases',
  flags.cases,
  CASES.map(({ name }) => name),
);
refuseUnknown(
  'servers',
  flags.servers,
  peers.map(({ name }) => name),
);
const { present, missing } = installed(peers.filter(({ name }) => wanted(flags.servers, name)));
const scratch = mkdtempSync(join(tmpdir(), 'onezero-bench-'));
try {
  const all = flags.short ? CASES.slice(0, SHORT_CASES) : CASES;
  const cases = all
    .filter(({ name }) => wanted(flags.cases, name))
    .flatMap((item) => clients.map((connections) => withClients(item, connections)));
  const markdown = await compare(present, cases, scratch);
  console.log(markdown);
  if (missing.length > 0) console.log(`\nNot installed, left out: ${missing.join(', ')}.`);
  if (flags.write) {
    mkdirSync(join(import.meta.dirname, 'results'), { recursive: true });
    writeFileSync(join(import.meta.dirname, `results/${flags.asgi ? 'asgi' : 'wsgi'}.md`), `${markdown}\n`);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
