// WebDAV whose clients leave: requests of all kinds, cut at every kind of place, by closing, by a reset, or by closing one direction
// only. After some of them, when the server rests:
//
// - it answers, and has as many descriptors as before;
// - there is no file, folder, lock or record of what was under way;
// - each file is one whole content that somebody sent to its end, each tree has all of its members or is not there;
// - what is left of the quota is what the files leave of it.
//
// There is no peer for this; mod_dav leaves the descriptors to its children and half a tree to the next client.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { exchange, field, requestBytes } from './client.mjs';
import { scratchFolder } from './peers.mjs';
import { randomSource } from './random.mjs';

/** Requests between two looks; some of them at once. */
const BATCH = 24;
const CLIENTS = 6;
const QUOTA_BYTES = 64 * 1024 * 1024;

/** How long the server may take to come to rest; a guard, never a measurement. */
const REST_MS = 20_000;

const FILES = ['f0', 'f1', 'in/f2', 'in/f3'];
const TREES = ['t0', 't1', 'in/t2'];

const QUERY = '<propfind xmlns="DAV:"><prop><getetag/><p xmlns="urn:t"/></prop></propfind>';
const LOCK = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>';
const USED = '<propfind xmlns="DAV:"><prop><quota-used-bytes/></prop></propfind>';
const update = (value) =>
  `<propertyupdate xmlns="DAV:"><set><prop><p xmlns="urn:t">${value}</p></prop></set></propertyupdate>`;

/** @param {{ seed: number, count?: number, log?: (line: string) => void }} run `count` is the number of requests */
export async function compare({ seed, count = 500, log = () => undefined }) {
  const random = randomSource(seed);
  const differences = [];
  let checked = 0;
  for (const engine of random.shuffle(['engine', 'node'])) {
    const folder = scratchFolder('webdav-aborts');
    const quota = random.chance(0.5) ? [String(QUOTA_BYTES)] : [];
    const server = await start(folder.path, [engine, ...quota]);
    // Trees that take a while, so that clients are gone before they are copied, moved or removed.
    const treeFiles = count < 1000 ? 60 : 1500;
    const world = {
      random,
      treeFiles,
      root: folder.path,
      server,
      hasQuota: quota.length > 0,
      sent: new Set(),
      number: 0,
    };
    const report = (kind, details) => {
      log(`${kind}: ${JSON.stringify(details)}`);
      differences.push({ engine, hasQuota: world.hasQuota, kind, ...details });
    };
    try {
      await prepare(world);
      const until = checked + Math.ceil(count / 2);
      while (checked < until && differences.length < 10) {
        const done = await batch(world);
        for (const one of done) log(one);
        checked += done.length;
        await look(world, done, report);
      }
    } finally {
      await server.kill();
      folder.remove();
    }
  }
  return { checked, differences };
}

async function start(root, words) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'webdav-server.mjs'), root, ...words], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const gone = once(child, 'exit');
  const [line] = await once(createInterface(child.stdout), 'line');
  const kill = async () => void (child.kill('SIGKILL'), await gone);
  return { child, port: Number(line), kill, descriptors: () => readdirSync(`/proc/${child.pid}/fd`).length };
}

async function ask({ server }, method, path, { content = '', fields = [] } = {}) {
  return exchange(server.port, {
    method,
    target: `/${path}`,
    fields: [...fields, ['Content-Length', String(Buffer.byteLength(content))]],
    content,
  });
}

/** A tree to copy, and every kind of request once, so that what a server opens once for all is open. */
async function prepare(world) {
  const { root } = world;
  mkdirSync(join(root, 'in'));
  mkdirSync(join(root, 'tree/deep'), { recursive: true });
  for (let index = 0; index < world.treeFiles; index++)
    writeFileSync(join(root, 'tree', index % 2 === 0 ? '' : 'deep', `${index}.txt`), `${index}`);
  await ask(world, 'PUT', 'f0', { content: contentOf(world, 100) });
  await ask(world, 'PUT', 'f1', { content: contentOf(world, 300_000) });
  await ask(world, 'PROPPATCH', 'f0', { content: update('1') });
  await ask(world, 'COPY', 'tree/', { fields: [['Destination', 'http://localhost/t0']] });
  await ask(world, 'DELETE', 't0');
  await ask(world, 'PROPFIND', 'tree/', { content: QUERY, fields: [['Depth', '1']] });
  await ask(world, 'GET', 'f1');
  await settled(() => leftovers(root).length === 0);
  world.descriptors = world.server.descriptors();
}

/** Content that says what it is: its number, its length, and as many letters. */
function contentOf(world, length) {
  const number = world.number++;
  const text = `${number} ${length} ${'x'.repeat(length)}`;
  world.sent.add(number);
  return text;
}

/** Some requests, several at once, each of which its client leaves. Resolves with what they were. */
async function batch(world) {
  const { random } = world;
  const requests = [];
  for (let index = 0; index < BATCH; index++) requests.push(await randomRequest(world));
  const cuts = requests.map((request) => cutOf(random, request));
  const waiting = cuts.map((_, index) => index);
  const client = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await leave(world, cuts[next]);
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return cuts.map(({ says }) => says);
}

async function randomRequest(world) {
  const { random } = world;
  const kind = random.pick(['put', 'put', 'put', 'put', 'tree', 'tree', 'xml', 'xml', 'read']);
  if (kind === 'put') return randomPut(world);
  const to = (path) => ['Destination', `http://localhost/${path}`];
  if (kind === 'tree')
    return random.pick([
      { method: 'COPY', path: 'tree/', fields: [to(random.pick(TREES))] },
      { method: 'COPY', path: 'tree/', fields: [to(random.pick(TREES))] },
      { method: 'MOVE', path: random.pick(TREES), fields: [to(random.pick(TREES))] },
      { method: 'DELETE', path: random.pick(TREES), fields: [] },
      { method: 'COPY', path: random.pick(FILES), fields: [to(random.pick(FILES))] },
      { method: 'MOVE', path: random.pick(FILES), fields: [to(random.pick(FILES))] },
    ]);
  if (kind === 'read')
    return random.pick([
      { method: 'GET', path: random.pick(FILES), fields: [] },
      { method: 'GET', path: 'f1', fields: [['Range', 'bytes=5-200000']] },
      { method: 'PROPFIND', path: 'tree/', fields: [['Depth', '1']], content: QUERY },
      { method: 'OPTIONS', path: '', fields: [] },
    ]);
  return random.pick([
    { method: 'PROPPATCH', path: random.pick(FILES), fields: [], content: update(String(world.number++)) },
    { method: 'PROPPATCH', path: 'tree/', fields: [], content: update('y'.repeat(random.length(20_000))) },
    { method: 'LOCK', path: random.pick(['l0', 'in/l1']), fields: [['Timeout', 'Second-1']], content: LOCK },
    { method: 'MKCOL', path: random.pick(['m0', 'in/m1']), fields: [] },
  ]);
}

async function randomPut(world) {
  const { random } = world;
  const path = random.pick(FILES);
  const number = world.number++;
  const length = random.length(random.pick([1_000, 70_000, 400_000]));
  const request = { method: 'PUT', path, fields: [], content: `${number} ${length} ${'x'.repeat(length)}`, number };
  const condition = random.pick(['none', 'none', 'If-Match', 'If-None-Match', 'If']);
  if (condition === 'If-None-Match') request.fields.push([condition, '*']);
  if (condition === 'If') request.fields.push(['If', '(Not <urn:none>)']);
  if (condition === 'If-Match') {
    const tag = field(await ask(world, 'HEAD', path), 'etag');
    if (tag !== undefined) request.fields.push([condition, tag]);
  }
  if (random.chance(0.2)) request.fields.push(['Expect', '100-continue']);
  return request;
}

/** The pieces of a request with what each of them is, and where its client stops. */
function cutOf(random, { method, path, fields, content = '', number }) {
  const isChunked = content !== '' && random.chance(0.4);
  const framing = isChunked
    ? ['Transfer-Encoding', 'chunked']
    : content === ''
      ? undefined
      : ['Content-Length', String(content.length)];
  const all = [...fields, ...(framing === undefined ? [] : [framing])];
  const head = requestBytes({ method, target: `/${path}`, fields: all });
  const parts = content === '' ? [] : random.cut(Buffer.from(content), 5).filter((part) => part.length > 0);
  const pieces = [
    ['the head', head],
    ...parts.flatMap((part) => (isChunked ? chunkOf(part) : [['content', part]])),
    ...(isChunked ? [['the last chunk', Buffer.from('0\r\n\r\n')]] : []),
  ];
  const at = random.int(0, pieces.length);
  const isWhole = at === pieces.length;
  const inside = isWhole ? 0 : random.pick([0, 1, random.int(0, pieces[at][1].length - 1), pieces[at][1].length - 1]);
  const sent = pieces.slice(0, at).map(([, bytes]) => bytes);
  if (inside > 0) sent.push(pieces[at][1].subarray(0, inside));
  const waits = random.pick(['not', 'a turn', 'for what comes']);
  const ending = random.pick(['close', 'reset', 'half']);
  const place = isWhole ? 'before the answer' : `in ${pieces[at][0]} at ${inside}`;
  return {
    sent: random.chance(0.3) ? [Buffer.concat(sent)] : sent,
    isWhole,
    number,
    waits,
    ending,
    says: `${method} /${path} ${all.map((one) => one.join(': ')).join(', ')}; ${place}; waits ${waits}; ${ending}`,
  };
}

function chunkOf(part) {
  return [
    ['the length of a chunk', Buffer.from(`${part.length.toString(16)}\r\n`)],
    ['a chunk', part],
    ['the end of a chunk', Buffer.from('\r\n')],
  ];
}

/** Sends what is sent of a request, and goes. Resolves when the connection is closed on this side. */
function leave({ server, sent: known }, { sent, isWhole, number, waits, ending }) {
  if (isWhole && number !== undefined) known.add(number);
  return new Promise((resolve) => {
    const socket = createConnection({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
    let isGoing = false;
    const go = () => {
      if (isGoing) return;
      isGoing = true;
      if (ending === 'reset') socket.resetAndDestroy();
      else if (ending === 'close') socket.destroy();
      else socket.end();
    };
    const sendFrom = (index) => {
      if (socket.destroyed) return;
      if (index < sent.length) {
        if (sent[index].length === 0) sendFrom(index + 1);
        else
          socket.write(sent[index], () => (waits === 'not' ? sendFrom(index + 1) : setImmediate(sendFrom, index + 1)));
      } else if (waits !== 'for what comes' || !isWhole) setImmediate(go);
    };
    socket.on('connect', () => sendFrom(0));
    // What comes may be `100 Continue`, the answer, or a refusal before the end.
    socket.on('data', () => {
      if (waits === 'for what comes') go();
    });
    socket.on('end', () => socket.destroy());
    socket.on('error', () => undefined);
    socket.on('close', resolve);
  });
}

async function look(world, done, report) {
  const { root, server } = world;
  const { status } = await ask(world, 'OPTIONS', '');
  if (status !== 200) report('no answer', { status });
  // What a client sent last may still be on its way through the server.
  await settled(() => server.descriptors() <= world.descriptors && leftovers(root).length === 0);
  const descriptors = server.descriptors();
  if (descriptors > world.descriptors) report('descriptors', { descriptors, before: world.descriptors, done });
  for (const path of leftovers(root)) report('left over', { path, done });
  for (const path of FILES) {
    const place = join(root, path);
    const text = existsSync(place) ? readFileSync(place, 'latin1') : undefined;
    const [, number, length, body] = (text === undefined ? undefined : /^(\d+) (\d+) (x*)$/.exec(text)) ?? [];
    if (text !== undefined && (body === undefined || Number(length) !== body.length || !world.sent.has(Number(number))))
      report('no whole content', { path, length: text.length, begins: text.slice(0, 20), done });
  }
  for (const path of ['tree', ...TREES].filter((one) => existsSync(join(root, one)))) {
    const files = readdirSync(join(root, path), { recursive: true }).filter((name) => name.endsWith('.txt'));
    if (files.length !== world.treeFiles) report('half a tree', { path, files: files.length, done });
  }
  if (world.hasQuota) await lookAtQuota(world, done, report);
}

async function settled(isSettled) {
  const started = performance.now();
  while (!isSettled() && performance.now() - started < REST_MS) await new Promise((resolve) => setTimeout(resolve, 10));
}

async function lookAtQuota(world, done, report) {
  const answer = await ask(world, 'PROPFIND', '', { content: USED, fields: [['Depth', '0']] });
  const used = Number(/quota-used-bytes>(\d+)</.exec(answer.content.toString())?.[1]);
  let held = 0;
  for (const path of readdirSync(world.root, { recursive: true })) {
    const stats = statSync(join(world.root, path), { throwIfNoEntry: false });
    if (!path.includes('.onezero-') && stats?.isFile()) held += Math.max(stats.size, 4096);
  }
  if (used !== held) report('quota', { used, held, done });
}

/** What has nobody who works on it; a lock of what is not there is none. */
function leftovers(root) {
  return readdirSync(root, { recursive: true }).filter((path) => {
    if (!path.includes('.onezero-')) return false;
    if (/^\.onezero-partial-quota(?:\/used)?$/.test(path)) return false;
    return !/(?:^|\/)\.onezero-webdav(?:\/(?:self|locks|[0-9a-f]{32})\.json)?$/.test(path);
  });
}
