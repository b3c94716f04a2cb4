// The programs that are run, and the servers that run them: one worker where there is a choice, no access log.

import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { versionOf } from '../peers/index.mjs';

/** `{ name, file, needs }`: `needs` is a command that shows that it can be run. */
export const programs = [
  { name: 'C', file: 'hello', needs: ['gcc', ['--version']] },
  { name: 'sh', file: 'hello.sh', needs: ['echo', ['1.0']] },
  { name: 'perl', file: 'hello.pl', needs: ['perl', ['--version']] },
  { name: 'python3', file: 'hello.py', needs: ['/usr/bin/python3', ['--version']] },
];

/**
 * `{ name, version(), command(directory, port, place), isPartial }`, the baseline first. `isPartial`: its scripts are children
 * that nobody waits for, so their processor time is nobody's.
 */
export const peers = [
  { name: 'apache2 (mod_cgid)', version: () => versionOf('apache2', ['-v']), command: apache, isPartial: true },
  { name: 'lighttpd (mod_cgi)', version: () => versionOf('lighttpd', ['-v']), command: lighttpd },
  {
    name: 'nginx + fcgiwrap',
    version: () => versionOf('nginx', ['-v']) && versionOf('fcgiwrap', ['-h']),
    command: fcgiwrap,
    isPartial: true,
  },
  { name: 'onezero', version: () => `Node ${process.version}`, command: onezero },
];

function onezero(directory, port, place) {
  const bin = join(import.meta.dirname, '../../packages/server/dist/command-line/bin.js');
  const listen = ['--port', String(port), '--host', '127.0.0.1', '--strict-port'];
  return [process.execPath, bin, place, '--cgi-bin', directory, '--no-config', '--quiet', ...listen];
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
      fastcgi_param SCRIPT_FILENAME ${dirname(directory)}$fastcgi_script_name;
      fastcgi_pass unix:${place}/socket;
    }
  }
}
`,
  );
  // A session of its own, because it leaves its children behind when it is stopped alone.
  const wrapper = `setsid fcgiwrap -c 32 -s unix:${place}/socket 2>/dev/null`;
  return ['sh', '-c', `${wrapper} & w=$!; trap 'kill -TERM -$w $n' TERM; nginx -c ${file} & n=$!; wait`];
}
