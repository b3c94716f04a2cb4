// What comes back from a worker: the records of FastCGI, read in place. A record's content is handed on as it arrives, never
// gathered, so a chunk may hold a piece of a record or many records. Only text for the log is gathered: a line or a character that
// is cut would be two.

import type { FileOffer } from '../content/handed-file.ts';
import { FILE_CONTENT_BYTES, HEADER_BYTES, recordType, VERSION } from './fastcgi.ts';

/** What a worker said about a request. A chunk is as valid as the one that was pushed. */
export interface RecordSink {
  output(content: Buffer, requestId: number): void;
  /** The whole of a record; the response is whole with it. */
  lastOutput(content: Buffer, requestId: number): void;
  /** The whole of a record. */
  errors(content: Buffer, requestId: number): void;
  file(requestId: number, offer: FileOffer): void;
  pause(requestId: number, isPaused: boolean): void;
  ping(): void;
  /** `status` is 0 when the response is whole. */
  end(requestId: number, status: number): void;
}

/** What each type of record may hold, in bytes; records with a fixed length are gathered before they are looked at. */
const fixedLengths: Readonly<Record<number, number | undefined>> = {
  [recordType.end]: HEADER_BYTES,
  [recordType.file]: FILE_CONTENT_BYTES,
  [recordType.pause]: 1,
  [recordType.ping]: 0,
};

/** The bytes of a worker that are not FastCGI, or not of a kind that a responder sends. */
export class FastCgiError extends Error {
  override readonly name = 'FastCgiError';
}

/** Whether content is handed on as it comes. */
function isStream(type: number): boolean {
  return type === recordType.stdout || type === recordType.lastOutput || type === recordType.stderr;
}

/** Reads the records of one connection, however they are cut into chunks. */
export class RecordReader {
  readonly #sink: RecordSink;
  /** A header, or the content of a record with a fixed length, that has not arrived completely. */
  readonly #partial: Buffer = Buffer.alloc(FILE_CONTENT_BYTES);
  #filled = 0;
  #type = 0;
  #requestId = 0;
  #contentLeft = 0;
  #paddingLeft = 0;
  /** The beginning of a record that is handed on whole, of errors or of last output, and has not arrived completely. */
  #begun: Buffer[] = [];

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
    if (this.#filled === 0 && chunk.length - position >= HEADER_BYTES) {
      this.#beginRecord(chunk, position);
      return position + HEADER_BYTES;
    }
    const end = this.#fill(chunk, position, HEADER_BYTES);
    if (this.#filled === HEADER_BYTES) {
      this.#filled = 0;
      this.#beginRecord(this.#partial, 0);
    }
    return end;
  }

  #fill(chunk: Buffer, position: number, wanted: number): number {
    const size = Math.min(wanted - this.#filled, chunk.length - position);
    chunk.copy(this.#partial, this.#filled, position, position + size);
    this.#filled += size;
    return position + size;
  }

  #beginRecord(bytes: Buffer, at: number): void {
    this.#type = bytes[at + 1]!;
    this.#requestId = (bytes[at + 2]! << 8) | bytes[at + 3]!;
    this.#contentLeft = (bytes[at + 7]! << 16) | (bytes[at + 4]! << 8) | bytes[at + 5]!;
    this.#paddingLeft = bytes[at + 6]!;
    if (bytes[at] !== VERSION) throw new FastCgiError(`FastCGI version ${bytes[at]}, not 1`);
    if (isStream(this.#type)) {
      if (this.#contentLeft === 0 && this.#type === recordType.lastOutput) {
        throw new FastCgiError('the last output of a response is empty');
      }
      return;
    }
    const expected = fixedLengths[this.#type];
    if (expected === undefined) throw new FastCgiError(`a worker sent a record of type ${this.#type}`);
    if (this.#contentLeft !== expected) {
      throw new FastCgiError(`a record of type ${this.#type} with ${this.#contentLeft} bytes`);
    }
    if (expected === 0) this.#sink.ping();
  }

  #readContent(chunk: Buffer, position: number): number {
    if (!isStream(this.#type)) return this.#readFixed(chunk, position);
    const size = Math.min(this.#contentLeft, chunk.length - position);
    const content = chunk.subarray(position, position + size);
    this.#contentLeft -= size;
    if (this.#type === recordType.stdout) this.#sink.output(content, this.#requestId);
    else this.#readWhole(content);
    return position + size;
  }

  #readWhole(content: Buffer): void {
    if (this.#contentLeft > 0) {
      this.#begun.push(Buffer.from(content));
      return;
    }
    const whole = this.#begun.length === 0 ? content : Buffer.concat([...this.#begun, content]);
    this.#begun = [];
    if (this.#type === recordType.stderr) this.#sink.errors(whole, this.#requestId);
    else this.#sink.lastOutput(whole, this.#requestId);
  }

  #readFixed(chunk: Buffer, position: number): number {
    const wanted = this.#filled + this.#contentLeft;
    const end = this.#fill(chunk, position, wanted);
    this.#contentLeft = wanted - this.#filled;
    if (this.#contentLeft > 0) return end;
    this.#filled = 0;
    if (this.#type === recordType.end) this.#end();
    else if (this.#type === recordType.pause) this.#sink.pause(this.#requestId, this.#partial[0] === 1);
    else this.#sink.file(this.#requestId, readOffer(this.#partial));
    return end;
  }

  #end(): void {
    const applicationStatus = this.#partial.readUInt32BE(0);
    // A protocol status other than REQUEST_COMPLETE means that the request was refused.
    this.#sink.end(this.#requestId, this.#partial[4] === 0 ? applicationStatus : applicationStatus || 1);
  }

  #skipPadding(chunk: Buffer, position: number): number {
    const size = Math.min(this.#paddingLeft, chunk.length - position);
    this.#paddingLeft -= size;
    return position + size;
  }
}

function readOffer(content: Buffer): FileOffer {
  return {
    descriptor: content.readUInt32BE(0),
    offset: Number(content.readBigUInt64BE(4)),
    length: Number(content.readBigUInt64BE(12)),
    size: Number(content.readBigUInt64BE(20)),
    changed: content.readBigUInt64BE(28),
    inode: content.readBigUInt64BE(44),
    device: content.readBigUInt64BE(52),
    key: content.toString('latin1', 20, FILE_CONTENT_BYTES),
  };
}
