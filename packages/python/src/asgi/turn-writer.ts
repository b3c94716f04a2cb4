// Writes to an event loop: byte strings of one turn of ours leave together, so the requests of many clients share a system call.

import type { Socket } from 'node:net';
import { writeDirectly } from '../exchange/direct-write.ts';
import { encodeContent } from '../exchange/fastcgi.ts';

/** A socket whose small writes wait for the end of the turn. The order is kept. */
export class TurnWriter {
  readonly #socket: Socket;
  #written: string[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  write(text: string): void {
    if (this.#written.length === 0) setImmediate(() => this.#flush());
    this.#written.push(text);
  }

  #flush(): void {
    if (this.#written.length === 0) return;
    const text = this.#written.join('');
    this.#written = [];
    writeDirectly(this.#socket, text);
  }

  /** Sends content at once, without copying it; false when the socket has no room for more. */
  writeContent(id: number, pieces: readonly Uint8Array[]): boolean {
    this.#socket.cork();
    this.#flush();
    let hasRoom = true;
    for (const part of encodeContent(id, pieces)) {
      hasRoom = typeof part === 'string' ? this.#socket.write(part, 'latin1') : this.#socket.write(part);
    }
    this.#socket.uncork();
    return hasRoom;
  }
}
