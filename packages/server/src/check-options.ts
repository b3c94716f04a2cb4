// Refuses wrong options where they are given, also from plain JavaScript: one that was misspelt must not be ignored, as
// `auths` in place of `auth` would leave everything open.

import { checkOptions } from '@onezero/static/options';
import { accessLogTable, listenerTable, serverTable, workersTable } from './option-tables.ts';
import type { Listener } from './options.ts';

// Options of `listen` that people look for where a server is made.
const LISTENING = new Set(['port', 'host', 'hostname', 'socket', 'tls', 'https', 'cert', 'key']);

/** Throws a TypeError of one line for an option of `createServer` that is not one, or whose value cannot be used. */
export function checkServerOptions(options: unknown): void {
  if (typeof options === 'string') {
    throw new TypeError(`createServer: options: expected an object such as { root: ${JSON.stringify(options)} }`);
  }
  const misplaced = Object.keys(options ?? {}).find((name) => LISTENING.has(name));
  if (misplaced !== undefined) {
    const listener =
      misplaced === 'https' || misplaced === 'cert' || misplaced === 'key' ? 'tls: { cert, key }' : misplaced;
    throw new TypeError(`createServer: ${misplaced}: is not an option here; it belongs to listen({ ${listener} })`);
  }
  checkOptions(serverTable, options, 'createServer');
}

/** The same for `listen`. */
export function checkListeners(listeners: readonly Listener[]): void {
  for (const listener of listeners) checkOptions(listenerTable, listener, 'listen');
}

/** The same for `startWorkers`. */
export function checkWorkersOptions(options: unknown): void {
  const { module } = (options ?? {}) as { module?: unknown };
  // A URL is no plain object; it is checked as the text that it stands for.
  const plain = module instanceof URL ? { ...(options as object), module: module.href } : options;
  checkOptions(workersTable, plain, 'startWorkers');
}

/** The same for `accessLog`. */
export function checkAccessLogOptions(options: unknown): void {
  checkOptions(accessLogTable, options, 'accessLog');
}
