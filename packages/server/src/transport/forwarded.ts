// Whose request it is when proxies stand between. X-Forwarded-For is a list that every proxy adds the address it saw to, so
// it is read from the right, and only as far as the addresses that added to it are trusted; the rest is hearsay.

import { BlockList, isIP, SocketAddress } from 'node:net';
import { firstField, listField } from '../message/fields.ts';
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
    throw new TypeError(`${option}: "${entry}" is no address, CIDR block or "unix"`);
  }
  list.addSubnet(new SocketAddress({ address, family: family === 4 ? 'ipv4' : 'ipv6' }), prefix);
}

/** The client's address and scheme as trusted proxies tell them, given who connected. */
export function forwarded(
  fields: readonly Field[],
  peer: { readonly address: string; readonly scheme: 'http' | 'https' },
  isTrusted: IsTrusted,
): { address: string; scheme: 'http' | 'https' } {
  let { address } = peer;
  const hops = (listField(fields, 'x-forwarded-for') ?? '').split(',');
  for (let hop = hops.pop(); hop !== undefined; hop = hops.pop()) {
    const named = bareAddress(hop.trim());
    if (named === undefined) break;
    address = named;
    if (!isTrusted(address)) break;
  }
  const proto = firstField(fields, 'x-forwarded-proto')?.trim().toLowerCase();
  return { address, scheme: proto === 'https' || proto === 'http' ? proto : peer.scheme };
}

/** An address without brackets, port or IPv4 mapping; undefined for what is none. */
export function bareAddress(text: string): string | undefined {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1];
  const address = bracketed ?? (/^[^:]+:\d+$/.test(text) ? text.slice(0, text.indexOf(':')) : text);
  if (isIP(address) === 0) return undefined;
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}
