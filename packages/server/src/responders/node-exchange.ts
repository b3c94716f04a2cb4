// One request and its response as bytes on a connection in memory, one end of which is a node:http server's.

import type { Socket } from 'node:net';
import { ResponseParser, type ResponseHead, type ResponseParserEvent } from '@onezero/http-parser';
import { lengthUntold } from '../message/content.ts';
import { hasField } from '../message/fields.ts';
import type { RequestMessage, ResponseMessage } from '../message/message.ts';
import { DuplexSocket, type Taken } from '../transport/duplex-socket.ts';
import { applicationTarget, encodePath } from './application-target.ts';
import { warnOnce } from '../warn-once.ts';
import { JoinedClient } from './joined.ts';
import { LEFT } from './left.ts';
import { PlayedContent, playedHead } from './played-request.ts';

/** Members that Express sets on the requests of mounted applications, and the method, which Node's parser may not know. */
export interface MountMembers {
  readonly originalUrl: string;
  readonly baseUrl: string;
  readonly method: string;
}

/**
 * How much is held for the client before the application's writes wait: what a kernel takes from a socket at once. So what was
 * written before the application closes its connection is sent, as under node:http.
 */
const HELD_BYTES = 65_536;

/** The application is trusted: its heads are as long as it wants, as under node:http. */
const UNLIMITED = 1_073_741_824;
const LIMITS = {
  maxHeadBytes: UNLIMITED,
  maxFields: UNLIMITED,
  maxTrailerBytes: UNLIMITED,
  maxPipelinedBytes: UNLIMITED,
};

/** How long an application may take to end a response without content that has left, as to HEAD; nothing else would ever stop it. */
const LATE_END_MS = 5000;

export class NodeExchange {
  readonly response: Promise<ResponseMessage>;
  /** The application's end. */
  readonly socket: DuplexSocket;
  readonly mount: MountMembers;
  readonly #request: RequestMessage;
  readonly #content: PlayedContent;
  readonly #parser = new ResponseParser(LIMITS);
  readonly #chunks: Buffer[] = [];
  /** How many bytes `#chunks` has. */
  #held = 0;
  #resolve!: (response: ResponseMessage) => void;
  #reject!: (error: unknown) => void;
  /** The application's write that waits for its bytes to be taken. */
  #taken: Taken | undefined;
  #wake: (() => void) | undefined;
  /** The application has switched protocols: what it writes until the client's end is there is held as it is. */
  #isSwitching = false;
  #client: JoinedClient | undefined;
  /** The response is complete. */
  #ended = false;
  /** The application has ended its response, or the connection is gone. */
  #isOver = false;
  #lateEnd: NodeJS.Timeout | undefined;
  #error: unknown;
  /** The response that the application has to end. */
  asked: { readonly shouldKeepAlive: boolean } | undefined;

  /** `holdsContent`: the application itself decides when a client that expects 100 (Continue) gets it. */
  constructor(request: RequestMessage, holdsContent: boolean) {
    this.#request = request;
    this.#content = new PlayedContent(request, holdsContent);
    this.response = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const target = applicationTarget(request);
    this.mount = mountOf(request, target);
    this.socket = new DuplexSocket(
      {
        read: () => (this.#client === undefined ? void this.#content.read(this.socket) : this.#client.read()),
        write: (pieces, taken) => this.#write(pieces, taken),
        finish: (taken) => this.#finish(taken),
        destroyed: (error) => this.#destroyed(error),
      },
      request,
    );
    this.#parser.next({ method: request.method, version: '1.1' });
    this.socket.push(playedHead(request, target));
    request.signal.addEventListener('abort', () => this.socket.destroy(), { once: true });
  }

  /** Tells the application that its client was gone before it was asked. */
  leaveIfGone(): void {
    if (this.#request.signal.aborted) setImmediate(() => this.socket.destroy());
  }

  /** The application broke: a failure while nothing is out, a broken response afterwards. */
  fail(error: unknown): void {
    // Nobody can be answered otherwise any more; and a failure that follows from a client's leaving is none.
    if (this.#ended && !this.#request.signal.aborted)
      warnOnce('an application of node:http, behind its response', error);
    this.#error ??= error;
    this.#reject(error);
    this.socket.destroy();
  }

  #write(pieces: readonly Buffer[], taken: Taken): void {
    if (this.#client !== undefined) return this.#client.write(pieces, taken);
    if (this.#isSwitching) {
      for (const piece of pieces) this.#hold(piece);
      return this.#hasRoom(taken);
    }
    // More than the length that it has said.
    if (this.#ended) return taken();
    this.#take(
      pieces.flatMap((piece) => this.#parser.push(piece)),
      taken,
    );
  }

  #finish(taken: Taken): void {
    if (this.#client !== undefined) return this.#client.finish(taken);
    this.#isOver = true;
    this.#take(this.#ended ? [] : this.#parser.end(), taken);
    if (this.#lateEnd !== undefined) this.#content.endBehind(this.socket);
  }

  #take(events: readonly ResponseParserEvent[], taken: Taken): void {
    for (const event of events) {
      if (event.type === 'interim') this.#inform(event.head);
      else if (event.type === 'content') this.#hold(event.bytes);
      else if (event.type === 'end') this.#ended = true;
      else if (event.type === 'error') return this.fail(event.error);
      else if (event.head.status === 101) this.#switch(event.head);
      else this.#begin(event.head);
    }
    this.#hasRoom(taken);
    this.#wake?.();
  }

  /** The next bytes are taken when the client has taken of these, or when there is a tunnel for them. */
  #hasRoom(taken: Taken): void {
    if (this.#held >= HELD_BYTES && (this.#isSwitching || !this.#ended)) this.#taken = taken;
    else taken();
  }

  #hold(bytes: Uint8Array): void {
    this.#chunks.push(Buffer.from(bytes));
    this.#held += bytes.length;
  }

  /** Content is asked for where the application says 100 itself; others of the class go to the client. */
  #inform({ status, fields }: ResponseHead): void {
    if (status === 100) this.#content.release(this.socket);
    else this.#request.inform?.(status, fields);
  }

  #begin({ status, reason, fields }: ResponseHead): void {
    const isHead = this.#request.method === 'HEAD';
    if (isHead || status === 204 || status === 304) this.#ended = true;
    const content = this.#contentOut();
    // Where the application has removed Connection, node:http ends the connection without a word.
    const isLast = this.asked?.shouldKeepAlive === false && !hasField(fields, 'connection');
    this.#resolve({
      status,
      reason,
      fields: isLast ? [...fields, ['connection', 'close']] : fields,
      content: isHead ? lengthUntold(content) : content,
    });
  }

  #switch({ reason, fields }: ResponseHead): void {
    this.#isSwitching = true;
    const upgrade = (stream: Socket): void => {
      const client = new JoinedClient(stream, this.socket);
      this.#client = client;
      const { remainder } = this.#parser;
      const held = this.#chunks.splice(0);
      client.write(remainder.length > 0 ? [remainder, ...held] : held, () => this.#releaseWrite());
      // The application may have ended or closed its side already.
      if (this.socket.writableFinished) client.finish(() => {});
      if (this.socket.destroyed) client.close();
      else client.read();
    };
    this.#resolve({ status: 101, reason, fields, upgrade });
  }

  /** The content as the client takes it. Closing it closes the application's connection, whether it was begun or not. */
  #contentOut(): AsyncIterable<Uint8Array> {
    const iterator: AsyncIterator<Uint8Array, undefined> = {
      next: () => this.#nextChunk(),
      return: () => {
        if (this.#isWhole) this.#content.endBehind(this.socket);
        else if (this.#ended) this.#lateEnd ??= setTimeout(() => this.socket.destroy(), LATE_END_MS).unref();
        else this.socket.destroy();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
    return { [Symbol.asyncIterator]: () => iterator };
  }

  /** Whether the response is complete and its application done with it: some end it a while after its last byte. */
  get #isWhole(): boolean {
    return this.#ended && (this.#isOver || this.asked === undefined);
  }

  async #nextChunk(): Promise<IteratorResult<Uint8Array, undefined>> {
    for (;;) {
      const bytes = this.#chunks.shift();
      if (bytes !== undefined) {
        this.#held -= bytes.length;
        return { done: false, value: bytes };
      }
      if (this.#isWhole) {
        this.#content.endBehind(this.socket);
        return { done: true, value: undefined };
      }
      if (!this.#ended && this.#error !== undefined) throw this.#error;
      this.#releaseWrite();
      // The application may have gone on at once, to its end or to its failure.
      const isNews = this.#chunks.length > 0 || (this.#ended ? this.#isWhole : this.#error !== undefined);
      if (!isNews) await this.#more();
    }
  }

  /**
   * Completes the write that waits. The stream hands over its next buffered bytes inside this very call, and with them the
   * next callback, so the finished one is forgotten first.
   */
  #releaseWrite(): void {
    const taken = this.#taken;
    this.#taken = undefined;
    taken?.();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }

  #destroyed(error: Error | null): void {
    this.#isOver = true;
    clearTimeout(this.#lateEnd);
    // Who refuses an upgrade writes an answer to the socket and closes it, which is where the answer ends.
    const isRefusal =
      this.asked === undefined && this.#error === undefined && this.#parser.end().at(-1)?.type === 'end';
    if (isRefusal) this.#ended = true;
    if (!this.#ended)
      this.#error ??= error ?? new Error('the application closed the connection before it had answered');
    if (this.#request.signal.aborted) this.#resolve(LEFT);
    this.#reject(this.#error);
    this.#releaseWrite();
    this.#content.close();
    this.#client?.close();
    this.#wake?.();
  }
}

function mountOf(request: RequestMessage, target: string): MountMembers {
  const { scriptName, pathInfo, query, method } = request;
  const baseUrl = encodePath(scriptName);
  const ending = pathInfo === '' ? (query === undefined ? '' : `?${query}`) : target;
  return { originalUrl: baseUrl + ending, baseUrl, method };
}
