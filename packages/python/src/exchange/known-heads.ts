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

interface Known {
  readonly head: Head;
  readonly text: string;
  /** The text as bytes, once it was asked for again. */
  bytes: Uint8Array | undefined;
}

/** Texts made of requests without content, each kept as long as its head is remembered. */
export class KnownHeads {
  readonly #known = new WeakMap<readonly Field[], Known>();

  /** What `make` says, or said of an equal request: one that differs at most in its id and in the client's port. */
  text(request: PythonRequest, make: () => string): string {
    return this.#find(request)?.text ?? this.#make(request, make);
  }

  /** The same, as bytes where it was said before: a byte string is written by a call of the system's library, bytes are copied. */
  bytes(request: PythonRequest, make: () => string): string | Uint8Array {
    const known = this.#find(request);
    if (known === undefined) return this.#make(request, make);
    return (known.bytes ??= Buffer.from(known.text, 'latin1'));
  }

  #find(request: PythonRequest): Known | undefined {
    if (request.contentLength !== 0) return undefined;
    const known = this.#known.get(request.fields);
    return known !== undefined && isEqual(known.head, request) ? known : undefined;
  }

  #make(request: PythonRequest, make: () => string): string {
    const text = make();
    const { fields, contentLength } = request;
    if (contentLength === 0 && Object.isFrozen(fields)) {
      this.#known.set(fields, { head: headOf(request), text, bytes: undefined });
    }
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
