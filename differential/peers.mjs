// Starts the servers that onezero is compared with: each on a free port of 127.0.0.1, with a configuration of its own in a
// temporary folder, and ended by the id of its process.

import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { processTree } from '../bench/process-tree.mjs';

/** The command, built. */
export const COMMAND = join(import.meta.dirname, '../packages/server/dist/command-line/bin.js');

/** Whether a program is installed. With `CI` set a missing one is an error, so that no comparison is skipped unseen. */
export function isInstalled(program) {
  try {
    execFileSync('sh', ['-c', 'command -v "$1"', 'sh', program], { stdio: 'ignore' });
    return true;
  } catch (error) {
    if (process.env.CI) throw new Error(`${program} is not installed`, { cause: error });
    return false;
  }
}

/** A temporary folder that servers running as another user can read: `{ path, remove() }`. */
export function scratchFolder(label = 'peer') {
  const path = mkdtempSync(join(tmpdir(), `onezero-differential-${label}-`));
  chmodSync(path, 0o755);
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** The newest ports of this process are held; older ones may belong to a round that is over. */
const CLAIMS = [];
const MOST_CLAIMS = 100;

/**
 * Keeps a port from other runs, of this process or another: who is to listen there does so some time after it was found free, and a
 * replica that restarts leaves it for a moment. The sign is a UDP port ten thousand below, as that of the recipes' tests.
 */
async function claim(port) {
  const socket = createSocket('udp4');
  const isClaimed = await new Promise((resolve) => {
    socket.once('error', () => resolve(false));
    socket.bind({ port: port - 10_000, address: '127.0.0.1', exclusive: true }, () => resolve(true));
  });
  if (!isClaimed) {
    socket.close();
    return false;
  }
  socket.unref();
  CLAIMS.push(socket);
  if (CLAIMS.length > MOST_CLAIMS) CLAIMS.shift().close();
  return true;
}

/** A free port below the ephemeral range, where a polling client cannot connect to itself. */
export async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (!(await claim(port))) continue;
    const probe = createServer();
    const isFree = await new Promise((resolve) => {
      probe.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    probe.close();
    await once(probe, 'close');
    return port;
  }
}

/**
 * Starts a program that listens on a port and waits until it listens there. A start that fails, for instance because
 * another process took the port meanwhile, is tried again with another port.
 *
 * @param {string} name how it is called in reports
 * @param {(port: number, folder: string) => string[]} command words to run; may write files into `folder`
 * @param {{ env?: NodeJS.ProcessEnv, cwd?: string, stopSignal?: NodeJS.Signals }} [options]
 */
export async function startServer(name, command, options = {}) {
  let complaint = '';
  for (let attempt = 0; attempt < 3; attempt++) {
    const port = await freePort();
    const folder = scratchFolder(name);
    const [program, ...words] = command(port, folder.path);
    const child = spawn(program, words, {
      stdio: ['ignore', 'ignore', 'pipe'],
      cwd: options.cwd,
      env: { ...process.env, NODE_EXTRA_CA_CERTS: undefined, ...options.env },
    });
    const server = { name, port, pid: child.pid ?? 0, origin: `http://127.0.0.1:${port}`, complaint: () => complaint };
    child.stderr.setEncoding('utf8').on('data', (text) => (complaint = (complaint + text).slice(-10_000)));
    const ended = new Promise((resolve) => child.once('exit', resolve).once('error', resolve));
    const stop = async () => {
      child.kill(options.stopSignal ?? 'SIGTERM');
      const patience = setTimeout(() => child.kill('SIGKILL'), 60_000);
      await ended;
      clearTimeout(patience);
      folder.remove();
    };
    if (await Promise.race([ended.then(() => false), untilAccepting(port, child.pid)])) {
      return { ...server, stop, [Symbol.asyncDispose]: stop };
    }
    await stop();
  }
  throw new Error(`${name} did not start: ${complaint}`);
}

/** Becomes true when a process at or below `pid` listens on the port, and false when none did for half a minute. */
async function untilAccepting(port, pid) {
  for (let waited = 0; waited < 30_000; waited += 10) {
    if (pid !== undefined && isListenedBy(port, pid)) return true;
    await delay(10);
  }
  return false;
}

/**
 * Whether the socket that listens on a TCP port belongs to a process at or below `pid`: an answer alone may come from another
 * program that took the port first.
 */
function isListenedBy(port, pid) {
  const LISTENING = '0A';
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const sockets = ['tcp', 'tcp6']
    .flatMap((table) => readFileSync(`/proc/net/${table}`, 'latin1').split('\n'))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, address, , state]) => address?.endsWith(local) && state === LISTENING)
    .map((words) => `socket:[${words[9]}]`);
  return sockets.length > 0 && processTree(pid).some((id) => openFilesOf(id).some((file) => sockets.includes(file)));
}

/** What the descriptors of a process lead to; nothing where it has ended meanwhile. */
function openFilesOf(pid) {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((name) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${name}`);
      } catch (error) {
        if (error.code !== 'ENOENT') throw error;
        return '';
      }
    });
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'ESRCH') throw error;
    return [];
  }
}

/** The command with these words; it listens on a port of its own and reads no configuration unless it is named. */
export function startOnezero(words, options = {}) {
  const config = words.some((word) => /^(-c|--config)/.test(word)) ? [] : ['--no-config'];
  const flags = (port) => ['--port', String(port), '--host', '127.0.0.1', '--strict-port', '--quiet', ...config];
  return startServer('onezero', (port) => [process.execPath, COMMAND, ...words, ...flags(port)], options);
}

/** nginx with one server block. @param {{ server?: string, http?: string, root?: string }} configuration directives */
export function startNginx({ server = '', http = '', root }) {
  return startServer('nginx', (port, folder) => {
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
    const text = `daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr crit; user root;
events { worker_connections 1024; }
http {
  include /etc/nginx/mime.types; default_type application/octet-stream; access_log off;
  ${paths.map((path) => `${path}_temp_path ${folder}/${path};`).join(' ')}
  ${http}
  server { listen 127.0.0.1:${port}; ${root === undefined ? '' : `root ${root};`} ${server} }
}
`;
    writeFileSync(join(folder, 'nginx.conf'), text);
    return ['nginx', '-c', join(folder, 'nginx.conf'), '-e', 'stderr'];
  });
}

const APACHE_MODULES = '/usr/lib/apache2/modules';

/**
 * Apache with the event module, authz_core, mime and dir, and what is named in `modules` (`['cgid', 'deflate']`).
 *
 * @param {{ modules?: string[], directives?: string, root?: string }} configuration
 */
export function startApache({ modules = [], directives = '', root }) {
  return startServer('apache', (port, folder) => {
    const loaded = ['mpm_event', 'authz_core', 'mime', 'dir', ...modules].filter((name) =>
      existsSync(`${APACHE_MODULES}/mod_${name}.so`),
    );
    const text = `ServerRoot ${folder}
ServerName localhost
PidFile ${folder}/pid
DefaultRuntimeDir ${folder}
ErrorLog ${folder}/error.log
LogLevel crit
Listen 127.0.0.1:${port}
${loaded.map((name) => `LoadModule ${name}_module ${APACHE_MODULES}/mod_${name}.so`).join('\n')}
TypesConfig /etc/mime.types
User www-data
Group www-data
StartServers 1
ServerLimit 2
ThreadsPerChild 25
MaxRequestWorkers 50
${root === undefined ? '' : `DocumentRoot "${root}"\n<Directory "${root}">\n  Require all granted\n</Directory>`}
${directives}
`;
    writeFileSync(join(folder, 'apache.conf'), text);
    return ['apache2', '-f', join(folder, 'apache.conf'), '-DFOREGROUND'];
  });
}

/** lighttpd. @param {{ modules?: string[], directives?: string, root: string }} configuration */
export function startLighttpd({ modules = [], directives = '', root }) {
  return startServer('lighttpd', (port, folder) => {
    const text = `server.modules = (${modules.map((name) => `"mod_${name}"`).join(', ')})
server.document-root = "${root}"
server.port = ${port}
server.bind = "127.0.0.1"
mimetype.assign = (".html" => "text/html", ".txt" => "text/plain", ".css" => "text/css", "" => "application/octet-stream")
index-file.names = ("index.html")
${directives}
`;
    writeFileSync(join(folder, 'lighttpd.conf'), text);
    return ['lighttpd', '-D', '-f', join(folder, 'lighttpd.conf')];
  });
}
