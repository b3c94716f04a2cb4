// Reads sockets into one buffer that all of them share, instead of into 64 KiB of fresh memory for each read.
//
// `net.Socket` documents this as `onread`, for sockets that a program makes; the sockets of a child process are made by
// `spawn`, which has no such option. So what the option sets is set afterwards, under the symbols by which a socket knows it,
// and what its handle calls after each read is asked first. Where they are not found, and with ONEZERO_NO_SHARED_READS set,
// `data` events do the same at the price of garbage: a sixth of the time of a small request.

import type { Socket } from 'node:net';

// What Linux returns in one read at most.
const SHARED_BYTES = 0x10000;

let shared: Buffer | undefined;
let view: Buffer = Buffer.alloc(0);

interface SharedSocket {
  _handle?: SharedHandle | null;
  [symbol: symbol]: unknown;
}

interface SharedHandle {
  useUserBuffer?(buffer: Uint8Array): void;
  /** All bytes read so far. */
  readonly bytesRead: number;
  /** Called after each read, and at the end or after an error: then `bytesRead` has not changed. */
  onread: (this: SharedHandle, ...args: unknown[]) => unknown;
}

/** Calls `receive` with what arrives; the bytes are valid during the call only. */
export function readShared(socket: Socket, receive: (bytes: Buffer) => void): void {
  const internals = socket as unknown as SharedSocket;
  const own = Object.getOwnPropertySymbols(internals);
  const buffer = own.find(({ description }) => description === 'kBuffer');
  const callback = own.find(({ description }) => description === 'kBufferCb');
  const { _handle: handle } = internals;
  const isPossible = typeof handle?.useUserBuffer === 'function' && buffer !== undefined && callback !== undefined;
  if (!isPossible || process.env['ONEZERO_NO_SHARED_READS'] !== undefined) {
    socket.on('data', receive);
    return;
  }
  shared ??= Buffer.allocUnsafeSlow(SHARED_BYTES);
  internals[buffer] = shared;
  internals[callback] = (count: number) => {
    receive(firstBytes(count));
    return true;
  };
  handle.useUserBuffer!(shared);
  if (typeof handle.onread === 'function' && typeof handle.bytesRead === 'number') askFirst(handle, receive);
  socket.resume();
}

/** Answers of one application are often of one length, and a view costs more than asking. */
function firstBytes(count: number): Buffer {
  if (view.length !== count) view = shared!.subarray(0, count);
  return view;
}

/** Bytes go to `receive` without a detour by the socket, which hears of all else as before. */
function askFirst(handle: SharedHandle, receive: (bytes: Buffer) => void): void {
  const { onread: documented } = handle;
  let before = handle.bytesRead;
  handle.onread = function onread(...args) {
    const { bytesRead } = handle;
    const count = bytesRead - before;
    before = bytesRead;
    if (count === 0) return documented.apply(handle, args);
    receive(firstBytes(count));
    return undefined;
  };
}
