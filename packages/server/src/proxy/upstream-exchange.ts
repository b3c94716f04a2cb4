// One request to an upstream and its response, on a connection of their own.
//
// Nothing of the request is sent before the connection is there, and nothing is ever sent twice: a request that the upstream
// may have seen is not repeated. Both directions go at the pace of their readers. The response is read by the strict parser
// of this house, so what it cannot frame never reaches a client.

import type { Socket } from 'node:net';
import { ResponseParser, type ResponseHeadEvent, type ResponseParserEvent } from '@onezero/http-parser';
import { encodeChunk, encodeLastChunk, serializeHead } from '@onezero/http-parser/serializer';
import { hasField } from '../message/fields.ts';
import type { Field, RequestMessage } from '../message/message.ts';
import { timerMs } from '../timer.ts';
import { ProxyError } from './proxy-error.ts';
import { readRestFirst } from './read-rest.ts';
import { endToEndFields, framingFault } from './request-fields.ts';

// What may wait for a slow client before the upstream is not read any more.
const WAITING_BYTES = 262_144;

/** What an exchange is made of. */
export interface ExchangeParts {
  readonly socket: Socket;
  /** As errors name the upstream. */
  readonly origin: string;
  readonly target: string;
  readonly fields: readonly Field[];
  readonly connectTimeoutMs: number;
}

export class UpstreamExchange implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array, undefined> {
  /** The final head. Rejects with a ProxyError. */
  readonly head: Promise<ResponseHeadEvent>;
  readonly #parts: ExchangeParts;
  readonly #request: RequestMessage;
  readonly #parser = new ResponseParser();
  readonly #chunks: Uint8Array[] = [];
  #waitingBytes = 0;
  #isEnded = false;
  #hasHead = false;
  #error: ProxyError | undefined;
  #wake: (() => void) | undefined;
  #resolve!: (head: ResponseHeadEvent) => void;
  #reject!: (error: ProxyError) => void;
  readonly #leave = (): void => this.close();

  constructor(request: RequestMessage, parts: ExchangeParts) {
    this.#request = request;
    this.#parts = parts;
    this.head = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const { method, signal } = request;
    const { socket } = parts;
    this.#parser.next({ method, version: '1.1' });
    const isSecure = 'encrypted' in socket;
    const late = setTimeout(() => this.#fail('does not accept the connection', 504), timerMs(parts.connectTimeoutMs));
    socket.once(isSecure ? 'secureConnect' : 'connect', () => {
      clearTimeout(late);
      void this.#send();
    });
    socket.on('data', (bytes: Uint8Array) => this.#take(this.#parser.push(bytes)));
    socket.on('end', () => this.#take(this.#parser.end()));
    readRestFirst(socket, (bytes) => this.#takeRest(bytes));
    socket.on('error', (error: NodeJS.ErrnoException) => this.#fail(`cannot be asked: ${error.code ?? error.message}`));
    socket.on('close', () => {
      clearTimeout(late);
      signal.removeEventListener('abort', this.#leave);
      this.#fail('closed the connection before its response was whole');
    });
    if (signal.aborted) this.close();
    else signal.addEventListener('abort', this.#leave, { once: true });
  }

  /** The connection after 101, and what came with the head. */
  takeOver(): { readonly socket: Socket; readonly first: Uint8Array } {
    const { socket } = this.#parts;
    // A client that leaves before the tunnel stands still closes it.
    this.#isEnded = true;
    const { signal } = this.#request;
    signal.removeEventListener('abort', this.#leave);
    for (const name of ['data', 'end', 'error', 'close']) socket.removeAllListeners(name);
    if (signal.aborted) socket.destroy();
    else signal.addEventListener('abort', () => socket.destroy(), { once: true });
    return { socket, first: this.#parser.remainder };
  }

  /** Gives up, as nothing reads the response any more: its content ends here, without an error. */
  close(): void {
    this.#fail('was given up');
    this.#chunks.length = 0;
    this.#isEnded = true;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    for (;;) {
      const value = this.#chunks.shift();
      if (value !== undefined) {
        this.#waitingBytes -= value.length;
        if (this.#waitingBytes < WAITING_BYTES) this.#parts.socket.resume();
        return { done: false, value };
      }
      if (this.#isEnded) return { done: true, value: undefined };
      if (this.#error !== undefined) throw this.#error;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.close();
    return { done: true, value: undefined };
  }

  async #send(): Promise<void> {
    const { socket, target, fields } = this.#parts;
    const { method, contentLength, content } = this.#request;
    try {
      socket.write(serializeHead({ method, target, version: '1.1', fields }));
      if (contentLength === 0) return;
      for await (const bytes of content) {
        // An empty chunk would end the content.
        if (bytes.length === 0) continue;
        const pieces = contentLength === undefined ? encodeChunk(bytes) : [bytes];
        // A response that is whole already, or an upstream that left, wants no more.
        if (!(await this.#write(pieces))) return;
      }
      if (contentLength === undefined) await this.#write([encodeLastChunk()]);
    } catch (error) {
      // The client broke its content off, or it cannot be written: the upstream must not take a part for the whole.
      this.#fail(`was given up: ${error instanceof Error ? error.message : 'the content broke off'}`);
    }
  }

  /** Waits until there is room. False when nothing more can be written. */
  #write(pieces: readonly Uint8Array[]): Promise<boolean> {
    const { socket } = this.#parts;
    if (socket.destroyed) return Promise.resolve(false);
    socket.cork();
    const hasRoom = pieces.map((piece) => socket.write(piece)).every(Boolean);
    socket.uncork();
    if (hasRoom) return Promise.resolve(true);
    return new Promise((resolve) => {
      const settle = (): void => {
        socket.off('drain', settle);
        socket.off('close', settle);
        resolve(!socket.destroyed);
      };
      socket.on('drain', settle);
      socket.on('close', settle);
    });
  }

  #take(events: readonly ResponseParserEvent[]): void {
    for (const event of events) {
      if (event.type === 'interim') this.#inform(event);
      else if (event.type === 'head') {
        if (event.head.status === 101 && this.#request.upgrade === undefined) {
          this.#fail('changed to a protocol that was not asked for');
          return;
        }
        if (event.head.status > 599) {
          this.#fail(`sent the status ${event.head.status}, which is none`);
          return;
        }
        if (event.head.status === 101 && !hasField(event.head.fields, 'upgrade')) {
          this.#fail('changed the protocol without naming one');
          return;
        }
        const fault = framingFault(event.head.fields);
        if (fault !== undefined) {
          this.#fail(`sent a response ${fault}`);
          return;
        }
        this.#hasHead = true;
        this.#resolve(event);
        if (event.head.status === 101) return;
      } else if (event.type === 'content') this.#keep(event.bytes);
      else if (event.type === 'error') this.#fail(`sent what is no HTTP response: ${event.error.code}`);
      else this.#end();
    }
    this.#wake?.();
  }

  #takeRest(bytes: Uint8Array | undefined): boolean {
    if (this.#isEnded || this.#error !== undefined) return false;
    this.#take(bytes === undefined ? this.#parser.end() : this.#parser.push(bytes));
    return true;
  }

  #inform({ head: { status, fields } }: ResponseHeadEvent): void {
    if (status > 101) this.#request.inform?.(status, endToEndFields(fields));
  }

  #keep(bytes: Uint8Array): void {
    // The parser lends its bytes for this call only.
    const chunk = Buffer.from(bytes);
    this.#chunks.push(chunk);
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes >= WAITING_BYTES) this.#parts.socket.pause();
  }

  #end(): void {
    this.#isEnded = true;
    this.#parts.socket.destroy();
  }

  #fail(what: string, status: 502 | 504 = 502): void {
    if (this.#isEnded || this.#error !== undefined) return;
    this.#error = new ProxyError(status, `${this.#parts.origin} ${what}`);
    if (!this.#hasHead) this.#reject(this.#error);
    this.#parts.socket.destroy();
    this.#wake?.();
  }
}
