// The servers of Python applications, each started the way its users start it: one application, so many processes.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { versionOf } from '../peers/index.mjs';

const folder = import.meta.dirname;
export const python = '/usr/bin/python3';

/** uvicorn, whose WebSockets are those of Debian's python3-websockets. */
export function uvicorn(name, options, processes) {
  return {
    name,
    version: () => versionOf('uvicorn', ['--version']),
    command: (_, port) => {
      const words = ['--port', String(port), '--workers', String(processes), '--log-level', 'error', '--no-access-log'];
      return ['uvicorn', ...words, ...options, '--app-dir', folder, 'asgi:application'];
    },
  };
}

/** By its library, so that the comparison needs no file. */
export function onezeroAsgi(name, baseline, processes) {
  return {
    name,
    baseline,
    version: () => `${versionOf(process.execPath, ['--version'])} (Node)`,
    command: (_, port) => {
      const library = new URL('../../packages/server/dist/index.js', import.meta.url).href;
      const options = JSON.stringify({ application: 'asgi:application', cwd: folder, python, processes });
      const program = `import { createServer } from ${JSON.stringify(library)};
        const server = createServer({ asgi: ${options} });
        await server.listen({ port: ${port}, host: '127.0.0.1' });
        process.on('SIGTERM', () => server.close({ graceMs: 0 }));`;
      return [process.execPath, '--input-type=module', '-e', program];
    },
  };
}

export function gunicorn(name, options, processes) {
  return {
    name,
    version: () => versionOf('gunicorn', ['--version']),
    command: (_, port) => {
      const listen = ['--bind', `127.0.0.1:${port}`, '--workers', String(processes)];
      return ['gunicorn', ...listen, ...options, '--chdir', folder, '--log-level', 'error', 'application:application'];
    },
  };
}

export function onezero(name, threads, processes) {
  return {
    name,
    baseline: threads === 1 ? 'gunicorn sync' : 'gunicorn gthread, 4 threads',
    version: () => `on Node ${versionOf(process.execPath, ['--version'])}`,
    command: (_, port, scratch) => {
      const configuration = join(scratch, 'onezero.config.json');
      const application = { application: 'application:application', cwd: folder, python, processes, threads };
      writeFileSync(configuration, JSON.stringify({ wsgi: [application] }));
      const bin = join(import.meta.dirname, '../../packages/server/dist/command-line/bin.js');
      const listen = ['--port', String(port), '--host', '127.0.0.1', '--strict-port'];
      return [process.execPath, bin, '--config', configuration, ...listen, '--quiet'];
    },
  };
}

/** One process of uwsgi for each of `processes`, behind nginx. */
export function uwsgi(processes) {
  return (_, port, scratch) => uwsgiCommand(processes, port, scratch);
}

function uwsgiCommand(processes, port, scratch) {
  const file = join(scratch, 'nginx.conf');
  writeFileSync(
    file,
    `daemon off; worker_processes 1; pid ${scratch}/pid; error_log stderr crit; user root;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 1000000000; uwsgi_temp_path ${scratch}/u; client_body_temp_path ${scratch}/b;
  proxy_temp_path ${scratch}/p; fastcgi_temp_path ${scratch}/f; scgi_temp_path ${scratch}/s;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / { include /etc/nginx/uwsgi_params; uwsgi_pass unix:${scratch}/socket; }
  }
}
`,
  );
  const workers = `uwsgi --plugin python3 --socket ${scratch}/socket --processes ${processes} --master --die-on-term \
    --listen 100 --chdir ${folder} --module application:application --disable-logging 2>/dev/null`;
  return ['sh', '-c', `${workers} & uwsgi=$!; trap 'kill $uwsgi $nginx' TERM; nginx -c ${file} & nginx=$!; wait`];
}
