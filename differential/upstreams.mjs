// An HTTP upstream that answers by random plans, right or wrong, through onezero's proxy and nginx's: interim responses, lengths that
// are true or not, chunks, trailers, ends that are early or missing, answers before the request was read, HEAD, 204 and 304 with
// content, fields of the connection. What a client gets is compared, and what the upstream was asked.

import { createHash } from 'node:crypto';
import { createServer as createTcpServer } from 'node:net';

import { createServer } from '../packages/server/dist/index.js';
import { exchange, field } from './client.mjs';
import { isInstalled, startNginx } from './peers.mjs';
import { randomSource } from './random.mjs';

const FIELDS = ['content-type', 'location', 'set-cookie', 'x-one', 'etag', 'cache-control', 'vary', 'x-empty'];
const SECONDS = 2;
const AT_ONCE = 32;

/** Why two answers may differ. The first that applies is the reason. */
const EXPLAINED = [
  {
    why: 'a response that is no HTTP of today: ours 502; nginx takes some of it',
    applies: ({ plan, our }) => plan.oddity !== undefined && our.status === 502,
  },
  {
    why: 'an interim response that was not asked for: nginx of Debian takes it for the response',
    applies: ({ plan, our, their }) =>
      plan.interim !== '' && (isBroken(their) || their.interim.length > 0 || isBroken(our)),
  },
  {
    why: 'a folded field: ours joins it with a space (RFC 9112 section 5.2), nginx 502',
    applies: ({ plan, their }) => plan.oddity === 'a folded field' && isBroken(their),
  },
  {
    why: 'a reset: how much is read before it',
    applies: ({ plan, our, their }) => plan.end === 'reset' && (isBroken(our) || isBroken(their)),
  },
  {
    why: 'a reset right behind content that only the end of the connection ends: libuv reports an end',
    applies: ({ plan, our, their }) =>
      plan.framing === 'close' && plan.end === 'reset' && our.isWhole && isBroken(their),
  },
  {
    why: 'the length of a 204: ours has none (RFC 9110 section 8.6)',
    applies: ({ our, their }) =>
      our.status === 204 && JSON.stringify({ ...our, length: 0 }) === JSON.stringify({ ...their, length: 0 }),
  },
  {
    why: 'a response that breaks off: nobody has a whole one',
    applies: ({ our, their }) =>
      isBroken(our) &&
      isBroken(their) &&
      (our.content.startsWith(their.content) || their.content.startsWith(our.content)),
  },
  {
    why: 'chunks without their end: ours breaks off, nginx of this version takes them for whole',
    applies: ({ plan, our }) => plan.framing === 'chunked' && plan.end !== 'whole' && isBroken(our),
  },
  {
    why: 'an upstream that answers and closes without reading: nginx fails at its own write, ours has read the answer',
    applies: ({ plan, request, our, their }) =>
      plan.early && request.content.length > 0 && (isBroken(their) || isBroken(our)),
  },
  {
    why: 'Expect: nginx answers 100 itself, ours when the content is asked for',
    applies: ({ our, their }) => JSON.stringify({ ...our, interim: 0 }) === JSON.stringify({ ...their, interim: 0 }),
  },
];

const isBroken = ({ status, isWhole, fields }) => status === 0 || (status >= 502 && fields.length === 0) || !isWhole;

/** @param {{ seed: number, count?: number, log?: (line: string) => void }} run */
export async function compare({ seed, count = 2000, log = () => undefined }) {
  if (!isInstalled('nginx')) return { checked: 0, differences: [] };
  const random = randomSource(seed);
  const plans = new Map();
  const asked = new Map();
  const upstream = await startUpstream(
    (target) => plans.get(Number(target.split('?')[1])),
    (target, who, what) => {
      asked.set(`${target.split('?')[1]} ${who}`, what);
    },
  );
  const ours = await startOurs(upstream.port);
  const nginx = await startNginx({
    server: `client_max_body_size 10m; location / { proxy_pass http://127.0.0.1:${upstream.port}; proxy_http_version 1.1;
      proxy_set_header Host $http_host; proxy_set_header X-Who theirs; proxy_set_header Connection close; proxy_read_timeout ${SECONDS}s;
      proxy_request_buffering off; proxy_pass_header Server; proxy_buffer_size 64k; proxy_buffers 8 64k; }`,
  });
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
      const request = { ...randomRequest(random), target: `/a%20b/c?${number}` };
      // Time limits of two seconds are short for a busy machine; what a plan makes of an answer comes again.
      for (let again = 0; again < 4; again++) {
        const context = await compareOnce(number, plan, request);
        if (JSON.stringify(context.our) === JSON.stringify(context.their)) break;
        const why = EXPLAINED.find(({ applies }) => applies(context))?.why;
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
    await upstream.stop();
  }
}

const shown = ({ plan, request, our, their }) => ({
  plan: { ...plan, bytes: plan.bytes.toString('latin1', 0, 600), size: plan.bytes.length },
  request: { ...request, content: request.content.length },
  our: { ...our, content: our.content.slice(0, 100) },
  their: { ...their, content: their.content.slice(0, 100) },
});

async function startOurs(port) {
  const server = createServer({ proxy: `http://127.0.0.1:${port}`, reportErrors: false });
  const [listening] = await server.listen({ port: 0, host: '127.0.0.1' });
  return { port: listening.port, stop: () => server.close({ graceMs: 0 }) };
}

/** A client's view. Pages of errors are each server's own. */
function essenceOf(answer, { method }) {
  const { status, isWhole, ending, fields, content, interim } = answer;
  if (field(answer, 'x-one') === undefined && status >= 500) return { status, fields: [], content: '', isWhole: true };
  const hasFraming = fields.some(([name]) => name === 'content-length' || name === 'transfer-encoding');
  return {
    status,
    fields: FIELDS.map((name) => field(answer, name) ?? null),
    length: method === 'HEAD' ? (field(answer, 'content-length') ?? null) : null,
    content: content.toString('latin1'),
    isWhole: isWhole && ending === 'end' && (hasFraming || method === 'HEAD' || status === 204 || status === 304),
    interim: interim.filter((one) => one !== 100).length === 0 ? interim : [],
  };
}

const STATUS_LINES = [
  '200 OK',
  '200 ',
  '201 Created',
  '204 No Content',
  '304 Not Modified',
  '301 Moved',
  '404 Not Found',
  '404 ',
  '500 Oh',
  '503 Busy',
  '599 x',
  '299 two words',
];
const ODDITIES = [
  ['a folded field', (head) => head.replace('X-One: 1\r\n', 'X-One: 1\r\n folded\r\n')],
  ['a space before the colon', (head) => head.replace('X-One:', 'X-One :')],
  ['a control character', (head) => head.replace('X-One: 1', 'X-One: 1\x01')],
  ['two lengths', (head) => head.replace('\r\n\r\n', '\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n')],
  [
    'a length and chunks',
    (head) => head.replace('\r\n\r\n', '\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n'),
  ],
  ['a length that is none', (head) => head.replace('\r\n\r\n', '\r\nContent-Length: 1x\r\n\r\n')],
  ['another coding', (head) => head.replace('\r\n\r\n', '\r\nTransfer-Encoding: gzip\r\n\r\n')],
  ['no HTTP', () => 'hello\r\n\r\n'],
  ['another protocol', (head) => head.replace(/^HTTP\/1\.\d \d{3}/, 'HTTP/1.1 101')],
  ['another version', (head) => head.replace(/^HTTP\/1\.\d/, 'HTTP/2.0')],
];

function randomPlan(random) {
  const version = random.chance(0.85) ? '1.1' : '1.0';
  const statusLine = random.pick(random.chance(0.6) ? ['200 OK'] : STATUS_LINES);
  const content = Buffer.alloc(random.chance(0.2) ? 0 : random.length(random.chance(0.1) ? 400_000 : 3000), 'content ');
  const framing =
    version === '1.0'
      ? random.pick(['length', 'close'])
      : random.pick(['length', 'length', 'chunked', 'chunked', 'close']);
  const lines = ['X-One: 1'];
  if (random.chance(0.8)) lines.push('Content-Type: text/plain; charset=utf-8');
  if (random.chance(0.2)) lines.push('Set-Cookie: a=1', 'Set-Cookie: b=2');
  if (random.chance(0.2)) lines.push('ETag: "x"', 'Cache-Control: no-store', 'Vary: Accept');
  if (random.chance(0.1)) lines.push('X-Empty:');
  if (random.chance(0.1)) lines.push('Location: /elsewhere');
  if (random.chance(0.2)) lines.push('Connection: close, X-Hop', 'X-Hop: 1', 'Keep-Alive: timeout=5');
  const end = random.chance(0.85) ? 'whole' : random.pick(['cut', 'longer', 'reset']);
  if (framing === 'length') lines.push(`Content-Length: ${content.length}`);
  if (framing === 'chunked') lines.push('Transfer-Encoding: chunked');
  let head = `HTTP/${version} ${statusLine}\r\n${random.shuffle(lines).join('\r\n')}\r\n\r\n`;
  const oddity = random.chance(0.06) ? random.pick(ODDITIES) : undefined;
  if (oddity !== undefined) head = oddity[1](head);
  const hasNone = /^(?:204|304)/.test(statusLine) && random.chance(0.8);
  const body = hasNone ? Buffer.alloc(0) : framing === 'chunked' ? chunked(random, content) : content;
  const interim =
    version === '1.1' && random.chance(0.1)
      ? random.pick(['HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 100 Continue\r\nX-A: b\r\n\r\n'])
      : '';
  let bytes = Buffer.concat([Buffer.from(interim + head, 'latin1'), body]);
  if (end === 'cut') bytes = bytes.subarray(0, random.int(0, Math.max(0, bytes.length - 1)));
  if (end === 'longer') bytes = Buffer.concat([bytes, Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')]);
  return {
    bytes,
    framing,
    end,
    oddity: oddity?.[0],
    statusLine,
    early: random.chance(0.1),
    cuts: Array.from({ length: random.pick([0, 0, 1, 5]) }, () => random.next()),
    interim,
  };
}

function chunked(random, bytes) {
  const pieces = random.cut(bytes, 5).filter((piece) => piece.length > 0);
  const trailer = random.chance(0.2) ? 'X-Trailer: 1\r\n' : '';
  return Buffer.concat([
    ...pieces.flatMap((piece) => [
      Buffer.from(`${piece.length.toString(16)}${random.chance(0.1) ? ';x=y' : ''}\r\n`),
      piece,
      Buffer.from('\r\n'),
    ]),
    Buffer.from(`0\r\n${trailer}\r\n`),
  ]);
}

function randomRequest(random) {
  const method = random.pick(['GET', 'GET', 'GET', 'HEAD', 'POST', 'POST', 'PUT', 'DELETE', 'PATCH', 'PROPFIND']);
  const fields = [['X-Custom', 'z'.repeat(random.pick([1, 10, 5000]))]];
  if (random.chance(0.2)) fields.push(['Cookie', 'a=b'], ['Accept-Encoding', 'gzip'], ['Range', 'bytes=0-1']);
  if (!method.startsWith('P')) return { method, fields, content: Buffer.alloc(0) };
  const content = random.bytes(random.length(random.chance(0.1) ? 300_000 : 2000));
  if (random.chance(0.2)) fields.push(['Expect', '100-continue']);
  if (random.chance(0.3)) {
    const pieces = random.cut(content, 4).filter((piece) => piece.length > 0);
    const parts = pieces.flatMap((piece) => [
      Buffer.from(`${piece.length.toString(16)}\r\n`),
      piece,
      Buffer.from('\r\n'),
    ]);
    return {
      method,
      fields: [...fields, ['Transfer-Encoding', 'chunked']],
      content: Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]),
    };
  }
  return { method, fields: [...fields, ['Content-Length', String(content.length)]], content };
}

/** Reads each request on its own, and answers as its plan says. */
async function startUpstream(planOf, note) {
  const sockets = new Set();
  const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    let bytes = Buffer.alloc(0);
    let isAnswered = false;
    const answer = (plan) => {
      if (isAnswered) return;
      isAnswered = true;
      play(socket, plan);
    };
    socket.on('end', () => socket.end());
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      const end = bytes.indexOf('\r\n\r\n');
      if (end < 0 || isAnswered) return;
      const lines = bytes.toString('latin1', 0, end).split('\r\n');
      const [method, target] = lines[0].split(' ');
      const plan = planOf(target);
      if (plan === undefined) return void socket.destroy();
      if (plan.early) return answer(plan);
      const content = contentOf(lines, bytes.subarray(end + 4));
      if (content === undefined) return;
      const has = (name) => lines.find((line) => line.toLowerCase().startsWith(`${name}: `))?.slice(name.length + 2);
      const who = has('x-who') ?? 'ours';
      note(target, who, {
        method,
        target,
        host: has('host'),
        custom: has('x-custom')?.length,
        cookie: has('cookie'),
        range: has('range'),
        coding: has('accept-encoding'),
        digest: createHash('md5').update(content).digest('hex'),
      });
      answer(plan);
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: server.address().port,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The whole content of a request; undefined while it is not here. */
function contentOf(lines, bytes) {
  const head = lines.join('\n');
  if (!/^transfer-encoding: *chunked$/im.test(head)) {
    const length = Number(/^content-length: *(\d+)$/im.exec(head)?.[1] ?? 0);
    return bytes.length < length ? undefined : bytes;
  }
  const parts = [];
  for (let at = 0; ;) {
    const end = bytes.indexOf('\r\n', at);
    if (end < 0) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, end), 16);
    if (bytes.length < end + 4 + size) return undefined;
    if (size === 0) return Buffer.concat(parts);
    parts.push(bytes.subarray(end + 2, end + 2 + size));
    at = end + 4 + size;
  }
}

function play(socket, { bytes, cuts, end }) {
  const places = [0, ...cuts.map((share) => Math.floor(share * bytes.length)).sort((a, b) => a - b), bytes.length];
  const next = (index) => {
    if (socket.destroyed) return;
    if (index < places.length)
      socket.write(bytes.subarray(places[index - 1], places[index]), () => setImmediate(next, index + 1));
    else if (end === 'reset') socket.resetAndDestroy();
    else socket.end();
  };
  next(1);
}
