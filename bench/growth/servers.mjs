// How each server is told of a case: on one core, one worker, no access log, and otherwise its defaults.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { versionOf } from '../peers/index.mjs';

const here = import.meta.dirname;

/** `{ name, version(), can(case), command(case, root, port, scratch, certificate) }`, the baseline first. */
export const servers = [
  { name: 'nginx', version: () => versionOf('nginx', ['-v']), can: () => true, command: nginx },
  { name: 'onezero', version: () => process.version, can: () => true, command: onezero },
  {
    name: 'caddy',
    version: () => versionOf('caddy', ['version']),
    can: (item) => item.onezero === undefined,
    command: caddy,
  },
  {
    name: 'sirv (looks each time)',
    version: () => versionOf('node', ['-p', `"require('${join(here, '../node_modules/sirv/package.json')}').version"`]),
    can: (item) => item.onezero === undefined && !item.secure && !/listing/.test(item.name),
    command: (_item, root, port) => [process.execPath, join(here, '../peers/node-sirv.mjs'), root, String(port), 'dev'],
  },
];

function nginx({ nginx: told = {}, secure }, root, port, scratch, { key, cert }) {
  const listen = `listen 127.0.0.1:${port} ${secure ? 'ssl' : ''} backlog=16384;`;
  const again = `listen 127.0.0.1:${port};`;
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  writeFileSync(
    join(scratch, 'nginx.conf'),
    `daemon off; worker_processes 1; pid ${scratch}/pid; error_log stderr crit; user root; worker_rlimit_nofile 65536;
events { worker_connections 32768; }
http {
  include /etc/nginx/mime.types; default_type application/octet-stream; server_names_hash_max_size 8192;
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; ${told.http ?? ''}
  ${temporary.map((name) => `${name}_temp_path ${scratch}/${name};`).join(' ')}
  server {
    ${listen} root ${root}; ${told.server ?? ''}
    ${secure ? `ssl_certificate ${cert}; ssl_certificate_key ${key};` : ''}
    ${told.inServer?.(root) ?? ''}
  }
  ${told.more?.(root, again) ?? ''}
}
`,
  );
  return ['nginx', '-c', join(scratch, 'nginx.conf'), '-e', 'stderr'];
}

function onezero({ onezero: told, secure }, root, port, scratch, { key, cert }) {
  const config = join(scratch, 'onezero.json');
  writeFileSync(config, JSON.stringify(told?.(root) ?? {}));
  const command = join(here, '../../packages/server/dist/command-line/bin.js');
  const words = ['--port', String(port), '--host', '127.0.0.1', '--strict-port', '--quiet', '--config', config];
  const tls = secure ? ['--tls-cert', cert, '--tls-key', key] : [];
  return [process.execPath, command, root, ...words, ...tls];
}

function caddy({ secure, name, fields = [] }, root, port, scratch, { key, cert }) {
  const file = join(scratch, 'Caddyfile');
  writeFileSync(
    file,
    `{
  admin off
  auto_https off
  storage file_system ${scratch}
}
${secure ? 'https' : 'http'}://127.0.0.1:${port}, ${secure ? 'https' : 'http'}://localhost:${port} {
  ${secure ? `tls ${cert} ${key}` : ''}
  root * ${root}
  ${fields.length > 0 ? 'encode gzip' : ''}
  file_server ${/listing/.test(name) ? 'browse' : ''}
}
`,
  );
  return ['env', `HOME=${scratch}`, 'GOMAXPROCS=1', 'caddy', 'run', '--config', file, '--adapter', 'caddyfile'];
}
