// HTTP/1.0 caches do not know Cache-Control; for them the same rule is said as Expires (RFC 1945 §10.7).

import { formatHttpDate } from '../http/http-date.ts';
import type { StaticResponse } from '../message.ts';

/** A moment that is always past: "ask again". */
const PAST = formatHttpDate(0);

interface Twin {
  readonly second: number;
  readonly response: StaticResponse;
}

const twins = new WeakMap<StaticResponse, Twin>();

/** The response with an Expires field that says what its Cache-Control says; the same object within one second. */
export function withExpires(response: StaticResponse): StaticResponse {
  const second = Math.floor(Date.now() / 1000);
  const known = twins.get(response);
  if (known !== undefined && (known.second === second || known.second === -1)) return known.response;
  const cacheControl = response.fields.find(([name]) => name === 'cache-control')?.[1];
  const expires = cacheControl === undefined ? undefined : expiresOf(cacheControl, second);
  if (expires === undefined || response.fields.some(([name]) => name === 'expires')) return response;
  const twin: StaticResponse = { ...response, fields: [...response.fields, ['expires', expires]] };
  const isKept = response.content === undefined || response.content instanceof Uint8Array;
  if (isKept && response.isLent !== true) {
    twins.set(response, { second: expires === PAST ? -1 : second, response: twin });
  }
  return twin;
}

function expiresOf(cacheControl: string, second: number): string | undefined {
  if (/(?:^|[\s,])no-(?:cache|store)(?:$|[\s,])/i.test(cacheControl)) return PAST;
  const seconds = /(?:^|[\s,])max-age=(\d{1,10})/i.exec(cacheControl)?.[1];
  if (seconds === undefined) return undefined;
  return Number(seconds) === 0 ? PAST : formatHttpDate((second + Number(seconds)) * 1000);
}
