// What comes back from a worker: the records of FastCGI, read in place. A record's content is handed on as it arrives, never
// gathered, so a chunk may hold a piece of a record or many records.

import { headerBytes, recordType, version } from './fastcgi.ts';

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
