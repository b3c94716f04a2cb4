// Writes past `net.Socket`, whose bookkeeping for each write costs as much as the system call: to the descriptor, while nothing
// is waiting in the socket. What the system does not take at once goes the usual way.

import { writeSync, writevSync } from 'node:fs';
import type { Socket } from 'node:net';
import { BLOCK_BYTES, returnBlock, takeBlock } from '../content/blocks.ts';

interface WithHandle {
  readonly _handle?: { readonly fd?: number } | null;
}

/** Sends a byte string in one write where the system takes it. */
export function writeDirectly(socket: Socket, text: string): void {
  const taken = take(socket, (descriptor) => writeSync(descriptor, text, null, 'latin1'));
  if (taken < text.length) socket.write(taken === 0 ? text : text.slice(taken), 'latin1');
}

/** The same with bytes, which are copied if they have to wait: the caller may use them again. False when some had to. */
export function writePieces(socket: Socket, pieces: readonly Uint8Array[]): boolean {
  let taken = take(socket, (descriptor) => writevSync(descriptor, pieces));
  let hasRoom = true;
  for (const piece of pieces) {
    if (taken < piece.length) hasRoom = writeCopy(socket, piece.subarray(taken));
    taken = Math.max(0, taken - piece.length);
  }
  return hasRoom;
}

function writeCopy(socket: Socket, bytes: Uint8Array): boolean {
  if (bytes.length > BLOCK_BYTES) return socket.write(Buffer.from(bytes));
  const block = takeBlock();
  block.set(bytes);
  return socket.write(block.subarray(0, bytes.length), () => returnBlock(block));
}

/** How many bytes the system took. */
function take(socket: Socket, write: (descriptor: number) => number): number {
  const { _handle: handle } = socket as unknown as WithHandle;
  const descriptor = handle?.fd ?? -1;
  if (descriptor < 0 || socket.writableLength > 0 || socket.destroyed) return 0;
  try {
    return write(descriptor);
  } catch (error) {
    // Full for the moment, or the worker is gone: the socket waits, or tells everybody.
    if (typeof (error as NodeJS.ErrnoException).code === 'string') return 0;
    throw error;
  }
}
