// A random tree of files, and random requests for what is and is not in it.

import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** When every file was changed: whole seconds, so that all servers say the same in Last-Modified. */
const CHANGED = new Date('2026-01-02T03:04:05Z');

/** The place of a server's own entity tag in a field value; each server is asked with the tag it gave. */
export const OWN_TAG = '{tag}';

/** `encodeURIComponent`, but now and then a character that needs no percent sign has one, or a lower-case hex digit. */
function encodeName(random, name) {
  const encoded = encodeURIComponent(name);
  if (random.chance(0.1)) return encoded.replaceAll(/%[\dA-F]{2}/g, (escape) => escape.toLowerCase());
  if (random.chance(0.1)) return encoded.replaceAll('a', '%61');
  return encoded;
}

/** Writes random directories and files: `{ files: [{ target, size, hasGzip }], folders: [{ target, hasIndex }] }`. */
export function makeTree(random, root) {
  const folders = [{ path: '', target: '/', hasIndex: false }];
  const files = [];
  const write = (path, bytes) => {
    writeFileSync(join(root, path), bytes);
    utimesSync(join(root, path), CHANGED, CHANGED);
  };
  for (let number = 0; number < 80; number++) {
    const parent = random.pick(folders);
    const name = visibleName(random);
    const path = join(parent.path, name);
    const target = parent.target + encodeName(random, name);
    if (random.chance(0.25)) {
      mkdirSync(join(root, path), { recursive: true });
      const folder = { path, target: `${target}/`, hasIndex: random.chance(0.8) };
      if (folder.hasIndex) write(join(path, 'index.html'), random.bytes(random.length(300)));
      folders.push(folder);
    } else {
      const extension = random.pick(['.txt', '.html', '.css', '.bin']);
      const hasGzip = random.chance(0.3);
      const length = random.length(5000);
      const content = hasGzip ? Buffer.alloc(length + 200, random.string(7)) : random.bytes(length);
      write(path + extension, content);
      if (hasGzip) write(`${path + extension}.gz`, gzipSync(content));
      files.push({ target: target + extension, size: content.length, hasGzip });
    }
  }
  return { files, folders };
}

/** A name that is no dot file: those are hidden here and served elsewhere. The suffix keeps names apart. */
function visibleName(random) {
  for (;;) {
    const name = random.name(['']);
    if (!name.startsWith('.')) return `${name}-${random.string(3)}`;
  }
}

/** One request. `codes` says whether codings may be asked for. */
export function randomRequest(random, tree, codes) {
  const method = random.pick(['GET', 'GET', 'GET', 'HEAD']);
  if (random.chance(0.25)) return { method, fields: [], ...oddTarget(random, tree) };
  const file = random.pick(tree.files);
  const likely = random.chance(0.5) ? 0.3 : 0.05;
  const fields = [
    ...(random.chance(0.5) ? [['Range', randomRange(random, file.size)]] : []),
    ...(random.chance(0.3) ? [['If-Range', random.pick([OWN_TAG, `W/${OWN_TAG}`, '"x"', ...dates(random)])]] : []),
    ...(random.chance(likely) ? [['If-None-Match', tags(random)]] : []),
    ...(random.chance(likely) ? [['If-Match', tags(random)]] : []),
    ...(random.chance(likely) ? [['If-Modified-Since', random.pick(dates(random))]] : []),
    ...(random.chance(likely) ? [['If-Unmodified-Since', random.pick(dates(random))]] : []),
    ...(codes && random.chance(0.7) ? [['Accept-Encoding', acceptEncoding(random)]] : []),
  ];
  return { method, fields, ...file, kind: 'file' };
}

/** Folders with and without a slash, with queries, files with a slash behind, and names that do not exist. */
function oddTarget(random, { files, folders }) {
  const { target: folder, hasIndex } = random.pick(folders);
  if (!hasIndex) return { kind: 'bare folder', target: random.chance(0.5) ? folder : folder.replace(/\/$/, '') || '/' };
  const query = random.pick(['', '', '?', '?a=1', '?a=/../b']);
  const target = random.pick([
    folder + query,
    (folder === '/' ? folder : folder.slice(0, -1)) + query,
    `${folder}index.html${query}`,
    `${folder}${random.string(4)}`,
    random.pick(files).target + query,
    `${random.pick(files).target}/`,
    `${random.pick(files).target}/${random.string(3)}`,
  ]);
  return { kind: 'path', target };
}

/** Mostly valid: one to four ranges inside, outside, backwards, touching; now and then another unit or nonsense. */
function randomRange(random, size) {
  const at = () => random.int(0, Math.max(1, Math.ceil(size * 1.2)));
  const one = () => {
    const first = at();
    const far = '9'.repeat(random.int(1, 18));
    return random.pick([`${first}-${first + at()}`, `${first}-`, `-${at()}`, `${first}-${first}`, `${first}-${far}`]);
  };
  const members = Array.from({ length: random.chance(0.7) ? 1 : random.int(2, 4) }, one);
  if (random.chance(0.9)) return `bytes=${members.join(random.pick([',', ', ']))}`;
  return random.pick(['bytes=', 'bytes=5-2', 'bytes=a-b', 'items=0-5', 'bytes', 'bytes=-', 'bytes 0-5', 'bytes=1-2-3']);
}

/** Dates before, at and after the change, in three formats of RFC 9110 §5.6.7; now and then none at all. */
function dates(random) {
  const seconds = random.pick([-100_000, -1, 0, 0, 1, 100_000]);
  const date = new Date(CHANGED.getTime() + seconds * 1000);
  const [weekday, day, month, year, time] = date.toUTCString().replace(',', '').split(' ');
  const long = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'][date.getUTCDay()];
  const formats = [
    date.toUTCString(),
    date.toUTCString(),
    `${long}, ${day}-${month}-${year.slice(2)} ${time} GMT`,
    `${weekday} ${month} ${String(date.getUTCDate()).padStart(2)} ${time} ${year}`,
  ];
  return [random.chance(0.9) ? random.pick(formats) : random.pick(['yesterday', '0', date.toISOString()])];
}

function tags(random) {
  const one = () => random.pick([OWN_TAG, `W/${OWN_TAG}`, '"x"', 'W/"y"', '"a,b"']);
  return random.pick(['*', one(), one(), `${one()}, ${one()}`, `${one()},${one()}`]);
}

function acceptEncoding(random) {
  return random.pick([
    'gzip',
    'gzip;q=0',
    'identity',
    'gzip, br',
    'gzip;q=0.5',
    'br',
    '*',
    'x-other',
    'GZIP',
    'gzip;q=1.0',
  ]);
}
