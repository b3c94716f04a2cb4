// FastCGI and SCGI: onezero and nginx ask the same applications, which answer by random plans: headers of every kind, records cut
// anywhere, padded, of other versions, numbers and types, complaints between them, ends that are early, late, missing or
// false; requests with content of any length, in chunks, HEAD. What a client gets is compared, and what an application was asked.

import { createServer } from '../packages/server/dist/index.js';
import { exchange, field } from './client.mjs';
import { startFastcgi, startScgi } from './gateway-backend.mjs';
import { explainedBy } from './gateway-explained.mjs';
import { isInstalled, startNginx } from './peers.mjs';
import { randomSource } from './random.mjs';

/** What is compared of the fields: those that applications set. */
const FIELDS = ['content-type', 'location', 'set-cookie', 'x-one', 'x-long', 'etag', 'cache-control'];
/** What nginx waits; so does ours. */
const SECONDS = 1;
const AT_ONCE = 32;

/** @param {{ seed: number, count?: number, log?: (line: string) => void }} run */
export async function compare({ seed, count = 2000, log = () => undefined }) {
  if (!isInstalled('nginx')) return { checked: 0, differences: [] };
  const random = randomSource(seed);
  const plans = new Map();
  const asked = new Map();
  const planOf = (number) => plans.get(Number(number)) ?? { output: [], end: 'close', cuts: [] };
  const note = (number, who, what) => asked.set(`${number} ${/nginx/.test(who) ? 'theirs' : 'ours'}`, what);
  const applications = [await startFastcgi(planOf, note), await startScgi(planOf, note)];
  const [fastcgi, scgi] = applications.map(({ address }) => address);
  const ours = await startOurs({ fastcgi, scgi });
  const nginx = await startNginx({ server: nginxWords({ fastcgi, scgi }) });
  const differences = [];
  const tally = new Map();
  try {
    const compareOnce = async (number, plan, request) => {
      const [our, their] = await Promise.all([ours.port, nginx.port].map((port) => exchange(port, request)));
      return {
        plan,
        request,
        our: { ...essenceOf(our, request), asked: plan.early ? undefined : asked.get(`${number} ours`) },
        their: { ...essenceOf(their, request), asked: plan.early ? undefined : asked.get(`${number} theirs`) },
      };
    };
    const one = async (number) => {
      const plan = randomPlan(random);
      plans.set(number, plan);
      const request = { ...randomRequest(random), target: `/${plan.protocol}/a%20b?${number}` };
      // Time limits of a second are short for a busy machine; what a plan makes of an answer comes again.
      for (let again = 0; again < 4; again++) {
        const context = await compareOnce(number, plan, request);
        if (JSON.stringify(context.our) === JSON.stringify(context.their)) break;
        const why = explainedBy(context);
        tally.set(why, (tally.get(why) ?? 0) + 1);
        if (why !== undefined) break;
        if (again === 3) differences.push({ number, ...shown(context) });
      }
      plans.delete(number);
    };
    for (let number = 0; number < count; number += AT_ONCE) {
      await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - number) }, (_, index) => one(number + index)));
    }
    for (const [why, times] of tally) log(`${times} × ${why}`);
    return { checked: count, differences };
  } finally {
    await ours.stop();
    await nginx.stop();
    for (const application of applications) await application.stop();
  }
}

async function startOurs({ fastcgi, scgi }) {
  const limits = { headerTimeoutMs: SECONDS * 1000, silenceTimeoutMs: SECONDS * 1000 };
  const mount = (address, path) => ({ address, path, limits, serverSoftware: 'onezero', log: () => undefined });
  const server = createServer({
    fastcgi: mount(fastcgi, '/fastcgi'),
    scgi: mount(scgi, '/scgi'),
    reportErrors: false,
  });
  const [{ port }] = await server.listen({ port: 0, host: '127.0.0.1' });
  return { port, stop: () => server.close({ graceMs: 0 }) };
}

function nginxWords({ fastcgi, scgi }) {
  const of = (name, address) => `location /${name} {
    include /etc/nginx/${name}_params; ${name}_param SERVER_SOFTWARE nginx; ${name}_pass ${address};
    ${name}_read_timeout ${SECONDS}s; ${name}_buffer_size 512k; ${name}_buffers 8 512k; ${name}_busy_buffers_size 1m; }`;
  return `client_max_body_size 10m; ${of('fastcgi', fastcgi)} ${of('scgi', scgi)}`;
}

const shown = ({ plan, request, our, their }) => ({
  plan: {
    ...plan,
    output: plan.output.map(({ bytes, ...how }) => ({
      ...how,
      text: bytes.toString('latin1', 0, 300),
      size: bytes.length,
    })),
  },
  request: { ...request, content: request.content?.length },
  our: { ...our, content: our.content.slice(0, 200) },
  their: { ...their, content: their.content.slice(0, 200) },
});

/** A client's view. Pages of errors are each server's own; how a broken answer ends is a matter of its framing. */
function essenceOf(answer, { method }) {
  const { status, isWhole, ending, fields, content } = answer;
  const isOwn = field(answer, 'x-one') === undefined;
  if (isOwn && status >= 500) return { status, fields: [], content: '', isWhole: true };
  const hasFraming =
    method === 'HEAD' || fields.some(([name]) => name === 'content-length' || name === 'transfer-encoding');
  return {
    status,
    fields: FIELDS.map((name) => field(answer, name) ?? null),
    content: content.toString('latin1'),
    isWhole: isWhole && ending === 'end' && (hasFraming || status === 204 || status === 304),
  };
}

const STATUSES = [
  '200 OK',
  '200',
  '201 Created',
  '404 Not Found',
  '404',
  '500 Oh',
  '204 No Content',
  '304 Not Modified',
  '599 x',
  '200  two',
];
const LOCATIONS = ['http://example.org/x', '/x', '/x?y=z', '//example.org/x', 'x', 'HTTP://example.org', '/x#y', '?x'];
/** Lines that make a header what the RFC does not know. */
const ODD_LINES = [
  'nonsense',
  ': empty',
  'X One: spaced',
  'X-Nul: a\0b',
  'Status: 99',
  'Status: abc',
  'Status: 1000',
  'Content-Length: 1x',
  'Content-Length: -1',
  'Content-Type: a/b',
];

function randomHead(random, contentLength) {
  const lines = ['X-One: 1'];
  const isRedirect = random.chance(0.15);
  if (random.chance(0.5))
    lines.push(
      `Status: ${random.pick(isRedirect ? ['302 Found', '301', '303 See Other', '200 OK', '201 Created'] : STATUSES)}`,
    );
  if (isRedirect) lines.push(`Location: ${random.pick(LOCATIONS)}`);
  if (random.chance(0.8)) lines.push('Content-Type: text/plain; charset=utf-8');
  if (random.chance(0.2)) lines.push('Set-Cookie: a=1', 'Set-Cookie: b=2');
  if (random.chance(0.1)) lines.push('ETag: "x"', 'Cache-Control: no-store');
  if (random.chance(0.1)) lines.push(`X-Long: ${'y'.repeat(random.length(40_000))}`);
  if (random.chance(0.1)) lines.push('Connection: keep-alive', 'Keep-Alive: 5');
  if (random.chance(0.3))
    lines.push(
      `Content-Length: ${contentLength + (random.chance(0.6) ? 0 : random.pick([-1, 1, 5000, -contentLength]))}`,
    );
  if (random.chance(0.06)) lines.push(random.pick(ODD_LINES));
  const end = random.chance(0.9) ? '\r\n' : '\n';
  return `${[lines[0], ...random.shuffle(lines.slice(1))].join(end)}${end}${random.chance(0.98) ? end : ''}`;
}

function randomPlan(random) {
  const protocol = random.pick(['fastcgi', 'fastcgi', 'scgi']);
  const content = Buffer.alloc(random.chance(0.2) ? 0 : random.length(random.chance(0.1) ? 300_000 : 3000), 'content ');
  const output = Buffer.concat([Buffer.from(randomHead(random, content.length), 'latin1'), content]);
  const whole = random.chance(0.95) ? output : output.subarray(0, random.int(0, output.length));
  const end = random.chance(0.7)
    ? 'whole'
    : random.pick(['whole', 'end-only', 'no-end', 'close', 'reset', 'silence', 'junk']);
  const records = recordsOf(random, whole);
  if (random.chance(0.08)) records.splice(random.int(0, records.length), 0, ...oddRecords(random));
  const cuts = Array.from({ length: random.pick([0, 0, 1, 3, 20]) }, () => random.next());
  return {
    protocol,
    output: records,
    cuts,
    end: protocol === 'scgi' && !['reset', 'silence'].includes(end) ? 'close' : end,
    status: random.chance(0.96) ? 0 : random.int(1, 4),
    appStatus: random.pick([0, 0, 1, -1]),
    early: random.chance(0.1),
  };
}

function recordsOf(random, bytes) {
  const records = [];
  const most = random.pick([65_535, 65_535, 8192, 100]);
  for (let at = 0; at < bytes.length;) {
    const size = random.chance(0.5) ? most : random.int(1, most);
    records.push({ to: 'out', bytes: bytes.subarray(at, at + size), padding: random.pick([0, 0, 7, 255]) });
    at += size;
    if (random.chance(0.1)) records.push({ to: 'err', bytes: Buffer.from('a complaint\n'.repeat(random.int(0, 200))) });
  }
  return records;
}

function oddRecords(random) {
  const bytes = Buffer.from('odd'.repeat(random.int(0, 5)));
  return random.pick([
    [{ to: 'out', bytes, id: random.pick([0, 2, 256, 257]) }],
    [{ to: 'out', bytes, version: random.pick([0, 2, 255]) }],
    [{ to: 'out', bytes, type: random.pick([0, 1, 2, 4, 5, 8, 11, 12, 255]) }],
    [{ to: 'out', bytes: Buffer.alloc(8), type: 10, id: 0 }],
    [{ to: 'out', bytes: Buffer.alloc(8), type: 3, id: 2 }],
    [{ to: 'raw', bytes }],
    [{ to: 'out', bytes: Buffer.alloc(0) }],
  ]);
}

function randomRequest(random) {
  const method = random.pick(['GET', 'GET', 'GET', 'HEAD', 'POST', 'POST', 'PUT', 'DELETE', 'OPTIONS']);
  const fields = random.chance(0.3) ? [['X-Custom', 'z'.repeat(random.pick([1, 126, 127, 128, 129, 5000]))]] : [];
  if (method !== 'POST' && method !== 'PUT') return { method, fields, content: '' };
  const content = random.bytes(random.length(random.chance(0.1) ? 200_000 : 2000));
  fields.push(['Content-Type', 'application/x']);
  if (random.chance(0.3))
    return { method, fields: [...fields, ['Transfer-Encoding', 'chunked']], content: chunked(random, content) };
  if (random.chance(0.1)) fields.push(['Expect', '100-continue']);
  return { method, fields: [...fields, ['Content-Length', String(content.length)]], content };
}

function chunked(random, bytes) {
  const pieces = random.cut(bytes, 5).filter((piece) => piece.length > 0);
  const parts = pieces.flatMap((piece) => [
    Buffer.from(`${piece.length.toString(16)}\r\n`),
    piece,
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
}
