// Changing files: what is asked for grows, shrinks, is replaced and swapped while it is asked for. There is no peer to compare
// with; what comes back is compared with what one look at the file allows:
//
// - a log that grows by 3,500 lines a second is sent whole or in the range that was named, as it was at one instant;
// - a page replaced by rename is one version, never a mixture, and its strong tag never names two versions;
// - a folder swapped by a link gives pages of one folder or the other, and never a 404;
// - whatever is asked for, an absent path is absent, and a file written in place ends as announced or is broken off.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { exchange, field } from './client.mjs';
import { scratchFolder, startOnezero } from './peers.mjs';
import { randomSource } from './random.mjs';

/** Bytes of one line of a log: its number and a line feed. */
export const LINE_BYTES = 16;

/** A line of a log. */
export function logLine(number) {
  return `${String(number).padStart(LINE_BYTES - 1, '0')}\n`;
}

/** Lines that the large log begins with: more than any cache keeps of one file. */
const LARGE_LINES = 100_000;

const CLIENTS = 8;

/** @param {{ seed: number, count?: number, log?: (line: string) => void }} run */
export async function compare({ seed, count = 3200, log = () => undefined }) {
  const random = randomSource(seed);
  const differences = [];
  const folder = scratchFolder('changing');
  fill(folder.path);
  const server = await startOnezero([join(folder.path, 'root'), '--no-access-log']);
  const writer = await startWriter(folder.path, random.int(0, 2 ** 31));
  try {
    const tags = new Map();
    let asked = 0;
    const client = async () => {
      while (asked++ < count) {
        const { kind, request, judge } = random.pick(KINDS)(random);
        const response = await exchange(server.port, request);
        const fault = judge(response, tags);
        if (fault === undefined) continue;
        log(`${kind}: ${fault}`);
        differences.push({ kind, fault, request, status: response.status, fields: response.fields });
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    log(`appended ${await writer.stop()} lines a second`);
  } finally {
    await writer.stop();
    await server.stop();
    folder.remove();
  }
  return { checked: count, differences };
}

function fill(path) {
  const root = join(path, 'root');
  for (const name of ['a', 'b']) {
    mkdirSync(join(root, name), { recursive: true });
    writeFileSync(join(root, name, 'page.html'), name);
    writeFileSync(join(root, name, 'index.html'), `index of ${name}`);
  }
  symlinkSync('a', join(root, 'current'));
  writeFileSync(join(root, 'small.log'), '');
  writeFileSync(join(root, 'large.log'), Array.from({ length: LARGE_LINES }, (_, number) => logLine(number)).join(''));
  writeFileSync(join(root, 'version.txt'), 'version 0\n');
  writeFileSync(join(root, 'place.bin'), Buffer.alloc(1000));
}

async function startWriter(path, seed) {
  const program = join(import.meta.dirname, 'changing-writer.mjs');
  const child = spawn(process.execPath, [program, path, String(seed)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout);
  await once(lines, 'line');
  let rate;
  lines.on('line', (line) => (rate = Number(line)));
  const ended = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    return rate;
  };
  return { stop };
}

/** Each gives what is asked for and what is wrong with an answer, if anything is. */
const KINDS = [
  (random) => {
    const fields = random.some([
      ['Accept-Encoding', 'identity'],
      ['If-None-Match', '"none"'],
    ]);
    const target = random.chance(0.1) ? '/large.log' : '/small.log';
    return { kind: 'a whole log', request: { target, fields }, judge: (answer) => judgeLog(answer, [200]) };
  },
  (random) => {
    const first = random.int(0, LARGE_LINES * LINE_BYTES);
    const range = random.pick([`bytes=-${random.length(100_000)}`, `bytes=${first}-${first + random.length(5000)}`]);
    const request = { target: random.pick(['/small.log', '/large.log']), fields: [['Range', range]] };
    return { kind: 'a range of a log', request, judge: (answer) => judgeLog(answer, [200, 206, 416]) };
  },
  (random) => {
    const fields = random.some([['Accept-Encoding', random.pick(['gzip', 'br', 'identity'])]]);
    return { kind: 'a page replaced by rename', request: { target: '/version.txt', fields }, judge: judgeVersion };
  },
  (random) => {
    const target = `/current/${random.pick(['', 'page.html', 'index.html'])}`;
    return { kind: 'a swapped folder', request: { target }, judge: judgeSwapped };
  },
  () => ({
    kind: 'an absent path',
    request: { target: '/current/absent.txt' },
    judge: ({ status }) => (status === 404 ? undefined : `${status} where nothing is`),
  }),
  () => ({
    kind: 'a file written in place',
    request: { target: '/place.bin' },
    judge: ({ status, ending }) => (status === 200 && ending !== 'silence' ? undefined : `${status}, ${ending}`),
  }),
];

function judgeLog({ status, fields, content, isWhole }, statuses) {
  if (!statuses.includes(status)) return `${status} is not what was asked for`;
  if (!isWhole) return `${content.length} bytes are not what was announced`;
  if (status === 416 || field({ fields }, 'content-encoding') !== undefined) return undefined;
  const [, first = '0', total] = /bytes (\d+)-\d+\/(\d+)/.exec(field({ fields }, 'content-range') ?? '') ?? [];
  const start = Number(first);
  const end = start + content.length;
  if ((total ?? end) % LINE_BYTES !== 0) return `a state of ${total ?? end} bytes there never was`;
  const from = Math.floor(start / LINE_BYTES);
  const lines = Array.from({ length: Math.ceil(end / LINE_BYTES) - from }, (_, index) => logLine(from + index));
  const expected = lines.join('').slice(start % LINE_BYTES, (start % LINE_BYTES) + content.length);
  return content.toString('latin1') === expected ? undefined : 'other bytes than the log has there';
}

/** A version is one line, repeated. */
function judgeVersion(answer, tags) {
  const { status, fields, content, isWhole } = answer;
  if (status !== 200 || !isWhole) return `${status}, ${content.length} bytes, whole: ${isWhole}`;
  if (field({ fields }, 'content-encoding') !== undefined) return undefined;
  const text = content.toString();
  const [line = ''] = text.split('\n', 1);
  if (text !== `${line}\n`.repeat(text.length / (line.length + 1))) return 'a mixture of versions';
  const tag = field(answer, 'etag') ?? '';
  if (tag.startsWith('W/')) return undefined;
  const known = tags.get(tag) ?? text;
  tags.set(tag, known);
  return known === text ? undefined : `${tag} names two versions: ${line} and ${known.split('\n', 1)}`;
}

function judgeSwapped({ status, content, isWhole }) {
  if (status !== 200 || !isWhole) return `${status} where a page always is`;
  return /^(?:index of )?[ab]$/.test(content.toString()) ? undefined : `a page of neither: ${content}`;
}
