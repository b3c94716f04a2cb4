import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { DECISIONS } from './decisions.ts';
import { bytesOf, chunkings, replay } from './replay.ts';

/** The log with the places of refusals left out. */
const withoutPlaces = (log: readonly string[]): string[] =>
  log.map((line) => line.replace(/^([a-z-]+) @[0-9]+$/, '$1'));

describe('the table of decisions', () => {
  for (const { name, cases, options, wholeOnly } of DECISIONS) {
    test(name, () => {
      for (const [text, expected] of cases) {
        const bytes = bytesOf(text);
        const log = replay([bytes], options);
        expect(withoutPlaces(log), JSON.stringify(text)).toEqual(typeof expected === 'string' ? [expected] : expected);
        if (wholeOnly === true) continue;
        for (const chunks of chunkings(bytes)) {
          expect(replay(chunks, options), JSON.stringify(chunks.map(String))).toEqual(log);
        }
      }
    });
  }

  test('has the rows of the README in the same order', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const table = readme.split('<!-- decisions -->')[1] as string;
    const rows = table
      .trim()
      .split('\n')
      .slice(2)
      .map((row) => (row.split('|')[1] as string).trim());
    expect(rows).toEqual(DECISIONS.map(({ name }) => name));
  });
});
