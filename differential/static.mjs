// Static files: onezero, nginx and Apache serve the same random tree and are asked the same random requests: conditionals,
// ranges, precompressed forms, HEAD, odd names, index files and the redirect to a slash.

import { exchange, field } from './client.mjs';
import { isInstalled, scratchFolder, startApache, startNginx, startOnezero } from './peers.mjs';
import { randomSource } from './random.mjs';
import { EXPLAINED } from './static-explained.mjs';
import { makeTree, OWN_TAG, randomRequest } from './static-requests.mjs';

/** @param {{ seed: number, count?: number, log?: (line: string) => void }} run */
export async function compare({ seed, count = 2000, log = () => undefined }) {
  const random = randomSource(seed);
  const folder = scratchFolder('static');
  const tree = makeTree(random, folder.path);
  const servers = [];
  try {
    servers.push(await startOnezero([folder.path, '--no-listing', '--no-compression']));
    if (isInstalled('nginx'))
      servers.push(await startNginx({ root: folder.path, http: 'gzip_static on; if_modified_since before;' }));
    if (isInstalled('apache2')) servers.push(await startApache({ root: folder.path }));
    const [ours, ...peers] = servers;
    const differences = [];
    let checked = 0;
    for (let number = 0; number < count; number++) {
      const peer = peers[number % peers.length];
      // Apache has no precompressed files without rewrite rules.
      const request = randomRequest(random, tree, peer.name === 'nginx');
      const our = await ask(ours.port, request);
      const their = await ask(peer.port, request);
      checked++;
      const difference = differenceOf(request, our, their);
      if (difference === undefined) continue;
      const reason = EXPLAINED.find(({ applies }) => applies({ request, our, their, peer: peer.name }));
      log(`${reason?.name ?? 'DIFFERENCE'}: ${JSON.stringify({ peer: peer.name, request, ...difference })}`);
      if (reason === undefined) differences.push({ number, peer: peer.name, request, ...difference });
    }
    return { checked, differences };
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
    folder.remove();
  }
}

/** Sends a request in which the place of the entity tag holds the one that this server gives for the same form. */
async function ask(port, request) {
  let { fields } = request;
  if (fields.some(([, value]) => value.includes(OWN_TAG))) {
    const coding = fields.filter(([name]) => name === 'Accept-Encoding');
    const tag = field(await exchange(port, { method: 'HEAD', target: request.target, fields: coding }), 'etag');
    const strong = tag?.replace(/^W\//, '') ?? '"none"';
    fields = fields.map(([name, value]) => [name, value.replaceAll(OWN_TAG, strong)]);
  }
  return exchange(port, { ...request, fields });
}

/** What of two answers is not the same; undefined where all is. */
function differenceOf(request, our, their) {
  const [ours, theirs] = [our, their].map((answer) => essenceOf(request, answer));
  const names = Object.keys(ours).filter((name) => JSON.stringify(ours[name]) !== JSON.stringify(theirs[name]));
  if (names.length === 0) return undefined;
  const shorten = (essence) =>
    Object.fromEntries(['status', ...names].map((name) => [name, JSON.stringify(essence[name])?.slice(0, 200)]));
  return { ours: shorten(ours), theirs: shorten(theirs) };
}

/** What two servers have to agree on, in a form that can be compared. */
function essenceOf(request, answer) {
  const { status, isWhole, ending } = answer;
  const isContent = status === 200 || status === 206;
  const location = field(answer, 'location');
  return {
    status,
    isWhole,
    ending,
    coding: isContent ? field(answer, 'content-encoding') : undefined,
    changed: isContent ? field(answer, 'last-modified') : undefined,
    hasTag: isContent || status === 304 ? field(answer, 'etag') !== undefined : undefined,
    location: location === undefined ? undefined : pathOf(location, request.target),
    ...(status === 206 ? partsOf(answer) : { range: field(answer, 'content-range') }),
    ...(status === 200 ? { length: field(answer, 'content-length'), content: answer.content.toString('base64') } : {}),
  };
}

/** The path and query of a Location, resolved, in one spelling of percent signs. */
function pathOf(location, target) {
  const url = new URL(location, new URL(target, 'http://localhost'));
  const path = url.pathname.split('/').map((name) => encodeURIComponent(decodeURIComponent(name)));
  return path.join('/') + url.search;
}

/** The bytes of a 206 and where they stand, whether or not its parts were merged, and in whichever order they came. */
function partsOf(answer) {
  const boundary = /^multipart\/byteranges; *boundary="?([^"]*)"?/.exec(field(answer, 'content-type') ?? '')?.[1];
  if (boundary === undefined) return coverage([[field(answer, 'content-range'), answer.content]]);
  const text = answer.content.toString('latin1');
  const parts = text.split(`\r\n--${boundary}`).filter((part) => part.includes('\r\n\r\n'));
  return coverage(
    parts.map((part) => {
      const end = part.indexOf('\r\n\r\n');
      const range = /content-range: *(.*)/i.exec(part.slice(0, end))?.[1]?.trim();
      return [range, Buffer.from(part.slice(end + 4), 'latin1')];
    }),
  );
}

/** `{ length, parts }` with the bytes at every position that was sent, as text that can be compared. */
function coverage(parts) {
  const bytes = [];
  for (const [range, content] of parts) {
    const [, first, last, length] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(range ?? '') ?? [];
    if (Number(last) - Number(first) + 1 !== content.length) return { parts: `malformed: ${range}` };
    bytes.length = Number(length);
    content.forEach((byte, index) => (bytes[Number(first) + index] = byte));
  }
  return { parts: bytes.join(',') };
}
