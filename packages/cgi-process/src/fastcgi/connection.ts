// One connection to an application, which outlives its requests.
//
// What comes is handed on out of one buffer that all connections share: it is read and, where it is to be kept, copied before the
// next read. Whoever has enough says so, and the application is held back by its own socket.

import { writeSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { afterSharedMs } from '../shared-timers.ts';
import type { Address } from './address.ts';
import type { Capacity, Counted } from './capacity.ts';
import { descriptorOf, readPast, readRestFirst } from './handle.ts';
import { RecordReader } from './records.ts';
import type { KnownHead } from './records.ts';
import { noCounts } from './state.ts';
import type { BackendCounts } from './state.ts';

/** What the system gives at once, at most. */
const READ_BUFFER = Buffer.allocUnsafeSlow(65_536);

/** How long an application may take to read what was sent last over a connection that is left. */
const LAST_READ_MS = 1000;

/** Who is told what comes over a connection. */
export interface Receiver {
  /** The first bytes of a buffer, only there for now. Returns whether more may come; `resume` asks for it otherwise. */
  receive(bytes: Buffer, count: number): boolean;
  /** Nothing more comes. May be repeated. */
  closed(error: Error | undefined): void;
}

/** Opens a connection. Rejects with the system's error, or after `timeoutMs`. */
export async function openConnection(
  address: Address,
  timeoutMs: number,
  counts?: BackendCounts,
  capacity?: Capacity,
): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const callback = (count: number): boolean => connection.receive(READ_BUFFER, count);
    const socket = connect({ ...address, noDelay: true, onread: { buffer: READ_BUFFER, callback } });
    const connection = new Connection(socket, counts, capacity);
    const late = (): void => {
      const message = `no connection for ${timeoutMs} ms`;
      socket.destroy(Object.assign(new Error(message), { code: 'ETIMEDOUT' }));
    };
    socket.setTimeout(Math.min(timeoutMs, 2 ** 31 - 1), late);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.off('timeout', late);
      socket.off('error', reject);
      readPast(socket, callback);
      readRestFirst(socket, READ_BUFFER, (count) => connection.receiveRest(READ_BUFFER, count));
      resolve(connection);
    });
  });
}

export class Connection implements Counted {
  readonly socket: Socket;
  /** Of the address that it leads to. */
  readonly counts: BackendCounts;
  /** What reads it over FastCGI: where a request has ended well, the next one begins with a record. */
  readonly records: RecordReader = new RecordReader();
  readonly openedAt: number = performance.now();
  /** Whether it has carried a request to its end. */
  hasServed = false;
  closings = 0;
  teaches = false;
  /** Of the request that is on it. */
  receiver: Receiver | undefined;
  #capacity: Capacity | undefined;
  #hasAnswered = false;
  #isIdle = false;
  #hasEnded = false;
  #error: Error | undefined;

  constructor(socket: Socket, counts: BackendCounts = noCounts(), capacity?: Capacity) {
    this.socket = socket;
    this.counts = counts;
    this.#capacity = capacity;
    capacity?.opens(this);
    const closed = (): void => {
      this.#hasEnded = true;
      this.receiver?.closed(this.#error);
      this.uncount();
    };
    socket.on('error', (error) => (this.#error = error));
    socket.on('end', closed);
    socket.on('close', closed);
  }

  get isOpen(): boolean {
    return !this.#hasEnded && !this.socket.destroyed;
  }

  /** Is not counted any more: it is closed, or about to be. May be repeated. */
  uncount(): void {
    const capacity = this.#capacity;
    this.#capacity = undefined;
    capacity?.leaves(this);
  }

  /** Takes what has come. While it is idle nothing has to come but its end. */
  receive(bytes: Buffer, count: number = bytes.length): boolean {
    if (!this.#hasAnswered) {
      this.#hasAnswered = true;
      this.#capacity?.answers(this);
    }
    if (this.receiver !== undefined) return this.receiver.receive(bytes, count);
    if (this.#isIdle) this.socket.destroy();
    return false;
  }

  /** Takes what has come, or with 0 the end, before the socket closes with an error. Returns whether more is of use. */
  receiveRest(bytes: Buffer, count: number): boolean {
    if (count > 0) this.receive(bytes, count);
    else this.receiver?.closed(undefined);
    return this.receiver !== undefined;
  }

  /** Sends a byte string, or bytes that are only there for now, in one write where the system takes it. */
  write(head: string | KnownHead): void {
    const taken = this.#takenAtOnce(head);
    if (taken === head.length) return;
    if (typeof head === 'string') this.socket.write(taken === 0 ? head : head.slice(taken), 'latin1');
    else this.socket.write(Buffer.from(head.bytes.subarray(taken, head.length)));
  }

  /**
   * How many bytes the system has taken past the socket, whose bookkeeping for a write costs as much as the system call. What it
   * does not take, and every error, is the socket's to wait for and to tell.
   */
  #takenAtOnce(head: string | KnownHead): number {
    const { socket } = this;
    const descriptor = descriptorOf(socket);
    if (descriptor < 0 || socket.writableLength > 0 || socket.destroyed) return 0;
    try {
      if (typeof head === 'string') return writeSync(descriptor, head, null, 'latin1');
      return writeSync(descriptor, head.bytes, 0, head.length);
    } catch (error) {
      if (typeof (error as NodeJS.ErrnoException).code === 'string') return 0;
      throw error;
    }
  }

  /** Reads again, after a receiver had enough. */
  resume(): void {
    this.socket.resume();
  }

  /** Closes it when what was written is with the system: soon, also where its application hangs and reads nothing. */
  leave(): void {
    const { socket } = this;
    socket.destroySoon();
    if (socket.writableLength > 0) afterSharedMs(LAST_READ_MS, () => socket.destroy());
  }

  rest(isIdle: boolean): void {
    this.#isIdle = isIdle;
    this.hasServed = true;
    if (isIdle) this.socket.unref();
    else this.socket.ref();
  }
}
