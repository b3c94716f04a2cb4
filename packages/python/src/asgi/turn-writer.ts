// Writes to an event loop: what is written in one turn of ours leaves in one call, so the requests of many clients share it.

import type { Socket } from 'node:net';
import { writeDirectly, writePieces } from '../exchange/direct-write.ts';
import {
  contentHeader,
  encodeRequest,
  HEADER_BYTES,
  isOneRecord,
  MAX_RECORD_CONTENT,
  requestType,
  VERSION,
} from '../exchange/fastcgi.ts';

/** What one turn gathers at most. */
const TURN_BYTES = 0x10000;

/** Content that is gathered: a copy of it costs less than a system call. */
const GATHERED_BYTES = 0x6000;

const header = Buffer.alloc(HEADER_BYTES);

/** A socket whose small writes wait for the end of the turn. The order is kept, and bytes may be used again after each call. */
export class TurnWriter {
  readonly #socket: Socket;
  readonly #turn: Buffer = Buffer.allocUnsafeSlow(TURN_BYTES);
  #end = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Writes a byte string. */
  write(text: string): void {
    if (!this.#hasRoom(text.length)) return writeDirectly(this.#socket, text);
    this.#end += this.#turn.write(text, this.#end, 'latin1');
  }

  /** Writes the head of a request, the few bytes that are its own and those that come again; both are byte strings. */
  writeRequest(id: number, own: string, common: string | Uint8Array, hasContent: boolean): void {
    const length = own.length + common.length;
    if (!isOneRecord(length) || !this.#hasRoom(HEADER_BYTES + length)) {
      const text = typeof common === 'string' ? common : Buffer.from(common).toString('latin1');
      return this.write(encodeRequest(id, own + text, hasContent));
    }
    const turn = this.#turn;
    const at = this.#end;
    turn[at] = VERSION;
    turn[at + 1] = requestType(hasContent);
    turn[at + 2] = id >>> 8;
    turn[at + 3] = id & 0xff;
    turn[at + 4] = length >>> 8;
    turn[at + 5] = length & 0xff;
    turn[at + 6] = 0;
    turn[at + 7] = 0;
    const start = at + HEADER_BYTES + own.length;
    for (let index = 0; index < own.length; index++) turn[at + HEADER_BYTES + index] = own.charCodeAt(index);
    if (typeof common === 'string') turn.write(common, start, 'latin1');
    else turn.set(common, start);
    this.#end = start + common.length;
  }

  /** Whether so much can be gathered; what was gathered before has left if not. */
  #hasRoom(bytes: number): boolean {
    if (this.#end + bytes > TURN_BYTES) this.#flush();
    if (bytes > TURN_BYTES) return false;
    if (this.#end === 0) setImmediate(() => this.#flush());
    return true;
  }

  #flush(): void {
    if (this.#end === 0) return;
    writePieces(this.#socket, [this.#taken()]);
  }

  #taken(): Buffer {
    const gathered = this.#turn.subarray(0, this.#end);
    this.#end = 0;
    return gathered;
  }

  /** Sends content: a little of it with the turn, more at once. False when the socket has no room for more. */
  writeContent(id: number, bytes: Uint8Array): boolean {
    const { length } = bytes;
    if (length > GATHERED_BYTES) return this.#writeNow(id, bytes);
    if (length > 0 && this.#hasRoom(HEADER_BYTES + length)) {
      this.#end += this.#turn.write(contentHeader(id, length), this.#end, 'latin1');
      this.#turn.set(bytes, this.#end);
      this.#end += length;
    }
    return !this.#socket.writableNeedDrain;
  }

  #writeNow(id: number, bytes: Uint8Array): boolean {
    let hasRoom = true;
    for (let start = 0; start < bytes.length; start += MAX_RECORD_CONTENT) {
      const part = bytes.length <= MAX_RECORD_CONTENT ? bytes : bytes.subarray(start, start + MAX_RECORD_CONTENT);
      header.write(contentHeader(id, part.length), 'latin1');
      hasRoom = writePieces(this.#socket, this.#end === 0 ? [header, part] : [this.#taken(), header, part]);
    }
    return hasRoom;
  }
}
