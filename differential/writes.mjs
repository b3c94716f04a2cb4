// Writes: several processes serve one folder, and clients of all of them write to the same few files. There is no peer that does
// this; what is compared is what the clients were told with what one file after the other would have allowed:
//
// - a tag is replaced or removed by one writer at most (If-Match), and an absent name is taken by one (If-None-Match: *);
// - clients that count in a file, each adding one to the number it read, lose no step;
// - what is read is always the whole content of one write;
// - processes are killed at any instant: the next start finds whole files, and leaves nothing of the dead behind.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { exchange, field } from './client.mjs';
import { scratchFolder } from './peers.mjs';
import { randomSource } from './random.mjs';

const NAMES = ['a.txt', 'b.txt', 'c.bin'];

/** @param {{ seed: number, count?: number, log?: (line: string) => void }} run */
export async function compare({ seed, count = 3000, log = () => undefined }) {
  const random = randomSource(seed);
  const differences = [];
  const report = (kind, details) => {
    log(`${kind}: ${JSON.stringify(details)}`);
    differences.push({ kind, ...details });
  };
  let checked = await raceWrites(random, count, report);
  checked += await raceCounters(random, Math.ceil(count / 10), report);
  checked += await killWriters(random, Math.ceil(count / 100), report);
  return { checked, differences };
}

async function startWriter(root) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'write-server.mjs'), root], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface(child.stdout), 'line');
  const stop = async (signal = 'SIGTERM') => {
    const gone = child.exitCode !== null || child.signalCode !== null ? undefined : once(child, 'exit');
    child.kill(signal);
    await gone;
  };
  return { port: Number(line), stop };
}

/** Runs `work` with processes that serve one new folder. */
async function withWriters(number, work) {
  const folder = scratchFolder('writes');
  const writers = await Promise.all(Array.from({ length: number }, () => startWriter(folder.path)));
  try {
    return await work(writers, folder.path);
  } finally {
    await Promise.all(writers.map(({ stop }) => stop()));
    folder.remove();
  }
}

/** A content that no other write has, and that shows when it is not whole. */
function newContent(random, number) {
  const body = random.string(random.length(40_000));
  return `${number} ${body} ${createHash('sha256').update(body).digest('hex')}`;
}

function isWhole(content) {
  const [, body, digest] = /^\d+ (\w*) ([0-9a-f]{64})$/.exec(content) ?? [];
  return body !== undefined && createHash('sha256').update(body).digest('hex') === digest;
}

/** Random reads and writes; every success is noted with the state that it was allowed to end. */
async function raceWrites(random, count, report) {
  return withWriters(3, async (writers, root) => {
    const ended = new Map();
    const created = new Map(NAMES.map((name) => [name, 0]));
    const removed = new Map(NAMES.map((name) => [name, 0]));
    const contents = new Set();
    let number = 0;
    const client = async (seed) => {
      const own = randomSource(seed);
      const tags = new Map();
      while (number < count) {
        const mine = ++number;
        const name = own.pick(NAMES);
        const target = `/${name}`;
        const { port } = own.pick(writers);
        const kind = own.pick(['get', 'get', 'put', 'match', 'match', 'match', 'new', 'delete', 'delete-match']);
        const tag = tags.get(name);
        const match = tag === undefined ? [] : [['If-Match', tag]];
        if (kind === 'get') {
          const coding = own.chance(0.5) ? [['Accept-Encoding', own.pick(['gzip', 'br'])]] : [];
          const got = await exchange(port, { target, fields: coding });
          tags.set(name, got.status === 200 ? field(got, 'etag') : undefined);
          if (got.status === 200 && coding.length === 0 && !isWhole(got.content.toString())) report('torn', { name });
          if (![200, 404].includes(got.status)) report('read', { name, status: got.status });
          continue;
        }
        const isDelete = kind.startsWith('delete');
        const isConditional = kind.endsWith('match') && tag !== undefined;
        const content = newContent(own, mine);
        const fields = isConditional ? match : kind === 'new' ? [['If-None-Match', '*']] : [];
        const got = await exchange(port, {
          method: isDelete ? 'DELETE' : 'PUT',
          target,
          fields: isDelete ? fields : [...fields, ['Content-Length', String(content.length)]],
          content: isDelete ? '' : content,
        });
        const isDone = got.status === 201 || got.status === 204;
        const mayFail = isConditional || kind === 'new' ? [412] : [];
        if (!isDone && ![404, ...mayFail].includes(got.status)) report('write', { name, kind, status: got.status });
        if (!isDone) continue;
        if (isConditional) {
          const state = opaque(tag);
          if (ended.has(`${name} ${state}`)) report('one state ended twice', { name, tag, kind });
          ended.set(`${name} ${state}`, mine);
        }
        if (isDelete) removed.set(name, removed.get(name) + 1);
        else contents.add(content);
        if (got.status === 201) created.set(name, created.get(name) + 1);
        tags.set(name, isDelete ? undefined : field(got, 'etag'));
      }
    };
    await Promise.all(Array.from({ length: 6 }, () => client(random.int(0, 2 ** 31))));
    const left = new Set(readdirSync(root));
    for (const name of NAMES) {
      const balance = created.get(name) - removed.get(name);
      if (balance !== (left.has(name) ? 1 : 0)) report('created and removed do not add up', { name, balance });
      if (left.has(name) && !contents.has(readFileSync(join(root, name), 'utf8'))) report('unknown content', { name });
    }
    for (const name of left) if (!NAMES.includes(name)) report('litter', { name });
    return number;
  });
}

/** The part of a tag that all forms of one state share. */
function opaque(tag) {
  return tag.replace(/^W\//, '').replace(/-(?:gzip|br|zstd)"$/, '"');
}

/** Clients of several processes count in one file: read, add one, write back if nobody else has. */
async function raceCounters(random, steps, report) {
  return withWriters(3, async (writers, root) => {
    await exchange(writers[0].port, {
      method: 'PUT',
      target: '/n.txt',
      fields: [['Content-Length', '1']],
      content: '0',
    });
    let done = 0;
    let tried = 0;
    const client = async (seed) => {
      const own = randomSource(seed);
      while (done < steps) {
        const { port } = own.pick(writers);
        const got = await exchange(port, { target: '/n.txt' });
        const content = String(Number(got.content.toString()) + 1);
        const fields = [
          ['If-Match', field(got, 'etag') ?? '"none"'],
          ['Content-Length', String(content.length)],
        ];
        const put = await exchange(own.pick(writers).port, { method: 'PUT', target: '/n.txt', fields, content });
        tried++;
        if (put.status === 204) done++;
        else if (put.status !== 412) report('counter', { status: put.status });
      }
    };
    await Promise.all(Array.from({ length: 5 }, () => client(random.int(0, 2 ** 31))));
    const counted = Number(readFileSync(join(root, 'n.txt'), 'utf8'));
    if (counted !== done) report('steps lost', { counted, done });
    return tried;
  });
}

/** Kills processes while they write; a number of answers, not a time, says when. */
async function killWriters(random, rounds, report) {
  const folder = scratchFolder('killed');
  const contents = new Set();
  let number = 0;
  let interrupted = 0;
  try {
    for (let round = 0; round < rounds; round++) {
      const writers = await Promise.all([startWriter(folder.path), startWriter(folder.path)]);
      const victims = random.chance(0.5) ? writers : [random.pick(writers)];
      const fatal = random.int(0, 12);
      let answers = 0;
      let isOver = false;
      const client = async (seed) => {
        const own = randomSource(seed);
        while (!isOver) {
          const content = newContent(own, ++number);
          contents.add(content);
          const fields = [['Content-Length', String(content.length)]];
          const target = `/${own.pick(NAMES)}`;
          await exchange(own.pick(writers).port, { method: 'PUT', target, fields, content });
          answers++;
          if (answers < fatal || isOver) continue;
          isOver = true;
          for (let turns = own.int(0, 30); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
          await Promise.all(victims.map(({ stop }) => stop('SIGKILL')));
        }
      };
      await Promise.all(Array.from({ length: 4 }, () => client(random.int(0, 2 ** 31))));
      await Promise.all(writers.map(({ stop }) => stop('SIGKILL')));
      for (const name of readdirSync(folder.path)) {
        if (!NAMES.includes(name)) interrupted++;
        else if (!contents.has(readFileSync(join(folder.path, name), 'utf8')))
          report('torn by a kill', { round, name });
      }
    }
    const writer = await startWriter(folder.path);
    const last = { method: 'PUT', target: '/a.txt', fields: [['Content-Length', '4']], content: 'last' };
    const { status } = await exchange(writer.port, last);
    if (status !== 201 && status !== 204) report('after kills', { status });
    for (const name of readdirSync(folder.path)) if (!NAMES.includes(name)) report('litter after a start', { name });
    await writer.stop();
    if (interrupted === 0 && rounds > 20) report('no write was interrupted', { rounds });
    return number;
  } finally {
    folder.remove();
  }
}
