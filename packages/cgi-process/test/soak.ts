// Many runs of every kind, with clients that leave at random, and then a count of what is left.

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cgi, startProcess } from '../src/index.ts';
import type { CgiOptions } from '../src/index.ts';
import {
  children,
  chunks,
  openDescriptors,
  plain,
  processesWith,
  request,
  Scripts,
  settled,
  text,
  until,
  zombies,
} from './mount.ts';

/** How the runs came out, and what they left. */
export interface SoakReport {
  readonly whole: number;
  readonly broken: number;
  readonly refused: number;
  /** Processes that this one has started, living or not reaped. */
  readonly children: number;
  /** Processes of scripts. */
  readonly processes: number;
  readonly descriptors: number;
  readonly temporaryFiles: number;
  readonly grownBytes: number;
}

const AT_ONCE = 16;
const kinds = {
  hello: plain('echo hello'),
  'count-content': plain('wc -c'),
  'write-much': plain('head -c 300000 /dev/zero'),
  'write-forever': plain('cat /dev/zero'),
  'fail-early': '#!/bin/sh\nexit 3\n',
  'bad-header': '#!/bin/sh\necho nonsense\n',
  'kill-self': plain('kill -KILL $$'),
  'start-others': plain('sleep 1000.9 & sleep 1000.9'),
};

/** Runs `count` requests, about a third of which are abandoned at a random moment. */
export async function soak(count: number, spawner: CgiOptions['spawner']): Promise<SoakReport> {
  // What a process opens once, with its first child, stays open, and so does the directory for direct starts.
  const first = await startProcess('true');
  await Promise.all([first.stdin.end(), text({ status: 200, fields: [], content: first.stdout }), first.finished]);
  // A place of its own: the machine's is full of what other processes keep there.
  const { TMPDIR: before } = process.env;
  const place = mkdtempSync(join(tmpdir(), 'onezero-soak-'));
  process.env['TMPDIR'] = place;
  try {
    return await soakIn(place, count, spawner);
  } finally {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
    rmSync(place, { recursive: true, force: true });
  }
}

async function soakIn(place: string, count: number, spawner: CgiOptions['spawner']): Promise<SoakReport> {
  const descriptors = openDescriptors();
  const ownChildren = children();
  const scripts = new Scripts(kinds);
  const limits = { killGraceMs: 100, headerTimeoutMs: 5000 };
  const respond = cgi({ directory: scripts.path, spawner, limits, log: () => {} });
  const outcomes = { whole: 0, broken: 0, refused: 0 };
  const once = async (): Promise<void> => {
    const names = Object.keys(kinds);
    const name = names[Math.floor(Math.random() * names.length)] as keyof typeof kinds;
    const isAbandoned = name === 'write-forever' || name === 'start-others' || Math.random() < 0.2;
    const gone = new AbortController();
    if (isAbandoned) setTimeout(() => gone.abort(), Math.random() * 20);
    const content = name === 'count-content' ? chunks(20, 10_000) : undefined;
    const contentLength = content !== undefined && Math.random() < 0.5 ? 200_000 : undefined;
    const message = request(`/${name}`, { signal: gone.signal, content, ...(contentLength && { contentLength }) });
    const response = await respond(message);
    if (response.status >= 400) outcomes.refused++;
    else
      await text(response).then(
        () => outcomes.whole++,
        () => outcomes.broken++,
      );
  };
  const many = async (runs: number): Promise<void> => {
    let left = runs;
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        while (left-- > 0) await once();
      }),
    );
    await until(() => processesWith(scripts.path).length === 0);
  };
  await many(Math.min(count, 100));
  const bytes = process.memoryUsage().rss;
  await many(count);
  await until(() => zombies() === 0);
  const grownBytes = process.memoryUsage().rss - bytes;
  const processes = processesWith(scripts.path).length;
  await respond.close();
  scripts.remove();
  const look = (): Omit<SoakReport, keyof typeof outcomes | 'processes' | 'grownBytes'> => ({
    children: Math.max(0, children() - ownChildren),
    descriptors: Math.max(0, openDescriptors() - descriptors),
    temporaryFiles: readdirSync(place).length,
  });
  const left = await settled(look, (found) => Object.values(found).every((count) => count === 0));
  return { ...outcomes, ...left, processes, grownBytes };
}
