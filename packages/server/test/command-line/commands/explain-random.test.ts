// What `explain` says of a request is what the server does with it: both are asked about random requests for random sites.
//
//   EXPLAIN_SEED=7 EXPLAIN_SITES=500 vitest run explain-random      a longer run, or the sites of another seed

import { readFileSync, realpathSync } from 'node:fs';
import { connect } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import * as zlib from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readCommandLine } from '../../../src/command-line/configuration/arguments.ts';
import { resolveAll } from '../../../src/command-line/configuration/sources.ts';
import type { Row } from '../../../src/command-line/commands/explain-answer.ts';
import { explanationOf } from '../../../src/command-line/commands/explain.ts';
import { Running } from '../../../src/command-line/running/running.ts';
import { type RandomRequest, RandomSite } from './random-site.ts';

const FIRST_SEED = Number(process.env['EXPLAIN_SEED'] ?? 1);
const SITES = Number(process.env['EXPLAIN_SITES'] ?? 10);
const REQUESTS = 40;

interface Answer {
  readonly status: number;
  readonly fields: ReadonlyMap<string, string>;
  readonly content: Buffer;
}

/** Sends the very request that files are asked with. */
function ask(port: number, { method, host, target }: RandomRequest): Promise<Answer> {
  const head = [
    `${method} ${target} HTTP/1.1`,
    `Host: ${host}`,
    'Accept: text/html,application/xhtml+xml,*/*;q=0.8',
    'Accept-Encoding: gzip, deflate, br, zstd',
    'Sec-Fetch-Mode: navigate',
    'Sec-Fetch-Dest: document',
    ...(['POST', 'PUT'].includes(method) ? ['Content-Length: 0'] : []),
    'Connection: close',
  ];
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${head.join('\r\n')}\r\n\r\n`));
    const pieces: Buffer[] = [];
    socket.on('data', (piece) => pieces.push(piece));
    socket.on('error', reject);
    socket.on('close', () => resolve(answerOf(Buffer.concat(pieces))));
  });
}

function answerOf(bytes: Buffer): Answer {
  const end = bytes.indexOf('\r\n\r\n');
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const fields = new Map(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  const content = bytes.subarray(end + 4);
  const isChunked = fields.get('transfer-encoding') === 'chunked';
  return { status: Number(first.split(' ')[1]), fields, content: isChunked ? unchunked(content) : content };
}

function unchunked(bytes: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf('\r\n', at);
    const size = Number.parseInt(bytes.toString('latin1', at, end), 16);
    pieces.push(bytes.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
  return Buffer.concat(pieces);
}

function decoded({ fields, content }: Answer): Buffer {
  const { zstdDecompressSync } = zlib as { zstdDecompressSync?: (bytes: Buffer) => Buffer };
  switch (fields.get('content-encoding')) {
    case 'gzip':
      return gunzipSync(content);
    case 'br':
      return brotliDecompressSync(content);
    case 'zstd':
      return zstdDecompressSync?.(content) ?? content;
    default:
      return content;
  }
}

/** What the rows promise of the answer, each thing by its name, and the same of the answer itself. */
function compared(rows: readonly Row[], answer: Answer, { method }: RandomRequest): [promised: object, seen: object] {
  const last = (name: string): string | undefined => rows.findLast(([one]) => one === name)?.[1];
  const promised: Record<string, unknown> = { isRun: last('run') !== undefined };
  const seen: Record<string, unknown> = { isRun: answer.fields.get('x-ran') === 'yes' };
  const run = last('run');
  if (run !== undefined) {
    const [, scriptName, pathInfo] = /^SCRIPT_NAME=(.*) PATH_INFO=(.*)$/.exec(last('with') ?? '') ?? [];
    if (method === 'HEAD') return [promised, seen];
    promised['run'] = [realpathSync(run.replace(/^\/bin\/sh /, '')), scriptName, pathInfo];
    const [file, ...names] = answer.content.toString().split('\n').slice(0, 3);
    seen['run'] = [file, ...names];
    return [promised, seen];
  }
  promised['status'] = last('status');
  seen['status'] = String(answer.status);
  const fields = rows.filter(([name]) => name === 'field').map(([, line]) => line);
  promised['fields'] = fields;
  seen['fields'] = fields.map((line) => {
    const name = line.slice(0, line.indexOf(':'));
    return `${name}: ${answer.fields.get(name)}`;
  });
  if (last('redirect') !== undefined) {
    promised['location'] = last('redirect');
    seen['location'] = answer.fields.get('location');
  }
  const file = last('file');
  if (file !== undefined && answer.status === 200 && method === 'GET') {
    const variant = last('variant');
    const isStored = variant !== undefined && !variant.startsWith('compressed');
    promised['content'] = readFileSync(isStored ? variant : file, 'latin1');
    seen['content'] = (isStored ? answer.content : decoded(answer)).toString('latin1');
  }
  return [promised, seen];
}

describe('explain', () => {
  test.each(Array.from({ length: SITES }, (_, at) => FIRST_SEED + at))(
    'says what the server does, site %i',
    async (seed) => {
      const site = new RandomSite(seed);
      const { configuration, problems } = resolveAll(readCommandLine(['-c', `${site.path}/site.json`, '-q']));
      expect(problems).toEqual([]);
      const running = await Running.prepare({ configuration, port: 0, mayMovePort: false, report: () => undefined });
      const differences: string[] = [];
      try {
        await running.listen();
        for (let count = 0; count < REQUESTS; count++) {
          const request = site.request();
          const question = { method: request.method, target: `http://${request.host}${request.target}` };
          const rows = await explanationOf(configuration, question);
          const [promised, seen] = compared(rows, await ask(running.addresses[0]?.port ?? 0, request), request);
          if (!isDeepStrictEqual(seen, promised)) {
            const found = { seed, request, promised, seen, rows, configuration: site.configuration };
            differences.push(JSON.stringify(found));
          }
        }
      } finally {
        await running.stop(0);
        site.remove();
      }
      expect(differences).toEqual([]);
    },
  );
});
