// Replicas: three servers, each with its own copy of the files, as three pods of one image have. A client that is sent to another
// one each time must notice nothing: tags and digests are equal, what one gave is taken by all, ranges of all fit together.
// Then several people push to one repository through all of them, and the repository stays whole.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, ftruncateSync, mkdirSync, openSync, utimesSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { isInstalled, scratchFolder, startOnezero } from './peers.mjs';
import { randomSource } from './random.mjs';

const run = promisify(execFile);

const REPLICAS = 3;

/** From so many checks on, the largest file is one of 5 GB: hashing it takes each replica some seconds. */
const LONG_RUN = 1000;

/** @param {{ seed: number, count?: number, log?: (line: string) => void }} run */
export async function compare({ seed, count = 200, log = () => undefined }) {
  const random = randomSource(seed);
  const folder = scratchFolder('replicas');
  const differences = [];
  let checked = 0;
  const check = (isTrue, what) => {
    checked += 1;
    if (!isTrue) differences.push(what);
  };
  try {
    const hugeBytes = count >= LONG_RUN ? 5 * 1024 ** 3 : 48 * 1024 ** 2;
    const files = writeFiles(join(folder.path, '0'), random, hugeBytes);
    for (let index = 1; index < REPLICAS; index++) await copyTo(folder.path, index);
    await delay(50);
    await checkFiles({ folder: folder.path, files, random, count, check, log });
    await checkRaces({ folder: folder.path, rounds: Math.ceil(count / 4), check, log });
    if (isInstalled('git')) await checkPushes({ folder: folder.path, count, check, log });
  } finally {
    folder.remove();
  }
  return { checked, differences };
}

/** The files of an image, with some of one size and, as reproducible builds have it, one date. */
function writeFiles(root, random, hugeBytes) {
  mkdirSync(root);
  const contents = {
    'page.html': Buffer.from('<p>a page of some length</p>\n'.repeat(200)),
    'same-1.js': Buffer.from('const a = 1;'.repeat(100)),
    'same-2.js': Buffer.from('const b = 2;'.repeat(100)),
    'small.bin': random.bytes(3000),
    'five.bin': random.bytes(5_000_000),
  };
  for (const [name, bytes] of Object.entries(contents)) {
    writeFileSync(join(root, name), bytes);
    utimesSync(join(root, name), 1, 1);
  }
  const descriptor = openSync(join(root, 'huge.bin'), 'w');
  ftruncateSync(descriptor, hugeBytes);
  writeSync(descriptor, random.bytes(4096), 0, 4096, Math.floor(hugeBytes / 2));
  closeSync(descriptor);
  return { contents, hugeBytes };
}

/** As `cp` does it: other inodes, and other dates for some. */
async function copyTo(folder, index) {
  const target = join(folder, `${index}`);
  await run('cp', ['-a', '--sparse=always', join(folder, '0'), target]);
  utimesSync(join(target, 'small.bin'), 1000 + index, 1000 + index);
}

async function checkFiles({ folder, files: { contents, hugeBytes }, random, count, check, log }) {
  const servers = await Promise.all(
    Array.from({ length: REPLICAS }, (_, index) => startOnezero([join(folder, `${index}`)])),
  );
  try {
    for (const [name, bytes] of Object.entries(contents)) {
      for (const coding of name === 'page.html' ? ['identity', 'gzip', 'br'] : ['identity']) {
        await checkFile({ servers, name, bytes, coding, random, rounds: Math.ceil(count / 20), check });
      }
    }
    await checkHuge({ servers, size: hugeBytes, random, check, log });
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

async function checkFile({ servers, name, bytes, coding, random, rounds, check }) {
  const fields = { 'accept-encoding': coding };
  const want = { 'want-repr-digest': 'sha-256=1' };
  const answers = await Promise.all(servers.map((server) => ask(server, name, { ...fields, ...want })));
  const tags = new Set(answers.map(({ headers }) => headers.get('etag')));
  check(tags.size === 1, `${name} ${coding}: ${[...tags].join()}`);
  const digests = new Set(answers.map(({ headers }) => headers.get('repr-digest')));
  if (coding === 'identity') digests.add(`sha-256=:${createHash('sha256').update(bytes).digest('base64')}:`);
  check(digests.size === 1, `${name} ${coding}: ${[...digests].join()}`);
  const [etag] = tags;
  for (let round = 0; round < rounds; round++) {
    const known = await ask(random.pick(servers), name, { ...fields, 'if-none-match': etag });
    check(known.status === 304, `${name} ${coding}: ${known.status} for the tag of another replica`);
    const start = random.int(0, bytes.length - 1);
    const end = random.int(start, Math.min(bytes.length - 1, start + 10_000));
    const part = await ask(random.pick(servers), name, { ...fields, range: `bytes=${start}-${end}`, 'if-range': etag });
    // A coding that is made here has a weak tag, which If-Range does not take.
    const isPart = part.status === 206 && bytes.subarray(start, end + 1).equals(part.bytes);
    check(etag.startsWith('W/') ? part.status === 200 : isPart, `${name} ${coding}: ${part.status} for If-Range`);
  }
}

/** A file that no response waits for: HEAD with a wish for its digest learns its tag, and a part of it needs no other. */
async function checkHuge({ servers, size, random, check, log }) {
  const begun = performance.now();
  const [first, ...others] = servers;
  const asked = await ask(first, 'huge.bin', { 'want-repr-digest': 'sha-256=1' }, 'HEAD');
  const etag = asked.headers.get('etag');
  log(`huge.bin: ${size} bytes, hashed in ${Math.round(performance.now() - begun)} ms`);
  check(etag.startsWith('"'), `huge.bin: ${etag}`);
  for (const server of others) {
    const start = random.int(0, size - 100);
    const fields = { range: `bytes=${start}-${start + 99}`, 'if-range': etag, 'want-repr-digest': 'sha-256=1' };
    const part = await ask(server, 'huge.bin', fields);
    check(part.status === 206 && part.bytes.length === 100, `huge.bin: ${part.status} for If-Range`);
    check(part.headers.get('repr-digest') === asked.headers.get('repr-digest'), 'huge.bin: another digest');
    const known = await ask(server, 'huge.bin', { 'if-none-match': etag });
    check(known.status === 304, `huge.bin: ${known.status} for the tag of another replica`);
  }
}

async function ask({ origin }, name, headers, method = 'GET') {
  const response = await fetch(`${origin}/${name}`, { method, headers });
  // fetch decodes; only what is not coded is compared.
  return {
    status: response.status,
    headers: response.headers,
    bytes: Buffer.from(await response.arrayBuffer()),
  };
}

/** Two clients know the same state of one file and write it through two replicas: one of them has to learn of the other. */
async function checkRaces({ folder, rounds, check, log }) {
  const root = join(folder, 'writable');
  mkdirSync(root);
  const servers = await Promise.all([0, 1].map(() => startOnezero([root, '--writable'])));
  const put = async ({ origin }, content, headers) =>
    (await fetch(`${origin}/raced.txt`, { method: 'PUT', body: content, headers })).status;
  const wins = [0, 0];
  try {
    check((await put(servers[0], 'raced '.repeat(500), {})) === 201, 'the first PUT of a race');
    for (let round = 0; round < rounds; round++) {
      // The tag of any form that a GET gave.
      const known = await ask(servers[round % 2], 'raced.txt', {
        'accept-encoding': round % 3 === 0 ? 'gzip' : 'identity',
      });
      const condition = { 'if-match': known.headers.get('etag') };
      const statuses = await Promise.all(
        servers.map((server, index) => put(server, `${round} by ${index} `.repeat(400 + round), condition)),
      );
      check(
        statuses.toSorted((a, b) => a - b).join() === '204,412',
        `PUT raced through two replicas: ${statuses.join()}`,
      );
      const winner = statuses.indexOf(204);
      if (winner !== -1) wins[winner] += 1;
      const { bytes } = await ask(servers[0], 'raced.txt', {});
      check(bytes.toString().startsWith(`${round} by ${winner} `), 'the content of a race is not that of its winner');
    }
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
  log(`raced PUT: ${rounds} rounds, won ${wins.join(' to ')}`);
}

const PEOPLE = ['ada', 'bob', 'cid', 'dee'];
const AUTHOR = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org'];

/**
 * People push to branches of their own and to one that both want, through two replicas over one repository. The one who is
 * late fetches and tries again, as people do. Everything that was taken is there in the end.
 */
async function checkPushes({ folder, count, check, log }) {
  const people = PEOPLE.slice(0, count < 100 ? 2 : PEOPLE.length);
  const pushes = Math.min(20, Math.ceil(count / 10));
  const repositories = join(folder, 'repositories');
  const bare = join(repositories, 'shared.git');
  await run('git', ['init', '-q', '--bare', '--initial-branch=main', bare]);
  await run('git', ['-C', bare, 'config', 'http.receivepack', 'true']);
  const { stdout: programs } = await run('git', ['--exec-path']);
  const words = ['--cgi', `/git=${programs.trim()}/git-http-backend`];
  const env = ['--cgi-env', `GIT_PROJECT_ROOT=${repositories}`, '--cgi-env', 'GIT_HTTP_EXPORT_ALL=1'];
  const servers = await Promise.all([0, 1].map(() => startOnezero([...words, ...env])));
  try {
    const counts = await Promise.all(
      people.map((name, index) => pushOften({ folder, name, server: servers[index % 2], pushes })),
    );
    const { stdout: subjects } = await run('git', ['-C', bare, 'log', '--format=%s', 'main']);
    const taken = new Set(subjects.trim().split('\n'));
    for (const [index, name] of people.entries()) {
      for (let push = 0; push < pushes; push++) check(taken.has(`${name} ${push}`), `${name} ${push} is lost`);
      const { stdout: tip } = await run('git', ['-C', bare, 'log', '-1', '--format=%s', name]);
      check(tip.trim() === `${name} ${pushes - 1}`, `the branch ${name} ends with ${tip.trim()}`);
      log(`${name}: ${pushes} commits, ${counts[index]} pushes were late`);
    }
    const { stderr } = await run('git', ['-C', bare, 'fsck', '--full', '--strict']).catch((error) => error);
    check(!/error|missing|corrupt/i.test(stderr), `git fsck: ${stderr}`);
    await run('git', ['clone', '-q', `${servers[1].origin}/git/shared.git`, join(folder, 'clone')]);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

/** Resolves to how often another was quicker. */
async function pushOften({ folder, name, server, pushes }) {
  const work = join(folder, `work-${name}`);
  const git = (...words) => run('git', ['-C', work, ...AUTHOR, ...words]);
  await run('git', ['clone', '-q', `${server.origin}/git/shared.git`, work]);
  await git('checkout', '-q', '-B', 'main');
  let late = 0;
  for (let count = 0; count < pushes; count++) {
    writeFileSync(join(work, `${name}-${count}.txt`), `${name} ${count}\n`.repeat(100 * (count + 1)));
    await git('add', '.');
    await git('commit', '-q', '-m', `${name} ${count}`);
    for (;;) {
      try {
        await git('push', '-q', 'origin', 'main');
        break;
      } catch (error) {
        if (!/rejected|failed to (?:push|update)|cannot lock|fetch first/.test(error.stderr)) throw error;
        late += 1;
        await git('pull', '-q', '--rebase', 'origin', 'main').catch((failed) => {
          if (!/couldn't find remote ref|unrelated/.test(failed.stderr)) throw failed;
        });
      }
    }
    await git('push', '-q', '--force', 'origin', `HEAD:refs/heads/${name}`);
  }
  return late;
}
