// The records of FastCGI 1.0 that the pool and its workers speak: one request at a time on a kept connection.
//
// Pure: bytes out; `fastcgi-reader.ts` has the other direction. A request's head leaves as one piece (BEGIN_REQUEST, PARAMS,
// and STDIN when the content is at hand). What PARAMS holds is a byte string, a JavaScript string whose characters are bytes.

export const version = 1;
const responderRole = 1;
const keepConnection = 1;
export const headerBytes = 8;
const maxRecordContent = 0xffff;

export const recordType = { begin: 1, abort: 2, end: 3, params: 4, stdin: 5, stdout: 6, stderr: 7 } as const;

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

const beginBody = String.fromCharCode(0, responderRole, keepConnection, 0, 0, 0, 0, 0);

function header(type: number, requestId: number, length: number): string {
  return String.fromCharCode(version, type, requestId >>> 8, requestId & 0xff, length >>> 8, length & 0xff, 0, 0);
}

/**
 * A request without content as a byte string: what `encodeRequest` gives for no bytes of content. Most requests are such,
 * and a socket writes a string of this size without a buffer.
 */
export function encodeEmptyRequest(requestId: number, params: string): string {
  let text = header(recordType.begin, requestId, headerBytes) + beginBody;
  for (let start = 0; start < params.length; start += maxRecordContent) {
    const piece = params.length <= maxRecordContent ? params : params.slice(start, start + maxRecordContent);
    text += header(recordType.params, requestId, piece.length) + piece;
  }
  return text + header(recordType.params, requestId, 0) + header(recordType.stdin, requestId, 0);
}

/**
 * A request as one buffer: BEGIN_REQUEST, all of PARAMS, and all of STDIN when `content` is given.
 *
 * Without `content`, STDIN has to follow: see `encodeContent` and `encodeContentEnd`.
 */
export function encodeRequest(requestId: number, params: string, content?: Uint8Array): Buffer {
  const contentLength = content === undefined ? 0 : framedLength(content.length) + headerBytes;
  const buffer = Buffer.allocUnsafe(headerBytes * 3 + framedLength(params.length) + contentLength);
  let offset = writeHeader(buffer, 0, recordType.begin, requestId, headerBytes);
  buffer.fill(0, offset, offset + headerBytes);
  buffer[offset + 1] = responderRole;
  buffer[offset + 2] = keepConnection;
  offset += headerBytes;
  for (let start = 0; start < params.length; start += maxRecordContent) {
    const piece = params.length <= maxRecordContent ? params : params.slice(start, start + maxRecordContent);
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
