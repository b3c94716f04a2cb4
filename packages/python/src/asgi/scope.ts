// A request as the scope of ASGI 3, in the form in which it travels: a fixed number of words, then the fields, all separated by
// NUL. The worker makes a dict of it and adds what is the same for every request.

import type { PythonRequest } from '../message.ts';
import { utf8 } from '../byte-text.ts';
import type { KnownHeads } from '../exchange/known-heads.ts';
import type { EnvironOptions } from '../wsgi/environ.ts';
import { opensWebSocket } from './handshake.ts';

/** Fields that are not for applications: `Proxy` is never meant, and names with `_` pass for others where they become variables. */
const UNSAFE_NAME = /^proxy$|_/;

/** What is told of a request, for the socket of a loop: what is its own, then what is the same for others of its client. */
export interface TravellingScope {
  readonly own: string;
  readonly common: string | Uint8Array;
}

/**
 * The scope of a request as byte strings: client's port; path, raw path and query; then what is mostly the same for all requests of a
 * client, so that the worker takes it apart once: client, method, type, HTTP version, scheme, root path, server, server's port, name and
 * value of each field.
 *
 * Throws a TypeError for a NUL in any part of the request: it would become another word. `known` has what was made of heads that
 * come again.
 */
export function encodeScope(request: PythonRequest, options: EnvironOptions, known: KnownHeads): TravellingScope {
  return { own: `${request.remote.port}\0`, common: known.bytes(request, () => encodeWords(request, options)) };
}

function encodeWords(request: PythonRequest, options: EnvironOptions): string {
  const { method, version, scheme, scriptName, pathInfo, query, remote, fields } = request;
  const rootPath = utf8(scriptName);
  const [host, port] = serverOf(request, options);
  const isWebSocket = opensWebSocket(request) === true;
  const words = [
    rootPath + utf8(pathInfo),
    rawPath(request.target),
    query ?? '',
    remote.address,
    method,
    isWebSocket ? 'websocket' : 'http',
    version,
    isWebSocket ? scheme.replace('http', 'ws') : scheme,
    rootPath,
    host,
    String(port),
  ];
  const passesAuthorization = options.passAuthorization ?? request.user === undefined;
  for (const [name, value] of fields) {
    if (UNSAFE_NAME.test(name) || (name === 'authorization' && !passesAuthorization)) continue;
    words.push(name, value);
  }
  for (const word of words) if (word.includes('\0')) throw new TypeError('asgi: NUL in a request');
  return words.join('\0');
}

function serverOf({ authority, local }: PythonRequest, { serverName }: EnvironOptions): readonly [string, number] {
  return [authority === undefined ? (serverName ?? local.address) : local.address, local.port];
}

/** The path as it stood on the wire: of an absolute target, what follows the authority. */
function rawPath(target: string): string {
  const path = target.startsWith('/') ? target : target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '');
  const end = path.search(/[?#]/);
  return end === -1 ? path : path.slice(0, end);
}
