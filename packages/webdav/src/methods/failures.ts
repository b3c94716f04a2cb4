// 207 for a method that failed because of members of its target (RFC 4918 §9.6.1).

import type { DavRequest, DavResponse } from '../message.ts';
import { baseOf, hrefOf } from '../protocol/href.ts';
import { errorElement, XML_TYPE } from '../refusals.ts';
import type { Lock } from '../store/locks.ts';
import type { Place } from '../store/place.ts';
import { escapeXml, XML_DECLARATION } from '../xml/writer.ts';
import { hrefsOf } from './conditions.ts';

interface Failure {
  readonly href: string;
  readonly status: string;
  readonly cause: unknown;
}

/** The members whose locks stood in the way, or what failed; and the target, which nothing was done to. */
export function failures(request: DavRequest, locks: readonly Lock[], target: Place, failure?: Failure): DavResponse {
  const members = hrefsOf(locks, request).map((href) =>
    response(href, '423 Locked', errorElement('lock-token-submitted', [href])),
  );
  if (failure !== undefined) members.push(response(failure.href, failure.status));
  const own = hrefOf(baseOf(request), target.segments, target.stats?.isDirectory() === true);
  if (failure?.href !== own) members.push(response(own, '424 Failed Dependency'));
  const text = `${XML_DECLARATION}<D:multistatus xmlns:D="DAV:">\n${members.join('')}</D:multistatus>\n`;
  return { status: 207, fields: [XML_TYPE], content: Buffer.from(text), cause: failure?.cause };
}

function response(href: string, status: string, error = ''): string {
  return `<D:response><D:href>${escapeXml(href)}</D:href><D:status>HTTP/1.1 ${status}</D:status>${error}</D:response>\n`;
}
