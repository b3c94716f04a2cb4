// What the responder reads of a request and what it returns: plain values, as those of @onezero/static.

import type { StaticRequest, StaticResponse } from '@onezero/static';

export type { Field } from '@onezero/static';

/** The members of a request that are read; `content` may be iterated once. */
export interface DavRequest extends Omit<StaticRequest, 'commit'> {
  /** Host and optional port as the client named them: what a Destination has to name too. */
  readonly authority?: string | undefined;
  /** The user that was authenticated: locks are theirs alone. */
  readonly user?: string | undefined;
  /** 0 when there is no content, undefined when it is not known. */
  readonly contentLength?: number | undefined;
}

/** A response as a value; one of 400 or more without content is for the server to complete. */
export type DavResponse = StaticResponse;

/** Answers a request. Rejects only when the content of a request does. */
export interface DavResponder {
  (request: DavRequest): DavResponse | Promise<DavResponse>;
  /** Resolves when what earlier processes have left is removed. Rejects when the root cannot be worked in. */
  ready(): Promise<void>;
}
