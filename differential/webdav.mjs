// WebDAV: the same random operations on equal random trees, to `@onezero/webdav` and to Apache's mod_dav. After each operation both
// answers are compared (status, and of a multistatus what it says of each resource), and both trees, with all content, dead
// properties and locks. Where a difference is explained and leaves the trees unlike, the sequence ends there and the next begins.

import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { webdav } from '@onezero/webdav/node';
import { readXml } from '../packages/webdav/build/xml/reader.js';
import { exchange, field } from './client.mjs';
import { isInstalled, scratchFolder, startApache } from './peers.mjs';
import { ODD_NAMES, randomSource } from './random.mjs';
import { EXPLAINED, TOO_DEEP } from './webdav-explained.mjs';

const OPERATIONS_OF_A_TREE = 30;

/** Deeper than what copies of copies make in so many operations, unless a copy goes on in what it has made. */
const MAX_DEPTH = 64;

/** @param {{ seed: number, count?: number, log?: (line: string) => void }} run */
export async function compare({ seed, count = 1000, log = () => undefined }) {
  if (!isInstalled('apache2') || !existsSync('/usr/lib/apache2/modules/mod_dav_fs.so'))
    return { checked: 0, differences: [] };
  const random = randomSource(seed);
  const ours = scratchFolder('webdav');
  const theirs = scratchFolder('webdav');
  const locks = scratchFolder('webdav');
  for (const { path } of [ours, theirs, locks]) giveAway(path);
  const server = createServer(webdav({ root: ours.path, fsync: false }));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const apache = await startApache({
    modules: ['dav', 'dav_fs'],
    root: theirs.path,
    directives: `DavLockDB ${locks.path}/locks\n<Directory "${theirs.path}">\nDav On\nDirectoryIndex disabled\nDirectorySlash Off\n</Directory>\nAllowEncodedSlashes NoDecode`,
  });
  const sides = [
    { port: server.address().port, root: ours.path },
    { port: apache.port, root: theirs.path },
  ];
  const differences = [];
  let checked = 0;
  try {
    for (let tree = 0; checked < count; tree++) {
      checked += await compareOnTree({ random, sides, tree, log, report: (one) => differences.push(one) });
      if (differences.length > 20) break;
    }
  } finally {
    await apache.stop();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    for (const folder of [ours, theirs, locks]) folder.remove();
  }
  return { checked, differences };
}

/** Apache's children run as another user. */
function giveAway(path) {
  chmodSync(path, 0o777);
  if (process.getuid?.() === 0) chownSync(path, 33, 33);
}

async function compareOnTree({ random, sides, tree, log, report }) {
  const top = `t${tree}`;
  const names = treeNames(random);
  const folders = makeTrees(random, sides, top, names);
  const world = { random, top, names, folders, tokens: [], sides };
  let before = await stateOf(sides[0], top);
  for (let done = 1; done <= OPERATIONS_OF_A_TREE; done++) {
    const request = randomRequest(world);
    request.isLink = isLink(join(sides[0].root, top, ...request.path));
    request.links = linksIn(join(sides[0].root, top, ...request.path));
    request.hasLinks = [request.path, request.destination ?? request.path].some((path) =>
      holdsLinks(join(sides[0].root, top, ...path)),
    );
    request.isLost = [request.path, request.destination ?? []].some((path) =>
      leadsNowhere(join(sides[0].root, top), path),
    );
    const answers = [];
    for (const [index, side] of sides.entries()) answers.push(await ask(side, request, world, index));
    noteLock(world, request, answers);
    const trees = [];
    for (const side of sides) trees.push(await stateOf(side, top));
    const [our, their] = answers.map(said);
    const difference = { request: shown(request), our, their };
    if (JSON.stringify(our) === JSON.stringify(their) && trees[0] === trees[1] && trees[0] !== 'gone') {
      before = trees[0];
      continue;
    }
    if (trees.every((one) => one === 'gone') && our.status === their.status) return done;
    const explained = EXPLAINED.find(({ applies }) => applies({ request, our, their, before, trees }));
    before = trees[0];
    log(
      `${explained?.name ?? 'UNEXPLAINED'}: ${JSON.stringify(difference)}${trees[0] === trees[1] ? '' : `\n${trees[0]}\n--- theirs\n${trees[1]}`}`,
    );
    if (explained === undefined)
      report({
        tree,
        done,
        ...difference,
        ...(trees[0] === trees[1] ? {} : { ourTree: trees[0], theirTree: trees[1] }),
      });
    if (trees[0] !== trees[1] || explained === undefined || trees[0] === 'gone') return done;
  }
  return OPERATIONS_OF_A_TREE;
}

function isLink(path) {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    // What cannot be looked at is none.
    return false;
  }
}

/** The names of the links in a directory. */
function linksIn(path) {
  if (!existsSync(path) || !statSync(path).isDirectory()) return [];
  return readdirSync(path).filter((name) => isLink(join(path, name)));
}

/** Whether a path is a link, or a directory with one in it. */
function holdsLinks(path) {
  if (isLink(path)) return true;
  if (!existsSync(path) || !statSync(path).isDirectory()) return false;
  return readdirSync(path, { recursive: true }).some((name) => isLink(join(path, name)));
}

/** Whether a path, or a part of it, is a link to nothing. */
function leadsNowhere(root, path) {
  return path.some((_, index) => {
    const place = join(root, ...path.slice(0, index + 1));
    return isLink(place) && !existsSync(place);
  });
}

/** Names that both can have: neither begins with a dot, which is hidden here, nor is longer than what properties can be kept for. */
function treeNames(random) {
  const odd = ODD_NAMES.filter((name) => !name.startsWith('.') && !name.includes('\\') && name.length < 100);
  const plain = ['a', 'b', 'c', 'd', 'a.txt', 'b.bin'];
  return random.shuffle([...random.shuffle(odd).slice(0, 4), ...plain]).slice(0, 6);
}

function makeTrees(random, sides, top, names) {
  const folders = [[]];
  for (const { root } of sides) mkdirSync(join(root, top));
  // Now and then a chain of folders, one in another.
  const isDeep = random.chance(0.2);
  for (let index = 0; index < (isDeep ? 8 : 3); index++) {
    const folder = [...(isDeep ? folders.at(-1) : random.pick(folders)), random.pick(names)];
    if (folders.some((one) => one.join('/') === folder.join('/'))) continue;
    folders.push(folder);
    for (const { root } of sides) mkdirSync(join(root, top, ...folder));
  }
  for (let index = 0; index < 4; index++) {
    const path = [...random.pick(folders), random.pick(names)];
    const content = random.string(random.length(300));
    for (const { root } of sides) {
      const place = join(root, top, ...path);
      if (!existsSync(place)) writeFileSync(place, content);
    }
  }
  for (const { root } of sides) {
    giveAway(join(root, top));
    for (const name of readdirSync(join(root, top), { recursive: true })) giveAway(join(root, top, name));
  }
  if (random.chance(0.25)) makeLink(random, sides, top, names, folders);
  return folders;
}

/** A link to a file or a folder of the tree, which both follow, or to nothing. */
function makeLink(random, sides, top, names, folders) {
  const path = [...random.pick(folders), random.pick(names)];
  const goal = random.pick([[...random.pick(folders), random.pick(names)], random.pick(folders)]);
  const isAround = goal.every((name, index) => path[index] === name);
  if (isAround || existsSync(join(sides[0].root, top, ...path))) return;
  const way = [...path.slice(1).map(() => '..'), ...goal].join('/');
  for (const { root } of sides) symlinkSync(way, join(root, top, ...path));
}

function randomPath({ random, names, folders }) {
  const folder = random.pick(folders);
  const depth = random.pick([0, 1, 1, 1, 1, 2]);
  return [...folder, ...Array.from({ length: depth }, () => random.pick(names))];
}

function randomRequest(world) {
  const { random } = world;
  const method = random.pick([
    'PUT',
    'PUT',
    'DELETE',
    'MKCOL',
    'MKCOL',
    'COPY',
    'COPY',
    'MOVE',
    'MOVE',
    'PROPPATCH',
    'PROPPATCH',
    'PROPFIND',
    'PROPFIND',
    'LOCK',
    'LOCK',
    'UNLOCK',
    'GET',
    'HEAD',
  ]);
  const path = randomPath(world);
  const request = {
    method,
    path,
    hasSlash: random.chance(method === 'MKCOL' ? 0.5 : 0.15),
    fields: [],
    content: '',
    condition: [],
  };
  if (method === 'PUT') request.content = random.string(random.length(500));
  if (method === 'COPY' || method === 'MOVE') {
    request.destination = randomPath(world);
    request.destinationSlash = random.chance(0.3);
    if (random.chance(0.4)) request.fields.push(['Overwrite', random.pick(['T', 'F', 'F'])]);
    if (random.chance(0.3)) request.fields.push(['Depth', random.pick(['0', 'infinity', '1'])]);
  }
  if (method === 'PROPPATCH') request.content = randomUpdate(random);
  if (method === 'PROPFIND') {
    request.fields.push(['Depth', random.pick(['0', '1', '1', 'infinity'])]);
    request.content = random.pick(QUERIES);
  }
  if (method === 'LOCK') {
    request.fields.push(['Timeout', 'Second-1000']);
    if (random.chance(0.6)) request.fields.push(['Depth', random.pick(['0', 'infinity', '1'])]);
    if (random.chance(0.9)) request.content = lockContent(random.pick(['exclusive', 'exclusive', 'shared']));
  }
  if (method === 'UNLOCK') request.token = randomToken(world);
  if (random.chance(0.35) && method !== 'UNLOCK') request.condition = randomCondition(world, request);
  if (random.chance(0.15))
    request.fields.push(
      random.pick([
        ['If-Match', '*'],
        ['If-None-Match', '*'],
        ['If-Match', '"none"'],
        ['If-Unmodified-Since', 'Sat, 01 Jan 2000 00:00:00 GMT'],
      ]),
    );
  return request;
}

const QUERIES = [
  '<propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/><p xmlns="urn:t"/><q xmlns="urn:t"/></prop></propfind>',
  '<D:propfind xmlns:D="DAV:"><D:prop><D:resourcetype/><none xmlns=""/><D:displayname/></D:prop></D:propfind>',
  '<propfind xmlns="DAV:"><nothing/></propfind>',
  '<propfind xmlns="DAV:">',
];

function randomUpdate(random) {
  const steps = Array.from({ length: random.int(1, 3) }, () => {
    const name = random.pick(['p', 'q']);
    if (random.chance(0.3)) return `<remove><prop><${name} xmlns="urn:t"/></prop></remove>`;
    const value = random.pick(['', 'text', 'a &amp; b', '<x xmlns="urn:x">in<y/></x>', 'ü😀']);
    return `<set><prop><${name} xmlns="urn:t">${value}</${name}></prop></set>`;
  });
  return `<?xml version="1.0" encoding="utf-8"?><propertyupdate xmlns="DAV:">${steps.join('')}</propertyupdate>`;
}

function lockContent(scope) {
  return `<lockinfo xmlns="DAV:"><lockscope><${scope}/></lockscope><locktype><write/></locktype><owner>me</owner></lockinfo>`;
}

function randomToken({ random, tokens }) {
  return tokens.length > 0 && random.chance(0.9) ? random.pick(tokens) : undefined;
}

/** Lists of an If field; tokens by number, as each side has its own. */
function randomCondition(world, request) {
  const { random } = world;
  const isTagged = random.chance(0.6);
  const token = randomToken(world);
  return Array.from({ length: random.int(1, 2) }, () => ({
    resource: isTagged
      ? token !== undefined && random.chance(0.7)
        ? token.path
        : random.pick([request.path, request.destination ?? request.path])
      : undefined,
    conditions: Array.from({ length: random.int(1, 2) }, () => ({
      isNegated: random.chance(0.15),
      token: random.chance(0.8) ? token : undefined,
      tag: random.chance(0.2) ? random.pick(['own', 'own', 'other']) : undefined,
    })),
  }));
}

const encoded = (path) => path.map((name) => `/${encodeURIComponent(name)}`).join('');

async function ask(side, request, { top }, index) {
  const url = (path, hasSlash) => `/${top}${encoded(path)}${hasSlash ? '/' : ''}`;
  const fields = [...request.fields];
  if (request.destination !== undefined)
    fields.push(['Destination', `http://localhost${url(request.destination, request.destinationSlash)}`]);
  if (request.method === 'UNLOCK')
    fields.push(['Lock-Token', `<${request.token?.tokens[index] ?? 'urn:uuid:00000000-0000-0000-0000-000000000000'}>`]);
  if (request.condition.length > 0) {
    const tagOf = await tagsOf(side, request, url);
    fields.push(['If', ifField(request.condition, { index, url, tagOf })]);
  }
  if (request.content !== '' || request.method === 'PUT')
    fields.push(['Content-Length', String(Buffer.byteLength(request.content))]);
  return exchange(side.port, {
    method: request.method,
    target: url(request.path, request.hasSlash),
    fields,
    content: request.content,
  });
}

/** What each side calls the states of the resources that an If field is about. */
async function tagsOf(side, { condition, path, hasSlash }, url) {
  const tags = new Map();
  for (const { resource, conditions } of condition) {
    if (!conditions.some(({ tag }) => tag === 'own')) continue;
    const target = resource === undefined ? url(path, hasSlash) : url(resource, false);
    const answer = await exchange(side.port, { method: 'HEAD', target, fields: [], content: '' });
    tags.set(resource, answer.status === 200 ? field(answer, 'etag') : undefined);
  }
  return (resource, tag) => (tag === 'own' ? tags.get(resource) : undefined) ?? '"other"';
}

function ifField(lists, { index, url, tagOf }) {
  let current;
  return lists
    .map(({ resource, conditions }) => {
      const inner = conditions
        .map(({ isNegated, token, tag }) => {
          const state = tag === undefined ? `<${token?.tokens[index] ?? 'DAV:no-lock'}>` : `[${tagOf(resource, tag)}]`;
          return `${isNegated ? 'Not ' : ''}${state}`;
        })
        .join(' ');
      const tag = resource === undefined || resource === current ? '' : `<http://localhost${url(resource, false)}> `;
      current = resource;
      return `${tag}(${inner})`;
    })
    .join(' ');
}

function noteLock({ tokens }, { method, path }, answers) {
  const found = answers.map((answer) => /<([^>]+)>/.exec(field(answer, 'lock-token') ?? '')?.[1]);
  if (method === 'LOCK' && found.every((token) => token !== undefined)) tokens.push({ path, tokens: found });
}

/** What an answer says that both have to say alike. */
function said({ status, content }) {
  if (status !== 207) return { status };
  try {
    return { status, resources: resourcesIn(content) };
  } catch (error) {
    return { status, problem: error.message };
  }
}

const elements = ({ children }, name) =>
  children.filter((child) => typeof child !== 'string' && (name === undefined || child.name === name));

function resourcesIn(content) {
  const resources = elements(readXml(content), 'response').map((response) => {
    const href = decodeURIComponent(textOf(elements(response, 'href')[0])).replace(/\/$/, '');
    const status = elements(response, 'status').map(textOf).map(codeIn);
    return [href, ...status, ...saidOf(response)].join(' | ');
  });
  return resources.toSorted();
}

/** The properties of a resource, each once, with its status. */
function saidOf(response) {
  const properties = elements(response, 'propstat').flatMap((propstat) => {
    const code = codeIn(textOf(elements(propstat, 'status')[0]));
    return elements(propstat, 'prop')
      .flatMap((prop) => elements(prop))
      .map((property) => `${code} ${spelt(property)}`);
  });
  return [...new Set(properties.toSorted())];
}

const codeIn = (line) => / (\d{3})/.exec(line)?.[1] ?? line;
const textOf = ({ children }) => children.map((child) => (typeof child === 'string' ? child : textOf(child))).join('');

/** An element with all that is in it, but for its prefixes. */
function spelt({ namespace, name, children }) {
  const inner = children.map((child) => (typeof child === 'string' ? child : spelt(child))).join('');
  return `{${namespace}}${name}(${inner})`;
}

const STATE = '<propfind xmlns="DAV:"><prop><lockdiscovery/><p xmlns="urn:t"/><q xmlns="urn:t"/></prop></propfind>';

/** What a side says of a resource, or of a collection and its members: by path, dead properties and locks. */
async function statesAt(side, target, depth) {
  const fields = [
    ['Depth', depth],
    ['Content-Length', String(STATE.length)],
  ];
  const answer = await exchange(side.port, { method: 'PROPFIND', target, fields, content: STATE });
  if (answer.status !== 207) return new Map([[pathOf(target), `${answer.status} `]]);
  const text = answer.content.toString();
  const resources = text.split(/<D:response\b/).slice(1);
  return new Map(elements(readXml(answer.content), 'response').map((one, index) => stateIn(one, resources[index])));
}

const pathOf = (target) => decodeURIComponent(target).replace(/\/$/, '');

function stateIn(response, text) {
  const dead = saidOf(response).filter((one) => one.startsWith('200 {urn:t}'));
  const locks = [...text.matchAll(/<\w+:activelock>([^]*?)<\/\w+:activelock>/g)].map(([, lock]) => lockSaid(lock));
  const href = pathOf(textOf(elements(response, 'href')[0]));
  return [href, `${dead.join(' ')} ${locks.toSorted().join(' ')}`];
}

/** Everything that a client can see of a tree: paths, content, dead properties and locks. */
async function stateOf(side, top) {
  const lines = [];
  const visit = async (path, listed) => {
    if (path.length > MAX_DEPTH) {
      lines.push(`${path.slice(0, 3).join('/')} ${TOO_DEEP}`);
      return;
    }
    const place = join(side.root, top, ...path);
    const stats = existsSync(place) ? statSync(place, { throwIfNoEntry: false }) : undefined;
    if (stats === undefined) {
      lines.push(`${path.join('/')} leads nowhere`);
      return;
    }
    const isDirectory = stats.isDirectory();
    const target = `/${top}${encoded(path)}${isDirectory ? '/' : ''}`;
    // A listing leaves links out on one side; they are asked for by themselves.
    const members = isDirectory ? await statesAt(side, target, '1') : undefined;
    const known = members ?? (listed?.has(pathOf(target)) === true ? listed : await statesAt(side, target, '0'));
    lines.push(
      `${path.join('/')}${isDirectory ? '/' : ` ${readFileSync(place, 'utf8')}`} ${known.get(pathOf(target)) ?? 'nothing'}`,
    );
    if (!isDirectory) return;
    const names = readdirSync(place).filter((name) => !name.startsWith('.onezero') && name !== '.DAV');
    for (const name of names.toSorted()) await visit([...path, name], members);
  };
  if (!existsSync(join(side.root, top))) return 'gone';
  await visit([]);
  return lines.join('\n');
}

function lockSaid(lock) {
  const scope = /<\w+:(exclusive|shared)/.exec(lock)?.[1];
  const depth = /depth>(\w+)</i.exec(lock)?.[1];
  return `[${scope} ${depth}]`;
}

function shown({ method, path, hasSlash, destination, destinationSlash, fields, content, condition, token }) {
  const target = `${method} /${path.join('/')}${hasSlash ? '/' : ''}${destination === undefined ? '' : ` → /${destination.join('/')}${destinationSlash ? '/' : ''}`}`;
  const lists = condition.map(
    ({ resource, conditions }) =>
      `<${resource?.join('/') ?? ''}>(${conditions.map((one) => `${one.isNegated ? 'Not ' : ''}${one.tag ?? one.token?.path.join('/') ?? 'no-lock'}`).join(' ')})`,
  );
  return [target, fields.map((one) => one.join(': ')).join(', '), lists.join(' '), token?.path.join('/'), content]
    .filter(Boolean)
    .join(' ; ');
}
