// PROPFIND (RFC 4918 §9.1): properties of a resource, and with `Depth: 1` of the members of a collection.
//
// A large collection is never in memory: its names come in batches, and each batch is a piece of the response before the next is
// read. Infinite depth is refused, as the RFC allows: one request would walk the whole tree.

import type { Stats } from 'node:fs';
import { setImmediate as loopTurned } from 'node:timers/promises';
import type { TreeFolder } from '@onezero/static/tree';
import type { Folder } from '../folder.ts';
import type { DavRequest, DavResponse } from '../message.ts';
import { type Wanted, readContent, wantedBy } from '../protocol/contents.ts';
import { type Depth, depthOf } from '../protocol/fields.ts';
import { baseOf, encodeSegment, hrefOf } from '../protocol/href.ts';
import { refused, violated, XML_TYPE } from '../refusals.ts';
import { covering, type Lock } from '../store/locks.ts';
import { found, type Found, lookAt, subjectOf } from '../store/place.ts';
import { type Property, readProperties, recordNames } from '../store/records.ts';
import { type QName } from '../xml/element.ts';
import { escapeXml, writeName, XML_DECLARATION } from '../xml/writer.ts';
import { checkIf } from './conditions.ts';
import { type Described, isLive, isQuota, liveNames, liveProperty } from './live-properties.ts';

const OPENING = `${XML_DECLARATION}<D:multistatus xmlns:D="DAV:">\n`;
const CLOSING = '</D:multistatus>\n';

/** Members between which others get their turn: about a millisecond. */
const SLICE = 128;

/** Of members of which much is to be said, fewer make a piece: each response has one in memory, be its client slow. */
const MAX_PIECE = 256 * 1024;

interface Listing {
  readonly folder: Folder;
  readonly wanted: Wanted;
  readonly locks: readonly Lock[];
  readonly space: Described['space'];
  /** What is asked for by name: those that the server knows, and what a resource without dead properties says of all others. */
  readonly live: readonly QName[];
  readonly unknown: string;
  readonly needsDead: boolean;
  /** One text for what is asked for. */
  readonly key: string;
}

export async function propfind(folder: Folder, request: DavRequest): Promise<DavResponse> {
  const depth = depthOf(request, 'infinity');
  const wanted = wantedBy(await readContent(request, folder.settings.maxXmlBytes));
  for (let attempt = 1; ; attempt++) {
    try {
      return await answer(folder, request, depth, wanted);
    } catch (error) {
      if (!(error instanceof Moved)) throw error;
      if (attempt === MAX_ATTEMPTS) throw refused(503, error.message, [['retry-after', '1']]);
    }
  }
}

/** How often a collection is looked for that is moved while its first members are. */
const MAX_ATTEMPTS = 3;

class Moved extends Error {}

async function answer(folder: Folder, request: DavRequest, depth: Depth, wanted: Wanted): Promise<DavResponse> {
  const place = await lookAt(folder.tree, request.pathInfo);
  try {
    const target = found(place);
    const isCollection = target.stats.isDirectory();
    if (depth === 'infinity' && isCollection) throw violated(403, 'propfind-finite-depth');
    await checkIf(folder, request);
    const listing = await listingOf(folder, wanted, target);
    const href = hrefOf(baseOf(request), target.segments, isCollection);
    const own = await ownResponse(target, href, listing);
    const members = depth === '1' && isCollection ? await folder.tree.open(target.segments) : undefined;
    const content =
      members === undefined
        ? Buffer.from(`${OPENING}${own}${CLOSING}`)
        : await begun(membersOf(members, `${OPENING}${own}`, href, listing));
    return { status: 207, fields: [XML_TYPE], content };
  } finally {
    await place.close();
  }
}

/** Pieces of which the first is there: what fails until then has a status, and whoever gives them up early closes what is open. */
async function begun(pieces: AsyncGenerator<Uint8Array, void>): Promise<AsyncIterable<Uint8Array>> {
  let first: IteratorResult<Uint8Array, void> | undefined = await pieces.next();
  const next = async (): Promise<IteratorResult<Uint8Array, void>> => {
    const ready = first;
    first = undefined;
    return ready ?? pieces.next();
  };
  return { [Symbol.asyncIterator]: () => ({ next, return: () => pieces.return() }) };
}

async function listingOf(folder: Folder, wanted: Wanted, { path }: Found): Promise<Listing> {
  const named = wanted.kind === 'some' ? wanted.names : wanted.kind === 'all' ? wanted.include : [];
  const isSpaceWanted = wanted.kind === 'names' || named.some(isQuota);
  const space = isSpaceWanted ? await folder.tree.space() : undefined;
  const unknown = namesOf(named.filter((name) => !isLive(name)));
  const needsDead = wanted.kind !== 'some' || unknown !== '';
  const key = JSON.stringify(wanted);
  return {
    folder,
    wanted,
    locks: folder.locks.around(path),
    space,
    live: named.filter(isLive),
    unknown,
    needsDead,
    key,
  };
}

async function ownResponse(target: Found, href: string, listing: Listing): Promise<string> {
  const { name, stats, path } = target;
  const dead = listing.needsDead ? await readProperties(subjectOf(target, listing.folder.tree)) : [];
  return responseElement(href, describe(name, stats, path, listing), dead, listing);
}

function describe(name: string, stats: Stats, path: string, { folder, locks, space }: Listing): Described {
  return { name, stats, locks: locks.length === 0 ? locks : covering(locks, path), tree: folder.tree, space };
}

async function* membersOf(
  members: TreeFolder,
  start: string,
  href: string,
  listing: Listing,
): AsyncGenerator<Uint8Array, void> {
  try {
    const { tree, remembered } = listing.folder;
    const records = listing.needsDead ? await recordNames(members.path) : undefined;
    const known = isChanging(listing) ? undefined : remembered.of(`${href} ${listing.key}`);
    let text = start;
    for await (const names of tree.names(members)) {
      for (let from = 0; from < names.length; from += SLICE) {
        const found: (readonly [name: string, stats: Stats])[] = [];
        const isInPlace = await tree.lookAll(members, names.slice(from, from + SLICE), (name, stats) => {
          if (known === undefined) found.push([name, stats]);
          else text += known.text(name, stats, () => memberElement(name, stats, members, href, listing, []));
        });
        if (!isInPlace) throw new Moved('the collection was moved while it was listed');
        for (const [name, stats] of found) {
          const mayHaveDead = listing.needsDead && (records !== undefined || stats.isDirectory());
          const dead = mayHaveDead ? await readProperties({ directory: members.path, name, stats }, records) : [];
          text += memberElement(name, stats, members, href, listing, dead);
          if (text.length > MAX_PIECE) {
            yield Buffer.from(text);
            text = '';
          }
        }
        await loopTurned();
      }
      yield Buffer.from(text);
      text = '';
    }
    // An empty collection has no batch of names.
    yield Buffer.from(text + CLOSING);
  } finally {
    await members.close();
  }
}

/** Whether what is said of a member depends on more than its own state. */
function isChanging({ locks, needsDead, space }: Listing): boolean {
  return locks.length > 0 || needsDead || space !== undefined;
}

function memberElement(
  name: string,
  stats: Stats,
  { segments }: TreeFolder,
  href: string,
  listing: Listing,
  dead: readonly Property[],
): string {
  const path = listing.locks.length === 0 ? '' : `/${[...segments, name].join('/')}`;
  const child = `${href}${encodeSegment(name)}${stats.isDirectory() ? '/' : ''}`;
  return responseElement(child, describe(name, stats, path, listing), dead, listing);
}

function responseElement(href: string, described: Described, dead: readonly Property[], listing: Listing): string {
  const { has, lacks } = propertiesOf(described, dead, listing);
  const groups = [propstat(has, '200 OK'), propstat(lacks, '404 Not Found')];
  if (has === '' && lacks === '') groups[0] = '<D:propstat><D:prop/><D:status>HTTP/1.1 200 OK</D:status></D:propstat>';
  return `<D:response><D:href>${escapeXml(href)}</D:href>${groups.join('')}</D:response>\n`;
}

function propstat(properties: string, status: string): string {
  if (properties === '') return '';
  return `<D:propstat><D:prop>${properties}</D:prop><D:status>HTTP/1.1 ${status}</D:status></D:propstat>`;
}

const namesOf = (names: readonly QName[]): string => names.map((name) => writeName(name)).join('');

function propertiesOf(
  described: Described,
  dead: readonly Property[],
  { wanted, live, unknown }: Listing,
): { has: string; lacks: string } {
  if (wanted.kind === 'names') return { has: namesOf([...liveNames(described, false), ...dead]), lacks: '' };
  let names = wanted.kind === 'some' ? wanted.names : liveNames(described, true);
  let has = '';
  let lacks = '';
  if (wanted.kind === 'all') {
    has = dead.map(({ xml }) => xml).join('');
    const others = wanted.include.filter((name) => ![...names, ...dead].some((one) => isSame(one, name)));
    names = [...names, ...others];
  } else if (dead.length === 0) {
    names = live;
    lacks = unknown;
  }
  for (const name of names) {
    const value = liveProperty(name, described) ?? dead.find((one) => isSame(one, name))?.xml;
    if (value !== undefined) has += value;
    // What a resource has not is said of what was asked for by name.
    else if (wanted.kind === 'some' || wanted.include.includes(name)) lacks += writeName(name);
  }
  return { has, lacks };
}

const isSame = (one: QName, other: QName): boolean => one.name === other.name && one.namespace === other.namespace;
