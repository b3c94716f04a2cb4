// Validators tell two states of a file apart (RFC 9110 §8.8).
//
// An entity tag is made of modification time in nanoseconds, inode and size, each delimited, so that no two triples print
// alike. It is strong once the file has rested: within the same tick of the file system's clock a second write could keep
// all three, so a tag made that early is weak. Last-Modified has whole seconds and is left out when it would mislead.

import { createHash } from 'node:crypto';
import type { BigIntStats, Stats } from 'node:fs';
import { formatHttpDate } from './http-date.ts';

/** How entity tags are made; `content` hashes the bytes of files that fit the cache. */
export type EntityTagKind = 'strong' | 'weak' | 'content' | false;

/** What identifies one state of one file for the cache: any change of it changes one of these. */
export interface Stamp {
  readonly dev: number;
  readonly ino: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
}

/** Coarse kernel clocks tick every 1 to 10 ms; a file untouched for this long cannot change within its last tick. */
const TICK_MS = 20;

/** FAT and some network file systems store whole (even) seconds. */
const WHOLE_SECOND_TICK_MS = 2_100;

/** The last moment an HTTP-date can write, 9999-12-31T23:59:59Z. */
const LAST_HTTP_DATE_MS = 253_402_300_799_000;

export function stampOf({ dev, ino, size, mtimeMs, ctimeMs }: Stats): Stamp {
  return { dev, ino, size, mtimeMs, ctimeMs };
}

/** Whether a stat taken now is of the file in the state that `stamp` recorded. */
export function isSameState(stamp: Stamp, now: Stats | Stamp): boolean {
  return (
    stamp.mtimeMs === now.mtimeMs &&
    stamp.ino === now.ino &&
    stamp.size === now.size &&
    stamp.ctimeMs === now.ctimeMs &&
    stamp.dev === now.dev
  );
}

/** Whether a later write is certain to show in the times of a file that was read at `nowMs`. */
export function hasRested(lastChangeMs: number, nowMs: number): boolean {
  const tickMs = Number.isInteger(lastChangeMs / 1000) ? WHOLE_SECOND_TICK_MS : TICK_MS;
  return nowMs - lastChangeMs > tickMs || lastChangeMs > nowMs + WHOLE_SECOND_TICK_MS;
}

/** The strong tag of a file's state, quotes included. `suffix` tells codings of the same file apart. */
export function entityTag({ mtimeNs, ino, size }: BigIntStats, suffix = ''): string {
  return `"${mtimeNs.toString(36)}.${ino.toString(36)}.${size.toString(36)}${suffix}"`;
}

/** The tag of these very bytes: the first 144 bits of their SHA-256. */
export function contentTag(bytes: Uint8Array, suffix = ''): string {
  return digestTag(createHash('sha256').update(bytes).digest(), suffix);
}

/** The tag for bytes whose SHA-256 is known. */
function digestTag(sha256: Buffer, suffix = ''): string {
  return `"${sha256.toString('base64url').slice(0, 24)}${suffix}"`;
}

/** The Last-Modified value, or undefined: before 1970, beyond year 9999, or in the future (RFC 9110 §8.8.2.1). */
export function lastModified(mtimeMs: number, nowMs: number): string | undefined {
  if (mtimeMs <= 0 || mtimeMs > nowMs || mtimeMs > LAST_HTTP_DATE_MS) return undefined;
  return formatHttpDate(mtimeMs);
}
