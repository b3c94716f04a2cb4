// The schema that editors use says of a value what the command says of it, for random values of every option.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { configurationSchema } from '../../../src/command-line/options/json-schema.ts';
import type { Shape } from '../../../src/command-line/options/option.ts';
import { optionEntries } from '../../../src/command-line/options/table.ts';
import { acceptValue, type Problem } from '../../../src/command-line/options/value.ts';

type Schema = Readonly<Record<string, unknown>>;

const schema = configurationSchema();

const typeOf = (value: unknown): string => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value);

/** The few words of JSON Schema (draft 2020-12) that ours uses. */
function isValid({ $ref, ...one }: Schema, value: unknown): boolean {
  if (typeof $ref === 'string') {
    const found = $ref
      .slice(2)
      .split('/')
      .reduce<unknown>((at, name) => (at as Schema)[name], schema);
    return isValid(found as Schema, value);
  }
  const tests: Readonly<Record<string, (wanted: never) => boolean>> = {
    type: (wanted: string | readonly string[]) =>
      [wanted].flat().some((type) => (type === 'integer' ? Number.isInteger(value) : type === typeOf(value))),
    enum: (wanted: readonly unknown[]) => wanted.includes(value),
    const: (wanted: unknown) => wanted === value,
    minimum: (wanted: number) => typeof value !== 'number' || value >= wanted,
    maximum: (wanted: number) => typeof value !== 'number' || value <= wanted,
    minLength: (wanted: number) => typeof value !== 'string' || value.length >= wanted,
    pattern: (wanted: string) => typeof value !== 'string' || new RegExp(wanted, 'u').test(value),
    minItems: (wanted: number) => !Array.isArray(value) || value.length >= wanted,
    items: (wanted: Schema) => !Array.isArray(value) || value.every((item) => isValid(wanted, item)),
    anyOf: (wanted: readonly Schema[]) => wanted.some((each) => isValid(each, value)),
    required: (wanted: readonly string[]) =>
      typeOf(value) !== 'object' || wanted.every((name) => Object.hasOwn(value as object, name)),
    properties: (wanted: Readonly<Record<string, Schema>>) =>
      typeOf(value) !== 'object' ||
      Object.entries(value as object).every(
        ([name, item]) => !Object.hasOwn(wanted, name) || isValid(wanted[name] ?? {}, item),
      ),
    propertyNames: (wanted: Schema) =>
      typeOf(value) !== 'object' || Object.keys(value as object).every((name) => isValid(wanted, name)),
    additionalProperties: (wanted: Schema | false) =>
      typeOf(value) !== 'object' ||
      Object.entries(value as object).every(
        ([name, item]) =>
          Object.hasOwn((one['properties'] as object | undefined) ?? {}, name) ||
          (wanted !== false && isValid(wanted, item)),
      ),
  };
  const known = new Set([...Object.keys(tests), 'description', 'default', '$schema', 'title']);
  for (const word of Object.keys(one))
    if (!known.has(word)) throw new Error(`the schema has a word that is not known: ${word}`);
  return Object.entries(one).every(([word, wanted]) => tests[word]?.(wanted as never) ?? true);
}

const scalars = fc.constantFrom<unknown>(
  null,
  true,
  false,
  0,
  1,
  -1,
  1.5,
  8080,
  65_536,
  1e9,
  '',
  'a',
  '/a',
  'a/b',
  '*',
  '5',
  '5s',
  '500ms',
  '1.5h',
  '1 d',
  '2 min',
  '10y',
  '5x',
  '64k',
  '10MB',
  '1 GiB',
  '5kib',
  'unlimited',
  'auto',
  'deny',
  'allow',
  'all',
  'strong',
  'weak',
  'redirect',
  '404',
  '4xx',
  'default',
  'a b',
  '.html',
);

/** Values that an option of the shape may have, or nearly. */
function valuesOf(shape: Shape, depth = 0): fc.Arbitrary<unknown> {
  if (depth > 4) return scalars;
  const inner = (one: Shape): fc.Arbitrary<unknown> => valuesOf(one, depth + 1);
  switch (shape.type) {
    case 'list':
      return fc.oneof({ arbitrary: fc.array(inner(shape.item), { maxLength: 3 }), weight: 4 }, scalars);
    case 'map':
      return fc.oneof(
        {
          arbitrary: fc.dictionary(
            fc.constantFrom('a', '/a', '404', '4xx', 'default', '.x', 'X-A'),
            inner(shape.value),
            { maxKeys: 2, noNullPrototype: true },
          ),
          weight: 4,
        },
        scalars,
      );
    case 'object': {
      const members = Object.entries(shape.members).map(([name, member]) => [name, inner(member.shape)] as const);
      const record = fc.record(Object.fromEntries(members), { requiredKeys: [], noNullPrototype: true });
      return fc.oneof(
        { arbitrary: record, weight: 6 },
        { arbitrary: fc.constant({ nonsense: 1 }), weight: 1 },
        scalars,
      );
    }
    case 'either':
      return fc.oneof(...shape.shapes.map(inner));
    case 'choice':
      return fc.oneof(fc.constantFrom<unknown>(...shape.values), scalars);
    default:
      return scalars;
  }
}

/** Whether a shape has a check that no schema can say. */
function hasCheck(shape: Shape): boolean {
  switch (shape.type) {
    case 'text':
      return shape.refuse !== undefined;
    case 'list':
      return hasCheck(shape.item);
    case 'map':
      return hasCheck(shape.value);
    case 'object':
      return Object.values(shape.members).some((member) => hasCheck(member.shape));
    case 'either':
      return shape.shapes.some(hasCheck);
    default:
      return false;
  }
}

const properties = schema['properties'] as Readonly<Record<string, Schema>>;

describe('the schema', () => {
  test.each(optionEntries.filter(([key, { only }]) => only !== 'command' && key !== 'sites'))(
    'of %s takes what the command takes',
    (key, { shape }) => {
      fc.assert(
        fc.property(valuesOf(shape), (value) => {
          const problems: Problem[] = [];
          acceptValue(shape, value, { base: '/', path: key, problems });
          const isTaken = problems.length === 0;
          const isInSchema = isValid(properties[key] ?? {}, value);
          // What only a check of ours refuses, the schema takes.
          if (isTaken || !hasCheck(shape)) expect([key, value, isInSchema]).toEqual([key, value, isTaken]);
        }),
        { numRuns: 60 },
      );
    },
  );

  test('knows sites as it knows what is around them', () => {
    const sites = properties['sites'] ?? {};
    expect(isValid(sites, [{ host: 'a.example', root: 'www', maxAge: '1h' }])).toBe(true);
    expect(isValid(sites, [{ host: 'a.example', rot: 'www' }])).toBe(false);
    expect(isValid(sites, [{ path: 'no-slash' }])).toBe(false);
    expect(isValid(sites, [{ port: 80 }])).toBe(false);
    expect(isValid(schema, { $schema: './onezero.schema.json', port: 80 })).toBe(true);
    expect(isValid(schema, { prot: 80 })).toBe(false);
  });
});
