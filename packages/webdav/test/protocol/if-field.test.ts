import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ConditionList, ifHolds, parseIf, submittedTokens } from '../../src/protocol/if-field.ts';

test.each([
  ['(<urn:a>)', [[undefined, ['urn:a']]]],
  ['(<urn:a> ["x"])', [[undefined, ['urn:a', '"x"']]]],
  ['(Not <urn:a> [W/"x"])', [[undefined, ['!urn:a', 'W/"x"']]]],
  ['(not<urn:a>)', [[undefined, ['!urn:a']]]],
  [
    '(<a:1>) (<a:2>)',
    [
      [undefined, ['a:1']],
      [undefined, ['a:2']],
    ],
  ],
  [
    '(<a:1>)(<a:2>)',
    [
      [undefined, ['a:1']],
      [undefined, ['a:2']],
    ],
  ],
  [
    '<http://h/p> (<a:1>) (["t"]) </q> (<a:2>)',
    [
      ['http://h/p', ['a:1']],
      ['http://h/p', ['"t"']],
      ['/q', ['a:2']],
    ],
  ],
  ['  </q>  (  <a:1>  )  ', [['/q', ['a:1']]]],
  ['(["a]b)c"])', [[undefined, ['"a]b)c"']]]],
])('reads %s', (value, expected) => {
  const lists = parseIf(value)?.map(({ resource, conditions }) => [
    resource,
    conditions.map(({ isNegated, value: one }) => `${isNegated ? '!' : ''}${one}`),
  ]);
  expect(lists).toEqual(expected);
});

test.each([
  '',
  '()',
  '(',
  ')',
  '(<a:1>',
  '<a:1>',
  '</q>',
  '(<a:1>) </q> (<a:2>)',
  '</q> </r> (<a:1>)',
  '(a:1)',
  '([x])',
  '(Not)',
  '(Not Not <a:1>)',
  '(<a 1>)',
  '("x")',
  '(<>)',
  '(<a:1>) x',
  '(["x]")',
])('refuses %s', (value) => {
  expect(parseIf(value)).toBeUndefined();
});

test('is bounded', () => {
  expect(parseIf(`(${'<a:1> '.repeat(200)})`)).toHaveLength(1);
  expect(parseIf(`(${'<a:1> '.repeat(201)})`)).toBeUndefined();
  expect(parseIf('(<a:1>) '.repeat(201))).toBeUndefined();
});

test('submits every token that stands in it', () => {
  const lists = parseIf('</a> (<a:1> ["t"]) (Not <a:2>)') ?? [];
  expect([...submittedTokens(lists)]).toEqual(['a:1', 'a:2']);
});

const condition = fc.record({
  isNegated: fc.boolean(),
  kind: fc.constantFrom('token' as const, 'tag' as const),
  value: fc.constantFrom('"a"', '"b"', 'W/"c"', '"(])"'),
});
const list = fc.array(condition, { minLength: 1, maxLength: 4 });

function spell(lists: readonly ConditionList[]): string {
  const parts: string[] = [];
  let current: string | undefined;
  for (const { resource, conditions } of lists) {
    if (resource !== current) parts.push(`<${resource}>`);
    current = resource;
    const inner = conditions.map(
      ({ isNegated, kind, value }) => `${isNegated ? 'Not ' : ''}${kind === 'tag' ? `[${value}]` : `<${value}>`}`,
    );
    parts.push(`(${inner.join(' ')})`);
  }
  return parts.join(' ');
}

const field = fc
  .record({
    isTagged: fc.boolean(),
    lists: fc.array(fc.record({ resource: fc.constantFrom('/a', 'http://h/b'), conditions: list }), {
      minLength: 1,
      maxLength: 4,
    }),
  })
  .map(({ isTagged, lists }): ConditionList[] =>
    lists.map((one) => ({ resource: isTagged ? one.resource : undefined, conditions: one.conditions })),
  );

test('reads what it means from what was written', () => {
  fc.assert(
    fc.property(field, (lists) => {
      expect(parseIf(spell(lists))).toEqual(lists);
    }),
  );
});

test('holds when a list holds, and a list when all of it does', async () => {
  await fc.assert(
    fc.asyncProperty(
      field,
      fc.array(fc.constantFrom('"a"', '"b"')),
      fc.constantFrom('"a"', '"b"', undefined),
      async (lists, tokens, etag) => {
        const state = { tokens, etag };
        const one = (kind: 'token' | 'tag', value: string): boolean =>
          kind === 'token' ? tokens.some((own) => own === value) : value.replace('W/', '') === etag;
        const expected = lists.some(({ conditions }) =>
          conditions.every(({ isNegated, kind, value }) => one(kind, value) !== isNegated),
        );
        expect(await ifHolds(lists, async () => state)).toBe(expected);
      },
    ),
  );
});
