// CGI scripts, side by side: every server gets every program in every round, in turn, and is compared within the round.
//
//   node cgi.mjs [--short] [--rounds N] [--seconds N] [--programs C,sh] [--connections 1,8,32] [--servers apache,onezero] [--write]
//
// Needs Linux, two cores and wrk; gcc for the C program. Servers and scripts have core 0, the load generator core 1.
// `--write` stores the tables in results/.

import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { besideMemory } from './cgi/memory.mjs';
import { peers, programs } from './cgi/peers.mjs';
import { measure } from './load.mjs';
import { installed, start, versionOf } from './peers/index.mjs';
import { ratio, ratioText, spread, table } from './report.mjs';

const folder = join(import.meta.dirname, 'cgi');
/** Enough requests for Node to have compiled what is hot, also on a busy machine. */
const WARM_UP_SECONDS = 8;

const { values: flags } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    programs: { type: 'string' },
    connections: { type: 'string' },
    servers: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
const rounds = Number(flags.rounds ?? (flags.short ? 3 : 5));
const seconds = Number(flags.seconds ?? (flags.short ? 1 : 2));
const connections = (flags.connections ?? (flags.short ? '8' : '1,8,32')).split(',').map(Number);

const wanted = (list, name) => !list || list.split(',').some((part) => name.includes(part));
const { present, missing } = installed(peers.filter(({ name }) => wanted(flags.servers, name)));
const found = programs.filter(
  ({ name, needs }) => wanted(flags.programs ?? (flags.short ? 'C,sh' : undefined), name) && versionOf(...needs),
);
const scratch = mkdtempSync(join(tmpdir(), 'onezero-bench-'));
// Apache gives up root and runs the scripts as another user.
chmodSync(scratch, 0o755);
try {
  const directory = scripts();
  const memory = { directory, scratch, program: found[0], rounds, seconds, warmUpSeconds: WARM_UP_SECONDS / 2 };
  const markdown = [...(await compare(directory)), ...(await besideMemory(memory))].join('\n');
  console.log(markdown);
  if (flags.write) {
    mkdirSync(join(import.meta.dirname, 'results'), { recursive: true });
    writeFileSync(join(import.meta.dirname, 'results/cgi.md'), `${markdown}\n`);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function scripts() {
  const directory = join(scratch, 'cgi-bin');
  mkdirSync(directory);
  for (const { file } of found) {
    const target = join(directory, file);
    if (file === 'hello') execFileSync('gcc', ['-static', '-O2', '-o', target, join(folder, 'hello.c')]);
    else copyFileSync(join(folder, file), target);
    chmodSync(target, 0o755);
  }
  return directory;
}

async function compare(directory) {
  const cases = found.flatMap(({ name, file }) => connections.map((count) => ({ name, file, count })));
  const figures = new Map(cases.map((item) => [item, new Map(present.map(({ name }) => [name, []]))]));
  const servers = [];
  try {
    for (const peer of present) servers.push(await start(peer, directory, scratch));
    for (const server of servers) await measure(server, load(server, found[0], 8, WARM_UP_SECONDS));
    for (const item of cases) {
      for (let round = 0; round < rounds; round++) {
        for (const server of servers) {
          const result = await measure(server, load(server, item, item.count, seconds));
          if (result.failed > 0) throw new Error(`${server.name}, ${item.name}: ${result.failed} failures`);
          figures.get(item).get(server.name).push(result);
        }
        process.stderr.write('.');
      }
      process.stderr.write(` ${item.name}, ${item.count}\n`);
    }
  } finally {
    for (const server of servers) await server.stop();
  }
  return describe(figures, cases);
}

function load({ port }, { file }, count, duration) {
  return { url: `http://127.0.0.1:${port}/cgi-bin/${file}`, connections: count, seconds: duration };
}

function describe(figures, cases) {
  const names = present.map(({ name }) => name);
  const series = (item, name, key) =>
    figures
      .get(item)
      .get(name)
      .map((result) => result[key]);
  const rows = (cell) =>
    cases.map((item) => [`${item.name}, ${item.count} at once`, ...present.map((peer) => cell(item, peer))]);
  const median = (item, name, key, digits = 0) => spread(series(item, name, key)).median.toFixed(digits);
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  return [
    '# CGI, side by side\n',
    `Measured ${new Date().toISOString().slice(0, 10)} at ${commit}, Node ${process.version}, ${cpus()[0]?.model.trim()}, ${cpus().length} cores; ${rounds} interleaved rounds of ${seconds} s;`,
    'servers and scripts on one core, load generator (wrk, keep-alive) on the other; access logs off.',
    `Repeat with \`node bench/cgi.mjs --write\`.${missing.length > 0 ? ` Not installed, left out: ${missing.join(', ')}.` : ''}\n`,
    table(
      ['server', 'version'],
      present.map(({ name, versionText }) => [name, versionText]),
    ),
    `\n## Requests per second, ratio to ${names[0]}: median (min..max), more is better\n`,
    table(
      ['program', ...names],
      rows((item, { name }) =>
        ratioText(ratio(series(item, name, 'requestsPerSecond'), series(item, names[0], 'requestsPerSecond'))),
      ),
    ),
    '\n## Requests per second, median\n',
    table(
      ['program', ...names],
      rows((item, { name }) => median(item, name, 'requestsPerSecond')),
    ),
    '\n## Processor time of server and scripts for a request, µs (– where the scripts cannot be counted)\n',
    table(
      ['program', ...names],
      rows((item, { name, isPartial }) => (isPartial ? '–' : median(item, name, 'processorPerRequest'))),
    ),
    '\n## 99th percentile, ms\n',
    table(
      ['program', ...names],
      rows((item, { name }) => median(item, name, 'p99', 1)),
    ),
  ];
}
