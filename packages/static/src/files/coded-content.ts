// Codings made by this process: of files in memory whole, and then remembered; of larger ones piece by piece.
//
// Coding costs time and memory that a client can ask for, so both are bounded: small files are coded at once, which takes less
// than a trip through the thread pool; of others only a few are coded at a time, and a request beyond gets the file uncoded.
// Tags are weak: another version of a compressor may write other bytes for the same file.

import { Readable, type Transform } from 'node:stream';
import { promisify } from 'node:util';
import type * as Zlib from 'node:zlib';
import type { Coding } from '../http/content-coding.ts';
import { namesContent, weakTag } from '../http/validators.ts';
import type { Settings } from '../options/settings.ts';
import type { FileEntry } from './entry.ts';
import { Representation } from './representation.ts';
import type { Storage } from './storage.ts';

/** Brotli's own default, 11, takes seconds per megabyte; 5 beats gzip's best in gzip's time. */
const BROTLI_QUALITY = 5;

/** A window of 256 KiB: with Brotli's 4 MiB an encoder takes 57 MB, with this 3, and text of the web shrinks by 1 % less. */
const WINDOW_BITS = 18;
const MIN_WINDOW_BITS = 10;

/** Of files that are coded at once: gzip's time and bytes; quality 5 takes twice the time for some KB and saves a tenth of the bytes. */
const QUALITY_AT_ONCE = 3;

/** Files coded on the main thread: up to here it takes less than 0.2 ms. */
const AT_ONCE_BYTES = 8 * 1024;

/** Files coded in the thread pool at a time; its other two threads stay free for reading. */
const MAX_POOL_CODINGS = 2;

/** Responses coded on their way at a time, 3 MB each, however slowly their clients read. */
const MAX_ENCODERS = 8;

/** What a sample has to lose for a large file to be coded. */
const WORTHWHILE_SHARE = 0.9;
const SAMPLE_BYTES = 8 * 1024;

/** What is remembered of a file that coding does not make smaller. */
const NOTHING = new Uint8Array(0);

let poolCodings = 0;
let encoders = 0;

/** The part of `node:zlib` that came with Node 22.15 and is not in the oldest supported version. */
interface Zstd {
  readonly zstdCompress: (
    bytes: Uint8Array,
    options: object,
    done: (error: Error | null, coded: Buffer) => void,
  ) => void;
  readonly zstdCompressSync: (bytes: Uint8Array, options: object) => Buffer;
  readonly createZstdCompress: (options: object) => Transform;
  readonly constants: { readonly ZSTD_c_windowLog: number };
}

/** node:zlib, which a start does without: the first content that is coded loads it. */
let loaded: (typeof Zlib & Zstd) | undefined;

function zlib(): typeof Zlib & Zstd {
  loaded ??= process.getBuiltinModule('node:zlib') as typeof Zlib & Zstd;
  return loaded;
}

/** Whether bytes of a file become less when they are coded: those of media and archives do not. */
export function shrinks(sample: Uint8Array): boolean {
  const part = sample.subarray(0, SAMPLE_BYTES);
  return zlib().deflateRawSync(part, { level: 1 }).length < part.length * WORTHWHILE_SHARE;
}

/**
 * The representation of a file in a coding; identity again when coding does not make it smaller; undefined when too many are
 * being made.
 */
export function makeCoding(
  entry: FileEntry,
  coding: Coding,
  { settings, codings }: Storage,
): Representation | Promise<Representation> | undefined {
  const tag = namesContent(settings.etag) ? tagOf(entry, coding) : undefined;
  const known = tag === undefined ? undefined : codings.find(tag);
  if (known !== undefined) return known.length === 0 ? entry.identity : codedWhole(entry, coding, known, settings);
  const { bytes } = entry.identity;
  if (bytes === undefined) return isRoomForEncoder() ? codedOnTheWay(entry, coding, settings) : undefined;
  const finish = (coded: Uint8Array): Representation =>
    coded.length < bytes.length ? codedWhole(entry, coding, coded, settings) : entry.identity;
  if (bytes.length <= AT_ONCE_BYTES) {
    const coded = codeAtOnce(bytes, coding);
    if (tag !== undefined) codings.add(tag, coded.length < bytes.length ? coded : NOTHING);
    return finish(coded);
  }
  if (poolCodings === MAX_POOL_CODINGS) return undefined;
  poolCodings++;
  return codeInPool(bytes, coding)
    .finally(() => poolCodings--)
    .then(finish);
}

/** Whether another response may be coded on its way now. */
export function isRoomForEncoder(): boolean {
  return encoders < MAX_ENCODERS;
}

function codedWhole(entry: FileEntry, coding: Coding, bytes: Uint8Array, settings: Settings): Representation {
  return coded(entry, coding, { bytes, length: bytes.length }, settings);
}

function codedOnTheWay(entry: FileEntry, coding: Coding, settings: Settings): Representation {
  return coded(entry, coding, { bytes: undefined, length: undefined }, settings);
}

function coded(
  entry: FileEntry,
  coding: Coding,
  { bytes, length }: { readonly bytes: Uint8Array | undefined; readonly length: number | undefined },
  settings: Settings,
): Representation {
  const { identity, stamp } = entry;
  const { path, contentType, source } = identity;
  const etag = tagOf(entry, coding);
  const mtimeMs = identity.modifiedSeconds === undefined ? undefined : stamp.mtimeMs;
  // The members of every other file's facts in their order: an object of another shape makes all representations slower.
  const facts = {
    path,
    name: undefined,
    contentType,
    isNegotiable: true,
    coding,
    etag,
    formerEtag: undefined,
    mtimeMs,
    length,
    bytes,
    source,
  };
  return new Representation(facts, settings);
}

/** Weak, as another version of the encoder might write other bytes. */
function tagOf({ identity }: FileEntry, coding: Coding): string | undefined {
  return identity.etag === undefined ? undefined : weakTag(identity.etag, `-${coding}`);
}

/** A stream that codes what it is fed, and counts among the encoders until it has ended or was closed. */
export function codingStream(coding: Coding, content: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  return new CodedContent(content, coding);
}

function brotliOptions(size: number, quality: number = BROTLI_QUALITY): Zlib.BrotliOptions {
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN, BROTLI_PARAM_SIZE_HINT } = zlib().constants;
  const params = {
    [BROTLI_PARAM_QUALITY]: quality,
    [BROTLI_PARAM_LGWIN]: windowBits(size),
    [BROTLI_PARAM_SIZE_HINT]: size,
  };
  return { params };
}

function zstdOptions(size: number): object {
  return { params: { [zlib().constants.ZSTD_c_windowLog]: windowBits(size) } };
}

/** As large as the content, within bounds. */
function windowBits(size: number): number {
  return Math.max(MIN_WINDOW_BITS, Math.min(WINDOW_BITS, Math.ceil(Math.log2(Math.max(size, 1)))));
}

/** zlib's smallest buffer. */
const MIN_CHUNK_BYTES = 64;

/**
 * A coded small file, at the beginning of a buffer as large as the file: what is remembered of it is copied to a shelf. Encoders make
 * their tables and buffers as large as they are told, which takes longer than coding some KB.
 */
function codeAtOnce(bytes: Uint8Array, coding: Coding): Uint8Array {
  const chunkSize = Math.max(MIN_CHUNK_BYTES, bytes.length);
  if (coding === 'br') {
    return zlib().brotliCompressSync(bytes, { ...brotliOptions(bytes.length, QUALITY_AT_ONCE), chunkSize });
  }
  if (coding === 'gzip') {
    return zlib().gzipSync(bytes, { chunkSize, windowBits: Math.min(15, windowBits(bytes.length)), memLevel: 5 });
  }
  return zlib().zstdCompressSync(bytes, zstdOptions(bytes.length));
}

function codeInPool(bytes: Uint8Array, coding: Coding): Promise<Uint8Array> {
  if (coding === 'br')
    return promisify<Uint8Array, Zlib.BrotliOptions, Buffer>(zlib().brotliCompress)(bytes, brotliOptions(bytes.length));
  if (coding === 'gzip') return promisify<Uint8Array, Buffer>(zlib().gzip)(bytes);
  return new Promise((resolve, reject) => {
    zlib().zstdCompress(bytes, zstdOptions(bytes.length), (error, made) =>
      error === null ? resolve(made) : reject(error),
    );
  });
}

function makeEncoder(coding: Coding): Transform {
  const size = 1 << WINDOW_BITS;
  if (coding === 'br') return zlib().createBrotliCompress(brotliOptions(size));
  return coding === 'gzip' ? zlib().createGzip() : zlib().createZstdCompress(zstdOptions(size));
}

interface Place {
  isTaken: boolean;
}

const abandoned = new FinalizationRegistry<Place>(leave);

function leave(place: Place): void {
  if (place.isTaken) encoders--;
  place.isTaken = false;
}

/** Pulls from `source` through an encoder; closing it closes both, also before the first chunk. */
class CodedContent implements AsyncIterableIterator<Uint8Array> {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #coding: Coding;
  readonly #place: Place = { isTaken: true };
  #output: AsyncIterator<Uint8Array> | undefined;
  #encoder: Transform | undefined;

  constructor(source: AsyncIterable<Uint8Array>, coding: Coding) {
    this.#source = source[Symbol.asyncIterator]();
    this.#coding = coding;
    encoders++;
    abandoned.register(this, this.#place);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#output ??= this.#start();
    try {
      const result = await this.#output.next();
      if (result.done !== true) return result;
      leave(this.#place);
      return { done: true, value: undefined };
    } catch (error) {
      leave(this.#place);
      throw error;
    }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    leave(this.#place);
    this.#encoder?.destroy();
    await this.#source.return?.();
    return { done: true, value: undefined };
  }

  #start(): AsyncIterator<Uint8Array> {
    const encoder = makeEncoder(this.#coding);
    this.#encoder = encoder;
    const source = this.#source;
    // The encoder keeps what it was given until it has coded it, so the lent buffer is copied.
    const copies = (async function* () {
      for (let chunk = await source.next(); chunk.done !== true; chunk = await source.next()) {
        yield Buffer.from(chunk.value);
      }
    })();
    const readable = Readable.from(copies, { objectMode: false });
    readable.on('error', (error) => encoder.destroy(error));
    readable.pipe(encoder);
    return encoder[Symbol.asyncIterator]();
  }
}
