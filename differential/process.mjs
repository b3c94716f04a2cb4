// Random commands, started by `startProcess` of @onezero/cgi-process and by `child_process.spawn`: the bytes of both outputs,
// the exit code or signal, and what keeps a command from starting have to be the same. `/dev/stdin` and `/dev/stderr` are left
// out: the pipes of child_process are sockets, which Linux does not open again; ours are pipes (see the package's README).

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startProcess } from '@onezero/cgi-process';

import { ODD_NAMES, randomSource } from './random.mjs';

const AT_ONCE = 4;
const SIGNALS = ['TERM', 'KILL', 'INT', 'HUP', 'USR1', 'SEGV', 'PIPE', 'ALRM', 'QUIT', 'ABRT'];
/** What Node names an error, and what `startProcess` does. */
const ERRORS = {
  'not-found': 'ENOENT',
  'not-executable': 'EACCES',
  'bad-directory': 'ENOENT',
  'bad-interpreter': 'ENOENT',
};

/** @typedef {ReturnType<typeof randomSource>} Source */
/** @typedef {{ command: string, args: string[], cwd: string | undefined, environment: Record<string, string>, input: Buffer[] }} Command */

/** What a shell does, step by step. @param {Source} random */
function steps(random) {
  const made = [];
  for (let count = random.int(0, 5); count > 0; count--) {
    made.push(
      random.pick([
        () => `printf '%s' "$ODD"`,
        () => `printf '%s|' "$@" >&2`,
        () => `head -c ${random.length(200_000)} /dev/zero`,
        () => `head -c ${random.length(100_000)} /dev/zero >&2`,
        () => 'cat',
        () => 'wc -c',
        () => `head -c ${random.length(5000)}`,
        () => 'exec <&-',
        () => `(sleep 0.0${random.int(1, 5)}; echo late) & wait`,
        () => `sleep 0.0${random.int(1, 5)}`,
        () => 'env | sort',
        () => 'pwd',
        () => 'umask',
        () => 'ls /proc/self/fd | wc -l',
        () => 'exec >&-',
      ])(),
    );
  }
  made.push(random.chance(0.3) ? `kill -${random.pick(SIGNALS)} $$` : `exit ${random.int(0, 255)}`);
  return made.join('\n');
}

/** @param {Source} random @param {string} folder @returns {Command} */
function makeCommand(random, folder) {
  const input = Array.from({ length: random.int(0, 4) }, () => random.bytes(random.length(20_000)));
  const environment = {
    PATH: process.env['PATH'] ?? '/bin',
    ODD: random.pick(ODD_NAMES),
    [random.pick(['A', 'odd.name', 'é'])]: 'value',
  };
  const cwd = random.pick([undefined, '/', folder, ...(random.chance(0.1) ? ['/no/such'] : [])]);
  const args = random.some(ODD_NAMES, 0.1);
  if (random.chance(0.1)) {
    const command = random.pick([
      '/no/such',
      'no-such-command',
      `${folder}/plain`,
      '/usr',
      `${folder}/lost`,
      'true',
      `${folder}/script`,
    ]);
    return { command, args, cwd, environment, input };
  }
  return { command: '/bin/sh', args: ['-c', steps(random), 'sh', ...args], cwd, environment, input };
}

/** @param {AsyncIterable<Uint8Array>} stream */
async function digest(stream) {
  const hash = createHash('sha256');
  let length = 0;
  for await (const bytes of stream) {
    hash.update(bytes);
    length += bytes.length;
  }
  return `${length} ${hash.digest('hex').slice(0, 12)}`;
}

/** @param {Command} made */
async function byOurs({ command, args, cwd, environment, input }) {
  let child;
  try {
    child = await startProcess(command, args, { environment, inherit: [], cwd });
  } catch (error) {
    return { error: ERRORS[error.code] ?? error.code };
  }
  const outputs = Promise.all([digest(child.stdout), digest(child.stderr)]);
  for (const bytes of input) if (!(await child.stdin.write(bytes))) break;
  await child.stdin.end();
  const [stdout, stderr] = await outputs;
  const { code, signal } = await child.finished;
  return { stdout, stderr, code, signal };
}

/** @param {Command} made */
async function byNode({ command, args, cwd, environment, input }) {
  const child = spawn(command, args, { env: environment, cwd, stdio: 'pipe' });
  // The process may end before it has read all.
  child.stdin.on('error', () => undefined);
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  try {
    for (const bytes of input) child.stdin.write(bytes);
    child.stdin.end();
    const [stdout, stderr, status] = await Promise.all([digest(child.stdout), digest(child.stderr), ended]);
    return { stdout, stderr, ...status };
  } catch (error) {
    return { error: error.code };
  }
}

/** Compares both ways of starting `count` random commands. */
export async function compare({
  seed = 1,
  count = 1000,
  log = (/** @type {unknown[]} */ ..._words) => undefined,
} = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'onezero-differential-process-'));
  // A process that is killed, as one that runs tests may be at its end, leaves the folder of its pipes: here it is in ours.
  const { TMPDIR } = process.env;
  process.env['TMPDIR'] = folder;
  writeFileSync(join(folder, 'plain'), 'no program');
  writeFileSync(join(folder, 'lost'), '#!/no/such/interpreter\n');
  writeFileSync(join(folder, 'script'), '#!/bin/sh\nprintf "%s|" "$@"; exit 7\n');
  chmodSync(join(folder, 'lost'), 0o755);
  chmodSync(join(folder, 'script'), 0o755);
  const differences = [];
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const index = next++;
      const made = makeCommand(randomSource(seed + index * 7919), folder);
      const [ours, theirs] = await Promise.all([byOurs(made), byNode(made)]);
      log(index, made.command, made.args[1], ours);
      if (JSON.stringify(ours) !== JSON.stringify(theirs))
        differences.push({ index, ours, theirs, ...made, input: made.input.length });
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  } finally {
    if (TMPDIR === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = TMPDIR;
    rmSync(folder, { recursive: true, force: true });
  }
  return { checked: count, differences };
}
