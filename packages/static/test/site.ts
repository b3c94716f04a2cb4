// The site that the tests ask for files, and the raw exchange they ask with.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';

/** In every file that must never be seen. */
export const SECRET = 'SECRET-MARKER';

const A_MODIFIED = new Date('2024-01-02T03:04:05.678Z');

/** Compressible, and long enough for every threshold. */
export const BIG_JS: string = 'export const answer = 42; // and so on\n'.repeat(600);

export interface Site {
  /** Holds the root and what lies beside it. */
  readonly top: string;
  readonly root: string;
  remove(): void;
}

/** Makes the fixture of the corpus below a new temporary directory. */
export function makeSite(): Site {
  const top = mkdtempSync(join(tmpdir(), 'onezero-static-'));
  const root = join(top, 'www');
  writeTree(top, {
    'secret.txt': SECRET,
    'www-secret/s.txt': SECRET,
    'outside/o.txt': SECRET,
    'outside/index.html': SECRET,
  });
  writeTree(root, {
    'a.txt': '0123456789',
    'b.txt': 'abcdefghij',
    'empty.txt': '',
    'sub/index.html': '<p>sub</p>',
    'sub/.x/y': SECRET,
    'plain/file.txt': 'plain',
    'dirindex/index.html/inner.txt': 'inner',
    'about.html': '<p>about</p>',
    '.env': SECRET,
    '.git/config': SECRET,
    '.well-known/acme': 'acme',
    '.well-known/.x': SECRET,
    'x.key': SECRET,
    'x.key.gz': SECRET,
    'private/p.txt': SECRET,
    'with space.txt': 'space',
    '50%.txt': 'percent',
    'café.txt': 'accent',
    'a+b.txt': 'plus',
    'hash#.txt': 'hash',
    'q?.txt': 'question',
    'dots..txt': 'dots',
    'back\\slash.txt': 'backslash',
    noext: 'octets',
    'thing.unknownext': 'octets',
    'app.mjs': 'export {};\n',
    'source.ts': 'export {};\n',
    'module.wasm': '\0asm',
    'image.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
    'data.json': '{}',
    'page.xhtml': '<html xmlns="http://www.w3.org/1999/xhtml"/>',
    'assets/app-BsQk3x9Z.js': 'hashed();\n',
    'nolist/<img src=x onerror=alert(1)>.txt': 'n1',
    'nolist/"onmouseover="x.txt': 'n2',
    'nolist/javascript:alert(1)': 'n3',
    'nolist/100%25.txt': 'n4',
    'nolist/z?x.txt': 'n5',
    'nolist/a&b.txt': 'n6',
    'nolist/#h.txt': 'n7',
    'nolist/back\\slash.txt': 'n8',
    'nolist/new\nline.txt': 'n9',
    'nolist/.hidden': SECRET,
    'nolist/folder/deep.txt': 'deep',
    'big.js': BIG_JS,
    'big.js.gz': gzipSync(BIG_JS),
    'big.js.br': brotliCompressSync(BIG_JS),
    'big.js.zst': zstdFrame(Buffer.from(BIG_JS)),
    'old.js': BIG_JS,
    'old.js.gz': gzipSync('stale'),
    'made.js': BIG_JS,
    '404.html': '<h1>gone</h1>',
  });
  utimesSync(join(root, 'a.txt'), A_MODIFIED, A_MODIFIED);
  utimesSync(join(root, 'old.js.gz'), A_MODIFIED, A_MODIFIED);
  symlinkSync('a.txt', join(root, 'link-in'));
  symlinkSync('../secret.txt', join(root, 'link-out'));
  symlinkSync('../outside', join(root, 'linkdir'));
  symlinkSync('sub', join(root, 'linksub'));
  mkdirSync(join(root, 'linkindex'));
  symlinkSync('../../secret.txt', join(root, 'linkindex/index.html'));
  symlinkSync('loop', join(root, 'loop'));
  execFileSync('mkfifo', [join(root, 'fifo')]);
  return { top, root, remove: () => rmSync(top, { recursive: true, force: true }) };
}

export function writeTree(directory: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(directory, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, content);
  }
}

/** A valid Zstandard frame that stores its content uncoded (RFC 8878 §3.1.1), since Node 20 cannot make one. */
function zstdFrame(content: Buffer): Buffer {
  const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0]);
  head.writeUInt32LE(content.length, 5);
  const block = Buffer.alloc(3);
  block.writeUIntLE((content.length << 3) | 1, 0, 3);
  return Buffer.concat([head, block, content]);
}

export interface RawResponse {
  readonly status: number;
  /** In order, names in lower case. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  field(name: string): string | undefined;
  /** The content with any transfer coding removed. */
  readonly content: Buffer;
  readonly bytes: Buffer;
}

/** Sends bytes as they are and reads until the server closes. */
export function exchangeBytes(port: number, request: string | Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(typeof request === 'string' ? Buffer.from(request, 'latin1') : request),
    );
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('end', () => socket.end());
    socket.on('error', reject);
    socket.on('close', () => resolve(Buffer.concat(chunks)));
  });
}

export interface RawRequest {
  readonly method?: string;
  readonly version?: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly content?: string;
}

/** One request with a raw target on a connection of its own. */
export async function exchange(port: number, target: string, request: RawRequest = {}): Promise<RawResponse> {
  const { method = 'GET', version = '1.1', fields = {}, content } = request;
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  const length = content === undefined ? '' : `Content-Length: ${Buffer.byteLength(content)}\r\n`;
  const head = `${method} ${target} HTTP/${version}\r\nHost: 127.0.0.1\r\nConnection: close\r\n${length}${lines.join('')}\r\n`;
  return parseResponse(await exchangeBytes(port, `${head}${content ?? ''}`), method);
}

export function parseResponse(bytes: Buffer, method: string): RawResponse {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) throw new Error(`no response head in ${JSON.stringify(bytes.toString('latin1').slice(0, 200))}`);
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const fields = lines.map((line): readonly [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  const field = (name: string): string | undefined => fields.find(([fieldName]) => fieldName === name)?.[1];
  const rest = bytes.subarray(end + 4);
  const isChunked = field('transfer-encoding') === 'chunked' && method !== 'HEAD';
  return { status: Number(statusLine.split(' ')[1]), fields, field, content: isChunked ? dechunk(rest) : rest, bytes };
}

function dechunk(bytes: Buffer): Buffer {
  const chunks: Buffer[] = [];
  for (let at = 0; ;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    if (!(size > 0)) return Buffer.concat(chunks);
    chunks.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}
