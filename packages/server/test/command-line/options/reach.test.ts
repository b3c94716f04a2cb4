// Every option of every package is an option of the configuration, or there is a reason why it is not.

import { cgiTable } from '@onezero/cgi-process/options';
import { appTable } from '@onezero/python/options';
import { checkOptions, type Member, type Members, type Shape, staticTable } from '@onezero/static/options';
import { describe, expect, test } from 'vitest';
import { notConfigured as files } from '../../../src/command-line/options/files.ts';
import { keyOf } from '../../../src/command-line/options/from-table.ts';
import { appShape, cgiShape } from '../../../src/command-line/options/mounts.ts';
import { notConfigured as requests } from '../../../src/command-line/options/requests.ts';
import { optionEntries } from '../../../src/command-line/options/table.ts';
import { optionsOfPart } from '../../../src/command-line/running/to-options.ts';
import { limitsTable } from '../../../src/limits.ts';
import { serverTable } from '../../../src/option-tables.ts';

const set = new Set(optionEntries.map(([, { sets }]) => sets));

test.each<[string, Members, Readonly<Record<string, string>>]>([
  ['', serverTable, requests],
  ['static.', staticTable, files],
  ['limits.', limitsTable, {}],
])('every option of "%s" is set by one option of the command, or a reason says why not', (part, table, reasons) => {
  for (const name of Object.keys(table)) {
    expect([name, set.has(part + name), (reasons[name] ?? '').length > 8]).toEqual([
      name,
      reasons[name] === undefined,
      reasons[name] !== undefined,
    ]);
  }
  expect(Object.keys(reasons).filter((name) => !Object.hasOwn(table, name))).toEqual([]);
});

test('every option of the command that says what it sets, names an option of the server', () => {
  const memberAt = (path: string): Member | undefined =>
    path.split('.').reduce<{ members: Members; member?: Member }>(
      ({ members }, name) => {
        const member = members[name];
        return { members: member?.shape.type === 'object' ? member.shape.members : {}, ...(member && { member }) };
      },
      { members: serverTable },
    ).member;
  for (const [key, { sets }] of optionEntries) {
    if (sets !== undefined) expect([key, memberAt(sets)?.summary]).toEqual([key, expect.any(String)]);
  }
});

describe('a mount', () => {
  const membersOf = (shape: Shape): readonly string[] =>
    shape.type === 'list' && shape.item.type === 'object' ? Object.keys(shape.item.members) : [];

  test.each<[string, Members, Shape]>([
    ['cgi', cgiTable, cgiShape()],
    ['app', appTable, appShape()],
  ])('of %s has all that a file can say, side by side', (_, table, shape) => {
    const written = Object.entries(table).flatMap(([name, member]): string[] => {
      if (member.shape.type === 'function') return [];
      return member.shape.type === 'object' ? Object.keys(member.shape.members).map(keyOf) : [keyOf(name)];
    });
    const renamed: Record<string, string> = { max: 'maxConcurrent' };
    expect([...membersOf(shape)].sort()).toEqual(['path', ...written.map((name) => renamed[name] ?? name)].sort());
  });
});

test('what holds when nothing is said is what the packages take', () => {
  const defaults = Object.fromEntries(optionEntries.map(([key, { default: value }]) => [key, value]));
  const options = {
    ...optionsOfPart('', defaults),
    static: optionsOfPart('static.', defaults),
    limits: optionsOfPart('limits.', defaults),
  };
  expect(() => checkOptions(serverTable, options)).not.toThrow();
  expect(options).toMatchObject({ limits: { headTimeoutMs: 20_000 }, static: { maxAgeSeconds: 0, listing: true } });
});
