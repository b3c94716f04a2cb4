// The response that an application's answer comes to: with bytes where it is whole, read ahead of its reader where it goes on.

import { responseOf } from '../answer/finished-answer.ts';
import type { ScriptHead } from '../answer/script-header.ts';
import type { CgiResponse } from '../message.ts';
import { readAhead } from '../spool/read-ahead.ts';
import type { ReadAheadOptions } from '../spool/read-ahead.ts';
import type { BackendAnswer } from './backend-answer.ts';

export interface ContentOptions {
  readonly method: string;
  /** Whether bytes may be lent: they last for this turn of the loop then. */
  readonly isForNow: boolean;
  readonly ahead: ReadAheadOptions;
}

/** Rejects with CgiError where less came than was announced. */
export async function responseWithContent(
  head: ScriptHead,
  answer: BackendAnswer,
  { method, isForNow, ahead }: ContentOptions,
): Promise<CgiResponse> {
  // Statuses with pages of their own go on to who makes those.
  const isLent = isForNow && head.status === 200;
  const content = await answer.content(head, method, isLent);
  if (content instanceof Uint8Array) {
    // What is written for HEAD may be less than for GET.
    if (method === 'HEAD' && content.length === 0) return responseOf(head, unknownContent());
    return isLent ? { ...responseOf(head, content), isLent } : responseOf(head, content);
  }
  const response = responseOf(head, readAhead(content, ahead));
  if (response.content === undefined) answer.drain().catch(() => {});
  return response;
}

async function* unknownContent(): AsyncGenerator<Uint8Array> {}
