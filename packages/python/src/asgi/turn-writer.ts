// Writes to an event loop: byte strings of one turn of ours leave together, so the requests of many clients share a system call.

import type { Socket } from 'node:net';
import { writeDirectly, writePieces } from '../exchange/direct-write.ts';
import { contentHeader, headerBytes, maxRecordContent } from '../exchange/fastcgi.ts';

/** Content that is copied into the text of the turn, which costs less than a system call. */
const joinedBytes = 0x2000;

const header = Buffer.alloc(headerBytes);

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

  /**
   * Sends content: a little of it with the turn, more at once. The bytes may be used again when this returns. False when the
   * socket has no room for more.
   */
  writeContent(id: number, bytes: Uint8Array): boolean {
    if (bytes.length <= joinedBytes) {
      if (bytes.length > 0) this.write(contentHeader(id, bytes.length) + toByteString(bytes));
      return this.#socket.writableLength < this.#socket.writableHighWaterMark;
    }
    this.#flush();
    let hasRoom = true;
    for (let start = 0; start < bytes.length; start += maxRecordContent) {
      const part = bytes.length <= maxRecordContent ? bytes : bytes.subarray(start, start + maxRecordContent);
      header.write(contentHeader(id, part.length), 'latin1');
      hasRoom = writePieces(this.#socket, [header, part]);
    }
    return hasRoom;
  }
}

function toByteString({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString('latin1');
}
