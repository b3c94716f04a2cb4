// CGI scripts under `node:http`, Express and Connect.

import { nodeHandler } from './adapters/node-handler.ts';
import type { NodeHandler, NodeHandlerOptions } from './adapters/node-handler.ts';
import { cgi } from './cgi.ts';
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
  checkOptions('cgi', { ...cgiTable, ...mountTable }, options);
  const { path = '', ...rest } = options;
  return nodeHandler(cgi(rest), path);
}
