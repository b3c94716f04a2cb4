// What responders read and return: the shapes of `@onezero/cgi-process`, and the change to another protocol.

import type { CgiRequest, CgiResponse } from '@onezero/cgi-process';
import type { Socket } from 'node:net';

/** A request. */
export interface PythonRequest extends CgiRequest {
  /** The protocols that the client offers to change to, such as `websocket`; undefined when there are none. */
  readonly upgrade?: string | undefined;
}

/** A response. */
export interface PythonResponse extends CgiResponse {
  /** With status 101: gets the connection, as raw bytes, when the head is out. */
  readonly upgrade?: ((stream: Socket) => void) | undefined;
  /** Whether the content is small, and best copied behind its head. Only in what `lend` of a responder resolves with. */
  readonly isLent?: boolean | undefined;
}
