// The connection of an ASGI worker: one socket that carries all its requests, each under its number.
//
// A request is there until the worker has said that it is done with it. Content flows both ways at once; who cannot take more
// says so (`pause`), so that one slow client stops one response and not the socket.

import type { Socket } from 'node:net';
import { type FileOffer, takeFile } from '../content/handed-file.ts';
import type { ResponseContent } from '../content/response-content.ts';
import type { PythonError } from '../python-error.ts';
import type { Channel, ChannelOwner } from '../exchange/channel.ts';
import type { Exchange, ExchangeOwner } from '../exchange/exchange.ts';
import {
  encodeAbort,
  encodeContentEnd,
  encodeDrain,
  encodeFileReply,
  encodePause,
  encodePing,
} from '../exchange/fastcgi.ts';
import { RecordReader } from '../exchange/fastcgi-reader.ts';
import { readShared } from '../exchange/shared-reads.ts';
import { opensWebSocket } from './handshake.ts';
import { lends } from '../content/lent-content.ts';
import type { TravellingScope } from './scope.ts';
import { isWanted, release, resume, type Stream, TURN_BYTES, untilWanted } from './stream.ts';
import { MAX_STREAMS, Streams } from './streams.ts';
import { tunnel } from './tunnel.ts';
import { TurnWriter } from './turn-writer.ts';
import { Unmasker } from './unmask.ts';

/** What a channel has to know. */
export interface LoopSettings {
  readonly pid: number;
  readonly concurrency: number;
  readonly encode: (exchange: Exchange) => TravellingScope;
}

/** Sends every request to one event loop. */
export class LoopChannel implements Channel, ExchangeOwner {
  readonly interface = 'asgi';
  readonly #socket: Socket;
  readonly #settings: LoopSettings;
  readonly #owner: ChannelOwner;
  readonly #reader: RecordReader;
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  readonly #streams = new Streams();
  /** Exchanges that said something in the chunk that is being read. */
  #touched: Exchange[] = [];
  readonly #waitingForRoom: (() => void)[] = [];
  readonly #writer: TurnWriter;
  #pingedAt: number | undefined;

  constructor(socket: Socket, settings: LoopSettings, owner: ChannelOwner) {
    this.#socket = socket;
    this.#writer = new TurnWriter(socket);
    this.#settings = settings;
    this.#owner = owner;
    this.#reader = new RecordReader({
      output: (content, id) => this.#touch(id)?.output(content),
      lastOutput: (content, id) => this.#lastOutput(content, id),
      errors: (content, id) => this.#errors(content, id),
      file: (id, offer) => this.#takeFile(id, offer),
      pause: (id, isPaused) => this.#pause(id, isPaused),
      ping: () => {
        this.#pingedAt = undefined;
      },
      end: (id, status) => this.#end(id, status),
    });
    readShared(socket, (chunk) => this.#receive(chunk));
    socket.on('drain', () => this.#room());
  }

  get free(): number {
    return Math.max(0, Math.min(this.#settings.concurrency, MAX_STREAMS) - this.#streams.size);
  }

  get underWay(): readonly Exchange[] {
    return this.#streams.all().map(({ exchange }) => exchange);
  }

  send(exchange: Exchange): void {
    exchange.begin(this);
    let scope: TravellingScope;
    try {
      scope = this.#settings.encode(exchange);
    } catch (error) {
      return exchange.refuse(error);
    }
    const stream = this.#streams.add(exchange);
    const { id } = stream;
    exchange.number = id;
    const { content } = exchange.content;
    const isBare = Array.isArray(content) && content.length === 0 && opensWebSocket(exchange.request) !== true;
    this.#writer.writeRequest(id, scope.own, scope.common, !isBare);
    if (isBare || opensWebSocket(exchange.request) === true) return;
    if (!Array.isArray(content)) {
      this.#pump(content as AsyncIterable<Uint8Array>, stream).catch((error: unknown) => {
        exchange.fail(error);
        this.abandon(exchange);
      });
    } else {
      for (const piece of content as readonly Uint8Array[]) this.#writer.writeContent(id, piece);
      this.#writer.write(encodeContentEnd(id));
      exchange.content.discard();
    }
  }

  async #pump(content: AsyncIterable<Uint8Array>, stream: Stream): Promise<void> {
    const { id, exchange } = stream;
    exchange.isFed = true;
    try {
      if (lends(content)) await content.feed((bytes) => this.#takeContent(stream, bytes));
      else for await (const chunk of content) if (!(await this.#takeContent(stream, chunk))) break;
      exchange.isFed = false;
      exchange.lastProgress = performance.now();
      if (isWanted(exchange)) this.#writer.write(encodeContentEnd(id));
    } finally {
      exchange.content.discard();
    }
  }

  /** Sends content on; whether more is wanted, once there is room for it. */
  #takeContent(stream: Stream, bytes: Uint8Array): boolean | Promise<boolean> {
    const { id, exchange } = stream;
    if (!isWanted(exchange)) return false;
    exchange.lastProgress = performance.now();
    const hasRoom = this.#writer.writeContent(id, bytes);
    stream.sinceTurn += bytes.length;
    if (hasRoom && !stream.isPaused && stream.sinceTurn < TURN_BYTES) return true;
    return untilWanted(stream, hasRoom ? undefined : new Promise((resolve) => this.#waitingForRoom.push(resolve)));
  }

  #pause(id: number, isPaused: boolean): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    stream.isPaused = isPaused;
    if (!isPaused) release(stream);
  }

  switch(exchange: Exchange, socket: Socket, content: ResponseContent): void {
    const stream = this.#streamOf(exchange);
    if (stream === undefined) {
      // The worker has ended it meanwhile: what it said goes out.
      tunnel(socket, content, { write: () => true, end: () => {}, abandon: () => {} });
      return;
    }
    stream.socket = socket;
    let unmasker: Unmasker | undefined; // an idle connection needs none
    tunnel(socket, content, {
      write: (bytes) => {
        unmasker ??= new Unmasker();
        unmasker.unmask(bytes);
        if (!exchange.isAbandoned && !exchange.hasEnded && !this.#writer.writeContent(stream.id, bytes)) {
          this.#waitingForRoom.push(() => resume(stream));
          return false;
        }
        return !stream.isPaused;
      },
      end: () => {
        if (!exchange.isAbandoned && !exchange.hasEnded) this.#writer.write(encodeContentEnd(stream.id));
      },
      abandon: () => this.abandon(exchange),
    });
  }

  /** Lets those go on that wait, one in each turn: what the first sends may fill the room, and what has no room is copied. */
  #room(): void {
    this.#waitingForRoom.shift()?.();
    if (this.#waitingForRoom.length === 0) return;
    setImmediate(() => {
      if (!this.#socket.writableNeedDrain) this.#room();
    });
  }

  #receive(chunk: Buffer): void {
    this.#pingedAt = undefined;
    try {
      this.#reader.push(chunk);
    } catch (error) {
      this.#owner.broken(error);
    }
    const touched = this.#touched;
    if (touched.length === 0) return;
    this.#touched = [];
    const now = performance.now();
    for (const exchange of touched) {
      exchange.lastProgress = now;
      exchange.flush();
    }
  }

  #touch(id: number): Exchange | undefined {
    const exchange = this.#streams.get(id)?.exchange;
    if (exchange !== undefined) this.#note(exchange);
    return exchange;
  }

  #note(exchange: Exchange): void {
    if (this.#touched.at(-1) !== exchange) this.#touched.push(exchange);
  }

  #streamOf(exchange: Exchange): Stream | undefined {
    const stream = this.#streams.get(exchange.number);
    return stream?.exchange === exchange ? stream : undefined;
  }

  #lastOutput(content: Buffer, id: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    this.#forget(stream);
    stream.exchange.lastOutput(content);
    this.#note(stream.exchange);
    this.#owner.released();
  }

  #errors(content: Buffer, id: number): void {
    const text = this.#decoder.decode(content);
    const exchange = this.#touch(id);
    exchange?.errors(text);
    this.#owner.errors(text, exchange?.request.id);
  }

  /** With the reply, the request has ended for the worker. */
  #takeFile(id: number, offer: FileOffer): void {
    const stream = this.#streams.get(id);
    if (stream === undefined || stream.exchange.isAbandoned) return;
    const file = takeFile(this.#settings.pid, offer);
    this.#writer.write(encodeFileReply(id, file !== undefined));
    if (file === undefined) return;
    stream.exchange.outputFile(file);
    this.#end(id, 0);
  }

  #end(id: number, status: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    this.#forget(stream);
    // Those that wait are served before who is answered asks again.
    this.#owner.released();
    stream.exchange.end(status);
  }

  #forget(stream: Stream): void {
    this.#streams.delete(stream);
    release(stream);
  }

  hold(exchange: Exchange, isHeld: boolean): void {
    const stream = this.#streamOf(exchange);
    if (stream !== undefined) this.#writer.write(encodePause(stream.id, isHeld));
  }

  /** The worker is told, and what it still says of this request is dropped. */
  abandon(exchange: Exchange): void {
    const stream = this.#streamOf(exchange);
    if (stream === undefined || exchange.isAbandoned) return;
    exchange.isAbandoned = true;
    exchange.isHeld = false;
    exchange.isFed = false;
    exchange.lastProgress = performance.now();
    release(stream);
    this.#writer.write(encodeAbort(stream.id));
  }

  silence(now: number): number {
    if (this.#pingedAt !== undefined) return now - this.#pingedAt;
    this.#pingedAt = now;
    this.#writer.write(encodePing());
    return 0;
  }

  drain(): void {
    this.#writer.write(encodeDrain());
  }

  close(error: PythonError): void {
    for (const stream of this.#streams.all()) {
      this.#forget(stream);
      stream.exchange.hasEnded = true;
      stream.exchange.content.discard();
      stream.exchange.fail(error);
    }
    for (const goOn of this.#waitingForRoom) goOn();
    this.#socket.destroy();
  }
}
