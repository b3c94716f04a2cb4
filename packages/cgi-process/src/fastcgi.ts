// `fastcgi(options)` and `scgi(options)`: requests are answered by an application in another process, such as php-fpm.

import { checkOptions } from './options.ts';
import { Gateway } from './fastcgi/gateway.ts';
import type { Protocol } from './fastcgi/gateway.ts';
import { gatewayTable } from './fastcgi/options.ts';
import type { GatewayOptions, GatewayResponder } from './fastcgi/options.ts';
import type { CgiRequest, CgiResponse } from './message.ts';
import { explainScript } from './request/explain-script.ts';
import { scriptSources } from './request/script-sources.ts';

export type { GatewayConcurrency, GatewayLimits, GatewayOptions, GatewayResponder } from './fastcgi/options.ts';

/**
 * Makes a responder that asks a FastCGI application: php-fpm for the files below a root, fcgiwrap for those of a directory, or an
 * application that answers everything.
 *
 * Connections are kept for a moment and carry one request at a time. What cannot be answered becomes a bare status whose
 * `cause` is a CgiError: 502 `backend-gone` when nobody listens, 503 `busy` when the application is overloaded, 504.
 *
 * @example
 * const php = fastcgi({ address: '/run/php/php8.2-fpm.sock', root: './public' });
 */
export function fastcgi(options: GatewayOptions): GatewayResponder {
  return gatewayResponder(options, 'fastcgi');
}

/**
 * The same for an SCGI application: one connection for each request, whose end is the end of the answer.
 *
 * @example
 * const wiki = scgi({ address: '127.0.0.1:4000' });
 */
export function scgi(options: GatewayOptions): GatewayResponder {
  return gatewayResponder(options, 'scgi');
}

function gatewayResponder(given: GatewayOptions, protocol: Protocol): GatewayResponder {
  checkOptions(gatewayTable, given, protocol);
  const options = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as unknown as GatewayOptions;
  checkChoice(options, protocol);
  const gateway = new Gateway(options, protocol);
  const scripts = async (request: CgiRequest): Promise<CgiResponse> => gateway.respond(request);
  const front = async (request: CgiRequest): Promise<CgiResponse> => gateway.respondFromFront(request);
  const respond = async (request: CgiRequest): Promise<CgiResponse> => {
    const answer = await gateway.respond(request);
    return options.front !== undefined && answer.isNothing === true ? front(request) : answer;
  };
  return Object.assign(respond, {
    scripts,
    explain: (pathInfo: string) => explainScript(gateway.find, pathInfo, gateway.sharesRoot),
    ...sourcesOf(options),
    front: options.front === undefined ? undefined : front,
    close: async (graceMs = 0) => gateway.close(graceMs),
  });
}

function checkChoice(options: GatewayOptions, protocol: Protocol): void {
  if (options.root !== undefined && options.directory !== undefined) {
    throw new TypeError(`${protocol}: expected root or directory; both are given`);
  }
  for (const name of ['extensions', 'index', 'front'] as const) {
    if (options[name] !== undefined && options.root === undefined) {
      throw new TypeError(`${protocol}: ${name}: goes with root only`);
    }
  }
}

function sourcesOf({ root, directory, extensions = ['.php'] }: GatewayOptions): ReturnType<typeof scriptSources> {
  if (directory !== undefined) return scriptSources({ directory });
  if (root === undefined) return { isSource: () => false, sources: [] };
  return scriptSources({ root, extensions: Object.fromEntries(extensions.map((extension) => [extension, null])) });
}
