// How a write ends when it does not succeed: with a status of its own, with what the request's content threw, or with what the
// file system said.

import { codeOf } from '../files/system-errors.ts';
import type { StaticRequest, StaticResponse } from '../message.ts';
import { refusal } from '../refusals.ts';

/** Ends a write with a response. */
export class WriteRefused extends Error {
  readonly response: StaticResponse;
  constructor(response: StaticResponse) {
    super(`write refused with ${response.status}`);
    this.response = response;
  }
}

/** Wraps what the content throws, so that it is not taken for the file system's. */
export async function* contentOf({ content }: StaticRequest): AsyncGenerator<Uint8Array, void> {
  if (content === undefined) return;
  try {
    yield* content;
  } catch (error) {
    throw new ContentFailed(error);
  }
}

class ContentFailed extends Error {
  constructor(cause: unknown) {
    super('the content broke off', { cause });
  }
}

/** The response for an error of the file system, or a throw of what the content threw. */
export function refusalOf(error: unknown): StaticResponse {
  if (error instanceof WriteRefused) return error.response;
  if (error instanceof ContentFailed) throw error.cause;
  switch (codeOf(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return refusal(507, error);
    case 'EFBIG':
      return refusal(413, error);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    // A place where something is mounted can neither be renamed nor removed, a directory of an image not be renamed.
    case 'EBUSY':
    case 'EXDEV':
      return refusal(403, error);
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ELOOP':
    case 'EISDIR':
    case 'ENOTEMPTY':
    case 'EEXIST':
    case 'ENAMETOOLONG':
      return refusal(409, error);
    case 'EMFILE':
    case 'ENFILE':
      return refusal(503, error);
    default:
      return refusal(500, error);
  }
}
