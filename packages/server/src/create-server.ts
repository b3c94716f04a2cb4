import { cgi } from '@onezero/cgi-process';
import { fastcgi, php, scgi } from '@onezero/cgi-process/fastcgi';
import { app, asgi, wsgi } from '@onezero/python';
import { webdav } from '@onezero/webdav';
import type { Server, ServerOptions } from './options.ts';
import { HttpServer } from './server.ts';

/**
 * Makes a server from options, all of which may be left out. Nothing is opened before `listen`.
 *
 * Throws a TypeError or RangeError of one line for options that cannot be used.
 *
 * @example
 * const server = createServer({ root: './public', cgi: './cgi-bin' });
 * const [address] = await server.listen({ port: 8080 });
 */
export function createServer(options: ServerOptions = {}): Server {
  return new HttpServer(options, { cgi, fastcgi, scgi, php, wsgi, asgi, app, webdav });
}
