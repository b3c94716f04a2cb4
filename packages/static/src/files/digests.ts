// The SHA-256 of files that are too large to be hashed before they are sent.
//
// It is computed while the first whole response passes by, which costs no read, or when a request names a tag that could be the
// file's: sending the file again would cost more. What was hashed is remembered for the state of the file that it was computed
// from, change time included, which no program can set.

import { createHash, type Hash } from 'node:crypto';
import { fstatSync } from 'node:fs';
import { throwOurs } from './system-errors.ts';
import { hasRested, isSameState, type Stamp } from '../http/validators.ts';
import { pool, Queue, readLater } from './queue.ts';

/** Large files remembered; each takes some 300 bytes. */
const MAX_KNOWN = 10_000;

/** Responses of one state that are hashed side by side: the first may stall, and a hash of each would only cost time. */
const MAX_TAPS = 2;

/** Files that are being hashed, or wait for it, before those that need not be hashed do without. */
const MAX_WAITING = 4;

/** Files hashed side by side, large and small ones apart: one that takes long, or lies on a slow disk, holds up no small one. */
const MAX_SMALL = 4;
const MAX_LARGE = 1;

/** Up to here a file is read in the time of a request. */
export const SMALL_FILE_BYTES: number = 16 * 1024 * 1024;

const CHUNK_BYTES = 256 * 1024;

interface Known {
  readonly stamp: Stamp;
  readonly sha256: string | undefined;
  /** How many states with the same weak tag came before this one. */
  readonly sameNames: number;
  readonly weakTag: string | undefined;
}

/** Sees the chunks of a whole response in order. */
export interface Tap {
  see(chunk: Uint8Array): void;
  /** All of it was seen; the descriptor is still open. */
  complete(descriptor: number): void;
  /** No more will come. To be called in any case. */
  leave(): void;
}

export class Digests {
  readonly #known = new Map<string, Known>();
  readonly #taps = new Map<string, number>();
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #small = new Queue(MAX_SMALL);
  readonly #large = new Queue(MAX_LARGE);

  /** Whether hashing another file would have to wait for long. */
  get isBusy(): boolean {
    return this.#underWay.size >= MAX_WAITING;
  }

  /** Whether the hash of a file in this state is not known, and would be once the file was read. */
  canLearn(location: string, stamp: Stamp): boolean {
    return isCertain(stamp) && this.find(location, stamp) === undefined;
  }

  /** The hash of a file in this state, in base64url; undefined while it is not known. */
  find(location: string, stamp: Stamp): string | undefined {
    const known = this.#known.get(location);
    return known !== undefined && isSameState(known.stamp, stamp) ? known.sha256 : undefined;
  }

  /** A suffix for the weak tag of a state: not empty if this process has given the same tag to another state of the file. */
  discriminator(location: string, stamp: Stamp, weakTag: string): string {
    const known = this.#known.get(location);
    if (known !== undefined && isSameState(known.stamp, stamp)) return suffixOf(known.sameNames);
    const sameNames = known?.weakTag === weakTag ? known.sameNames + 1 : 0;
    this.#set(location, { stamp, sha256: undefined, weakTag, sameNames });
    return suffixOf(sameNames);
  }

  /** Hashes a whole response as it passes by; undefined when that is not wanted. */
  tap(location: string, stamp: Stamp): Tap | undefined {
    const taps = this.#taps.get(location) ?? 0;
    if (taps === MAX_TAPS || !this.canLearn(location, stamp)) return undefined;
    this.#taps.set(location, taps + 1);
    const hash = createHash('sha256');
    let isLeft = false;
    return {
      see: (chunk) => void hash.update(chunk),
      complete: (descriptor) => this.#record(location, stamp, hash, descriptor),
      leave: () => {
        if (isLeft) return;
        isLeft = true;
        const left = (this.#taps.get(location) ?? 1) - 1;
        if (left === 0) this.#taps.delete(location);
        else this.#taps.set(location, left);
      },
    };
  }

  /** Reads an open file and hashes it, few at a time and each state once. The caller closes the descriptor afterwards. */
  compute(location: string, stamp: Stamp, descriptor: number): Promise<void> {
    if (!this.canLearn(location, stamp)) return Promise.resolve();
    const underWay = this.#underWay.get(location);
    if (underWay !== undefined) return underWay;
    const queue = stamp.size <= SMALL_FILE_BYTES ? this.#small : this.#large;
    const computing = queue
      .run(() => this.#hashWhole(location, stamp, descriptor))
      .finally(() => this.#underWay.delete(location));
    this.#underWay.set(location, computing);
    return computing;
  }

  async #hashWhole(location: string, stamp: Stamp, descriptor: number): Promise<void> {
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    for (let position = 0; position < stamp.size;) {
      const { bytesRead } = await pool.run(
        () => readLater(descriptor, buffer, 0, CHUNK_BYTES, position),
        () => stamp.dev,
      );
      if (bytesRead === 0) return;
      hash.update(buffer.subarray(0, Math.min(bytesRead, stamp.size - position)));
      position += bytesRead;
    }
    this.#record(location, stamp, hash, descriptor);
  }

  /** Keeps a hash if the file is still in the state that was read. */
  #record(location: string, stamp: Stamp, hash: Hash, descriptor: number): void {
    if (!isInState(descriptor, stamp)) return;
    const known = this.#known.get(location);
    const { weakTag, sameNames = 0 } = known ?? {};
    this.#set(location, { stamp, sha256: hash.digest('base64url'), weakTag, sameNames });
  }

  #set(location: string, known: Known): void {
    this.#known.delete(location);
    this.#known.set(location, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_KNOWN && oldest !== undefined) this.#known.delete(oldest);
  }
}

function suffixOf(sameNames: number): string {
  return sameNames === 0 ? '' : `.${sameNames.toString(36)}`;
}

/** Whether an open file is in a state. One that its file system knows no more, as a replaced one on NFS, was read all the same. */
function isInState(descriptor: number, stamp: Stamp): boolean {
  try {
    return isSameState(stamp, fstatSync(descriptor));
  } catch (error) {
    throwOurs(error);
    return false;
  }
}

/** Whether any later change is certain to show in the times. */
function isCertain({ mtimeMs, ctimeMs }: Stamp): boolean {
  return hasRested(Math.max(mtimeMs, ctimeMs), Date.now());
}
