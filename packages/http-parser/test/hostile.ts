// Input nobody would send in good faith, made from a seed: messages in good order, then cut, joined, and changed octet by
// octet where it hurts. Used by the short run in the tests and by the long one, `pnpm run fuzz`.

import { bytesOf, cut } from './replay.ts';

/** A small generator of uniform numbers (mulberry32): the same seed gives the same inputs on every machine. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** A whole number below `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * limit);
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }
}

const FIRST_LINES = [
  'GET / HTTP/1.1\r\nHost: a\r\n',
  'POST /x HTTP/1.1\r\nHost: a\r\n',
  'GET http://b/ HTTP/1.1\r\nHost: a\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: a\r\n',
  'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n',
  'GET / HTTP/1.0\r\n',
  'PUT / HTTP/1.0\r\nConnection: keep-alive\r\n',
  'GET / HTTP/1.0\n',
  'GET /\r\n',
  '\r\n',
];

const STATUS_LINES = [
  'HTTP/1.1 200 OK\r\n',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204\r\n',
  'HTTP/1.0 404 Not Found\r\n',
  'HTTP/1.0 200 OK\n',
  'HTTP/1.1 304 \r\n',
  'HTTP/1.1 101 Switching Protocols\r\n',
];

const LINES = [
  'Content-Length: 5\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: gzip, chunked\r\n',
  'Connection: close\r\n',
  'Connection: upgrade\r\nUpgrade: x\r\n',
  'Expect: 100-continue\r\n',
  'X: y\r\n z\r\n',
  'A: b\n',
  'Host: b\r\n',
  'Cookie: c=d; e="f"\r\n',
];

const CONTENTS = [
  '',
  'hello',
  '5\r\nhello\r\n0\r\n\r\n',
  '1;a="b"\r\nx\r\n0\r\nT: u\r\n\r\n',
  'A\r\n0123456789\r\n',
  '0\r\n\r\n',
];

const SPICE = [
  '\r',
  '\n',
  '\r\n',
  ' ',
  '\t',
  '\0',
  ':',
  ';',
  ',',
  '0',
  '-',
  '+',
  'x',
  '\u00ff',
  '\u000b',
  'HTTP/1.1',
  '"',
];

/** A sequence of messages in good order, often damaged. */
function hostileBytes(random: Random, firstLines: readonly string[]): Uint8Array {
  let text = '';
  for (let message = random.below(3); message >= 0; message--) {
    text += random.pick(firstLines);
    for (let line = random.below(4); line > 0; line--) text += random.pick(LINES);
    text += (random.below(20) === 0 ? '' : '\r\n') + random.pick(CONTENTS);
  }
  for (let damage = random.below(4); damage > 0; damage--) {
    const at = random.below(text.length + 1);
    text = text.slice(0, at) + random.pick(SPICE) + text.slice(at + random.below(3));
  }
  return bytesOf(text);
}

export const hostileRequests = (random: Random): Uint8Array => hostileBytes(random, FIRST_LINES);
export const hostileResponses = (random: Random): Uint8Array => hostileBytes(random, STATUS_LINES);

/** A random chunking. */
export function hostileChunks(bytes: Uint8Array, random: Random): Uint8Array[] {
  const cuts = Array.from({ length: random.below(5) }, () => random.below(bytes.length + 1));
  return cut(bytes, ...cuts.toSorted((a, b) => a - b));
}
