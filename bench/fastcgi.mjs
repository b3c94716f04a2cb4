// FastCGI, side by side: onezero and nginx ask the same php-fpm and the same C program, in turn.
//
//   node fastcgi.mjs [--short] [--rounds N] [--seconds N] [--connections N] [--placement cores|system] [--wordpress FOLDER] [--write]
//
// `--wordpress` adds the front page of an installed WordPress; both servers have it as their document root. Few of its pages are made
// in a round, so both are asked for a cheap one of its scripts first, as often as a site is within minutes. `--write` keeps the
// outcome in results/fastcgi.md. Needs Linux, two cores, wrk, nginx, php-fpm, gcc and libfcgi-dev. Placed on cores, servers and
// applications have core 0, the load generator core 1, so the time that an application takes is in every figure. With the placement
// `system` nobody is bound to a core, as people run it. Cores are the default; `--write` measures both.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { measure } from './load.mjs';
import { placed, start, versionOf } from './peers/index.mjs';
import { ratio, ratioText, spread, table } from './report.mjs';

const FPM = '/usr/sbin/php-fpm8.2';
const CHILDREN = 8;
/** Some thousand requests: code is compiled by then. */
const WARM_SECONDS = 4;
/**
 * On one core with the application, a round is decided by who preempts whom, and shorter ones by what the round before has left
 * behind: of the same two servers, rounds of 2 s gave 2.00 and rounds of 8 s 1.13 for WordPress.
 */
const LEAST_SECONDS = 8;
/** Connections that a server keeps hold the children of PHP for a second; the next round has to find all of them free. */
const SETTLE_MS = 1_200;
const PLACEMENTS = ['cores', 'system'];
/** Of a machine that has other things to do, rates say little. */
const BUSY_LOAD = 1;
const [loadBefore] = loadavg();
const { values: flags } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    connections: { type: 'string', default: '8' },
    placement: { type: 'string', multiple: true },
    wordpress: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
const rounds = Number(flags.rounds ?? (flags.short ? 3 : 7));
const seconds = Number(flags.seconds ?? LEAST_SECONDS);
const connections = Number(flags.connections);
const placements = flags.placement ?? (flags.write ? PLACEMENTS : ['cores']);
if (!placements.every((one) => PLACEMENTS.includes(one))) throw new Error(`--placement: ${PLACEMENTS.join(' or ')}`);

const HELLO = '<?php header("Content-Type: text/plain"); echo "hello\\n";';
const PAGE = `<?php $rows = []; for ($i = 0; $i < 400; $i++) $rows[] = htmlspecialchars(sprintf('row %05d <%s>', $i, md5((string) $i)));
echo '<!doctype html><title>page</title><ul><li>', implode('</li><li>', $rows), '</li></ul>';`;

function onezero(name, root, options) {
  return {
    name,
    command: (_, port) => {
      const library = new URL('../packages/server/dist/index.js', import.meta.url).href;
      const program = `import { createServer } from ${JSON.stringify(library)};
        const [root, port] = process.argv.slice(1);
        const server = createServer({ root, ...${JSON.stringify(options)} });
        await server.listen({ port: Number(port), host: '127.0.0.1' });
        process.on('SIGTERM', () => server.close({ graceMs: 0 }));`;
      return [process.execPath, '--input-type=module', '-e', program, root, String(port)];
    },
  };
}

function nginx(name, root, pass) {
  return {
    name,
    command: (_, port, scratch) => {
      const file = join(scratch, 'nginx.conf');
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
        (one) => `${one}_temp_path ${scratch}/${one};`,
      );
      writeFileSync(
        file,
        `daemon off; worker_processes 1; pid ${scratch}/pid; error_log stderr crit; user root;
events { worker_connections 1024; }
http { access_log off; ${temporary.join(' ')}
server { listen 127.0.0.1:${port}; root ${root}; index index.php;
location / { try_files $uri $uri/ /index.php?$args; }
location ~ ${pass.pattern} { include /etc/nginx/fastcgi_params; fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name; fastcgi_pass unix:${pass.socket}; } } }`,
      );
      return ['nginx', '-c', file];
    },
  };
}

async function main() {
  const scratch = mkdtempSync(join(tmpdir(), 'onezero-bench-'));
  chmodSync(scratch, 0o755);
  const ends = [];
  try {
    const root = join(scratch, 'site');
    mkdirSync(root);
    writeFileSync(join(root, 'hello.php'), HELLO);
    writeFileSync(join(root, 'page.php'), PAGE);
    const cases = [];
    for (const placement of placements) cases.push(...(await casesOf(placement, root, scratch, ends)));
    const report = [];
    for (const one of cases) report.push(await compare(one, scratch));
    const text = describe(cases, report);
    console.log(text);
    if (flags.write) writeFileSync(join(import.meta.dirname, 'results/fastcgi.md'), `# FastCGI\n\n${text}\n`);
  } finally {
    for (const end of ends.toReversed()) await end();
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function casesOf(placement, root, scratch, ends) {
  const php = await startFpm(scratch, placement, ends);
  const socket = await startHello(scratch, placement, ends);
  const { wordpress } = flags;
  const all = [
    { name: 'hello, PHP', path: '/hello.php', root, php },
    { name: 'page, PHP', path: '/page.php', root, php },
    { name: 'hello, C', path: '/app/hello', root, socket },
    { name: 'WordPress', path: '/', warm: '/wp-admin/load-scripts.php?load%5B%5D=jquery-core', root: wordpress, php },
  ];
  return all.filter((one) => one.root !== undefined).map((one) => ({ ...one, placement }));
}

async function compare({ name, path, warm = path, root, php, socket, placement }, scratch) {
  const ours =
    php === undefined
      ? { fastcgi: { address: socket, path: '/app' } }
      : { fastcgi: { address: php, root, front: 'index.php' } };
  const pass = php === undefined ? { pattern: '^/app', socket } : { pattern: '\\.php$', socket: php };
  const servers = [];
  try {
    servers.push(await start(onezero('onezero', root, ours), root, scratch, undefined, placement));
    servers.push(await start(nginx('nginx', root, pass), root, scratch, undefined, placement));
    const load = (server, duration, asked = path) => ({
      url: `http://127.0.0.1:${server.port}${asked}`,
      connections,
      seconds: duration,
      placement,
    });
    for (const server of servers) {
      await expectPage(server, warm);
      await expectPage(server, path);
      await measure(server, load(server, WARM_SECONDS, warm));
      if (warm !== path) await measure(server, load(server, WARM_SECONDS));
    }
    const results = servers.map(() => []);
    for (let round = 0; round < rounds; round++) {
      for (const [index, server] of servers.entries()) {
        await delay(SETTLE_MS);
        const result = await measure(server, load(server, seconds));
        if (result.failed > 0) throw new Error(`${server.name}, ${name}: ${result.failed} failures`);
        results[index].push(result);
      }
    }
    return results;
  } finally {
    for (const server of servers) await server.stop();
  }
}

/** A server that is asked for what it does not have is warmed with something else than the other, or compared for it. */
async function expectPage(server, path) {
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { redirect: 'manual' });
  await answer.arrayBuffer();
  if (answer.status !== 200) throw new Error(`${server.name}: ${path} is answered with ${answer.status}`);
}

function describe(cases, report) {
  const series = (results, key) => results.map((result) => result[key]);
  const rows = cases.map(({ name, placement }, index) => {
    const [ours, theirs] = report[index];
    const rates = [ours, theirs].map((results) => spread(series(results, 'requestsPerSecond')).median.toFixed(0));
    const costs = [ours, theirs].map((results) => spread(series(results, 'processorPerRequest')).median.toFixed(0));
    const better = ratio(series(ours, 'requestsPerSecond'), series(theirs, 'requestsPerSecond'));
    return [name, placement, ratioText(better), ...rates, ...costs];
  });
  const header = [
    'case',
    'placed by',
    'onezero / nginx, requests per second',
    'onezero',
    'nginx',
    'onezero, µs of its own',
    'nginx, µs',
  ];
  return [
    `${connections} connections, ${rounds} rounds of ${seconds} s in turn; nginx ${versionOf('nginx', ['-v'])} with its defaults (no kept connections to applications). On cores: server and application on core 0, load on core 1.\n`,
    table(header, rows),
    `\n${cpus().length} × ${cpus()[0].model}; Node ${process.version}; PHP ${versionOf(FPM, ['-v'])}. Repeat with \`node bench/fastcgi.mjs --write\`.${busyNote()}`,
  ].join('\n');
}

function busyNote() {
  if (loadBefore < BUSY_LOAD) return '';
  return `\n\nThe load average was ${loadBefore.toFixed(0)} before, by other programs or by a comparison that had just ended: the processor times say more than the rates.`;
}

async function startFpm(scratch, placement, ends) {
  const socket = join(scratch, `fpm-${placement}.sock`);
  const user = process.getuid?.() === 0 ? 'user = root\ngroup = root\n' : '';
  const file = join(scratch, `fpm-${placement}.conf`);
  writeFileSync(
    file,
    `[global]\nerror_log = ${scratch}/fpm.log\nlog_level = error\n[www]\n${user}listen = ${socket}\nlisten.mode = 0666\npm = static\npm.max_children = ${CHILDREN}\n`,
  );
  return background(placed('0', placement, [FPM, '-R', '-F', '-y', file]), socket, ends);
}

async function startHello(scratch, placement, ends) {
  const program = join(scratch, `hello-${placement}`);
  execFileSync('cc', ['-O2', '-o', program, join(import.meta.dirname, 'fastcgi/hello.c'), '-lfcgi']);
  const socket = join(scratch, `hello-${placement}.sock`);
  return background(placed('0', placement, [program, socket, String(CHILDREN)]), socket, ends);
}

/** Starts a command in a group of its own, which ends as a whole. */
async function background([command, ...words], socket, ends) {
  const child = spawn(command, words, { stdio: 'ignore', detached: true });
  ends.push(async () => {
    const gone = once(child, 'exit');
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    await gone;
  });
  while (!existsSync(socket) && child.exitCode === null) await delay(10);
  return socket;
}

await main();
