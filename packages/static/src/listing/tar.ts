// Members as one tar archive, made while it is sent: POSIX.1-2001 (pax), which every tar reads.

import type { Member } from './members.ts';

/** Tar works in records of this size. */
const BLOCK_BYTES = 512;

/** Eleven octal digits; larger files say their size in a pax record. */
const MAX_OCTAL_BYTES = 8 ** 11 - 1;

/** What fits the classic name field; longer or other names go into a pax record. */
const PLAIN_NAME = /^[\x20-\x7e]{1,100}$/;

/** The chunks of the archive. */
export async function* tarOf(members: AsyncIterable<Member>): AsyncGenerator<Uint8Array, void> {
  for await (const member of members) {
    const { path, modifiedMs, kind } = member;
    if (kind === 'directory') {
      yield header({ path, bytes: 0, modifiedMs, kind });
      continue;
    }
    const { bytes, content } = member;
    yield header({ path, bytes, modifiedMs, kind });
    for await (const chunk of content) yield chunk;
    yield Buffer.alloc((BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES);
  }
  yield Buffer.alloc(2 * BLOCK_BYTES);
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
