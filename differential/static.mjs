// Static files: onezero, nginx and Apache serve the same random tree and are asked the same random requests.

import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { exchange, field } from './client.mjs';
import { isInstalled, scratchFolder, startApache, startNginx, startOnezero } from './peers.mjs';
import { randomSource } from './random.mjs';

/** The time that every file was changed at: whole seconds, so that all servers say the same in Last-Modified. */
const CHANGED = new Date('2026-01-02T03:04:05Z');

/** Answers that differ for a reason. `applies(request, ours, theirs, peer)`; each has a row in README.md. */
const EXPLAINED = [
  {
    name: 'a range is for GET alone',
    applies: ({ method, fields }, ours, theirs) =>
      method === 'HEAD' && fields.some(([name]) => name === 'Range') && ours.status === 200 && theirs.status !== 200,
  },
  {
    name: 'HEAD of an empty file has a length',
    applies: ({ method }, ours, theirs) =>
      method === 'HEAD' && field(ours, 'content-length') === '0' && field(theirs, 'content-length') === undefined,
  },
  {
    name: '416 has the length in Content-Range',
    applies: (_, ours, theirs) =>
      ours.status === 416 && theirs.status === 416 && field(theirs, 'content-range') === undefined,
  },
];

/** @param {{ seed: number, count?: number, log?: (line: string) => void }} run */
export async function compare({ seed, count = 300, log = () => undefined }) {
  const random = randomSource(seed);
  const folder = scratchFolder('static');
  const files = makeTree(random, folder.path);
  const servers = [await startOnezero([folder.path, '--no-listing', '--no-compression', '--charset', 'utf-8'])];
  try {
    if (isInstalled('nginx')) servers.push(await startNginx({ root: folder.path }));
    if (isInstalled('apache2')) servers.push(await startApache({ root: folder.path }));
    const [ours, ...peers] = servers;
    const differences = [];
    let checked = 0;
    for (let number = 0; number < count; number++) {
      const request = randomRequest(random, files);
      const ourAnswer = await exchange(ours.port, request);
      for (const peer of peers) {
        const theirAnswer = await exchange(peer.port, request);
        checked++;
        const difference = differenceOf(request, ourAnswer, theirAnswer);
        if (difference === undefined) continue;
        const reason = EXPLAINED.find(({ applies }) => applies(request, ourAnswer, theirAnswer, peer.name));
        log(`${reason?.name ?? 'DIFFERENCE'}: ${JSON.stringify({ peer: peer.name, request, ...difference })}`);
        if (reason === undefined) differences.push({ seed, number, peer: peer.name, request, ...difference });
      }
    }
    return { checked, differences };
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
    folder.remove();
  }
}

/** Writes random directories and files and returns the files: `{ target, size }`. */
function makeTree(random, root) {
  const folders = [''];
  const files = [];
  for (let number = 0; number < 60; number++) {
    const name = fileName(random);
    const path = join(random.pick(folders), name);
    if (random.chance(0.2)) {
      mkdirSync(join(root, path), { recursive: true });
      folders.push(path);
      continue;
    }
    const size = random.length(5000);
    writeFileSync(join(root, `${path}.txt`), random.bytes(size));
    utimesSync(join(root, `${path}.txt`), CHANGED, CHANGED);
    files.push({ target: `/${path.split('/').map(encodeURIComponent).join('/')}.txt`, size });
  }
  return files;
}

/** A name that is no dot file: those are hidden here and served elsewhere. */
function fileName(random) {
  for (;;) {
    const name = random.name(['']);
    if (!name.startsWith('.')) return `${name}-${random.string(3)}`;
  }
}

function randomRequest(random, files) {
  const file = random.pick(files);
  const fields = random.chance(0.6) ? [['Range', `bytes=${randomRange(random, file.size)}`]] : [];
  return { method: random.pick(['GET', 'GET', 'HEAD']), target: file.target, fields };
}

function randomRange(random, size) {
  const at = () => random.int(0, size);
  const first = at();
  return random.pick([`${first}-${first + at()}`, `${first}-`, `-${at() + 1}`]);
}

/** What of two answers is not the same; undefined where all is. */
function differenceOf(request, ours, theirs) {
  const seen = [ours, theirs].map((answer) => ({
    status: answer.status,
    isWhole: answer.isWhole,
    ending: answer.ending,
    range: field(answer, 'content-range'),
    length: answer.status === 200 || answer.status === 206 ? field(answer, 'content-length') : undefined,
    content: answer.status === 200 || answer.status === 206 ? answer.content.toString('base64') : '',
  }));
  if (JSON.stringify(seen[0]) === JSON.stringify(seen[1])) return undefined;
  const shorten = ({ content, ...rest }) => ({ ...rest, content: content.slice(0, 60) });
  return { ours: shorten(seen[0]), theirs: shorten(seen[1]) };
}
