// `php(options)`: PHP below a root, by a php-fpm that is there or by one of our own.

import { availableParallelism } from 'node:os';
import { gatewayResponder } from './fastcgi/gateway-responder.ts';
import { checkOptions } from './options.ts';
import { findPhp } from './php/find-php.ts';
import { phpTable } from './php/options.ts';
import type { PhpOptions, PhpResponder } from './php/options.ts';
import { PhpProcess } from './php/php-process.ts';
import { isPhpSource } from './php/sources.ts';

/** What four processors keep busy, at least: most of a request is waiting for a database. */
const LEAST_CHILDREN = 8;
const CHILDREN_PER_PROCESSOR = 4;

/**
 * Makes a responder for the PHP files below a root and for the front controller behind them. Its options are provisional.
 *
 * Which PHP: the one that `server` names; else a php-fpm that listens, may be asked and can read the root; else php-fpm or
 * php-cgi, started when it is first needed, started again when it dies, and ended by `close` and with this process. Throws an
 * Error of one line where there is no PHP.
 *
 * @example
 * const site = php({ root: './public' });
 */
export function php(given: PhpOptions): PhpResponder {
  checkOptions(phpTable, given, 'php');
  const { server, children, ini = {}, uid, gid, front = 'index.php', ...rest } = given;
  const { root, extensions = ['.php'], log } = rest;
  const found = findPhp(server, root);
  const files = { ...rest, front: front === false ? undefined : front };
  if (found.kind === 'listens') {
    const gateway = gatewayResponder({ ...files, address: found.address }, 'fastcgi');
    return withPhp(gateway, { php: `php-fpm at ${found.address}`, address: found.address });
  }
  const max = children ?? Math.max(LEAST_CHILDREN, CHILDREN_PER_PROCESSOR * availableParallelism());
  const own = new PhpProcess({ ...found, children: max, ini, extensions, uid, gid, log });
  const options = { ...files, address: own.socket, concurrency: { max, ...rest.concurrency } };
  return withPhp(
    gatewayResponder(options, 'fastcgi', () => own.start()),
    { php: found.program, address: own.socket },
    own,
  );
}

function withPhp(
  gateway: ReturnType<typeof gatewayResponder>,
  which: Pick<PhpResponder, 'php' | 'address'>,
  own?: PhpProcess,
): PhpResponder {
  const { close, isSource, state } = gateway;
  return Object.assign(gateway, {
    ...which,
    isSource: (file: string, asked?: string) => isSource(file, asked) || isPhpSource(file),
    state: () => ({ ...state(), ...(own?.state ?? { processes: 0, ready: 0, restarts: 0 }) }),
    ready: async () => own?.start(),
    close: async (graceMs = 0) => {
      await close(graceMs);
      await own?.close();
    },
  });
}
