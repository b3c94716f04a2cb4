// ASGI: onezero and uvicorn, or daphne, run the same application for the same random requests: content read whole, slowly, in part or
// not at all, responses in any number of pieces, with a length, without an end, started twice or never, exceptions at every
// place; content with a length and in chunks, cut at random places, HEAD, HTTP/1.0, and clients that leave in the middle.

import { execFileSync } from 'node:child_process';

import { createServer } from '../packages/server/dist/index.js';
import { digest, exchange, field, leave, readResponse, requestBytes, sendBytes } from './client.mjs';
import { isInstalled, startServer } from './peers.mjs';
import { randomSource } from './random.mjs';

const PYTHON = '/usr/bin/python3';

/** What is compared of the fields: those that applications set. */
const FIELDS = ['content-type', 'x-one', 'x-two', 'x-input', 'x-scope', 'set-cookie', 'location', 'etag'];

/** Why two answers may differ. The first that applies is the reason. */
const EXPLAINED = [
  {
    name: 'a request of HTTP/1.0 that should have a length and has none: ours 400 (RFC 1945 section 8.3)',
    applies: ({ client, our }) => client.version === '1.0' && our.status === 400,
  },
  {
    name: 'a broken response without a length for HTTP/1.0: a reset is all that can be seen, and Node reads one behind data as an end',
    applies: ({ client, plan }) => client.version === '1.0' && (plan.raise !== undefined || plan.end === 'never'),
  },
  {
    name: 'an application that breaks before its first piece of content: ours 500, uvicorn has sent the head',
    applies: ({ plan, our }) =>
      our.status === 500 && (plan.raise === 0 || plan.start === 'twice' || plan.end === 'never'),
  },
  {
    name: 'content that does not fit its length: nobody has a whole response',
    applies: ({ plan, our, their }) => hasLength(plan) && !(our.isClean && their.isClean),
  },
  {
    name: 'content of 204 and 304: uvicorn sends its framing',
    applies: ({ plan }) => plan.status === 204 || plan.status === 304,
  },
  {
    name: 'an exception after some pieces: how much has left by then differs',
    applies: ({ plan, our, their }) => plan.raise !== undefined && !our.isClean && !their.isClean,
  },
  {
    name: 'how much of the content is there at the first receive() depends on the network',
    applies: ({ plan, client }) => plan.read === 'some' && client.content.length > 0,
  },
  {
    name: 'content that is not read: uvicorn closes the connection with it, which resets what is on its way',
    // Node reads a reset behind data as an end, which ends what 1.0 sends without a length.
    applies: ({ plan, client, our, their }) =>
      plan.read === 'none' &&
      client.content.length > 0 &&
      (!their.isClean || (client.version === '1.0' && isCutShort(their, our))),
  },
  {
    name: 'an exception before content was read: daphne closes the connection with it, which is a reset',
    applies: ({ plan, client, their }) => plan.raise !== undefined && client.content.length > 0 && their.status === 0,
  },
  {
    name: 'an application that ends before it starts its response: daphne waits for ever, or closes the connection',
    applies: ({ plan, our, their, against }) =>
      against === 'daphne' &&
      their.status === 0 &&
      our.status === 500 &&
      (plan.start === 'none' || plan.raise === 'before'),
  },
  {
    name: 'content of HEAD: daphne sends it',
    applies: ({ client, our, their, against }) =>
      against === 'daphne' && client.method === 'HEAD' && their.status === our.status && !their.isClean,
  },
];

function hasLength(plan) {
  return plan.headers.some(([name]) => name === 'content-length');
}

const PEERS = { uvicorn: startUvicorn, daphne: startDaphne };

/** daphne keeps connections open whose client asked for the opposite: its answer ends when it is silent for so long. */
const DAPHNE_SILENCE_MS = 3000;

/** @param {{ seed: number, count?: number, log?: (line: string) => void, against?: 'uvicorn' | 'daphne' }} run */
export async function compare({ seed, count = 1000, log = () => undefined, against = 'uvicorn' }) {
  if (!isInstalled(against)) return { checked: 0, differences: [] };
  const random = randomSource(seed);
  const servers = [];
  try {
    servers.push(await startOurs(), await PEERS[against]());
    const [ours, theirs] = servers;
    const patience = against === 'daphne' ? { silenceMs: DAPHNE_SILENCE_MS } : {};
    const differences = [];
    for (let number = 0; number < count; number++) {
      const plan = randomPlan(random);
      const client = randomClient(random, plan);
      if (client.leaves !== undefined) {
        await Promise.all(servers.map(({ port }) => leave(port, client)));
        continue;
      }
      const [our, first] = await Promise.all([ask(ours.port, client), ask(theirs.port, client, patience)]);
      // On a busy machine the peer may restart a worker of its own accord.
      const their = first.status === 0 ? await ask(theirs.port, client, patience) : first;
      const difference = differenceOf(our, their);
      if (difference === undefined) continue;
      const reason = EXPLAINED.find(({ applies }) => applies({ plan, client, our, their, against }));
      const { method, version, isChunked, content } = client;
      const report = { number, plan, client: { method, version, isChunked, content: content.length }, ...difference };
      log(`${reason?.name ?? 'DIFFERENCE'}: ${JSON.stringify(report)}`);
      if (reason === undefined) differences.push(report);
    }
    differences.push(...(await unendedOf(ours)));
    return { checked: count, differences };
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

async function startOurs() {
  const options = {
    application: 'asgi_application:application',
    cwd: import.meta.dirname,
    python: PYTHON,
    processes: 1,
  };
  const server = createServer({ asgi: { ...options, log: () => {} }, onError: () => undefined });
  const [address] = await server.listen({ port: 0, host: '127.0.0.1' });
  return { port: address.port, stop: () => server.close({ graceMs: 0 }) };
}

function startUvicorn() {
  const words = ['--log-level', 'critical', '--app-dir', import.meta.dirname, '--http', 'h11', '--loop', 'asyncio'];
  return startServer('uvicorn', (port) => [
    'uvicorn',
    '--port',
    String(port),
    ...words,
    'asgi_application:application',
  ]);
}

function startDaphne() {
  const command = (port) => [
    'daphne',
    '-b',
    '127.0.0.1',
    '-p',
    String(port),
    '-v',
    '0',
    'asgi_application:application',
  ];
  return startServer('daphne', command, { env: { PYTHONPATH: import.meta.dirname } });
}

/** The version of the peer, for reports. */
export function peer() {
  return execFileSync('uvicorn', ['--version'], { encoding: 'utf8' }).trim();
}

function randomPlan(random) {
  const blocks = Array.from({ length: random.pick([0, 1, 1, 2, 3, 20, 200]) }, () =>
    random.length(random.pick([100, 5000, 200_000])),
  );
  if (blocks.length === 200) blocks.forEach((size, index) => (blocks[index] = size % 3000));
  const plan = {
    read: random.pick(['all', 'all', 'slow', 'some', 'none']),
    status: random.pick([200, 200, 201, 404, 302, 304, 204, 500, 418]),
    headers: random.some([['content-type', 'text/plain'], ['X-One', 'a'], ['x-two', 'caf\u00e9'], ['set-cookie', 'a=1'], ['set-cookie', 'b=2'], ['location', '/x'], ['etag', '"x"']]),
    blocks,
    end: random.pick(['with-last', 'with-last', 'empty', 'disconnect']),
  }; // prettier-ignore
  if (random.chance(0.2)) plan.echo = true;
  if (random.chance(0.1)) plan.pause = true;
  if (random.chance(0.15)) plan.raise = random.pick(['before', 'after', 0, 1, 2]);
  if (random.chance(0.05)) plan.start = random.pick(['none', 'twice']);
  if (random.chance(0.05)) plan.end = 'never';
  const total = blocks.reduce((sum, size) => sum + size, 0);
  if (!plan.echo && random.chance(0.2)) {
    plan.headers.push(['content-length', String(Math.max(0, total + random.pick([0, 0, 0, 0, -1, 1, 1000])))]);
  }
  return plan;
}

function randomClient(random, plan) {
  const method = random.pick(['GET', 'GET', 'POST', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH']);
  const version = random.chance(0.15) ? '1.0' : '1.1';
  const hasContent = method !== 'GET' && method !== 'HEAD' && random.chance(0.8);
  const size = hasContent ? random.length(random.pick([100, 5000, 300_000, 1_500_000])) : 0;
  const content = Buffer.alloc(size, random.pick(['abc\n', 'x', '0123456789']));
  const isChunked = hasContent && version === '1.1' && random.chance(0.3);
  const fields = [['X-Plan', JSON.stringify(plan).replaceAll('\u00e9', '\\u00e9')]];
  let body = content;
  if (isChunked) {
    fields.push(['Transfer-Encoding', 'chunked']);
    const chunks = random.cut(content, 6).filter(({ length }) => length > 0);
    const framed = chunks.flatMap((chunk) => [
      Buffer.from(`${chunk.length.toString(16)}\r\n`),
      chunk,
      Buffer.from('\r\n'),
    ]);
    body = Buffer.concat([...framed, Buffer.from('0\r\n\r\n')]);
  } else if (hasContent) fields.push(['Content-Length', String(size)]);
  const target = random.pick([
    '/x',
    '/x?a=b',
    '/a%20b/c?d=%20',
    '/caf%C3%A9',
    '/a+b;c=d',
    '/',
    '/?',
    '/x/',
    '/%7Euser',
    '/a:b@c',
  ]);
  const bytes = requestBytes({ method, target, version, fields, content: body });
  return {
    method,
    version,
    isChunked,
    content,
    pieces: random.chance(0.3) ? random.cut(bytes, 5) : [bytes],
    leaves: random.chance(0.08) ? random.int(0, bytes.length) : undefined,
  };
}

/** The response, with whether it ended as a whole one does. */
async function ask(port, { method, pieces }, patience) {
  const { bytes, ending } = await sendBytes(port, pieces, patience);
  const response = readResponse(bytes, method);
  return { ...response, ending, isClean: response.isWhole && ending === 'end' && response.status !== 0 };
}

function isCutShort(response, whole) {
  const { length } = response.content;
  return length < whole.content.length && response.content.equals(whole.content.subarray(0, length));
}

function differenceOf(our, their) {
  const shown = (response) => ({
    status: response.status,
    isClean: response.isClean,
    // Pages of the servers themselves are not compared.
    content: response.status >= 500 || !response.isClean ? undefined : digest(response.content),
    fields: response.status === 500 ? undefined : FIELDS.map((name) => field(response, name)),
  });
  const [ours, theirs] = [shown(our), shown(their)];
  return JSON.stringify(ours) === JSON.stringify(theirs) ? undefined : { ours, theirs };
}

/** Every call of the application has to end, whatever happened to its client. */
async function unendedOf({ port }) {
  for (let attempt = 0; ; attempt++) {
    const { content } = await exchange(port, { target: '/counts' });
    const { begun, ended } = JSON.parse(content.toString());
    if (begun - 1 === ended) return [];
    if (attempt === 150) return [{ begun, ended }];
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
