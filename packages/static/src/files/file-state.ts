// An open file is read: its bytes and the state they belong to are looked at together.

import { hasRested, isSameState, type Stamp, stampOf } from '../http/validators.ts';
import type { ReadAgain } from './disk.ts';
import { type Eventually, whenReady } from './eventually.ts';
import type { KnownFile } from './known-files.ts';
import { lendBytes } from './lent-buffers.ts';
import type { OpenFile } from './open-file.ts';
import { readSample } from './sample.ts';
import type { Storage } from './storage.ts';

/** How often a file that changes while it is read is read again, before what was read is sent as it is. */
const MAX_READS = 3;

/** A file's bytes, or a sample of them, with the state they belong to. */
export interface FileState {
  readonly location: string;
  readonly stamp: Stamp;
  /** Where it lies, if a link is on the way. */
  readonly place: string | undefined;
  /** All bytes of a file that fits the cache. */
  readonly bytes: Uint8Array | undefined;
  /** The first bytes, enough to see what the file is. */
  readonly start: Uint8Array;
  /** Bytes from all over a large file, and their hash. */
  readonly sample: { readonly bytes: Uint8Array; readonly hash: string } | undefined;
  /** Whether `bytes` are those of one moment. */
  readonly isWhole: boolean;
  /** Whether a change since they were read is certain to show in the times. */
  readonly isRested: boolean;
  /** The SHA-256 of `bytes` in base64url, once it is known. */
  sha256: string | undefined;
}

/**
 * Reads a small file until what was read is one state of it, of a large one a sample. What of a file that never rests was read
 * last counts, whatever its length.
 */
export function readState(opened: OpenFile, storage: Storage, reads = 1): Eventually<FileState> {
  const { descriptor, location, stamp, place } = opened;
  const { disk, settings } = storage;
  // As of before the read, which may take longer than a tick of the file system's clock.
  const isRested = hasRested(Math.max(stamp.mtimeMs, stamp.ctimeMs), Date.now());
  if (stamp.size > settings.maxCachedFileBytes) {
    return whenReady(readSample(opened, disk), (sample) => {
      const { bytes: start } = sample;
      return { location, stamp, place, bytes: undefined, start, sample, isWhole: true, isRested, sha256: undefined };
    });
  }
  const bytes = lendBytes(stamp.size);
  return whenReady(stamp.size === 0 ? 0 : disk.read(descriptor, bytes, 0), (count) => {
    if (count instanceof Error) throw count;
    return whenReady(disk.state(descriptor), (stats) => {
      const now = stampOf(stats);
      const isWhole = count === stamp.size && isSameState(stamp, now);
      if (!isWhole && reads < MAX_READS) return readState({ ...opened, stamp: now }, storage, reads + 1);
      const whole = bytes.subarray(0, count);
      const sample = undefined;
      return { location, stamp, place, bytes: whole, start: whole, sample, isWhole, isRested, sha256: undefined };
    });
  });
}

/** The state of a known file that was read again, into `bytes`; undefined where it is in another one now. */
export function stateAgain(
  location: string,
  { stamp, sha256 }: KnownFile,
  bytes: Uint8Array,
  read: ReadAgain | Error,
): FileState | undefined {
  if (read instanceof Error || read.count !== stamp.size || !isSameState(stamp, read.stats)) return undefined;
  return {
    location,
    stamp,
    place: undefined,
    bytes,
    start: bytes,
    sample: undefined,
    isWhole: true,
    isRested: true,
    sha256,
  };
}

/** Closes an open file when `use` is through with it, unless it is to be kept for what came out. */
export function closing<Value>(
  { descriptor }: Pick<OpenFile, 'descriptor'>,
  { disk }: Pick<Storage, 'disk'>,
  use: () => Eventually<Value>,
  isKept: (value: Value) => boolean = () => false,
): Eventually<Value> {
  const finish = (value: Value): Value => {
    if (!isKept(value)) disk.close(descriptor);
    return value;
  };
  const fail = (error: unknown): never => {
    disk.close(descriptor);
    throw error;
  };
  let value: Eventually<Value>;
  try {
    value = use();
  } catch (error) {
    return fail(error);
  }
  return value instanceof Promise ? value.then(finish, fail) : finish(value);
}
