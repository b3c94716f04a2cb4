// One thread of one worker, seen from here: a socket that carries one request after another.
//
// The connection is free again when the worker has said that it is (END_REQUEST, or the hand-over of a file), never earlier: a
// client that leaves makes us read on and drop, so a thread that is still busy is never taken for idle.

import type { Socket } from 'node:net';
import { type FileOffer, takeFile } from '../content/handed-file.ts';
import type { PythonError } from '../python-error.ts';
import type { Exchange, ExchangeOwner } from '../exchange/exchange.ts';
import { encodeAbort, encodeContent, encodeContentEnd, encodeFileReply, encodeRequest } from '../exchange/fastcgi.ts';
import { RecordReader } from '../exchange/fastcgi-reader.ts';
import { writeDirectly } from '../exchange/direct-write.ts';
import { readShared } from '../exchange/shared-reads.ts';

/** What a connection tells its channel. */
export interface ConnectionOwner {
  /** The connection can take another request. */
  released(connection: ThreadConnection): void;
  abort(requestId: number): void;
  errors(text: string, request: string | undefined): void;
  broken(error: unknown): void;
}

/** A kept connection to one thread. */
export class ThreadConnection implements ExchangeOwner {
  /** The request that the thread is busy with. */
  exchange: Exchange | undefined;
  readonly #socket: Socket;
  readonly #pid: number;
  readonly #encode: (exchange: Exchange) => string;
  readonly #owner: ConnectionOwner;
  readonly #reader: RecordReader;
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #requestId = 0;
  /** The names of the last request and of the one before, which may still speak when the next has been sent. */
  #name: string | undefined;
  #nameBefore: string | undefined;
  #waitingForRoom: (() => void)[] = [];
  /** Whether no request is to follow the one under way, or the last one, for now. */
  #isPaused = false;

  constructor(socket: Socket, pid: number, encode: (exchange: Exchange) => string, owner: ConnectionOwner) {
    this.#socket = socket;
    this.#pid = pid;
    this.#encode = encode;
    this.#owner = owner;
    this.#reader = new RecordReader({
      output: (content) => this.exchange?.output(content),
      lastOutput: (content, requestId) => this.#lastOutput(content, requestId),
      errors: (content, requestId) => this.#errors(content, requestId),
      file: (requestId, offer) => this.#takeFile(requestId, offer),
      pause: (requestId, isPaused) => this.#pause(requestId, isPaused),
      ping: () => {},
      end: (requestId, status) => this.#end(requestId, status),
    });
    readShared(socket, (chunk) => this.#receive(chunk));
    socket.on('drain', () => this.#room());
  }

  /** Sends a request; the connection must be free. Pieces of content leave with the head, a sequence while the answer comes. */
  send(exchange: Exchange): void {
    exchange.begin(this);
    const requestId = (this.#requestId % 0xffff) + 1;
    let head: string;
    try {
      head = encodeRequest(requestId, this.#encode(exchange), hasContent(exchange));
    } catch (error) {
      exchange.refuse(error);
      this.#owner.released(this);
      return;
    }
    this.#requestId = requestId;
    this.#nameBefore = this.#name;
    this.#name = exchange.request.id;
    this.exchange = exchange;
    const { content } = exchange.content;
    if (Array.isArray(content)) return this.#sendWhole(head, requestId, exchange, content as readonly Uint8Array[]);
    this.#socket.write(head, 'latin1');
    this.#pump(content as AsyncIterable<Uint8Array>, exchange, requestId).catch((error: unknown) => {
      exchange.fail(error);
      this.abandon(exchange);
    });
  }

  #sendWhole(head: string, requestId: number, { content }: Exchange, pieces: readonly Uint8Array[]): void {
    if (pieces.length === 0) return writeDirectly(this.#socket, head);
    const end = encodeContentEnd(requestId);
    this.#socket.cork();
    this.#socket.write(head, 'latin1');
    this.#writeAll(encodeContent(requestId, pieces));
    this.#socket.write(end, 'latin1', content.discard);
    this.#socket.uncork();
  }

  #writeAll(parts: readonly (string | Uint8Array)[]): boolean {
    let hasRoom = true;
    for (const part of parts) {
      hasRoom = typeof part === 'string' ? this.#socket.write(part, 'latin1') : this.#socket.write(part);
    }
    return hasRoom;
  }

  async #pump(content: AsyncIterable<Uint8Array>, exchange: Exchange, requestId: number): Promise<void> {
    exchange.isFed = true;
    try {
      for await (const chunk of content) {
        if (exchange.hasEnded || exchange.isAbandoned) return;
        exchange.isFed = false;
        exchange.lastProgress = performance.now();
        this.#socket.cork();
        const hasRoom = this.#writeAll(encodeContent(requestId, [chunk]));
        this.#socket.uncork();
        if (!hasRoom) await new Promise<void>((resolve) => this.#waitingForRoom.push(resolve));
        exchange.isFed = true;
      }
      exchange.isFed = false;
      exchange.lastProgress = performance.now();
      if (!exchange.hasEnded && !exchange.isAbandoned) this.#socket.write(encodeContentEnd(requestId), 'latin1');
    } finally {
      exchange.content.discard();
    }
  }

  #room(): void {
    const waiting = this.#waitingForRoom;
    if (waiting.length === 0) return;
    this.#waitingForRoom = [];
    for (const resolve of waiting) resolve();
  }

  #receive(chunk: Buffer): void {
    const { exchange } = this;
    try {
      this.#reader.push(chunk);
    } catch (error) {
      this.#owner.broken(error);
    }
    if (exchange === undefined) return;
    exchange.lastProgress = performance.now();
    exchange.flush();
  }

  /** What comes behind a response, as from its `close()`, is not told as a failure of the next. */
  #errors(content: Buffer, requestId: number): void {
    const text = this.#decoder.decode(content);
    const isLast = requestId === this.#requestId;
    if (isLast) this.exchange?.errors(text);
    const isBefore = this.#requestId === (requestId % 0xffff) + 1;
    this.#owner.errors(text, isLast ? this.#name : isBefore ? this.#nameBefore : undefined);
  }

  /** The thread waits for the reply; with it, the request has ended for it. */
  #takeFile(requestId: number, offer: FileOffer): void {
    const { exchange } = this;
    if (exchange === undefined || requestId !== this.#requestId || exchange.isAbandoned) return;
    const file = takeFile(this.#pid, offer);
    writeDirectly(this.#socket, encodeFileReply(requestId, file !== undefined));
    if (file === undefined) return;
    exchange.outputFile(file);
    this.#end(requestId, 0);
  }

  #lastOutput(content: Buffer, requestId: number): void {
    const { exchange } = this;
    if (exchange === undefined || requestId !== this.#requestId) return;
    this.exchange = undefined;
    exchange.lastOutput(content);
    this.#free();
  }

  #end(requestId: number, status: number): void {
    const { exchange } = this;
    if (exchange === undefined || requestId !== this.#requestId) return;
    this.exchange = undefined;
    // Those that wait are served before who is answered asks again.
    this.#free();
    exchange.end(status);
  }

  #free(): void {
    this.#room();
    if (!this.#isPaused) this.#owner.released(this);
  }

  /** The thread will be in close(), or has been. */
  #pause(requestId: number, isPaused: boolean): void {
    if (requestId !== this.#requestId || isPaused === this.#isPaused) return;
    this.#isPaused = isPaused;
    if (!isPaused && this.exchange === undefined) this.#free();
  }

  hold(exchange: Exchange, isHeld: boolean): void {
    if (exchange !== this.exchange) return;
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
    this.#socket.write(encodeAbort(this.#requestId), 'latin1');
    this.#owner.abort(this.#requestId);
    this.#socket.resume();
  }

  /** Breaks off what is under way and gives the connection up. */
  close(error: PythonError): void {
    const { exchange } = this;
    this.exchange = undefined;
    if (exchange !== undefined) {
      exchange.hasEnded = true;
      exchange.content.discard();
      exchange.fail(error);
    }
    this.#room();
    this.#socket.destroy();
  }
}

function hasContent({ content: { content } }: Exchange): boolean {
  return !Array.isArray(content) || content.length > 0;
}
