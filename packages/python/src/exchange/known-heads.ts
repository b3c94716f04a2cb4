// What is made of a request's head, for a head that comes again: the parser gives its fields as the same frozen list then.

import type { Field } from '@onezero/cgi-process';
import type { PythonRequest } from '../message.ts';

/** What a text was made of beside the fields. Not the request itself, which would keep its connection. */
interface Head extends Omit<
  PythonRequest,
  'fields' | 'contentLength' | 'content' | 'remote' | 'local' | 'id' | 'signal'
> {
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly localPort: number;
}

/** Texts made of requests without content, each kept as long as its head is remembered. */
export class KnownHeads {
  readonly #known = new WeakMap<readonly Field[], { readonly head: Head; readonly text: string }>();

  /** What `make` says, or said of an equal request: one that differs at most in its id and in the client's port. */
  text(request: PythonRequest, make: () => string): string {
    const { fields } = request;
    if (request.contentLength !== 0) return make();
    const known = this.#known.get(fields);
    if (known !== undefined && isEqual(known.head, request)) return known.text;
    const text = make();
    if (Object.isFrozen(fields)) this.#known.set(fields, { head: headOf(request), text });
    return text;
  }
}

function headOf(request: PythonRequest): Head {
  return {
    method: request.method,
    target: request.target,
    version: request.version,
    scheme: request.scheme,
    authority: request.authority,
    scriptName: request.scriptName,
    pathInfo: request.pathInfo,
    query: request.query,
    user: request.user,
    authType: request.authType,
    upgrade: request.upgrade,
    remoteAddress: request.remote.address,
    localAddress: request.local.address,
    localPort: request.local.port,
  };
}

function isEqual(head: Head, request: PythonRequest): boolean {
  return (
    head.pathInfo === request.pathInfo &&
    head.scriptName === request.scriptName &&
    head.query === request.query &&
    head.target === request.target &&
    head.method === request.method &&
    head.version === request.version &&
    head.scheme === request.scheme &&
    head.authority === request.authority &&
    head.user === request.user &&
    head.authType === request.authType &&
    head.upgrade === request.upgrade &&
    head.remoteAddress === request.remote.address &&
    head.localAddress === request.local.address &&
    head.localPort === request.local.port
  );
}
