// The harness of the parser tests: plays bytes to a parser in any chunking and writes down what comes out, one line for
// each event, adjacent content joined. Whatever the chunking, the log must be the same.

import { type ParserEvent, RequestParser, type RequestParserOptions } from '../src/index.ts';
import type { Field, ResponseParserEvent } from '../src/message.ts';
import { ResponseParser } from '../src/response-parser.ts';

export function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'));
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

/** Cuts before each offset. */
export function cut(bytes: Uint8Array, ...offsets: number[]): Uint8Array[] {
  const bounds = [0, ...offsets, bytes.length];
  return bounds.slice(1).map((end, index) => bytes.slice(bounds[index], end));
}

export function octetByOctet(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (octet) => Uint8Array.of(octet));
}

const fieldsOf = (fields: readonly Field[]): string[] => fields.map(([name, value]) => `${name}: ${value}`);

/** What an event says, as lines; content as one line in quotes. */
function describeEvent(event: ParserEvent | ResponseParserEvent): string[] {
  switch (event.type) {
    case 'content':
      return [JSON.stringify(textOf(event.bytes))];
    case 'end':
      return [['end', ...fieldsOf(event.trailers)].join(' ')];
    case 'error':
      return [`${event.error.code} @${event.error.offset}`];
    default: {
      const { head, framing, contentLength, persistent } = event;
      const first = 'method' in head ? [head.method, head.target] : [event.type, head.status, head.reason];
      const length = framing === 'length' ? contentLength : framing;
      return [[...first, head.version, length, persistent ? 'keep' : 'close'].join(' '), ...fieldsOf(head.fields)];
    }
  }
}

function appendTo(log: string[], events: readonly (ParserEvent | ResponseParserEvent)[]): void {
  for (const line of events.flatMap(describeEvent)) {
    const last = log.at(-1);
    if (line.startsWith('"') && last?.startsWith('"') === true) log[log.length - 1] = last.slice(0, -1) + line.slice(1);
    else log.push(line);
  }
}

/** Plays chunks to a parser that is asked for the next request whenever one is complete; then finishes. */
export function replay(chunks: readonly Uint8Array[], options?: RequestParserOptions): string[] {
  const parser = new RequestParser(options);
  const log: string[] = [];
  for (const chunk of chunks) {
    // As a server does it: one buffer for all reads, which the next read overwrites.
    const shared = chunk.slice();
    appendTo(log, parser.push(shared));
    shared.fill(0x21);
    while (parser.state === 'paused') appendTo(log, parser.next());
  }
  appendTo(log, parser.end());
  return log;
}

/** Plays chunks as the answers to these methods, one after another. */
export function replayResponses(chunks: readonly Uint8Array[], ...methods: string[]): string[] {
  const parser = new ResponseParser();
  const log: string[] = [];
  const waiting = [...methods];
  const proceed = (): void => {
    while (parser.state === 'idle' && waiting.length > 0)
      appendTo(log, parser.next({ method: waiting.shift() as string }));
  };
  proceed();
  for (const chunk of chunks) {
    const shared = chunk.slice();
    appendTo(log, parser.push(shared));
    shared.fill(0x21);
    proceed();
  }
  appendTo(log, parser.end());
  return log;
}

/** Every way of cutting into two, and octet by octet. */
export function chunkings(bytes: Uint8Array): Uint8Array[][] {
  const halves = Array.from({ length: bytes.length }, (_, offset) => cut(bytes, offset));
  return [...halves, octetByOctet(bytes), cut(bytes, Math.floor(bytes.length / 3), Math.floor((bytes.length * 2) / 3))];
}
