// Ten minutes of every kind of traffic against the real command; afterwards it has to hold what it held before.
//
//   node bench/soak.mjs [--minutes N] [--clients N] [--seed N] [--workers N]
//
// Clients ask for files, listings, scripts and Python, upload, break off, read slowly; meanwhile scripts kill themselves,
// Python workers are killed and the server is told to reload. It ends with 1 where an answer was wrong, or where descriptors,
// processes or files are left over, or memory is half as much again.

import { parseArgs } from 'node:util';

import { startServer, COMMAND } from '../differential/peers.mjs';
import { randomSource } from '../differential/random.mjs';
import { processTree } from './process-tree.mjs';
import { gains, holdingsAtRest, holdingsOf } from './soak/holdings.mjs';
import { makeSite } from './soak/site.mjs';
import { clients } from './soak/traffic.mjs';

/** Memory may grow by this factor: caches, compiled code and the collector's leisure. */
const MEMORY_FACTOR = 1.5;
/** Requests that one killed process may take with it: those that wait for a Python worker to come back, too. */
const MOST_HARMED = 16;
/** This long clients go before each measurement, so that shells, workers and caches are there. */
const WARM_UP_SECONDS = 3;
/** It rests when nothing it holds has changed for so long. */
const REST_MS = 3000;

/**
 * Runs the soak; `{ counts, wrong, harmed, left, before, after, complaint }`. `log` gets a line now and then, `onRest` the
 * process id of the server before what is left over is told.
 *
 * @param {{
 *   seconds: number, concurrency?: number, seed?: number, warmUpSeconds?: number, restMs?: number, memoryFactor?: number,
 *   log?: (line: string) => void, onRest?: (pid: number) => void,
 * }} run
 */
export async function soak({
  seconds,
  concurrency = 24,
  seed = 1,
  warmUpSeconds = WARM_UP_SECONDS,
  restMs = REST_MS,
  memoryFactor = MEMORY_FACTOR,
  log = () => undefined,
  onRest = () => undefined,
}) {
  const site = makeSite();
  const words = ['--config', site.config, '--quiet', '--no-access-log', '--host', '127.0.0.1'];
  const server = await startServer(
    'onezero',
    (port) => [process.execPath, COMMAND, ...words, '--port', String(port), '--strict-port'],
    { env: { TMPDIR: site.temporary }, cwd: site.path },
  );
  const folders = [site.temporary, site.root];
  try {
    await traffic(server, warmUpSeconds, concurrency, seed);
    const before = await holdingsAtRest(server.pid, folders, restMs);
    log(`before: ${JSON.stringify(before)}`);
    const trouble = (isOver, harmed) => makeTrouble(server, randomSource(seed), isOver, harmed, log, folders);
    const { counts, wrong, harmed } = await traffic(server, seconds, concurrency, seed + 1, trouble);
    // The same traffic again, so that as many shells rest as before.
    await traffic(server, warmUpSeconds, concurrency, seed);
    const after = await holdingsAtRest(server.pid, folders, restMs);
    log(`after:  ${JSON.stringify(after)}`);
    onRest(server.pid);
    const left = gains(before, after);
    if (after.mebibytes > before.mebibytes * memoryFactor) {
      left.push(`${after.mebibytes} MiB, before ${before.mebibytes} MiB`);
    }
    return { counts, wrong, harmed, left, before, after, complaint: server.complaint() };
  } finally {
    await server.stop();
    site.remove();
  }
}

/** Every client in turn, `concurrency` at once, for some seconds, while `trouble` is made. */
async function traffic(server, seconds, concurrency, seed, trouble = async () => undefined) {
  const counts = new Map(Object.keys(clients).map((name) => [name, 0]));
  const wrong = [];
  const harmed = { count: 0, kills: 0 };
  const end = performance.now() + seconds * 1000;
  const names = Object.keys(clients);
  const loop = async (number) => {
    const random = randomSource(seed * 1000 + number);
    while (performance.now() < end) {
      const name = random.pick(names);
      const seen = await clients[name](server.port, random);
      counts.set(name, counts.get(name) + 1);
      if (seen === 'harmed') harmed.count++;
      else if (seen !== 'right') wrong.push(`${name}: ${seen}`);
    }
  };
  const loops = Array.from({ length: concurrency }, (_, number) => loop(number));
  let isOver = false;
  const troubled = trouble(() => isOver, harmed);
  await Promise.all(loops);
  isOver = true;
  await troubled;
  // Files that clients have stored are no leftovers.
  for (let number = 0; number < 10; number++) await clients['a DELETE'](server.port, { int: () => number });
  if (harmed.count > harmed.kills * MOST_HARMED) wrong.push(`${harmed.count} harmed by ${harmed.kills} kills`);
  return { counts, wrong, harmed };
}

/** Kills a Python worker or reloads every second or so, and says every half minute what is held. */
async function makeTrouble(server, random, isOver, harmed, log, folders) {
  for (let second = 1; !isOver(); second++) {
    for (let part = 0; part < 10 && !isOver(); part++) await new Promise((resolve) => setTimeout(resolve, 100));
    if (random.chance(0.3)) reload(server);
    else if (killOne(processTree(server.pid).slice(1), random)) harmed.kills++;
    if (second % 30 === 0) log(`${second} s: ${JSON.stringify(holdingsOf(server.pid, folders))}`);
  }
}

function reload(server) {
  try {
    process.kill(server.pid, 'SIGHUP');
  } catch (error) {
    throw new Error(`the server is gone: ${server.complaint()}`, { cause: error });
  }
}

/** SIGKILL for one of the processes: a shell, a script, a Python worker, whatever it is. */
function killOne(pids, random) {
  if (pids.length === 0) return false;
  try {
    return process.kill(random.pick(pids), 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
    return false;
  }
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '10' },
      clients: { type: 'string', default: '24' },
      seed: { type: 'string', default: '1' },
    },
  });
  const result = await soak({
    seconds: Number(values.minutes) * 60,
    concurrency: Number(values.clients),
    seed: Number(values.seed),
    log: console.log,
  });
  for (const [name, count] of result.counts) console.log(`${String(count).padStart(8)}  ${name}`);
  const total = [...result.counts.values()].reduce((sum, count) => sum + count, 0);
  const wrongs = new Map();
  for (const line of result.wrong) wrongs.set(line, (wrongs.get(line) ?? 0) + 1);
  for (const [line, count] of wrongs) console.log(`wrong ${count} times: ${line}`);
  console.log(`${result.harmed.count} requests harmed by ${result.harmed.kills} killed processes`);
  for (const line of result.left) console.log(`left over: ${line}`);
  console.log(`${total} requests, ${result.wrong.length} wrong, ${result.left.length} left over`);
  if (result.complaint !== '') console.log(result.complaint.slice(-2000));
  if (result.wrong.length > 0 || result.left.length > 0) process.exitCode = 1;
}
