// A connection after `101 Switching Protocols`: raw bytes both ways between the client and whoever switched (RFC 9110 §7.8).

import { DuplexSocket } from '../transport/duplex-socket.ts';
import type { Ends } from '../transport/ends.ts';
import type { Transport } from '../transport/transport.ts';

/** Stops and starts the reading from the client. */
export interface TunnelReading {
  pause(): void;
  resume(): void;
}

/** The responder's end of a tunnel, and what the connection tells it. */
export class Tunnel {
  readonly stream: DuplexSocket;
  readonly #reading: TunnelReading;

  constructor(transport: Transport, ends: Ends, reading: TunnelReading) {
    this.#reading = reading;
    this.stream = new DuplexSocket(
      {
        read: () => reading.resume(),
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

  /** Bytes of the client, which are valid during the call only. */
  received(bytes: Uint8Array): void {
    if (this.stream.destroyed) return;
    if (!this.stream.push(Buffer.from(bytes))) this.#reading.pause();
  }

  /** The client has finished sending. */
  finished(): void {
    if (!this.stream.destroyed) this.stream.push(null);
  }

  closed(): void {
    this.stream.destroy();
  }
}
