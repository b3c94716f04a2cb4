// A worker's socket without a worker: what is written to it is kept, and what it says is the test's.

import { fstatSync } from 'node:fs';
import { Duplex } from 'node:stream';
import type { Socket } from 'node:net';

export class FakeSocket extends Duplex {
  #written = Buffer.alloc(0);
  #goOn: (() => void) | undefined;
  /** How many writes have reached it. */
  writes = 0;
  /** While it is, the first write stays under way. */
  isStuck = false;

  constructor() {
    super({ allowHalfOpen: true, writableHighWaterMark: 1000 });
  }

  get socket(): Socket {
    return this as unknown as Socket;
  }

  /** Drops what is written from now on: for very many requests. */
  forget(): void {
    this.write = () => true;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.writes++;
    this.#written = Buffer.concat([this.#written, chunk]);
    if (this.isStuck) this.#goOn = done;
    else done();
  }

  goOn(): void {
    this.isStuck = false;
    this.#goOn?.();
  }

  say(...records: readonly Buffer[]): void {
    this.push(Buffer.concat(records));
  }

  /** The records since the last call. */
  heard(): readonly WireRecord[] {
    const bytes = this.#written;
    this.#written = Buffer.alloc(0);
    const found: WireRecord[] = [];
    for (let at = 0; at < bytes.length;) {
      const length = bytes.readUInt16BE(at + 4) + (bytes[at + 7] ?? 0) * 0x10000;
      const content = bytes.toString('latin1', at + 8, at + 8 + length);
      found.push({ type: bytes[at + 1] ?? 0, id: bytes.readUInt16BE(at + 2), content });
      at += 8 + length;
    }
    return found;
  }
}

export interface WireRecord {
  readonly type: number;
  readonly id: number;
  readonly content: string;
}

/** A record of a worker. */
export function record(type: number, id: number, content: string | Uint8Array = ''): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content) : Buffer.from(content);
  const { length } = bytes;
  return Buffer.concat([
    Buffer.from([1, type, id >> 8, id & 255, (length >> 8) & 255, length & 255, 0, length >> 16]),
    bytes,
  ]);
}

export const output = (id: number, text: string | Uint8Array): Buffer => record(6, id, text);
export const lastOutput = (id: number, text: string | Uint8Array): Buffer => record(23, id, text);
export const errors = (id: number, text: string | Uint8Array): Buffer => record(7, id, text);
export const pause = (id: number, isPaused: boolean): Buffer => record(18, id, Uint8Array.of(Number(isPaused)));

export function end(id: number, status = 0): Buffer {
  const body = Buffer.alloc(8);
  body.writeUInt32BE(status);
  return record(3, id, body);
}

function stateOf(descriptor: number): { readonly ino: bigint; readonly dev: bigint } {
  try {
    return fstatSync(descriptor, { bigint: true });
  } catch {
    return { ino: 0n, dev: 0n }; // there is none
  }
}

interface OfferedPart {
  readonly offset?: number;
  readonly length?: number;
  /** Of the whole file. @default length */
  readonly size?: number;
  readonly changed?: bigint;
}

/** An offer of a file that a process has open. */
export function offer(
  id: number,
  descriptor: number,
  { offset = 0, length = 0, size, changed = 0n }: OfferedPart = {},
): Buffer {
  const body = Buffer.alloc(60);
  body.writeUInt32BE(descriptor, 0);
  body.writeBigUInt64BE(BigInt(offset), 4);
  body.writeBigUInt64BE(BigInt(length), 12);
  body.writeBigUInt64BE(BigInt(size ?? length), 20);
  body.writeBigUInt64BE(changed, 28);
  const { ino, dev } = stateOf(descriptor);
  body.writeBigUInt64BE(ino, 44);
  body.writeBigUInt64BE(dev, 52);
  return record(16, id, body);
}
