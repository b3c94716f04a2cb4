// `server.fetch`: a request answered without a socket, for tests. It goes through the same parser, limits, rules, log and
// framing as one from the network, on a connection in memory.

import { ResponseParser, type ResponseParserEvent } from '@onezero/http-parser';
import { encodeChunk, encodeLastChunk, serializeHead } from '@onezero/http-parser/serializer';
import type { Field } from './message/message.ts';
import { type MemoryClient, MemoryTransport } from './transport/memory-transport.ts';
import type { Transport } from './transport/transport.ts';

/** Answers a fetch request; `accept` takes a connection as a listener would. Rejects with the reason of an aborted signal. */
export async function fetchInMemory(request: Request, accept: (transport: Transport) => void): Promise<Response> {
  const { signal } = request;
  signal.throwIfAborted();
  const answer = new Answer(request);
  const transport = new MemoryTransport(request.url.startsWith('https:'), answer);
  answer.transport = transport;
  accept(transport);
  signal.addEventListener('abort', () => answer.leave(signal.reason), { once: true });
  void send(request, transport).catch(() => transport.leaveAsClient());
  return answer.response;
}

async function send(request: Request, transport: MemoryTransport): Promise<void> {
  const { method, headers, body } = request;
  const { host, pathname, search } = new URL(request.url);
  const given = [...headers].filter(([name]) => !/^(?:host|connection|transfer-encoding)$/.test(name));
  const isChunked = body !== null && !headers.has('content-length');
  const fields: readonly Field[] = [
    ['host', headers.get('host') ?? host],
    ...given.map(([name, value]): Field => [name, value]),
    ...(isChunked ? ([['transfer-encoding', 'chunked']] as const) : []),
    ['connection', 'close'],
  ];
  await transport.send(serializeHead({ method, target: `${pathname}${search}`, version: '1.1', fields }));
  if (body === null) return;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    if (transport.isClosed) return;
    for (const piece of isChunked && chunk.length > 0 ? encodeChunk(chunk) : [chunk]) await transport.send(piece);
  }
  if (isChunked) await transport.send(encodeLastChunk());
}

/** Statuses whose Response takes no body. */
const WITHOUT_BODY = new Set([204, 205, 304]);

class Answer implements MemoryClient {
  readonly response: Promise<Response>;
  /** Kept, since a Request that is collected no longer passes the abort of its signal on. */
  readonly request: Request;
  transport!: MemoryTransport;
  readonly #parser = new ResponseParser();
  #resolve!: (response: Response) => void;
  #reject!: (error: unknown) => void;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #isOver = false;
  /** Bytes that the stream has not been asked for. */
  #untaken = 0;

  constructor(request: Request) {
    this.request = request;
    this.response = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#parser.next(request);
  }

  received(bytes: Uint8Array): void {
    this.#read(this.#parser.push(bytes));
    // Heads and framing are read at once; content counts until the stream is asked for it.
    if (this.#controller === undefined || (this.#controller.desiredSize ?? 1) > 0) this.transport.taken(bytes.length);
    else this.#untaken += bytes.length;
  }

  ended(isWhole: boolean): void {
    if (isWhole) this.#read(this.#parser.end());
    this.#fail(new TypeError('the server broke the response off'));
  }

  /** Whoever asked does not wait any more. */
  leave(reason: unknown): void {
    this.#fail(reason);
    this.transport.leaveAsClient();
  }

  #read(events: readonly ResponseParserEvent[]): void {
    for (const event of events) {
      if (event.type === 'head') this.#begin(event.head);
      else if (event.type === 'content') this.#controller?.enqueue(Uint8Array.from(event.bytes));
      else if (event.type === 'end') this.#finish();
      else if (event.type === 'error') this.#fail(event.error);
    }
  }

  #begin({ status, reason, fields }: { status: number; reason: string; fields: readonly Field[] }): void {
    const headers = new Headers();
    for (const [name, value] of fields) headers.append(name, value);
    const stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => {
          const untaken = this.#untaken;
          this.#untaken = 0;
          if (untaken > 0) this.transport.taken(untaken);
        },
        cancel: () => this.transport.leaveAsClient(),
      },
      { highWaterMark: 262_144, size: (chunk) => chunk?.byteLength ?? 0 },
    );
    this.#resolve(new Response(WITHOUT_BODY.has(status) ? null : stream, { status, statusText: reason, headers }));
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#controller?.close();
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#reject(error);
    this.#controller?.error(error);
  }
}
