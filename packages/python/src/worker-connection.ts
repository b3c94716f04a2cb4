// One thread of one worker, seen from here: a socket that carries one request after another.
//
// The connection is free again when the worker has said that it is (END_REQUEST), never earlier: a client that leaves
// makes us read on and drop, so a thread that is still busy is never taken for idle.

import type { Socket } from 'node:net';
import type { Exchange, ExchangeOwner } from './exchange.ts';
import { encodeAbort, encodeContent, encodeContentEnd, encodeEmptyRequest, encodeRequest } from './fastcgi.ts';
import { RecordReader } from './fastcgi-reader.ts';
import { readShared } from './shared-reads.ts';
import type { WsgiError } from './wsgi-error.ts';

/** What a connection tells its worker. */
export interface ConnectionOwner {
  /** The connection can take another request. */
  released(connection: WorkerConnection): void;
  /** The request must be given up, even if the application never reads or the socket is full. */
  abort(connection: WorkerConnection, requestId: number): void;
  /** Text that the application wrote to wsgi.errors. `request` is the request's name. */
  errors(text: string, request: string | undefined): void;
  /** The bytes on the socket make no sense. */
  broken(error: unknown): void;
}

/** A kept connection to one thread. */
export class WorkerConnection implements ExchangeOwner {
  /** The request that the thread is busy with. */
  exchange: Exchange | undefined;
  /** True when the thread has not answered for too long, and nobody waits for it any more. */
  isHung = false;
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #reader: RecordReader;
  readonly #decoder = new TextDecoder();
  #requestId = 0;
  #waitingForRoom: (() => void)[] = [];

  constructor(socket: Socket, owner: ConnectionOwner) {
    this.#socket = socket;
    this.#owner = owner;
    this.#reader = new RecordReader({
      output: (content) => this.exchange?.output(content),
      errors: (content) => this.#errors(content),
      end: (requestId, status) => this.#end(requestId, status),
    });
    readShared(socket, (chunk) => this.#receive(chunk));
    socket.on('drain', () => this.#room());
    // The reason is in the worker's exit; what matters here is that the socket closes.
    socket.on('error', () => {});
  }

  /** Sends a request; the connection must be free. Bytes of content leave with the head, a sequence while the answer comes. */
  send(exchange: Exchange): void {
    exchange.begin(this);
    this.exchange = exchange;
    const requestId = (this.#requestId % 0xffff) + 1;
    this.#requestId = requestId;
    const { environ } = exchange.outgoing;
    const { content } = exchange.outgoing.content;
    if (!(content instanceof Uint8Array)) {
      this.#socket.write(encodeRequest(requestId, environ));
      this.#pump(content, exchange, requestId).catch((error: unknown) => {
        exchange.fail(error);
        this.abandon(exchange);
      });
    } else if (content.length > 0) this.#socket.write(encodeRequest(requestId, environ, content));
    else this.#socket.write(encodeEmptyRequest(requestId, environ), 'latin1');
  }

  async #pump(content: AsyncIterable<Uint8Array>, exchange: Exchange, requestId: number): Promise<void> {
    exchange.isFed = true;
    for await (const chunk of content) {
      if (exchange.hasEnded || exchange.isAbandoned) return;
      exchange.isFed = false;
      exchange.lastProgress = performance.now();
      if (!this.#socket.write(encodeContent(requestId, chunk))) {
        await new Promise<void>((resolve) => this.#waitingForRoom.push(resolve));
      }
      exchange.isFed = true;
    }
    exchange.isFed = false;
    exchange.lastProgress = performance.now();
    if (!exchange.hasEnded && !exchange.isAbandoned) this.#socket.write(encodeContentEnd(requestId));
  }

  #room(): void {
    const waiting = this.#waitingForRoom;
    this.#waitingForRoom = [];
    for (const resolve of waiting) resolve();
  }

  #receive(chunk: Buffer): void {
    const { exchange } = this;
    try {
      this.#reader.push(chunk);
      if (exchange === undefined || exchange.hasEnded) return;
      exchange.lastProgress = performance.now();
      exchange.flush();
    } catch (error) {
      this.#owner.broken(error);
    }
  }

  #errors(content: Buffer): void {
    const text = this.#decoder.decode(content);
    this.exchange?.errors(text);
    this.#owner.errors(text, this.exchange?.outgoing.client.id);
  }

  #end(requestId: number, status: number): void {
    const { exchange } = this;
    if (exchange === undefined || requestId !== this.#requestId) return;
    this.exchange = undefined;
    exchange.end(status);
    this.#room();
    this.#owner.released(this);
  }

  hold(isHeld: boolean): void {
    if (isHeld) this.#socket.pause();
    else this.#socket.resume();
  }

  /** Lets go of the exchange under way: the thread is told, and what it still says is dropped. */
  abandon(exchange: Exchange): void {
    if (exchange !== this.exchange || exchange.isAbandoned) return;
    exchange.isAbandoned = true;
    exchange.isHeld = false;
    exchange.isFed = false;
    exchange.lastProgress = performance.now();
    this.#room();
    this.#socket.write(encodeAbort(this.#requestId));
    this.#owner.abort(this, this.#requestId);
    this.#socket.resume();
  }

  /** Breaks off what is under way and gives the connection up. */
  close(error: WsgiError): void {
    const { exchange } = this;
    this.exchange = undefined;
    if (exchange !== undefined) {
      exchange.hasEnded = true;
      exchange.fail(error);
    }
    this.#room();
    this.#socket.destroy();
  }
}
