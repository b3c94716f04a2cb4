// Codings made by this process: whole and remembered for files in memory, piece by piece for larger ones.
//
// Their tags are weak: another version of a compressor may write other bytes for the same file.

import { Readable, type Transform } from 'node:stream';
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import type { Coding } from '../http/content-coding.ts';
import type { FileEntry } from './entry.ts';
import { makeRepresentation, type Representation } from './representation.ts';
import type { Settings } from '../options/settings.ts';

/** Brotli's own default, 11, takes seconds per megabyte; 5 beats gzip's best in gzip's time. */
const BROTLI_QUALITY = 5;

const brotliOptions = { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } };
const brotli = promisify<Uint8Array, zlib.BrotliOptions, Buffer>(zlib.brotliCompress);
const gzip = promisify<Uint8Array, Buffer>(zlib.gzip);

/** The part of `node:zlib` that came with Node 22.15 and is not in the oldest supported version. */
interface Zstd {
  readonly zstdCompress: (bytes: Uint8Array, done: (error: Error | null, coded: Buffer) => void) => void;
  readonly createZstdCompress: () => Transform;
}

const { zstdCompress, createZstdCompress } = zlib as unknown as Zstd;

/** The representation of a file in a coding; identity again when coding does not make it smaller. */
export async function makeCoding(entry: FileEntry, coding: Coding, settings: Settings): Promise<Representation> {
  const { identity } = entry;
  const bytes = identity.bytes === undefined ? undefined : await codeBytes(identity.bytes, coding);
  if (bytes !== undefined && bytes.length >= (identity.length ?? 0)) return identity;
  return makeRepresentation(
    {
      path: entry.segments.join('/'),
      contentType: identity.contentType,
      coding,
      isNegotiable: true,
      etag: identity.etag === undefined ? undefined : codedTag(identity.etag, coding),
      mtimeMs: identity.modifiedSeconds === undefined ? 0 : entry.stamp.mtimeMs,
      length: bytes?.length,
      bytes,
      source: identity.source,
    },
    settings,
  );
}

/** A stream that codes what it is fed. */
export function codingStream(coding: Coding, content: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  return new CodedContent(content, coding);
}

function codedTag(etag: string, coding: Coding): string {
  return `W/${etag.replace(/^W\//, '').slice(0, -1)}-${coding}"`;
}

function codeBytes(bytes: Uint8Array, coding: Coding): Promise<Buffer> {
  if (coding === 'br') return brotli(bytes, brotliOptions);
  if (coding === 'gzip') return gzip(bytes);
  return new Promise((resolve, reject) => {
    zstdCompress(bytes, (error, coded) => (error === null ? resolve(coded) : reject(error)));
  });
}

function encoder(coding: Coding): Transform {
  if (coding === 'br') return zlib.createBrotliCompress(brotliOptions);
  return coding === 'gzip' ? zlib.createGzip() : createZstdCompress();
}

/** Pulls from `source` through an encoder; closing it closes both, also before the first chunk. */
class CodedContent implements AsyncIterableIterator<Uint8Array> {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #coding: Coding;
  #output: AsyncIterator<Uint8Array> | undefined;
  #encoder: Transform | undefined;

  constructor(source: AsyncIterable<Uint8Array>, coding: Coding) {
    this.#source = source[Symbol.asyncIterator]();
    this.#coding = coding;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#output ??= this.#start();
    const result = await this.#output.next();
    return result.done === true ? { done: true, value: undefined } : result;
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#encoder?.destroy();
    await this.#source.return?.();
    return { done: true, value: undefined };
  }

  #start(): AsyncIterator<Uint8Array> {
    const stream = encoder(this.#coding);
    this.#encoder = stream;
    const source = this.#source;
    // The encoder keeps what it was given until it has coded it, so the lent buffer is copied.
    const copies = (async function* () {
      for (let chunk = await source.next(); chunk.done !== true; chunk = await source.next()) {
        yield Buffer.from(chunk.value);
      }
    })();
    const readable = Readable.from(copies, { objectMode: false });
    readable.on('error', (error) => stream.destroy(error));
    readable.pipe(stream);
    return stream[Symbol.asyncIterator]();
  }
}
