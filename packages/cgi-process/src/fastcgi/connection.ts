// One connection to an application, and the requests that go over it one after the other.
//
// Reading is pulled, so an application that writes faster than its output is taken is held back by its own socket. Content is
// written at the same time, since an application may answer before it has read all. A connection is used again only when the
// application said that it is done and took all of the content; after anything else it is closed.

import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { OutputReader } from '../answer/output-reader.ts';
import { CgiError } from '../cgi-error.ts';
import type { Collected } from '../spool/collect-content.ts';
import type { Address } from './address.ts';
import {
  ABORT_REQUEST,
  emptyRecord,
  END_REQUEST,
  endOfRequest,
  RecordReader,
  requestHead,
  scgiHead,
  STDERR,
  STDIN,
  STDOUT,
  streamRecords,
} from './records.ts';
import type { EndOfRequest } from './records.ts';
import { noCounts } from './state.ts';
import type { BackendCounts } from './state.ts';

/** What goes over a connection. */
export interface BackendRequest {
  readonly params: Readonly<Record<string, string>>;
  readonly content: Collected;
  /** Whether the application is asked to leave the connection open. */
  readonly keep: boolean;
  readonly stderr: (bytes: Buffer) => void;
}

/** The output of an application, until it ends. */
export interface BackendOutput {
  /** Whether any byte has come. */
  readonly hasAnswered: boolean;
  /** Since when a new connection has waited for its first byte: perhaps for somebody to take it. Undefined for a kept one. */
  readonly waitingSince: number | undefined;
  /** The next output. Rejects with CgiError (`backend-gone`, `busy`, `bad-header`). */
  read(timeoutMs: number): Promise<Uint8Array | 'end' | 'timed-out'>;
  /** What is here already, with whether that is all. Nothing is waited for. */
  readNow(): { readonly chunks: readonly Uint8Array[]; readonly isEnd: boolean };
  /** Gives the connection up. May be repeated; does nothing after the end. */
  abort(): void;
}

/** Opens a connection. Rejects with the system's error, or after `timeoutMs`. */
export async function openConnection(address: Address, timeoutMs: number): Promise<Socket> {
  const socket = connect({ ...address, noDelay: true });
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    const late = (): void => fail(Object.assign(new Error(`no connection for ${timeoutMs} ms`), { code: 'ETIMEDOUT' }));
    socket.setTimeout(Math.min(timeoutMs, 2 ** 31 - 1), late);
    socket.once('error', fail);
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.off('error', fail);
      resolve(socket);
    });
  });
}

/** A connection that outlives its requests. */
export class Connection {
  readonly socket: Socket;
  readonly reader: OutputReader;
  /** Of the address that it leads to. */
  readonly counts: BackendCounts;
  readonly openedAt: number = performance.now();
  /** Whether it has carried a request to its end. */
  hasServed = false;
  #isIdle = false;

  constructor(socket: Socket, counts: BackendCounts = noCounts()) {
    this.socket = socket;
    this.counts = counts;
    this.reader = new OutputReader(socket);
    // While it is idle nothing has to come but its end, which a stream only tells to who reads.
    socket.on('readable', () => {
      if (this.#isIdle && socket.read() !== null) socket.destroy();
    });
  }

  get isOpen(): boolean {
    return !this.socket.destroyed && this.socket.readable && this.socket.writable;
  }

  rest(isIdle: boolean): void {
    this.#isIdle = isIdle;
    this.hasServed = true;
    if (isIdle) this.socket.unref();
    else this.socket.ref();
  }
}

/** Writes a request whole or bit by bit. Stops when the connection closes. */
async function writeContent(
  socket: Socket,
  { content }: BackendRequest,
  framed: (bytes: Uint8Array) => readonly Uint8Array[],
): Promise<void> {
  for await (const bytes of content.pieces()) {
    socket.cork();
    let hasRoom = true;
    for (const part of framed(bytes)) hasRoom = socket.write(part);
    socket.uncork();
    if (!hasRoom) await drained(socket);
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

function gone(cause?: unknown): CgiError {
  return new CgiError('backend-gone', 'the application closed the connection before its answer was whole', { cause });
}

/** A request over FastCGI. `finished` is called once, with whether the connection may be used again. */
export class FastcgiOutput implements BackendOutput {
  readonly #connection: Connection;
  readonly #request: BackendRequest;
  readonly #finished: (mayKeep: boolean) => void;
  readonly #records = new RecordReader();
  #hasSentAll = false;
  #isOver = false;
  #end: EndOfRequest | undefined;
  hasAnswered = false;

  constructor(connection: Connection, request: BackendRequest, finished: (mayKeep: boolean) => void) {
    this.#connection = connection;
    this.#request = request;
    this.#finished = finished;
    void this.#send();
  }

  get waitingSince(): number | undefined {
    return this.hasAnswered || this.#connection.hasServed ? undefined : this.#connection.openedAt;
  }

  async read(timeoutMs: number): Promise<Uint8Array | 'end' | 'timed-out'> {
    // What comes on STDERR is no output, however much of it there is.
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const output = this.#next();
      if (output !== undefined) return output;
      const left = deadline - performance.now();
      const bytes = left <= 0 && this.hasAnswered ? 'timed-out' : await this.#more(Math.max(1, left));
      if (bytes === 'timed-out') return bytes;
      if (bytes === 'end') throw this.#broken(gone());
      this.hasAnswered = true;
      this.#records.push(bytes);
    }
  }

  readNow(): { chunks: Uint8Array[]; isEnd: boolean } {
    const chunks: Uint8Array[] = [];
    for (;;) {
      const output = this.#next();
      if (output === undefined || output === 'end') return { chunks, isEnd: output === 'end' };
      chunks.push(output);
    }
  }

  abort(): void {
    if (this.#isOver) return;
    if (this.#connection.isOpen) this.#connection.socket.write(emptyRecord(ABORT_REQUEST));
    this.#over(false);
  }

  async #send(): Promise<void> {
    const { socket } = this.#connection;
    const { params, keep, content } = this.#request;
    const head = requestHead(params, keep);
    try {
      if (content.length === 0) {
        socket.write(Buffer.concat([head, emptyRecord(STDIN)]));
      } else {
        socket.write(head);
        await writeContent(socket, this.#request, (bytes) => streamRecords(STDIN, bytes));
        if (this.#isOver) return;
        socket.write(emptyRecord(STDIN));
      }
      this.#hasSentAll = true;
    } catch {
      // The client's content broke off: it has gone, and so has the reader of the answer.
      this.abort();
    }
  }

  async #more(timeoutMs: number): Promise<Uint8Array | 'end' | 'timed-out'> {
    try {
      return await this.#connection.reader.read(timeoutMs);
    } catch (error) {
      throw this.#broken(gone(error));
    }
  }

  /** The output in the records that are here. Empty ones only end a stream. */
  #next(): Uint8Array | 'end' | undefined {
    if (this.#end !== undefined) return 'end';
    try {
      for (let record = this.#records.next(); record !== undefined; record = this.#records.next()) {
        const { type, content } = record;
        if (type === STDOUT && content.length > 0) return content;
        if (type === STDERR && content.length > 0) this.#request.stderr(content);
        if (type === END_REQUEST) return this.#ended(endOfRequest(content));
      }
      return undefined;
    } catch (error) {
      if (error instanceof CgiError) throw error;
      throw this.#broken(
        new CgiError('bad-header', `the application does not speak FastCGI: ${String(error)}`, { cause: error }),
      );
    }
  }

  #ended(end: EndOfRequest): 'end' {
    this.#end = end;
    this.#over(this.#hasSentAll && this.#request.keep && !this.#records.hasMore && end.protocol === 'complete');
    if (end.protocol === 'overloaded') throw new CgiError('busy', 'the application says that it is overloaded');
    if (end.protocol === 'refused')
      throw new CgiError('bad-header', 'the application does not take this kind of request');
    return 'end';
  }

  #broken(error: CgiError): CgiError {
    this.#over(false);
    return error;
  }

  #over(mayKeep: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (!mayKeep) this.#connection.socket.destroySoon();
    this.#finished(mayKeep);
  }
}

/** A request over SCGI: its answer ends with the connection. */
export class ScgiOutput implements BackendOutput {
  readonly #connection: Connection;
  readonly #finished: (mayKeep: boolean) => void;
  #isOver = false;
  readonly waitingSince = undefined;
  hasAnswered = false;

  constructor(connection: Connection, request: BackendRequest, finished: (mayKeep: boolean) => void) {
    this.#connection = connection;
    this.#finished = finished;
    connection.socket.write(scgiHead(request.params));
    writeContent(connection.socket, request, (bytes) => [bytes]).catch(() => this.abort());
  }

  async read(timeoutMs: number): Promise<Uint8Array | 'end' | 'timed-out'> {
    try {
      const bytes = await this.#connection.reader.read(timeoutMs);
      if (bytes === 'end') {
        const wasOver = this.#isOver;
        this.abort();
        if (!this.hasAnswered || wasOver) throw gone();
      } else if (bytes !== 'timed-out') this.hasAnswered = true;
      return bytes;
    } catch (error) {
      this.abort();
      throw error instanceof CgiError ? error : gone(error);
    }
  }

  /** Only the end of the connection tells the end of the answer. */
  readNow(): { chunks: readonly Uint8Array[]; isEnd: boolean } {
    return { chunks: [], isEnd: false };
  }

  abort(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#connection.socket.destroy();
    this.#finished(false);
  }
}
