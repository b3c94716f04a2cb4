// What was said of the members of collections, as long as they stay as they were: each is looked at for every response, but what is
// said of it is only written when it has changed.

import type { Stats } from 'node:fs';

/** Members remembered over all collections: some 15 MB. */
const MAX_MEMBERS = 20_000;

interface Said {
  readonly ino: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly text: string;
}

export class Remembered {
  readonly #collections = new Map<string, RememberedMembers>();

  /** What was said of the members of one collection, for one question. */
  of(key: string): RememberedMembers {
    const known = this.#collections.get(key) ?? new RememberedMembers();
    // The last that was asked for is the last to go.
    this.#collections.delete(key);
    this.#collections.set(key, known);
    let members = 0;
    for (const { size } of this.#collections.values()) members += size + 1;
    for (const [oldest, { size }] of this.#collections) {
      if (members <= MAX_MEMBERS || oldest === key) break;
      this.#collections.delete(oldest);
      members -= size + 1;
    }
    return known;
  }
}

export class RememberedMembers {
  readonly #said = new Map<string, Said>();

  get size(): number {
    return this.#said.size;
  }

  /** What is said of a member in this state; `write` is asked when it was in another. */
  text(name: string, { ino, size, mtimeMs, ctimeMs }: Stats, write: () => string): string {
    const said = this.#said.get(name);
    const isSame = said?.ino === ino && said.size === size && said.mtimeMs === mtimeMs && said.ctimeMs === ctimeMs;
    if (isSame) return said.text;
    const text = write();
    // Beyond this, names that are gone, and a collection that does not fit, would fill the memory.
    if (this.#said.size >= MAX_MEMBERS / 2) this.#said.clear();
    this.#said.set(name, { ino, size, mtimeMs, ctimeMs, text });
    return text;
  }
}
