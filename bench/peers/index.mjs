// The servers that are compared, each started the way its users start it: one worker, no access log, on one core.
//
// A peer that is not installed is left out by name. `freshness` says how soon a changed file is noticed, since a
// server that looks less often does less work.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const SERVER_CORE = '0';
const here = import.meta.dirname;

/** `{ name, freshness, version(), command(root, port, scratch) }`, the baseline first. */
export const peers = [
  {
    name: 'nginx',
    freshness: 'opens the file for each request',
    version: () => versionOf('nginx', ['-v']),
    command: (root, port, scratch) => nginx(root, port, scratch, ''),
  },
  {
    name: 'nginx + open_file_cache',
    freshness: 'up to 60 s late',
    version: () => versionOf('nginx', ['-v']),
    command: (root, port, scratch) => nginx(root, port, scratch, 'open_file_cache max=1000 inactive=60s;'),
  },
  {
    name: 'lighttpd',
    freshness: 'stat for each request, cached for a second',
    version: () => versionOf('lighttpd', ['-v']),
    command: lighttpd,
  },
  {
    name: 'apache2 (event)',
    freshness: 'opens the file for each request',
    version: () => versionOf('apache2', ['-v']),
    command: apache,
  },
  {
    name: 'onezero',
    freshness: 'one stat per file and turn of the event loop',
    version: () => `Node ${process.version}`,
    command: (root, port) => [
      process.execPath,
      join(here, '../../packages/server/dist/command-line/bin.js'),
      root,
      '--port',
      String(port),
      '--host',
      '127.0.0.1',
      '--strict-port',
      '--no-listing',
      '--no-config',
      '--quiet',
    ],
  },
  {
    name: 'node:http + sirv',
    freshness: 'never: the folder is read at start',
    version: () => `Node ${process.version}`,
    command: (root, port) => [process.execPath, join(here, 'node-sirv.mjs'), root, String(port)],
  },
  {
    name: 'node:http + serve-static',
    freshness: 'stat for each request',
    version: () => `Node ${process.version}`,
    command: (root, port) => [process.execPath, join(here, 'node-serve-static.mjs'), root, String(port)],
  },
];

/** The words of a command that stays on one core; with the placement `system` wherever the system has it. */
export function placed(core, placement, words) {
  return placement === 'system' ? words : ['taskset', '-c', core, ...words];
}

/**
 * Starts a peer on the server core, or anywhere with the placement `system`, and waits until it accepts, or until `isReady` of its
 * port; `{ name, pid, port, startMs, stop() }`.
 */
export async function start(peer, root, scratch, isReady = accepts, placement = 'cores') {
  const port = await freePort();
  const folder = join(scratch, `${peer.name.replaceAll(/\W+/g, '-')}-${port}`);
  mkdirSync(folder, { recursive: true });
  const [command, ...args] = placed(SERVER_CORE, placement, peer.command(root, port, folder));
  const environment = { ...process.env };
  // Reading a certificate bundle at start is this machine's habit, not the server's.
  delete environment.NODE_EXTRA_CA_CERTS;
  const began = performance.now();
  const child = spawn(command, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: environment,
  });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (complaint += text));
  const exited = once(child, 'exit');
  while (!(await isReady(port))) {
    if (child.exitCode !== null) throw new Error(`${peer.name} ended at start: ${complaint}`);
    await delay(2);
  }
  const startMs = performance.now() - began;
  const stop = async () => {
    child.kill('SIGTERM');
    await Promise.race([exited, delay(5000).then(() => child.kill('SIGKILL'))]);
  };
  return { name: peer.name, pid: child.pid, port, startMs, stop };
}

/** The peers that are installed, and the names of the others. */
export function installed(list = peers) {
  const present = [];
  const missing = [];
  for (const peer of list) {
    const version = peer.version();
    if (version === undefined) missing.push(peer.name);
    else present.push({ ...peer, versionText: version });
  }
  return { present, missing };
}

export function versionOf(command, args) {
  try {
    const text = execFileSync('sh', ['-c', `${command} ${args.join(' ')} 2>&1`], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return /\d+\.\d+[.\d]*/.exec(text)?.[0];
  } catch {
    return undefined;
  }
}

let lastPort = 17_000;

/** A port below the ephemeral range: polling a port inside it can connect a socket to itself and look like a server. */
export async function freePort() {
  for (;;) {
    const probe = createServer();
    const port = ++lastPort;
    const free = await new Promise((resolve) => {
      probe.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!free) continue;
    probe.close();
    await once(probe, 'close');
    return port;
  }
}

export function accepts(port) {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** Whether what listens answers a request for `/index.html` with 200. */
export function answers(port) {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    let answer = '';
    socket.once('connect', () =>
      socket.write('GET /index.html HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
    );
    socket.on('data', (bytes) => (answer += bytes.toString('latin1')));
    socket.once('error', () => resolve(false)).once('close', () => resolve(/^HTTP\/1\.\d 200 /.test(answer)));
  });
}

function nginx(root, port, scratch, cache) {
  const file = join(scratch, 'nginx.conf');
  writeFileSync(
    file,
    `daemon off; worker_processes 1; pid ${scratch}/pid; error_log stderr crit; user root;
events { worker_connections 16384; }
http {
  include /etc/nginx/mime.types; default_type application/octet-stream;
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; ${cache}
  client_body_temp_path ${scratch}/b; proxy_temp_path ${scratch}/p; fastcgi_temp_path ${scratch}/f;
  uwsgi_temp_path ${scratch}/u; scgi_temp_path ${scratch}/s;
  server { listen 127.0.0.1:${port} backlog=4096; root ${root}; }
}
`,
  );
  return ['nginx', '-c', file];
}

function lighttpd(root, port, scratch) {
  const file = join(scratch, 'lighttpd.conf');
  writeFileSync(
    file,
    `server.document-root = "${root}"
server.port = ${port}
server.bind = "127.0.0.1"
server.max-keep-alive-requests = 65535
server.max-fds = 16384
server.max-connections = 8192
mimetype.assign = (".html" => "text/html", ".txt" => "text/plain", ".bin" => "application/octet-stream")
`,
  );
  return ['lighttpd', '-D', '-f', file];
}

function apache(root, port, scratch) {
  const file = join(scratch, 'apache.conf');
  const module = (name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`;
  writeFileSync(
    file,
    `ServerRoot ${scratch}
ServerName localhost
PidFile ${scratch}/pid
DefaultRuntimeDir ${scratch}
ErrorLog ${scratch}/error.log
LogLevel crit
Listen 127.0.0.1:${port}
${['mpm_event', 'authz_core', 'mime', 'dir'].map(module).join('\n')}
TypesConfig /etc/mime.types
User www-data
Group www-data
ServerLimit 16
ThreadsPerChild 64
MaxRequestWorkers 1024
MaxKeepAliveRequests 0
KeepAlive On
DocumentRoot ${root}
<Directory ${root}>
  Require all granted
</Directory>
`,
  );
  return ['apache2', '-X', '-f', file].filter((word) => word !== '-X').concat('-DFOREGROUND');
}
