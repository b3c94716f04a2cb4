// CGI scripts, and applications behind FastCGI and SCGI, under `node:http`, Express and Connect.

import { nodeHandler } from './adapters/node-handler.ts';
import type { NodeHandler, NodeHandlerOptions } from './adapters/node-handler.ts';
import { cgi } from './cgi.ts';
import { fastcgi, scgi } from './fastcgi.ts';
import { gatewayTable } from './fastcgi/options.ts';
import type { GatewayOptions } from './fastcgi/options.ts';
import { cgiTable, checkOptions, mountTable } from './options.ts';
import type { CgiOptions } from './options.ts';

/** Where a handler is mounted. */
export type CgiHandlerOptions = NodeHandlerOptions;

/** A request handler for `node:http`; with `next`, a path that names no script is left to the handlers after it. */
export type CgiHandler = NodeHandler;

/**
 * Makes a handler that runs scripts.
 *
 * @example
 * createServer(cgiHandler({ directory: './cgi-bin', path: '/cgi-bin' })).listen(8080);
 */
export function cgiHandler(options: CgiOptions & CgiHandlerOptions): CgiHandler {
  checkOptions({ ...cgiTable, ...mountTable }, options, 'cgi');
  const { path = '', ...rest } = options;
  return nodeHandler(cgi(rest), path);
}

/**
 * Makes a handler that asks a FastCGI application, such as php-fpm.
 *
 * @example
 * app.use(fastcgiHandler({ address: '/run/php/php8.2-fpm.sock', root: './public' }));
 */
export function fastcgiHandler(options: GatewayOptions & CgiHandlerOptions): CgiHandler {
  checkOptions({ ...gatewayTable, ...mountTable }, options, 'fastcgi');
  const { path = '', ...rest } = options;
  return nodeHandler(fastcgi(rest), path);
}

/** The same for an SCGI application. */
export function scgiHandler(options: GatewayOptions & CgiHandlerOptions): CgiHandler {
  checkOptions({ ...gatewayTable, ...mountTable }, options, 'scgi');
  const { path = '', ...rest } = options;
  return nodeHandler(scgi(rest), path);
}
