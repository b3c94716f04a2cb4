// A request as the bytes that a node:http server would have received.

import { encodeChunk, encodeLastChunk, serializeHead } from '@onezero/http-parser/serializer';
import { discard } from '../message/content.ts';
import type { Field, RequestMessage } from '../message/message.ts';

/** The head, with its target below the mount. What the server does not offer the application is left out. */
export function playedHead({ method, version, fields, upgrade }: RequestMessage, target: string): Uint8Array {
  const offered: readonly Field[] = upgrade === undefined ? fields.filter(([name]) => name !== 'upgrade') : fields;
  // Node's parser breaks off at a method outside its list; the application is told of the real one.
  const played = isKnownToNode(method) ? method : 'POST';
  return serializeHead({ method: played, target, version: version === '1.1' ? '1.1' : '1.0', fields: offered });
}

let knownToNode: ReadonlySet<string> | undefined;

function isKnownToNode(method: string): boolean {
  knownToNode ??= new Set(process.getBuiltinModule('node:http').METHODS);
  return knownToNode.has(method);
}

/** What stood behind the content, which has ended; none for content that was made by a program. */
function trailersOf({ content }: RequestMessage): readonly Field[] {
  const { trailers = [] } = content as { readonly trailers?: readonly Field[] };
  return trailers;
}

/** Where the bytes go. */
export interface ContentTaker {
  readonly destroyed: boolean;
  /** What was pushed and not yet taken. */
  readonly readableLength: number;
  push(bytes: Uint8Array | null): boolean;
  destroy(error?: Error): unknown;
}

/** Plays the content as it would come from a socket: one chunk for each time that the taker asks. */
export class PlayedContent {
  readonly #request: RequestMessage;
  readonly #isChunked: boolean;
  #iterator: AsyncIterator<Uint8Array> | undefined;
  #hasEnded: boolean;
  /** Set while the application has not said 100 (Continue): asking for content would say it. */
  #isHeld: boolean;
  #isAsked = false;
  /** The response is out. */
  #isLast = false;

  constructor(request: RequestMessage, isHeld: boolean) {
    this.#request = request;
    this.#isChunked = request.contentLength === undefined;
    this.#hasEnded = request.contentLength === 0;
    this.#isHeld = isHeld;
  }

  /** The application said `100 (Continue)`. */
  release(taker: ContentTaker): void {
    this.#isHeld = false;
    if (this.#isAsked) void this.read(taker);
  }

  async read(taker: ContentTaker): Promise<void> {
    this.#isAsked = true;
    if (this.#hasEnded || this.#isHeld) return;
    this.#isAsked = false;
    try {
      this.#iterator ??= this.#request.content[Symbol.asyncIterator]();
      let step = await this.#iterator.next();
      // An empty chunk would end the content.
      while (step.done !== true && step.value.length === 0) step = await this.#iterator.next();
      if (taker.destroyed) return;
      if (step.done === true) this.#end(taker);
      else taker.push(this.#isChunked ? Buffer.concat(encodeChunk(step.value)) : step.value);
    } catch (error) {
      taker.destroy(error as Error);
    }
  }

  #end(taker: ContentTaker): void {
    this.#hasEnded = true;
    if (this.#isChunked) taker.push(encodeLastChunk(trailersOf(this.#request)));
    if (this.#isLast) taker.push(null);
  }

  /** The response is out: the connection ends behind the content, which the application may go on reading. */
  endBehind(taker: ContentTaker): void {
    this.#isLast = true;
    if (this.#isHeld || (this.#hasEnded && taker.readableLength === 0)) taker.destroy();
    else if (this.#hasEnded && !taker.destroyed) taker.push(null);
  }

  /** Nobody asks any more. */
  close(): void {
    const iterator = this.#iterator;
    if (iterator !== undefined) discard({ [Symbol.asyncIterator]: () => iterator });
  }
}
