// How the cost of a request grows with the site, the rules and the clients: every server gets every case in every round, in
// turn, and is compared with nginx within the round.
//
//   node growth.mjs [--short] [--rounds N] [--seconds N] [--cases 'TEXT;TEXT'] [--servers 'NAME;NAME'] [--write]
//
// Needs Linux, two cores, wrk, ab and openssl. The server has core 0, the load generator core 1. `--write` stores the table
// and the chart in results/ and puts our weakest and best case into the README.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { CASES } from './growth/cases.mjs';
import { servers } from './growth/servers.mjs';
import { makeCertificate, makeLargeSite } from './growth/site.mjs';
import { measure } from './load.mjs';
import { accepts, freePort } from './peers/index.mjs';
import { restingMebibytes } from './process-tree.mjs';
import { chart, ratio, ratioText, spread, table } from './report.mjs';

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
const rounds = Number(flags.rounds ?? (flags.short ? 1 : 5));
const seconds = Number(flags.seconds ?? (flags.short ? 1 : 2));
const isWanted = (list, name) => list === undefined || list.split(';').some((part) => name.includes(part));

const present = servers
  .filter(({ name }) => isWanted(flags.servers, name))
  .map((server) => ({ ...server, versionText: server.version() }))
  .filter(({ versionText }) => versionText !== undefined);
const cases = CASES.filter((item) => isWanted(flags.cases, item.name) && !(flags.short && item.slow));

const scratch = mkdtempSync(join(tmpdir(), 'onezero-growth-'));
chmodSync(scratch, 0o755);
try {
  const root = makeLargeSite(scratch);
  const figures = new Map();
  for (const item of cases) figures.set(item.name, await runCase(item, root, makeCertificate(scratch)));
  const markdown = describe(figures);
  console.log(markdown);
  if (flags.write) store(markdown, figures);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** Starts every server that can, sends it load in turn, and returns its results by name. */
async function runCase(item, root, certificate) {
  const running = [];
  const results = new Map();
  const gone = new Set();
  try {
    for (const server of present.filter(({ can }) => can(item))) {
      running.push(await start(server, item, root, certificate));
      results.set(server.name, []);
    }
    for (const server of running) await burst(server, item, Math.max(1, (item.warm ?? 1) * Math.min(1, seconds)));
    for (let round = 0; round < rounds; round++) {
      for (const server of running) {
        if (gone.has(server)) continue;
        try {
          const result = await burst(server, item, seconds);
          results.get(server.name).push({ ...result, mebibytes: restingMebibytes(server.pid) });
        } catch (error) {
          // A peer that does not stand a case is left out of it; ours has to stand all.
          const why = `${server.name}, ${item.name}: ${error.message} ${server.complaint()}`;
          if (server.name === 'onezero' || server.name === present[0].name) throw new Error(why, { cause: error });
          process.stderr.write(`${why}\n`);
          gone.add(server);
          results.delete(server.name);
        }
      }
      process.stderr.write('.');
    }
    process.stderr.write(` ${item.name}\n`);
    return results;
  } finally {
    for (const server of running) await server.stop();
  }
}

async function burst(server, item, duration) {
  const script = item.lua === undefined ? undefined : join(scratch, 'case.lua');
  if (script !== undefined) writeFileSync(script, item.lua);
  const result = await measure(server, {
    url: `${item.secure ? 'https' : 'http'}://127.0.0.1:${server.port}${item.path ?? '/'}`,
    connections: item.connections ?? 64,
    seconds: Math.max(item.seconds ?? 1, Math.round(duration)),
    fields: item.fields,
    newConnections: item.newConnections,
    script,
  });
  // wrk counts every status of 400 and more as failed; where paths are missing all of them have to be.
  const wrong = item.failure ? result.requests - result.failed : result.failed;
  if (wrong > 0) throw new Error(`${server.name}, ${item.name}: ${wrong} unexpected statuses`);
  return result;
}

async function start(server, item, root, certificate) {
  const port = await freePort();
  const folder = join(scratch, `${server.name.replaceAll(/\W+/g, '-')}-${port}`);
  mkdirSync(folder);
  const [command, ...words] = server.command(item, root, port, folder, certificate);
  const child = spawn('taskset', ['-c', '0', command, ...words], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, NODE_EXTRA_CA_CERTS: undefined },
  });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (complaint = (complaint + text).slice(-4000)));
  const exited = once(child, 'exit');
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`${server.name} ended at start: ${complaint}`);
    await delay(5);
  }
  const stop = async () => {
    child.kill('SIGTERM');
    await Promise.race([exited, delay(5000).then(() => child.kill('SIGKILL'))]);
  };
  return { name: server.name, pid: child.pid, port, stop, complaint: () => complaint };
}

/** The ratio to the baseline of one figure in one case; undefined where the server was not asked. */
function ratioOf(results, name, pick) {
  const baseline = results.get(present[0].name);
  const series = results.get(name);
  return series === undefined ? undefined : ratio(series.map(pick), baseline.map(pick));
}

function describe(figures) {
  const names = present.map(({ name }) => name);
  const rows = (cell) =>
    [...figures].map(([name, results]) => [name, ...names.map((server) => cell(results, server) ?? '–')]);
  const ratios = (pick) => (results, server) => {
    const found = ratioOf(results, server, pick);
    return found && ratioText(found);
  };
  const median = (pick) => (results, server) => {
    const series = results.get(server);
    return series && spread(series.map(pick)).median.toFixed(1);
  };
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  return [
    '# How the cost grows',
    '',
    `Measured ${new Date().toISOString().slice(0, 10)} at ${commit}, Node ${process.version}, ${cpus()[0]?.model.trim()}, ${cpus().length} cores; ${rounds} interleaved rounds of ${seconds} s;`,
    'server on one core, load generator (wrk, ab) on the other; 64 keep-alive connections where nothing else is said; each server with',
    `its defaults, no access log; load average ${loadavg()[1].toFixed(1)} (2 is this measurement alone). Pages are 2 KiB of HTML, asked for at random. Repeat with \`node bench/growth.mjs --write\`.`,
    '',
    table(
      ['server', 'version'],
      present.map(({ name, versionText }) => [name, versionText]),
    ),
    '',
    `## Requests per second, ratio to ${names[0]}: median (min..max), more is better`,
    '',
    table(['case', ...names], rows(ratios(({ requestsPerSecond }) => requestsPerSecond))),
    '',
    '## Requests per second',
    '',
    table(['case', ...names], rows(median(({ requestsPerSecond }) => requestsPerSecond))),
    '',
    `## Processor time per request, ratio to ${names[0]}: less is better`,
    '',
    table(['case', ...names], rows(ratios(({ processorPerRequest }) => processorPerRequest))),
    '',
    '## Latency, p99 in milliseconds',
    '',
    table(['case', ...names], rows(median(({ p99 }) => p99))),
    '',
    '## Memory after the case, MiB',
    '',
    table(['case', ...names], rows(median(({ mebibytes }) => mebibytes))),
    '',
  ].join('\n');
}

/** Writes the results, the chart, and our weakest and best case into the README. */
function store(markdown, figures) {
  const results = join(import.meta.dirname, 'results');
  const names = present.map(({ name }) => name);
  const perSecond = ({ requestsPerSecond }) => requestsPerSecond;
  const groups = [...figures].map(([label, found]) => ({
    label,
    values: names.map((name) => ratioOf(found, name, perSecond)?.median ?? Number.NaN),
  }));
  writeFileSync(join(results, 'growth.md'), markdown);
  writeFileSync(join(results, 'growth.svg'), chart(`Requests per second, ${names[0]} = 1`, groups, names));
  const ours = groups.map(({ label, values }) => [label, values[names.indexOf('onezero')]]);
  const sorted = ours.toSorted(([, a], [, b]) => a - b);
  const rows = [...sorted.slice(0, 3), ...sorted.slice(-2)].map(([label, value]) => [label, value.toFixed(2)]);
  const readme = join(import.meta.dirname, '../README.md');
  const text = readFileSync(readme, 'utf8');
  const part = `<!-- growth -->\n${table(['our three weakest cases and our two best', `requests per second, ${names[0]} = 1`], rows)}\n<!-- /growth -->`;
  if (!text.includes('<!-- growth -->')) throw new Error('README.md has no place for the growth table');
  writeFileSync(readme, text.replace(/<!-- growth -->[^]*<!-- \/growth -->/, part));
}
