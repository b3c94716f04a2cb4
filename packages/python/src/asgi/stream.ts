// One request on the socket of an event loop: what holds its content up, and how it goes on.

import type { Socket } from 'node:net';
import { promisify } from 'node:util';
import type { Exchange } from '../exchange/exchange.ts';
import { readOn } from './tunnel.ts';

/** After so much content the loop turns, so that a pause is read even when the content is all there. */
export const TURN_BYTES = 0x40000;
const nextTurn = promisify(setImmediate);

/** A request under way. */
export interface Stream {
  readonly id: number;
  readonly exchange: Exchange;
  /** Set while the worker takes no more content of this request. */
  isPaused: boolean;
  goOn: (() => void) | undefined;
  /** Bytes of content since the loop was last let turn. */
  sinceTurn: number;
  /** The connection, once it has changed its protocol. */
  socket: Socket | undefined;
}

/** A request that has just been sent. */
export function streamOf(id: number, exchange: Exchange): Stream {
  return { id, exchange, isPaused: false, goOn: undefined, socket: undefined, sinceTurn: 0 };
}

/** Whether the worker still takes content of a request. */
export function isWanted(exchange: Exchange): boolean {
  return !exchange.hasEnded && !exchange.isAbandoned;
}

/** Waits for `room` on the socket, for a turn of the loop when it is due, and for the worker; whether more content is wanted then. */
export async function untilWanted(stream: Stream, room: Promise<void> | undefined): Promise<boolean> {
  const { exchange } = stream;
  exchange.isFed = false;
  if (room !== undefined) await room;
  if (stream.sinceTurn >= TURN_BYTES) {
    stream.sinceTurn = 0;
    await nextTurn();
  }
  while (stream.isPaused) await new Promise<void>((resolve) => (stream.goOn = resolve));
  exchange.isFed = true;
  return isWanted(exchange);
}

/** Reads on from the client of a changed protocol, unless the worker takes no more. */
export function resume(stream: Stream): void {
  if (!stream.isPaused && stream.socket !== undefined) readOn(stream.socket);
}

/** Ends a pause: whoever waits goes on. */
export function release(stream: Stream): void {
  stream.isPaused = false;
  if (stream.socket !== undefined) readOn(stream.socket);
  stream.goOn?.();
  stream.goOn = undefined;
}
