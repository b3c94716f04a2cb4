// WebDAV under SIGKILL: two processes serve one folder, clients copy, move, replace, remove, lock and write whole files and trees,
// and one or both processes are killed at a random instant. A new process then has to find, whatever was under way:
//
// - each file with all of its content, and with its own properties, not those of another;
// - each tree with all of its members, or not at all;
// - no lock on what is not there, and nothing left over of what was under way.
//
// There is no peer that does this; mod_dav leaves half trees.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { exchange } from './client.mjs';
import { scratchFolder } from './peers.mjs';
import { randomSource } from './random.mjs';

const MEMBERS = ['a.txt', 'b.txt', 'sub/c.txt', 'sub/deep/d.txt', 'sub/deep/e.txt', 'z.txt'];
const SEEDS = ['s0', 's1', 's2'];
const FILES = ['f0', 'f1', 'f2', 'in/f3', 'in/f4'];
const TREES = ['t0', 't1', 'in/t2'];
const UPLOADS = ['u0', 'in/u1'];

/** @param {{ seed: number, count?: number, log?: (line: string) => void }} run `count` is the number of kills */
export async function compare({ seed, count = 300, log = () => undefined }) {
  const random = randomSource(seed);
  const folder = scratchFolder('webdav-kills');
  const root = folder.path;
  const differences = [];
  const report = (kind, details) => {
    log(`${kind}: ${JSON.stringify(details)}`);
    differences.push({ kind, ...details });
  };
  try {
    await prepare(root);
    for (let kill = 0; kill < count && differences.length < 10; kill++) {
      await storm(random, root, report);
      await look(root, kill, report);
    }
  } finally {
    folder.remove();
  }
  return { checked: count, differences };
}

async function start(root) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'webdav-server.mjs'), root], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = once(child, 'exit');
  const [line] = await once(createInterface(child.stdout), 'line');
  return { port: Number(line), kill: async () => void (child.kill('SIGKILL'), await gone) };
}

const update = (value) =>
  `<propertyupdate xmlns="DAV:"><set><prop><p xmlns="urn:t">${value}</p></prop></set></propertyupdate>`;
const QUERY = '<propfind xmlns="DAV:"><prop><p xmlns="urn:t"/></prop></propfind>';
const LOCK = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>';

function ask(port, method, path, { content = '', fields = [] } = {}) {
  return exchange(port, {
    method,
    target: `/${path}`,
    fields: [...fields, ['Content-Length', String(content.length)]],
    content,
  });
}

/** What everything is copied from: files and a tree, each with its name as content and property. */
async function prepare(root) {
  mkdirSync(join(root, 'in'));
  for (const name of SEEDS) writeFileSync(join(root, name), name);
  mkdirSync(join(root, 'tree/sub/deep'), { recursive: true });
  for (const name of MEMBERS) writeFileSync(join(root, 'tree', name), name);
  const server = await start(root);
  for (const name of SEEDS) await ask(server.port, 'PROPPATCH', name, { content: update(name) });
  for (const name of MEMBERS) await ask(server.port, 'PROPPATCH', `tree/${name}`, { content: update(name) });
  await ask(server.port, 'PROPPATCH', 'tree/', { content: update('tree') });
  await server.kill();
}

/** Requests of several clients to two processes, of which one or both are killed in the middle. */
async function storm(random, root, report) {
  const servers = await Promise.all([start(root), start(root)]);
  let isOver = false;
  let done = 0;
  const client = async (seed) => {
    const own = randomSource(seed);
    while (!isOver) {
      const answer = await step(own, own.pick(servers).port);
      done++;
      if (answer.status >= 500 && answer.status !== 503 && answer.status !== 507)
        report('server error', { status: answer.status });
    }
  };
  const clients = Promise.all(Array.from({ length: 5 }, () => client(random.int(0, 2 ** 31))));
  // The instant is chosen by what was done, not by a clock: after so many answers, and a turn of the loop or some more.
  const wanted = random.int(1, 25);
  while (done < wanted) await new Promise((resolve) => setImmediate(resolve));
  for (let turns = random.int(0, 300); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
  await servers[0].kill();
  if (random.chance(0.5)) for (let more = done + 3; done < more;) await new Promise((resolve) => setImmediate(resolve));
  isOver = true;
  await servers[1].kill();
  await clients;
}

function step(random, port) {
  const destination = (path) => [['Destination', `http://localhost/${path}`]];
  switch (
    random.pick([
      'seed',
      'seed',
      'move',
      'move',
      'tree',
      'tree',
      'move tree',
      'move tree',
      'delete',
      'delete tree',
      'put',
      'put',
      'lock',
      'unlock',
    ])
  ) {
    case 'seed':
      return ask(port, 'COPY', random.pick(SEEDS), { fields: destination(random.pick(FILES)) });
    case 'move':
      return ask(port, 'MOVE', random.pick(FILES), { fields: destination(random.pick(FILES)) });
    case 'tree':
      return ask(port, 'COPY', 'tree/', { fields: destination(random.pick(TREES)) });
    case 'move tree':
      return ask(port, 'MOVE', random.pick(TREES), { fields: destination(random.pick(TREES)) });
    case 'delete':
      return ask(port, 'DELETE', random.pick(FILES));
    case 'delete tree':
      return ask(port, 'DELETE', random.pick(TREES));
    case 'put': {
      const body = random.string(random.length(60_000));
      return ask(port, 'PUT', random.pick(UPLOADS), { content: `${body.length} ${body}` });
    }
    default:
      return ask(port, 'LOCK', random.pick(['l0', 'in/l1', 'l2']), {
        content: LOCK,
        fields: [['Timeout', 'Second-1']],
      });
  }
}

/** What a new process finds. */
async function look(root, kill, report) {
  const server = await start(root);
  // The first write waits for what the start removes.
  await ask(server.port, 'MKCOL', 'first');
  await ask(server.port, 'DELETE', 'first');
  for (const name of UPLOADS) {
    const [, length, body] =
      /^(\d+) (\w*)$/.exec(existsSync(join(root, name)) ? readFileSync(join(root, name), 'latin1') : '0 ') ?? [];
    if (body === undefined || Number(length) !== body.length) report('half a file', { kill, name });
  }
  const own = [...SEEDS, ...FILES].map((name) => ({ name, content: undefined }));
  const trees = ['tree', ...TREES].filter((name) => existsSync(join(root, name)));
  for (const name of trees) {
    for (const member of MEMBERS) {
      if (existsSync(join(root, name, member))) own.push({ name: `${name}/${member}`, content: member });
      else report('half a tree', { kill, name, member });
    }
    if ((await propertyOf(server.port, `${name}/`)) !== 'tree') report('a tree without its property', { kill, name });
  }
  for (const { name, content } of own) {
    if (!existsSync(join(root, name))) continue;
    const text = readFileSync(join(root, name), 'utf8');
    const property = await propertyOf(server.port, name);
    if (property !== text || (content !== undefined && content !== text))
      report('a property of another', { kill, name, text, property });
  }
  for (const path of leftovers(root)) report('left over', { kill, path });
  await server.kill();
}

async function propertyOf(port, path) {
  const { content } = await ask(port, 'PROPFIND', path, { content: QUERY, fields: [['Depth', '0']] });
  return /<p xmlns="urn:t">([^<]*)</.exec(content.toString())?.[1];
}

/** What has no process that works on it: work folders, records of nothing, locks of nothing. */
function leftovers(root) {
  const left = [];
  for (const path of readdirSync(root, { recursive: true })) {
    // The living process may have kept the turn of the root for a moment.
    if (!path.includes('.onezero-') || path.startsWith('.onezero-partial-webdav')) continue;
    if (statSync(join(root, path)).isDirectory()) {
      if (!path.endsWith('.onezero-webdav')) left.push(path);
    } else if (path === '.onezero-webdav/locks.json') {
      const now = Date.now();
      const locks = JSON.parse(readFileSync(join(root, path), 'utf8'));
      for (const lock of locks)
        if (lock.expiresAtMs > now && !existsSync(join(root, lock.path))) left.push(`a lock of ${lock.path}`);
    } else if (/\/[0-9a-f]{32}\.json$/.test(path)) {
      const { name } = JSON.parse(readFileSync(join(root, path), 'utf8'));
      if (!existsSync(join(root, path, '../..', name))) left.push(`a record of ${name}`);
    } else if (!path.endsWith('.onezero-webdav/self.json')) left.push(path);
  }
  return left;
}
