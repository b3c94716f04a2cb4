// What responders read and return: the shapes of `@onezero/cgi-process`, and the change to another protocol.

import type { CgiRequest, CgiResponse } from '@onezero/cgi-process';
import type { Socket } from 'node:net';

/** A request. */
export interface PythonRequest extends CgiRequest {
  /** The protocols that the client offers to change to, such as `websocket`; undefined when there are none. */
  readonly upgrade?: string | undefined;
}

/** Who waits for an answer: told once, with one of both, and not within the call that asks. */
export interface AnswerListener {
  answered(response: PythonResponse): void;
  failed(error: unknown): void;
}

/** Keeps bytes that a server makes of a response's fields for as long as the fields are the same. */
export interface LineStore {
  readonly kept: Uint8Array | undefined;
  /** Copies `lines`. */
  keep(lines: Uint8Array): void;
}

/** A response. */
export interface PythonResponse extends CgiResponse {
  /** With status 101: gets the connection, as raw bytes, when the head is out. */
  readonly upgrade?: ((stream: Socket) => void) | undefined;
  /** With `isLent`: keeps what the server makes of `fields`. */
  readonly lines?: LineStore | undefined;
  /** Whether the content is bytes that are valid until the listener of `lend` returns. */
  readonly isLent?: boolean | undefined;
}
