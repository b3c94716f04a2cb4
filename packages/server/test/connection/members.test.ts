import { describe, expect, test } from 'vitest';
import { type Member, Members } from '../../src/connection/members.ts';

interface Named extends Member<'place'> {
  readonly name: string;
}

function named(...names: string[]): { members: Members<'place', Named>; items: Named[] } {
  const members = new Members<'place', Named>('place');
  const items = names.map((name) => ({ name, place: -1 }));
  for (const item of items) members.add(item);
  return { members, items };
}

const namesOf = (members: Iterable<Named>): string[] => Array.from(members, ({ name }) => name).toSorted();

describe('Members', () => {
  test('knows who is there, in whatever order they go', () => {
    const { members, items } = named('a', 'b', 'c', 'd');
    const [a, b, , d] = items as [Named, Named, Named, Named];
    expect([members.delete(b), members.delete(d), members.size]).toEqual([true, true, 2]);
    expect(namesOf(members)).toEqual(['a', 'c']);
    members.add(b);
    expect([members.delete(a), namesOf(members)]).toEqual([true, ['b', 'c']]);
  });

  test('lets nobody go twice, nor who is of another list', () => {
    const { members, items } = named('a', 'b');
    const other = named('x', 'y');
    expect([members.delete(items[0]!), members.delete(items[0]!)]).toEqual([true, false]);
    expect([members.delete(other.items[0]!), members.delete(other.items[1]!)]).toEqual([false, false]);
    expect([members.size, other.members.size]).toEqual([1, 2]);
  });

  test('one can be in two lists', () => {
    const item = { one: -1, two: -1 };
    const one = new Members<'one', typeof item>('one');
    const two = new Members<'two', typeof item>('two');
    two.add({ one: -1, two: -1 });
    one.add(item);
    two.add(item);
    expect([one.delete(item), two.size, two.delete(item), two.size]).toEqual([true, 2, true, 1]);
  });

  test.each([['a'], ['b'], ['c'], ['d']])('tells of all the others where each takes %s away', (gone) => {
    const { members, items } = named('a', 'b', 'c', 'd');
    const seen = new Set<string>();
    for (const { name } of members) {
      seen.add(name);
      members.delete(items.find((item) => item.name === gone)!);
    }
    expect([...seen].filter((name) => name !== gone).toSorted()).toEqual(
      ['a', 'b', 'c', 'd'].filter((name) => name !== gone),
    );
    expect(members.size).toBe(3);
  });

  test('tells of each once where everybody goes when told, and of nobody who has gone', () => {
    const { members, items } = named('a', 'b', 'c', 'd');
    const seen: string[] = [];
    for (const item of members) {
      seen.push(item.name);
      members.delete(item);
    }
    expect([seen.toSorted(), members.size]).toEqual([['a', 'b', 'c', 'd'], 0]);
    for (const item of items) members.add(item);
    let told = 0;
    for (const _ of members) {
      told++;
      for (const item of items) members.delete(item);
    }
    expect(told).toBe(1);
  });
});
