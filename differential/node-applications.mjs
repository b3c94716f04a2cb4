// Random applications: a plan is data, and `perform` carries it out with node:http's request and response. The same plan made
// into a Response is for applications in the manner of fetch.

import { Readable } from 'node:stream';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';

const STATUSES = [200, 200, 200, 200, 201, 202, 204, 206, 301, 304, 400, 401, 404, 418, 500, 503];

/** A text of its own for each place, so that nothing swapped or doubled goes unseen. */
function text(random, label) {
  const length = random.pick([0, 1, 5, 80, 1000, 16_384, 16_385, 70_000]);
  return `${label}:`.padEnd(length, label);
}

/** Steps up to the end of a response. */
export function randomPlan(random) {
  const pieces = Array.from({ length: random.int(0, 6) }, (_, index) => text(random, 'abcdefg'[index]));
  const last = random.chance(0.5) ? text(random, 'z') : undefined;
  const body = pieces.join('') + (last ?? '');
  const steps = [];
  const idle = () => {
    if (random.chance(0.4)) steps.push([random.pick(['turn', 'tick', 'microtask', 'pause'])]);
  };
  if (random.chance(0.15)) steps.push(['hints']);
  if (random.chance(0.5)) steps.push(['read']);
  idle();
  if (random.chance(0.2)) steps.push(['flush']);
  const isCorked = random.chance(0.2);
  if (isCorked) steps.push(['cork']);
  // Corked, a pipe would wait for ever.
  if (!isCorked && random.chance(0.25)) steps.push(['pipe', pieces]);
  else {
    for (const piece of pieces) {
      steps.push([random.chance(0.2) ? 'drained' : 'write', piece, random.chance(0.5)]);
      idle();
    }
  }
  if (isCorked) steps.push(['uncork']);
  idle();
  const ending = random.next();
  const end = ending < 0.06 ? ['destroy'] : ending < 0.12 ? ['throw'] : ['end', last];
  return {
    status: random.pick(STATUSES),
    reason: random.chance(0.2) ? 'My Reason' : undefined,
    fields: [
      ['X-Plan', random.string(8)],
      ...(random.chance(0.3) ? [['Set-Cookie', ['a=1', 'b=2']]] : []),
      ...(random.chance(0.3) ? [['Content-Type', 'text/plain; charset=utf-8']] : []),
      ...(random.chance(0.35) ? [['Content-Length', String(Buffer.byteLength(body))]] : []),
      ...(random.chance(0.12) ? [['Connection', random.pick(['close', 'Close'])]] : []),
    ],
    ...random.pick([
      {},
      {},
      {},
      {},
      {},
      {},
      { writesHead: true },
      { writesHead: true },
      { writesHead: true },
      { echoes: true },
    ]),
    steps: [...steps, end],
    body,
  };
}

/** What frameworks do with an error: a 500 while that is possible, else a broken connection. */
export async function perform(plan, request, response) {
  try {
    await carryOut(plan, request, response);
  } catch {
    if (response.headersSent) response.destroy();
    else answerFailed(response);
  }
}

function answerFailed(response) {
  // Without Connection, node:http would no longer say close to a client that asked for it.
  for (const name of response.getHeaderNames()) if (name !== 'connection') response.removeHeader(name);
  response.statusCode = 500;
  response.end('failed');
}

async function carryOut(plan, request, response) {
  if (plan.writesHead) response.writeHead(plan.status, plan.reason, Object.fromEntries(plan.fields));
  else {
    response.statusCode = plan.status;
    if (plan.reason !== undefined) response.statusMessage = plan.reason;
    for (const [name, value] of plan.fields) response.setHeader(name, value);
  }
  if (plan.echoes && request.method !== 'HEAD') {
    response.removeHeader('content-length');
    request.pipe(response);
    return;
  }
  for (const [name, ...words] of plan.steps) await STEPS[name](request, response, ...words);
}

const STEPS = {
  turn: () => turn(),
  tick: () => new Promise((resolve) => process.nextTick(resolve)),
  microtask: () => Promise.resolve(),
  pause: () => delay(1),
  hints: (_, response) => void (response.headersSent || response.writeEarlyHints({ link: '</a.css>; rel=preload' })),
  async read(request, response) {
    const chunks = [];
    for await (const chunk of request.iterator({ destroyOnReturn: false })) chunks.push(chunk);
    if (!response.headersSent) response.setHeader('X-Read', String(Buffer.concat(chunks).length));
  },
  flush: (_, response) => void (response.headersSent || response.flushHeaders()),
  cork: (_, response) => response.cork(),
  uncork: (_, response) => response.uncork(),
  write: (_, response, piece, isText) => void response.write(isText ? piece : Buffer.from(piece)),
  async drained(_, response, piece) {
    // Corked, it would wait for ever.
    if (response.write(piece) || response.destroyed || response.writableCorked > 0) return;
    await new Promise((resolve) => response.once('drain', resolve).once('close', resolve));
  },
  pipe: (_, response, pieces) =>
    new Promise((resolve) => {
      const source = Readable.from(pieces.filter((piece) => piece !== ''));
      source.pipe(response, { end: false });
      source.once('end', resolve);
      response.once('close', resolve);
    }),
  destroy: (_, response) => void response.destroy(),
  throw: () => {
    throw new Error('planned');
  },
  end: (_, response, last) => void (last === undefined ? response.end() : response.end(last)),
};

/** @returns {any} the same as a Response. What it cannot express (early hints, corks, errors behind the head) is left out. */
export function respond(plan) {
  const headers = new Headers();
  for (const [name, value] of plan.fields) {
    for (const one of [value].flat()) headers.append(name, one);
  }
  const isNull = plan.status === 204 || plan.status === 304;
  const pieces = plan.steps.flatMap(([name, first]) => (name === 'pipe' ? first : PIECES.has(name) ? [first] : []));
  const stream = new ReadableStream({
    async start(controller) {
      for (const piece of pieces) {
        if (piece !== undefined && piece !== '') controller.enqueue(Buffer.from(piece));
        await turn();
      }
      controller.close();
    },
  });
  return new Response(isNull ? null : stream, { status: plan.status, statusText: plan.reason ?? '', headers });
}

const PIECES = new Set(['write', 'drained', 'end']);
