// Every comparison, one after another: in short to see where things stand (minutes), or in full to store the tables.
//
//   node all.mjs [--write]

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const isFull = process.argv.includes('--write');

/** What to run, and what makes it short. */
const COMPARISONS = [
  ['static.mjs', '--short', '--rounds', '1'],
  ['growth.mjs', '--short', '--servers', 'nginx;onezero', '--cases', '10,000 pages;missing;listing of 500'],
  ['start.mjs', '--runs', '3'],
  ['idle.mjs', '--connections', '2000'],
  ['parser.mjs', '1'],
  ['cgi.mjs', '--short', '--rounds', '1', '--connections', '8'],
  ['wsgi.mjs', '--rounds', '1', '--seconds', '1'],
  ['webdav.mjs', '--rounds', '1', '--seconds', '1'],
];

for (const [file, ...short] of COMPARISONS) {
  const child = spawn(process.execPath, [join(import.meta.dirname, file), ...(isFull ? ['--write'] : short)], {
    stdio: 'inherit',
  });
  const [code] = await once(child, 'exit');
  // The others may still be of interest.
  if (code !== 0) process.exitCode = 1;
}
