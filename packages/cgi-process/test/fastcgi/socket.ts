// A socket without a network: what is written is kept, and what comes is what a test says.

import { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import type { Connection } from '../../src/fastcgi/connection.ts';

export class FakeSocket extends Duplex {
  readonly #written: Buffer[] = [];
  /** Called when what was written may go on; undefined while writes are taken at once. */
  #goOn: (() => void) | undefined;
  isStuck = false;
  isReferenced = true;
  /** What is told of what comes, out of a buffer that is used again. */
  connection: Connection | undefined;
  readonly #coming: (Uint8Array | null)[] = [];
  /** Whether nothing is read. */
  isHeld = false;

  constructor() {
    super({ allowHalfOpen: false, writableHighWaterMark: 1000 });
  }

  /** As what the code under test takes. */
  get socket(): Socket {
    return this as unknown as Socket;
  }

  /** All that was written, from the first byte on. */
  get written(): Buffer {
    return Buffer.concat(this.#written);
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#written.push(Buffer.from(chunk));
    if (this.isStuck) this.#goOn = done;
    else done();
  }

  /** Takes what waits. */
  goOn(): void {
    this.isStuck = false;
    this.#goOn?.();
  }

  /** Bytes from the application, or its end, which comes behind those that are held. */
  say(bytes: Uint8Array | null): void {
    this.#coming.push(bytes);
    this.#deliver();
  }

  override resume(): this {
    this.isHeld = false;
    this.#deliver();
    return super.resume();
  }

  #deliver(): void {
    while (!this.isHeld && this.#coming.length > 0) {
      const bytes = this.#coming.shift();
      if (bytes === null) {
        this.push(null);
        this.read(0);
        return;
      }
      const shared = Buffer.from(bytes as Uint8Array);
      this.isHeld = this.connection?.receive(shared) === false;
      shared.fill(0xdd);
    }
  }

  ref(): void {
    this.isReferenced = true;
  }

  unref(): void {
    this.isReferenced = false;
  }

  destroySoon(): void {
    this.end();
    this.destroy();
  }
}

/** One record of FastCGI, by §3.3 of its specification. */
export function record(type: number, content: string | Uint8Array, padding = 0): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : Buffer.from(content);
  const header = Buffer.from([1, type, 0, 1, bytes.length >> 8, bytes.length & 255, padding, 0]);
  return Buffer.concat([header, bytes, Buffer.alloc(padding, 0xaa)]);
}

/** END_REQUEST (§5.5). */
export function endRecord(protocolStatus = 0, appStatus = 0): Buffer {
  const body = Buffer.alloc(8);
  body.writeInt32BE(appStatus, 0);
  body[4] = protocolStatus;
  return record(3, body);
}

/** Records as types and contents. Content of streams is joined, their ends are empty texts of their own. */
export function recordsIn(bytes: Buffer): readonly (readonly [type: number, content: string])[] {
  const found: [number, string][] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 8 + bytes.readUInt16BE(at + 4);
    const type = bytes[at + 1] ?? 0;
    const content = bytes.toString('latin1', at + 8, end);
    const last = found.at(-1);
    if (last?.[0] === type && content !== '' && last[1] !== '') last[1] += content;
    else found.push([type, content]);
    at = end + (bytes[at + 6] ?? 0);
  }
  return found;
}
