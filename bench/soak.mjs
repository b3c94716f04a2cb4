// Minutes of every kind of traffic against the real command; afterwards it has to hold what it held before.
//
//   node bench/soak.mjs [--minutes N] [--clients N] [--seed N] [--replicas N] [--write]
//
// Clients ask for files, listings, scripts, Python of both kinds, PHP and an upstream, open WebSockets, upload, work on a drive,
// break off, read slowly. Up to three servers share the folder: one process, one with workers, and one that is killed as a whole.
// Meanwhile processes are killed and servers told to reload. It ends with 1 where an answer was wrong, or where descriptors,
// processes or files are left over, or memory is half as much again. `--write` keeps the figures in results/soak.md.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { randomSource } from '../differential/random.mjs';
import { emptyDrive } from './soak/drive.mjs';
import { gains, holdingsAtRest } from './soak/holdings.mjs';
import { startReplicas, strays } from './soak/replicas.mjs';
import { soakReport } from './soak/report.mjs';
import { makeSite } from './soak/site.mjs';
import { clients } from './soak/traffic.mjs';
import { makeTrouble } from './soak/trouble.mjs';
import { startUpstream } from './soak/upstream.mjs';

/** Memory may grow by this factor: caches, compiled code and the collector's leisure. */
const MEMORY_FACTOR = 1.5;
/** Requests that one killed process may take with it: those that wait for a Python worker to come back, too. */
const MOST_HARMED = 16;
/** This long clients go before each measurement, so that shells, workers and caches are there. */
const WARM_UP_SECONDS = 3;
/** It rests when nothing it holds has changed for so long. */
const REST_MS = 3000;
/** A folder of pipes that a killed server left is removed by the next start that finds it unchanged for a minute. */
const SETTLED_MS = 61_000;
/** After a request that came to nothing: a server that is away refuses thousands in a second. */
const PAUSE_MS = 20;

/**
 * Runs the soak; `{ counts, wrong, harmed, trouble, left, holdings, complaint }`. `log` gets a line now and then.
 *
 * @param {{
 *   seconds: number, concurrency?: number, seed?: number, replicas?: number, warmUpSeconds?: number, restMs?: number,
 *   memoryFactor?: number, log?: (line: string) => void,
 * }} run
 */
export async function soak({
  seconds,
  concurrency = 24,
  seed = 1,
  replicas: count = 3,
  warmUpSeconds = WARM_UP_SECONDS,
  restMs = REST_MS,
  memoryFactor = MEMORY_FACTOR,
  log = () => undefined,
}) {
  const upstream = await startUpstream();
  const site = makeSite(upstream.url);
  const replicas = await startReplicas(site, count);
  const warmUp = () => traffic(replicas, warmUpSeconds, concurrency, seed);
  const hold = async (when) => {
    const all = [];
    for (const [index, { name, pid }] of replicas.entries()) {
      const held = await holdingsAtRest(pid, index === 0 ? [site.temporary, site.root] : [], restMs);
      log(`${when}, ${name}: ${JSON.stringify(held)}`);
      all.push(held);
    }
    return all;
  };
  try {
    await warmUp();
    const before = await hold('before');
    const trouble = (isOver) => makeTrouble({ replicas, random: randomSource(seed), isOver, log });
    const seen = await traffic(replicas, seconds, concurrency, seed + 1, trouble);
    if (seen.trouble.replaced > 0) {
      await delay(SETTLED_MS);
      for (const replica of replicas.filter(({ isKilledWhole }) => isKilledWhole)) await replica.restart();
    }
    // The same traffic again, so that as many shells rest as before.
    await warmUp();
    const after = await hold('after');
    const holdings = replicas.map(({ name }, index) => ({ name, before: before[index], after: after[index] }));
    const pids = replicas.map(({ pid }) => pid);
    const processes = replicas.reduce((sum, replica) => sum + replica.processes, 0);
    const left = [
      ...holdings.flatMap((one) => leftOf(one, memoryFactor, processes)),
      ...strays(site.temporary, pids).map((command) => `a process of a server that is gone: ${command}`),
    ];
    return { ...seen, left, holdings, complaint: replicas.map((replica) => replica.complaint()).join('') };
  } finally {
    await Promise.all(replicas.map((replica) => replica.stop()));
    await upstream.stop();
    site.remove();
  }
}

function leftOf({ name, before, after }, memoryFactor, processes) {
  const left = gains(before, after, processes);
  if (after.mebibytes > before.mebibytes * memoryFactor)
    left.push(`${after.mebibytes} MiB, before ${before.mebibytes} MiB`);
  return left.map((line) => `${name}: ${line}`);
}

/** Every client in turn, `concurrency` at once, for some seconds, while `makeTrouble` runs. */
async function traffic(replicas, seconds, concurrency, seed, makeTrouble = async () => ({ kills: 0, replaced: 0 })) {
  const names = Object.keys(clients);
  const counts = new Map(names.map((name) => [name, 0]));
  const wrong = [];
  let harmed = 0;
  const end = performance.now() + seconds * 1000;
  const loop = async (number) => {
    const random = randomSource(seed * 1000 + number);
    while (performance.now() < end) {
      const name = random.pick(names);
      const replica = random.pick(replicas.filter(({ isUp }) => isUp));
      const seen = await clients[name](replica.port, random);
      counts.set(name, counts.get(name) + 1);
      if (seen === 'right') continue;
      if (seen === 'harmed' || (replica.isMortal && isBroken(seen))) harmed++;
      else wrong.push(`${name} (${replica.name}): ${seen}`);
      await delay(PAUSE_MS);
    }
  };
  const loops = Array.from({ length: concurrency }, (_, number) => loop(number));
  let isOver = false;
  const troubled = makeTrouble(() => isOver);
  await Promise.all(loops);
  isOver = true;
  const trouble = await troubled;
  // Files that clients have stored are no leftovers.
  for (let number = 0; number < 10; number++) await clients['a DELETE'](replicas[0].port, { int: () => number });
  await emptyDrive(replicas[0].port);
  const most = trouble.kills * MOST_HARMED + trouble.replaced * concurrency;
  if (harmed > most) wrong.push(`${harmed} harmed by ${trouble.kills} kills and ${trouble.replaced} servers`);
  return { counts, wrong, harmed, trouble };
}

/** Whether an answer broke off or did not begin. */
function isBroken(seen) {
  return /^0,|whole: false/.test(seen);
}

function print({ counts, wrong, harmed, trouble, left, complaint }) {
  for (const [name, count] of counts) console.log(`${String(count).padStart(8)}  ${name}`);
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const wrongs = new Map();
  for (const line of wrong) wrongs.set(line, (wrongs.get(line) ?? 0) + 1);
  for (const [line, count] of wrongs) console.log(`wrong ${count} times: ${line}`);
  const { kills, reloads, replaced } = trouble;
  console.log(
    `${harmed} requests harmed by ${kills} killed processes and ${replaced} killed servers; ${reloads} reloads`,
  );
  for (const line of left) console.log(`left over: ${line}`);
  console.log(`${total} requests, ${wrong.length} wrong, ${left.length} left over`);
  if (complaint !== '') console.log(complaint.slice(-3000));
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '10' },
      clients: { type: 'string', default: '24' },
      seed: { type: 'string', default: '1' },
      replicas: { type: 'string', default: '3' },
      write: { type: 'boolean', default: false },
    },
  });
  const seconds = Number(values.minutes) * 60;
  const result = await soak({
    seconds,
    // Memory stays as large as its highest peak made it, so that of a long run is compared with what some minutes have come to.
    warmUpSeconds: Math.max(WARM_UP_SECONDS, seconds / 15),
    concurrency: Number(values.clients),
    seed: Number(values.seed),
    replicas: Number(values.replicas),
    log: console.log,
  });
  print(result);
  if (values.write) writeFileSync(join(import.meta.dirname, 'results/soak.md'), soakReport(result, values));
  if (result.wrong.length > 0 || result.left.length > 0) process.exitCode = 1;
}
