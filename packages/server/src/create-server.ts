import { everyMaker } from './every-maker.ts';
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
  return new HttpServer(options, everyMaker);
}
