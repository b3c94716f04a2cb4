// The connections of a WSGI worker: one for each of its threads.

import type { Channel, ChannelOwner } from '../exchange/channel.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { PythonError } from '../python-error.ts';
import type { Socket } from 'node:net';
import { ThreadConnection } from './thread-connection.ts';

/** Gives each request to a thread that is free. */
export class ThreadChannel implements Channel {
  readonly interface = 'wsgi';
  readonly #connections: readonly ThreadConnection[];
  /** The one that was free last is taken first: what it needs is still warm. */
  readonly #idle: ThreadConnection[];

  constructor(sockets: readonly Socket[], pid: number, encode: (exchange: Exchange) => string, owner: ChannelOwner) {
    this.#connections = sockets.map((socket, place) => {
      return new ThreadConnection(socket, pid, encode, {
        released: (connection) => {
          this.#idle.push(connection);
          owner.released();
        },
        abort: (requestId) => owner.abort(place, requestId),
        errors: (text, request) => owner.errors(text, request),
        broken: (error) => owner.broken(error),
      });
    });
    this.#idle = [...this.#connections];
  }

  get free(): number {
    return this.#idle.length;
  }

  get underWay(): Exchange[] {
    return this.#connections.flatMap(({ exchange }) => exchange ?? []);
  }

  send(exchange: Exchange): void {
    this.#idle.pop()!.send(exchange);
  }

  abandon(exchange: Exchange): void {
    this.#connections.find((connection) => connection.exchange === exchange)?.abandon(exchange);
  }

  /** A thread that is silent says nothing of the others. */
  silence(): number {
    return 0;
  }

  /** A thread ends its request in any case. */
  drain(): void {}

  close(error: PythonError): void {
    for (const connection of this.#connections) connection.close(error);
  }
}
