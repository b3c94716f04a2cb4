// A request as the environ of PEP 3333, in the form in which it travels: FastCGI pairs of byte strings.
//
// The worker adds what is the same for every request (`wsgi.*`, `onezero.*`) and the streams.

import { metaVariables, type CgiRequest } from '@onezero/cgi-process';
import { encodePair } from './fastcgi.ts';

/** What an environ needs to know beside the request. */
export interface EnvironOptions {
  readonly passAuthorization: boolean | undefined;
  readonly serverSoftware: string | undefined;
  readonly serverName: string | undefined;
}

/** The pairs for a request. `contentLength` is the length as it will arrive, undefined when nobody knows it. */
export function encodeEnviron(request: CgiRequest, options: EnvironOptions, contentLength: number | undefined): string {
  const variables = metaVariables(request, {
    serverSoftware: options.serverSoftware,
    serverName: options.serverName,
    passAuthorization: options.passAuthorization ?? request.user === undefined,
    contentLength,
  });
  // CGI leaves an empty PATH_INFO out; applications expect to find it.
  let pairs = variables['PATH_INFO'] === undefined ? encodePair('PATH_INFO', '') : '';
  for (const name in variables) pairs += encodePair(name, variables[name]!);
  return pairs;
}
