// Random runs from a seed: input and output of any size, clients and callers that leave at any instant, limits that strike,
// scripts whose children trap signals, move to process groups or sessions of their own, or outlive them. Then a count of
// everything that runs hold: processes, children, descriptors, files.
//
//   ONEZERO_RUNS=20000 ONEZERO_SEED=7 pnpm exec vitest run --config ../../vitest.config.ts test/random-runs.test.ts

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cgi, startProcess } from '../src/index.ts';
import type { CgiOptions, CgiResponder, CgiResponse, UnixProcess } from '../src/index.ts';
import { children, openDescriptors, own, processesWith, request, Scripts, settled, until, zombies } from './mount.ts';

/** How runs are started. */
export type Starter = 'shell' | 'direct' | 'startProcess';

/** How the runs came out, and what they left that was not there before. */
export interface RandomReport {
  readonly outcomes: Readonly<Record<string, number>>;
  readonly processes: number;
  readonly children: number;
  readonly descriptors: number;
  readonly files: readonly string[];
}

/** Random values, the same for the same seed (mulberry32). */
interface Source {
  int(least: number, most: number): number;
  chance(share: number): boolean;
  pick<T>(list: readonly T[]): T;
}

function randomSource(seed: number): Source {
  let state = Math.imul(seed, 0x9e3779b1) >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1));
  return { int, chance: (share) => next() < share, pick: (list) => list[int(0, list.length - 1)] as never };
}

const AT_ONCE = 8;
const HEAD = 'echo Content-Type: text/plain; echo';
/** Children of a script that does not end by itself: all of them have to end with it. */
const ENDED_WITH_IT = [
  'sleep 1000.9 &',
  '(sleep 1000.9 & sleep 1000.9) &',
  "(trap '' TERM; sleep 1000.9; sleep 1000.9) &",
  'timeout 1000.9 sleep 1000.9 &',
  'set -m; sleep 1000.9 & set +m',
  'sleep 1000.9 >/dev/null 2>&1 </dev/null &',
];
/** Children that may stay: they end soon. */
const STAY = ['sleep 0.2 &', 'sleep 0.2 >/dev/null 2>&1 &', 'setsid sleep 0.2 &', '(sleep 0.1; echo late) &'];
const ENDS = [
  'exit 0',
  'exit 3',
  'kill -TERM $$',
  'kill -KILL $$',
  'exec true',
  'kill -SEGV $$',
  'exec >&- 2>&-; sleep 0.05',
];

/** What a shell is to do; `isEndless` when it waits to be ended. */
interface Behaviour {
  readonly commands: string;
  readonly isEndless: boolean;
}

function behaviour(random: Source): Behaviour {
  const isEndless = random.chance(0.3);
  const steps = random.chance(0.85) ? [HEAD] : [];
  if (random.chance(0.2)) steps.unshift(`sleep 0.0${random.int(1, 9)}`);
  if (random.chance(0.3))
    steps.push(random.pick(['cat >/dev/null', 'wc -c', 'cat', 'head -c 100 >/dev/null', 'exec <&-']));
  if (random.chance(0.2)) steps.push(`sleep 0.0${random.int(1, 9)}`);
  if (random.chance(0.5)) steps.push(`head -c ${random.pick([1, 4096, 65_536, 65_537, 300_000])} /dev/zero`);
  if (random.chance(0.2)) steps.push(`head -c ${random.pick([1, 80_000])} /dev/zero >&2`);
  if (random.chance(0.4)) steps.push(random.pick(isEndless ? ENDED_WITH_IT : STAY));
  if (random.chance(0.15)) steps.push("trap '' TERM");
  steps.push(
    isEndless
      ? random.pick(['wait; sleep 1000.9', 'exec sleep 1000.9', 'while :; do sleep 1000.9; done', 'cat /dev/zero'])
      : random.pick(ENDS),
  );
  return {
    commands: own(steps.join('\n').replaceAll('&\n', '& ').replaceAll('\n', '; ').replaceAll('& ;', '&')),
    isEndless,
  };
}

/** Content of any size that may break off in the middle. */
async function* content(random: Source, length: number): AsyncGenerator<Uint8Array> {
  const end = random.chance(0.3) ? random.int(0, length) : length;
  for (let sent = 0; sent < end;) {
    const part = Math.min(end - sent, random.int(1, 70_000));
    yield Buffer.alloc(part, 'x');
    sent += part;
    if (random.chance(0.1)) await delay(1);
  }
  if (end < length) throw new Error('the client has gone');
}

/** Reads an answer to its end, some of it, or nothing. */
async function read(random: Source, { content: body }: CgiResponse): Promise<string> {
  if (body === undefined || body instanceof Uint8Array) return 'whole';
  const leaveAfter = random.chance(0.3) ? random.int(0, 3) : Number.POSITIVE_INFINITY;
  if (leaveAfter === 0) {
    await body[Symbol.asyncIterator]().return?.();
    return 'left';
  }
  let chunks = 0;
  try {
    for await (const _ of body) if (++chunks >= leaveAfter) return 'left';
    return 'whole';
  } catch {
    return 'broken';
  }
}

function responders(scripts: Scripts, spawner: CgiOptions['spawner']): CgiResponder[] {
  const base = { directory: scripts.path, spawner, log: () => {}, concurrency: { max: 4, queueTimeoutMs: 60_000 } };
  const limits = [{ totalTimeoutMs: 400 }, { silenceTimeoutMs: 80 }, { headerTimeoutMs: 60, totalTimeoutMs: 900 }];
  return limits.flatMap((given) => [
    cgi({ ...base, limits: { killGraceMs: 30, totalTimeoutMs: 2000, ...given } }),
    cgi({ ...base, limits: { killGraceMs: 30, totalTimeoutMs: 2000, ...given }, spool: 'small' }),
  ]);
}

async function oneRequest(random: Source, respond: CgiResponder): Promise<string> {
  const gone = new AbortController();
  const { commands, isEndless } = behaviour(random);
  if (isEndless || random.chance(0.3)) setTimeout(() => gone.abort(), random.int(0, 80));
  const length = random.chance(0.5) ? 0 : random.pick([1, 1000, 65_536, 65_537, 200_000]);
  const isAnnounced = random.chance(0.7);
  const message = request('/run', {
    fields: [['x-run', commands]],
    signal: gone.signal,
    ...(length > 0 && { content: content(random, length) }),
    ...(length > 0 && isAnnounced && { contentLength: length }),
  });
  const response = await respond(message);
  return response.status >= 400 ? `status ${response.status}` : read(random, response);
}

async function oneProcess(random: Source): Promise<string> {
  const gone = new AbortController();
  const { commands, isEndless } = behaviour(random);
  const how = isEndless
    ? random.pick(['kill', 'abort', 'deadline', 'leave'])
    : random.pick(['nothing', 'nothing', 'kill', 'abort', 'deadline']);
  const child = await startProcess('/bin/sh', ['-c', commands], {
    signal: gone.signal,
    killGraceMs: 30,
    stdin: random.chance(0.3) ? 'ignore' : 'pipe',
    ...(how === 'deadline' && { timeoutMs: random.int(1, 60) }),
    ...(random.chance(0.2) && { maxStdoutBytes: random.int(0, 100_000) }),
  });
  if (how === 'abort') setTimeout(() => gone.abort(), random.int(0, 60));
  child.stdout.on('error', () => {});
  if (how === 'leave') setTimeout(() => child.stdout.destroy(), random.int(0, 60));
  if (random.chance(0.8) || !isEndless) {
    child.stdout.resume();
    child.stderr.resume();
  }
  // Only a process that is ended may wait for the end of its input for ever.
  void feed(random, child, how === 'nothing');
  if (how === 'kill') {
    await delay(random.int(0, 60));
    return (await child.kill()).reason;
  }
  return (await child.exited).reason;
}

async function feed(random: Source, { stdin }: UnixProcess, isEnded: boolean): Promise<void> {
  for (let count = random.int(0, 4); count > 0; count--) {
    if (!(await stdin.write(Buffer.alloc(random.pick([1, 5000, 70_000]), 'x')))) break;
  }
  if (isEnded || random.chance(0.8)) await stdin.end();
}

/** Makes `count` runs and reports what they left. Runs are numbered, so one can be made again by its number and seed. */
export async function randomRuns(starter: Starter, seed: number, count: number): Promise<RandomReport> {
  const { TMPDIR: usualPlace } = process.env;
  // What a process opens once, with its first child, stays open, and so does the directory for direct starts.
  await (await startProcess('true', [], { stdin: 'ignore' })).kill();
  await until(() => zombies() === 0);
  const place = mkdtempSync(join(tmpdir(), 'onezero-random-'));
  process.env['TMPDIR'] = place;
  const scripts = new Scripts({ run: '#!/bin/sh\neval "$HTTP_X_RUN"\n' });
  const before = { children: children(), descriptors: openDescriptors() };
  const outcomes: Record<string, number> = {};
  try {
    const mounts = starter === 'startProcess' ? [] : responders(scripts, starter);
    let index = 0;
    const worker = async (): Promise<void> => {
      while (index < count) {
        const random = randomSource(seed + index++);
        const outcome =
          starter === 'startProcess' ? await oneProcess(random) : await oneRequest(random, random.pick(mounts));
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    await Promise.all(mounts.map(async (respond) => respond.close()));
    scripts.remove();
    return { outcomes, ...(await remains(place, before)) };
  } finally {
    if (usualPlace === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = usualPlace;
    rmSync(place, { recursive: true, force: true });
  }
}

/** What this process holds already. */
interface Held {
  readonly children: number;
  readonly descriptors: number;
}

async function remains(place: string, before: Held): Promise<Omit<RandomReport, 'outcomes'>> {
  const look = (): Omit<RandomReport, 'outcomes'> => ({
    processes: processesWith('1000.9').length,
    children: Math.max(0, children() - before.children),
    descriptors: Math.max(0, openDescriptors() - before.descriptors),
    files: readdirSync(place),
  });
  return settled(look, (left) => left.processes + left.children + left.descriptors + left.files.length === 0);
}
