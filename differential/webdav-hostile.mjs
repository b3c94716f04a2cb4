// A drive asked by nobody's client: names, Destination and If fields, Depth, and XML as they should be, and now and then as they
// should not. Each request gets a whole answer that is no failure of the server; each multistatus is XML; nothing outside the
// folder or hidden in it is read or changed; and now and then each listing is what the disk has, and each name in it leads there.
//
// There is no peer: on odd requests mod_dav and ours differ for good reasons each time, and `webdav` compares the others.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { readXml } from '../packages/webdav/build/xml/reader.js';
import { exchange, field } from './client.mjs';
import { scratchFolder } from './peers.mjs';
import { ODD_NAMES, randomSource } from './random.mjs';

const LISTED_EVERY = 50;

/** Statuses of 5xx that are answers: Destination is elsewhere, no room, another version. */
const ANSWERS = new Set([502, 505, 507]);

const METHODS =
  'PUT PUT PUT MKCOL MKCOL DELETE COPY COPY MOVE MOVE PROPFIND PROPFIND PROPPATCH LOCK UNLOCK GET HEAD OPTIONS'.split(
    ' ',
  );

const TAME_NAMES = [
  'a',
  'b',
  'é',
  'e\u0301',
  'x y',
  'd',
  'sub',
  'A',
  '%',
  ';',
  '#',
  'x'.repeat(250),
  '...',
  'a&b',
  '<q>',
];
const WILD_NAMES = [
  ...ODD_NAMES,
  '..',
  '.',
  '%2f',
  '%5c',
  '..%2f..',
  '%00',
  '%ff',
  '%c3%28',
  '\u0001',
  '\u007f',
  '\u0085',
  'x'.repeat(255),
  'x'.repeat(256),
  'é'.repeat(127),
  'é'.repeat(128),
  '.private',
  '.onezero-webdav',
  '.ONEZERO-webdav',
  '.DAV',
  'link',
  'linked',
  'a.',
  ' a',
  '\u202e',
  '\ufeff',
  '\uffff',
  '%2',
  '%zz',
  '__proto__',
  'constructor',
  '--help',
];

/** @param {{ seed: number, count?: number, log?: (line: string) => void }} run */
export async function compare({ seed, count = 1000, log = () => undefined }) {
  const random = randomSource(seed);
  const folder = scratchFolder('webdav-hostile');
  const root = join(folder.path, 'root');
  prepare(folder.path, root);
  const engine = random.pick(['engine', 'node']);
  const child = spawn(process.execPath, [join(import.meta.dirname, 'webdav-server.mjs'), root, engine], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const gone = once(child, 'exit');
  const differences = [];
  let checked = 0;
  try {
    const [line] = await once(createInterface(child.stdout), 'line');
    const world = { random, root, top: folder.path, port: Number(line), tokens: [], asked: undefined };
    const report = (kind, details) => differences.push({ kind, engine, checked, asked: world.asked, ...details });
    for (; checked < count && differences.length < 10; checked++) {
      world.asked = randomRequest(world, checked);
      const answer = await exchange(world.port, world.asked);
      log(`${answer.status} ${JSON.stringify(world.asked)}`);
      judge(world, answer, report);
      if (checked % LISTED_EVERY === LISTED_EVERY - 1) await judgeListing(world, '', '/', report);
      if (checked % (4 * LISTED_EVERY) === 0) tidy(root);
    }
  } finally {
    child.kill('SIGKILL');
    await gone;
    folder.remove();
  }
  return { checked, differences };
}

function prepare(top, root) {
  mkdirSync(join(root, 'd/sub'), { recursive: true });
  mkdirSync(join(root, '.private'));
  mkdirSync(join(top, 'outside'));
  for (const path of ['outside/x', 'root/.private/x']) writeFileSync(join(top, path), 'secret');
  symlinkSync('../outside', join(root, 'link'));
  symlinkSync('../outside/x', join(root, 'linked'));
}

function tidy(root) {
  for (const name of readdirSync(root))
    if (!name.startsWith('.') && !name.startsWith('link')) rmSync(join(root, name), { recursive: true });
  mkdirSync(join(root, 'd/sub'), { recursive: true });
}

function judge({ top, tokens }, answer, report) {
  const { status, ending, isWhole, content } = answer;
  if (status === 0 || ending !== 'end' || !isWhole || (status >= 500 && !ANSWERS.has(status)))
    report('no answer', { status, ending, isWhole, content: content.toString().slice(0, 200) });
  if (content.includes('secret')) report('a secret', { status });
  for (const path of ['outside', 'root/.private'])
    if (readdirSync(join(top, path)).join() !== 'x' || readFileSync(join(top, path, 'x'), 'utf8') !== 'secret')
      report('changed outside', { path });
  if (status === 207) hrefsIn(content, report);
  const token = /<([^>]+)>/.exec(field(answer, 'lock-token') ?? '')?.[1];
  if (token !== undefined) tokens.push(token);
  if (tokens.length > 40) tokens.splice(0, 20);
}

function hrefsIn(content, report) {
  try {
    const responses = readXml(content).children.filter((child) => child.name === 'response');
    return responses.map(({ children }) => children.find(({ name }) => name === 'href').children.join(''));
  } catch (error) {
    report('no XML', { message: error.message, content: content.toString().slice(0, 500) });
    return [];
  }
}

async function judgeListing(world, path, target, report) {
  const { root, port } = world;
  const fields = [
    ['Depth', '1'],
    ['Content-Length', '0'],
  ];
  const answer = await exchange(port, { method: 'PROPFIND', target, fields, content: '' });
  if (answer.status !== 207) {
    report('no listing', { target, status: answer.status });
    return;
  }
  const nameIn = (href) => decodeURIComponent(href.replace(/\/$/, '').split('/').at(-1));
  const hrefs = hrefsIn(answer.content, report).slice(1);
  const there = readdirSync(join(root, path)).filter((name) => !name.startsWith('.') && !name.startsWith('link'));
  const listed = hrefs.map(nameIn);
  if (JSON.stringify(there.toSorted()) !== JSON.stringify(listed.toSorted()))
    report('another listing', { there, listed });
  for (const href of hrefs) {
    const place = join(path, nameIn(href));
    if (statSync(join(root, place)).isDirectory()) {
      if (!href.endsWith('/')) report('a collection without a slash', { href });
      await judgeListing(world, place, href, report);
      continue;
    }
    const { status, content } = await exchange(port, { target: href });
    if (status !== 200 || !content.equals(readFileSync(join(root, place)))) report('another file', { href, status });
  }
}

function randomRequest(world, number) {
  const { random, tokens } = world;
  const isWild = () => random.chance(0.15);
  const method = random.pick(METHODS);
  const target = pathOf(random, isWild()).replaceAll(' ', random.pick(['%20', ' ']));
  const fields = [];
  const add = (name, values, wild = values) => fields.push([name, random.pick(isWild() ? wild : values)]);
  if (method === 'COPY' || method === 'MOVE') fields.push(['Destination', destinationOf(random, isWild(), isWild())]);
  if (random.chance(0.2)) add('Overwrite', ['T', 'F'], ['t', 'X', '']);
  if (random.chance(0.5)) add('Depth', method === 'PROPFIND' ? ['0', '1'] : ['0', 'infinity'], ['2', '', '0,1', '-1']);
  if (random.chance(0.25)) fields.push(['If', ifOf(world, isWild())]);
  if (method === 'UNLOCK') add('Lock-Token', [...tokens.map((one) => `<${one}>`), '<urn:uuid:1>'], ['x', '', '<>']);
  if (method === 'LOCK')
    add('Timeout', ['Second-1'], ['Infinite', 'Second-99999999999999999999', 'x', '', 'Second--1']);
  if (random.chance(0.1)) add('If-Match', ['*', '"x"'], ['x', '']);
  if (random.chance(0.05)) add('Content-Range', ['bytes 0-0/2'], ['x']);
  const content = contentOf(random, method, isWild(), number);
  if (content !== '' || method === 'PUT') fields.push(['Content-Length', String(Buffer.byteLength(content))]);
  return { method, target, fields, content };
}

function pathOf(random, isWild) {
  if (!isWild) {
    const names = Array.from({ length: random.pick([1, 1, 2]) }, () =>
      encodeURIComponent(random.pick(random.chance(0.6) ? ['a', 'b', 'd', 'é'] : TAME_NAMES)),
    );
    return random.pick(['/', '/', '/d/', '/d/sub/']) + names.join('/') + random.pick(['', '', '/']);
  }
  const start = random.pick([
    '/',
    '/',
    '//',
    '/./',
    '/d/',
    '/d/../',
    '/d//',
    '/%64/',
    '/link/',
    '/.private/',
    '/a/',
    '',
  ]);
  const names = Array.from({ length: random.int(1, 3) }, () => spelling(random, random.pick(WILD_NAMES)));
  const between = random.pick(['/', '/', '//', '%2f', '/./', '/../', '\\']);
  return start + names.join(between) + random.pick(['', '', '/', '//', '/.', '/..', '?x=y', '#f', ';p=1']);
}

/** A name as a client may write it; never with the end of a line. */
function spelling(random, name) {
  const bytes = Buffer.from(name);
  const all = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  return random.pick([encodeURIComponent(name), all, bytes.toString('latin1').replaceAll(/[\r\n]/g, '%0a')]);
}

function destinationOf(random, isWildHost, isWildPath) {
  const hosts = [
    '',
    'http://LOCALHOST',
    'https://localhost',
    'http://other',
    '//localhost',
    'ftp://localhost',
    'http://u:p@localhost',
  ];
  const host = isWildHost
    ? random.pick([...hosts, 'http://[::1]', 'http://', 'localhost', 'mailto:x', '<http://localhost'])
    : 'http://localhost';
  return host + pathOf(random, isWildPath) + (isWildHost ? random.pick(['', '', ' ', '>', ', /b']) : '');
}

function ifOf({ random, tokens }, isWild) {
  const known = tokens.length === 0 ? '(Not <x:y>)' : `(<${random.pick(tokens)}>)`;
  if (!isWild) return random.pick(['(Not <a:b>)', '(<a:b>) (Not <c:d>)', known, `${known} (Not <a:b>)`]);
  const parts = [
    '<urn:uuid:1>',
    '<>',
    '<a b>',
    '["x"]',
    '[W/"x"]',
    '[x]',
    'Not <a:b>',
    'not <a:b>',
    'Not Not <a:b>',
    '(',
    '<',
    '"',
    '<a:b',
    'Not',
    '*',
    ',',
  ];
  const list = () =>
    random.pick(['', '', '<http://localhost/a> ', '</a> ', '<b> ', '<http://other/a> ', '<> ']) +
    random.pick(['(', '(', '']) +
    Array.from({ length: random.int(0, 3) }, () => random.pick(parts)).join(random.pick([' ', ''])) +
    random.pick([')', ')', '']);
  return Array.from({ length: random.pick([1, 1, 2, 30]) }, list).join(random.pick([' ', '', ',']));
}

const VALUES = [
  '',
  'x',
  'a &amp; b',
  '&#1;',
  '&#x0;',
  '&#xD800;',
  '&#x10FFFF;',
  '&bogus;',
  '<![CDATA[<x>]]>',
  '<!-- c -->',
  '<?pi x?>',
  '\u0001',
  '😀',
  '<t:y/>',
  '<t:y xml:lang="de">q</t:y>',
  '<x xmlns="urn:y" a="1"/>',
  '<y a="1" a="2"/>',
  '<p:q xmlns:p="urn:1" p:a="&#10;"/>',
  ']]>',
  '<a>',
];

function contentOf(random, method, isWild, number) {
  if (method === 'PUT') return `content ${number}`;
  const value = random.pick(VALUES);
  const asked = {
    PROPFIND: '<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>',
    PROPPATCH: `<D:propertyupdate xmlns:D="DAV:" xmlns:t="urn:t"><D:set><D:prop><t:p>${value}</t:p></D:prop></D:set></D:propertyupdate>`,
    LOCK: `<D:lockinfo xmlns:D="DAV:" xmlns:t="urn:t"><D:lockscope><D:${random.pick(['shared', 'exclusive'])}/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner>${value}</D:owner></D:lockinfo>`,
  }[method];
  if (asked === undefined) return isWild && random.chance(0.2) ? 'x' : '';
  if (!isWild) return asked;
  const start = random.pick([
    '',
    '<?xml version="1.1"?>',
    '<?xml version="1.0" encoding="latin1"?>',
    '\ufeff',
    '<!DOCTYPE x>',
    'x',
  ]);
  const text = start + asked + random.pick(['', ' ', 'x', '<y/>']);
  return random.chance(0.3) ? text.slice(0, random.int(0, text.length)) : text;
}
