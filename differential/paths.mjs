// One reading of a path: random targets through nginx, Apache and lighttpd that guard a folder and hand the raw target on, with
// ours behind them, and ours alone with a guard of its own. What lies in the folder must never come out. Beside that, ours and
// nginx serve the same tree, and where both have a file it is the same one.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createServer } from '@onezero/server';
import { exchange } from './client.mjs';
import { isInstalled, scratchFolder, startApache, startLighttpd, startNginx } from './peers.mjs';
import { randomSource } from './random.mjs';

const SECRET = 'SECRET of the folder';

const FILES = {
  'a.txt': 'a at the top',
  'secret.txt': 'not the secret one',
  'pub/a.txt': 'a in pub',
  'pub/deep/b.txt': 'b in deep',
  'café/c.txt': 'c in café',
  'with space/d.txt': 'd',
  'adminx/a.txt': 'beside admin',
  'admin/secret.txt': SECRET,
  'admin/deep/secret.txt': SECRET,
};

const SEGMENTS = [
  'admin',
  'admin',
  'admin',
  'secret.txt',
  'secret.txt',
  'a.txt',
  'pub',
  'deep',
  'b.txt',
  'c.txt',
  'd.txt',
  'adminx',
  '',
  '',
  '.',
  '..',
  '..',
  '..',
  '%2e',
  '%2e%2e',
  '.%2E',
  '%2e.',
  '...',
  '..;',
  '..;x=1',
  'admin;x',
  ';admin',
  'admin.',
  '%61dmin',
  'adm%69n',
  'ADMIN',
  'admin%00',
  '%00',
  'admin%20',
  '%2561dmin',
  '%252e%252e',
  'secret.txt%00.html',
  'caf%C3%A9',
  'caf%c3%a9',
  'caf\u00c3\u00a9',
  'caf%E9',
  '%c0%ae%c0%ae',
  '%c0%af',
  'with%20space',
  'with+space',
  '..\\',
  '\\..\\',
  '..%5c',
  '%5c',
  'x',
  'admin?',
  'admin%3f',
  'admin%23',
  '~',
  '%',
  '%2',
  '%zz',
  'a:b',
  '@',
  'admin%09',
];

const SEPARATORS = ['/', '/', '/', '/', '/', '//', '///', '%2f', '%2F', '/./', '\\', '/%2f', '/../'];

function randomTarget(random) {
  const count = random.int(1, 7);
  let path = random.chance(0.9) ? '/' : random.pick(['//', '/./', '/%2f', '///', '/..//']);
  for (let index = 0; index < count; index++) {
    if (index > 0) path += random.pick(SEPARATORS);
    path += random.pick(SEGMENTS);
  }
  if (random.chance(0.7)) path += `${random.pick(SEPARATORS)}${random.pick(['secret.txt', 'a.txt', ''])}`;
  if (random.chance(0.1)) path += random.pick(['?x=1', '?/../a.txt', ';x', '/', '?']);
  const form = random.next();
  if (form < 0.06) return `http://localhost${path}`;
  if (form < 0.09) return `//localhost${path}`;
  return path;
}

/** @param {{ seed: number, count?: number, log?: (line: string) => void }} run */
export async function compare({ seed, count = 4000, log = () => undefined }) {
  const random = randomSource(seed);
  const folder = scratchFolder('paths');
  for (const [name, content] of Object.entries(FILES)) {
    mkdirSync(join(folder.path, name, '..'), { recursive: true });
    writeFileSync(join(folder.path, name), content);
  }
  const servers = [];
  try {
    const ours = await startOurs({ root: folder.path });
    const guarded = await startOurs({ root: folder.path, auth: [{ path: '/admin', users: () => false }] });
    const route = await startOurs({
      root: folder.path,
      routes: [{ path: '/%61dmin', responder: () => ({ status: 403, fields: [], content: Buffer.from('no') }) }],
    });
    servers.push(ours, guarded, route);
    const fronts = [
      ['the auth rule of ours', guarded.port],
      ['a route of ours', route.port],
    ];
    for (const [name, front] of await startFronts(ours.port)) {
      servers.push(front);
      fronts.push([name, front.port]);
    }
    const peer = isInstalled('nginx') ? await startNginx({ root: folder.path }) : undefined;
    if (peer !== undefined) servers.push(peer);
    const differences = [];
    let checked = 0;
    for (let number = 0; number < count; number++) {
      const target = randomTarget(random);
      const [name, port] = fronts[number % fronts.length];
      const answer = await exchange(port, { target });
      checked += 1;
      if (answer.content.includes(SECRET)) {
        log(`${name}: ${target}`);
        differences.push({ target, around: name, status: answer.status });
      }
      if (peer === undefined) continue;
      const [our, their] = await Promise.all([ours.port, peer.port].map((one) => exchange(one, { target })));
      if (our.status === 200 && their.status === 200 && !our.content.equals(their.content)) {
        differences.push({ target, ours: our.content.toString(), theirs: their.content.toString() });
      }
    }
    return { checked, differences };
  } finally {
    for (const server of servers) await server.stop();
    folder.remove();
  }
}

async function startOurs(options) {
  const server = createServer({ ...options, static: { listing: false }, reportErrors: false });
  const [{ port }] = await server.listen({ port: 0, host: '127.0.0.1' });
  return { port, stop: () => server.close({ graceMs: 0 }) };
}

/** Servers that let nobody into `/admin` and hand everything else on as it came. */
async function startFronts(port) {
  const fronts = [];
  if (isInstalled('nginx')) {
    const rules = `location ^~ /admin/ { return 403; } location = /admin { return 403; }`;
    const server = `${rules} location / { proxy_pass http://127.0.0.1:${port}; proxy_set_header Host localhost; }`;
    fronts.push(['nginx', await startNginx({ server })]);
  }
  if (isInstalled('apache2')) {
    const proxied = (more) => `<LocationMatch "^/admin(/|$)">
  Require all denied
</LocationMatch>
ProxyPass / http://127.0.0.1:${port}/ ${more}
`;
    const modules = ['proxy', 'proxy_http', 'authz_host'];
    fronts.push(['Apache', await startApache({ modules, directives: proxied('nocanon') })]);
    fronts.push(['Apache, canonical', await startApache({ modules, directives: proxied('') })]);
  }
  if (isInstalled('lighttpd')) {
    const directives = `$HTTP["url"] =~ "^/+admin(/|$)" { url.access-deny = ("") }
else $HTTP["url"] =~ "" { proxy.server = ("" => (("host" => "127.0.0.1", "port" => ${port}))) }
`;
    fronts.push(['lighttpd', await startLighttpd({ modules: ['access', 'proxy'], directives, root: '/nonexistent' })]);
  }
  return fronts;
}
