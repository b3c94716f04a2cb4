// Who is there, where many come and go: the connections of a server, those that its clock asks.
//
// Not a Set: each time one that is busy makes room, the table that it leaves keeps the next one until the whole heap is collected,
// and with it all who were in there: with connections of one request 2.1 MB a second, and 0.5 since (decision 057).

/** What can be in one list under each of these keys: its place there, -1 where it is in none. */
export type Member<Key extends string> = Record<Key, number>;

/** Those who are there now, in no order. Coming and going take a constant time, and nothing of who has gone is kept. */
export class Members<Key extends string, Item extends Member<Key>> implements Iterable<Item> {
  readonly #items: Item[] = [];
  readonly #key: Key;

  constructor(key: Key) {
    this.#key = key;
  }

  get size(): number {
    return this.#items.length;
  }

  /** Takes in one that is in no list under this key. */
  add(item: Item): void {
    const members: Member<Key> = item;
    members[this.#key] = this.#items.length;
    this.#items.push(item);
  }

  /** Whether it was there. */
  delete(item: Item): boolean {
    const members: Member<Key> = item;
    const place = members[this.#key];
    if (this.#items[place] !== item) return false;
    members[this.#key] = -1;
    const last = this.#items.pop();
    if (last !== undefined && last !== item) {
      this.#items[place] = last;
      (last as Member<Key>)[this.#key] = place;
    }
    return true;
  }

  /** Each who was there at the beginning and still is when their turn comes, also while others go; some twice then. */
  *[Symbol.iterator](): Iterator<Item> {
    for (let place = this.#items.length - 1; place >= 0; place--) {
      const item = this.#items[place];
      if (item !== undefined) yield item;
    }
  }
}
