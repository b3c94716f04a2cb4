// The records of FastCGI 1.0 that a web server sends and reads. Pure: values in, bytes out, and back.

/** Record types (FastCGI §8). */
const BEGIN_REQUEST = 1;
export const ABORT_REQUEST = 2;
export const END_REQUEST = 3;
const PARAMS = 4;
export const STDIN = 5;
export const STDOUT = 6;
export const STDERR = 7;
/** The first of the types that concern a connection. */
const GET_VALUES = 9;

/** What a record holds at most: its length is two bytes. */
const MAX_CONTENT_BYTES = 65_535;
const HEADER_BYTES = 8;
/** Where the output of an answer begins. */
export const OUTPUT_AT: number = HEADER_BYTES;
/** The record that ends a request. */
const ENDING_BYTES = HEADER_BYTES + 8;
/** One request at a time on a connection, so they all have one number. */
const REQUEST_ID = 1;
const RESPONDER = 1;
const KEEP_CONNECTION = 1;
/** Lengths from here on take four bytes, the first of which has its highest bit set (§3.4). */
const LONG_LENGTH = 128;

const NOTHING = Buffer.alloc(0);

/** Management records concern the connection and not a request; an application may send them at any time. */
const MANAGEMENT_ID = 0;

/** One record from an application, about the request. */
export interface FastcgiRecord {
  readonly type: number;
  readonly content: Buffer;
}

/** The header of a record. */
function recordHeader(type: number, length: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = 1;
  header[1] = type;
  header.writeUInt16BE(REQUEST_ID, 2);
  header.writeUInt16BE(length, 4);
  return header;
}

/** The same as a byte string. */
function headerText(type: number, length: number): string {
  return String.fromCharCode(1, type, 0, REQUEST_ID, length >>> 8, length & 255, 0, 0);
}

function beginText(flags: number): string {
  return headerText(BEGIN_REQUEST, 8) + String.fromCharCode(0, RESPONDER, flags, 0, 0, 0, 0, 0);
}

const BEGIN_ONCE = beginText(0);
const BEGIN_KEPT = beginText(KEEP_CONNECTION);
const END_OF_PARAMS = headerText(PARAMS, 0);
const END_OF_BOTH = END_OF_PARAMS + headerText(STDIN, 0);
const END_BYTES = Buffer.from(END_OF_BOTH, 'latin1');

/** Where the pairs of the first record stand, and where it says how many bytes they are. */
const PAIRS_AT = BEGIN_KEPT.length + HEADER_BYTES;
const LENGTH_AT = BEGIN_KEPT.length + 4;
/** More than the name of a request and a port take. */
const MAX_OWN_BYTES = 256;

/** A record without content: the end of a stream, or an abort. */
export function emptyRecord(type: number): Buffer {
  return recordHeader(type, 0);
}

/** A stream as records, without its end. */
export function streamRecords(type: number, bytes: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; start += MAX_CONTENT_BYTES) {
    const content = bytes.subarray(start, start + MAX_CONTENT_BYTES);
    parts.push(recordHeader(type, content.length), content);
  }
  return parts;
}

/**
 * Everything that precedes the content of a request, and with `isWhole` the end of content that is empty, as a byte string: a
 * buffer for each record costs more than all the rest.
 * @param pairs of `encodePairs`
 */
export function requestHead(pairs: string, keepConnection: boolean, isWhole = false): string {
  let head = keepConnection ? BEGIN_KEPT : BEGIN_ONCE;
  for (let start = 0; start < pairs.length; start += MAX_CONTENT_BYTES) {
    const content = pairs.slice(start, start + MAX_CONTENT_BYTES);
    head += headerText(PARAMS, content.length) + content;
  }
  return head + (isWhole ? END_OF_BOTH : END_OF_PARAMS);
}

/**
 * What precedes the content of requests whose parameters are mostly the same, as bytes that are written over for each: the text that
 * they come of would be put together and copied every time.
 */
export class KnownHead {
  readonly bytes: Buffer;
  /** How many of the bytes are the head that was made last. */
  length = 0;
  readonly #shared: number;
  /** Where pairs have to end. */
  readonly #end: number;

  /** @param pairs of `encodePairs`: what all these requests have */
  constructor(pairs: string) {
    this.#shared = pairs.length;
    this.#end = PAIRS_AT + pairs.length + MAX_OWN_BYTES;
    this.bytes = Buffer.allocUnsafeSlow(PAIRS_AT + pairs.length + MAX_OWN_BYTES + END_OF_BOTH.length);
    this.bytes.write(BEGIN_KEPT + headerText(PARAMS, 0) + pairs, 'latin1');
  }

  /**
   * Makes the head of a request with these pairs of its own, a list of names and values; false where they do not fit or are not
   * ASCII. Byte by byte, as they are short: to put a text together and have it written costs more than all else about a head.
   */
  make(own: readonly string[], isWhole: boolean): boolean {
    let at = PAIRS_AT + this.#shared;
    for (let index = 0; index < own.length; index += 2) {
      at = this.#pair(at, own[index]!, own[index + 1]!);
      if (at === -1) return false;
    }
    const size = at - PAIRS_AT;
    if (size > MAX_CONTENT_BYTES) return false;
    this.bytes[LENGTH_AT] = size >>> 8;
    this.bytes[LENGTH_AT + 1] = size & 255;
    this.length = at + (isWhole ? END_BYTES.length : HEADER_BYTES);
    for (let index = 0; at < this.length; index++) this.bytes[at++] = END_BYTES[index]!;
    return true;
  }

  /** Writes a pair; returns where it ends, or -1 where it cannot be written here. */
  #pair(at: number, name: string, value: string): number {
    if (value.length >= LONG_LENGTH || at + 2 + name.length + value.length > this.#end) return -1;
    this.bytes[at] = name.length;
    this.bytes[at + 1] = value.length;
    const isWritten = this.#ascii(at + 2, name) && this.#ascii(at + 2 + name.length, value);
    return isWritten ? at + 2 + name.length + value.length : -1;
  }

  #ascii(start: number, text: string): boolean {
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code > 127) return false;
      this.bytes[start + index] = code;
    }
    return true;
  }
}

/** Names and values with their lengths (§3.4); byte strings, as what comes of them. */
export function encodePairs(params: Readonly<Record<string, string>>): string {
  let pairs = '';
  for (const name in params) pairs += encodePair(name, params[name] ?? '');
  return pairs;
}

/** One of them. */
export function encodePair(name: string, value: string): string {
  return encodeLength(name.length) + encodeLength(value.length) + name + value;
}

function encodeLength(length: number): string {
  if (length < LONG_LENGTH) return String.fromCharCode(length);
  return String.fromCharCode(LONG_LENGTH | (length >>> 24), (length >>> 16) & 255, (length >>> 8) & 255, length & 255);
}

/** Reads the bytes of an application as records, as they come. */
export class RecordReader {
  #bytes: Buffer = NOTHING;
  #count = 0;
  /** How many of them are read: a view for each part of a record costs more than reading it. */
  #at = 0;
  /** A header or the end of a request as far as it has come. */
  #begun: Buffer = NOTHING;
  /** The record that is under way: what is still to come of its content and padding. */
  #isInside = false;
  #type = 0;
  #isManagement = false;
  #contentLeft = 0;
  #paddingLeft = 0;

  /** Gives it the first bytes of a buffer, when it has none left. They may be overwritten once `next` has nothing more. */
  push(bytes: Buffer, count: number = bytes.length): void {
    this.#bytes = bytes;
    this.#count = count;
    this.#at = 0;
  }

  /** Whether bytes of a further record are here. */
  get hasMore(): boolean {
    return this.#at < this.#count || this.#begun.length > 0 || this.#isInside;
  }

  /**
   * The next record, or as much of it as is here; undefined when all bytes are read. Only the end of a request comes whole.
   * Management records are passed over. Throws a RangeError for what is no FastCGI, and for the record of a request that is not
   * on this connection: its content is somebody else's.
   */
  next(): FastcgiRecord | undefined {
    while (this.#isInside || this.#readHeader()) {
      const content = this.#take(this.#contentLeft);
      this.#contentLeft -= content.length;
      if (this.#contentLeft === 0) this.#skipPadding();
      const isWhole = this.#contentLeft === 0 && this.#paddingLeft === 0;
      this.#isInside = !isWhole;
      if (!this.#isManagement) {
        if (this.#type === END_REQUEST) return this.#end(content, isWhole);
        if (content.length > 0) return { type: this.#type, content };
      }
      if (!isWhole) return undefined;
    }
    return undefined;
  }

  #end(content: Buffer, isWhole: boolean): FastcgiRecord | undefined {
    const end = this.#begun.length === 0 ? content : Buffer.concat([this.#begun, content]);
    this.#begun = isWhole ? NOTHING : Buffer.from(end);
    return isWhole ? { type: END_REQUEST, content: end } : undefined;
  }

  /** Whether a header is here whole. */
  #readHeader(): boolean {
    const at = this.#at;
    if (at === this.#count) return false;
    if (this.#begun.length > 0 || at + HEADER_BYTES > this.#count) return this.#readLateHeader();
    this.#at = at + HEADER_BYTES;
    this.#begin(this.#bytes, at);
    return true;
  }

  /** The same of one that comes in parts. */
  #readLateHeader(): boolean {
    const header = Buffer.concat([this.#begun, this.#take(HEADER_BYTES - this.#begun.length)]);
    const isWhole = header.length === HEADER_BYTES;
    this.#begun = isWhole ? NOTHING : header;
    if (isWhole) this.#begin(header, 0);
    else checkVersion(header[0]);
    return isWhole;
  }

  #begin(bytes: Buffer, at: number): void {
    checkVersion(bytes[at]);
    this.#type = bytes[at + 1] ?? 0;
    this.#isManagement = isOfConnection(this.#type, bytes.readUInt16BE(at + 2));
    this.#contentLeft = bytes.readUInt16BE(at + 4);
    this.#paddingLeft = bytes[at + 6] ?? 0;
  }

  #skipPadding(): void {
    const skipped = Math.min(this.#paddingLeft, this.#count - this.#at);
    this.#paddingLeft -= skipped;
    this.#at += skipped;
  }

  #take(most: number): Buffer {
    const end = Math.min(this.#at + most, this.#count);
    const bytes = end === this.#at ? NOTHING : this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }
}

/**
 * Where the output ends of an answer that is whole in the first bytes of a buffer: one record of it, perhaps an empty one behind it,
 * and the end of a request that was completed. It begins behind the first header; 0 for everything else.
 */
export function wholeOutputEnd(bytes: Buffer, count: number): number {
  const length = lengthAt(bytes, 0);
  if (!isRecord(bytes, 0, STDOUT) || length === 0) return 0;
  let at = OUTPUT_AT + length + bytes[6]!;
  if (at + HEADER_BYTES + ENDING_BYTES === count && isRecord(bytes, at, STDOUT) && isEmptyAt(bytes, at))
    at += HEADER_BYTES;
  const isEnd = at + ENDING_BYTES === count && isRecord(bytes, at, END_REQUEST) && bytes[at + 6] === 0;
  // The status of the protocol is 0 where the request was completed.
  return isEnd && lengthAt(bytes, at) === 8 && bytes[at + 12] === 0 ? OUTPUT_AT + length : 0;
}

function isRecord(bytes: Buffer, at: number, type: number): boolean {
  return bytes[at] === 1 && bytes[at + 1] === type && bytes[at + 2] === 0 && bytes[at + 3] === REQUEST_ID;
}

function lengthAt(bytes: Buffer, at: number): number {
  return (bytes[at + 4]! << 8) | bytes[at + 5]!;
}

function isEmptyAt(bytes: Buffer, at: number): boolean {
  return lengthAt(bytes, at) === 0 && bytes[at + 6] === 0;
}

/** Throws a RangeError for what is no FastCGI. */
function checkVersion(version: number | undefined): void {
  if (version !== 1) throw new RangeError(`version ${version} of FastCGI`);
}

/** Whether a record concerns the connection alone (§4). Throws a RangeError for one that an application may not send. */
function isOfConnection(type: number, id: number): boolean {
  if (id === REQUEST_ID && (type === STDOUT || type === STDERR || type === END_REQUEST)) return false;
  if (id === MANAGEMENT_ID && type >= GET_VALUES) return true;
  throw new RangeError(`a record of type ${type} for request ${id}`);
}

/** How a request ended (§5.5). */
export interface EndOfRequest {
  /** The exit code, as a CGI program would have had. */
  readonly appStatus: number;
  readonly protocol: 'complete' | 'overloaded' | 'refused';
}

/** The content of an END_REQUEST record. */
export function endOfRequest(content: Buffer): EndOfRequest {
  if (content.length < 5) throw new RangeError('an END_REQUEST that is too short');
  const status = content[4];
  return {
    appStatus: content.readInt32BE(0),
    protocol: status === 0 ? 'complete' : status === 2 ? 'overloaded' : 'refused',
  };
}

/** The head of an SCGI request: a netstring, CONTENT_LENGTH first. The values are byte strings, and so is the head. */
export function scgiHead({ CONTENT_LENGTH = '0', ...params }: Readonly<Record<string, string>>): string {
  // As a list: an object would put a name that is a number before the length, which SCGI wants first.
  const { SCGI: _, ...others } = params;
  const words = ['CONTENT_LENGTH', CONTENT_LENGTH, 'SCGI', '1', ...Object.entries(others).flat()];
  const bytes = words.map((word) => `${word}\0`).join('');
  return `${bytes.length}:${bytes},`;
}
