// A request over a connection, and the output that comes back, over FastCGI and over SCGI.
//
// Output is taken as it comes and kept until it is read; an application that writes faster than its output is read is held back by its
// own socket. Content is written at the same time, since an application may answer before it has read all. A connection is used
// again only when the application said that it is done and took all of the content; after anything else it is closed.

import type { Socket } from 'node:net';
import { CgiError } from '../cgi-error.ts';
import type { Collected } from '../spool/collect-content.ts';
import type { Connection, Receiver } from './connection.ts';
import { PendingOutput } from './pending-output.ts';
import type { OutputNow } from './pending-output.ts';
import {
  ABORT_REQUEST,
  emptyRecord,
  END_REQUEST,
  endOfRequest,
  OUTPUT_AT,
  STDERR,
  STDIN,
  STDOUT,
  streamRecords,
  wholeOutputEnd,
} from './records.ts';
import type { EndOfRequest, KnownHead } from './records.ts';

/** What goes over a connection. */
export interface BackendRequest {
  /** What precedes the content, as a byte string or bytes for now; over FastCGI with the end of content that is empty. */
  readonly head: string | KnownHead;
  readonly content: Collected;
  /** Whether the application is asked to leave the connection open. */
  readonly keep: boolean;
  stderr(bytes: Buffer): void;
  /** Called once, with whether the connection may be used again. */
  finished(mayKeep: boolean): void;
}

/** The output of an application, until it ends. */
export interface BackendOutput {
  /** Whether any byte has come. */
  readonly hasAnswered: boolean;
  /** How long it has taken so far. */
  readonly tookMs: number;
  /** When the application last took content, or the client sent some; 0 where there was none. */
  readonly sentAt: number;
  /** Whether the application has begun to write what is not here yet: PHP sends the header of a record ahead of large content. */
  readonly isUnderWay: boolean;
  /** Whether nothing is here that was not taken. */
  readonly isEmpty: boolean;
  /** Whether nothing more comes. */
  readonly isOver: boolean;
  /** Calls `then` once there is something, the end, or no more time; now, where that is so. */
  some(withinMs: number, then: () => void, now?: number): void;
  /** What is here, which is not taken; valid until something else comes. Throws what `read` rejects with. */
  peek(): Uint8Array | 'end' | 'nothing';
  /** Whether what is here begins with these bytes. */
  begins(bytes: Uint8Array): boolean;
  /** Drops so many bytes of what is here. */
  skip(count: number): void;
  /**
   * The next output, where `gatherMs` is given with what follows within that time, up to a piece that is worth a write. Rejects
   * with CgiError (`backend-gone`, `busy`, `bad-header`).
   */
  read(timeoutMs: number, gatherMs?: number): Promise<Uint8Array | 'end' | 'timed-out'>;
  /** The same for a piece that is worth a write, the end, or no more time. */
  gathered(withinMs: number, then: () => void): void;
  /** What is here already. Nothing is waited for. See `PendingOutput`. */
  readNow(isForNow?: boolean): OutputNow;
  /** Gives the connection up. May be repeated; does nothing after the end. */
  abort(): void;
}

/** Writes content bit by bit, and says each time that it moves. Stops when the connection closes. */
async function writeContent(
  socket: Socket,
  { content }: BackendRequest,
  framed: (bytes: Uint8Array) => readonly Uint8Array[],
  moves: () => unknown,
): Promise<void> {
  for await (const bytes of content.pieces()) {
    moves();
    socket.cork();
    let hasRoom = true;
    for (const part of framed(bytes)) hasRoom = socket.write(part);
    socket.uncork();
    if (!hasRoom) await drained(socket);
    moves();
    if (socket.destroyed) return;
  }
}

async function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      socket.off('drain', settle);
      socket.off('close', settle);
      resolve();
    };
    socket.on('drain', settle);
    socket.on('close', settle);
    if (socket.destroyed) settle();
  });
}

/** Whether nothing comes behind the head. */
export function isEmpty({ length, rest }: Collected): boolean {
  return length === 0 && rest === undefined;
}

function gone(cause?: unknown): CgiError {
  return new CgiError('backend-gone', 'the application closed the connection before its answer was whole', { cause });
}

/** A request over a connection, of either protocol. */
abstract class ConnectionOutput extends PendingOutput implements Receiver {
  readonly connection: Connection;
  readonly request: BackendRequest;
  hasEnded = false;
  hasAnswered = false;
  sentAt = 0;

  constructor(connection: Connection, request: BackendRequest, since?: number) {
    super(connection, since);
    this.connection = connection;
    this.request = request;
    connection.receiver = this;
    connection.write(request.head);
  }

  abstract receive(bytes: Buffer, count: number): boolean;

  abstract closed(error: Error | undefined): void;

  /** The connection is used no more, or may be used again. Only the first call counts. */
  over(mayKeep: boolean): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.connection.receiver = undefined;
    if (!mayKeep) this.connection.leave();
    this.request.finished(mayKeep);
  }

  async sendContent(framed: (bytes: Uint8Array) => readonly Uint8Array[]): Promise<void> {
    return writeContent(this.connection.socket, this.request, framed, () => (this.sentAt = performance.now()));
  }
}

/** A request over FastCGI. */
export class FastcgiOutput extends ConnectionOutput implements BackendOutput {
  #hasSentAll: boolean;

  constructor(connection: Connection, request: BackendRequest, since?: number) {
    super(connection, request, since);
    this.#hasSentAll = isEmpty(request.content);
    if (!this.#hasSentAll) void this.#send();
  }

  get isUnderWay(): boolean {
    return !this.hasEnded && this.connection.records.hasMore;
  }

  receive(bytes: Buffer, count: number): boolean {
    const end = this.hasAnswered || this.connection.records.hasMore ? 0 : wholeOutputEnd(bytes, count);
    this.hasAnswered = true;
    if (end > 0) return this.#takeWhole(bytes, end);
    try {
      this.#read(bytes, count);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      const message = `the application does not speak FastCGI: ${error.message}`;
      this.#fail(new CgiError('bad-header', message, { cause: error }));
    }
    this.tell();
    // A connection that is kept is read on, for its end.
    return this.hasEnded || this.mayGoOn();
  }

  /** The short way of most answers: nothing of them is kept. */
  #takeWhole(bytes: Buffer, end: number): boolean {
    this.borrow(bytes, OUTPUT_AT, end);
    this.finish();
    this.over(this.#hasSentAll && this.request.keep);
    this.tell();
    this.settle();
    return true;
  }

  /** Empty records only end a stream. */
  #read(bytes: Buffer, count: number): void {
    const records = this.connection.records;
    records.push(bytes, count);
    for (let record = records.next(); record !== undefined; record = records.next()) {
      const { type, content } = record;
      if (type === STDOUT) this.add(content);
      if (type === STDERR && content.length > 0) this.request.stderr(content);
      if (type === END_REQUEST) return this.#ended(endOfRequest(content));
    }
  }

  closed(error: Error | undefined): void {
    this.#fail(gone(error));
    this.tell();
  }

  abort(): void {
    if (this.hasEnded) return;
    if (this.connection.isOpen) this.connection.socket.write(emptyRecord(ABORT_REQUEST));
    this.#fail(gone());
    this.tell();
  }

  async #send(): Promise<void> {
    try {
      await this.sendContent((bytes) => streamRecords(STDIN, bytes));
      if (this.hasEnded) return;
      this.connection.socket.write(emptyRecord(STDIN));
      this.#hasSentAll = true;
    } catch {
      // The client's content broke off: it has gone, and so has the reader of the answer.
      this.abort();
    }
  }

  #ended({ protocol }: EndOfRequest): void {
    const error =
      protocol === 'overloaded'
        ? new CgiError('busy', 'the application says that it is overloaded')
        : protocol === 'refused'
          ? new CgiError('bad-header', 'the application does not take this kind of request')
          : undefined;
    this.finish(error);
    this.over(this.#hasSentAll && this.request.keep && !this.connection.records.hasMore && error === undefined);
  }

  #fail(error: CgiError): void {
    this.finish(error);
    this.over(false);
  }
}

/** A request over SCGI: its answer ends with the connection. */
export class ScgiOutput extends ConnectionOutput implements BackendOutput {
  readonly isUnderWay = false;

  constructor(connection: Connection, request: BackendRequest, since?: number) {
    super(connection, request, since);
    if (!isEmpty(request.content)) this.sendContent((bytes) => [bytes]).catch(() => this.abort());
  }

  receive(bytes: Buffer, count: number): boolean {
    this.hasAnswered = true;
    this.add(count === bytes.length ? bytes : bytes.subarray(0, count));
    this.tell();
    return this.mayGoOn();
  }

  closed(error: Error | undefined): void {
    this.#end(error === undefined && this.hasAnswered ? undefined : gone(error));
  }

  abort(): void {
    this.#end(gone());
  }

  #end(error?: CgiError): void {
    this.finish(error);
    this.over(false);
    this.connection.socket.destroy();
    this.tell();
  }
}
