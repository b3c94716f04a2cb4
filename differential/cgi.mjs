// CGI: onezero and Apache's mod_cgid run the same random scripts for the same random requests: outputs, pauses, exits,
// redirects, conditionals, odd paths and methods, content of every size. The environment that scripts get is compared whole.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { EXPLAINED } from './cgi-explained.mjs';
import { compilePlayer, putScript, randomScript } from './cgi-scripts.mjs';
import { exchange, field } from './client.mjs';
import { isInstalled, scratchFolder, startApache, startOnezero } from './peers.mjs';
import { randomSource } from './random.mjs';

const SCRIPTS = 60;
/** Prints the environment; the second answers local redirects. */
const ENVIRONMENT = `#!/usr/bin/python3 -I
import os, sys
body = b'\\0'.join(sorted(name + b'=' + value for name, value in os.environb.items()))
sys.stdout.buffer.write(b'Content-Type: text/plain\\n\\n' + body)
`;
const ECHO = `#!/usr/bin/python3 -I
import os, sys
body = sys.stdin.buffer.read(int(os.environ.get('CONTENT_LENGTH') or 0))
sys.stdout.buffer.write(b'Content-Type: application/octet-stream\\n\\n' + body)
`;
const FIXED = '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\nfixed $REQUEST_METHOD $QUERY_STRING"\n';

/** @param {{ seed: number, count?: number, log?: (line: string) => void }} run */
export async function compare({ seed, count = 1000, log = () => undefined }) {
  if (!isInstalled('apache2')) return { checked: 0, differences: [] };
  const random = randomSource(seed);
  const folder = scratchFolder('cgi');
  const scripts = makeScripts(random, folder.path);
  const servers = [];
  try {
    servers.push(
      await startOnezero([join(folder.path, 'site'), '--cgi-bin', join(folder.path, 'cgi-bin'), '--no-listing']),
    );
    servers.push(await startPeer(folder.path));
    const [ours, theirs] = servers;
    const differences = [];
    for (let number = 0; number < count; number++) {
      const request = randomRequest(random, scripts);
      const [our, their] = await Promise.all([exchange(ours.port, request), exchange(theirs.port, request)]);
      const difference = differenceOf(request, our, their);
      if (difference === undefined) continue;
      const script = scripts.get(request.script);
      const reason = EXPLAINED.find(({ applies }) => applies({ request, script, our, their }));
      const report = {
        number,
        request: shown(request),
        script: script && { ...script, steps: undefined },
        ...difference,
      };
      log(`${reason?.name ?? 'DIFFERENCE'}: ${JSON.stringify(report)}`);
      if (reason === undefined) differences.push(report);
    }
    return { checked: count, differences };
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
    folder.remove();
  }
}

function startPeer(folder) {
  return startApache({
    modules: ['alias', 'env', 'cgid', 'unixd'],
    root: join(folder, 'site'),
    directives: `ScriptSock ${join(folder, 'cgid.sock')}
ScriptAlias /cgi-bin/ ${join(folder, 'cgi-bin')}/
AllowEncodedSlashes NoDecode
HttpProtocolOptions Strict
<Directory "${join(folder, 'cgi-bin')}">
  Require all granted
</Directory>`,
  });
}

function makeScripts(random, folder) {
  const bin = join(folder, 'cgi-bin');
  mkdirSync(bin);
  mkdirSync(join(folder, 'site'));
  const player = compilePlayer(folder);
  const scripts = new Map();
  for (let index = 0; index < SCRIPTS; index++) {
    const script = randomScript(random);
    scripts.set(`s${index}`, script);
    putScript(bin, `s${index}`, script, player);
  }
  for (const [name, text] of Object.entries({ environment: ENVIRONMENT, echo: ECHO, fixed: FIXED })) {
    writeFileSync(join(bin, name), text, { mode: 0o755 });
  }
  writeFileSync(join(bin, 'not-executable'), FIXED, { mode: 0o644 });
  mkdirSync(join(bin, 'folder'));
  return scripts;
}

const METHODS = [
  'GET',
  'GET',
  'GET',
  'GET',
  'HEAD',
  'POST',
  'POST',
  'PUT',
  'DELETE',
  'PATCH',
  'PROPFIND',
  'REPORT',
  'MKCOL',
];
const FIELDS = [
  ['Cookie', 'a=1'],
  ['Cookie', 'b=2'],
  ['Accept', 'text/html'],
  ['Accept', 'text/plain;q=0.5'],
  ['User-Agent', 'differential'],
  ['X-Custom', 'value'],
  ['X_Under', 'score'],
  ['Proxy', 'http://evil/'],
  ['Authorization', 'Basic YTpi'],
  ['X-Latin', 'caf\xe9'],
  ['X-Empty', ''],
  ['Content-Type', 'text/odd; a=b'],
  ['If-None-Match', '"v1"'],
  ['If-None-Match', '"v0"'],
  ['If-Modified-Since', 'Sat, 28 Nov 2026 10:00:00 GMT'],
  ['If-Modified-Since', 'Sat, 28 Nov 2020 10:00:00 GMT'],
  ['TE', 'trailers'],
  ['Keep-Alive', '5'],
  ['Referer', 'http://localhost/x'],
];

function randomRequest(random, scripts) {
  const script = random.chance(0.55)
    ? random.pick([...scripts.keys()])
    : random.pick(['environment', 'environment', 'echo', 'fixed', 'not-executable', 'folder', 'missing']);
  const method = random.pick(METHODS);
  const content = hasContent(random, method)
    ? random.bytes(random.length(random.pick([10, 3000, 100_000])))
    : undefined;
  const fields = withoutTwins(random.some(FIELDS, 0.12));
  const chunked = content !== undefined && random.chance(0.3);
  if (content !== undefined)
    fields.push(chunked ? ['Transfer-Encoding', 'chunked'] : ['Content-Length', String(content.length)]);
  return {
    script,
    method,
    target: `/cgi-bin/${script}${pathInfo(random)}${query(random)}`,
    version: chunked || random.chance(0.8) ? '1.1' : '1.0',
    fields,
    content: chunked ? inChunks(random, content) : (content ?? ''),
  };
}

const hasContent = (random, method) =>
  /^(?:POST|PUT|PATCH|REPORT|PROPFIND)$/.test(method) ? random.chance(0.8) : random.chance(0.03);

/** Servers read two fields of one name that may come once in their own ways. */
function withoutTwins(fields) {
  return fields.filter(
    ([name], index) =>
      name === 'Cookie' || name === 'Accept' || fields.findIndex(([other]) => other === name) === index,
  );
}

function inChunks(random, content) {
  const parts = random.cut(content).filter((part) => part.length > 0);
  const chunks = parts.map((part) =>
    Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')]),
  );
  return Buffer.concat([...chunks, Buffer.from('0\r\n\r\n')]);
}

function pathInfo(random) {
  if (random.chance(0.6)) return '';
  const segments = Array.from({ length: random.int(1, 3) }, () =>
    random.pick([
      '',
      'a',
      'a%20b',
      'caf%C3%A9',
      '%25',
      '%2e',
      '..',
      '.',
      'x;y=1',
      'a+b',
      "it's",
      '~',
      'a%3Fb',
      'a%23b',
      '%41',
    ]),
  );
  return `/${segments.join('/')}`;
}

function query(random) {
  if (random.chance(0.6)) return '';
  return `?${random.pick(['', 'a=b', 'a=b&c=%20', 'no-equals', 'a+b', '%ff', 'x=caf%C3%A9', "it's=1", 'a=b?c', '-s'])}`;
}

const shown = ({ content, ...request }) => ({ ...request, content: content.length });

/** What of two answers is not the same; undefined where all is. */
function differenceOf(request, our, their) {
  const [ours, theirs] = [our, their].map((answer) => essenceOf(request, answer));
  const names = Object.keys({ ...ours, ...theirs }).filter(
    (name) => JSON.stringify(ours[name]) !== JSON.stringify(theirs[name]),
  );
  if (names.length === 0) return undefined;
  const shorten = (essence) =>
    Object.fromEntries(['status', ...names].map((name) => [name, JSON.stringify(essence[name])?.slice(0, 300)]));
  return { ours: shorten(ours), theirs: shorten(theirs) };
}

const COMPARED = [
  'content-type',
  'set-cookie',
  'etag',
  'last-modified',
  'cache-control',
  'x-one',
  'x-two',
  'x-empty',
  'x-lower',
  'x-latin',
  'content-language',
  'vary',
  'content-disposition',
];

/** What two servers have to agree on. Errors have pages of their own, and 5xx differs in the number only. */
function essenceOf(request, answer) {
  const { status, isWhole, ending } = answer;
  if (status >= 500 || status === 0) return { status: status === 0 ? 0 : '5xx' };
  if (isServersPage(answer)) return { status };
  const base = { status, isWhole, ending, location: locationOf(answer) };
  const fields = Object.fromEntries(COMPARED.map((name) => [name, field(answer, name)]));
  const content =
    request.script === 'environment' && status === 200 && request.method !== 'HEAD'
      ? environmentOf(answer)
      : { content: answer.content.toString('base64') };
  return { ...base, ...fields, ...content };
}

/** The pages of the two servers. For HEAD there is nothing to see, and a script's error looks the same. */
const isServersPage = ({ status, content }) =>
  status >= 400 &&
  (content.length === 0 || /^(?:<!doctype html[ >]|\d{3} [A-Z]|\{"type")/i.test(content.toString('latin1')));

const locationOf = (answer) => field(answer, 'location')?.replace(/^http:\/\/localhost(?::\d+)?/, '');

/** Variables that say which server, which port and where it is. */
const OWN =
  /^(?:SERVER_SOFTWARE|SERVER_SIGNATURE|SERVER_PORT|REMOTE_PORT|UNIQUE_ID|PATH|CONTEXT_PREFIX|CONTEXT_DOCUMENT_ROOT|SERVER_ADMIN|LC_CTYPE|REDIRECT_STATUS)=/;
/** What concerns one connection only. */
const HOP = /^HTTP_(?:CONNECTION|KEEP_ALIVE|TE|TRANSFER_ENCODING)=/;

function environmentOf({ content }) {
  const lines = content
    .toString('latin1')
    .split('\0')
    .filter((line) => !OWN.test(line) && !HOP.test(line));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}
