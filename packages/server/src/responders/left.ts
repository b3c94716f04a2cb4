// What stands for the answer to a client that has left: nobody gets it, and it is no failure of whom was asked.

import type { ResponseMessage } from '../message/message.ts';

export const LEFT: ResponseMessage = { status: 499, fields: [], content: new Uint8Array(0) };
