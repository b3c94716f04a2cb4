// The part of FastCGI 1.0 that the pool and its workers speak: one request at a time on a kept connection.
//
// Pure: bytes in, events or bytes out. A request's head leaves as one buffer (BEGIN_REQUEST, PARAMS, and STDIN when the
// content is at hand). What comes back is read in place: a record's content is handed on as it arrives, never gathered,
// so a chunk may hold a piece of a record or many records.
//
// Names and values are byte strings: JavaScript strings whose characters are bytes (latin-1), as PEP 3333 has them.

const version = 1;
const responderRole = 1;
const keepConnection = 1;
const headerBytes = 8;
const maxRecordContent = 0xffff;

const recordType = { begin: 1, abort: 2, end: 3, params: 4, stdin: 5, stdout: 6, stderr: 7 } as const;

/** What a worker said about a request. A chunk is as valid as the one that was pushed. */
export interface RecordSink {
  output(content: Buffer): void;
  errors(content: Buffer): void;
  /** `status` is 0 when the response is whole. */
  end(requestId: number, status: number): void;
}

/** The bytes of a worker that are not FastCGI, or not of a kind that a responder sends. */
export class FastCgiError extends Error {
  override readonly name = 'FastCgiError';
}

const shortLengths = Array.from({ length: 128 }, (_, length) => String.fromCharCode(length));

function encodeLength(length: number): string {
  if (length < 128) return shortLengths[length]!;
  return String.fromCharCode((length >>> 24) | 0x80, (length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff);
}

/** One name-value pair, as a byte string (FastCGI §3.4). */
export function encodePair(name: string, value: string): string {
  return encodeLength(name.length) + encodeLength(value.length) + name + value;
}

function writeHeader(buffer: Buffer, offset: number, type: number, requestId: number, length: number): number {
  buffer[offset] = version;
  buffer[offset + 1] = type;
  buffer[offset + 2] = requestId >>> 8;
  buffer[offset + 3] = requestId & 0xff;
  buffer[offset + 4] = length >>> 8;
  buffer[offset + 5] = length & 0xff;
  buffer[offset + 6] = 0;
  buffer[offset + 7] = 0;
  return offset + headerBytes;
}

/** How many bytes a stream of records takes for `length` bytes of content. */
function framedLength(length: number): number {
  return length + headerBytes * Math.ceil(length / maxRecordContent);
}

/**
 * A request as one buffer: BEGIN_REQUEST, all of PARAMS, and all of STDIN when `content` is given.
 *
 * `pairs` is any number of `encodePair` results one after another. Without `content`, STDIN has to follow: see
 * `encodeContent` and `encodeContentEnd`.
 */
export function encodeRequest(requestId: number, pairs: string, content?: Uint8Array): Buffer {
  const contentLength = content === undefined ? 0 : framedLength(content.length) + headerBytes;
  const buffer = Buffer.allocUnsafe(headerBytes * 3 + framedLength(pairs.length) + contentLength);
  let offset = writeHeader(buffer, 0, recordType.begin, requestId, headerBytes);
  buffer.fill(0, offset, offset + headerBytes);
  buffer[offset + 1] = responderRole;
  buffer[offset + 2] = keepConnection;
  offset += headerBytes;
  for (let start = 0; start < pairs.length; start += maxRecordContent) {
    const piece = pairs.length <= maxRecordContent ? pairs : pairs.slice(start, start + maxRecordContent);
    offset = writeHeader(buffer, offset, recordType.params, requestId, piece.length);
    offset += buffer.write(piece, offset, 'latin1');
  }
  offset = writeHeader(buffer, offset, recordType.params, requestId, 0);
  if (content === undefined) return buffer;
  for (let start = 0; start < content.length; start += maxRecordContent) {
    const piece = content.subarray(start, start + maxRecordContent);
    offset = writeHeader(buffer, offset, recordType.stdin, requestId, piece.length);
    buffer.set(piece, offset);
    offset += piece.length;
  }
  writeHeader(buffer, offset, recordType.stdin, requestId, 0);
  return buffer;
}

/** Some content of a request: whole records. Empty content gives no bytes, for an empty record would be the end. */
export function encodeContent(requestId: number, content: Uint8Array): Buffer {
  const buffer = Buffer.allocUnsafe(framedLength(content.length));
  let offset = 0;
  for (let start = 0; start < content.length; start += maxRecordContent) {
    const piece = content.subarray(start, start + maxRecordContent);
    offset = writeHeader(buffer, offset, recordType.stdin, requestId, piece.length);
    buffer.set(piece, offset);
    offset += piece.length;
  }
  return buffer;
}

/** Ends the content of a request. */
export function encodeContentEnd(requestId: number): Buffer {
  const buffer = Buffer.allocUnsafe(headerBytes);
  writeHeader(buffer, 0, recordType.stdin, requestId, 0);
  return buffer;
}

/** Tells the worker that nobody waits for this response any more. */
export function encodeAbort(requestId: number): Buffer {
  const buffer = Buffer.allocUnsafe(headerBytes);
  writeHeader(buffer, 0, recordType.abort, requestId, 0);
  return buffer;
}

/** Reads the records of one connection, however they are cut into chunks. */
export class RecordReader {
  readonly #sink: RecordSink;
  /** A header, or the body of END_REQUEST, that has not arrived completely. */
  readonly #partial: Buffer = Buffer.alloc(headerBytes);
  #filled = 0;
  #type = 0;
  #requestId = 0;
  #contentLeft = 0;
  #paddingLeft = 0;

  constructor(sink: RecordSink) {
    this.#sink = sink;
  }

  /** Hands all that `chunk` completes to the sink. Throws `FastCgiError` on anything a responder does not send. */
  push(chunk: Buffer): void {
    let position = 0;
    while (position < chunk.length) {
      if (this.#contentLeft > 0) position = this.#readContent(chunk, position);
      else if (this.#paddingLeft > 0) position = this.#skipPadding(chunk, position);
      else position = this.#readHeader(chunk, position);
    }
  }

  #readHeader(chunk: Buffer, position: number): number {
    if (this.#filled === 0 && chunk.length - position >= headerBytes) {
      this.#beginRecord(chunk, position);
      return position + headerBytes;
    }
    const end = this.#fill(chunk, position);
    if (this.#filled === headerBytes) {
      this.#filled = 0;
      this.#beginRecord(this.#partial, 0);
    }
    return end;
  }

  #fill(chunk: Buffer, position: number): number {
    const size = Math.min(headerBytes - this.#filled, chunk.length - position);
    chunk.copy(this.#partial, this.#filled, position, position + size);
    this.#filled += size;
    return position + size;
  }

  #beginRecord(bytes: Buffer, at: number): void {
    this.#type = bytes[at + 1]!;
    this.#requestId = (bytes[at + 2]! << 8) | bytes[at + 3]!;
    this.#contentLeft = (bytes[at + 4]! << 8) | bytes[at + 5]!;
    this.#paddingLeft = bytes[at + 6]!;
    if (bytes[at] !== version) throw new FastCgiError(`FastCGI version ${bytes[at]}, not 1`);
    if (this.#type !== recordType.stdout && this.#type !== recordType.stderr && this.#type !== recordType.end) {
      throw new FastCgiError(`a worker sent a record of type ${this.#type}`);
    }
    if (this.#type === recordType.end && this.#contentLeft !== headerBytes) {
      throw new FastCgiError(`END_REQUEST with ${this.#contentLeft} bytes`);
    }
  }

  #readContent(chunk: Buffer, position: number): number {
    if (this.#type === recordType.end) return this.#readEnd(chunk, position);
    const size = Math.min(this.#contentLeft, chunk.length - position);
    const content = chunk.subarray(position, position + size);
    this.#contentLeft -= size;
    if (this.#type === recordType.stdout) this.#sink.output(content);
    else this.#sink.errors(content);
    return position + size;
  }

  #readEnd(chunk: Buffer, position: number): number {
    const end = this.#fill(chunk, position);
    this.#contentLeft = headerBytes - this.#filled;
    if (this.#filled === headerBytes) {
      this.#filled = 0;
      const applicationStatus = this.#partial.readUInt32BE(0);
      // A protocol status other than REQUEST_COMPLETE means that the request was refused.
      this.#sink.end(this.#requestId, this.#partial[4] === 0 ? applicationStatus : applicationStatus || 1);
    }
    return end;
  }

  #skipPadding(chunk: Buffer, position: number): number {
    const size = Math.min(this.#paddingLeft, chunk.length - position);
    this.#paddingLeft -= size;
    return position + size;
  }
}
