// Static files, side by side: every server gets every case in every round, in turn, and is compared within the round.
//
//   node static.mjs [--short] [--rounds N] [--seconds N] [--cases 1-KiB,404] [--servers nginx,onezero] [--write]
//
// Needs Linux, two cores, wrk and ab. The server has core 0, the load generator core 1. `--write` stores the tables
// and the chart in results/.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { measure } from './load.mjs';
import { installed, peers, start } from './peers/index.mjs';
import { peakMebibytes } from './process-tree.mjs';
import { chart, ratio, ratioText, spread, table } from './report.mjs';

const KIB = 1024;
const MIB = KIB * KIB;
const FILES = { '1k.bin': KIB, '10k.bin': 10 * KIB, '100k.bin': 100 * KIB, '1m.bin': MIB, '100m.bin': 100 * MIB };

const CASES = [
  { name: '1 KiB', path: '/1k.bin' },
  { name: '10 KiB', path: '/10k.bin' },
  { name: '100 KiB', path: '/100k.bin' },
  { name: '1 MiB', path: '/1m.bin' },
  { name: '100 MiB, 1 client', path: '/100m.bin', connections: 1, seconds: 5 },
  { name: '100 MiB, 8 clients', path: '/100m.bin', connections: 8, seconds: 5 },
  { name: '304', path: '/1k.bin', conditional: true },
  { name: 'range of 1 KiB', path: '/1m.bin', fields: ['Range: bytes=1000-2023'] },
  { name: '404', path: '/none.bin', failure: true },
  { name: 'new connection, HTTP/1.0', path: '/1k.bin', newConnections: true },
  { name: '1 KiB, 1 client', path: '/1k.bin', connections: 1 },
  { name: '1 KiB, 1000 clients', path: '/1k.bin', connections: 1000 },
];
const SHORT_CASES = new Set(['1 KiB', '100 KiB', '1 MiB', '304', '404', 'new connection, HTTP/1.0']);

const { values: flags } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    cases: { type: 'string' },
    servers: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
const rounds = Number(flags.rounds ?? (flags.short ? 2 : 5));
const seconds = Number(flags.seconds ?? (flags.short ? 1 : 2));

const { present, missing } = installed(
  peers.filter((peer) => !flags.servers || flags.servers.split(',').some((name) => peer.name.includes(name))),
);
const cases = CASES.filter((item) =>
  flags.cases
    ? flags.cases.split(',').includes(item.name.replaceAll(/,? /g, '-'))
    : !flags.short || SHORT_CASES.has(item.name),
);
const scratch = mkdtempSync(join(tmpdir(), 'onezero-bench-'));
// Apache gives up root and reads the site as another user.
chmodSync(scratch, 0o755);
try {
  const root = join(scratch, 'site');
  mkdirSync(root);
  for (const [name, size] of Object.entries(FILES)) writeFileSync(join(root, name), Buffer.alloc(size, 'onezero\n'));
  const report = await compare(root);
  console.log(report.markdown);
  if (flags.write) {
    mkdirSync(join(import.meta.dirname, 'results'), { recursive: true });
    writeFileSync(join(import.meta.dirname, 'results/static.md'), report.markdown);
    writeFileSync(join(import.meta.dirname, 'results/static.svg'), report.svg);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

async function compare(root) {
  const servers = [];
  try {
    for (const peer of present) servers.push(await start(peer, root, scratch));
    const figures = new Map(cases.map((item) => [item.name, new Map(servers.map((server) => [server.name, []]))]));
    for (const item of cases) {
      for (const server of servers) await measure(server, await request(server, item, seconds));
      for (let round = 0; round < rounds; round++) {
        for (const server of servers) {
          const result = await measure(server, await request(server, item, seconds));
          complain(server, item, result);
          figures.get(item.name).get(server.name).push(result);
        }
        process.stderr.write('.');
      }
      process.stderr.write(` ${item.name}\n`);
    }
    return describe(figures, servers);
  } finally {
    for (const server of servers) await server.stop();
  }
}

async function request(server, item, duration) {
  const url = `http://127.0.0.1:${server.port}${item.path}`;
  const fields = [...(item.fields ?? [])];
  if (item.conditional) {
    const response = await fetch(url);
    await response.arrayBuffer();
    fields.push(
      `If-None-Match: ${response.headers.get('etag')}`,
      `If-Modified-Since: ${response.headers.get('last-modified')}`,
    );
  }
  return {
    url,
    fields,
    connections: item.connections ?? 64,
    seconds: Math.max(1, Math.round(duration), item.seconds ?? 0),
    newConnections: item.newConnections,
  };
}

// wrk counts every status of 400 and more as failed; for the 404 case all of them have to be.
function complain(server, item, result) {
  const wrong = item.failure ? result.requests - result.failed : result.failed;
  if (wrong > 0 && !item.newConnections) throw new Error(`${server.name}, ${item.name}: ${wrong} unexpected statuses`);
}

function describe(figures, servers) {
  const names = servers.map((server) => server.name);
  const baseline = names[0];
  const rows = (pick) =>
    cases.map((item) => {
      const series = (name) => figures.get(item.name).get(name).map(pick);
      return [item.name, ...names.map((name) => ratioText(ratio(series(name), series(baseline))))];
    });
  const latency = cases.map((item) => [
    item.name,
    ...names.map((name) => {
      const results = figures.get(item.name).get(name);
      return `${spread(results.map((result) => result.p50)).median.toFixed(2)} / ${spread(results.map((result) => result.p99)).median.toFixed(1)}`;
    }),
  ]);
  const groups = cases.map((item) => ({
    label: item.name,
    values: names.map(
      (name) =>
        ratio(
          figures
            .get(item.name)
            .get(name)
            .map((result) => result.requestsPerSecond),
          figures
            .get(item.name)
            .get(baseline)
            .map((result) => result.requestsPerSecond),
        ).median,
    ),
  }));
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  const markdown = [
    '# Static files, side by side',
    '',
    `Measured ${new Date().toISOString().slice(0, 10)} at ${commit}, Node ${process.version}, ${cpus()[0]?.model.trim()}, ${cpus().length} cores; ${rounds} interleaved rounds of ${seconds} s;`,
    'server on one core, load generator (wrk, ab) on the other; 64 keep-alive connections where nothing else is said; access logs off.',
    `Repeat with \`node bench/static.mjs --write\`.${missing.length > 0 ? ` Not installed, left out: ${missing.join(', ')}.` : ''}`,
    '',
    table(
      ['server', 'version', 'a changed file is noticed'],
      present.map((peer) => [peer.name, peer.versionText, peer.freshness]),
    ),
    '',
    `## Requests per second, ratio to ${baseline}: median (min..max), more is better`,
    '',
    table(
      ['case', ...names],
      rows((result) => result.requestsPerSecond),
    ),
    '',
    `## Processor time per request, ratio to ${baseline}: less is better`,
    '',
    table(
      ['case', ...names],
      rows((result) => result.processorPerRequest),
    ),
    '',
    '## Latency in milliseconds, p50 / p99 (median of the rounds)',
    '',
    table(['case', ...names], latency),
    '',
    '## Peak memory, MiB',
    '',
    table(names, [servers.map((server) => peakMebibytes(server.pid).toFixed(0))]),
    '',
  ].join('\n');
  return { markdown, svg: chart(`Requests per second, ${baseline} = 1`, groups, names) };
}
