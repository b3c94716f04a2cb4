// Node applications: random ones run under node:http and through `nodeResponder` and `fetchResponder`, and random clients must
// not be able to tell which. The applications must be told of clients that leave under ours as under node:http.

import { createServer as createHttpServer } from 'node:http';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { createServer, fetchResponder, nodeResponder } from '@onezero/server';
import { perform, randomPlan, respond } from './node-applications.mjs';
import { randomVisit, visit } from './node-client.mjs';
import { randomSource } from './random.mjs';

/** How many clients are there at once. */
const AT_ONCE = 16;

/** @param {{ seed: number, count?: number, log?: (line: string) => void }} run */
export async function compare({ seed, count = 2000, log = () => undefined }) {
  const servers = await startServers();
  const differences = [];
  let checked = 0;
  const one = async (number) => {
    // Each case has a source of its own, so that it is the same whatever its neighbours do.
    const random = randomSource(seed * 1_000_003 + number);
    const isFetch = number % 4 === 0;
    const plans = Array.from({ length: random.int(1, 3) }, () => randomPlan(random));
    const plan = randomVisit(random, plans);
    const ours = isFetch ? servers.fetch : servers.node;
    const [theirs, our] = await Promise.all(
      [servers.http, ours].map((server) => server.serve(plans, plan, randomSource(number + seed))),
    );
    checked += 1;
    const difference = differenceOf(plans, plan, theirs, our, isFetch);
    if (difference === undefined) return;
    log(JSON.stringify({ number, isFetch, difference, plan: brief(plan) }, undefined, 1));
    const asked = plan.requests.map(({ method, version, connection, content, isChunked }) =>
      [method, version, connection, content?.length, isChunked && 'chunked'].filter(Boolean).join(' '),
    );
    differences.push({ number, isFetch, asked, isPipelined: plan.isPipelined, ...difference });
  };
  try {
    for (let number = 0; number < count; number += AT_ONCE) {
      await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - number) }, (_, index) => one(number + index)));
    }
    for (const server of [servers.node, servers.fetch]) {
      const waiting = await server.unfinished();
      if (waiting.length > 0) differences.push({ server: server.name, unfinished: waiting });
    }
    return { checked, differences };
  } finally {
    for (const server of Object.values(servers)) await Promise.resolve(server.stop());
  }
}

/** The three servers; each knows the plans it is asked for by their numbers. */
async function startServers() {
  const http = new Served('node:http');
  const httpServer = createHttpServer({ keepAliveTimeout: 0 }, (request, response) => {
    void http.perform(request, response);
  });
  httpServer.listen(0, '127.0.0.1');
  await once(httpServer, 'listening');
  http.port = httpServer.address().port;
  http.stop = () => {
    httpServer.closeAllConnections();
    httpServer.close();
  };
  const node = new Served('nodeResponder');
  await start(
    node,
    nodeResponder((request, response) => node.perform(request, response)),
  );
  const fetch = new Served('fetchResponder');
  await start(
    fetch,
    fetchResponder((request) => fetch.respond(request)),
  );
  return { http, node, fetch };
}

async function start(served, responder) {
  const server = createServer({ serverField: false, onError: () => undefined, routes: [{ responder }] });
  const [{ port }] = await server.listen({ port: 0, host: '127.0.0.1' });
  served.port = port;
  served.stop = () => server.close({ graceMs: 0 });
}

let numbers = 0;

class Served {
  port = 0;
  stop = () => undefined;
  #plans = new Map();
  #open = new Map();

  constructor(name) {
    this.name = name;
  }

  perform(request, response) {
    const number = Number(request.headers['x-number']);
    this.#open.set(number, request.method);
    response.once('close', () => this.#open.delete(number));
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    return perform(this.#plans.get(number), request, response);
  }

  async respond(request) {
    const plan = this.#plans.get(Number(request.headers.get('x-number')));
    if (plan.steps.some(([step]) => step === 'read')) await request.arrayBuffer();
    return respond(plan);
  }

  /** Requests of which the application has not been told that they are over, when everything had time to be. */
  async unfinished() {
    for (let times = 0; times < 400 && this.#open.size > 0; times++) await delay(50);
    return [...this.#open.keys()];
  }

  serve(plans, plan, random) {
    const own = plans.map((one) => {
      numbers += 1;
      this.#plans.set(numbers, one);
      return numbers;
    });
    return visit(this.port, plan, random, own);
  }
}

function differenceOf(plans, { requests }, theirs, our, isFetch) {
  // After it has left, nothing can be compared but that the applications were told; `unfinished` looks after that.
  if (theirs.ending === 'left' || our.ending === 'left') return undefined;
  if (theirs.ending === 'silence' && our.ending === 'silence') return { silent: true };
  if (isFetch && plans.some((one, index) => isOutsideFetch(one, requests[index]))) return undefined;
  const [expected, found] = [theirs, our].map(({ reports, ending }) => ({
    ending,
    responses: reports.map((report, index) => essenceOf(report, requests[index], plans[index], isFetch)),
  }));
  // An application that closes its connection in the middle is a failure of ours, which is answered 500 while that is
  // possible; under node:http nothing comes.
  const broken = plans.findIndex(({ steps, echoes }, index) => {
    const failsEarly = expected.responses[index]?.content === 'failed';
    const isEcho = echoes && requests[index].method !== 'HEAD';
    return !isEcho && (steps.at(-1)[0] === 'destroy' || (steps.at(-1)[0] === 'throw' && !failsEarly));
  });
  if (broken >= 0) {
    const rest = [expected, found].map(({ responses }) => responses[broken]);
    // Only the last chunk can claim that a response is whole which is not.
    const claims = rest[1]?.framing === 'chunked' && rest[1].isWhole && rest[1].status !== 500;
    if (rest[0]?.isWhole === false && claims) return { looksWhole: rest };
    for (const side of [expected, found]) {
      side.ending = side.responses.length < broken ? side.ending : 'broken';
      side.responses = side.responses.slice(0, broken);
    }
  }
  // On a kept connection node:http may write early hints behind the head of the response, where they are content.
  if (expected.responses.some(({ content }) => content.includes('HTTP/1.1 103 Early Hints'))) return undefined;
  // node:http resets a connection with unread bytes of a request, this one or the next, and the end of the response goes with it.
  for (const [index, { framing, content, isWhole, persistent }] of expected.responses.entries()) {
    const whole = found.responses[index];
    const hasUnread = requests[index].content || index < requests.length - 1;
    if (!isWhole && whole?.isWhole && whole.content.startsWith(content) && hasUnread) return undefined;
    const endsWithConnection = framing === 'close' || (framing === undefined && !persistent);
    if (endsWithConnection && whole?.content.startsWith(content)) expected.responses[index].content = whole.content;
  }
  return JSON.stringify(expected) === JSON.stringify(found)
    ? undefined
    : { expected: brief(expected), found: brief(found) };
}

/**
 * Errors, early hints and echoes are another thing there. What has no content lives on over 1.0 here, since its end is known;
 * node:http closes.
 */
function isOutsideFetch({ steps, echoes, status }, { version, connection }) {
  if (version === '1.0' && connection === 'keep-alive' && (status === 204 || status === 304)) return true;
  return echoes || steps.some(([name]) => name === 'hints' || name === 'throw' || name === 'destroy');
}

/** What a client can tell of a response, but for what both servers are free to say. */
function essenceOf({ head, framing, persistent, chunks, interim, isWhole }, request, plan, isFetch) {
  const fields = head.fields
    .filter(([name]) => !FREE.has(name))
    // 204 has no length (RFC 9110 §8.6); node:http lets applications say one.
    .filter(([name]) => head.status !== 204 || name !== 'content-length')
    // The length that HEAD has is that of GET; node:http says none for what it would send in chunks.
    .map(([name, value]) => `${name}: ${value}`)
    .sort();
  const content = Buffer.concat(chunks).toString('latin1');
  return {
    status: head.status,
    reason: isFetch && plan.reason === undefined ? undefined : head.reason,
    fields: isFetch ? fields.filter((line) => isOfFetch(line, plan)) : fields,
    // A stream has no length unless it is said, while node:http counts what is there when it ends.
    framing: isFetch && !hasLength(plan) ? undefined : framing,
    persistent,
    // Clients of 1.0 get none from us (RFC 9110 §15.2).
    interim: request.version === '1.0' || isFetch ? [] : interim,
    isWhole,
    content,
  };
}

function isOfFetch(line, plan) {
  return !/^(?:x-read|content-type)/.test(line) && (hasLength(plan) || !line.startsWith('content-length'));
}

function hasLength({ fields }) {
  return fields.some(([name]) => name === 'Content-Length');
}

const FREE = new Set(['date', 'connection', 'keep-alive', 'transfer-encoding', 'trailer']);

function brief(value) {
  return JSON.parse(
    JSON.stringify(value, (_, inner) =>
      typeof inner === 'string'
        ? `${inner.slice(0, 80)}${inner.length > 80 ? `… ${inner.length} ${inner.slice(-20)}` : ''}`
        : inner,
    ),
  );
}
