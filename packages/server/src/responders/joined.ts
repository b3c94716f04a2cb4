// Two sockets become one: after a 101, what the client sends is what the application reads, and the other way round.

import type { Socket } from 'node:net';
import type { DuplexSocket, Taken } from '../transport/duplex-socket.ts';

/** The client's end of a tunnel, as the application's end of a played connection uses it. */
export class JoinedClient {
  readonly #client: Socket;

  constructor(client: Socket, application: DuplexSocket) {
    this.#client = client;
    client.on('data', (bytes: Buffer) => {
      if (!application.push(bytes)) client.pause();
    });
    client.on('end', () => {
      if (!application.destroyed) application.push(null);
    });
    client.on('close', () => application.destroy());
  }

  read(): void {
    this.#client.resume();
  }

  write(pieces: readonly Uint8Array[], taken: Taken): void {
    const last = pieces.at(-1);
    if (last === undefined) return taken();
    this.#client.cork();
    for (const piece of pieces.slice(0, -1)) this.#client.write(piece);
    this.#client.write(last, taken);
    this.#client.uncork();
  }

  finish(taken: Taken): void {
    this.#client.end(() => taken());
  }

  close(): void {
    this.#client.destroy();
  }
}
