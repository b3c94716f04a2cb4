// A transport on the bare handle of a connection, for as long as all is plain: what comes is read into one buffer that all
// connections share, and what goes out is taken by the system at once. That is the whole life of most connections, and costs
// a third of a `net.Socket`'s.
//
// The first thing that takes time (a write that the system does not take whole, finishing to send, a reset) makes a socket of
// the handle, and from then on `SocketTransport` has the connection.

import { writeSync, writevSync } from 'node:fs';
import { isBroken, localOf, peerOf, socketOf, type Handle } from './handle.ts';
import { SocketTransport } from './socket-transport.ts';
import type { Peer } from '../message/message.ts';
import type { Receiver, Transport } from './transport.ts';

// What Linux returns in one read at most on loopback; nobody needs more at once.
const SHARED_BYTES = 65_536;

let shared: Buffer | undefined;
let view: Uint8Array = new Uint8Array(0);

/** The first bytes of the shared buffer. Requests of one client are often of one length, and a view costs more than asking. */
function sharedBytes(count: number): Uint8Array {
  if (view.length !== count) view = sharedBuffer().subarray(0, count);
  return view;
}

function sharedBuffer(): Buffer {
  return (shared ??= Buffer.allocUnsafeSlow(SHARED_BYTES));
}

export class HandleTransport implements Transport {
  readonly secure = false;
  readonly #handle: Handle;
  /** Its descriptor, which is this connection's until the handle is closed, here or by a socket. */
  readonly #descriptor: number;
  #receiver: Receiver | undefined;
  #socket: SocketTransport | undefined;
  #bytesRead = 0;
  #isPaused = false;
  /** A read has brought nothing, and the next one will tell whether that was the end. */
  #isInDoubt = false;
  #isFinished = false;
  #isClosed = false;
  #writes = 0;
  writtenBytes = 0;

  constructor(handle: Handle) {
    this.#handle = handle;
    this.#descriptor = handle.fd;
  }

  open(receiver: Receiver): void {
    // The handle of a Unix socket cannot tell an end from an error.
    if (this.#handle.getpeername === undefined) this.#becomeSocket();
    this.#receiver = receiver;
    if (this.#socket !== undefined) return this.#socket.open(this.#relay());
    this.#handle.useUserBuffer(sharedBuffer());
    // What this returns would be taken for the next buffer.
    this.#handle.onread = () => {
      this.#read();
    };
    this.#handle.readStart();
  }

  #read(): void {
    const { bytesRead } = this.#handle;
    const count = bytesRead - this.#bytesRead;
    this.#bytesRead = bytesRead;
    if (count > 0) {
      this.#isInDoubt = false;
      return this.#receiver?.received(sharedBytes(count));
    }
    if (isBroken(this.#handle)) return this.destroy();
    if (this.#isFinished) return;
    if (!this.#isInDoubt) return this.#askAgain();
    this.#isFinished = true;
    this.#receiver?.finished();
  }

  /**
   * "Nothing there at the moment", which is what comes behind a read that has just filled the buffer, and the end look the
   * same. Only the end is told once more when reading is begun anew.
   */
  #askAgain(): void {
    this.#isInDoubt = true;
    this.#handle.readStop();
    this.#handle.readStart();
  }

  /** Makes a socket of the handle, which goes on where the handle was. */
  #becomeSocket(): SocketTransport {
    if (this.#socket !== undefined) return this.#socket;
    this.#handle.readStop();
    if (this.#writes < 2) this.#handle.setNoDelay?.(true);
    const callback = (count: number): boolean => {
      this.#receiver?.received(sharedBytes(count));
      return true;
    };
    const socket = new SocketTransport(socketOf(this.#handle, { buffer: sharedBuffer(), callback }), false, true);
    this.#socket = socket;
    if (this.#isPaused) socket.pause();
    if (this.#receiver !== undefined) socket.open(this.#relay());
    return socket;
  }

  /** What the socket tells: an end that has been told already comes once more. */
  #relay(): Receiver {
    return {
      received: () => {},
      finished: () => {
        if (!this.#isFinished) this.#receiver?.finished();
        this.#isFinished = true;
      },
      closed: () => this.#receiver?.closed(),
    };
  }

  get remote(): Peer {
    return peerOf(this.#handle);
  }

  get local(): Peer {
    return localOf(this.#handle);
  }

  get pendingBytes(): number {
    return this.#socket === undefined ? 0 : this.#socket.pendingBytes;
  }

  get isBroken(): boolean {
    return this.#socket === undefined ? !this.#isClosed && isBroken(this.#handle) : this.#socket.isBroken;
  }

  write(bytes: Uint8Array): boolean {
    this.writtenBytes += bytes.length;
    if (this.#socket !== undefined) return this.#socket.write(bytes);
    const taken = this.#take(bytes);
    if (taken === bytes.length) return true;
    return taken !== undefined && this.#becomeSocket().write(bytes.subarray(taken));
  }

  writeAll(pieces: readonly Uint8Array[]): boolean {
    const size = pieces.reduce((sum, { length }) => sum + length, 0);
    this.writtenBytes += size;
    if (this.#socket !== undefined) return this.#socket.writeAll(pieces);
    const taken = this.#take(pieces);
    if (taken === undefined || taken === size) return taken !== undefined;
    return this.#becomeSocket().writeAll(after(pieces, taken));
  }

  writeShared(memory: Uint8Array, start: number, size: number): boolean {
    this.writtenBytes += size;
    const taken = this.#socket === undefined ? this.#take(memory, start, size) : 0;
    if (taken === undefined || taken === size) return taken !== undefined;
    return this.#becomeSocket().write(Buffer.from(memory.subarray(start + taken, start + size)));
  }

  /** How many bytes the system took; undefined when the connection is gone. */
  #take(bytes: Uint8Array | readonly Uint8Array[], start = 0, size?: number): number | undefined {
    if (this.#isClosed) return undefined;
    this.#writes += 1;
    // Small writes leave at once. The first does so anyway: only a small one behind another would be held back.
    if (this.#writes === 2) this.#handle.setNoDelay?.(true);
    try {
      if (!(bytes instanceof Uint8Array)) return writevSync(this.#descriptor, bytes);
      return writeSync(this.#descriptor, bytes, start, size);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EAGAIN' || code === 'ENOBUFS') return 0;
      this.destroy();
      return undefined;
    }
  }

  flushed(): Promise<boolean> {
    return this.#socket === undefined ? Promise.resolve(!this.#isClosed) : this.#socket.flushed();
  }

  pause(): void {
    if (this.#socket !== undefined) return this.#socket.pause();
    if (!this.#isPaused && !this.#isClosed) this.#handle.readStop();
    this.#isPaused = true;
  }

  resume(): void {
    if (this.#socket !== undefined) return this.#socket.resume();
    if (this.#isPaused && !this.#isClosed) this.#handle.readStart();
    this.#isPaused = false;
  }

  keepAlive(seconds: number): void {
    if (!this.#isClosed) this.#becomeSocket().keepAlive(seconds);
  }

  end(): void {
    if (!this.#isClosed) this.#becomeSocket().end();
  }

  leave(): void {
    if (this.#socket === undefined) this.destroy();
    else this.#socket.leave();
  }

  destroy(): void {
    if (this.#socket !== undefined) return this.#socket.destroy();
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#handle.close(() => this.#receiver?.closed());
  }

  reset(): void {
    if (!this.#isClosed) this.#becomeSocket().reset();
  }
}

/** What is left of several pieces when so many of their bytes are gone. */
function after(pieces: readonly Uint8Array[], taken: number): readonly Uint8Array[] {
  const rest: Uint8Array[] = [];
  let before = taken;
  for (const piece of pieces) {
    if (before < piece.length) rest.push(piece.subarray(before));
    before = Math.max(0, before - piece.length);
  }
  return rest;
}
