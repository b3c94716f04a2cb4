// `fastcgi(options)` and `scgi(options)`: requests are answered by an application in another process, such as php-fpm.

import { gatewayResponder } from './fastcgi/gateway-responder.ts';
import type { GatewayOptions, GatewayResponder } from './fastcgi/options.ts';

export type {
  GatewayConcurrency,
  GatewayLimits,
  GatewayOptions,
  GatewayResponder,
  LendingResponder,
} from './fastcgi/options.ts';
export type { BackendCounts, BackendState, GatewayState, PhpState } from './fastcgi/state.ts';
export { php } from './php.ts';
export type { PhpOptions, PhpResponder } from './php/options.ts';

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
