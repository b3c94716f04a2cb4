// A folder over WebDAV, beside Apache's mod_dav: the same folder, in turn, round by round.
//
//   node webdav.mjs [--rounds N] [--seconds N] [--cases propfind,get] [--write]
//
// `--write` keeps the outcome in results/webdav.md. Needs Linux, two cores, wrk, curl and Debian's apache2. Apache does not
// wait for the disk, so onezero is started with `fsync: false` for the cases, and once more with `fsync: true` to show what that costs.
//
// Small files are written to memory (/dev/shm) as well, where no disk decides: a rename that replaces a file frees the old one, and on
// a disk mounted with `discard` that takes as long as the disk likes. Their rounds are short and many, so that what the machine does
// meanwhile meets all servers.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { measure } from './load.mjs';
import { installed, start, versionOf } from './peers/index.mjs';
import { processorMicroseconds } from './process-tree.mjs';
import { ratio, ratioText, spread, table } from './report.mjs';

const here = import.meta.dirname;
const script = (name) => join(here, 'webdav', name);

const CASES = [
  {
    name: 'propfind',
    says: 'PROPFIND of 1,000 entries',
    path: '/many/',
    script: script('propfind.lua'),
    connections: 4,
  },
  { name: 'get', says: 'GET of 1 KiB', path: '/many/1.txt', connections: 32 },
  ...[
    { name: 'put-new', says: 'PUT of 1 KiB, new names', words: ['new'] },
    { name: 'put', says: 'PUT of 1 KiB, replacing', words: [] },
  ].flatMap((one) => {
    const put = { ...one, path: '/put/', script: script('put.lua'), connections: 8, times: 4 };
    return [
      { ...put, name: `${one.name}-memory`, says: `${one.says}, in memory`, isInMemory: true },
      { ...put, says: `${one.says}, on the disk` },
    ];
  }),
  { name: 'put-large', says: 'PUT of 100 MiB', path: '/put/large.bin', bytes: 100 * 1024 * 1024 },
];

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '2' },
    cases: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
const rounds = Number(flags.rounds);
const seconds = Number(flags.seconds);
const cases = CASES.filter(({ name }) => flags.cases === undefined || flags.cases.split(',').includes(name));

const onezero = (name, fsync) => ({
  name,
  version: () => `Node ${process.version}`,
  command: (root, port) => [process.execPath, join(here, 'webdav/server.mjs'), root, String(port), String(fsync)],
});

const PEERS = [
  { name: 'mod_dav', version: () => versionOf('apache2', ['-v']), command: apache },
  onezero('onezero', false),
  onezero('onezero, fsync', true),
];

function apache(root, port, scratch) {
  const file = join(scratch, 'apache.conf');
  const module = (name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`;
  chmodSync(scratch, 0o777);
  writeFileSync(
    file,
    `ServerRoot ${scratch}
ServerName localhost
PidFile ${scratch}/pid
DefaultRuntimeDir ${scratch}
ErrorLog ${scratch}/error.log
LogLevel crit
Listen 127.0.0.1:${port}
${['mpm_event', 'authz_core', 'mime', 'dav', 'dav_fs'].map(module).join('\n')}
TypesConfig /etc/mime.types
User www-data
Group www-data
ServerLimit 4
ThreadsPerChild 64
MaxRequestWorkers 256
MaxKeepAliveRequests 0
DavLockDB ${scratch}/locks
DocumentRoot ${root}
<Directory ${root}>
  Dav On
  Require all granted
</Directory>
`,
  );
  return ['apache2', '-f', file, '-DFOREGROUND'];
}

const { present, missing } = installed(PEERS);
for (const name of missing) console.log(`${name} is not installed`);
const figures = new Map();
const places = [];
try {
  for (const isInMemory of [false, true]) {
    const own = cases.filter((one) => (one.isInMemory ?? false) === isInMemory);
    if (own.length > 0) places.push(await makePlace(isInMemory ? '/dev/shm' : tmpdir(), own));
  }
  for (let round = 0; round <= rounds; round++) {
    for (const place of places) for (const one of place.cases) await compareOnce(place, one, round);
  }
} finally {
  for (const { servers } of places) for (const server of servers) await server.stop();
}
report();
for (const { scratch } of places) rmSync(scratch, { recursive: true, force: true });

/** A folder somewhere, with all servers on it. */
async function makePlace(parent, own) {
  const scratch = mkdtempSync(join(parent, 'onezero-bench-'));
  const root = join(scratch, 'root');
  for (const name of ['many', 'put']) mkdirSync(join(root, name), { recursive: true });
  for (let index = 0; index < 1000; index++) writeFileSync(join(root, 'many', `${index}.txt`), 'x'.repeat(1024));
  writeFileSync(join(scratch, 'large.bin'), Buffer.alloc(100 * 1024 * 1024, 'large'));
  // Apache's children run as another user, and both replace what the other has written.
  for (const path of [scratch, root, join(root, 'many'), join(root, 'put')]) chmodSync(path, 0o777);
  const servers = [];
  for (const peer of present) servers.push(await start(peer, root, scratch));
  return { scratch, root, servers, cases: own };
}

async function compareOnce({ servers, root, scratch }, one, round) {
  for (let time = 0; time < (one.times ?? 1); time++) {
    // Whoever comes first finds the machine as another case has left it, so that is each in turn.
    const turn = (round + time) % servers.length;
    for (const server of [...servers.slice(turn), ...servers.slice(0, turn)]) {
      const result = one.bytes === undefined ? await burst(server, one) : large(server, one, scratch);
      // The first round is for Node to compile what is hot.
      if (round > 0) note(`${one.name} ${server.name}`, result);
      if (one.words?.includes('new')) empty(join(root, 'put'));
    }
  }
}

/** What was written goes, and with it what the disk still has to do for it. */
function empty(folder) {
  for (const name of readdirSync(folder)) if (name.endsWith('.bin')) rmSync(join(folder, name));
  execFileSync('sync', ['-f', folder]);
}

async function burst(server, { path, script: file, connections, times = 1, words = [] }) {
  const result = await measure(server, {
    url: `http://127.0.0.1:${server.port}${path}`,
    connections,
    seconds: Math.max(1, Math.round(seconds / times)),
    script: file,
    words,
  });
  if (result.failed > 0)
    throw new Error(`${server.name} refused ${result.failed} of ${result.requests} requests for ${path}`);
  return { perSecond: result.requestsPerSecond, processor: result.processorPerRequest };
}

function large(server, { path }, scratch) {
  const before = processorMicroseconds(server.pid);
  const url = `http://127.0.0.1:${server.port}${path}`;
  const words = [
    '-c',
    '1',
    'curl',
    '-sf',
    '-o',
    join(scratch, 'answer'),
    '-w',
    '%{time_total}',
    '-T',
    join(scratch, 'large.bin'),
    url,
  ];
  const took = Number(execFileSync('taskset', words, { encoding: 'utf8' }));
  return { perSecond: 1 / took, processor: processorMicroseconds(server.pid) - before };
}

function note(key, result) {
  const known = figures.get(key) ?? { perSecond: [], processor: [] };
  known.perSecond.push(result.perSecond);
  known.processor.push(result.processor);
  figures.set(key, known);
}

function report() {
  const rows = cases.flatMap(({ name, says }) => {
    const baseline = figures.get(`${name} ${present[0].name}`);
    return present.map((server) => {
      const own = figures.get(`${name} ${server.name}`);
      return [
        `${says}, ${server.name}`,
        spread(own.perSecond).median.toFixed(1),
        ratioText(ratio(own.perSecond, baseline.perSecond)),
        Math.round(spread(own.processor).median),
        ratioText(ratio(baseline.processor, own.processor)),
      ];
    });
  });
  const header = ['case', 'requests/s', 'beside mod_dav', 'processor µs/request', 'mod_dav / this'];
  const text = `${table(header, rows)}\n`;
  console.log(text);
  const versions = present.map(({ name, versionText }) => `${name}: ${versionText}`).join('; ');
  const intro = `# A folder over WebDAV\n\n\`node webdav.mjs --rounds ${rounds} --seconds ${seconds}\`. ${versions}. Medians and ranges of rounds; servers have one core, the load another.\n\n`;
  if (flags.write) writeFileSync(join(here, 'results/webdav.md'), intro + text);
}
