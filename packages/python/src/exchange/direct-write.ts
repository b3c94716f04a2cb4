// Writes small byte strings past `net.Socket`, whose bookkeeping for each write costs as much as the system call: to the
// descriptor while nothing is waiting in the socket. What the system does not take at once goes the usual way.

import { writeSync } from 'node:fs';
import type { Socket } from 'node:net';

interface WithHandle {
  readonly _handle?: { readonly fd?: number } | null;
}

/** Sends a byte string in one write where the system takes it. */
export function writeDirectly(socket: Socket, text: string): void {
  const { _handle: handle } = socket as unknown as WithHandle;
  const descriptor = handle?.fd ?? -1;
  if (descriptor < 0 || socket.writableLength > 0 || socket.destroyed) return void socket.write(text, 'latin1');
  const taken = take(descriptor, text);
  if (taken < text.length) socket.write(taken === 0 ? text : text.slice(taken), 'latin1');
}

function take(descriptor: number, text: string): number {
  try {
    return writeSync(descriptor, text, null, 'latin1');
  } catch (error) {
    // Full for the moment, or the worker is gone: the socket waits, or tells everybody.
    if (typeof (error as NodeJS.ErrnoException).code === 'string') return 0;
    throw error;
  }
}
