// The fields of a request on their way to an upstream, and of its response on the way back: those of one connection stay
// behind (RFC 9110 §7.6.1), and who asked is told anew, so that nothing that a client wrote passes for our word.

import { listField } from '../message/fields.ts';
import type { Field, RequestMessage } from '../message/message.ts';

/** Fields that are about one connection, or that this server decides for the next one. */
const HOP_BY_HOP = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** What servers before us say about the client; only `remote` is believed, and it is said again. */
const ABOUT_THE_CLIENT = /^(?:forwarded|x-real-ip|x-client-ip|true-client-ip|x-forwarded-.*)$/;

/** The fields for the upstream, framing included. */
export function requestFields(request: RequestMessage, host: string): readonly Field[] {
  const { fields, contentLength, upgrade, user } = request;
  const named = connectionNames(fields);
  const kept = fields.filter(([name]) => {
    // CGI-like upstreams take an underscore for a hyphen.
    const plain = name.replaceAll('_', '-');
    if (HOP_BY_HOP.has(plain) || ABOUT_THE_CLIENT.test(plain) || named.has(name)) return false;
    // The password was for this server, which has checked it.
    return user === undefined || plain !== 'authorization';
  });
  return [
    ['host', host],
    ...kept,
    ...forwardedFields(request),
    ...framingFields(fields, contentLength),
    ...(upgrade === undefined
      ? ([['connection', 'close']] as const)
      : ([
          ['connection', 'upgrade'],
          ['upgrade', upgrade],
        ] as const)),
  ];
}

/** The response's fields without those of the connection to the upstream, and with one length where there is one. */
export function responseFields(fields: readonly Field[]): readonly Field[] {
  const [length] = lengthsIn(fields);
  return [...endToEndFields(fields), ...(length === undefined ? [] : ([['content-length', length]] as const))];
}

/** The fields without those of the connection to the upstream, and without a length. */
export function endToEndFields(fields: readonly Field[]): readonly Field[] {
  const named = connectionNames(fields);
  return fields.filter(([name]) => !HOP_BY_HOP.has(name) && !named.has(name));
}

/**
 * Why a response cannot be passed on that could be read: for HEAD and 304 nobody reads by its length, and content in a coding
 * that is not undone here would lose the name of it.
 */
export function framingFault(fields: readonly Field[]): string | undefined {
  const coding = listField(fields, 'transfer-encoding');
  if (coding !== undefined && coding.trim().toLowerCase() !== 'chunked') return `in the transfer coding ${coding}`;
  const lengths = lengthsIn(fields);
  if (coding !== undefined && lengths.length > 0) return 'with a transfer coding and a Content-Length';
  const isOne = lengths.length === 0 || (lengths.length === 1 && /^(?:0|[1-9]\d{0,14})$/.test(lengths[0] ?? ''));
  return isOne ? undefined : `with the Content-Length ${lengths.join(', ')}`;
}

/** All lengths that are said. */
function lengthsIn(fields: readonly Field[]): readonly string[] {
  const lengths = listField(fields, 'content-length');
  return lengths === undefined ? [] : lengths.split(',').map((length) => length.trim());
}

function framingFields(fields: readonly Field[], contentLength: number | undefined): readonly Field[] {
  if (contentLength === undefined) return [['transfer-encoding', 'chunked']];
  const isTold = contentLength > 0 || fields.some(([name]) => name === 'content-length');
  return isTold ? [['content-length', String(contentLength)]] : [];
}

function connectionNames(fields: readonly Field[]): ReadonlySet<string> {
  const names = listField(fields, 'connection');
  return new Set(names === undefined ? [] : names.split(',').map((name) => name.trim().toLowerCase()));
}

/** A name in the octets of its UTF-8, as clients send it (RFC 7617 §2.1) and nginx passes it on. */
function utf8(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** Who asked, how and for which host: in the words that most frameworks read, and in those of RFC 7239. */
function forwardedFields({ remote, scheme, authority, user }: RequestMessage): readonly Field[] {
  const { address } = remote;
  const node = address === '' || address.startsWith('/') ? 'unknown' : address;
  const forwardedFor = node.includes(':') ? `"[${node}]"` : node;
  const host = authority === undefined ? '' : `;host="${authority}"`;
  return [
    ['x-forwarded-for', node],
    ['x-forwarded-proto', scheme],
    ...(authority === undefined ? [] : ([['x-forwarded-host', authority]] as const)),
    ...(user === undefined ? [] : ([['x-forwarded-user', utf8(user)]] as const)),
    ['forwarded', `for=${forwardedFor};proto=${scheme}${host}`],
  ];
}
