// What an upstream had sent when it cannot be written any more.
//
// An upstream may answer and leave before it has read all of the content, as one that refuses an upload does. Node closes a socket with
// the first write that fails, and drops what the socket and the system still hold: that is read before.

import { readSync } from 'node:fs';
import type { Socket } from 'node:net';

/** How a write fails where nobody reads any more. */
const UNWRITABLE = new Set<string | undefined>(['EPIPE', 'ECONNRESET']);
const READ_BYTES = 65_536;

/** The step of a stream that closes what is below it. */
type Destroy = (this: Socket, error: Error | null, done: (error?: Error | null) => void) => void;

/**
 * Has `take` told of the bytes that are left when a write fails, then of undefined where the upstream has ended; they are only there for
 * now. It returns whether more is of use.
 */
export function readRestFirst(socket: Socket, take: (bytes: Uint8Array | undefined) => boolean): void {
  const destroy: Destroy = Reflect.get(socket, '_destroy');
  const readAndDestroy: Destroy = (error, done) => {
    // What a secure socket has read is not what stands behind its descriptor.
    const isPlain = !('encrypted' in socket);
    if (isPlain && UNWRITABLE.has(codeOf(error))) readRest(socket, take);
    destroy.call(socket, error, done);
  };
  Object.assign(socket, { _destroy: readAndDestroy });
}

/**
 * More than the buffers of a socket hold (6 MB of TCP on Linux, 0.2 of a Unix socket). Who has only ceased to read may write on for ever,
 * and nothing else is done meanwhile.
 */
const MAX_REST_BYTES = 8 * 1024 * 1024;

function readRest(socket: Socket, take: (bytes: Uint8Array | undefined) => boolean): void {
  socket.removeAllListeners('data');
  const held = socket.read() as Uint8Array | null;
  if (held !== null && !take(held)) return;
  const { _handle: handle } = socket as Socket & { readonly _handle?: { readonly fd?: number } | null };
  const descriptor = handle?.fd ?? -1;
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  let left = MAX_REST_BYTES;
  for (let isWanted = descriptor >= 0; isWanted && left > 0;) {
    const count = readNow(descriptor, buffer);
    if (count === undefined) return;
    isWanted = take(count === 0 ? undefined : buffer.subarray(0, count)) && count > 0;
    left -= count;
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
