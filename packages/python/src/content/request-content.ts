// The content of a request, collected before a worker is asked: a client that sends slowly then costs no thread, and the
// application gets a length even when the client gave none (Django takes no content without one).
//
// Some stays in memory, within a budget that all requests share; more goes to a file without a name: the spool of cgi-process.

import { tmpdir } from 'node:os';
import { CgiError, collectContent, SpoolBudget } from '@onezero/cgi-process';
import { PythonError } from '../python-error.ts';
import { BLOCK_BYTES, returnBlock, takeBlock } from './blocks.ts';
import { type LentContent, lends } from './lent-content.ts';

/** Read back at once: fewer turns of the loop than a socket's 64 KiB, and still little memory. */
const READ_BYTES = 0x40000;

/** Less would leave most of a block empty. */
const leastBytes = BLOCK_BYTES / 2;

/** Content on its way to a worker. `discard` is called when it was sent, or will not be. */
export interface RequestContent {
  /** All of it in pieces, or a sequence. */
  readonly content: readonly Uint8Array[] | AsyncIterable<Uint8Array>;
  /** Undefined when it ends where it ends. */
  readonly length: number | undefined;
  /** Gives back what it takes. May be repeated. */
  readonly discard: () => void;
}

/** For content that leaves nothing behind. */
export const nothingToDiscard = (): void => {};

/** What a request without content has. */
export const noContent: RequestContent = { content: [], length: 0, discard: nothingToDiscard };

/** The server bounds what a request may have. */
const files = new SpoolBudget(Number.POSITIVE_INFINITY);

/**
 * Collects content that is lent and has a length, into blocks of memory that are used again. The budget has given `bytes`; they go
 * back with `discard`.
 */
async function collectLent(content: LentContent, bytes: number, budget: SpoolBudget): Promise<RequestContent> {
  const blocks: Buffer[] = [];
  let length = 0;
  let isKept = true;
  const discard = (): void => {
    if (!isKept) return;
    isKept = false;
    for (const block of blocks) returnBlock(block);
    budget.give(bytes);
  };
  try {
    await content.feed((piece) => {
      length += fill(blocks, length, piece);
      return true;
    });
  } catch (error) {
    discard();
    throw error;
  }
  const pieces = blocks.map((block, index) => block.subarray(0, length - index * BLOCK_BYTES));
  return { content: pieces, length, discard };
}

/** Adds a copy of `piece` behind the `length` bytes that are there; how much it was. */
function fill(blocks: Buffer[], length: number, piece: Uint8Array): number {
  for (let done = 0; done < piece.length;) {
    const start = (length + done) % BLOCK_BYTES;
    if (start === 0) blocks.push(takeBlock());
    const size = Math.min(piece.length - done, BLOCK_BYTES - start);
    blocks.at(-1)!.set(piece.subarray(done, done + size), start);
    done += size;
  }
  return piece.length;
}

/**
 * Collects `content`: up to `memoryBytes` in memory, more in a file. Rejects with what reading it throws, and with `content-unstored`
 * where it cannot be kept. `announced` is the length that the client named.
 */
export async function spoolContent(
  content: AsyncIterable<Uint8Array>,
  memoryBytes: number,
  memoryBudget: SpoolBudget,
  announced?: number,
): Promise<RequestContent> {
  const isForBlocks = announced !== undefined && announced > leastBytes && announced <= memoryBytes;
  if (isForBlocks && lends(content) && memoryBudget.take(announced)) {
    return collectLent(content, announced, memoryBudget);
  }
  try {
    const collected = await collectContent(content, {
      memoryBytes,
      memoryBudget,
      fileBytes: Number.POSITIVE_INFINITY,
      budget: files,
      maxBytes: Number.POSITIVE_INFINITY,
      announced: undefined,
      whole: true,
    });
    const { memory, file, length } = collected;
    return {
      content: file === undefined ? memory : collected.pieces(READ_BYTES),
      length,
      discard: () => collected.dispose(),
    };
  } catch (error) {
    if (!(error instanceof CgiError)) throw error;
    if (error.code === 'content-broken') throw error.cause;
    throw new PythonError('content-unstored', `cannot keep a request's content in ${tmpdir()}`, '', {
      cause: error.cause,
    });
  }
}
