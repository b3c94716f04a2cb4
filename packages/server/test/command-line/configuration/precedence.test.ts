// Flag, environment, file, default: for every option and any set of sources that has it, against a model of one line.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readCommandLine } from '../../../src/command-line/configuration/arguments.ts';
import { namedConfigurationFile, resolveConfiguration } from '../../../src/command-line/configuration/configuration.ts';
import { parseJsonWithComments } from '../../../src/command-line/configuration/json-with-comments.ts';
import { environmentName, flagName, type Option, offValue } from '../../../src/command-line/options/option.ts';
import { type Key, optionEntries } from '../../../src/command-line/options/table.ts';

/** Three values of an option as text, and what the file would hold for them; none where a text is not enough. */
function samples({ shape }: Option): readonly (readonly [text: string, value: unknown])[] {
  switch (shape.type) {
    case 'integer': {
      const { minimum } = shape;
      return [1, 2, 3].map((more) => [String(minimum + more), minimum + more]);
    }
    case 'duration':
      return [
        ['7s', 7],
        ['2m', 120],
        ['1h', 3600],
      ];
    case 'size':
      return [
        ['1k', 1024],
        ['2m', 2_097_152],
        ['12345', 12_345],
      ];
    case 'path':
      return ['a', 'b', 'c'].map((name) => [`/${name}`, `/${name}`]);
    default:
      return [];
  }
}

const plain = optionEntries.filter(
  ([key, option]) => samples(option).length > 0 && option.only === undefined && key !== 'root',
);

interface Given {
  readonly flag: number | undefined;
  readonly environment: number | undefined;
  readonly file: number | undefined;
}

const place = fc.option(fc.nat(2), { nil: undefined });
const given: fc.Arbitrary<Given> = fc.record({ flag: place, environment: place, file: place });

describe('every option', () => {
  test('takes its value from the first source that has it, and says which', () => {
    expect(plain.length).toBeGreaterThan(20);
    fc.assert(
      fc.property(fc.array(given, { minLength: plain.length, maxLength: plain.length }), (all) => {
        const words: string[] = [];
        const environment: Record<string, string> = {};
        const file: Record<string, unknown> = {};
        for (const [index, [key, option]] of plain.entries()) {
          const values = samples(option);
          const one = all[index];
          if (one?.flag !== undefined) words.push(`--${flagName(key, option)}=${values[one.flag]?.[0]}`);
          if (one?.environment !== undefined)
            environment[environmentName(key, option)] = values[one.environment]?.[0] ?? '';
          if (one?.file !== undefined) file[key] = values[one.file]?.[1];
        }
        const { written, problems } = readCommandLine(words);
        expect(problems).toEqual([]);
        const read = { ...parseJsonWithComments(JSON.stringify(file)), path: '/f/c.json', shownPath: 'c.json' };
        const resolved = resolveConfiguration({ written, environment, file: read, workingDirectory: '/' });
        expect(resolved.problems).toEqual([]);
        for (const [index, [key, option]] of plain.entries()) {
          const { flag, environment: variable, file: member } = all[index] ?? {};
          const first = flag ?? variable ?? member;
          const from =
            flag !== undefined
              ? 'flag'
              : variable !== undefined
                ? 'environment'
                : member !== undefined
                  ? 'file'
                  : 'default';
          const value = first === undefined ? option.default : samples(option)[first]?.[1];
          expect([key, resolved.configuration[key]]).toEqual([key, value]);
          expect([key, resolved.sources.get(key)?.from]).toEqual([key, from]);
        }
      }),
      { numRuns: 25 },
    );
  });

  test('is unset by its own --no-, whatever the other sources say, and set again by what comes after', () => {
    for (const [key, option] of plain) {
      const [first, second] = samples(option);
      const [text, other] = [first?.[0] ?? '', second?.[1]];
      const name = flagName(key, option);
      const environment = { [environmentName(key, option)]: text };
      const of = (words: readonly string[]): unknown =>
        resolveConfiguration({
          written: readCommandLine(words).written,
          environment,
          file: undefined,
          workingDirectory: '/',
        }).configuration[key];
      expect([key, of([`--no-${name}`])]).toEqual([key, offValue(option)]);
      expect([key, of([`--no-${name}`, `--${name}=${samples(option)[1]?.[0]}`])]).toEqual([key, other]);
      expect([key, of([`--${name}=${text}`, `--no-${name}`])]).toEqual([key, offValue(option)]);
    }
  });

  test('that is empty in the environment is not there', () => {
    const environment = Object.fromEntries(optionEntries.map(([key, option]) => [environmentName(key, option), '']));
    const { problems, sources } = resolveConfiguration({
      written: [],
      environment,
      file: undefined,
      workingDirectory: '/',
    });
    expect(problems).toEqual([]);
    expect(new Set([...sources.values()].map(({ from }) => from))).toEqual(new Set(['default']));
  });
});

test('of two variables for one option ours comes first, and a bad one is told, not passed over', () => {
  const resolve = (environment: Record<string, string>) =>
    resolveConfiguration({ written: [], environment, file: undefined, workingDirectory: '/' });
  expect(resolve({ ONEZERO_PORT: '1', PORT: '2' }).configuration.port).toBe(1);
  expect(resolve({ ONEZERO_PORT: '', PORT: '2' }).configuration.port).toBe(2);
  expect(resolve({ ONEZERO_PORT: 'x', PORT: '2' }).problems).toEqual([
    expect.stringContaining('(environment ONEZERO_PORT)'),
  ]);
});

test('many flags of one list are one list, in their order, wherever they stand', () => {
  const words = fc.array(fc.constantFrom('a', 'b', '*.c', 'd/e'), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(words, words, (hide, more) => {
      const line = [...hide.flatMap((glob) => ['--hide', glob]), 'folder', ...more.map((glob) => `--hide=${glob}`)];
      const { written, words: plainWords } = readCommandLine(line);
      const { configuration } = resolveConfiguration({
        written,
        environment: {},
        file: undefined,
        workingDirectory: '/',
      });
      expect(configuration.hide).toEqual([...hide, ...more]);
      expect(plainWords).toEqual(['folder']);
    }),
    { numRuns: 40 },
  );
});

test('the file is named by the last flag, else by the environment, else by nobody', () => {
  const named = (words: readonly string[], environment: Record<string, string> = {}): string | false | undefined =>
    namedConfigurationFile({ written: readCommandLine(words).written, environment, workingDirectory: '/' });
  expect(named([])).toBeUndefined();
  expect(named([], { ONEZERO_CONFIG: 'e' })).toBe('e');
  expect(named([], { ONEZERO_CONFIG: '' })).toBeUndefined();
  expect(named(['-c', 'a'], { ONEZERO_CONFIG: 'e' })).toBe('a');
  expect(named(['-c', 'a', '--config=b'])).toBe('b');
  expect(named(['-c', 'a', '--no-config'], { ONEZERO_CONFIG: 'e' })).toBe(false);
});

test('every flag can be written in each of its spellings', () => {
  for (const [key, option] of optionEntries) {
    if (option.only === 'file') continue;
    const names = [flagName(key, option), ...(option.aliases ?? [])];
    for (const name of names) {
      expect([name, readCommandLine([`--no-${name}`]).written.map((one) => one.key)]).toEqual([name, [key]]);
      if (option.bare !== undefined) {
        expect([name, readCommandLine([`--${name}`]).written]).toEqual([
          name,
          [{ key, name: `--${name}`, value: option.bare }],
        ]);
      } else {
        expect([name, readCommandLine([`--${name}`]).problems]).toEqual([
          name,
          [expect.stringMatching(`^--${name} needs a value`)],
        ]);
      }
    }
    for (const negation of option.negations ?? []) {
      expect(readCommandLine([`--${negation}`]).written).toEqual([
        { key, name: `--${negation}`, value: offValue(option) },
      ]);
    }
    for (const letter of option.short ?? []) {
      const found = readCommandLine([`-${letter}`]);
      expect([letter, [...found.written.map((one): Key => one.key), ...found.problems].length]).toEqual([letter, 1]);
    }
  }
});
