// Content that nobody will read must be told so, or its file stays open and its script runs on.

import type { ContentOut } from './message.ts';

/** Closes content that has not been iterated. What closing throws is nobody's to handle any more. */
export function discard(content: ContentOut | undefined): void {
  if (content === undefined || content instanceof Uint8Array) return;
  void abandon(() => content[Symbol.asyncIterator]());
}

/** Closes an iterator at once, also while its `next()` is pending. Resolves when it has closed, or failed to. */
async function abandon(iterator: () => AsyncIterator<Uint8Array>): Promise<void> {
  try {
    await iterator().return?.();
  } catch {
    // Whoever made it has failed while giving up what nobody wants: there is no answer left to change.
  }
}
