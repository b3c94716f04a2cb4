// The parameters of requests that come again, as the text that goes over the wire.
//
// A client that asks again sends the same head, and the parser gives equal heads the same frozen list of fields. What is made of it is
// made once; only what belongs to one request and one connection of the client is added each time.

import { toByteString } from '../byte-string.ts';
import type { CgiRequest, Field } from '../message.ts';
import type { FoundScript } from '../request/find-script.ts';
import { backendParams } from './backend-params.ts';
import type { ParamSettings } from './backend-params.ts';
import { encodePair, encodePairs, KnownHead, requestHead } from './records.ts';

/** What is new in each request: the name of the request, and the port of a client's connection. */
const OWN = ['UNIQUE_ID', 'REMOTE_PORT'] as const;

type Basis = Omit<CgiRequest, 'pathInfo' | 'fields' | 'contentLength' | 'content' | 'id' | 'signal'>;

/** A text, and all that it depends on beside the fields and the options. */
interface Known {
  readonly basis: Basis;
  readonly found: FoundScript;
  readonly contentLength: number;
  readonly pairs: string;
  /** Made for what comes again: memory beside the heap is what V8 counts when it decides to collect. */
  head: KnownHead | undefined;
}

/** The parameters of requests to one gateway: of `settings` only `contentLength` may differ from one to the next. */
export class KnownParams {
  readonly #known = new WeakMap<readonly Field[], Known>();

  /** The head with what `backendParams` gives, in another order; bytes of it last until the next one. */
  head(request: CgiRequest, found: FoundScript, settings: ParamSettings, isWhole: boolean): string | KnownHead {
    const { fields } = request;
    const known = this.#known.get(fields);
    if (
      known?.contentLength !== settings.contentLength ||
      !isSameScript(known.found, found) ||
      !isAskedAlike(known.basis, request)
    ) {
      return this.#newHead(request, found, settings, isWhole);
    }
    known.head ??= new KnownHead(known.pairs);
    if (known.head.make(own(request), isWhole)) return known.head;
    return requestHead(known.pairs + ownPairs(request), true, isWhole);
  }

  #newHead(request: CgiRequest, found: FoundScript, settings: ParamSettings, isWhole: boolean): string {
    const { fields } = request;
    const { options, contentLength } = settings;
    const { params = {} } = options;
    // A list that may still change proves nothing; and the mount has the last word about its parameters.
    if (!Object.isFrozen(fields) || OWN.some((name) => name in params)) {
      return requestHead(encodePairs(backendParams(request, found, settings)), true, isWhole);
    }
    const { UNIQUE_ID: _id, REMOTE_PORT: _port, ...shared } = backendParams(request, found, settings);
    const pairs = encodePairs(shared);
    this.#known.set(fields, { basis: basisOf(request), found, contentLength, pairs, head: undefined });
    return requestHead(pairs + ownPairs(request), true, isWhole);
  }
}

/** What is kept of a request: no more than is compared. */
function basisOf(request: CgiRequest): Basis {
  const { method, target, version, scheme, authority, scriptName, query, remote, local, user, authType } = request;
  return { method, target, version, scheme, authority, scriptName, query, remote, local, user, authType };
}

function isAskedAlike(before: Basis, now: Basis): boolean {
  return (
    before.target === now.target &&
    before.query === now.query &&
    before.scriptName === now.scriptName &&
    before.method === now.method &&
    before.version === now.version &&
    before.scheme === now.scheme &&
    before.authority === now.authority &&
    before.user === now.user &&
    before.authType === now.authType &&
    before.remote.address === now.remote.address &&
    before.local.address === now.local.address &&
    before.local.port === now.local.port
  );
}

function isSameScript(before: FoundScript, now: FoundScript): boolean {
  if (before === now) return true;
  return before.file === now.file && before.scriptName === now.scriptName && before.pathInfo === now.pathInfo;
}

/** Names and values. */
function own({ id, remote: { port } }: CgiRequest): readonly string[] {
  if (id === undefined) return port === 0 ? [] : ['REMOTE_PORT', String(port)];
  return port === 0 ? ['UNIQUE_ID', id] : ['UNIQUE_ID', id, 'REMOTE_PORT', String(port)];
}

function ownPairs({ id, remote }: CgiRequest): string {
  const name = id === undefined ? '' : encodePair('UNIQUE_ID', toByteString(id));
  return remote.port === 0 ? name : name + encodePair('REMOTE_PORT', String(remote.port));
}
