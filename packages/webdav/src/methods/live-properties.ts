// Properties that the server knows by itself (RFC 4918 §15, RFC 4331): what they are for a resource, as XML.

import type { Stats } from 'node:fs';
import type { SiteTree } from '@onezero/static/tree';
import type { Lock } from '../store/locks.ts';
import { DAV, keyOf, type QName } from '../xml/element.ts';
import { escapeXml, writeName } from '../xml/writer.ts';

/** A resource as its properties are made of it. */
export interface Described {
  readonly name: string;
  readonly stats: Stats;
  /** The locks that cover it. */
  readonly locks: readonly Lock[];
  readonly tree: SiteTree;
  /** Used and left, asked for once for all resources of a response. */
  readonly space: { readonly usedBytes: number; readonly availableBytes: number } | undefined;
}

/** The value of a property as XML; undefined where the resource has none. */
type Maker = (described: Described) => string | undefined;

interface LiveProperty {
  readonly name: string;
  readonly make: Maker;
  /** Whether `allprop` has it (RFC 4331 §3 and §4 except quotas). */
  readonly isInAll: boolean;
}

const ofFile =
  (make: Maker): Maker =>
  (described) =>
    described.stats.isFile() ? make(described) : undefined;

const ofCollection =
  (make: Maker): Maker =>
  (described) =>
    described.stats.isDirectory() ? make(described) : undefined;

const SUPPORTED_LOCKS = ['exclusive', 'shared']
  .map(
    (scope) => `<D:lockentry><D:lockscope><D:${scope}/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>`,
  )
  .join('');

const LIVE: readonly LiveProperty[] = [
  { name: 'resourcetype', make: ({ stats }) => (stats.isDirectory() ? '<D:collection/>' : ''), isInAll: true },
  { name: 'getcontentlength', make: ofFile(({ stats }) => String(stats.size)), isInAll: true },
  { name: 'getlastmodified', make: ({ stats }) => httpDate(stats.mtimeMs), isInAll: true },
  { name: 'creationdate', make: ({ stats }) => isoDate(stats), isInAll: true },
  { name: 'getetag', make: ofFile(({ stats, tree }) => escapeXml(tree.etagOf(stats))), isInAll: true },
  {
    name: 'getcontenttype',
    make: ({ name, stats, tree }) => (stats.isFile() ? escapeXml(tree.typeOf(name)) : 'httpd/unix-directory'),
    isInAll: true,
  },
  { name: 'supportedlock', make: () => SUPPORTED_LOCKS, isInAll: true },
  { name: 'lockdiscovery', make: ({ locks }) => locks.map(activeLock).join(''), isInAll: true },
  {
    name: 'quota-available-bytes',
    make: ofCollection(({ space }) => space && String(space.availableBytes)),
    isInAll: false,
  },
  { name: 'quota-used-bytes', make: ofCollection(({ space }) => space && String(space.usedBytes)), isInAll: false },
];

const BY_KEY: ReadonlyMap<string, LiveProperty> = new Map(
  LIVE.map((property) => [keyOf({ namespace: DAV, name: property.name }), property]),
);

let lastSeconds = -1;
let lastDate = '';

/** From the year 0 to 9999, those that dates of four digits can write. */
function hasDate(ms: number): boolean {
  return ms >= -62_167_219_200_000 && ms < 253_402_300_800_000;
}

/** Members of a collection often have the same second, and a date takes longer to write than all else of a member. */
function httpDate(mtimeMs: number): string | undefined {
  if (!hasDate(mtimeMs)) return undefined;
  const seconds = Math.floor(mtimeMs / 1000);
  if (seconds !== lastSeconds) {
    lastSeconds = seconds;
    lastDate = new Date(seconds * 1000).toUTCString();
  }
  return lastDate;
}

/** File systems without times of birth have 1970 there, or the time of the last change. */
function isoDate({ birthtimeMs, mtimeMs }: Stats): string | undefined {
  const ms = birthtimeMs > 0 && hasDate(birthtimeMs) ? birthtimeMs : mtimeMs;
  if (!hasDate(ms)) return undefined;
  return `${new Date(Math.floor(ms / 1000) * 1000).toISOString().slice(0, 19)}Z`;
}

/** The names of a kind of resource, in the order of `allprop`. */
export function liveNames(described: Described, isAll: boolean): readonly QName[] {
  const properties = LIVE.filter((property) => (isAll ? property.isInAll : property.make(described) !== undefined));
  return properties.map(({ name }) => ({ namespace: DAV, name }));
}

/** Whether a property is the server's alone to set. */
export function isLive(name: QName): boolean {
  return BY_KEY.has(keyOf(name));
}

export function isQuota({ namespace, name }: QName): boolean {
  return namespace === DAV && name.startsWith('quota-');
}

/** A live property as an element; undefined when the name is none, or the resource has it not. */
export function liveProperty(name: QName, described: Described): string | undefined {
  const content = BY_KEY.get(keyOf(name))?.make(described);
  return content === undefined ? undefined : writeName(name, content);
}

/** A lock as `DAV:activelock` (RFC 4918 §14.1). */
export function activeLock({ token, depth, scope, owner, href, expiresAtMs }: Lock): string {
  const seconds = Math.max(0, Math.ceil((expiresAtMs - Date.now()) / 1000));
  return (
    `<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope><D:${scope}/></D:lockscope><D:depth>${depth}</D:depth>` +
    `${owner}<D:timeout>Second-${seconds}</D:timeout><D:locktoken><D:href>${escapeXml(token)}</D:href></D:locktoken>` +
    `<D:lockroot><D:href>${escapeXml(href)}</D:href></D:lockroot></D:activelock>`
  );
}
