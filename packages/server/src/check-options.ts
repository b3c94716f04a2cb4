// Refuses wrong options where they are given, also from plain JavaScript: one that was misspelt must not be ignored, as
// `auths` in place of `auth` would leave everything open.

import { checkOptions } from '@onezero/static/options';
import * as tables from './call-tables.ts';
import { serverTable } from './option-tables.ts';
import type { Listener, NamedCertificate, ServerOptions } from './options.ts';

// Options of `listen` that people look for where a server is made.
const LISTENING: Readonly<Record<string, string>> = {
  port: 'port',
  host: 'host',
  hostname: 'host',
  socket: 'socket',
  tls: 'tls',
  https: 'tls: { cert, key }',
  cert: 'tls: { cert, key }',
  key: 'tls: { cert, key }',
};

/** Throws a TypeError of one line for an option of `createServer` that is not one, or whose value cannot be used. */
export function checkServerOptions(options: unknown): void {
  if (typeof options === 'function') {
    throw new TypeError(
      'createServer: options: expected an object, not a function; did you mean { routes: [{ responder }] }?',
    );
  }
  if (typeof options === 'number') {
    throw new TypeError(
      `createServer: options: expected an object, not ${options}; a port belongs to listen(${options})`,
    );
  }
  if (isObject(options)) checkHabits(options);
  const misplaced = Object.keys(options ?? {}).find((name) => Object.hasOwn(LISTENING, name));
  if (misplaced !== undefined) {
    const listener = LISTENING[misplaced];
    throw new TypeError(`createServer: ${misplaced}: is not an option here; it belongs to listen({ ${listener} })`);
  }
  checkOptions(serverTable, options, 'createServer');
  const { root, static: files, routes = [] } = options as ServerOptions;
  for (const [index, { responder }] of routes.entries()) {
    if (responder.length < 2) continue;
    const wrapped = 'nodeResponder, which gives it the request and response of node:http, or in fetchResponder';
    throw new TypeError(
      `createServer: routes.${index}.responder: takes ${responder.length} arguments, and a responder takes one; wrap it in ${wrapped}`,
    );
  }
  if (files !== undefined && root === undefined) {
    throw new TypeError('createServer: root: is missing beside static; it is the directory whose files are served');
  }
}

/** What other servers take where this one has something else. */
function checkHabits({ static: files, fetch, proxy }: Readonly<Record<string, unknown>>): void {
  const [path, target] = isObject(proxy) ? (Object.entries(proxy)[0] ?? []) : [];
  if (path?.startsWith('/') === true) {
    const meant = `{ path: ${JSON.stringify(path)}, target: ${typeof target === 'string' ? JSON.stringify(target) : '…'} }`;
    throw new TypeError(`createServer: proxy: expected an object with path and target; did you mean ${meant}?`);
  }
  if (typeof files === 'string') {
    const given = JSON.stringify(files);
    throw new TypeError(`createServer: static: expected an object, not ${given}; did you mean { root: ${given} }?`);
  }
  if (isObject(files) && 'root' in files)
    throw new TypeError('createServer: static.root: is not an option; root stands beside static');
  if (fetch !== undefined) {
    const meant = '{ routes: [{ responder: fetchResponder(fetch) }] }';
    throw new TypeError(`createServer: fetch: is not an option; did you mean ${meant}?`);
  }
}

/** The same for `listen`, which node:http calls with more: a host, a function. */
export function checkListeners(listeners: readonly Listener[], more: readonly unknown[] = []): void {
  const [first] = more;
  if (typeof first === 'function')
    throw new TypeError('listen: takes no function; wait for its promise: await listen()');
  if (first !== undefined) {
    const host = typeof first === 'string' ? JSON.stringify(first) : '…';
    throw new TypeError(`listen: takes one value; did you mean { port: …, host: ${host} }?`);
  }
  if (listeners.length === 0)
    throw new TypeError('listen: expected a listener such as { port: 8080 }, not an empty list');
  for (const listener of listeners as readonly unknown[]) {
    if (typeof listener === 'string' && /^\d+$/.test(listener)) {
      throw new TypeError(`listen: expected a number, not ${JSON.stringify(listener)}; did you mean ${listener}?`);
    }
    checkOptions(tables.listenerTable, listener, 'listen');
  }
}

/** The same for `fetch`. */
export function checkAsked(request: unknown): void {
  if (request instanceof URL || (isObject(request) && typeof request['url'] === 'string' && 'headers' in request))
    return;
  throw new TypeError(`fetch: expected a path such as "/", a URL or a Request, not ${kindOf(request)}`);
}

/** The same for `close`. */
export function checkStopOptions(options: unknown): void {
  if (typeof options === 'function')
    throw new TypeError('close: takes no function; wait for its promise: await close()');
  checkOptions(tables.stopTable, options, 'close');
}

/** The same for `explain`. */
export function checkQuestion(question: unknown): void {
  checkOptions(tables.questionTable, question, 'explain');
}

/** The same for `startWorkers`. */
export function checkWorkersOptions(options: unknown): void {
  checkOptions(tables.workersTable, options, 'startWorkers');
}

/** The same for `accessLog`. */
export function checkAccessLogOptions(options: unknown): void {
  checkOptions(tables.accessLogTable, options, 'accessLog');
}

/** The same for `readCertificate`. */
export function checkCertificateFiles(files: unknown): void {
  checkOptions(tables.certificateFilesTable, files, 'readCertificate');
}

/** The same for `watchCertificate`. */
export function checkCertificateWatch(watch: unknown): void {
  checkOptions(tables.certificateWatchTable, watch, 'watchCertificate');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** Throws a TypeError of one line for an argument that is no function. */
export function checkFunction(value: unknown, subject: string, expected: string): void {
  if (typeof value !== 'function') throw new TypeError(`${subject}: expected ${expected}, not ${kindOf(value)}`);
}

/** What a value is, in words. */
export function kindOf(value: unknown): string {
  return typeof value === 'object' && value !== null
    ? 'an object'
    : typeof value === 'string'
      ? 'a text'
      : String(value);
}

/**
 * Throws an Error that says what is wrong with a certificate or its key. What OpenSSL says names neither of them, and of two that
 * are of different kinds it says nothing; then no handshake succeeds.
 */
export function checkCertificate({ cert, key, passphrase }: NamedCertificate): void {
  // Loaded when it is used: it takes as long as all the rest of a start.
  const { createPrivateKey, X509Certificate } = process.getBuiltinModule('node:crypto');
  if (!/-BEGIN (?:\w+ )?CERT/.test(cert)) throw new Error('the certificate has no -----BEGIN CERTIFICATE-----');
  if (!key.includes(' PRIVATE KEY-')) throw new Error('the key has no -----BEGIN PRIVATE KEY-----');
  const known = new X509Certificate(cert);
  let own;
  try {
    own = createPrivateKey({ key, passphrase });
  } catch (error) {
    if (!key.includes('ENCRYPTED')) throw error;
    throw new Error(`the ${passphrase === undefined ? 'key needs a passphrase' : 'passphrase does not fit the key'}`, {
      cause: error,
    });
  }
  if (!known.checkPrivateKey(own)) throw new Error('the key is of another certificate');
}
