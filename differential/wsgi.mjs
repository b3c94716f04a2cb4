// WSGI: onezero and gunicorn run the same application for the same random requests: starts and second starts, write(), every
// kind of iterable, file_wrapper, pauses, exceptions at every place, close(), content read in all ways; content with a length
// and in chunks, cut at random places, HEAD, HTTP/1.0, and clients that leave in the middle.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { digest, exchange, field, leave, readResponse, requestBytes, sendBytes } from './client.mjs';
import { isInstalled, scratchFolder, startOnezero, startServer } from './peers.mjs';
import { randomSource } from './random.mjs';

const PYTHON = '/usr/bin/python3';

/** What gunicorn does not answer within this it never does. */
const PEER_SILENCE_MS = 8000;

/** What is compared of the fields: those that applications set. */
const FIELDS = ['content-type', 'x-one', 'x-two', 'x-input', 'x-again', 'set-cookie', 'location', 'etag'];

/** Why two answers may differ. The first that applies is the reason. */
const EXPLAINED = [
  {
    name: 'gunicorn answers a chunked upload without CONTENT_LENGTH, so read(CONTENT_LENGTH) gives nothing',
    applies: ({ client, plan }) => client.isChunked && (plan.read === 'length' || plan.body === 'echo'),
  },
  {
    name: 'gunicorn keeps the headers of the first start beside those of the second (PEP 3333: replaces them)',
    applies: ({ plan }) => plan.again === 'exc_info',
  },
  {
    name: 'gunicorn sends the content of an answer to HEAD',
    applies: ({ client }) => client.method === 'HEAD',
  },
  {
    name: 'content that is longer or shorter than its Content-Length: gunicorn cuts it, or leaves the client waiting for more',
    applies: ({ plan }) => plan.headers.some(([name]) => name === 'Content-Length'),
  },
  {
    name: 'an application that fails before its first block: gunicorn has sent the head already when it comes to close()',
    applies: ({ plan, our }) => plan.raise === 'close' && our.status === 200,
  },
  {
    name: 'an application that returns None or str: gunicorn closes the connection, ours answers 500',
    applies: ({ plan, our }) => (plan.null || plan.again === 'str') && our.status === 500,
  },
  {
    name: 'gunicorn sends the content of 204 and 304',
    applies: ({ plan }) => /^(204|304)/.test(plan.status),
  },
  {
    name: 'gunicorn sends a file from its start where the application had moved in it',
    applies: ({ plan }) => (plan.offset ?? 0) > 0,
  },
  {
    name: 'gunicorn ends an empty file in chunks twice',
    applies: ({ plan, their }) => plan.body === 'file' && plan.blocks.every((size) => size === 0) && !their.isClean,
  },
  {
    name: 'a request of HTTP/1.0 that should have a length and has none: ours 400 (RFC 1945 section 8.3)',
    applies: ({ client, our }) => client.version === '1.0' && our.status === 400,
  },
  {
    name: 'content that is not read: gunicorn closes the connection with it, which resets what is on its way',
    applies: ({ plan, client, our }) =>
      client.content.length > 0 &&
      ['some', 'none', 'length'].includes(plan.read) &&
      (our.isClean || our.status === 500),
  },
  {
    name: 'None after write(): without a length, the response of gunicorn looks whole to a client of HTTP/1.0',
    applies: ({ plan, our }) => plan.null === true && !our.isClean,
  },
  {
    name: 'some chunked uploads of a megabyte that are cut at unlucky places: gunicorn stays silent, whenever it is asked',
    applies: ({ client, our, their }) => client.isChunked && our.isClean && their.ending === 'silence',
  },
  {
    name: 'after write(), or a block, an exception: neither answer is whole, and how much has left by then differs',
    applies: ({ our, their, plan }) => plan.raise !== undefined && !our.isClean && !their.isClean,
  },
];

/** @param {{ seed: number, count?: number, log?: (line: string) => void }} run */
export async function compare({ seed, count = 1000, log = () => undefined }) {
  if (!isInstalled('gunicorn')) return { checked: 0, differences: [] };
  const random = randomSource(seed);
  const folder = scratchFolder('wsgi');
  const servers = [];
  try {
    servers.push(await startOurs(folder.path), await startGunicorn());
    const [ours, theirs] = servers;
    const differences = [];
    for (let number = 0; number < count; number++) {
      const plan = randomPlan(random);
      const client = randomClient(random, plan);
      if (client.leaves) {
        await Promise.all(servers.map(({ port }) => leave(port, client)));
        continue;
      }
      const [our, first] = await Promise.all([ask(ours.port, client), ask(theirs.port, client, PEER_SILENCE_MS)]);
      // On a busy machine the peer takes its time, or restarts a worker; silent at certain chunks, it would be silent again.
      const isFinal = first.status !== 0 || (first.ending === 'silence' && client.isChunked);
      const their = isFinal ? first : await ask(theirs.port, client);
      const difference = differenceOf(our, their);
      if (difference === undefined) continue;
      const reason = EXPLAINED.find(({ applies }) => applies({ plan, client, our, their }));
      const { method, version, isChunked, content } = client;
      const report = { number, plan, client: { method, version, isChunked, content: content.length }, ...difference };
      log(`${reason?.name ?? 'DIFFERENCE'}: ${JSON.stringify(report)}`);
      if (reason === undefined) differences.push(report);
    }
    differences.push(...(await closesOf(ours.port)));
    return { checked: count, differences };
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
    folder.remove();
  }
}

function startOurs(folder) {
  const application = join(import.meta.dirname, 'wsgi-application.py');
  const mount = { application, python: PYTHON, processes: 1, threads: 4 };
  writeFileSync(join(folder, 'onezero.json'), JSON.stringify({ wsgi: [mount] }));
  return startOnezero(['--config', join(folder, 'onezero.json')]);
}

function startGunicorn() {
  const words = [
    '--worker-class',
    'gthread',
    '--threads',
    '4',
    '--log-level',
    'critical',
    '--chdir',
    import.meta.dirname,
  ];
  return startServer('gunicorn', (port) => [
    'gunicorn',
    '--bind',
    `127.0.0.1:${port}`,
    ...words,
    'wsgi-application:application',
  ]);
}

/** The version of the peer, for reports. */
export function peer() {
  return execFileSync('gunicorn', ['--version'], { encoding: 'utf8' }).trim();
}

function randomPlan(random) {
  const sizes = () =>
    Array.from({ length: random.pick([0, 1, 1, 2, 3, 20]) }, () => random.length(random.pick([100, 5000, 200_000])));
  const plan = {
    read: random.pick(['all', 'length', 'small', 'blocks', 'lines', 'line', 'short-line', 'iterate', 'some', 'none']),
    status: random.pick(['200 OK', '200 OK', '201 Made', '404 Not Here', '302 Found', '304 Not Modified', '204 No Content', '299 Own Reason', '500 Oops']),
    headers: random.some([['Content-Type', 'text/plain'], ['X-One', 'a'], ['X-Two', 'caf\u00e9'], ['Set-Cookie', 'a=1'], ['Set-Cookie', 'b=2'], ['Location', '/x'], ['ETag', '"x"']]),
    blocks: sizes(),
    body: random.pick(['list', 'tuple', 'generator', 'iterator', 'iterator', 'file', 'file', 'echo', 'none']),
  }; // prettier-ignore
  if (random.chance(0.15)) plan.write = sizes();
  if (random.chance(0.1)) plan.again = random.pick(['exc_info', 'plain', 'str']);
  if (random.chance(0.15)) plan.raise = random.pick(['before', 'started', 'written', 'close', 0, 1, 2]);
  if (random.chance(0.05)) plan.null = true;
  if (random.chance(0.05)) plan.pause = 0.002;
  if (plan.body === 'file') {
    plan.file = random.pick(['real', 'named', 'bytes']);
    plan.block_size = random.pick([1, 1000, 65_536]);
    const total = plan.blocks.reduce((sum, size) => sum + size, 0);
    if (plan.block_size === 1 && total > 10_000) plan.block_size = 1000;
    if (plan.file !== 'bytes' && random.chance(0.3)) plan.offset = random.int(0, total);
  }
  const total = plan.blocks.reduce((sum, size) => sum + size, 0);
  if (random.chance(0.1) && plan.body !== 'echo' && plan.body !== 'none' && plan.write === undefined) {
    plan.headers.push([
      'Content-Length',
      String(Math.max(0, total - (plan.offset ?? 0) + random.pick([0, 0, 0, -1, 1, 1000]))),
    ]);
  }
  return plan;
}

function randomClient(random, plan) {
  const method = random.pick(['GET', 'GET', 'POST', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH']);
  const version = random.chance(0.15) ? '1.0' : '1.1';
  const hasContent = method !== 'GET' && method !== 'HEAD' && random.chance(0.8);
  const size = hasContent ? random.length(random.pick([100, 5000, 300_000, 1_500_000])) : 0;
  const content = Buffer.alloc(size, random.pick(['abc\n', 'x', 'line one\nline two\n', '\n']));
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
  const bytes = requestBytes({ method, target: '/x?a=b', version, fields, content: body });
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
async function ask(port, { method, pieces }, silenceMs) {
  const { bytes, ending } = await sendBytes(port, pieces, { silenceMs });
  const response = readResponse(bytes, method);
  return { ...response, ending, isClean: response.isWhole && ending === 'end' && response.status !== 0 };
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

/** close() of every iterable has to be called, whatever happened to its request. */
async function closesOf(port) {
  for (let attempt = 0; ; attempt++) {
    const { content } = await exchange(port, { target: '/counts' });
    const { made, closed } = JSON.parse(content.toString());
    if (made === closed) return [];
    if (attempt === 50) return [{ made, closed }];
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
