// Memory for what is read from small files: pieces of one larger buffer, one after the other.
//
// A buffer of its own for each page costs more than reading the page, and the collector learns of its memory late. A piece keeps
// the buffer alive that it is part of, so what is remembered for long is copied elsewhere, and a response that waits for a slow
// client holds no more than one for a large file does.

/** As much as one of many readers of large files holds. */
const SHARED_BYTES = 32 * 1024;

/** Larger reads get buffers of their own: their cost is small beside that of reading. */
export const MAX_PIECE_BYTES: number = 8 * 1024;

let shared = Buffer.alloc(0);
let used = 0;

/** Memory of exactly this size, with anything in it, for one use. */
export function lendBytes(size: number): Buffer {
  if (size > MAX_PIECE_BYTES) return Buffer.allocUnsafeSlow(size);
  if (used + size > shared.length) {
    shared = Buffer.allocUnsafeSlow(SHARED_BYTES);
    used = 0;
  }
  const start = used;
  used += size;
  return shared.subarray(start, used);
}

/** Has nobody be lent again what was lent up to now: somebody may still write to it. */
export function abandonLent(): void {
  shared = Buffer.alloc(0);
  used = 0;
}

/** Calls `use`, and takes back what was lent meanwhile if `isReturned` says of its outcome that nobody keeps it. */
export function borrowing<Value>(use: () => Value, isReturned: (value: Value) => boolean): Value {
  const before = shared;
  const mark = used;
  const value = use();
  if (isReturned(value)) used = shared === before ? mark : 0;
  return value;
}

/** Bytes that keep no more memory alive than they take. */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  if (bytes.length === bytes.buffer.byteLength) return bytes;
  const own = Buffer.allocUnsafeSlow(bytes.length);
  own.set(bytes);
  return own;
}
