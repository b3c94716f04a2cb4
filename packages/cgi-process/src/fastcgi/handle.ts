// What is used of a socket that is not documented, and nothing else: its handle, for a write and for reads past the stream, whose
// bookkeeping for each of both costs as much as the system call.
//
// Everything else stays the socket's: what the system does not take, the end, and every error. Where the handle is not as
// expected, or with ONEZERO_NO_SHARED_READS set, all is.

import { readSync } from 'node:fs';
import type { Socket } from 'node:net';

/** How a write fails where nobody reads any more. */
const UNWRITABLE = new Set<string | undefined>(['EPIPE', 'ECONNRESET']);

/** The step of a stream that closes what is below it. */
type Destroy = (this: Socket, error: Error | null, done: (error?: Error | null) => void) => void;

/** The members of a handle that are used. */
interface Handle {
  readonly fd?: number;
  /** All bytes read so far. */
  readonly bytesRead: number;
  /** What a socket notes of its handle: where it is not set, `resume` begins to read again. */
  reading?: boolean;
  /** Called after each read, also one that found nothing, and at the end or after an error: then `bytesRead` has not changed. */
  onread: (this: Handle, bytes?: ArrayBuffer) => unknown;
  readStop(): number;
}

function handleOf(socket: Socket): Partial<Handle> | undefined {
  const { _handle: handle } = socket as Socket & { readonly _handle?: Partial<Handle> | null };
  return handle ?? undefined;
}

/** The descriptor of a socket that may be written; negative where there is none. */
export function descriptorOf(socket: Socket): number {
  return handleOf(socket)?.fd ?? -1;
}

/**
 * Has `receive` told of each read into the buffer that a socket was given with `onread`, past the socket; it returns whether more may
 * come now, as the callback of that does, and is still told by the socket where that cannot be done.
 */
export function readPast(socket: Socket, receive: (count: number) => boolean): void {
  const handle = handleOf(socket);
  if (handle === undefined || !isExpected(handle) || process.env['ONEZERO_NO_SHARED_READS'] !== undefined) return;
  const usual = handle.onread;
  let before = handle.bytesRead;
  handle.onread = (bytes) => {
    const { bytesRead } = handle;
    const count = bytesRead - before;
    before = bytesRead;
    if (count === 0) return usual.call(handle, bytes);
    if (!receive(count)) hold(socket, handle);
    // What this returns would be taken for the next buffer.
    return undefined;
  };
}

/**
 * Has `receive` told of what the system still has when a write fails, since the socket closes at once then: an application may answer
 * and leave before it has read all. It is told of 0 bytes at the end, and returns whether more is of use.
 */
export function readRestFirst(socket: Socket, buffer: Buffer, receive: (count: number) => boolean): void {
  const destroy: Destroy = Reflect.get(socket, '_destroy');
  const readAndDestroy: Destroy = (error, done) => {
    if (UNWRITABLE.has(codeOf(error))) readRest(descriptorOf(socket), buffer, receive);
    destroy.call(socket, error, done);
  };
  Object.assign(socket, { _destroy: readAndDestroy });
}

/**
 * More than the buffers of a socket hold (6 MB of TCP on Linux, 0.2 of a Unix socket). Who has only ceased to read may write on for ever,
 * and nothing else is done meanwhile.
 */
const MAX_REST_BYTES = 8 * 1024 * 1024;

function readRest(descriptor: number, buffer: Buffer, receive: (count: number) => boolean): void {
  let left = MAX_REST_BYTES;
  for (let isWanted = descriptor >= 0; isWanted && left > 0;) {
    const count = readNow(descriptor, buffer);
    isWanted = count !== undefined && receive(count) && count > 0;
    left -= count ?? 0;
  }
}

function codeOf(error: NodeJS.ErrnoException | null): string | undefined {
  return error?.code;
}

/** Undefined where nothing can be read; why is told by the error that closes the socket. */
function readNow(descriptor: number, buffer: Buffer): number | undefined {
  try {
    return readSync(descriptor, buffer);
  } catch (error) {
    if (typeof (error as NodeJS.ErrnoException).code === 'string') return undefined;
    throw error;
  }
}

function hold(socket: Socket, handle: Handle): void {
  handle.reading = false;
  if (!socket.destroyed) handle.readStop();
}

function isExpected(handle: Partial<Handle>): handle is Handle {
  return (
    typeof handle.onread === 'function' && typeof handle.readStop === 'function' && typeof handle.bytesRead === 'number'
  );
}
