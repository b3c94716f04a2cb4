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
/** One request at a time on a connection, so they all have one number. */
const REQUEST_ID = 1;
const RESPONDER = 1;
const KEEP_CONNECTION = 1;
/** Lengths from here on take four bytes, the first of which has its highest bit set (§3.4). */
const LONG_LENGTH = 128;
const LONG_LENGTH_FLAG = 0x80_00_00_00;

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

/** Everything that precedes the content of a request. The values are byte strings. */
export function requestHead(params: Readonly<Record<string, string>>, keepConnection: boolean): Buffer {
  const begin = Buffer.alloc(HEADER_BYTES);
  begin.writeUInt16BE(RESPONDER, 0);
  begin[2] = keepConnection ? KEEP_CONNECTION : 0;
  const pairs = streamRecords(PARAMS, encodePairs(params));
  return Buffer.concat([recordHeader(BEGIN_REQUEST, begin.length), begin, ...pairs, emptyRecord(PARAMS)]);
}

/** Names and values with their lengths (§3.4). */
export function encodePairs(params: Readonly<Record<string, string>>): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of Object.entries(params)) {
    parts.push(encodeLength(name.length), encodeLength(value.length), Buffer.from(name + value, 'latin1'));
  }
  return Buffer.concat(parts);
}

function encodeLength(length: number): Buffer {
  if (length < LONG_LENGTH) return Buffer.from([length]);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(LONG_LENGTH_FLAG + length);
  return bytes;
}

/** Collects bytes from an application and gives its records. */
export class RecordReader {
  #bytes: Buffer = Buffer.alloc(0);

  push(bytes: Uint8Array): void {
    this.#bytes =
      this.#bytes.length === 0
        ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
        : Buffer.concat([this.#bytes, bytes]);
  }

  /** Whether bytes of a further record are here. */
  get hasMore(): boolean {
    return this.#bytes.length > 0;
  }

  /**
   * The next whole record; undefined while it is not here. Management records are passed over. Throws a RangeError for what is
   * no FastCGI, and for the record of a request that is not on this connection: its content is somebody else's.
   */
  next(): FastcgiRecord | undefined {
    for (;;) {
      const bytes = this.#bytes;
      if (bytes.length > 0 && bytes[0] !== 1) throw new RangeError(`version ${bytes[0]} of FastCGI`);
      if (bytes.length < HEADER_BYTES) return undefined;
      const type = bytes[1] ?? 0;
      const isManagement = isOfConnection(type, bytes.readUInt16BE(2));
      const end = HEADER_BYTES + bytes.readUInt16BE(4);
      const next = end + (bytes[6] ?? 0);
      if (bytes.length < next) return undefined;
      this.#bytes = bytes.subarray(next);
      if (!isManagement) return { type, content: bytes.subarray(HEADER_BYTES, end) };
    }
  }
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

/** The head of an SCGI request: a netstring, CONTENT_LENGTH first. The values are byte strings. */
export function scgiHead({ CONTENT_LENGTH = '0', ...params }: Readonly<Record<string, string>>): Buffer {
  // As a list: an object would put a name that is a number before the length, which SCGI wants first.
  const { SCGI: _, ...others } = params;
  const words = ['CONTENT_LENGTH', CONTENT_LENGTH, 'SCGI', '1', ...Object.entries(others).flat()];
  const bytes = words.map((word) => `${word}\0`).join('');
  return Buffer.from(`${bytes.length}:${bytes},`, 'latin1');
}
