// Where an application listens.

import { isIPv6 } from 'node:net';

/** What `net.connect` takes. */
export type Address = { readonly path: string } | { readonly host: string; readonly port: number };

/** What addresses look like, for messages. */
export const ADDRESS_FORM = 'host:port, unix:/path or /path';

/** Undefined for what is no address: `127.0.0.1:9000`, `[::1]:9000`, `:9000`, `tcp://host:9000`, `unix:/path`, `/path`. */
export function parseAddress(text: string): Address | undefined {
  const [, path] = /^(?:unix:(?:\/\/)?)?(\/[^\0]+)$/.exec(text) ?? [];
  if (path !== undefined) return { path };
  const [, inBrackets, plain, digits] = /^(?:tcp:\/\/)?(?:\[([\da-f:.]+)\]|([\w.-]*)):(\d{1,5})$/i.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port === 0 || port > 65_535) return undefined;
  if (inBrackets !== undefined && !isIPv6(inBrackets)) return undefined;
  return { host: inBrackets ?? (plain === '' || plain === undefined ? '127.0.0.1' : plain), port };
}

/** The same of options of `subject`. Throws a TypeError for what is no address. */
export function addressOf(text: string, subject: string): Address {
  const address = parseAddress(text);
  if (address === undefined) throw new TypeError(`${subject}: address: expected ${ADDRESS_FORM}, not "${text}"`);
  return address;
}
