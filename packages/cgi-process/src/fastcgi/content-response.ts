// The response that an application's answer comes to: with bytes where it is whole, read ahead of its reader where it goes on.

import { responseOf } from '../answer/finished-answer.ts';
import type { ScriptHead } from '../answer/script-header.ts';
import type { CgiResponse } from '../message.ts';
import { readAhead } from '../spool/read-ahead.ts';
import type { ReadAheadOptions } from '../spool/read-ahead.ts';
import type { BackendAnswer, BackendContent } from './backend-answer.ts';

export interface ContentOptions {
  readonly method: string;
  /** Whether bytes may be lent: they last for this turn of the loop then. */
  readonly isForNow: boolean;
  readonly ahead: ReadAheadOptions;
}

/** Throws or rejects with CgiError where less came than was announced. */
export function responseWithContent(
  head: ScriptHead,
  answer: BackendAnswer,
  options: ContentOptions,
): CgiResponse | Promise<CgiResponse> {
  // Statuses with pages of their own go on to who makes those.
  const isLent = options.isForNow && head.status === 200;
  const content = answer.content(head, options.method, isLent);
  if (!(content instanceof Promise)) return responseOfContent(head, content, { answer, isLent, ...options });
  return content.then((settled) => responseOfContent(head, settled, { answer, isLent, ...options }));
}

function responseOfContent(
  head: ScriptHead,
  content: BackendContent,
  { answer, isLent, method, ahead }: ContentOptions & { readonly answer: BackendAnswer; readonly isLent: boolean },
): CgiResponse {
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
