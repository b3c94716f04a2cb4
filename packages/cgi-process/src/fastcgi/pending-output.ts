// What an application has written and nobody has read yet.
//
// All reads of sockets share one buffer, so what is to be kept is copied, into few large pieces. Memory outside of V8's heap is what
// its collector counts: a buffer for each read, or for each answer, has it look at the whole heap every hundred requests. So
// pieces are leased, and go back where the whole answer is for somebody who has done with it when the loop turns. Who reads waits
// for as much as is worth a write, with one timer.

import { sharedTimer } from '../shared-timers.ts';
import type { Due, SharedTimer } from '../shared-timers.ts';

/** An answer that is here at once needs no room beyond it. */
const SMALL_BYTES = 4096;
/** A piece: what a write to a client takes well. */
const PIECE_BYTES = 65_536;
/** Beyond this the application has to wait. */
const MAX_BYTES = 2 * PIECE_BYTES;
/**
 * A page that took its time comes in pieces as well, and each of them wakes this process in the middle of what makes the next. So
 * after each of the first the socket is left alone, while the system collects what comes: for as long as pieces have been coming,
 * since a page that is written at its end is all there within a millisecond, and for no more than this part of the time that the
 * answer has taken. A client cannot tell, and the loop turns less than half as often.
 */
const REST_SHARE = 1 / 8;
const LEAST_REST_MS = 1;
const MAX_REST_MS = 20;
/** Pieces that wait for the next lease: as many as answers are usually under way. */
const MAX_SPARE = 16;

const spare: Buffer[] = [];

function giveBack(piece: Buffer): void {
  if (spare.length < MAX_SPARE) spare.push(piece);
}

/** What an output has come to. */
export interface OutputNow {
  readonly bytes: Uint8Array | undefined;
  readonly end: 'end' | Error | undefined;
}

/** Where output comes from. */
export interface Source {
  resume(): void;
}

export class PendingOutput implements Due {
  #bytes: Buffer | undefined;
  #start = 0;
  #used = 0;
  #isLeased = false;
  /** What is here is somebody else's, and only there for now. */
  #isBorrowed = false;
  #isOver = false;
  #error: Error | undefined;
  readonly #since: number;
  #total = 0;
  /** What it took to the first output. */
  #firstMs: number | undefined;
  #rest: NodeJS.Timeout | undefined;
  /** Of who waits: for how many bytes, and what tells it. */
  #wanted = 0;
  #wake: (() => void) | undefined;
  #timer: SharedTimer | undefined;
  readonly #source: Source;

  /**
   * @param source goes on when output was taken that was too much
   * @param since when the request was sent
   */
  constructor(source: Source, since: number = performance.now()) {
    this.#source = source;
    this.#since = since;
  }

  get isFull(): boolean {
    return this.#used - this.#start >= MAX_BYTES;
  }

  /** Keeps a copy. Who waits is told by `tell`. */
  add(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#total += bytes.length;
    const used = this.#used;
    if (this.#bytes === undefined || used + bytes.length > this.#bytes.length) this.#grow(used + bytes.length);
    this.#bytes?.set(bytes, used);
    this.#used += bytes.length;
  }

  /**
   * All of the output, as a part of memory that is there for now. It is shown and lent where it lies while `tell` tells of it;
   * `settle` makes a copy of what nobody has taken then.
   */
  borrow(bytes: Buffer, start: number, end: number): void {
    this.#bytes = bytes;
    this.#start = start;
    this.#used = end;
    this.#isBorrowed = true;
  }

  /** Nothing is borrowed any more. */
  settle(): void {
    if (!this.#isBorrowed) return;
    this.#bytes = Buffer.from(this.#here() as Buffer);
    this.#used -= this.#start;
    this.#start = 0;
    this.#isBorrowed = false;
  }

  /** Whether nothing is here that was not taken. */
  get isEmpty(): boolean {
    return this.#bytes === undefined;
  }

  /** Whether nothing more comes. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether more is wanted at once; its source is resumed later otherwise. */
  mayGoOn(): boolean {
    if (this.isFull) return false;
    const total = this.#total;
    if (this.#isOver || total === 0 || total >= PIECE_BYTES) return true;
    const { tookMs } = this;
    this.#firstMs ??= tookMs;
    const longest = Math.min(tookMs * REST_SHARE, MAX_REST_MS);
    if (longest < LEAST_REST_MS) return true;
    const comingMs = Math.max(LEAST_REST_MS, tookMs - this.#firstMs);
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => this.#source.resume(), Math.min(longest, comingMs));
    return false;
  }

  /** How long the output has taken so far. */
  get tookMs(): number {
    return performance.now() - this.#since;
  }

  /** Nothing more comes. Only the first call counts. Who waits is told by `tell`. */
  finish(error?: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#error = error;
    if (this.#rest !== undefined) clearTimeout(this.#rest);
  }

  /** Tells who waits, if what is here is enough. */
  tell(): void {
    if (this.#wake !== undefined && this.#isEnough(this.#wanted)) this.due();
  }

  /** Tells who waits, whatever is here. */
  due(): void {
    const wake = this.#wake;
    this.#timer?.stop();
    this.#wake = undefined;
    wake?.();
  }

  #isEnough(wanted: number): boolean {
    return this.#isOver || this.#used - this.#start >= wanted;
  }

  /** Shows what is here; it may be overwritten when something else comes. Throws what the output ended with. */
  peek(): Uint8Array | 'end' | 'nothing' {
    return this.#here() ?? this.#ended() ?? 'nothing';
  }

  /** Whether what is here begins with these bytes. */
  begins(bytes: Uint8Array): boolean {
    const [here, start] = [this.#bytes, this.#start];
    if (here === undefined || this.#used - start < bytes.length) return false;
    for (let at = 0; at < bytes.length; at++) if (here[start + at] !== bytes[at]) return false;
    return true;
  }

  /** Drops so many bytes of what is here. */
  skip(count: number): void {
    const wasFull = this.isFull;
    this.#start += count;
    if (this.#start === this.#used) this.#leave(true);
    if (wasFull && !this.isFull) this.#source.resume();
  }

  /**
   * Waits for output, and where some has come, `gatherMs` more for as much as fits a piece. What it ended with is told when all
   * output was taken: `end`, or a rejection.
   */
  async read(timeoutMs: number, gatherMs = 0): Promise<Uint8Array | 'end' | 'timed-out'> {
    await new Promise<void>((resolve) => this.some(timeoutMs, resolve));
    if (gatherMs > 0 && this.#bytes !== undefined) {
      await new Promise<void>((resolve) => this.gathered(gatherMs, resolve));
    }
    return this.#take(false) ?? this.#ended() ?? 'timed-out';
  }

  /** Calls `then` once there is something, the end, or no more time; now, where that is so. */
  some(withinMs: number, then: () => void, now?: number): void {
    this.#wait(1, withinMs, then, now);
  }

  /** The same for a piece, the end, or no more time. */
  gathered(withinMs: number, then: () => void): void {
    this.#wait(PIECE_BYTES, withinMs, then);
  }

  /**
   * What is here, with how it ended, if it has.
   * @param isForNow whether the bytes, if they are all, have to last no longer than this turn of the loop
   */
  readNow(isForNow = false): OutputNow {
    const end = this.#isOver ? (this.#error ?? 'end') : undefined;
    return { bytes: this.#take(isForNow && end === 'end'), end };
  }

  #ended(): 'end' | undefined {
    if (this.#error !== undefined) throw this.#error;
    return this.#isOver ? 'end' : undefined;
  }

  #take(isForNow: boolean): Uint8Array | undefined {
    const piece = this.#bytes;
    if (piece === undefined) return undefined;
    const wasFull = this.isFull;
    const bytes = this.#here() as Buffer;
    // A piece that is mostly empty is not given away.
    const isCopied = this.#isBorrowed ? !isForNow : this.#isLeased && !isForNow && bytes.length <= PIECE_BYTES / 4;
    const taken = isCopied ? Buffer.from(bytes) : bytes;
    if (isForNow && this.#isLeased) setImmediate(giveBack, piece);
    this.#leave(isCopied);
    if (wasFull) this.#source.resume();
    return taken;
  }

  #leave(isDone: boolean): void {
    if (isDone && this.#isLeased && this.#bytes !== undefined) giveBack(this.#bytes);
    this.#bytes = undefined;
    this.#isLeased = false;
    this.#isBorrowed = false;
    this.#start = 0;
    this.#used = 0;
  }

  #grow(least: number): void {
    const before = this.#bytes;
    const wasLeased = this.#isLeased;
    const isSmall = before === undefined && least <= SMALL_BYTES;
    this.#isLeased = !isSmall && least <= PIECE_BYTES;
    if (this.#isLeased) this.#bytes = spare.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES);
    else this.#bytes = isSmall ? Buffer.allocUnsafe(least) : Buffer.allocUnsafeSlow(Math.max(least, MAX_BYTES));
    if (before === undefined) return;
    this.#bytes.set(before.subarray(0, this.#used));
    if (wasLeased) giveBack(before);
  }

  /** A view, where it is not all of what is kept: to make one costs more than to ask. */
  #here(): Buffer | undefined {
    const bytes = this.#bytes;
    if (this.#start === 0 && this.#used === bytes?.length) return bytes;
    return bytes?.subarray(this.#start, this.#used);
  }

  #wait(wanted: number, withinMs: number, then: () => void, now?: number): void {
    if (this.#isEnough(wanted)) return then();
    this.#wanted = wanted;
    this.#wake = then;
    this.#timer = sharedTimer(withinMs, this, now);
  }
}
