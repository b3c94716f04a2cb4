// What happens to requests, on channels of node:diagnostics_channel: for tracing and metrics that are attached from outside,
// without an option. A channel without subscribers costs one test of a field.

import { channel, type Channel } from 'node:diagnostics_channel';
import type { RequestMessage } from './message/message.ts';
import type { AccessLogEntry, Failure } from './options.ts';

/** The message on `onezero.request.start`: a request whose head has been read, before anything answers it. */
export interface RequestStartMessage {
  readonly request: RequestMessage;
}

/** The message on `onezero.request.error`: everything that `onError` would see, whether or not there is such a hook. */
export type RequestErrorMessage = Failure;

/** The message on `onezero.request.end`: the exchange is over, whole or broken off. */
export interface RequestEndMessage {
  /** The same object as at the start; undefined when no request could be read. */
  readonly request: RequestMessage | undefined;
  readonly entry: AccessLogEntry;
}

export const requestStart: Channel = channel('onezero.request.start');
export const requestError: Channel = channel('onezero.request.error');
export const requestEnd: Channel = channel('onezero.request.end');
