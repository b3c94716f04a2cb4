// HTTP-date in its three forms (RFC 9110 §5.6.7): the preferred one, RFC 850's and asctime's. All are read, one is written.

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

const IMF_FIXDATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/;
const RFC850 =
  /^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) GMT$/;
const ASCTIME = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([A-Z][a-z]{2}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/;

/** Milliseconds since 1970, or undefined for anything that is not one of the three forms or names no real moment. */
export function parseHttpDate(text: string): number | undefined {
  const fixdate = IMF_FIXDATE.exec(text);
  if (fixdate !== null) return moment(fixdate[3], fixdate[2], fixdate[1], fixdate.slice(4));
  const rfc850 = RFC850.exec(text);
  if (rfc850 !== null) return moment(fullYear(rfc850[3]), rfc850[2], rfc850[1], rfc850.slice(4));
  const asctime = ASCTIME.exec(text);
  if (asctime !== null) return moment(asctime[6], asctime[1], asctime[2], asctime.slice(3, 6));
  return undefined;
}

/** The preferred form, such as `Sun, 06 Nov 1994 08:49:37 GMT`; the fraction of the second is cut off. */
export function formatHttpDate(milliseconds: number): string {
  return new Date(milliseconds).toUTCString();
}

/** A two-digit year more than 50 years ahead means the one a century before (RFC 9110 §5.6.7). */
function fullYear(digits: string | undefined): string {
  const now = new Date().getUTCFullYear();
  const year = now - (now % 100) + Number(digits);
  return String(year > now + 50 ? year - 100 : year);
}

function moment(year: string | undefined, month: string | undefined, day: string | undefined, time: string[]) {
  const [hour = 0, minute = 0, second = 0] = time.map(Number);
  const monthIndex = MONTHS.indexOf(month ?? '');
  if (monthIndex === -1 || hour > 23 || minute > 59 || second > 60) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), monthIndex, Number(day));
  if (date.getUTCMonth() !== monthIndex || date.getUTCDate() !== Number(day)) return undefined;
  return date.setUTCHours(hour, minute, second);
}
