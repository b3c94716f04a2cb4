// CGI scripts in servers that pass a `Request` and want a `Response`. Unparsed headers (`nph`) cannot be expressed there and are
// refused at the start.

import { fetchHandler } from './adapters/fetch-handler.ts';
import type { FetchHandler, FetchHandlerOptions } from './adapters/fetch-handler.ts';
import { cgi } from './cgi.ts';
import { cgiTable, checkOptions, mountTable, remoteTable } from './options.ts';
import type { CgiOptions } from './options.ts';

/** Where a handler is mounted, and who is on the other side. */
export type CgiFetchOptions = FetchHandlerOptions;

/** A handler for servers that speak Request and Response. */
export type CgiFetchHandler = FetchHandler;

/**
 * Makes a handler that runs scripts.
 *
 * @example
 * app.all('/cgi-bin/*', (context) => scripts(context.req.raw));
 */
export function cgiFetch(options: CgiOptions & CgiFetchOptions): CgiFetchHandler {
  checkOptions('cgi', { ...cgiTable, ...mountTable, ...remoteTable }, options);
  const { path, remote, ...rest } = options;
  if (rest.nph === 'name') throw new TypeError('cgi: nph cannot be used here, a Response has no unparsed form');
  return fetchHandler(cgi(rest), { path, remote });
}
