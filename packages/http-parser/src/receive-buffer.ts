// Bytes that have to wait: the beginning of a section that is not all there, or what came behind a message that is not
// answered.
//
// Nothing is allocated while nothing waits, so an idle connection costs no buffer. What waits is copied once and read in
// place; it moves again only when the buffer doubles, so copying is linear in the input. So is reading: a section that was
// incomplete is only read again when `isDue` says that something can have changed.

import { CR, LF } from './grammar.ts';
import { scan } from './scan.ts';

const NOTHING = new Uint8Array(0);

/** The smallest buffer made: one that a small head fits in. */
const MIN_BYTES = 512;

export class ReceiveBuffer {
  bytes: Uint8Array = NOTHING;
  start = 0;
  end = 0;
  /** How much was waiting when reading it gave nothing, and up to where line ends were looked for since. */
  #tried = 0;
  #searched = 0;
  #sawLineEnd = false;

  get length(): number {
    return this.end - this.start;
  }

  /** Copies `added`, from an offset on, behind what waits. */
  append(added: Uint8Array, from: number): void {
    const size = added.length - from;
    if (this.end + size > this.bytes.length) this.#makeRoom(size);
    this.bytes.set(from === 0 ? added : added.subarray(from), this.end);
    this.end += size;
  }

  /** Drops what lies before `start`, and the memory with the last octet. */
  keepFrom(start: number): void {
    if (start === this.end) return this.clear();
    if (start !== this.start) this.#tried = 0;
    this.start = start;
  }

  /** The same, when reading what is left gave nothing: it is a section that is not all there. */
  waitFrom(start: number): void {
    this.keepFrom(start);
    if (this.#tried === 0) {
      this.#searched = 0;
      this.#sawLineEnd = false;
      this.#findLineEnd();
    }
    this.#tried = this.length;
  }

  /**
   * Whether reading again may give what it did not give before: the section is `limit` long or twice as long as the last
   * time, its first line has ended, or an empty line has. Anything is thus read a bounded number of times.
   */
  isDue(limit: number): boolean {
    const { length } = this;
    return this.#findLineEnd() || length >= limit || length >= this.#tried * 2;
  }

  clear(): void {
    this.bytes = NOTHING;
    this.start = 0;
    this.end = 0;
    this.#tried = 0;
    this.#searched = 0;
    this.#sawLineEnd = false;
  }

  /** Looks through what was not looked through yet, for the end of the first line or of an empty one. */
  #findLineEnd(): boolean {
    const { bytes, start, end } = this;
    let found = false;
    scan.examined += this.length - this.#searched;
    for (let at = start + this.#searched; at < end; at++) {
      if (bytes[at] !== LF) continue;
      const before = bytes[at - 1] === CR ? at - 2 : at - 1;
      found ||= !this.#sawLineEnd || before < start || bytes[before] === LF;
      this.#sawLineEnd = true;
    }
    this.#searched = this.length;
    return found;
  }

  #makeRoom(size: number): void {
    const { length, start, end } = this;
    const needed = length + size;
    const target = needed * 2 <= this.bytes.length ? this.bytes : new Uint8Array(Math.max(MIN_BYTES, needed * 2));
    target.set(this.bytes.subarray(start, end));
    scan.examined += length;
    this.bytes = target;
    this.start = 0;
    this.end = length;
  }
}
