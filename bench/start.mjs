// Cold start (process start to first answer) and install size of the command, beside the peers.
//
//   node start.mjs [--runs N] [--write]

import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { answers, installed, start } from './peers/index.mjs';
import { processTree } from './process-tree.mjs';
import { spread, table } from './report.mjs';

const { values: flags } = parseArgs({
  options: { runs: { type: 'string', default: '10' }, write: { type: 'boolean', default: false } },
});
const bare = 'node -e 0, to its end';
const root = join(import.meta.dirname, '..');
const scratch = mkdtempSync(join(tmpdir(), 'onezero-bench-'));
chmodSync(scratch, 0o755);
try {
  const site = join(scratch, 'site');
  mkdirSync(site);
  writeFileSync(join(site, 'index.html'), '<!doctype html><title>Hello</title>');
  const { present, missing } = installed();
  const names = [...present.map(({ name }) => name), bare];
  const times = new Map(names.map((name) => [name, { wall: [], processor: [] }]));
  for (let run = 0; run < Number(flags.runs); run++) {
    for (const peer of present) {
      const server = await start(peer, site, scratch, answers);
      times.get(peer.name).wall.push(server.startMs);
      times.get(peer.name).processor.push(processorMs(server.pid));
      await server.stop();
    }
    const { wall, processor } = bareNode();
    times.get(bare).wall.push(wall);
    times.get(bare).processor.push(processor);
  }
  const rows = names.map((name) => [name, ...rangeOf(times.get(name).wall), ...rangeOf(times.get(name).processor)]);
  const markdown = [
    '# Cold start and size',
    '',
    `Milliseconds from starting the process to the end of its first answer, and the processor time of it. Measured ${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${flags.runs} runs in turn, each on one core.`,
    'Repeat with `node bench/start.mjs --write`.',
    '',
    table(['server', 'median', 'min..max', 'processor', 'min..max'], rows),
    ...(missing.length > 0 ? ['', `Not installed, left out: ${missing.join(', ')}.`] : []),
    '',
    `\`@onezero/server\` with everything it needs: ${installSize()}.`,
    '',
  ].join('\n');
  console.log(markdown);
  if (flags.write) {
    mkdirSync(join(import.meta.dirname, 'results'), { recursive: true });
    writeFileSync(join(import.meta.dirname, 'results/start.md'), markdown);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function rangeOf(values) {
  const { median, min, max } = spread(values);
  return [median.toFixed(0), `${min.toFixed(0)}..${max.toFixed(0)}`];
}

/** User plus system time of a process and its children so far, in milliseconds, as the scheduler counts it. */
function processorMs(pid) {
  let nanoseconds = 0;
  for (const id of processTree(pid)) {
    for (const thread of readdirSync(`/proc/${id}/task`)) nanoseconds += nanosecondsOf(`/proc/${id}/task/${thread}`);
  }
  return nanoseconds / 1e6;
}

/** Of one thread, or none where it has ended since it was listed. */
function nanosecondsOf(thread) {
  try {
    return Number(readFileSync(`${thread}/schedstat`, 'utf8').split(' ')[0]);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'ESRCH') throw error;
    return 0;
  }
}

/** What Node takes with nothing to do: no server in it can start faster. */
function bareNode() {
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
  const before = childTime();
  const began = performance.now();
  spawnSync('taskset', ['-c', '0', process.execPath, '-e', '0'], { env });
  const wall = performance.now() - began;
  return { wall, processor: childTime() - before };
}

/** Processor time of the children that have ended, in milliseconds: fields 16 and 17 of /proc/self/stat. */
function childTime() {
  const fields = readFileSync('/proc/self/stat', 'latin1').split(') ')[1].split(' ');
  return (Number(fields[13]) + Number(fields[14])) * 10;
}

/** What a production install brings, measured on a deployed copy without links into the workspace. */
function installSize() {
  const target = join(scratch, 'installed');
  const words = ['--filter', '@onezero/server', 'deploy', '--legacy', '--prod', target];
  const failure = deploy(words);
  if (failure !== undefined) return `not measured, because ${failure}`;
  const modules = join(target, 'node_modules/.pnpm');
  const packages = readdirSync(modules).filter((name) => name.includes('@') && name !== 'lock.yaml');
  return `${((bytesBelow(target) ?? 0) / 1e6).toFixed(2)} MB in ${packages.length + 1} packages`;
}

/** Runs pnpm, or where there is none the one that package.json names, which npx fetches. Why it could not, in words. */
function deploy(words) {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  try {
    try {
      execFileSync('pnpm', words, { cwd: root, stdio: 'ignore' });
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;
      execFileSync('npx', ['-y', packageManager, ...words], { cwd: root, stdio: 'ignore' });
    }
    return undefined;
  } catch (error) {
    return error.code === 'ENOENT'
      ? `neither pnpm nor npx was found on PATH (npm install --global ${packageManager})`
      : `pnpm ${words.slice(0, 3).join(' ')} failed: ${error.message}`;
  }
}

function bytesBelow(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) return stat?.size ?? 0;
  let sum = 0;
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (!entry.isSymbolicLink()) sum += bytesBelow(join(path, entry.name));
  }
  return sum;
}
