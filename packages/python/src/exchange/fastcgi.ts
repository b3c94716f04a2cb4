// The records that the pool and its workers speak: those of FastCGI 1.0, and a few of our own.
//
// Pure: bytes out; `fastcgi-reader.ts` has the other direction. What PARAMS holds is a byte string, a JavaScript string whose
// characters are bytes. The reserved byte of a header holds bits 16 to 23 of the length, so that content of up to 16 MiB is
// one record.

export const VERSION = 1;
const RESPONDER_ROLE = 1;
const KEEP_CONNECTION = 1;
export const HEADER_BYTES = 8;
export const MAX_RECORD_CONTENT = 0xffffff;

/** PARAMS come in pieces that a worker's buffer holds. */
const MAX_PARAMS_CONTENT = 0xffff;

export const recordType = {
  begin: 1,
  abort: 2,
  end: 3,
  params: 4,
  stdin: 5,
  stdout: 6,
  stderr: 7,
  /**
   * A worker offers an open file to read content from: descriptor (4 bytes), then of 8 bytes each offset, length, and the
   * state of the file: size, time of the last change, time of the last modification, inode, device.
   */
  file: 16,
  /** Whether the file could be opened: one byte, 1 or 0. */
  fileReply: 17,
  /**
   * The receiver shall send no more content of this request for now (1), or go on (0). Of a WSGI worker with one thread: no other
   * request, while close() of this one runs.
   */
  pause: 18,
  /** The receiver shall send it back: proof that its event loop runs. */
  ping: 19,
  /** No request will follow, and what has no end of its own, such as a WebSocket, shall end. */
  drain: 20,
  /** A request in one record: all of PARAMS. Content follows. */
  request: 21,
  /** The same without content: nothing follows. */
  bareRequest: 22,
  /** The last output of a response that is whole; there is no END. */
  lastOutput: 23,
} as const;

/** What `file` holds. */
export const FILE_CONTENT_BYTES = 60;

function header(type: number, requestId: number, length: number): string {
  return String.fromCharCode(
    VERSION,
    type,
    requestId >>> 8,
    requestId & 0xff,
    (length >>> 8) & 0xff,
    length & 0xff,
    0,
    length >>> 16,
  );
}

const beginBody = String.fromCharCode(0, RESPONDER_ROLE, KEEP_CONNECTION, 0, 0, 0, 0, 0);

/**
 * The head of a request as a byte string; STDIN has to follow where it has content. One record, as each costs the worker more than
 * its bytes do, unless it is large: then BEGIN_REQUEST and PARAMS, as FastCGI has it.
 */
export function encodeRequest(requestId: number, params: string, hasContent: boolean): string {
  if (isOneRecord(params.length)) return header(requestType(hasContent), requestId, params.length) + params;
  const head = encodeRequestHead(requestId, params);
  return hasContent ? head : head + encodeContentEnd(requestId);
}

/** Whether the head of a request fits into one record, as long as it is. */
export function isOneRecord(bytes: number): boolean {
  return bytes <= MAX_PARAMS_CONTENT;
}

/** The type of the record that a request fits into. */
export function requestType(hasContent: boolean): number {
  return hasContent ? recordType.request : recordType.bareRequest;
}

/** BEGIN_REQUEST and all of PARAMS as a byte string. STDIN has to follow. */
export function encodeRequestHead(requestId: number, params: string): string {
  let text = header(recordType.begin, requestId, HEADER_BYTES) + beginBody;
  for (let start = 0; start < params.length; start += MAX_PARAMS_CONTENT) {
    const piece = params.length <= MAX_PARAMS_CONTENT ? params : params.slice(start, start + MAX_PARAMS_CONTENT);
    text += header(recordType.params, requestId, piece.length) + piece;
  }
  return text + header(recordType.params, requestId, 0);
}

/** Begins a record of content, which must have at least one byte: an empty one would be the end. */
export function contentHeader(requestId: number, length: number): string {
  return header(recordType.stdin, requestId, length);
}

/** Ends the content of a request. */
export function encodeContentEnd(requestId: number): string {
  return header(recordType.stdin, requestId, 0);
}

/**
 * Content of a request as what to write, in order: byte strings and the pieces themselves, which are not copied. Content
 * without bytes gives nothing, for an empty record would be the end.
 */
export function encodeContent(requestId: number, pieces: readonly Uint8Array[]): (string | Uint8Array)[] {
  const parts: (string | Uint8Array)[] = [];
  let record: Uint8Array[] = [];
  let length = 0;
  const flush = (): void => {
    if (length > 0) parts.push(header(recordType.stdin, requestId, length), ...record);
    record = [];
    length = 0;
  };
  for (const piece of pieces) {
    for (let start = 0; start < piece.length; start += MAX_RECORD_CONTENT) {
      const part = piece.length <= MAX_RECORD_CONTENT ? piece : piece.subarray(start, start + MAX_RECORD_CONTENT);
      if (length + part.length > MAX_RECORD_CONTENT) flush();
      record.push(part);
      length += part.length;
    }
  }
  flush();
  return parts;
}

/** Tells the worker that nobody waits for this response any more. */
export function encodeAbort(requestId: number): string {
  return header(recordType.abort, requestId, 0);
}

/** Tells the worker whether its file could be opened. */
export function encodeFileReply(requestId: number, isOpen: boolean): string {
  return header(recordType.fileReply, requestId, 1) + (isOpen ? '\u0001' : '\0');
}

/** Stops the worker's content of this request, or lets it go on. */
export function encodePause(requestId: number, isPaused: boolean): string {
  return header(recordType.pause, requestId, 1) + (isPaused ? '\u0001' : '\0');
}

/** Asks for a sign of life. */
export function encodePing(): string {
  return header(recordType.ping, 0, 0);
}

/** Says that no request will follow. */
export function encodeDrain(): string {
  return header(recordType.drain, 0, 0);
}
