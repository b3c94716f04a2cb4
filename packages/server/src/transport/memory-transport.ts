// A connection in memory: the engine writes what a client would receive, and the client's end reads it from here.

import type { Peer } from '../message/message.ts';
import type { Receiver, Transport } from './transport.ts';

// As much as a kernel holds for a reader that pauses.
const WAITING_BYTES = 262_144;

const NOWHERE: Peer = { address: '127.0.0.1', port: 0 };

/** The client's end. */
export interface MemoryClient {
  /** Bytes, which are valid during the call only. */
  received(bytes: Uint8Array): void;
  /** Nothing more comes; `isWhole` is false where the connection was broken off. */
  ended(isWhole: boolean): void;
}

export class MemoryTransport implements Transport {
  readonly secure: boolean;
  readonly remote: Peer = NOWHERE;
  readonly local: Peer = NOWHERE;
  readonly isBroken = false;
  writtenBytes = 0;
  readonly #client: MemoryClient;
  readonly #roomWaiters: (() => void)[] = [];
  #receiver: Receiver | undefined;
  #waitingBytes = 0;
  #isPaused = false;
  #isClosed = false;
  #hasEnded = false;
  #flushWaiters: ((isTaken: boolean) => void)[] = [];

  constructor(secure: boolean, client: MemoryClient) {
    this.secure = secure;
    this.#client = client;
  }

  /** Whether the server reads. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get pendingBytes(): number {
    return this.#waitingBytes;
  }

  open(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  /** The client sends; resolves when the server reads on, or is gone. */
  async send(bytes: Uint8Array): Promise<void> {
    while (this.#isPaused && !this.#isClosed) await new Promise<void>((resolve) => this.#roomWaiters.push(resolve));
    if (!this.#isClosed) this.#receiver?.received(bytes);
  }

  /** The client has read bytes. */
  taken(count: number): void {
    this.#waitingBytes -= count;
    if (this.#waitingBytes < WAITING_BYTES) this.#settle(true);
  }

  /** The client leaves. */
  leaveAsClient(): void {
    this.#close();
  }

  write(bytes: Uint8Array): boolean {
    return this.writeAll([bytes]);
  }

  writeAll(pieces: readonly Uint8Array[]): boolean {
    if (this.#isClosed) return false;
    for (const piece of pieces) {
      this.writtenBytes += piece.length;
      this.#waitingBytes += piece.length;
      this.#client.received(piece);
    }
    return this.#waitingBytes < WAITING_BYTES;
  }

  flushed(): Promise<boolean> {
    if (this.#isClosed) return Promise.resolve(false);
    if (this.#waitingBytes < WAITING_BYTES) return Promise.resolve(true);
    return new Promise((resolve) => this.#flushWaiters.push(resolve));
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    for (const wake of this.#roomWaiters.splice(0)) wake();
  }

  keepAlive(): void {
    // There is no network whose silence could be noticed.
  }

  end(): void {
    if (this.#hasEnded || this.#isClosed) return;
    this.#hasEnded = true;
    this.#client.ended(true);
    this.#close();
  }

  leave(): void {
    this.end();
  }

  destroy(): void {
    this.#close();
  }

  reset(): void {
    this.#close();
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (!this.#hasEnded) this.#client.ended(false);
    this.#settle(false);
    for (const wake of this.#roomWaiters.splice(0)) wake();
    // As a socket tells it: after what is going on now.
    queueMicrotask(() => this.#receiver?.closed());
  }

  #settle(isTaken: boolean): void {
    const waiters = this.#flushWaiters;
    this.#flushWaiters = [];
    for (const settle of waiters) settle(isTaken);
  }
}
