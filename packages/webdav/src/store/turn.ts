// Whoever changes names, properties or locks below a root has the turn of the root: one at a time, in all processes.
//
// What takes long is done before or after: content arrives, trees are copied and removed beside what is visible, and in the turn
// there are a few renames. Within a process requests wait in line here, so that processes compete and not requests. A process
// keeps the turn for a moment after a request, since taking it costs more than what most requests do in it.

import { accessSync, constants } from 'node:fs';
import { setTimeout as passed } from 'node:timers/promises';
import type { HeldDirectories, SiteTree } from '@onezero/static/tree';
import { codeOf, hasFolder, isFull } from './folder.ts';

/** How long the turn is kept when nothing more comes: what clients need for their next request. */
const IDLE_MS = 10;

/** How long it is kept at most, so that other processes get theirs. */
const KEPT_MS = 50;

/**
 * How long it is left to others who wait for it. They look every 25 ms at most (@onezero/static/tree); who takes it again at once
 * would get it before most of their looks, and on a busy machine before all of them.
 */
const LEFT_MS = 30;

/** Where the turn is done without, only its beginning and what is bare. */
interface Held {
  readonly sinceMs: number;
  /** Directories that are written to while the turn is kept. */
  readonly directories?: HeldDirectories;
  /** Directories that have no folder of properties, as long as nothing but PUT runs. */
  readonly bare: Set<string>;
  /** Whether another process waits for it. */
  isWanted?(): Promise<boolean>;
  /** Gives the turn up; resolves when others can have it. */
  release?(): Promise<void>;
}

/** A root that may not be written to holds no turn. Its subdirectories may be: there each process has a line of its own. */
function isClosed(root: string): boolean {
  try {
    accessSync(root, constants.W_OK);
    return false;
  } catch {
    return true;
  }
}

/** Whether a turn was refused. Where the root may be written to, another user has it, and to go on would be to take no turns. */
function isRefused(error: unknown): boolean {
  return /^E(?:ACCES|PERM|ROFS)$/.test(codeOf(error) ?? '');
}

const never = (_error: unknown): boolean => false;

export class Turn {
  readonly #tree: SiteTree;
  #last: Promise<unknown> = Promise.resolve();
  #held: Held | undefined;
  #idle: NodeJS.Timeout | undefined;
  /** Until then it is left to others. */
  #leftUntil = 0;

  constructor(tree: SiteTree) {
    this.#tree = tree;
  }

  /** What is the same as long as this process keeps the turn: what it has seen stays as it was unless it changes it. */
  get held(): object | undefined {
    return this.#held;
  }

  /** Directories for small writes of whoever has the turn, as long as this process keeps it. */
  get directories(): HeldDirectories | undefined {
    return this.#held?.directories;
  }

  /** Whether a directory has no folder of properties and of what is worked on. Ask in a PUT that has the turn. */
  isBare(directory: string): boolean {
    const bare = this.#held?.bare;
    if (bare?.has(directory) === true) return true;
    if (hasFolder(directory)) return false;
    bare?.add(directory);
    return true;
  }

  /** Runs an action alone. Rejects with what it throws, or with a refusal with 503 when other processes keep the turn. */
  run<Value>(action: () => Promise<Value>): Promise<Value> {
    return this.#inLine(() => this.#runNow(() => this.#forgetting(action)));
  }

  /** The same for an action that neither moves a directory nor gives anything its first property. */
  runPut<Value>(action: () => Promise<Value>): Promise<Value> {
    return this.#inLine(() => this.#runNow(action));
  }

  /** The same, but where the disk has no room for the turn the action goes without: it is to make room. */
  runAnyway<Value>(action: () => Promise<Value>): Promise<Value> {
    return this.#inLine(() => this.#runNow(() => this.#forgetting(action), isFull));
  }

  /** What PUT has seen of directories may not be so after anything else. */
  async #forgetting<Value>(action: () => Promise<Value>): Promise<Value> {
    try {
      return await action();
    } finally {
      this.#held?.bare.clear();
      this.#held?.directories?.doubt();
    }
  }

  #inLine<Value>(action: () => Promise<Value>): Promise<Value> {
    const result = this.#last.then(action);
    this.#last = result.catch(() => {});
    return result;
  }

  async #runNow<Value>(action: () => Promise<Value>, mayGoWithout = never): Promise<Value> {
    clearTimeout(this.#idle);
    this.#held ??= await this.#take(mayGoWithout);
    try {
      return await action();
    } finally {
      // What was done is done, whatever becomes of the turn.
      if (performance.now() - this.#held.sinceMs > KEPT_MS) await this.#giveUp().catch(() => {});
      else this.#idle = setTimeout(() => this.#whenIdle(), IDLE_MS).unref();
    }
  }

  #whenIdle(): void {
    // In line with requests, so that none of them begins while the turn is given up.
    this.#last = this.#last.then(() => this.#giveUp()).catch(() => {});
  }

  async #giveUp(): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined) return;
    // Who cannot be asked whether others wait lets them have it.
    const isWanted = await held.isWanted?.().catch(() => true);
    await held.release?.();
    if (isWanted === true) this.#leftUntil = performance.now() + LEFT_MS;
  }

  async #take(mayGoWithout: (error: unknown) => boolean): Promise<Held> {
    const leftMs = this.#leftUntil - performance.now();
    if (leftMs > 0) await passed(leftMs);
    return new Promise((resolve, reject) => {
      const ended = this.#tree.inTurn('webdav', (directories, isWanted) => {
        return new Promise<void>((end) => {
          const release = (): Promise<void> => {
            end();
            return ended;
          };
          resolve({ sinceMs: performance.now(), directories, bare: new Set(), isWanted, release });
        });
      });
      ended.catch((error: unknown) => {
        if (!mayGoWithout(error) && !(isRefused(error) && isClosed(this.#tree.root))) return reject(error);
        resolve({ sinceMs: Number.NEGATIVE_INFINITY, bare: new Set() });
      });
    });
  }
}
