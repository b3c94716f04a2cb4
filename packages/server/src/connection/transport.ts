// A socket as the engine sees it: bytes come in by a call, go out by a call that says whether the system has taken them.
//
// Nothing above this file knows `net.Socket`. Reading has two ways: with a buffer that all connections share (the callback
// is synchronous, so the bytes are valid for its duration), and `data` events for TLS sockets and as the fallback.

import type { Socket } from 'node:net';

/** What a transport tells its owner. */
export interface Receiver {
  /** Bytes that are valid during the call only. */
  received(bytes: Uint8Array): void;
  /** The peer has finished sending; it may still read. */
  finished(): void;
  /** Nothing can be read or written any more; the last call. */
  closed(): void;
}

const NOTHING = Buffer.alloc(0);

export class Transport {
  readonly secure: boolean;
  readonly #socket: Socket;
  /** Everything that was given to write. */
  writtenBytes = 0;
  #paused = false;
  #closed = false;
  #waiters: ((taken: boolean) => void)[] = [];

  constructor(socket: Socket, secure: boolean) {
    this.#socket = socket;
    this.secure = secure;
  }

  /** Starts handing over what happens. `pushed` says that somebody else calls `received`. */
  open(receiver: Receiver, pushed: boolean): void {
    const socket = this.#socket;
    if (!pushed) socket.on('data', (bytes: Buffer) => receiver.received(bytes));
    socket.on('end', () => receiver.finished());
    // A reset is how clients leave; `close` follows and is all that matters.
    socket.on('error', () => {});
    socket.on('drain', () => this.#settle(true));
    socket.on('close', () => {
      this.#closed = true;
      this.#settle(false);
      receiver.closed();
    });
    // With a buffer of ours, making the socket has begun to read, and nothing flows through the stream.
    if (!pushed) socket.resume();
  }

  get remoteAddress(): string {
    return this.#socket.remoteAddress ?? '';
  }

  get remotePort(): number {
    return this.#socket.remotePort ?? 0;
  }

  get localAddress(): string {
    return this.#socket.localAddress ?? '';
  }

  get localPort(): number {
    return this.#socket.localPort ?? 0;
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  /**
   * Sends bytes, which must not change until they are taken. True when the system has them all already; false when it has
   * not, or never will: `flushed` tells which.
   */
  write(bytes: Uint8Array): boolean {
    const socket = this.#socket;
    if (socket.destroyed) return false;
    this.writtenBytes += bytes.length;
    socket.write(bytes);
    return socket.writableLength === 0 && !socket.destroyed;
  }

  /** The same for several pieces, in one system call where there is one. */
  writeAll(pieces: readonly Uint8Array[]): boolean {
    const socket = this.#socket;
    if (socket.destroyed) return false;
    socket.cork();
    for (const piece of pieces) {
      this.writtenBytes += piece.length;
      socket.write(piece);
    }
    socket.uncork();
    return socket.writableLength === 0 && !socket.destroyed;
  }

  /** Resolves when the system has taken everything: true; or when the connection is gone: false. */
  flushed(): Promise<boolean> {
    const socket = this.#socket;
    if (this.#closed || socket.destroyed) return Promise.resolve(false);
    if (socket.writableLength === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
      if (!socket.writableNeedDrain) socket.write(NOTHING, () => this.#settle(!socket.destroyed));
    });
  }

  #settle(taken: boolean): void {
    if (this.#waiters.length === 0) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const settle of waiters) settle(taken);
  }

  /** How many bytes the system has not taken yet; falls while a slow peer reads. */
  get pendingBytes(): number {
    const { writableLength } = this.#socket;
    if (writableLength === 0) return 0;
    // Within one large write only the handle knows how far it is. It is no documented property: without it, a write counts
    // as no progress until it is done.
    const { _handle: handle } = this.#socket as Socket & { _handle?: { writeQueueSize?: number } | null };
    return handle?.writeQueueSize ?? writableLength;
  }

  pause(): void {
    if (this.#paused || this.#closed) return;
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused || this.#closed) return;
    this.#paused = false;
    this.#socket.resume();
  }

  /** Finishes sending when everything written has been; the peer may go on sending. */
  end(): void {
    this.#socket.end();
  }

  /** Closes at once when the system has taken everything, which it then delivers on its own; finishes sending otherwise. */
  leave(): void {
    if (this.secure || this.#socket.writableLength > 0) this.#socket.end();
    else this.#socket.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Ends the connection so that the peer can tell: what it has got is not the whole. */
  reset(): void {
    if (this.secure || this.#closed) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }
}
