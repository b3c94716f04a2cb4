// Validators tell two states of a file apart (RFC 9110 §8.8).
//
// A strong entity tag names bytes: their number and their SHA-256, so that it is equal on every replica and never equal for
// other bytes, whatever the times say. While the hash of a large file is not known, its tag is weak: modification time, size and
// the hash of a sample. Last-Modified has whole seconds and is left out when it would mislead.

import * as crypto from 'node:crypto';
import type { Stats } from 'node:fs';
import { formatHttpDate } from './http-date.ts';

/**
 * How entity tags are made: of the content (`strong`; `content` is another word for it), of time and size (`weak`), or of all
 * that tells one state of a file from another on one machine (`state`).
 */
export type EntityTagKind = 'strong' | 'weak' | 'content' | 'state' | false;

/** Whether tags of this kind, of files in memory, say which content it is, wherever it lies. */
export function namesContent(kind: EntityTagKind): boolean {
  return kind === 'strong' || kind === 'content';
}

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

/** 132 bits of a SHA-256: far more than accidents need, and finding a collision takes 2^66 attempts. */
export const HASH_CHARACTERS: number = 22;

/** The SHA-256 of bytes, in base64url. */
export function sha256Of(bytes: Uint8Array): string {
  return crypto.hash('sha256', bytes, 'base64url');
}

/** The strong tag of `size` bytes with this SHA-256 in base64url, quotes included. `suffix` tells codings of the same file apart. */
export function digestTag(size: number, sha256: string, suffix = ''): string {
  // Joined, the text stands for itself; a template would keep all that it was made of alive, for each remembered file.
  return ['"', size.toString(36), '-', sha256.slice(0, HASH_CHARACTERS), suffix, '"'].join('');
}

/** Whether a field value may name the content of a file of this size: then it is worth knowing the hash. */
export function mayNameContent(value: string | undefined, size: number): boolean {
  return value !== undefined && value.includes(`"${size.toString(36)}-`);
}

/** The weak tag of a file's state: modification time in microseconds and size, and whatever else tells it from others. */
export function stateTag({ mtimeMs, size }: Pick<Stats, 'mtimeMs' | 'size'>, more = ''): string {
  return `W/"${Math.round(mtimeMs * 1000).toString(36)}.${size.toString(36)}${more}"`;
}

/**
 * A tag of a file's state that counts as strong: a file that is replaced has another inode, one that is written in place another
 * change time. Two writes in place of the same length within one tick of the clock share a tag.
 */
export function exactStateTag({ ino, size, mtimeMs, ctimeMs }: Omit<Stamp, 'dev'>, suffix = ''): string {
  const parts = [ino, size, Math.round(mtimeMs * 1000), Math.round(ctimeMs * 1000)];
  return ['"', parts.map((part) => part.toString(36)).join('-'), suffix, '"'].join('');
}

/** The same tag as a weak one, for a coding whose bytes another version of the encoder might write differently. */
export function weakTag(tag: string, suffix: string): string {
  return `W/${tag.replace(/^W\//, '').slice(0, -1)}${suffix}"`;
}

/**
 * Whether a modification date can stand for one content: when the kernel's own time of the last change, which no program can
 * set, is about the same. Where the date was set, as by `touch -d` or `rsync -t`, an earlier content may have had it too.
 */
export function isDateCertain({ mtimeMs, ctimeMs }: Stamp): boolean {
  return ctimeMs >= mtimeMs && ctimeMs - mtimeMs < 1_000;
}

/**
 * Whether a modification time can be sent as Last-Modified: not in the future (RFC 9110 §8.8.2.1), not beyond year 9999, and after
 * 1970-01-01T00:00:01, the moment that Nix and other builders of reproducible images give to every file of every release.
 */
export function isUsableDate(mtimeMs: number, nowMs: number = Date.now()): boolean {
  // A clock that counts whole milliseconds is behind the times of files, which have parts of one.
  return mtimeMs >= 2_000 && Math.floor(mtimeMs) <= nowMs && mtimeMs <= LAST_HTTP_DATE_MS;
}

/** Files of one release share few seconds, so most dates were written a moment ago. */
const KNOWN_DATES = 256;

const dates: ({ readonly seconds: number; readonly text: string } | undefined)[] = Array.from({ length: KNOWN_DATES });

/** An HTTP-date for whole seconds since 1970. */
export function httpDateOf(seconds: number): string {
  const known = dates[seconds % KNOWN_DATES];
  if (known?.seconds === seconds) return known.text;
  const text = formatHttpDate(seconds * 1000);
  dates[seconds % KNOWN_DATES] = { seconds, text };
  return text;
}

/** The Last-Modified value, or undefined where it would mislead. */
export function lastModified(mtimeMs: number, nowMs: number): string | undefined {
  return isUsableDate(mtimeMs, nowMs) ? httpDateOf(Math.floor(mtimeMs / 1000)) : undefined;
}
