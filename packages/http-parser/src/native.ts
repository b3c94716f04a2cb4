// What some platforms do faster than a loop can: Latin-1 to string and back, and comparing bytes.
//
// Node's Buffer methods work on any Uint8Array. Elsewhere the loops below do the same; no other file of the package depends on the platform.

interface BufferMethods {
  latin1Slice?: (this: Uint8Array, start: number, end: number) => string;
  compare?: (this: Uint8Array, other: Uint8Array, ...ranges: number[]) => number;
  latin1Write?: (this: Uint8Array, text: string, offset: number, length: number) => number;
}

const { allocUnsafe: allocateUnsafe } =
  (globalThis as { Buffer?: { allocUnsafe?: (length: number) => Uint8Array } }).Buffer ?? {};

const { compare, latin1Slice, latin1Write }: BufferMethods =
  (globalThis as { Buffer?: { prototype?: BufferMethods } }).Buffer?.prototype ?? {};

/** How many arguments `String.fromCharCode` gets at once: far below what any engine's stack allows. */
const BLOCK = 4096;

/** Decodes without any native help. */
export function decodeLatin1Portably(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let at = start; at < end; at += BLOCK) {
    text += String.fromCharCode(...bytes.subarray(at, Math.min(at + BLOCK, end)));
  }
  return text;
}

/** Encodes without any native help. Code units above 0xFF lose their high byte: check before. */
export function encodeLatin1Portably(text: string, bytes: Uint8Array, offset: number): void {
  for (let at = 0; at < text.length; at++) bytes[offset + at] = text.charCodeAt(at);
}

/** The octets from `start` up to `end` as the characters of the same numbers. */
export const decodeLatin1: (bytes: Uint8Array, start: number, end: number) => string =
  latin1Slice === undefined ? decodeLatin1Portably : (bytes, start, end) => latin1Slice.call(bytes, start, end);

const encodeInto: (text: string, bytes: Uint8Array, offset: number) => void =
  latin1Write === undefined
    ? encodeLatin1Portably
    : (text, bytes, offset) => {
        latin1Write.call(bytes, text, offset, text.length);
      };

/** Small results are cut from one piece of memory after another: allocating each takes longer than filling it. */
const SLAB_BYTES = 16_384;
const MAX_SLAB_SHARE = 2048;
let slab = new Uint8Array(0);
let slabUsed = 0;

/** Octets to be written, of any values before. */
export function allocate(length: number): Uint8Array {
  if (length > MAX_SLAB_SHARE) {
    const memory = allocateUnsafe?.(length);
    return memory === undefined ? new Uint8Array(length) : viewOf(memory, 0, length);
  }
  if (slabUsed + length > slab.length) {
    slab = new Uint8Array(SLAB_BYTES);
    slabUsed = 0;
  }
  slabUsed += length;
  return viewOf(slab, slabUsed - length, slabUsed);
}

/** The octets of a text whose characters are all below U+0100. */
export function encodeLatin1(text: string): Uint8Array {
  const bytes = allocate(text.length);
  encodeInto(text, bytes, 0);
  return bytes;
}

/** A view of a part, as a plain Uint8Array also where the whole is a Buffer: that is cheaper to make. */
export function viewOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
}

/** From this length on the native comparison is worth its call. */
const MIN_NATIVE_COMPARE = 128;

/** Whether the octets from `start` up to `end` begin with all of `expected`. */
export function startsWith(bytes: Uint8Array, start: number, end: number, expected: Uint8Array): boolean {
  const { length } = expected;
  if (end - start < length) return false;
  if (compare !== undefined && length >= MIN_NATIVE_COMPARE) {
    return compare.call(bytes, expected, 0, length, start, start + length) === 0;
  }
  for (let at = 0; at < length; at++) if (bytes[start + at] !== expected[at]) return false;
  return true;
}
