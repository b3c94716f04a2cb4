// CGI scripts, and applications behind FastCGI and SCGI, in servers that pass a `Request` and want a `Response`. Unparsed headers (`nph`) cannot be expressed there and are
// refused at the start.

import { fetchHandler } from './adapters/fetch-handler.ts';
import type { FetchHandler, FetchHandlerOptions } from './adapters/fetch-handler.ts';
import { cgi } from './cgi.ts';
import { fastcgi, scgi } from './fastcgi.ts';
import { gatewayTable } from './fastcgi/options.ts';
import type { GatewayOptions } from './fastcgi/options.ts';
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
  checkOptions({ ...cgiTable, ...mountTable, ...remoteTable }, options, 'cgi');
  const { path, remote, ...rest } = options;
  if (rest.nph === 'name') throw new TypeError('cgi: nph cannot be used here, a Response has no unparsed form');
  return fetchHandler(cgi(rest), { path, remote });
}

/**
 * Makes a handler that asks a FastCGI application, such as php-fpm.
 *
 * @example
 * const php = fastcgiFetch({ address: '/run/php/php8.2-fpm.sock', root: './public' });
 */
export function fastcgiFetch(options: GatewayOptions & CgiFetchOptions): CgiFetchHandler {
  checkOptions({ ...gatewayTable, ...mountTable, ...remoteTable }, options, 'fastcgi');
  const { path, remote, ...rest } = options;
  return fetchHandler(fastcgi(rest), { path, remote });
}

/** The same for an SCGI application. */
export function scgiFetch(options: GatewayOptions & CgiFetchOptions): CgiFetchHandler {
  checkOptions({ ...gatewayTable, ...mountTable, ...remoteTable }, options, 'scgi');
  const { path, remote, ...rest } = options;
  return fetchHandler(scgi(rest), { path, remote });
}
