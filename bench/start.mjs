// Cold start (process start to first answer) and install size of the command, beside the peers.
//
//   node start.mjs [--runs N] [--write]

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync, mkdirSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { installed, start } from './peers/index.mjs';
import { spread, table } from './report.mjs';

const { values: flags } = parseArgs({
  options: { runs: { type: 'string', default: '10' }, write: { type: 'boolean', default: false } },
});
const scratch = mkdtempSync(join(tmpdir(), 'onezero-bench-'));
chmodSync(scratch, 0o755);
try {
  const root = join(scratch, 'site');
  mkdirSync(root);
  writeFileSync(join(root, 'index.html'), '<!doctype html><title>Hello</title>');
  const { present, missing } = installed();
  const times = new Map(present.map((peer) => [peer.name, []]));
  for (let run = 0; run < Number(flags.runs); run++) {
    for (const peer of present) {
      const server = await start(peer, root, scratch);
      times.get(peer.name).push(server.startMs);
      await server.stop();
    }
  }
  const rows = present.map((peer) => {
    const { median, min, max } = spread(times.get(peer.name));
    return [peer.name, median.toFixed(0), `${min.toFixed(0)}..${max.toFixed(0)}`];
  });
  const markdown = [
    '# Cold start and size',
    '',
    `Milliseconds from starting the process to the first accepted connection. Measured ${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${flags.runs} runs in turn.`,
    'Repeat with `node bench/start.mjs --write`.',
    '',
    table(['server', 'median', 'min..max'], rows),
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

// What a production install brings, measured on a deployed copy without links into the workspace.
function installSize() {
  const target = join(scratch, 'installed');
  execFileSync('pnpm', ['--filter', '@onezero/server', 'deploy', '--legacy', '--prod', target], { stdio: 'ignore' });
  const modules = join(target, 'node_modules/.pnpm');
  const packages = readdirSync(modules).filter((name) => name.includes('@') && name !== 'lock.yaml');
  return `${((bytesBelow(target) ?? 0) / 1e6).toFixed(2)} MB in ${packages.length + 1} packages`;
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
