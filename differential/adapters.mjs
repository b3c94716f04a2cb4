// The Node handler in company: @onezero/static/node and serve-static stand in the same Express application, with the same random
// middleware in front and behind, below the same mount, with the same options, and are asked the same random requests.

import { once } from 'node:events';
import { utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { serveStatic as ours } from '@onezero/static/node';
import theirs from 'serve-static';
import { inCompany, randomCompany, randomOptions } from './adapters-company.mjs';
import { EXPLAINED } from './adapters-explained.mjs';
import { exchange, field } from './client.mjs';
import { scratchFolder } from './peers.mjs';
import { randomSource } from './random.mjs';
import { makeTree, OWN_TAG, randomRequest } from './static-requests.mjs';

/** Requests through one company before another is made. */
const REQUESTS_PER_COMPANY = 20;

/** @param {{ seed: number, count?: number, log?: (line: string) => void }} run */
export async function compare({ seed, count = 4000, log = () => undefined }) {
  const random = randomSource(seed);
  const folder = scratchFolder('adapters');
  const tree = makeTree(random, folder.path);
  // Larger than what is kept in memory, so that it is sent piece by piece.
  const large = 'a line of a large file\n'.repeat(120_000);
  writeFileSync(join(folder.path, 'large.txt'), large);
  // Whole seconds: fractions of the last millisecond are rounded one way or the other.
  utimesSync(join(folder.path, 'large.txt'), 1_000_000_000, 1_000_000_000);
  const differences = [];
  let checked = 0;
  try {
    while (checked < count) {
      const company = randomCompany(random);
      const options = randomOptions(random);
      const both = { ...options, fallthrough: !company.isFinal };
      const our = await listen(company.build(ours(folder.path, { compression: false, precompressed: false, ...both })));
      const their = await listen(company.build(theirs(folder.path, both)));
      for (let number = 0; number < REQUESTS_PER_COMPANY && checked < count; number++, checked++) {
        const file = { target: '/large.txt', size: large.length, kind: 'file' };
        const plain = { ...randomRequest(random, tree, true), ...(random.chance(0.02) ? file : {}) };
        const request = inCompany(random, plain, company);
        const answers = { our: await ask(our, request), their: await ask(their, request) };
        const difference = differenceOf(answers);
        if (difference === undefined) continue;
        const facts = {
          request,
          ...answers,
          options,
          company,
          difference,
          theirStatus: Number(difference.theirs.status),
        };
        const reason = EXPLAINED.find(({ applies }) => applies(facts));
        const { names, mount, isFinal } = company;
        const text = JSON.stringify({ ...difference, request, options, company: { names, mount, isFinal } });
        log(`${reason?.name ?? 'DIFFERENCE'}: ${text}`);
        if (reason === undefined)
          differences.push({ number: checked, ...difference, request, options, company: { names, mount, isFinal } });
      }
      our.close();
      their.close();
    }
    return { checked, differences };
  } finally {
    folder.remove();
  }
}

async function listen(app) {
  // Errors that reach the end of an application are answers here, not lines on a terminal.
  app.set('env', 'test');
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** Sends a request with the entity tag that this very server gave. */
async function ask(server, { fields, ...request }) {
  const { port } = server.address();
  if (fields.some(([, value]) => value.includes(OWN_TAG))) {
    const tag = field(await exchange(port, { method: 'HEAD', target: request.target }), 'etag');
    const strong = tag?.replace(/^W\//, '') ?? '"none"';
    fields = fields.map(([name, value]) => [name, value.replaceAll(OWN_TAG, strong)]);
  }
  return exchange(port, { ...request, fields });
}

const COMPARED = [
  'content-type',
  'cache-control',
  'content-encoding',
  'content-range',
  'last-modified',
  'accept-ranges',
  'access-control-allow-origin',
  'access-control-allow-methods',
  'x-own',
  'x-file',
  'allow',
];

/** What of two answers is not the same; undefined where all is. */
function differenceOf({ our, their }) {
  const [ours, theirs] = [essenceOf(our), essenceOf(their)];
  // A tag set in front of serve-static stays strong whatever is done to the content.
  if (theirs.isStrongAndCoded) theirs.isStrongAndCoded = false;
  const names = Object.keys({ ...ours, ...theirs }).filter((name) => ours[name] !== theirs[name]);
  if (names.length === 0) return undefined;
  const shorten = (essence) =>
    Object.fromEntries(['status', ...names].map((name) => [name, String(essence[name]).slice(0, 120)]));
  return { names, ours: shorten(ours), theirs: shorten(theirs) };
}

function essenceOf(answer) {
  const { isWhole, ending } = answer;
  // What serve-static passes on as an error ends in the handler that was put there for it.
  const passedOn = /^error (\d{3})$/.exec(answer.status === 598 ? decoded(answer).toString() : '')?.[1];
  const status = Number(passedOn ?? answer.status);
  const whole = { status, isWhole, ending };
  if (status >= 400 && !(answer.status === 404 && field(answer, 'last-modified') !== undefined)) return whole;
  const location = field(answer, 'location');
  if (location !== undefined) return { ...whole, location: spelled(new URL(location, 'http://a/')) };
  const fields = Object.fromEntries(COMPARED.map((name) => [name, field(answer, name)?.toLowerCase()]));
  const vary = (field(answer, 'vary') ?? '').toLowerCase().split(/,\s*/).filter(Boolean).toSorted().join(', ');
  // Of a 304 only what a cache has to know counts (RFC 9110 §15.4.5).
  const unmodified = { 'last-modified': undefined, 'accept-ranges': undefined };
  return {
    ...whole,
    ...fields,
    vary,
    hasTag: field(answer, 'etag') !== undefined,
    // serve-static's tags are weak throughout; two codings must not share a strong one (RFC 9110 §8.8.3).
    isStrongAndCoded:
      field(answer, 'accept-ranges') !== undefined &&
      field(answer, 'content-encoding') !== undefined &&
      field(answer, 'etag')?.startsWith('"') === true,
    content: decoded(answer).toString('latin1'),
    ...(status === 304 ? unmodified : {}),
  };
}

/** A path in one spelling of percent signs. */
function spelled({ pathname, search }) {
  return (
    pathname
      .split('/')
      .map((name) => encodeURIComponent(decodeURIComponent(name)))
      .join('/') + search
  );
}

function decoded(answer) {
  const decode = { gzip: gunzipSync, br: brotliDecompressSync, deflate: inflateSync }[
    field(answer, 'content-encoding')
  ];
  return decode === undefined || answer.content.length === 0 ? answer.content : decode(answer.content);
}
