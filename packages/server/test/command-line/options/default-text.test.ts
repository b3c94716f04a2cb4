import { expect, test } from 'vitest';
import { defaultText } from '../../../src/command-line/options/default-text.ts';
import { isNegatable, offValue, type Option, type Shape } from '../../../src/command-line/options/option.ts';

const option = (shape: Shape, value?: unknown, more: Partial<Option> = {}): Option => ({
  group: 'Files',
  summary: '',
  shape,
  ...(value !== undefined && { default: value }),
  ...more,
});

const seconds: Shape = { type: 'duration', unit: 'seconds' };
const texts: Shape = { type: 'list', item: { type: 'text' } };
const flag: Shape = { type: 'boolean' };

test.each<[Shape, unknown, string]>([
  [flag, true, 'on'],
  [flag, false, ''],
  [{ type: 'text' }, 'utf-8', 'utf-8'],
  [seconds, 0, '0'],
  [seconds, 90, '90s'],
  [seconds, 0.5, '500ms'],
  [seconds, Number.POSITIVE_INFINITY, 'unlimited'],
  [{ type: 'size' }, 65_536, '64k'],
  [{ type: 'size' }, 1000, '1000'],
  [{ type: 'size' }, 0, '0'],
  [{ type: 'integer', minimum: 0 }, 1024, '1024'],
  [texts, ['a', 'b'], 'a,b'],
  [texts, [], ''],
  [{ type: 'text' }, undefined, ''],
])('the default of %j, %j, is written "%s"', (shape, value, text) => {
  expect(defaultText(option(shape, value))).toBe(text);
});

test.each<[Option, unknown, boolean]>([
  [option(flag, true), false, true],
  [option(flag, false), false, true],
  [option({ type: 'either', shapes: [texts, { type: 'choice', values: [false] }] }, ['a']), false, true],
  [option(texts, ['a']), [], true],
  [option({ type: 'map', value: { type: 'text' } }, {}), {}, true],
  [option({ type: 'text' }), undefined, true],
  [option({ type: 'integer', minimum: 0 }, 8080), 8080, false],
  [option({ type: 'choice', values: ['deny', 'all'] }, 'deny', { off: 'deny' }), 'deny', false],
  [option(flag, true, { only: 'file' }), false, false],
])('--no-… of %j is %j', (given, value, isWorthAWord) => {
  expect(offValue(given)).toEqual(value);
  expect(isNegatable(given)).toBe(isWorthAWord);
});
