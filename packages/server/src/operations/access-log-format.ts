// One entry of the access log as one line of text. What a client sent is escaped in every format: quotes, backslashes,
// control bytes and everything that is not ASCII, so that nobody can write lines of their own or drive a terminal.

import type { AccessLogEntry } from '../options.ts';

type AccessLogFormat = 'dev' | 'common' | 'combined' | 'json';

/** Turns an entry into a line without its end. */
export type LineFormatter = (entry: AccessLogEntry) => string;

/** The formatter for a format; `useColor` is for `dev` on a terminal. */
export function lineFormatter(format: AccessLogFormat, useColor = false): LineFormatter {
  switch (format) {
    case 'common':
      return commonLine;
    case 'combined':
      return (entry) => `${commonLine(entry)} "${escaped(entry.referer ?? '-')}" "${escaped(entry.userAgent ?? '-')}"`;
    case 'json':
      return jsonLine;
    default:
      return (entry) => devLine(entry, useColor);
  }
}

function commonLine(entry: AccessLogEntry): string {
  const user = entry.user === undefined || entry.user === '' ? '-' : escaped(entry.user).replaceAll(' ', '\\x20');
  const bytes = entry.contentBytes === 0 ? '-' : String(entry.contentBytes);
  return `${entry.remoteAddress || '-'} - ${user} [${commonDate(entry.time)}] "${requestLine(entry)}" ${entry.status} ${bytes}`;
}

function requestLine({ method, target, version }: AccessLogEntry): string {
  if (method === undefined && target === undefined) return '-';
  const line = `${escaped(method ?? '-')} ${escaped(target ?? '-')}`;
  return version === undefined || version === '0.9' ? line : `${line} HTTP/${escaped(version)}`;
}

const BEYOND_ASCII = /[\u007f-\uffff]/;

function jsonLine(entry: AccessLogEntry): string {
  const { time, durationMs, remoteAddress, contentBytes, ...rest } = entry;
  const line = JSON.stringify({
    time: time.toISOString(),
    id: rest.id,
    remote: remoteAddress,
    user: rest.user,
    method: rest.method,
    target: rest.target,
    version: rest.version,
    host: rest.host,
    status: rest.status,
    bytes: contentBytes,
    ms: Math.round(durationMs * 1000) / 1000,
    referer: rest.referer,
    userAgent: rest.userAgent,
    traceparent: rest.traceparent,
    complete: rest.complete,
  });
  if (!BEYOND_ASCII.test(line)) return line;
  return line.replaceAll(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const colors = { 2: 32, 3: 36, 4: 33, 5: 31 } as const;

function devLine(entry: AccessLogEntry, useColor: boolean): string {
  const request = `${escaped(entry.method ?? '-')} ${escaped(entry.target ?? '-')}`;
  const color = useColor ? colors[Math.floor(entry.status / 100) as keyof typeof colors] : undefined;
  const status = color === undefined ? String(entry.status) : `\u001b[${color}m${entry.status}\u001b[0m`;
  const ending = entry.complete ? '' : ' (broken off)';
  const milliseconds = entry.durationMs < 10 ? entry.durationMs.toFixed(1) : entry.durationMs.toFixed(0);
  return `${clock(entry.time)} ${status} ${request} ${shortSize(entry.contentBytes)} ${milliseconds} ms${ending}`;
}

function shortSize(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(1)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

// Most values are plain, so one search is what a line usually costs. A code above 0xFF cannot come from the wire; it is
// written as the bytes of its UTF-8.
const SPECIAL = /[^\x20-\x7e]|["\\]/;
const SPECIALS = /[^\x20-\x7e]|["\\]/gu;

/** `"` and `\` with a backslash before them, all that is not printable ASCII as `\xHH`, as Apache does. */
export function escaped(text: string): string {
  if (!SPECIAL.test(text)) return text;
  return text.replaceAll(SPECIALS, (character) => {
    if (character === '"' || character === '\\') return `\\${character}`;
    const code = character.codePointAt(0) ?? 0;
    return code <= 0xff ? hex(code) : Array.from(Buffer.from(character), hex).join('');
  });
}

function hex(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/** `10/Oct/2000:13:55:36 -0700`: the date of the common log format, in local time. */
const commonDate = eachSecond((time) => {
  const offset = -time.getTimezoneOffset();
  const zone = `${offset < 0 ? '-' : '+'}${pad(Math.trunc(Math.abs(offset) / 60))}${pad(Math.abs(offset) % 60)}`;
  return `${pad(time.getDate())}/${MONTHS[time.getMonth()]}/${time.getFullYear()}:${timeOfDay(time)} ${zone}`;
});

const clock = eachSecond(timeOfDay);

function timeOfDay(time: Date): string {
  return `${pad(time.getHours())}:${pad(time.getMinutes())}:${pad(time.getSeconds())}`;
}

function pad(number: number): string {
  return number < 10 ? `0${number}` : String(number);
}

/** Remembers the text of the last second asked for: under load, all lines but one. */
function eachSecond(text: (time: Date) => string): (time: Date) => string {
  let lastSecond = Number.NaN;
  let lastText = '';
  return (time) => {
    const second = Math.floor(time.getTime() / 1000);
    if (second !== lastSecond) {
      lastSecond = second;
      lastText = text(time);
    }
    return lastText;
  };
}
