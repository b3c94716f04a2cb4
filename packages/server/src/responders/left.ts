// What stands for the answer to a client that has left: nobody gets it, and it is no failure of whom was asked.

import type { ResponseMessage } from '../message/message.ts';

/** The number that nginx logs for such a request. It is never sent, and has no page. */
const CLIENT_LEFT = 499;

export const LEFT: ResponseMessage = { status: CLIENT_LEFT, fields: [], content: new Uint8Array(0) };
