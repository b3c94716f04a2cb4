// A `net.Socket` without a handle: what it reads and writes goes through functions. Libraries that expect a socket (ws,
// http-proxy, Node's own http server) find every member there, because it is one; addresses and counters are answered here.

import { Socket, type AddressInfo } from 'node:net';
import type { Peer } from '../message/message.ts';

/** Reports that pieces were taken, or that they never will be. */
export type Taken = (error?: Error | null) => void;

/** Where the bytes of a `DuplexSocket` come from and go to. */
export interface DuplexParts {
  /** The reader wants bytes: `push` them, now or later. */
  read(): void;
  /** Takes written pieces; the next are handed over when `taken` was called. */
  write(pieces: readonly Buffer[], taken: Taken): void;
  /** Nothing more will be written. */
  finish(taken: Taken): void;
  /** The socket was destroyed, by either side; called once. */
  destroyed(error: Error | null): void;
}

/** Both ends of the connection that the socket stands for. */
export interface DuplexEnds {
  readonly remote: Peer;
  readonly local: Peer;
  readonly scheme: 'http' | 'https';
}

interface Chunk {
  readonly chunk: Buffer | string;
  readonly encoding: BufferEncoding;
}

export class DuplexSocket extends Socket {
  readonly #parts: DuplexParts;
  readonly #ends: DuplexEnds;
  #bytesRead = 0;
  #bytesWritten = 0;
  #take: ((bytes: Uint8Array) => boolean) | undefined;

  constructor(parts: DuplexParts, ends: DuplexEnds) {
    super({ allowHalfOpen: true });
    this.#parts = parts;
    this.#ends = ends;
    // What is asked of a request's socket to tell https: as an own member, since `in` is how some ask.
    if (ends.scheme === 'https') Object.assign(this, { encrypted: true });
  }

  // node:net defines these on its prototype, as getters that ask the handle.
  static {
    const getter = (get: (socket: DuplexSocket) => unknown): PropertyDescriptor => ({
      configurable: true,
      get(this: DuplexSocket) {
        return get(this);
      },
    });
    Object.defineProperties(DuplexSocket.prototype, {
      remoteAddress: getter((socket) => socket.#ends.remote.address || undefined),
      remotePort: getter((socket) => portOf(socket.#ends.remote)),
      remoteFamily: getter((socket) => familyOf(socket.#ends.remote)),
      localAddress: getter((socket) => socket.#ends.local.address || undefined),
      localPort: getter((socket) => portOf(socket.#ends.local)),
      localFamily: getter((socket) => familyOf(socket.#ends.local)),
      pending: getter(() => false),
      bytesRead: getter((socket) => socket.#bytesRead),
      bytesWritten: getter((socket) => socket.#bytesWritten + socket.writableLength),
    });
  }

  override push(bytes: Uint8Array | null, encoding?: BufferEncoding): boolean {
    if (bytes !== null) {
      this.#bytesRead += bytes.length;
      this.#rearm();
      if (this.#take !== undefined && this.isLending) return this.#take(bytes);
    }
    return super.push(bytes, encoding);
  }

  /** Whether bytes that are pushed now need not be kept. */
  get isLending(): boolean {
    return this.#take !== undefined && this.readableFlowing === true && this.readableLength === 0;
  }

  /**
   * Hands over what comes past the queue of the stream: bytes are valid until `take` returns. False asks for no more until
   * `goOn`. The end, errors and the close are told as events, as ever.
   */
  lend(take: (bytes: Uint8Array) => boolean): void {
    this.#take = take;
    this.on('data', (bytes: Uint8Array) => {
      if (!take(bytes)) this.pause();
    });
  }

  /** Asks for more, after `take` has said false. */
  goOn(): void {
    this.resume();
    this.#parts.read();
  }

  /** Writes past the queue of the stream. A promise where the system has not taken all: the bytes must stay as they are until then. */
  send(bytes: Uint8Array): Promise<void> | undefined {
    if (this.writableLength > 0 || !this.writable) return new Promise((resolve) => this.write(bytes, () => resolve()));
    this.#bytesWritten += bytes.length;
    this.#rearm();
    let isTaken = false;
    let settle = (): void => {};
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#parts.write([view], (error) => {
      isTaken = true;
      if (error !== undefined && error !== null) this.destroy(error);
      settle();
    });
    return isTaken ? undefined : new Promise((resolve) => (settle = resolve));
  }

  override _read(): void {
    this.#parts.read();
  }

  override _write(chunk: Buffer | string, encoding: BufferEncoding, taken: Taken): void {
    this.#write([{ chunk, encoding }], taken);
  }

  override _writev(chunks: readonly Chunk[], taken: Taken): void {
    this.#write(chunks, taken);
  }

  #write(chunks: readonly Chunk[], taken: Taken): void {
    const pieces = chunks.map(({ chunk, encoding }) =>
      typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk,
    );
    for (const { length } of pieces) this.#bytesWritten += length;
    this.#rearm();
    this.#parts.write(pieces, taken);
  }

  override _final(taken: Taken): void {
    this.#parts.finish(taken);
  }

  override _destroy(error: Error | null, closed: (error?: Error | null) => void): void {
    // node:net clears its timer, and emits `close` when its handle has closed, which is behind all that this turn of the loop has to do.
    Object.assign(this, { _handle: { close: setImmediate } });
    // oxlint-disable-next-line no-underscore-dangle -- a hook that streams are extended by
    super._destroy(error, closed);
    this.#parts.destroyed(error);
  }

  /** Traffic starts the time-out of `setTimeout` anew. */
  #rearm(): void {
    if (this.timeout !== undefined && this.timeout > 0) this.setTimeout(this.timeout);
  }

  override address(): AddressInfo | Record<string, never> {
    const { localAddress, localPort, localFamily } = this;
    if (localAddress === undefined || localPort === undefined || localFamily === undefined) return {};
    return { address: localAddress, port: localPort, family: localFamily };
  }

  override resetAndDestroy(): this {
    return this.destroy();
  }

  // There is no handle whose life could be set.

  override ref(): this {
    return this;
  }

  override unref(): this {
    return this;
  }
}

function portOf({ address, port }: Peer): number | undefined {
  return address === '' ? undefined : port;
}

function familyOf({ address }: Peer): 'IPv4' | 'IPv6' | undefined {
  return address === '' ? undefined : address.includes(':') ? 'IPv6' : 'IPv4';
}
