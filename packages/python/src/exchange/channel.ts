// How requests reach one worker: what the pool, its health and the worker itself know of its connections.

import type { PythonError } from '../python-error.ts';
import type { Exchange } from './exchange.ts';

/** The two ways in which Python applications are called. */
export type Interface = 'wsgi' | 'asgi';

/** What a channel tells its worker. */
export interface ChannelOwner {
  /** Another request can be taken. */
  released(): void;
  /** The request in this place must be given up, even if its thread never reads or the socket is full. */
  abort(place: number, requestId: number): void;
  /** Text that the application wrote for the log. `request` is the request's name. */
  errors(text: string, request: string | undefined): void;
  /** The bytes on a socket make no sense. */
  broken(error: unknown): void;
}

/** The connections of one worker that has loaded its application. */
export interface Channel {
  readonly interface: Interface;
  /** How many more requests it can take now. */
  readonly free: number;
  /** The requests that the worker is busy with; those it was told to give up stay here until it has. */
  readonly underWay: Iterable<Exchange>;
  /** Sends a request; there must be a free place. */
  send(exchange: Exchange): void;
  /** Tells the worker that the answer is not wanted. */
  abandon(exchange: Exchange): void;
  /** How long the worker has not reacted at all, in ms, as far as that can be told; looked at now and then. */
  silence(now: number): number;
  /** Says that no request will follow. */
  drain(): void;
  /** Breaks off what is under way and gives the connections up. */
  close(error: PythonError): void;
}
