// Whether a client has what a script would send (RFC 9110 §13.1.2, §13.1.3). A script that says nothing of its status leaves
// that to its server, as under Apache; the script has run all the same, and only the transfer is saved.

import type { CgiRequest, Field } from '../message.ts';
import type { ScriptHead } from './script-header.ts';

type Conditional = Pick<CgiRequest, 'method' | 'fields'>;

/** The head of a 304 in place of `head`; undefined where its content is to be sent. */
export function notModified({ method, fields }: Conditional, head: ScriptHead): ScriptHead | undefined {
  if ((method !== 'GET' && method !== 'HEAD') || head.kind !== 'document' || head.hasStatus) return undefined;
  if (!isConditional(fields) || !isKnown(fields, head.fields)) return undefined;
  const kept = head.fields.filter(([name]) => name === 'content-location' || !name.startsWith('content-'));
  return { ...head, status: 304, fields: kept };
}

/** In a loop, as the methods of a list are slow where it is frozen, and the parser freezes the fields of heads that come again. */
function isConditional(fields: readonly Field[]): boolean {
  for (const [name] of fields) if (name === 'if-none-match' || name === 'if-modified-since') return true;
  return false;
}

function isKnown(asked: readonly Field[], said: readonly Field[]): boolean {
  const tags = values(asked, 'if-none-match').join(',');
  if (tags !== '') {
    if (tags.trim() === '*') return true;
    const tag = opaqueTag(values(said, 'etag')[0]);
    return tag !== undefined && (tags.match(/"[^"]*"/g) ?? []).some((one) => one === tag);
  }
  const since = dateOf(values(asked, 'if-modified-since'));
  const modified = dateOf(values(said, 'last-modified'));
  return since !== undefined && modified !== undefined && modified <= since;
}

function values(fields: readonly Field[], name: string): readonly string[] {
  return fields.filter((field) => field[0] === name).map(([, value]) => value);
}

/** The tag without its weakness: If-None-Match compares weakly (RFC 9110 §8.8.3.2). */
function opaqueTag(tag: string | undefined): string | undefined {
  return /^(?:W\/)?("[^"]*")$/.exec(tag ?? '')?.[1];
}

/** One date in the form that everybody sends today (RFC 9110 §5.6.7); other forms cost a transfer and nothing else. */
function dateOf([date, second]: readonly string[]): number | undefined {
  if (second !== undefined || !/^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/.test(date ?? ''))
    return undefined;
  const time = Date.parse(date as string);
  return Number.isNaN(time) ? undefined : time;
}
