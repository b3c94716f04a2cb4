// The response that an application's answer comes to: with bytes where it is whole, read ahead of its reader where it goes on.

import { responseOf } from '../answer/finished-answer.ts';
import type { ScriptHead } from '../answer/script-header.ts';
import type { CgiResponse } from '../message.ts';
import { readAhead } from '../spool/read-ahead.ts';
import type { ReadAheadOptions } from '../spool/read-ahead.ts';
import type { BackendAnswer, BackendContent } from './backend-answer.ts';

export interface ContentOptions {
  readonly method: string;
  /** Whether bytes are lent: they last for this turn of the loop then. */
  readonly isForNow: boolean;
  readonly ahead: ReadAheadOptions;
}

export function responseWithContent(
  head: ScriptHead,
  content: BackendContent,
  answer: BackendAnswer,
  { method, isForNow, ahead }: ContentOptions,
): CgiResponse {
  if (content instanceof Uint8Array) {
    // What is written for HEAD may be less than for GET.
    if (method === 'HEAD' && content.length === 0) return responseOf(head, unknownContent());
    return isForNow ? lent(head, content) : responseOf(head, content);
  }
  const response = responseOf(head, readAhead(content, ahead));
  if (response.content === undefined) answer.drain().catch(() => {});
  return response;
}

/** How long the content is, its bytes say. */
function lent(head: ScriptHead, content: Uint8Array): CgiResponse {
  const { status, reason, lent: lines } = head;
  const { fields } = lines ?? responseOf(head, content);
  return { status, reason, fields, content, isLent: true, lines };
}

async function* unknownContent(): AsyncGenerator<Uint8Array> {}
