// The parameters of requests that come again, as the text that goes over the wire.
//
// A client that asks again sends the same head, and the parser gives equal heads the same frozen list of fields. What is made of it is
// made once; only what belongs to one request and one connection of the client is added each time.

import { toByteString } from '../byte-string.ts';
import type { CgiRequest, Field } from '../message.ts';
import type { FoundScript } from '../request/find-script.ts';
import { backendParams } from './backend-params.ts';
import type { ParamSettings } from './backend-params.ts';
import { encodePair, encodePairs } from './records.ts';

/** What is new in each request: the name of the request, and the port of a client's connection. */
const OWN = ['UNIQUE_ID', 'REMOTE_PORT'] as const;

/** A text, and all that it depends on beside the fields and the options. */
interface Known {
  readonly basis: readonly (string | number | undefined)[];
  readonly pairs: string;
}

/** The parameters of requests to one gateway: of `settings` only `contentLength` may differ from one to the next. */
export class KnownParams {
  readonly #known = new WeakMap<readonly Field[], Known>();

  /** What `encodePairs` makes of `backendParams`, in another order. */
  pairs(request: CgiRequest, found: FoundScript, settings: ParamSettings): string {
    const { fields } = request;
    const { params = {} } = settings.options;
    // A list that may still change proves nothing; and the mount has the last word about its parameters.
    if (!Object.isFrozen(fields) || OWN.some((name) => name in params)) {
      return encodePairs(backendParams(request, found, settings));
    }
    const basis = basisOf(request, found, settings.contentLength);
    let known = this.#known.get(fields);
    if (known === undefined || !isSame(known.basis, basis)) {
      const { UNIQUE_ID: _id, REMOTE_PORT: _port, ...shared } = backendParams(request, found, settings);
      known = { basis, pairs: encodePairs(shared) };
      this.#known.set(fields, known);
    }
    return known.pairs + ownPairs(request);
  }
}

function basisOf(request: CgiRequest, found: FoundScript, contentLength: number): Known['basis'] {
  const { method, target, version, scheme, authority, scriptName, query, remote, local, user, authType } = request;
  const { address, port } = local;
  const asked = [method, target, version, scheme, authority, scriptName, query, user, authType];
  return [...asked, remote.address, address, port, contentLength, found.file, found.scriptName, found.pathInfo];
}

function isSame(basis: Known['basis'], other: Known['basis']): boolean {
  return basis.every((value, index) => value === other[index]);
}

function ownPairs({ id, remote }: CgiRequest): string {
  const name = id === undefined ? '' : encodePair('UNIQUE_ID', toByteString(id));
  return remote.port === 0 ? name : name + encodePair('REMOTE_PORT', String(remote.port));
}
