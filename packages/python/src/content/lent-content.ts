// Content that comes from a connection of @onezero/server: it can be lent, which saves a copy and a buffer for each read.

/** Content that hands over its bytes instead of being iterated. */
export interface LentContent {
  /**
   * Calls `take` with all that comes; the bytes are valid until it returns. It may return a promise, during which the client
   * waits, and says false to drop the rest. Resolves at the end, rejects when the content breaks off.
   */
  feed(take: (bytes: Uint8Array) => boolean | Promise<boolean>): Promise<void>;
}

/** Whether content can be lent. */
export function lends(content: object): content is LentContent {
  return 'feed' in content && typeof content.feed === 'function';
}
