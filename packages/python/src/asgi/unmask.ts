// Takes the masks off the frames of a WebSocket (RFC 6455 section 5.3) while the client's bytes pass. The worker reads the frames, and
// has only Python's integers for it, which need 2 to 4 ns for a byte, ten times as long. A frame keeps its header, with a mask of
// zeros, so the worker is told nothing new.
//
// Here it is known only where frames begin. What is wrong with one is the worker's to find, in the same bytes.

const MASK_BIT = 0x80;
const MASK_BYTES = 4;
const SHORT_LENGTH = 126;
const MAX_HEADER_BYTES = 14;

/** Below this many bytes a view of words costs more than it saves. */
const MIN_WORDS_BYTES = 64;

/** Four bytes as a word in the byte order of this machine. */
const maskBytes = new Uint8Array(MASK_BYTES);
const maskWord = new Int32Array(maskBytes.buffer);

/** The frames of one client, however they are cut into chunks. */
export class Unmasker {
  readonly #header = new Uint8Array(MAX_HEADER_BYTES);
  #filled = 0;
  #headerBytes = 0;
  /** Bytes of content that are still to come of the frame. */
  #left = 0;
  /** How many of them have been, as far as the mask cares. */
  #phase = 0;
  /** After a frame that the worker will refuse, nothing is changed any more. */
  #isLost = false;

  /** Changes `bytes` in place. */
  unmask(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length && !this.#isLost) {
      if (this.#left === 0) at = this.#readHeader(bytes, at);
      else at = this.#readContent(bytes, at);
    }
  }

  /** Returns where the content begins, or the end of the chunk. */
  #readHeader(bytes: Uint8Array, start: number): number {
    const header = this.#header;
    for (let at = start; at < bytes.length; at++) {
      const index = this.#filled++;
      header[index] = bytes[at]!;
      if (index === 0) continue;
      if (index === 1) {
        this.#isLost = header[1]! < MASK_BIT;
        if (this.#isLost) return at;
        this.#headerBytes = 2 + lengthBytes(header[1]! - MASK_BIT) + MASK_BYTES;
      }
      if (index >= this.#headerBytes - MASK_BYTES) bytes[at] = 0;
      if (index + 1 < this.#headerBytes) continue;
      this.#begin();
      return at + 1;
    }
    return bytes.length;
  }

  #begin(): void {
    const header = this.#header;
    const short = header[1]! - MASK_BIT;
    this.#filled = 0;
    this.#phase = 0;
    if (short < SHORT_LENGTH) this.#left = short;
    else if (short === SHORT_LENGTH) this.#left = (header[2]! << 8) | header[3]!;
    else {
      // More than 32 bits are far more than a worker takes.
      this.#isLost = header.subarray(2, 6).some((byte) => byte !== 0);
      this.#left = new DataView(header.buffer).getUint32(6);
    }
  }

  #readContent(bytes: Uint8Array, start: number): number {
    const end = Math.min(bytes.length, start + this.#left);
    const first = this.#headerBytes - MASK_BYTES;
    for (let index = 0; index < MASK_BYTES; index++) {
      maskBytes[index] = this.#header[first + ((this.#phase + index) % MASK_BYTES)]!;
    }
    this.#left -= end - start;
    this.#phase = (this.#phase + end - start) % MASK_BYTES;
    exclusiveOr(bytes, start, end);
    return end;
  }
}

function lengthBytes(short: number): number {
  if (short < SHORT_LENGTH) return 0;
  return short === SHORT_LENGTH ? 2 : 8;
}

/** Applies `maskBytes`, the first of which is for `start`. */
function exclusiveOr(bytes: Uint8Array, start: number, end: number): void {
  let at = start;
  if (end - start >= MIN_WORDS_BYTES) {
    const ahead = -(bytes.byteOffset + start) & (MASK_BYTES - 1);
    for (; at < start + ahead; at++) bytes[at]! ^= maskBytes[at - start]!;
    for (let turn = 0; turn < ahead; turn++) {
      const [first] = maskBytes;
      maskBytes.copyWithin(0, 1);
      maskBytes[MASK_BYTES - 1] = first!;
    }
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, (end - at) >>> 2);
    const mask = maskWord[0]!;
    for (let index = 0; index < words.length; index++) words[index]! ^= mask;
    at += words.byteLength;
  }
  const from = at;
  for (; at < end; at++) bytes[at]! ^= maskBytes[(at - from) & (MASK_BYTES - 1)]!;
}
