// Refuses wrong options where they are given, also from plain JavaScript: one that was misspelt must not be ignored, as
// `auths` in place of `auth` would leave everything open.

import { checkOptions } from '@onezero/static/options';
import { accessLogTable, listenerTable, serverTable } from './option-tables.ts';
import type { Listener, ServerOptions } from './options.ts';

// Options of a server that people look for where it is made.
const LISTENING = new Set(['port', 'host', 'hostname', 'socket', 'tls', 'https', 'cert', 'key']);

/** Throws a TypeError of one line for an option of `createServer` that is not one, or whose value cannot be used. */
export function checkServerOptions(options: unknown): void {
  if (typeof options === 'object' && options !== null) {
    const misplaced = Object.keys(options).find((name) => LISTENING.has(name));
    if (misplaced !== undefined)
      throw new TypeError(`createServer: ${misplaced}: is not an option here; it belongs to listen({ ${misplaced} })`);
  }
  const { cgi, fastcgi, scgi, wsgi, asgi, app, ...rest } = (options ?? {}) as ServerOptions;
  check('createServer', () =>
    checkOptions(
      serverTable,
      isObject(options) ? { ...rest, static: undefined, limits: finite(rest.limits) } : options,
    ),
  );
  if (rest.static !== undefined && !isObject(rest.static)) throw mustBe('static', 'an object', rest.static);
  for (const [name, mounts] of Object.entries({ cgi, fastcgi, scgi, wsgi, asgi, app })) {
    for (const mount of mounts === undefined ? [] : [mounts].flat()) {
      if (!isObject(mount) && (typeof mount !== 'string' || mount === '' || Array.isArray(mounts)))
        throw mustBe(name, 'a text, a mount or a list of mounts', mount);
    }
  }
}

/** The same for `listen`. */
export function checkListeners(listeners: readonly Listener[]): void {
  for (const listener of listeners) check('listen', () => checkOptions(listenerTable, listener));
}

/** The same for `accessLog`. */
export function checkAccessLogOptions(options: unknown): void {
  check('accessLog', () => checkOptions(accessLogTable, options));
}

function check(where: string, run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new TypeError(`${where}: ${error.message}`, { cause: error });
  }
}

function mustBe(name: string, what: string, value: unknown): TypeError {
  const shown = typeof value === 'string' ? JSON.stringify(value) : Array.isArray(value) ? 'a list' : String(value);
  return new TypeError(`createServer: ${name}: expected ${what}, not ${shown}`);
}

/** Infinity lifts a limit, as 0 does. */
function finite(limits: ServerOptions['limits']): unknown {
  if (!isObject(limits)) return limits;
  return Object.fromEntries(
    Object.entries(limits ?? {}).map(([name, value]) => [name, value === Infinity ? 0 : value]),
  );
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
