// What is used of a socket that is not documented, and nothing else: its handle, for a write and for reads past the stream, whose
// bookkeeping for each of both costs as much as the system call.
//
// Everything else stays the socket's: what the system does not take, the end, and every error. Where the handle is not as
// expected, or with ONEZERO_NO_SHARED_READS set, all is.

import type { Socket } from 'node:net';

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

function hold(socket: Socket, handle: Handle): void {
  handle.reading = false;
  if (!socket.destroyed) handle.readStop();
}

function isExpected(handle: Partial<Handle>): handle is Handle {
  return (
    typeof handle.onread === 'function' && typeof handle.readStop === 'function' && typeof handle.bytesRead === 'number'
  );
}
