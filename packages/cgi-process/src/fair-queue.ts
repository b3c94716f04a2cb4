// A bounded queue that clients share fairly: each client waits in a line of its own, and the lines take turns. A client that
// sends a thousand requests delays its own, and a full queue gives the place of its last to a client that has fewer.

/** What waits, in the line of its client. Provisional, for `@onezero/python`. */
export class FairQueue<Item> {
  readonly #max: number;
  /** In the order of their turns. */
  readonly #lines = new Map<string, Set<Item>>();
  readonly #clientOf = new Map<Item, string>();

  /** @param max how many may wait in all lines together */
  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#clientOf.size;
  }

  /**
   * Adds an item to the end of a client's line. Returns what has to leave for it: nothing, the last item of the longest line,
   * or the item itself where the queue is full and no line is longer than its own would be.
   */
  add(client: string, item: Item): Item | undefined {
    const line = this.#lines.get(client);
    if (this.size < this.#max) {
      this.#put(client, item);
      return undefined;
    }
    const longest = this.#longest();
    if (longest === undefined || longest.length <= (line?.size ?? 0) + 1) return item;
    this.delete(longest.last);
    this.#put(client, item);
    return longest.last;
  }

  /** Takes out the first item of the line whose turn it is. */
  next(): Item | undefined {
    for (const [client, line] of this.#lines) {
      const [item] = line;
      if (item === undefined) return undefined;
      this.delete(item);
      // The others have their turn first.
      if (line.size > 0) {
        this.#lines.delete(client);
        this.#lines.set(client, line);
      }
      return item;
    }
    return undefined;
  }

  /** Whether it was there. */
  delete(item: Item): boolean {
    const client = this.#clientOf.get(item);
    if (client === undefined) return false;
    this.#clientOf.delete(item);
    const line = this.#lines.get(client);
    line?.delete(item);
    if (line?.size === 0) this.#lines.delete(client);
    return true;
  }

  /** All that wait, in the order in which they came. */
  [Symbol.iterator](): IterableIterator<Item> {
    return this.#clientOf.keys();
  }

  #put(client: string, item: Item): void {
    this.#clientOf.set(item, client);
    const line = this.#lines.get(client);
    if (line === undefined) this.#lines.set(client, new Set([item]));
    else line.add(item);
  }

  #longest(): { readonly length: number; readonly last: Item } | undefined {
    let longest: Set<Item> | undefined;
    for (const line of this.#lines.values()) if (line.size > (longest?.size ?? 0)) longest = line;
    const last = longest && [...longest].at(-1);
    return longest === undefined || last === undefined ? undefined : { length: longest.size, last };
  }
}
