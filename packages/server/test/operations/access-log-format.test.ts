// Lines of the access log, read back: by the expressions that readers of logs have for Apache's formats, and by JSON.

import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { escaped, lineFormatter } from '../../src/operations/access-log-format.ts';
import type { AccessLogEntry } from '../../src/options.ts';
import { entry } from './entry.ts';

const COMBINED =
  /^(?<address>\S+) (?<identity>\S+) (?<user>\S+) \[(?<time>[^\]]+)\] "(?<line>(?:[^"\\]|\\.)*)" (?<status>\d{3}) (?<bytes>\d+|-) "(?<referer>(?:[^"\\]|\\.)*)" "(?<agent>(?:[^"\\]|\\.)*)"$/;

/** What Apache's escapes stand for, as bytes. */
function unescaped(text: string): string {
  return text.replaceAll(/\\(?:x([\da-f]{2})|(.))/g, (_, code: string | undefined, other: string) =>
    code === undefined ? other : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

/** A text of a client, as the parser gives it: one character for each byte. */
const bytes = fc
  .array(fc.integer({ min: 1, max: 255 }), { maxLength: 20 })
  .map((codes) => String.fromCharCode(...codes));
const word = fc.stringMatching(/^[!-~]{1,12}$/);

const entries: fc.Arbitrary<AccessLogEntry> = fc
  .record({
    time: fc.integer({ min: 0, max: 4_000_000_000_000 }).map((ms) => new Date(ms)),
    durationMs: fc.double({ min: 0, max: 1e7, noNaN: true }),
    remoteAddress: fc.oneof(fc.ipV4(), fc.ipV6(), fc.constant('')),
    user: fc.option(bytes, { nil: undefined }),
    method: word,
    target: bytes.map((text) => `/${text}`),
    status: fc.integer({ min: 200, max: 599 }),
    contentBytes: fc.nat(),
    referer: fc.option(bytes, { nil: undefined }),
    userAgent: fc.option(bytes, { nil: undefined }),
    complete: fc.boolean(),
  })
  .map((given) => entry(given));

/** `10/Oct/2000:13:55:36 -0700` in milliseconds. */
function timeOf(text: string): number {
  const [, day, month, year, time, zone] = /^(\d\d)\/(\w{3})\/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d{4})$/.exec(text) ?? [];
  return Date.parse(`${day} ${month} ${year} ${time} ${zone}`);
}

describe('the combined format', () => {
  test('is read back into what it was made of', () => {
    const format = lineFormatter('combined');
    fc.assert(
      fc.property(entries, (given) => {
        const read = COMBINED.exec(format(given))?.groups;
        expect(read, format(given)).toBeDefined();
        expect(read?.['address']).toBe(given.remoteAddress || '-');
        expect(timeOf(read?.['time'] ?? '')).toBe(Math.floor(given.time.getTime() / 1000) * 1000);
        expect(Number(read?.['status'])).toBe(given.status);
        expect(read?.['bytes']).toBe(given.contentBytes === 0 ? '-' : String(given.contentBytes));
        expect(unescaped(read?.['line'] ?? '')).toBe(`${given.method} ${given.target} HTTP/1.1`);
        expect(unescaped(read?.['user'] ?? '')).toBe(given.user || '-');
        expect(unescaped(read?.['referer'] ?? '')).toBe(given.referer ?? '-');
        expect(unescaped(read?.['agent'] ?? '')).toBe(given.userAgent ?? '-');
      }),
    );
  });

  test('begins with the whole line of the common format', () => {
    fc.assert(
      fc.property(entries, (given) => {
        const common = lineFormatter('common')(given);
        expect(lineFormatter('combined')(given).startsWith(`${common} "`)).toBe(true);
      }),
    );
  });

  test('writes a user whose name is not ASCII as the bytes of its UTF-8', () => {
    expect(lineFormatter('common')(entry({ user: '密 a' }))).toContain(String.raw` - \xe5\xaf\x86\x20a [`);
  });
});

describe('the JSON format', () => {
  test('is read back into what it was made of, and leaves out what there was not', () => {
    const format = lineFormatter('json');
    fc.assert(
      fc.property(entries, (given) => {
        const {
          time,
          id,
          remote,
          user,
          ms,
          bytes: count,
          target,
          referer,
          userAgent,
          ...rest
        } = JSON.parse(format(given)) as Record<string, unknown>;
        expect(new Date(String(time)).getTime()).toBe(given.time.getTime());
        expect({ id, remote, user, bytes: count, target, referer, userAgent }).toEqual({
          id: given.id,
          remote: given.remoteAddress,
          user: given.user,
          bytes: given.contentBytes,
          target: given.target,
          referer: given.referer,
          userAgent: given.userAgent,
        });
        expect(Math.abs(Number(ms) - given.durationMs)).toBeLessThanOrEqual(0.0005001);
        const { method, status, complete } = given;
        expect(rest).toEqual({ method, status, complete, version: '1.1', host: 'example.org' });
      }),
    );
  });

  test('is ASCII, whatever is in it', () => {
    const line = lineFormatter('json')(entry({ userAgent: 'é\u2028\u007f🔑\u009b' }));
    expect(line).toMatch(/^[\x20-\x7e]*$/);
    expect((JSON.parse(line) as { userAgent: string }).userAgent).toBe('é\u2028\u007f🔑\u009b');
  });
});

describe('the common date', () => {
  const before = process.env['TZ'];
  afterEach(() => {
    if (before === undefined) delete process.env['TZ'];
    else process.env['TZ'] = before;
  });

  test.each([
    ['UTC', '2024-01-02T03:04:05Z', '02/Jan/2024:03:04:05 +0000'],
    ['America/New_York', '2024-07-04T00:00:00Z', '03/Jul/2024:20:00:00 -0400'],
    ['America/St_Johns', '2024-12-31T23:59:59Z', '31/Dec/2024:20:29:59 -0330'],
    ['Asia/Kathmandu', '2024-02-29T18:15:00Z', '01/Mar/2024:00:00:00 +0545'],
    ['Pacific/Kiritimati', '2024-12-31T10:00:01Z', '01/Jan/2025:00:00:01 +1400'],
    ['America/New_York', '2024-11-03T05:30:00Z', '03/Nov/2024:01:30:00 -0400'],
    ['America/New_York', '2024-11-03T06:30:00Z', '03/Nov/2024:01:30:00 -0500'],
  ])('in %s of %s is %s', (zone, time, date) => {
    process.env['TZ'] = zone;
    expect(lineFormatter('common')(entry({ time: new Date(time) }))).toContain(`[${date}]`);
    expect(lineFormatter('dev')(entry({ time: new Date(time) }))).toMatch(new RegExp(`^${date.slice(12, 20)} `));
  });
});

describe('the format for people', () => {
  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [999_949, '999.9 kB'],
    [1_000_000, '1.0 MB'],
    [5_250_000_000, '5250.0 MB'],
  ])('says %d bytes as %s', (contentBytes, size) => {
    expect(lineFormatter('dev')(entry({ contentBytes }))).toContain(` ${size} `);
  });

  test.each([
    [0.04, '0.0 ms'],
    [9.94, '9.9 ms'],
    [10, '10 ms'],
    [1234.5, '1235 ms'],
  ])('says %d milliseconds as %s', (durationMs, text) => {
    expect(lineFormatter('dev')(entry({ durationMs }))).toMatch(new RegExp(` ${text}$`));
  });

  test.each([
    [204, '\u001b[32m204\u001b[0m'],
    [304, '\u001b[36m304\u001b[0m'],
    [404, '\u001b[33m404\u001b[0m'],
    [500, '\u001b[31m500\u001b[0m'],
    [101, '101'],
  ])('colours %d', (status, text) => {
    expect(lineFormatter('dev', true)(entry({ status }))).toContain(` ${text} GET`);
    expect(lineFormatter('dev')(entry({ status }))).toContain(` ${status} GET`);
  });

  test('says what broke off', () => {
    expect(lineFormatter('dev')(entry({ complete: false }))).toMatch(/ ms \(broken off\)$/);
  });
});

describe('a request that was none', () => {
  test.each([
    [{ method: undefined, target: undefined, version: undefined }, '"-"'],
    [{ method: 'GET', target: undefined, version: undefined }, '"GET -"'],
    [{ version: '0.9' }, '"GET /a.txt?b=1"'],
    [{ version: undefined }, '"GET /a.txt?b=1"'],
    [{ version: '1.0' }, '"GET /a.txt?b=1 HTTP/1.0"'],
  ] as const)('%j is written as %s', (changes, line) => {
    expect(lineFormatter('common')(entry(changes))).toContain(`] ${line} 200 10`);
  });
});

test('escaped is a way back from any bytes', () => {
  fc.assert(
    fc.property(bytes, (text) => {
      expect(escaped(text)).toMatch(/^[\x20-\x7e]*$/);
      expect(unescaped(escaped(text))).toBe(text);
    }),
    { numRuns: 300 },
  );
});
