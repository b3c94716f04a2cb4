// CGI scripts, side by side: every server gets every program in every round, in turn, and is compared within the round.
//
//   node cgi.mjs [--short] [--rounds N] [--seconds N] [--programs C,sh] [--connections 1,8,32] [--servers apache,onezero] [--write]
//
// Needs Linux, two cores and wrk; gcc for the C program. Servers and scripts have core 0, the load generator core 1.
// `--write` stores the tables in results/.

import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { measure } from './load.mjs';
import { installed, start, versionOf } from './peers/index.mjs';
import { ratio, ratioText, spread, table } from './report.mjs';

const folder = join(import.meta.dirname, 'cgi');
/** Enough requests for Node to have compiled what is hot, also on a busy machine. */
const WARM_UP_SECONDS = 8;
const BASELINE = 'apache2 (mod_cgid)';

const programs = [
  { name: 'C', file: 'hello', needs: ['gcc', ['--version']] },
  { name: 'sh', file: 'hello.sh', needs: ['echo', ['1.0']] },
  { name: 'perl', file: 'hello.pl', needs: ['perl', ['--version']] },
  { name: 'python3', file: 'hello.py', needs: ['/usr/bin/python3', ['--version']] },
];

// The scripts of these two are children that nobody waits for, so their processor time is nobody's.
const peers = [
  { name: BASELINE, version: () => versionOf('apache2', ['-v']), command: apache, isPartial: true },
  { name: 'lighttpd (mod_cgi)', version: () => versionOf('lighttpd', ['-v']), command: lighttpd },
  {
    name: 'nginx + fcgiwrap',
    version: () => versionOf('nginx', ['-v']) && versionOf('fcgiwrap', ['-h']),
    command: fcgiwrap,
    isPartial: true,
  },
  { name: 'onezero', version: () => `Node ${process.version}`, command: onezero },
];

const { values: flags } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    programs: { type: 'string' },
    connections: { type: 'string' },
    servers: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
const rounds = Number(flags.rounds ?? (flags.short ? 3 : 5));
const seconds = Number(flags.seconds ?? (flags.short ? 1 : 2));
const connections = (flags.connections ?? (flags.short ? '8' : '1,8,32')).split(',').map(Number);

const wanted = (list, name) => !list || list.split(',').some((part) => name.includes(part));
const { present, missing } = installed(peers.filter(({ name }) => wanted(flags.servers, name)));
const found = programs.filter(
  ({ name, needs }) => wanted(flags.programs ?? (flags.short ? 'C,sh' : undefined), name) && versionOf(...needs),
);
const scratch = mkdtempSync(join(tmpdir(), 'onezero-bench-'));
// Apache gives up root and runs the scripts as another user.
chmodSync(scratch, 0o755);
try {
  const directory = scripts();
  const markdown = [...(await compare(directory)), ...(await besideMemory(directory))].join('\n');
  console.log(markdown);
  if (flags.write) {
    mkdirSync(join(import.meta.dirname, 'results'), { recursive: true });
    writeFileSync(join(import.meta.dirname, 'results/cgi.md'), `${markdown}\n`);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function scripts() {
  const directory = join(scratch, 'cgi-bin');
  mkdirSync(directory);
  for (const { file } of found) {
    const target = join(directory, file);
    if (file === 'hello') execFileSync('gcc', ['-static', '-O2', '-o', target, join(folder, 'hello.c')]);
    else copyFileSync(join(folder, file), target);
    chmodSync(target, 0o755);
  }
  return directory;
}

async function compare(directory) {
  const cases = found.flatMap(({ name, file }) => connections.map((count) => ({ name, file, count })));
  const figures = new Map(cases.map((item) => [item, new Map(present.map(({ name }) => [name, []]))]));
  const servers = [];
  try {
    for (const peer of present) servers.push(await start(peer, directory, scratch));
    for (const server of servers) await measure(server, load(server, found[0], 8, WARM_UP_SECONDS));
    for (const item of cases) {
      for (let round = 0; round < rounds; round++) {
        for (const server of servers) {
          const result = await measure(server, load(server, item, item.count, seconds));
          if (result.failed > 0) throw new Error(`${server.name}, ${item.name}: ${result.failed} failures`);
          figures.get(item).get(server.name).push(result);
        }
        process.stderr.write('.');
      }
      process.stderr.write(` ${item.name}, ${item.count}\n`);
    }
  } finally {
    for (const server of servers) await server.stop();
  }
  return describe(figures, cases);
}

function load({ port }, { file }, count, duration) {
  return { url: `http://127.0.0.1:${port}/cgi-bin/${file}`, connections: count, seconds: duration };
}

function describe(figures, cases) {
  const names = present.map(({ name }) => name);
  const series = (item, name, key) =>
    figures
      .get(item)
      .get(name)
      .map((result) => result[key]);
  const rows = (cell) =>
    cases.map((item) => [`${item.name}, ${item.count} at once`, ...present.map((peer) => cell(item, peer))]);
  const median = (item, name, key, digits = 0) => spread(series(item, name, key)).median.toFixed(digits);
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  return [
    '# CGI, side by side\n',
    `Measured ${new Date().toISOString().slice(0, 10)} at ${commit}, Node ${process.version}, ${cpus()[0]?.model.trim()}, ${cpus().length} cores; ${rounds} interleaved rounds of ${seconds} s;`,
    'servers and scripts on one core, load generator (wrk, keep-alive) on the other; access logs off.',
    `Repeat with \`node bench/cgi.mjs --write\`.${missing.length > 0 ? ` Not installed, left out: ${missing.join(', ')}.` : ''}\n`,
    table(
      ['server', 'version'],
      present.map(({ name, versionText }) => [name, versionText]),
    ),
    `\n## Requests per second, ratio to ${names[0]}: median (min..max), more is better\n`,
    table(
      ['program', ...names],
      rows((item, { name }) =>
        ratioText(ratio(series(item, name, 'requestsPerSecond'), series(item, names[0], 'requestsPerSecond'))),
      ),
    ),
    '\n## Requests per second, median\n',
    table(
      ['program', ...names],
      rows((item, { name }) => median(item, name, 'requestsPerSecond')),
    ),
    '\n## Processor time of server and scripts for a request, µs (– where the scripts cannot be counted)\n',
    table(
      ['program', ...names],
      rows((item, { name, isPartial }) => (isPartial ? '–' : median(item, name, 'processorPerRequest'))),
    ),
    '\n## 99th percentile, ms\n',
    table(
      ['program', ...names],
      rows((item, { name }) => median(item, name, 'p99', 1)),
    ),
  ];
}

/** The same server small and with a gigabyte of buffers, in turn. */
async function besideMemory(directory) {
  const kinds = ['shell', 'direct'].flatMap((spawner) =>
    [0, 1024].map((mebibytes) => ({
      name: `spawner: ${spawner}, ${mebibytes} MiB of buffers`,
      spawner,
      command: (root, port) => [
        process.execPath,
        join(folder, 'beside-memory.mjs'),
        root,
        String(port),
        String(mebibytes),
        spawner,
      ],
    })),
  );
  const servers = [];
  const figures = new Map(kinds.map(({ name }) => [name, []]));
  try {
    for (const kind of kinds) servers.push(await start(kind, directory, scratch));
    for (const server of servers) await measure(server, load(server, found[0], 8, WARM_UP_SECONDS / 2));
    for (let round = 0; round < rounds; round++) {
      for (const server of servers) {
        await loopDelay(server);
        const { requestsPerSecond } = await measure(server, load(server, found[0], 8, seconds));
        figures.get(server.name).push({ requestsPerSecond, ...(await loopDelay(server)) });
      }
    }
  } finally {
    for (const server of servers) await server.stop();
  }
  const median = (name, key) => spread(figures.get(name).map((result) => result[key])).median.toFixed(0);
  return [
    `\n## Beside memory: ${found[0].name}, 8 at once, under \`node:http\`; medians\n`,
    table(
      ['server', 'resident MiB', 'requests per second', 'event loop delay p99, ms'],
      kinds.map(({ name }) => [
        name,
        median(name, 'mebibytes'),
        median(name, 'requestsPerSecond'),
        median(name, 'p99'),
      ]),
    ),
  ];
}

async function loopDelay({ port }) {
  return (await fetch(`http://127.0.0.1:${port}/delay`)).json();
}

function onezero(directory, port) {
  const bin = join(import.meta.dirname, '../packages/server/dist/command-line/bin.js');
  const listen = ['--port', String(port), '--host', '127.0.0.1', '--strict-port'];
  return [process.execPath, bin, scratch, '--cgi-bin', directory, '--no-config', '--quiet', ...listen];
}

function apache(directory, port, place) {
  const file = join(place, 'apache.conf');
  const modules = ['mpm_event', 'authz_core', 'alias', 'cgid'];
  writeFileSync(
    file,
    `ServerRoot ${place}
ServerName localhost
PidFile ${place}/pid
DefaultRuntimeDir ${place}
ErrorLog ${place}/error.log
LogLevel crit
Listen 127.0.0.1:${port}
${modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
User www-data
Group www-data
MaxKeepAliveRequests 0
ScriptSock ${place}/cgid
ScriptAlias /cgi-bin/ ${directory}/
<Directory ${directory}>
  Require all granted
</Directory>
`,
  );
  return ['apache2', '-f', file, '-DFOREGROUND'];
}

function lighttpd(directory, port, place) {
  const file = join(place, 'lighttpd.conf');
  writeFileSync(
    file,
    `server.document-root = "${directory}"
server.port = ${port}
server.bind = "127.0.0.1"
server.max-keep-alive-requests = 65535
server.modules = ("mod_alias", "mod_cgi")
alias.url = ("/cgi-bin/" => "${directory}/")
cgi.assign = ("" => "")
`,
  );
  return ['lighttpd', '-D', '-f', file];
}

function fcgiwrap(directory, port, place) {
  const file = join(place, 'nginx.conf');
  writeFileSync(
    file,
    `daemon off; worker_processes 1; pid ${place}/pid; error_log stderr crit; user root;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 1000000000; fastcgi_temp_path ${place}/f; client_body_temp_path ${place}/b;
  proxy_temp_path ${place}/p; uwsgi_temp_path ${place}/u; scgi_temp_path ${place}/s;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location /cgi-bin/ {
      include /etc/nginx/fastcgi_params;
      fastcgi_param SCRIPT_FILENAME ${scratch}$fastcgi_script_name;
      fastcgi_pass unix:${place}/socket;
    }
  }
}
`,
  );
  const wrapper = `fcgiwrap -c 32 -s unix:${place}/socket 2>/dev/null`;
  return ['sh', '-c', `${wrapper} & w=$!; trap 'kill $w $n' TERM; nginx -c ${file} & n=$!; wait`];
}
