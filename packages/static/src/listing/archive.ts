// A folder as one tar archive, made while it is sent: POSIX.1-2001 (pax), which every tar reads. It holds what a visitor could get
// file by file, under the same policies. Directories that are links are left out: what is in them lies elsewhere, or above.

import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { FileContent } from '../files/file-content.ts';
import { openFile } from '../files/open-file.ts';
import type { Storage } from '../files/storage.ts';
import type { Folders } from './folders.ts';

/** Tar works in records of this size. */
const BLOCK_BYTES = 512;

/** Eleven octal digits; larger files say their size in a pax record. */
const MAX_OCTAL_BYTES = 8 ** 11 - 1;

/** What fits the classic name field; longer or other names go into a pax record. */
const PLAIN_NAME = /^[\x20-\x7e]{1,100}$/;

/** The chunks of the archive of a folder, below a directory called `name`. Nothing is open before the first is asked for. */
export async function* archiveOf(
  segments: readonly string[],
  name: string,
  folders: Folders,
  storage: Storage,
): AsyncGenerator<Uint8Array, void> {
  const waiting = [{ segments, path: name }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const folder = folders.known(next.segments) ?? (await folders.look(next.segments).catch(unlessRefused));
    if (folder === undefined) continue;
    yield header({ path: `${next.path}/`, bytes: 0, modifiedMs: folder.stamp.mtimeMs, kind: 'directory' });
    for (const entry of folder.sorted) {
      const inside = { segments: [...next.segments, entry.name], path: `${next.path}/${entry.name}` };
      if (entry.kind === 'file') yield* fileIn(inside, storage);
      else if (!isLink(join(folder.location, entry.name))) waiting.push(inside);
    }
  }
  yield Buffer.alloc(2 * BLOCK_BYTES);
}

/** A file as it is when it is opened; what cannot be opened is left out, as its request would be refused. */
async function* fileIn(
  { segments, path }: { readonly segments: readonly string[]; readonly path: string },
  storage: Storage,
): AsyncGenerator<Uint8Array, void> {
  const opened = await openFile(segments, storage);
  if (opened.kind !== 'file') return;
  const { size, mtimeMs } = opened.stamp;
  const content = new FileContent(opened.descriptor, size === 0 ? [] : [{ start: 0, end: size }]);
  try {
    yield header({ path, bytes: size, modifiedMs: mtimeMs, kind: 'file' });
    for await (const chunk of content) yield chunk;
    yield Buffer.alloc((BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES);
  } finally {
    await content.return();
  }
}

interface Entry {
  readonly path: string;
  readonly bytes: number;
  readonly modifiedMs: number;
  readonly kind: 'directory' | 'file';
}

function header(entry: Entry): Buffer {
  const { path, bytes } = entry;
  const records = [
    ...(PLAIN_NAME.test(path) ? [] : [paxRecord('path', path)]),
    ...(bytes > MAX_OCTAL_BYTES ? [paxRecord('size', String(bytes))] : []),
  ];
  const own = block(entry, entry.kind === 'directory' ? '5' : '0');
  if (records.length === 0) return own;
  const pax = Buffer.concat(records);
  const padding = Buffer.alloc((BLOCK_BYTES - (pax.length % BLOCK_BYTES)) % BLOCK_BYTES);
  return Buffer.concat([block({ ...entry, path: 'pax', bytes: pax.length, kind: 'file' }, 'x'), pax, padding, own]);
}

/** `length key=value\n`, the length counting itself. */
function paxRecord(key: string, value: string): Buffer {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + String(rest).length;
  length = rest + String(length).length;
  return Buffer.from(`${length} ${key}=${value}\n`);
}

function block({ path, bytes, modifiedMs, kind }: Entry, type: string): Buffer {
  const made = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`;
  made.write(path.replaceAll(/[^\x20-\x7e]/g, '_').slice(0, 100), 0, 'latin1');
  made.write(octal(kind === 'directory' ? 0o755 : 0o644, 7), 100, 'latin1');
  made.write(octal(0, 7) + octal(0, 7), 108, 'latin1');
  made.write(octal(bytes > MAX_OCTAL_BYTES ? 0 : bytes, 11), 124, 'latin1');
  made.write(octal(Math.min(Math.max(0, Math.floor(modifiedMs / 1000)), MAX_OCTAL_BYTES), 11), 136, 'latin1');
  made.write(`        ${type}`, 148, 'latin1');
  made.write('ustar\u000000', 257, 'latin1');
  const sum = made.reduce((total, byte) => total + byte, 0);
  made.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return made;
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? true;
}

/** A folder that vanished or is closed to us is left out; anything else breaks the archive off. */
function unlessRefused(error: unknown): undefined {
  if (!(error instanceof Error && 'code' in error)) throw error;
}
