// Contents of files that applications send again and again, by what the kernel says of the file: a changed file has another key.

/** As much as a picture or a script has; of larger files the bytes dominate the request anyway. */
export const MAX_REMEMBERED_BYTES = 0x100000;

/** For all files together. */
const MAX_TOTAL_BYTES = 0x2000000;

/** Clocks of file systems are coarse: a file that changed so recently may change again without a new time. In nanoseconds. */
const REST_NS = 2_000_000_000n;

const remembered = new Map<string, Buffer>();
let total = 0;

/** What identifies the state of a file: device, inode, times and size as the worker reads them. */
export interface FileState {
  readonly key: string;
  readonly size: number;
  /** When it was last changed in any way, in nanoseconds since 1970. */
  readonly changed: bigint;
}

/** The content of a file in this state, if it is in memory. */
export function recall(key: string): Buffer | undefined {
  const content = remembered.get(key);
  if (content === undefined) return undefined;
  // The one that was used last goes last.
  remembered.delete(key);
  remembered.set(key, content);
  return content;
}

/** Keeps the content of a file that has rested for a while. The bytes must not be changed any more. */
export function remember({ key, size, changed }: FileState, content: Buffer): void {
  if (content.length !== size || size > MAX_REMEMBERED_BYTES || remembered.has(key)) return;
  if (BigInt(Date.now()) * 1_000_000n - changed < REST_NS) return;
  remembered.set(key, content);
  total += size;
  for (const [oldest, { length }] of remembered) {
    if (total <= MAX_TOTAL_BYTES) return;
    remembered.delete(oldest);
    total -= length;
  }
}
