// Ways in which a request ends without what it asked for.

import type { StaticResponse } from '@onezero/static';
import { WriteRefused } from '@onezero/static/tree';
import type { Field } from './message.ts';
import { escapeXml, XML_DECLARATION } from './xml/writer.ts';

export const XML_TYPE: Field = ['content-type', 'application/xml; charset=utf-8'];

/** A bare status. */
export function refusal(status: number, cause?: unknown, fields: readonly Field[] = []): StaticResponse {
  return cause === undefined ? { status, fields } : { status, fields, cause };
}

/**
 * Ends a request with a status; the cause is for logs. What a client asks of another server, and a limit that it meets, are no
 * failures of this one: servers report a 5xx with a cause as theirs, so these have none.
 */
export function refused(status: number, cause?: string, fields: readonly Field[] = []): WriteRefused {
  const hasCause = cause !== undefined && status < 500;
  return new WriteRefused(refusal(status, hasCause ? new Error(cause) : undefined, fields));
}

/** Ends a request with a status and the precondition that failed (RFC 4918 §16). */
export function violated(status: number, condition: string, hrefs: readonly string[] = []): WriteRefused {
  return new WriteRefused({
    status,
    fields: [XML_TYPE],
    content: Buffer.from(`${XML_DECLARATION}${errorElement(condition, hrefs, ' xmlns:D="DAV:"')}\n`),
    cause: new Error(condition),
  });
}

/** The `DAV:error` element for a precondition. */
export function errorElement(condition: string, hrefs: readonly string[] = [], declaration = ''): string {
  const content = hrefs.map((href) => `<D:href>${escapeXml(href)}</D:href>`).join('');
  return `<D:error${declaration}><D:${condition}>${content}</D:${condition}></D:error>`;
}
