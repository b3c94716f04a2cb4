// A request as the environ of PEP 3333, in the form in which it travels: seven words that each request says anew, then name, NUL,
// value, NUL, and so on, as /proc/PID/environ has it. No variable can hold NUL, and Python takes such a text apart in a few steps
// where it needs a loop for anything else. What follows the seven words is mostly the same for all requests of a client, and the
// worker takes it apart once.
//
// The worker adds what is the same for every request (`wsgi.*`, `onezero.*`) and the streams.

import { metaVariables, type CgiRequest } from '@onezero/cgi-process';
import { utf8 } from '../byte-text.ts';
import type { KnownHeads } from '../exchange/known-heads.ts';

/** What an environ needs to know beside the request. */
export interface EnvironOptions {
  readonly passAuthorization: boolean | undefined;
  readonly serverSoftware: string | undefined;
  readonly serverName: string | undefined;
}

/** The variables that are told by their place, after UNIQUE_ID and REMOTE_PORT, which do not exist where they are empty. */
const PLACED = ['REMOTE_ADDR', 'REQUEST_METHOD', 'REQUEST_URI', 'QUERY_STRING', 'PATH_INFO'];
const NOT_NAMED = new Set([...PLACED, 'UNIQUE_ID', 'REMOTE_PORT']);

/**
 * The environ of a request as a byte string. `contentLength` is the length as it will arrive, undefined when nobody knows it;
 * `known` has what was made of heads that come again.
 *
 * Throws a TypeError for a NUL in any part of the request: it would become another variable.
 */
export function encodeEnviron(
  request: CgiRequest,
  options: EnvironOptions,
  contentLength: number | undefined,
  known: KnownHeads,
): string {
  const { id, remote } = request;
  const name = id === undefined ? '' : utf8(id);
  if (name.includes('\0')) throw new TypeError('wsgi: NUL in UNIQUE_ID');
  const rest = known.text(request, () => encodeVariables(request, options, contentLength));
  return `${name}\0${remote.port === 0 ? '' : remote.port}\0${rest}`;
}

function encodeVariables(request: CgiRequest, options: EnvironOptions, contentLength: number | undefined): string {
  const variables = metaVariables(request, {
    serverSoftware: options.serverSoftware,
    serverName: options.serverName,
    passAuthorization: options.passAuthorization ?? request.user === undefined,
    contentLength,
  });
  let text = '';
  for (const name of PLACED) text += `${withoutNul(name, variables[name] ?? '')}\0`;
  text += `wsgi.url_scheme\0${request.scheme}\0`;
  for (const name in variables) {
    if (!NOT_NAMED.has(name)) text += `${name}\0${withoutNul(name, variables[name]!)}\0`;
  }
  return text;
}

function withoutNul(name: string, value: string): string {
  if (value.includes('\0')) throw new TypeError(`wsgi: NUL in ${name}`);
  return value;
}
