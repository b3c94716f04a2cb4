// A transport on `net.Socket`. Reading has two ways: `data` events, and bytes that somebody else reads into a buffer that all
// connections share.

import type { Socket } from 'node:net';
import type { Peer } from '../message/message.ts';
import { isBrokenSocket, unsentBytes } from './handle.ts';
import type { Receiver, Transport } from './transport.ts';

const NOTHING = Buffer.alloc(0);

export class SocketTransport implements Transport {
  readonly secure: boolean;
  readonly #socket: Socket;
  readonly #isPushed: boolean;
  writtenBytes = 0;
  #paused = false;
  #closed = false;
  #waiters: ((taken: boolean) => void)[] = [];

  /** `isPushed` says that somebody else calls `received`. */
  constructor(socket: Socket, secure: boolean, isPushed: boolean) {
    this.#socket = socket;
    this.secure = secure;
    this.#isPushed = isPushed;
  }

  open(receiver: Receiver): void {
    const socket = this.#socket;
    if (!this.#isPushed) socket.on('data', (bytes: Buffer) => receiver.received(bytes));
    // A reset right behind the last bytes looks like an end.
    socket.on('end', () => (this.isBroken ? socket.destroy() : receiver.finished()));
    // A reset is how clients leave; `close` follows and is all that matters.
    socket.on('error', () => {});
    socket.on('drain', () => this.#settle(true));
    socket.on('close', () => {
      this.#closed = true;
      this.#settle(false);
      receiver.closed();
    });
    // With a buffer of ours, making the socket has begun to read, and nothing flows through the stream.
    if (!this.#isPushed) socket.resume();
  }

  get remote(): Peer {
    const { remoteAddress: address = '', remotePort: port = 0 } = this.#socket;
    return { address, port };
  }

  get local(): Peer {
    const { localAddress: address = '', localPort: port = 0 } = this.#socket;
    return { address, port };
  }

  get isBroken(): boolean {
    return !this.#closed && isBrokenSocket(this.#socket);
  }

  write(bytes: Uint8Array): boolean {
    const socket = this.#socket;
    if (socket.destroyed) return false;
    this.writtenBytes += bytes.length;
    socket.write(bytes);
    return this.#hasTakenAll;
  }

  writeAll(pieces: readonly Uint8Array[]): boolean {
    const socket = this.#socket;
    if (socket.destroyed) return false;
    socket.cork();
    for (const piece of pieces) {
      this.writtenBytes += piece.length;
      socket.write(piece);
    }
    socket.uncork();
    return this.#hasTakenAll;
  }

  /** A write that fails empties the queue as well; the socket is destroyed a moment later. */
  get #hasTakenAll(): boolean {
    const { writableLength, errored, destroyed } = this.#socket;
    return writableLength === 0 && errored === null && !destroyed;
  }

  flushed(): Promise<boolean> {
    const socket = this.#socket;
    if (this.#closed || socket.destroyed || socket.errored !== null) return Promise.resolve(false);
    if (socket.writableLength === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
      if (!socket.writableNeedDrain) socket.write(NOTHING, (error) => this.#settle(!error && !socket.destroyed));
    });
  }

  #settle(taken: boolean): void {
    if (this.#waiters.length === 0) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const settle of waiters) settle(taken);
  }

  get pendingBytes(): number {
    const { writableLength } = this.#socket;
    if (writableLength === 0) return 0;
    return unsentBytes(this.#socket) ?? writableLength;
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

  keepAlive(seconds: number): void {
    if (!this.#closed) this.#socket.setKeepAlive(true, seconds * 1000);
  }

  end(): void {
    this.#socket.end();
  }

  leave(): void {
    if (this.secure || this.#socket.writableLength > 0) this.#socket.end();
    else this.#socket.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  reset(): void {
    // Only TCP has resets: a Unix socket, which has no address, throws.
    if (this.secure || this.#closed || this.#socket.localAddress === undefined) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }
}
