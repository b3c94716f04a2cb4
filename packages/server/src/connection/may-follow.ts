// Whether another request may follow a response on its connection; pure.

import type { RequestHeadEvent } from '@onezero/http-parser';
import type { Exchange } from './exchange.ts';

/** What of the connection decides. */
export interface ConnectionState {
  /** We are about to close the connection, and nothing has come behind this request. */
  readonly isClosing: boolean;
  /** Nothing more can be read, because the input was malformed. */
  readonly hasFailed: boolean;
  /** Requests so far, this one included. */
  readonly requests: number;
  /** The client has finished sending, and nothing that it sent is left. */
  readonly isExhausted: boolean;
}

/** The last word on persistence; what the client asked for is in the event. */
export function mayFollow(
  exchange: Exchange,
  { persistent, form, contentLength }: RequestHeadEvent,
  { isClosing, hasFailed, requests, isExhausted }: ConnectionState,
): boolean {
  const { maxRequestsPerConnection, maxDrainBytes } = exchange.service.limits;
  const isContentPending = exchange.content !== undefined && !exchange.received;
  const isBeyondDraining = (contentLength ?? 0) - exchange.receivedBytes > maxDrainBytes;
  return (
    persistent &&
    !exchange.refused &&
    // What follows CONNECT was meant for a tunnel.
    form !== 'authority' &&
    !isClosing &&
    !hasFailed &&
    (maxRequestsPerConnection === 0 || requests < maxRequestsPerConnection) &&
    !isExhausted &&
    // Without 100 (Continue) a client may send its content or not (RFC 9110 §10.1.1).
    !(isContentPending && (exchange.continueDue || isBeyondDraining))
  );
}
