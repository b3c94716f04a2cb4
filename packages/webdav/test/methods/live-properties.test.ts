import { statSync } from 'node:fs';
import { SiteTree } from '@onezero/static/tree';
import { expect, test } from 'vitest';
import { liveProperty } from '../../src/methods/live-properties.ts';
import { DAV } from '../../src/xml/element.ts';

const tree = new SiteTree(import.meta.dirname);

function dates(ms: number): (string | undefined)[] {
  const stats = Object.assign(statSync(import.meta.filename), { mtimeMs: ms, birthtimeMs: ms });
  const described = { name: 'a', stats, locks: [], tree, space: undefined } as never;
  return ['getlastmodified', 'creationdate'].map((name) => liveProperty({ namespace: DAV, name }, described));
}

test('a date that no property can write is left out, and the others are not', () => {
  expect(dates(0)).toEqual([
    '<D:getlastmodified>Thu, 01 Jan 1970 00:00:00 GMT</D:getlastmodified>',
    '<D:creationdate>1970-01-01T00:00:00Z</D:creationdate>',
  ]);
  for (const ms of [253_402_300_800_000, 1e17, -1e17, Number.NaN]) expect(dates(ms)).toEqual([undefined, undefined]);
});
