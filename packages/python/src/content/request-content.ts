// The content of a request, collected before a worker is asked: a client that sends slowly then costs no thread, and the
// application learns a length even when the client gave none (Django takes no content without one).
//
// Some stays in memory, within a budget that all requests share; more goes to a file without a name.

import { tmpdir } from 'node:os';
import { PythonError } from '../python-error.ts';
import type { Budget } from './budget.ts';
import { SpoolFile, spoolPieceBytes } from './spool-file.ts';

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

/** Collects `content`: up to `memoryBytes` in memory, more in a file. Rejects with what reading it throws. */
export async function collectContent(
  content: AsyncIterable<Uint8Array>,
  memoryBytes: number,
  budget: Budget,
): Promise<RequestContent> {
  const collector = new Collector(memoryBytes, budget);
  try {
    for await (const chunk of content) if (!collector.keep(chunk)) await collector.write(chunk);
    return await collector.finish();
  } catch (error) {
    collector.discard();
    throw error;
  }
}

class Collector {
  readonly #memoryBytes: number;
  readonly #budget: Budget;
  #pieces: Uint8Array[] = [];
  #pieceBytes = 0;
  #taken = 0;
  #length = 0;
  #file: SpoolFile | undefined;

  constructor(memoryBytes: number, budget: Budget) {
    this.#memoryBytes = memoryBytes;
    this.#budget = budget;
  }

  /** Keeps a chunk in memory, if there is room for it. */
  keep(chunk: Uint8Array): boolean {
    if (this.#file !== undefined || this.#length + chunk.length > this.#memoryBytes) return false;
    if (!this.#budget.take(chunk.length)) return false;
    this.#taken += chunk.length;
    this.#add(chunk);
    return true;
  }

  #add(chunk: Uint8Array): void {
    this.#length += chunk.length;
    this.#pieceBytes += chunk.length;
    this.#pieces.push(chunk);
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#add(chunk);
    if (this.#file === undefined || this.#pieceBytes >= spoolPieceBytes) await this.#flush();
  }

  async #flush(): Promise<void> {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#pieceBytes = 0;
    try {
      this.#file ??= await SpoolFile.open();
      await this.#file.append(pieces);
    } catch (cause) {
      throw new PythonError('spool-failed', `cannot keep a request's content in ${tmpdir()}`, '', { cause });
    }
    this.#giveBack();
  }

  #giveBack(): void {
    this.#budget.give(this.#taken);
    this.#taken = 0;
  }

  async finish(): Promise<RequestContent> {
    const discard = (): void => this.discard();
    if (this.#file === undefined) return { content: this.#pieces, length: this.#length, discard };
    if (this.#pieces.length > 0) await this.#flush();
    return { content: readBack(this.#file), length: this.#length, discard };
  }

  discard(): void {
    this.#giveBack();
    this.#file?.close();
  }
}

async function* readBack(file: SpoolFile): AsyncGenerator<Uint8Array> {
  try {
    for (let position = 0; position < file.length;) {
      const piece = await file.read(position);
      if (piece.length === 0) return;
      position += piece.length;
      yield piece;
    }
  } finally {
    file.close();
  }
}
