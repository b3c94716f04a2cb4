import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseReport } from '../../src/workers/report.ts';

describe('parseReport', () => {
  test('has the members that are texts', () => {
    const line = '{"event":"ready","interface":"asgi","python":"3.11.2","virtualenv":null,"name":"app","other":"x"}';
    expect(parseReport(line)).toEqual({ event: 'ready', interface: 'asgi', python: '3.11.2', name: 'app', other: 'x' });
  });

  test.each([
    ['a traceback that is none', '{"event":"failed","traceback":5}', { event: 'failed', interface: 'wsgi' }],
    ['a file that is none', '{"event":"changed","file":{"a":1}}', { event: 'changed', interface: 'wsgi' }],
    ['an interface that nobody knows', '{"event":"ready","interface":"rsgi"}', { event: 'ready', interface: 'wsgi' }],
    ['an event that is none', '{"event":1,"file":"x"}', { event: 'unknown', interface: 'wsgi', file: 'x' }],
  ])('leaves out %s', (_, line, report) => {
    expect(parseReport(line)).toEqual(report);
  });

  test.each(['', 'null', 'true', '1', '"text"', '[]', '{', '{"event":"ready"}x', 'Traceback', '\u0000'])(
    'takes %j for a report of nothing',
    (line) => {
      expect(parseReport(line)).toEqual({ event: 'unknown', interface: 'wsgi' });
    },
  );

  test('makes of anything a report whose members are texts', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (line) => {
        for (const value of Object.values(parseReport(line))) expect(typeof value).toBe('string');
      }),
    );
  });
});
