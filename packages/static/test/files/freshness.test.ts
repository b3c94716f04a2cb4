// A responder that remembers, against one that was made a moment ago: whatever happens to the files, in any order, the next turn of
// the loop sees the same from both.

import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { setImmediate as turned, setTimeout as passed } from 'node:timers/promises';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type Field,
  serveStatic,
  type StaticOptions,
  type StaticRequest,
  type StaticResponse,
} from '../../src/index.ts';

const FOLDERS = ['', '', 'a/', 'a/', 'c/', 'a/b/'];
/** The more often a name stands here, the more happens to it. */
const NAMES = [
  'x.html',
  'x.html',
  'x.html',
  'x.html.br',
  'x.html.br',
  'x.html.gz',
  'x',
  'index.html',
  '404.html',
  '.hidden',
  'z.key',
  'link',
];

const places = fc.tuple(fc.constantFrom(...FOLDERS), fc.constantFrom(...NAMES)).map(([folder, name]) => folder + name);

type Change = (root: string) => void;

/** Does what can be done; what the file system refuses is no change. */
const attempt =
  (change: Change): Change =>
  (root) => {
    try {
      change(root);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error;
    }
  };

/** Few texts and few lengths, so that files of one length and different bytes are many. */
const texts = fc.constantFrom('', 'a', 'b', '<p>one', '<p>two', 'x'.repeat(3000), 'y'.repeat(3000));
const seconds = fc.constantFrom(1_600_000_000, 1_600_000_001, 1_700_000_000);

/** What happened, in words, and how. */
type Named = readonly [name: string, change: Change];

const changes: fc.Arbitrary<Named> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(places, texts).map(([place, text]): Named => [
      `write ${place} ${text.slice(0, 6)} ${text.length}`,
      attempt((root) => {
        mkdirSync(dirname(join(root, place)), { recursive: true });
        writeFileSync(join(root, place), text);
      }),
    ]),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(places, texts, seconds).map(([place, text, time]): Named => [
      `write ${place} ${text.slice(0, 6)} ${text.length} at ${time}`,
      attempt((root) => {
        writeFileSync(join(root, place), text);
        utimesSync(join(root, place), time, time);
      }),
    ]),
  },
  {
    weight: 3,
    arbitrary: places.map((place): Named => [
      `remove ${place}`,
      attempt((root) => rmSync(join(root, place), { recursive: true })),
    ]),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(places, places)
      .map(([from, to]): Named => [
        `move ${from} to ${to}`,
        attempt((root) => renameSync(join(root, from), join(root, to))),
      ]),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(places, fc.constantFrom('x.html', '../y.txt', 'a', '..', '../../outside', 'link'))
      .map(([place, target]): Named => [
        `link ${place} to ${target}`,
        attempt((root) => symlinkSync(target, join(root, place))),
      ]),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(places, places)
      .map(([from, to]): Named => [
        `hard link ${from} ${to}`,
        attempt((root) => linkSync(join(root, from), join(root, to))),
      ]),
  },
  {
    weight: 1,
    arbitrary: places.map((place): Named => [
      `directory ${place}`,
      attempt((root) => mkdirSync(join(root, place), { recursive: true })),
    ]),
  },
  {
    weight: 1,
    arbitrary: places.map((place): Named => [
      `truncate ${place}`,
      attempt((root) => truncateSync(join(root, place), 1)),
    ]),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(['a', 'c'], ['c', 'a'], ['a/b', 'c'], ['c', 'a/b'])
      .map(([from = '', to = '']): Named => [
        `replace ${to} by ${from}`,
        attempt((root) => {
          rmSync(join(root, to), { recursive: true, force: true });
          renameSync(join(root, from), join(root, to));
        }),
      ]),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom('a', 'a', 'c', 'a/b'), fc.constantFrom('../moved', '../moved', 'moved'), fc.boolean())
      .map(([folder, place, isAbsolute]): Named => [
        `move ${folder} to ${place} and leave a link, or undo that`,
        attempt((root) => {
          const [here, there] = [join(root, folder), join(root, place)];
          const isMoved = lstatSync(here).isSymbolicLink();
          if (isMoved) rmSync(here);
          renameSync(isMoved ? there : here, isMoved ? here : there);
          if (!isMoved) symlinkSync(isAbsolute ? there : relative(dirname(here), there), here);
        }),
      ]),
  },
);

const fields: fc.Arbitrary<readonly Field[]> = fc.constantFrom<readonly Field[]>(
  [],
  [],
  [['accept-encoding', 'gzip, br']],
  [['accept-encoding', 'gzip, br']],
  [['accept-encoding', 'gzip, br']],
  [['accept-encoding', 'br;q=0.5, gzip']],
  [['accept-encoding', 'identity;q=0, gzip']],
  [['range', 'bytes=1-3']],
  [['if-none-match', '*']],
  [['if-modified-since', 'Sun, 13 Sep 2020 12:26:40 GMT']],
  [['sec-fetch-mode', 'navigate']],
  [['accept', 'application/json']],
);

const requests: fc.Arbitrary<StaticRequest> = fc
  .tuple(
    fc.constantFrom('GET', 'GET', 'HEAD'),
    fc.oneof(
      places,
      fc.constantFrom(
        '',
        'a',
        'a/',
        'a/b/',
        'c',
        'c/',
        'absent',
        'a/link/x.html',
        'link/',
        'x',
        'a/x',
        'x.html',
        'a/x.html',
      ),
    ),
    fields,
  )
  .map(([method, place, all]) => ({
    method,
    pathInfo: `/${place}`,
    query: undefined,
    fields: all,
  }));

/** Something happens, or is asked for, or all that happened has rested, so that it is remembered. */
type Step = { readonly name: string; readonly change: Change } | { readonly request: StaticRequest } | 'rest';

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: changes.map(([name, change]) => ({ name, change })) },
  { weight: 9, arbitrary: requests.map((request) => ({ request })) },
  { weight: 1, arbitrary: fc.constant('rest' as const) },
);

const options = fc.record(
  {
    cleanUrls: fc.constantFrom('off', 'lookup', 'redirect'),
    listing: fc.boolean(),
    precompressed: fc.boolean(),
    symlinks: fc.constantFrom('deny', 'inside', 'all'),
    dotfiles: fc.constantFrom('deny', 'allow'),
    etag: fc.constantFrom<StaticOptions['etag']>('strong', 'weak', 'state', false),
    hide: fc.constantFrom(['*.key'], ['a/b'], []),
    index: fc.constantFrom<StaticOptions['index']>(['index.html'], ['absent.html', 'x.html', 'index.html'], false),
    fallback: fc.constantFrom(undefined, '/x.html'),
    cacheMemoryBytes: fc.constantFrom(64 * 1024 * 1024, 12_000, 0),
    compression: fc.constantFrom<StaticOptions['compression']>(false, { minBytes: 1 }),
  },
  { requiredKeys: ['compression'] },
);

/** What says in which form a file is sent. */
const OF_A_FORM: ReadonlySet<string> = new Set([
  'content-encoding',
  'etag',
  'content-length',
  'accept-ranges',
  'content-range',
]);

function decoded(bytes: Buffer, coding: string | undefined): Buffer {
  try {
    return coding === 'br' ? brotliDecompressSync(bytes) : coding === 'gzip' ? gunzipSync(bytes) : bytes;
  } catch {
    // A sibling that is no coding of anything is sent as it is.
    return bytes;
  }
}

/** What a client sees, as text: to the letter, or, where forms depend on who asked before, what it has when it has decoded it. */
async function seen(
  { status, fields: all, content, file }: StaticResponse,
  { method }: StaticRequest,
  isExact: boolean,
): Promise<string> {
  const parts: Uint8Array[] = [];
  if (content instanceof Uint8Array) parts.push(content);
  else if (content !== undefined) for await (const part of content) parts.push(Uint8Array.from(part));
  const bytes = Buffer.concat(parts);
  if (isExact) return JSON.stringify([status, all, file, bytes.length, bytes.toString('latin1', 0, 2000)]);
  const coding = all.find(([name]) => name === 'content-encoding')?.[1];
  const whole = status === 200 && method === 'GET' ? decoded(bytes, coding) : bytes;
  const others = all.filter(([name]) => !OF_A_FORM.has(name));
  const source = file?.join('/').replace(/\.(?:br|gz)$/, '');
  return JSON.stringify([status, others, source, whole.length, whole.toString('latin1', 0, 2000)]);
}

test('what is remembered is what is there', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 20, maxLength: 70 }), options, async (all, given) => {
      const top = mkdtempSync(join(tmpdir(), 'onezero-freshness-'));
      try {
        // Deep enough for what is written through links that lead upward from where other links led.
        const root = join(top, '1/2/3/4/5/6/7/8/root');
        mkdirSync(join(root, 'a/b'), { recursive: true });
        mkdirSync(join(root, 'c'));
        writeFileSync(join(root, '../outside'), 'outside');
        // Files that have rested are remembered from the first request on.
        for (const name of ['x.html', 'a/x.html', 'a/index.html', 'c/x.html']) writeFileSync(join(root, name), name);
        const remembering = serveStatic(root, given);
        const log: string[] = [];
        let changedMs = Date.now();
        for (const step of ['rest' as const, ...all]) {
          if (step === 'rest') {
            log.push(step);
            while (Date.now() - changedMs < 25) await passed(5);
            continue;
          }
          if ('change' in step) {
            log.push(step.name);
            step.change(root);
            changedMs = Date.now();
            continue;
          }
          const { request } = step;
          log.push(`${request.method} ${request.pathInfo} ${JSON.stringify(request.fields)}`);
          await turned();
          const [ours, fresh] = [await remembering(request), await serveStatic(root, given)(request)];
          const isExact = given.compression === false;
          const [have, want] = [await seen(ours, request, isExact), await seen(fresh, request, isExact)];
          expect([log.join('\n'), have]).toEqual([log.join('\n'), want]);
        }
        expect(existsSync(join(root, '../outside'))).toBe(true);
      } finally {
        rmSync(top, { recursive: true, force: true });
      }
    }),
    { numRuns: 12 },
  );
});
