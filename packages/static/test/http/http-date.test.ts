// HTTP dates (RFC 9110 §5.6.7) against JavaScript's own calendar.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatHttpDate, parseHttpDate } from '../../src/http/http-date.ts';

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

const two = (value: number, filler = '0'): string => String(value).padStart(2, filler);

function partsOf(seconds: number) {
  const date = new Date(seconds * 1000);
  return {
    day: DAYS[date.getUTCDay()] ?? '',
    date: date.getUTCDate(),
    month: MONTHS[date.getUTCMonth()] ?? '',
    year: date.getUTCFullYear(),
    time: `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`,
  };
}

/** Years 0001 to 9999 have four digits. */
const moments = fc.integer({ min: -62_135_596_800, max: 253_402_300_799 });

describe('parseHttpDate', () => {
  test('reads every second of four-digit years in the two forms that have them', () => {
    fc.assert(
      fc.property(moments, (seconds) => {
        const { day, date, month, year, time } = partsOf(seconds);
        const digits = String(year).padStart(4, '0');
        expect(parseHttpDate(`${day.slice(0, 3)}, ${two(date)} ${month} ${digits} ${time} GMT`)).toBe(seconds * 1000);
        expect(parseHttpDate(`${day.slice(0, 3)} ${month} ${two(date, ' ')} ${time} ${digits}`)).toBe(seconds * 1000);
        expect(parseHttpDate(`${day.slice(0, 3)} ${month} ${two(date)} ${time} ${digits}`)).toBe(seconds * 1000);
      }),
      { numRuns: 2000 },
    );
  });

  test('reads RFC 850 within fifty years of now', () => {
    const now = Math.floor(Date.now() / 1000);
    const YEAR = 31_556_952;
    fc.assert(
      fc.property(fc.integer({ min: now - 49 * YEAR, max: now + 49 * YEAR }), (seconds) => {
        const { day, date, month, year, time } = partsOf(seconds);
        expect(parseHttpDate(`${day}, ${two(date)}-${month}-${two(year % 100)} ${time} GMT`)).toBe(seconds * 1000);
      }),
      { numRuns: 1000 },
    );
  });

  test('reads what it writes', () => {
    fc.assert(
      fc.property(moments, (seconds) => {
        fc.pre(partsOf(seconds).year >= 1000);
        expect(parseHttpDate(formatHttpDate(seconds * 1000 + 999))).toBe(seconds * 1000);
      }),
    );
  });

  test.each([
    'Sun, 31 Feb 2021 00:00:00 GMT',
    'Tue, 29 Feb 2023 00:00:00 GMT',
    'Sun, 00 Nov 1994 08:49:37 GMT',
    'Sun, 32 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 24:00:00 GMT',
    'Sun, 06 Nov 1994 08:60:00 GMT',
    'Sun, 06 Nov 1994 08:49:61 GMT',
    'Sun, 06 nov 1994 08:49:37 GMT',
    'sun, 06 Nov 1994 08:49:37 GMT',
    'Sun, 6 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 94 08:49:37 GMT',
    'Sun, 06 Nov 1994 08:49:37',
    'Sun, 06 Nov 1994 08:49:37 UTC',
    'Sun, 06 Nov 1994 08:49:37 +0000',
    'Sun, 06 Nov 1994 08:49:37 GMT ',
    ' Sun, 06 Nov 1994 08:49:37 GMT',
    'Sun, 06-Nov-94 08:49:37 GMT',
    'Sunday, 06-Nov-1994 08:49:37 GMT',
    'Sun Nov 06 08:49:37 GMT 1994',
    '1994-11-06T08:49:37Z',
    '784111777',
    '',
  ])('takes %j for no date', (text) => {
    expect(parseHttpDate(text)).toBeUndefined();
  });

  test('is quick with anything', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        const parsed = parseHttpDate(text);
        expect(parsed === undefined || Number.isInteger(parsed)).toBe(true);
      }),
    );
  });

  test('takes a leap second for the second after', () => {
    expect(parseHttpDate('Sat, 31 Dec 2016 23:59:60 GMT')).toBe(Date.UTC(2017, 0, 1));
  });
});
