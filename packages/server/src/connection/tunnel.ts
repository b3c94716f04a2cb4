// A connection after `101 Switching Protocols`: raw bytes both ways between the client and whoever switched (RFC 9110 §7.8).

import type { Socket } from 'node:net';
import { isPromiseLike } from '../message/content.ts';
import { DuplexSocket } from '../transport/duplex-socket.ts';
import type { Ends } from '../transport/ends.ts';
import type { Transport } from '../transport/transport.ts';
import { HOLDS, type Holds } from './holds.ts';

/** The responder's end of a tunnel, and what the connection tells it. */
export class Tunnel {
  readonly stream: DuplexSocket;
  readonly #holds: Holds;
  readonly #transport: Transport;
  readonly #sentBefore: number;

  constructor(transport: Transport, ends: Ends, holds: Holds) {
    this.#holds = holds;
    this.#transport = transport;
    this.#sentBefore = transport.writtenBytes;
    this.stream = new DuplexSocket(
      {
        read: () => holds.release(HOLDS.tunnel),
        write(pieces, taken) {
          if (transport.writeAll(pieces)) return taken();
          void transport.flushed().then((isTaken) => taken(isTaken ? null : new Error('the client has gone')));
        },
        finish(taken) {
          transport.end();
          taken();
        },
        destroyed: () => transport.destroy(),
      },
      ends,
    );
    // A responder that does not listen for errors must not end the process when its client leaves.
    this.stream.on('error', () => {});
  }

  /** Gives the stream to the responder; `failed` is called with what an asynchronous one rejects with. */
  handTo(upgrade: (stream: Socket) => void, failed: (cause: unknown) => void): void {
    const upgraded: unknown = upgrade(this.stream);
    // An async function rejects where others throw: its client may have left while it waited for a message.
    if (isPromiseLike(upgraded)) Promise.resolve(upgraded).catch(failed);
  }

  /** Bytes written by the responder so far. */
  get sentBytes(): number {
    return this.#transport.writtenBytes - this.#sentBefore;
  }

  /** Bytes of the client, which are valid during the call only. */
  received(bytes: Uint8Array): void {
    if (this.stream.destroyed || bytes.length === 0) return;
    const kept = this.stream.isLending ? bytes : Buffer.from(bytes);
    if (!this.stream.push(kept)) this.#holds.add(HOLDS.tunnel);
  }

  /** The client has finished sending. */
  finished(): void {
    if (!this.stream.destroyed) this.stream.push(null);
  }

  closed(): void {
    this.stream.destroy();
  }
}
