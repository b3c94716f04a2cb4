// Reads sockets into one buffer that all of them share, instead of into 64 KiB of fresh memory for each read.
//
// `net.Socket` documents this as `onread`, for sockets that a program makes; the sockets of a child process are made by
// `spawn`, which has no such option. So what the option sets is set afterwards, under the symbols by which a socket knows it.
// Where they are not found, and with ONEZERO_NO_SHARED_READS set, `data` events do the same at the price of garbage: a sixth of the
// time of a small request.

import type { Socket } from 'node:net';

// What Linux returns in one read at most.
const sharedBytes = 0x10000;

let shared: Buffer | undefined;

interface SharedSocket {
  _handle?: { useUserBuffer?(buffer: Uint8Array): void } | null;
  [symbol: symbol]: unknown;
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
  shared ??= Buffer.allocUnsafeSlow(sharedBytes);
  internals[buffer] = shared;
  internals[callback] = (count: number, bytes: Buffer) => {
    receive(bytes.subarray(0, count));
    return true;
  };
  handle.useUserBuffer!(shared);
  socket.resume();
}
