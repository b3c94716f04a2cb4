// The content of a PUT on its way into a file, and how much of it is here already.

import { fieldValue } from '../http/request-fields.ts';
import type { Field, StaticRequest } from '../message.ts';
import { arrivedOf, GATHER_BYTES, wholeOf } from './content.ts';
import { ExpectedDigests } from './digests.ts';
import { contentOf } from './write-refusal.ts';

export interface Upload {
  readonly content: AsyncIterable<Uint8Array>;
  readonly digests: ExpectedDigests;
  /** Whether all of it has arrived. */
  readonly isWhole: boolean;
  /** What has arrived; all of `content` if it is whole. */
  readonly chunks: readonly Uint8Array[];
  /** Says that no more is asked for. */
  end(): void;
}

/** Takes what has arrived of a request's content. Throws what the content throws, and a refusal with 400 for digests that cannot be read. */
export async function uploadOf(request: StaticRequest): Promise<Upload> {
  const digests = new ExpectedDigests(request.fields);
  const content = contentOf(request);
  // What is here already is looked at without asking a client for it that waits to be asked.
  const early = mayHaveArrived(request.fields) ? await arrivedOf(content) : undefined;
  const isWhole = early !== undefined && early.next === undefined;
  return {
    content: early === undefined ? content : wholeOf(early, content),
    digests,
    isWhole,
    chunks: early?.chunks ?? [],
    end: () => {
      if (!isWhole) content.return().catch(() => {});
    },
  };
}

/** The length that a request announces in bytes; 0 where it does not. */
export function announcedBytes(fields: readonly Field[]): number {
  const bytes = Number(fieldValue(fields, 'content-length') ?? 0);
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : 0;
}

/** Whether content can have come with its request: it is short, and its client did not ask whether it is wanted. */
function mayHaveArrived(fields: readonly Field[]): boolean {
  return announcedBytes(fields) <= GATHER_BYTES && fieldValue(fields, 'expect') === undefined;
}
