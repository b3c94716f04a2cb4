// Puts the script into pages. It is appended, as browsers run scripts after the end of a document too: so a page of any size
// streams through, and no markup has to be understood. What spoke of the bytes before speaks of none any more.

import { randomBytes } from 'node:crypto';
import { iterate } from '../message/content.ts';
import { firstField } from '../message/fields.ts';
import type { ContentOut, Field, RequestMessage, ResponseMessage } from '../message/message.ts';
import { changed } from '../message/request.ts';
import { allowScript } from './content-policy.ts';

/** Whether a browser asks for a page to show. Where it does not say so, as over plain HTTP from another machine, Accept does. */
export function isNavigation({ method, fields }: Pick<RequestMessage, 'method' | 'fields'>): boolean {
  if (method !== 'GET') return false;
  const mode = firstField(fields, 'sec-fetch-mode');
  if (mode === undefined) return /(?:^|,)\s*text\/html\s*(?:,|;|$)/i.test(firstField(fields, 'accept') ?? '');
  return mode === 'navigate' && (firstField(fields, 'sec-fetch-dest') ?? 'document') === 'document';
}

const CONDITIONS = new Set(['accept-encoding', 'if-none-match', 'if-modified-since']);

/**
 * The request as the responder shall see it: for the whole page, not coded. A request for a range is left as it is, since what
 * answers it is no page to begin with.
 */
export function forWholePage(request: RequestMessage): RequestMessage {
  if (firstField(request.fields, 'range') !== undefined) return request;
  return changed(request, { fields: request.fields.filter(([name]) => !CONDITIONS.has(name)) });
}

/** Fields about bytes that are not sent as they were. */
const ABOUT_BYTES =
  /^(?:content-length|etag|last-modified|accept-ranges|cache-control|expires|age|content-md5|(?:content-|repr-)?digest)$/;

/** The response with the script at its end, if it is a page; the same response otherwise. */
export function withScript(response: ResponseMessage, source: string): ResponseMessage {
  if (!isPage(response)) return response;
  const nonce = randomBytes(16).toString('base64');
  const fields: Field[] = [];
  let used: string | undefined;
  for (const [name, value] of response.fields) {
    if (ABOUT_BYTES.test(name)) continue;
    if (name !== 'content-security-policy') {
      fields.push([name, value]);
      continue;
    }
    // Several policies in one field, all of which hold.
    for (const policy of value.split(',')) {
      const allowed = allowScript(policy, nonce);
      if (allowed === undefined) return response;
      used ??= allowed.nonce;
      fields.push([name, allowed.policy]);
    }
  }
  const attribute = used === undefined ? '' : ` nonce="${used}"`;
  const tag = Buffer.from(`\n<script${attribute} src="${source}" async></script>\n`);
  return { ...response, fields: [...fields, ['cache-control', 'no-store']], content: appended(response.content, tag) };
}

function isPage({ status, fields, content, nonParsed, upgrade }: ResponseMessage): boolean {
  if (content === undefined || nonParsed === true || upgrade !== undefined) return false;
  if (status === 204 || status === 205 || status === 206 || status === 304) return false;
  const coding = firstField(fields, 'content-encoding');
  const type = firstField(fields, 'content-type') ?? '';
  // UTF-16 would read the tag as other letters.
  return coding === undefined && /^text\/html\s*(?:;|$)/i.test(type) && !/charset\s*=\s*"?utf-(?:16|32)/i.test(type);
}

function appended(content: ContentOut | undefined, tag: Uint8Array): ContentOut {
  if (content === undefined) return tag;
  if (content instanceof Uint8Array) return hasWideMark(content) ? content : Buffer.concat([content, tag]);
  return {
    [Symbol.asyncIterator]() {
      const iterator = iterate(content);
      let start = Buffer.alloc(0);
      let isOver = false;
      return {
        next: async () => {
          if (isOver) return { done: true, value: undefined };
          const step = await iterator.next();
          if (step.done === true) {
            isOver = true;
            return hasWideMark(start) ? step : { done: false, value: tag };
          }
          // The two bytes of a mark may come apart.
          if (start.length < 2) start = Buffer.concat([start, step.value.subarray(0, 2)]);
          return step;
        },
        return: async () => {
          isOver = true;
          await iterator.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

/** The byte order mark of UTF-16. */
function hasWideMark([first, second]: Uint8Array): boolean {
  return (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
}
