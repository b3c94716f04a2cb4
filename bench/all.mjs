// Every comparison, one after another: in short to see where things stand (minutes), or in full to store the tables.
//
//   node all.mjs [--write] [--rounds N] [--wordpress FOLDER]
//
// In full it takes more than an hour, with three rounds almost an hour. `--wordpress` is the root of an installed WordPress, for
// the comparison of FastCGI.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values: flags } = parseArgs({
  options: { write: { type: 'boolean' }, rounds: { type: 'string' }, wordpress: { type: 'string' } },
});
const rounds = flags.rounds === undefined ? [] : ['--rounds', flags.rounds];
const wordpress = flags.wordpress === undefined ? [] : ['--wordpress', flags.wordpress];

/** What to run, what makes it short, and what belongs to it in full. */
const COMPARISONS = [
  { file: 'static.mjs', short: ['--short', '--rounds', '1'], full: rounds },
  {
    file: 'growth.mjs',
    short: ['--short', '--servers', 'nginx;onezero', '--cases', '10,000 pages;missing;listing of 500'],
    full: rounds,
  },
  { file: 'start.mjs', short: ['--runs', '3'], full: [] },
  { file: 'idle.mjs', short: ['--connections', '2000'], full: [] },
  { file: 'parser.mjs', short: ['1'], full: [] },
  { file: 'cgi.mjs', short: ['--short', '--rounds', '1', '--connections', '8'], full: rounds },
  { file: 'fastcgi.mjs', short: ['--short', '--rounds', '1'], full: [...rounds, ...wordpress] },
  { file: 'wsgi.mjs', short: ['--rounds', '1', '--seconds', '1', '--connections', '32'], full: rounds },
  { file: 'wsgi.mjs', short: ['--asgi', '--rounds', '1', '--seconds', '1'], full: ['--asgi', ...rounds] },
  { file: 'webdav.mjs', short: ['--rounds', '1', '--seconds', '1'], full: rounds },
  { file: 'live.mjs', short: ['--runs', '3'], full: [] },
];

for (const { file, short, full } of COMPARISONS) {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, file), ...(flags.write === true ? ['--write', ...full] : short)],
    {
      stdio: 'inherit',
    },
  );
  const [code] = await once(child, 'exit');
  // The others may still be of interest.
  if (code !== 0) process.exitCode = 1;
}
