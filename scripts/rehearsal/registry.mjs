// A real registry server on loopback, with storage and an account of its own that end with the rehearsal.
//
// Our packages exist only here; everything else is passed through to the registry that this machine's npm uses.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { run } from './run.mjs';

// The newest that runs on Node 20. It asks for node-fetch by a dist-tag that a mirror need not have: this is the version
// meant.
const manifest = { private: true, dependencies: { verdaccio: '6.1.6' }, overrides: { 'node-fetch': '2.6.7' } };

/** Throws unless `url` is a port on this machine: the rehearsal publishes nowhere else. */
export function assertLoopback(url) {
  if (!/^http:\/\/127\.0\.0\.1:\d+\/$/.test(url)) throw new Error(`refusing to publish to ${url}: it is not loopback`);
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

function configuration(uplink) {
  return JSON.stringify({
    storage: './storage',
    auth: { htpasswd: { file: './htpasswd' } },
    uplinks: { upstream: { url: uplink } },
    packages: {
      '@onezero/*': { access: '$all', publish: '$authenticated' },
      onezero: { access: '$all', publish: '$authenticated' },
      '**': { access: '$all', proxy: 'upstream' },
    },
    log: { type: 'stdout', format: 'pretty', level: 'error' },
  });
}

async function createAccount(url) {
  const response = await fetch(`${url}-/user/org.couchdb.user:rehearsal`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'rehearsal', password: 'only-on-loopback' }),
  });
  if (!response.ok) throw new Error(`the registry made no account: ${response.status}`);
  return (await response.json()).token;
}

/** Starts the registry in `folder`. `token` may publish; `close` ends it. */
export async function startRegistry(folder) {
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  run(folder, process.env, 'npm', 'install', '--ignore-scripts', '--no-audit', '--no-fund');
  const uplink = run(folder, process.env, 'npm', 'config', 'get', 'registry').trim();
  writeFileSync(join(folder, 'config.yaml'), configuration(uplink));
  const address = `127.0.0.1:${await freePort()}`;
  const log = openSync(join(folder, 'registry.log'), 'w');
  const child = fork(
    join('node_modules', 'verdaccio', 'bin', 'verdaccio'),
    ['--config', 'config.yaml', '--listen', address],
    { cwd: folder, stdio: ['ignore', log, log, 'ipc'], execArgv: [] },
  );
  process.once('exit', () => child.kill());
  // It sends one message, when it listens.
  const [started] = await Promise.race([once(child, 'message'), once(child, 'exit')]);
  if (started?.verdaccio_started !== true)
    throw new Error(`no registry: ${readFileSync(join(folder, 'registry.log'), 'utf8')}`);
  const url = `http://${address}/`;
  return {
    url,
    token: await createAccount(url),
    async close() {
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}
