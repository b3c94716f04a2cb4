// Whose request it is when proxies stand between. X-Forwarded-For is a list that every proxy adds the address it saw to, so
// it is read from the right, and only as far as the addresses that added to it are trusted; the rest is hearsay.

import { BlockList, isIP, SocketAddress } from 'node:net';
import { listField } from '../message/fields.ts';
import type { Field } from '../message/message.ts';

/** Whether an address (bare; `''` for a Unix socket) belongs to a trusted proxy. */
export type IsTrusted = (address: string) => boolean;

/** Compiles addresses and CIDR blocks; `unix` stands for every peer of a Unix socket. Throws a TypeError for what is neither. */
export function addressMatcher(option: string, entries: readonly string[]): IsTrusted {
  const list = new BlockList();
  for (const entry of entries) if (entry !== 'unix') addBlock(option, list, entry);
  const unix = entries.includes('unix');
  return (address) => {
    if (address === '') return unix;
    const family = isIP(address);
    return family !== 0 && list.check(address, family === 4 ? 'ipv4' : 'ipv6');
  };
}

function addBlock(option: string, list: BlockList, entry: string): void {
  const [address = '', bits, ...rest] = entry.split('/');
  const family = isIP(address);
  const most = family === 4 ? 32 : 128;
  const prefix = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
  if (family === 0 || rest.length > 0 || !(prefix <= most)) {
    throw new TypeError(`${option}: "${entry}" is not an address, CIDR block or "unix"`);
  }
  list.addSubnet(new SocketAddress({ address, family: family === 4 ? 'ipv4' : 'ipv6' }), prefix);
}

/** Which field trusted proxies write; the other is a client's own invention, and is not read. */
export type ForwardedField = 'x-forwarded-for' | 'forwarded';

/** The client's address and scheme as trusted proxies tell them, given who connected. */
export function forwarded(
  fields: readonly Field[],
  peer: Origin,
  isTrusted: IsTrusted,
  field: ForwardedField = 'x-forwarded-for',
): Origin {
  return field === 'forwarded' ? byForwarded(fields, peer, isTrusted) : byXForwardedFor(fields, peer, isTrusted);
}

interface Origin {
  readonly address: string;
  readonly scheme: 'http' | 'https';
}

function byXForwardedFor(fields: readonly Field[], peer: Origin, isTrusted: IsTrusted): Origin {
  let { address } = peer;
  let taken = 0;
  const hops = (listField(fields, 'x-forwarded-for') ?? '').split(',');
  for (let hop = hops.pop(); hop !== undefined; hop = hops.pop()) {
    const named = bareAddress(hop.trim());
    if (named === undefined) break;
    address = named;
    taken += 1;
    if (!isTrusted(address)) break;
  }
  return { address, scheme: forwardedScheme(fields, taken) ?? peer.scheme };
}

/**
 * The scheme that the last trusted proxy saw. Some proxies add to the list and some say it anew, so it is read from the right as far
 * as addresses were taken, and no further than it goes: what a client wrote in front of that is hearsay.
 */
function forwardedScheme(fields: readonly Field[], hops: number): 'http' | 'https' | undefined {
  const schemes = (listField(fields, 'x-forwarded-proto') ?? '').split(',');
  return schemeOf(schemes[Math.max(0, schemes.length - Math.max(1, hops))]);
}

/** RFC 7239 §4: each element tells what one proxy saw, its client and how that one connected. */
function byForwarded(fields: readonly Field[], peer: Origin, isTrusted: IsTrusted): Origin {
  let { address, scheme } = peer;
  const elements = [...forwardedElements(listField(fields, 'forwarded') ?? '')];
  for (let element = elements.pop(); element !== undefined; element = elements.pop()) {
    scheme = schemeOf(element.get('proto')) ?? scheme;
    // `unknown` and obfuscated names (§6) are no addresses: what is behind them stays hidden.
    const named = bareAddress(element.get('for') ?? '');
    if (named === undefined) break;
    address = named;
    if (!isTrusted(address)) break;
  }
  return { address, scheme };
}

const PAIR = /[ \t]*(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*)))?[ \t]*([;,]|$)/y;

/** The elements of a Forwarded field with their parameters; nothing where it is malformed (a part could mean anything). */
function forwardedElements(value: string): readonly ReadonlyMap<string, string>[] {
  const elements: ReadonlyMap<string, string>[] = [];
  let element = new Map<string, string>();
  PAIR.lastIndex = 0;
  while (PAIR.lastIndex <= value.length) {
    const pair = PAIR.exec(value);
    if (pair === null) return [];
    const [, name, quoted, token, separator] = pair;
    if (name !== undefined) element.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? token ?? '');
    if (separator === ';') continue;
    if (element.size > 0) elements.push(element);
    element = new Map();
    if (separator === '') break;
  }
  return elements;
}

function schemeOf(text: string | undefined): 'http' | 'https' | undefined {
  // Traefik names a WebSocket by its own scheme, which is this one of HTTP.
  const proto = text
    ?.trim()
    .toLowerCase()
    .replace(/^ws(?=s?$)/, 'http');
  return proto === 'https' || proto === 'http' ? proto : undefined;
}

/** An address without brackets, port or IPv4 mapping; undefined for what is none. */
export function bareAddress(text: string): string | undefined {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1];
  const address = bracketed ?? (/^[^:]+:\d+$/.test(text) ? text.slice(0, text.indexOf(':')) : text);
  if (isIP(address) === 0) return undefined;
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}
