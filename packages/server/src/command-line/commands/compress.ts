// `onezero compress [directory]`: compressed forms beside the files that are worth it, as `--precompressed` sends them. What is
// newer than its source stays as it is, so that it can run after every build.

import {
  type Dirent,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import * as zlib from 'node:zlib';
import { kindOf } from '../configuration/file-kind.ts';

// Text and what is made of it; the same kinds that are compressed while they are sent.
const WORTH_IT =
  /\.(?:html?|xhtml|css|m?js|cjs|json|map|svg|xml|txt|md|csv|tsv|webmanifest|wasm|ico|ttf|otf|eot|geojson|rss|atom|vtt|srt|yaml|yml|toml)$/i;

// Below it a packet carries the file either way.
const MIN_BYTES = 1024;

// A form that saves less is not worth another file.
const MAX_RATIO = 0.95;

type Compress = (bytes: Buffer) => Buffer;

/** The forms that this Node can make, by suffix, at their best: it is done once and sent often. */
function forms(): ReadonlyMap<string, Compress> {
  const { BROTLI_PARAM_SIZE_HINT: size, BROTLI_PARAM_QUALITY: quality } = zlib.constants;
  const made = new Map<string, Compress>([
    ['.br', (bytes) => zlib.brotliCompressSync(bytes, { params: { [quality]: 11, [size]: bytes.length } })],
    ['.gz', (bytes) => zlib.gzipSync(bytes, { level: 9 })],
  ]);
  // From Node 22.15 on.
  const zstd = 'zstdCompressSync' in zlib ? (zlib.zstdCompressSync as Compress) : undefined;
  if (zstd !== undefined) made.set('.zst', zstd);
  return made;
}

/** Compresses what lies below a directory. Returns the exit code: 1 where something could not be read or written. */
export function compress(directory: string): number {
  const kind = kindOf(directory);
  if (kind !== 'directory') {
    const what = kind === undefined ? `the directory ${directory} does not exist` : `${directory} is not a directory`;
    process.stderr.write(`Error: ${what}\n`);
    return 2;
  }
  const all = forms();
  const counts = { made: 0, kept: 0, savedBytes: 0, failed: 0 };
  const failed = (path: string, error: unknown): void => {
    if (!(error instanceof Error && 'code' in error)) throw error;
    process.stderr.write(`Error: ${path}: ${error.message}\n`);
    counts.failed += 1;
  };
  for (const path of filesBelow(directory, failed)) {
    try {
      compressFile(path, all, counts);
    } catch (error) {
      failed(path, error);
    }
  }
  const saved = `${(counts.savedBytes / 1024).toFixed(0)} KiB less to send`;
  process.stdout.write(`${counts.made} made, ${counts.kept} up to date (${[...all.keys()].join(', ')}); ${saved}\n`);
  return counts.failed > 0 ? 1 : 0;
}

/** Told of what could not be read or written; what is no error of the system is thrown. */
type Failed = (path: string, error: unknown) => void;

function* filesBelow(directory: string, failed: Failed): Generator<string> {
  const isServed = ({ name }: Dirent): boolean => !name.startsWith('.') && name !== 'node_modules';
  for (const entry of entriesOf(directory, failed).filter(isServed)) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path, failed);
    else if (entry.isFile() && WORTH_IT.test(entry.name)) yield path;
  }
}

function entriesOf(directory: string, failed: Failed): readonly Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    failed(directory, error);
    return [];
  }
}

function compressFile(
  path: string,
  all: ReadonlyMap<string, Compress>,
  counts: { made: number; kept: number; savedBytes: number },
): void {
  const source = statSync(path);
  if (source.size < MIN_BYTES) return;
  let bytes: Buffer | undefined;
  for (const [suffix, make] of all) {
    const target = path + suffix;
    const known = statSync(target, { throwIfNoEntry: false });
    if (known !== undefined && known.mtimeMs >= source.mtimeMs) {
      counts.kept += 1;
      continue;
    }
    bytes ??= readFileSync(path);
    const packed = make(bytes);
    if (packed.length > bytes.length * MAX_RATIO) {
      // What is there is of an older source, and would not be sent.
      if (existsSync(target)) rmSync(target);
      continue;
    }
    // Whole at once, as the directory may be served now.
    const unfinished = join(path, '..', `.onezero-${process.pid}${suffix}`);
    try {
      writeFileSync(unfinished, packed, { mode: source.mode & 0o777 });
      // Of the same age: what is written to the source meanwhile makes this one old. Some systems keep no less than a millisecond.
      utimesSync(unfinished, source.atime, source.mtimeMs / 1000 + 0.002);
      renameSync(unfinished, target);
    } catch (error) {
      rmSync(unfinished, { force: true });
      throw error;
    }
    counts.made += 1;
    counts.savedBytes += bytes.length - packed.length;
  }
}
