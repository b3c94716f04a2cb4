import type { Members, Shape } from '@onezero/static/options';
import { describe, expect, test } from 'vitest';
import {
  configuredMember,
  configuredShape,
  isWritten,
  keyOf,
  optionsFrom,
  toOption,
} from '../../../src/command-line/options/from-table.ts';

const ms: Shape = { type: 'duration', unit: 'milliseconds', isUnlimited: true };
const seconds: Shape = { type: 'duration', unit: 'seconds' };
const flag: Shape = { type: 'boolean' };
const limits: Shape = { type: 'object', members: { idleTimeoutMs: { shape: ms, summary: 'idle', default: 5000 } } };

describe('keyOf', () => {
  test.each([
    ['maxAgeSeconds', 'maxAge'],
    ['headTimeoutMs', 'headTimeout'],
    ['maxHeadBytes', 'maxHead'],
    ['minBytesPerSecond', 'minBytesPerSecond'],
    ['maxDrainBytes', 'maxDrain'],
    ['minBytes', 'minSize'],
    ['index', 'index'],
    ['toString', 'toString'],
  ])('%s is %s', (name, key) => {
    expect(keyOf(name)).toBe(key);
  });
});

describe('configuredShape', () => {
  test('names members without their unit, at every depth', () => {
    const shape = configuredShape({ type: 'either', shapes: [flag, { type: 'list', item: limits }] });
    expect(JSON.stringify(shape)).toContain('"idleTimeout":');
    expect(JSON.stringify(shape)).not.toContain('TimeoutMs');
  });

  test('leaves out what a file cannot hold', () => {
    const made: Shape = { type: 'function', expects: 'a function' };
    expect(configuredShape({ type: 'either', shapes: [flag, made] })).toEqual(flag);
    expect(configuredShape({ type: 'object', members: { log: { shape: made, summary: '' } } })).toEqual({
      type: 'object',
      members: {},
    });
    expect([made, { type: 'instance', name: 'URL' } as const, flag].map(isWritten)).toEqual([false, false, true]);
  });

  test('gives defaults in seconds, and none for objects', () => {
    expect(configuredMember({ shape: ms, summary: '', default: 2500 }).default).toBe(2.5);
    expect(configuredMember({ shape: ms, summary: '', default: Number.POSITIVE_INFINITY }).default).toBe(Infinity);
    expect(configuredMember({ shape: seconds, summary: '', default: 60 }).default).toBe(60);
    expect(configuredMember({ shape: limits, summary: '', default: {} })).not.toHaveProperty('default');
  });
});

describe('toOption', () => {
  test.each<[Shape, unknown, unknown]>([
    [ms, 1.5, 1500],
    [ms, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    [seconds, 60, 60],
    [limits, { idleTimeout: 2 }, { idleTimeoutMs: 2000 }],
    [limits, {}, {}],
    [{ type: 'list', item: limits }, [{ idleTimeout: 1 }], [{ idleTimeoutMs: 1000 }]],
    [{ type: 'map', value: ms }, { a: 1 }, { a: 1000 }],
    [{ type: 'either', shapes: [flag, limits] }, true, true],
    [{ type: 'either', shapes: [flag, limits] }, { idleTimeout: 3 }, { idleTimeoutMs: 3000 }],
    [{ type: 'either', shapes: [flag, ms] }, 3, 3000],
    [{ type: 'either', shapes: [flag, { type: 'text' }] }, 'x', 'x'],
    [flag, false, false],
  ])('%j makes of %j %j', (shape, value, option) => {
    expect(toOption(shape, value)).toEqual(option);
  });
});

describe('optionsFrom', () => {
  const table: Members = {
    fastMs: { shape: ms, summary: 'how fast', default: 1500 },
    loud: { shape: flag, summary: 'HTTP is loud', default: true },
    mode: { shape: { type: 'choice', values: ['a', 'b'] }, summary: 'which mode' },
    names: { shape: { type: 'list', item: { type: 'text' } }, summary: 'which names' },
  };
  const lines = {
    fastMs: { short: ['f'] },
    loud: {},
    mode: { also: [flag], toOption: (value: unknown) => (value === true ? 'a' : value) },
    names: { placeholder: '<one>' },
  };
  const made = optionsFrom<string>(table, lines, { part: 'limits.', group: 'Limits', perSite: true });

  test('takes what the table says, and adds what the line says', () => {
    expect(made['fast']).toMatchObject({
      sets: 'limits.fastMs',
      group: 'Limits',
      perSite: true,
      summary: 'How fast',
      default: 1.5,
      placeholder: '<duration>',
      short: ['f'],
    });
    expect(made['names']?.placeholder).toBe('<one>');
  });

  test('lets a flag that takes true stand alone, and keeps abbreviations as they are', () => {
    expect(made['loud']).toMatchObject({ bare: true, summary: 'HTTP is loud' });
    expect(made['names']).not.toHaveProperty('bare');
  });

  test('widens what is taken, and leads back', () => {
    const way = made['mode'];
    expect(way?.shape).toMatchObject({ type: 'either' });
    expect([true, 'b'].map((value) => way?.toOption?.(value))).toEqual(['a', 'b']);
    expect(made['fast']?.toOption?.(2)).toBe(2000);
  });

  test('refuses a line for an option that is not there', () => {
    expect(() => optionsFrom(table, { slow: {} }, { part: '', group: 'Limits' })).toThrow('there is no option slow');
  });
});
