// One request and its response as bytes on a stream in memory, one end of which is a node:http server.

import { Duplex } from 'node:stream';
import { ResponseParser, type ResponseParserEvent } from '@onezero/http-parser';
import { serializeHead } from '@onezero/http-parser/serializer';
import type { RequestMessage, ResponseMessage } from '../message/message.ts';
import { applicationTarget, encodePath } from './application-target.ts';

type Write = (error?: Error | null) => void;

export class NodeExchange {
  readonly response: Promise<ResponseMessage>;
  readonly stream: Duplex;
  /** Members that Express sets on the requests of mounted applications, and the method, which Node's parser may not know. */
  readonly mount: { readonly originalUrl: string; readonly baseUrl: string; readonly method: string };
  readonly #request: RequestMessage;
  readonly #parser = new ResponseParser();
  readonly #chunks: Buffer[] = [];
  #content: AsyncIterator<Uint8Array> | undefined;
  #resolve!: (response: ResponseMessage) => void;
  #reject!: (error: unknown) => void;
  /** The application's write that waits for its bytes to be taken. */
  #write: Write | undefined;
  #wake: (() => void) | undefined;
  #ended = false;
  #contentEnded = false;
  #error: unknown;

  constructor(request: RequestMessage) {
    this.#request = request;
    this.response = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const { scriptName, query } = request;
    const target = applicationTarget(request);
    const prefix = encodePath(scriptName);
    const originalUrl = request.pathInfo === '' ? prefix + (query === undefined ? '' : `?${query}`) : prefix + target;
    this.mount = { originalUrl, baseUrl: prefix, method: request.method };
    this.stream = this.#makeStream();
    this.#parser.next({ method: request.method, version: '1.1' });
    this.stream.push(this.#head(target));
    request.signal.addEventListener('abort', () => this.stream.destroy(), { once: true });
  }

  /** The application broke: a failure while nothing is out, a broken answer afterwards. */
  fail(error: unknown): void {
    this.#error ??= error;
    this.#reject(error);
    this.stream.destroy();
  }

  #head(target: string): Uint8Array {
    const { method, version, fields } = this.#request;
    // Node's parser breaks off at a method outside its list; the application is told of the real one.
    const played = isKnownToNode(method) ? method : 'POST';
    return serializeHead({ method: played, target, version: version === '1.1' ? '1.1' : '1.0', fields });
  }

  #makeStream(): Duplex {
    const { remote, local, scheme } = this.#request;
    const stream = new Duplex({
      read: () => void this.#readContent(),
      write: (bytes: Buffer, _encoding, written) => this.#take(this.#parser.push(bytes), written),
      final: (finished) => this.#take(this.#parser.end(), finished),
      destroy: (error, closed) => this.#close(error, closed),
    });
    const nothing = (): Duplex => stream;
    return Object.assign(stream, {
      remoteAddress: remote.address,
      remotePort: remote.port,
      localAddress: local.address,
      localPort: local.port,
      encrypted: scheme === 'https',
      setTimeout: nothing,
      setNoDelay: nothing,
      setKeepAlive: nothing,
      ref: nothing,
      unref: nothing,
    });
  }

  /** Plays the next chunk of the content as it would come from a socket. */
  async #readContent(): Promise<void> {
    const { contentLength, content } = this.#request;
    if (contentLength === 0 || this.stream.readableEnded) return;
    const isChunked = contentLength === undefined;
    try {
      this.#content ??= content[Symbol.asyncIterator]();
      const { done, value } = await this.#content.next();
      if (this.stream.destroyed) return;
      if (done === true) this.#endContent(isChunked);
      else this.stream.push(isChunked ? chunk(value) : value);
    } catch (error) {
      this.stream.destroy(error as Error);
    }
  }

  #endContent(isChunked: boolean): void {
    if (this.#contentEnded) return;
    this.#contentEnded = true;
    if (isChunked) this.stream.push('0\r\n\r\n');
  }

  #take(events: readonly ResponseParserEvent[], written: Write): void {
    for (const event of events) {
      if (event.type === 'head') this.#begin(event.head);
      else if (event.type === 'content') this.#chunks.push(Buffer.from(event.bytes));
      else if (event.type === 'end') this.#ended = true;
      else if (event.type === 'error') return this.fail(event.error);
    }
    // More is taken when the client has taken this.
    if (this.#chunks.length > 0 && !this.#ended) this.#write = written;
    else written();
    this.#wake?.();
  }

  #begin({ status, reason, fields }: { status: number; reason: string; fields: ResponseMessage['fields'] }): void {
    const withoutContent = this.#request.method === 'HEAD' || status === 204 || status === 304;
    if (withoutContent) this.#ended = true;
    this.#resolve({ status, reason, fields, content: this.#contentOut() });
  }

  /** The content as the client takes it. Closing it closes the application's connection, whether it was begun or not. */
  #contentOut(): AsyncIterable<Uint8Array> {
    const iterator: AsyncIterator<Uint8Array, undefined> = {
      next: () => this.#nextChunk(),
      return: () => {
        this.stream.destroy();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
    return { [Symbol.asyncIterator]: () => iterator };
  }

  async #nextChunk(): Promise<IteratorResult<Uint8Array, undefined>> {
    for (;;) {
      const bytes = this.#chunks.shift();
      if (bytes !== undefined) return { done: false, value: bytes };
      if (this.#error !== undefined) throw this.#error;
      if (this.#ended) {
        // Everything was said: the end of the application's connection.
        this.stream.destroy();
        return { done: true, value: undefined };
      }
      this.#releaseWrite();
      // The application may have gone on at once, to its end or to its failure.
      const isNews = this.#chunks.length > 0 || this.#ended || this.#error !== undefined;
      if (!isNews) await this.#more();
    }
  }

  /**
   * Completes the write that waits. The stream hands over its next buffered bytes inside this very call, and with them the
   * next callback, so the finished one is forgotten first.
   */
  #releaseWrite(): void {
    const written = this.#write;
    this.#write = undefined;
    written?.();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }

  #close(error: Error | null, closed: Write): void {
    if (!this.#ended)
      this.#error ??= error ?? new Error('the application closed the connection before it had answered');
    this.#reject(this.#error);
    this.#releaseWrite();
    void this.#content?.return?.();
    this.#wake?.();
    closed();
  }
}

function chunk(bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`, 'latin1'), bytes, Buffer.from('\r\n')]);
}

let knownToNode: ReadonlySet<string> | undefined;

function isKnownToNode(method: string): boolean {
  knownToNode ??= new Set(process.getBuiltinModule('node:http').METHODS);
  return knownToNode.has(method);
}
