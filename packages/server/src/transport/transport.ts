// A socket as the engine sees it: bytes come in by a call, go out by a call that says whether the system has taken them.
//
// Two classes are one: `SocketTransport` on net.Socket, and `HandleTransport` on the bare handle of a TCP connection, which
// is cheaper and becomes the first as soon as something is asked of it that is not plain.

import type { Peer } from '../message/message.ts';

/** What a transport tells its owner. */
export interface Receiver {
  /** Bytes that are valid during the call only. */
  received(bytes: Uint8Array): void;
  /** The peer has finished sending; it may still read. */
  finished(): void;
  /** Nothing can be read or written any more; the last call. */
  closed(): void;
}

export interface Transport {
  /** Whether TLS protects it. */
  readonly secure: boolean;
  /** Asked of the system: address `''` for a Unix socket, and for a peer that has gone already. */
  readonly remote: Peer;
  readonly local: Peer;
  /** Everything that was given to write. */
  readonly writtenBytes: number;
  /** How many bytes the system has not taken yet; falls while a slow peer reads. */
  readonly pendingBytes: number;
  /** Whether the peer has reset the connection, asked of the system: nothing else tells while it is paused. */
  readonly isBroken: boolean;
  /** Starts handing over what happens. */
  open(receiver: Receiver): void;
  /**
   * Sends bytes, which must not change until they are taken. True when the system has them all already; false when it has
   * not, or never will: `flushed` tells which.
   */
  write(bytes: Uint8Array): boolean;
  /** The same for several pieces, in one system call where there is one. */
  writeAll(pieces: readonly Uint8Array[]): boolean;
  /** The same for a part of memory that is written to anew after the call: what the system does not take is copied. */
  writeShared?(memory: Uint8Array, start: number, size: number): boolean;
  /** Resolves when the system has taken everything: true; or when the connection is gone: false. */
  flushed(): Promise<boolean>;
  /** Hands over nothing until `resume`. */
  pause(): void;
  resume(): void;
  /** Lets the system look, after each so many silent seconds, whether the peer is still there; it tells by `isBroken`. */
  keepAlive(seconds: number): void;
  /** Finishes sending when everything written has been; the peer may go on sending. */
  end(): void;
  /** Closes at once when the system has taken everything, which it then delivers on its own; finishes sending otherwise. */
  leave(): void;
  destroy(): void;
  /** Ends the connection so that the peer can tell: what it has got is not the whole. */
  reset(): void;
}
