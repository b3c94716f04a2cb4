// What is done with values that come from other code: told apart, checked, and closed when nobody reads them.

import type { Readable } from 'node:stream';
import type { ContentOut, ResponseMessage } from './message.ts';

/** Whether an answer comes later. One that is there at once stays in this turn of the loop and is written in it. */
export function isPromiseLike<Value>(value: Value | PromiseLike<Value>): value is PromiseLike<Value> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof (value as { then: unknown }).then === 'function'
  );
}

/** A final status (RFC 9110 §15) or 101 with its handler, a list of fields, usable content. Fields are checked when written. */
export function isResponse(value: unknown): value is ResponseMessage {
  if (typeof value !== 'object' || value === null) return false;
  const { status, fields, content, upgrade } = value as Partial<ResponseMessage>;
  const isFinal = Number.isInteger(status) && status! >= 200 && status! <= 599 && upgrade === undefined;
  const isSwitch = status === 101 && typeof upgrade === 'function';
  if (content === undefined && ('body' in value || 'headers' in value)) return false;
  return (isFinal || isSwitch) && Array.isArray(fields) && isContent(content);
}

/** A lent page that keeps the lines of its fields: it makes the fields when they are asked for, which is not here. */
export function isPage(value: unknown): value is ResponseMessage {
  if (typeof value !== 'object' || value === null) return false;
  const { status, content, isLent, lines } = value as Partial<ResponseMessage>;
  return isLent === true && lines !== undefined && status === 200 && content instanceof Uint8Array;
}

function isContent(content: unknown): boolean {
  if (content === undefined || content instanceof Uint8Array) return true;
  return typeof content === 'object' && content !== null && Symbol.asyncIterator in content;
}

/** What every async generator inherits from. */
const GENERATOR = Object.getPrototypeOf(async function* none() {}).prototype as object;

/** Generators and streams of the web that were sent or closed: they yield nothing any more. */
const spent = new WeakSet<object>();

/** Begins content that is sent. Throws a TypeError for a generator or stream of an earlier response, which would send nothing. */
export function begin(content: AsyncIterable<Uint8Array>): AsyncIterator<Uint8Array> {
  if (isSpent(content)) {
    throw new TypeError('the content is a generator or stream that was read before: make one for each response');
  }
  noteSpent(content);
  return iterate(content);
}

/** Iterates content. `return()` closes a stream of Node or of the web at once: before the first piece, or while one is awaited. */
export function iterate(content: AsyncIterable<Uint8Array>): AsyncIterator<Uint8Array> {
  if (content instanceof ReadableStream) return readerOf(content as ReadableStream<Uint8Array>);
  const iterator = content[Symbol.asyncIterator]();
  if (!isNodeStream(content)) return iterator;
  // Its own iterator is a generator: one that has not begun closes nothing, one that waits for a piece goes on waiting.
  return {
    next: () => iterator.next(),
    return: async () => {
      // What opening or closing it throws after this has nobody else to hear it, and would end the process.
      content.on('error', ignore).destroy();
      return { done: true, value: undefined };
    },
  };
}

function isNodeStream(content: object): content is Readable {
  const { on, pipe, destroy } = content as Partial<Readable>;
  return typeof on === 'function' && typeof pipe === 'function' && typeof destroy === 'function';
}

function ignore(): void {}

function readerOf(content: ReadableStream<Uint8Array>): AsyncIterator<Uint8Array> {
  const reader = content.getReader();
  return {
    next: () => reader.read() as Promise<IteratorResult<Uint8Array, undefined>>,
    return: async () => {
      await reader.cancel();
      return { done: true, value: undefined };
    },
  };
}

function isSpent(content: object): boolean {
  if (spent.has(content)) return true;
  // A stream of Node that failed says so itself.
  const { readableDidRead, destroyed, errored, locked } = content as Partial<Readable> & { locked?: boolean };
  return locked === true || (readableDidRead === true && destroyed === true && errored == null);
}

function noteSpent(content: object): void {
  if (Object.prototype.isPrototypeOf.call(GENERATOR, content) || content instanceof ReadableStream) spent.add(content);
}

/** Contents of answers to HEAD of which nobody has said whether GET has a length or chunks. */
const untold = new WeakSet<object>();

/** Says that of content; it is returned. */
export function lengthUntold<Content extends object>(content: Content): Content {
  untold.add(content);
  return content;
}

export function isLengthUntold(content: ContentOut | undefined): boolean {
  return content === undefined || untold.has(content);
}

/** Closes content that has not been iterated. What closing throws is nobody's to handle any more. */
export function discard(content: ContentOut | undefined): void {
  if (content === undefined || content instanceof Uint8Array) return;
  noteSpent(content);
  void abandon(() => iterate(content));
}

/** Closes what a refused answer holds: its content, or the stream that was returned in its place. */
export function discardRefused(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  if (isNodeStream(value) || value instanceof ReadableStream) return discard(value as ContentOut);
  const { content } = value as { content?: unknown };
  if (typeof content === 'object' && content !== null && Symbol.asyncIterator in content)
    discard(content as ContentOut);
}

// What a program prints behind a head that counts alone: a word or a page. One that goes on has no end of its own.
const DRAINED_BYTES = 65_536;
const DRAINED_MS = 1000;

/**
 * Reads content that nobody wants, so that the program that writes it comes to its own end and its connection can be used again.
 * Closes it when it has not ended after 64 KiB or a second. What it throws is nobody's to handle.
 */
export function drain(content: ContentOut | undefined): void {
  if (content === undefined || content instanceof Uint8Array) return;
  const iterator = iterate(content);
  const close = (): void => void abandon(() => iterator);
  const late = setTimeout(close, DRAINED_MS);
  void readAway(iterator)
    .then(close)
    .finally(() => clearTimeout(late));
}

async function readAway(iterator: AsyncIterator<Uint8Array>): Promise<void> {
  try {
    for (let bytes = 0; bytes < DRAINED_BYTES;) {
      const step = await iterator.next();
      if (step.done === true) return;
      bytes += step.value.length;
    }
  } catch {
    // It broke off: that was not sent to anybody.
  }
}

/** Closes an iterator at once, also while its `next()` is pending. Resolves when it has closed, or failed to. */
async function abandon(iterator: () => AsyncIterator<Uint8Array>): Promise<void> {
  try {
    await iterator().return?.();
  } catch {
    // Whoever made it has failed while giving up what nobody wants: there is no answer left to change.
  }
}
