// A request as the environ of PEP 3333, in the form in which it travels: name, NUL, value, NUL, and so on, as /proc/PID/environ
// has it. No variable can hold NUL, and Python takes such a text apart in two steps where it needs a loop for anything else.
//
// The worker adds what is the same for every request (`wsgi.*`, `onezero.*`) and the streams.

import { metaVariables, type CgiRequest } from '@onezero/cgi-process';

/** What an environ needs to know beside the request. */
export interface EnvironOptions {
  readonly passAuthorization: boolean | undefined;
  readonly serverSoftware: string | undefined;
  readonly serverName: string | undefined;
}

/**
 * The environ of a request as a byte string. `contentLength` is the length as it will arrive, undefined when nobody knows it.
 *
 * Throws a TypeError for a NUL in any part of the request: it would become another variable.
 */
export function encodeEnviron(request: CgiRequest, options: EnvironOptions, contentLength: number | undefined): string {
  const variables = metaVariables(request, {
    serverSoftware: options.serverSoftware,
    serverName: options.serverName,
    passAuthorization: options.passAuthorization ?? request.user === undefined,
    contentLength,
  });
  let text = `wsgi.url_scheme\0${request.scheme}\0`;
  // CGI leaves an empty PATH_INFO out; applications expect to find it.
  if (variables['PATH_INFO'] === undefined) text += 'PATH_INFO\0\0';
  for (const name in variables) {
    const value = variables[name]!;
    if (value.includes('\0')) throw new TypeError(`wsgi: NUL in ${name}`);
    text += `${name}\0${value}\0`;
  }
  return text;
}
