// A directory becomes a redirect to its slash, or a listing.

import { listDirectory } from './entries.ts';
import type { DirectoryEntry } from '../files/entry.ts';
import { renderListing } from './page.ts';
import { listingQuery } from './query.ts';
import { LISTING_POLICY } from './style.ts';
import { siteLocation } from '../site/location.ts';
import type { Field, StaticRequest, StaticResponse } from '../message.ts';
import { NOT_FOUND, refusal } from '../refusals.ts';
import type { Settings } from '../options/settings.ts';

/** Answers GET and HEAD for a directory entry. Relative links need the slash, so a listing is only ever behind one. */
export function answerDirectory(
  { segments, isAskedAsDirectory }: DirectoryEntry,
  request: StaticRequest,
  settings: Settings,
): StaticResponse | Promise<StaticResponse> {
  if (isAskedAsDirectory) return answerListing(segments, request, settings);
  if (!settings.directoryRedirect) return NOT_FOUND;
  const location = siteLocation(request.scriptName, segments, { isDirectory: true, query: request.query });
  return location === undefined ? NOT_FOUND : { status: 301, fields: [['location', location]] };
}

async function answerListing(
  segments: readonly string[],
  request: StaticRequest,
  settings: Settings,
): Promise<StaticResponse> {
  const query = listingQuery(request);
  try {
    const page = await listDirectory(segments, query, settings);
    if (page === undefined) return NOT_FOUND;
    const mount = (request.scriptName ?? '').split('/').filter((name) => name !== '');
    const { contentType, text } = renderListing({
      ...page,
      names: [...mount, ...segments],
      depth: segments.length,
      query,
    });
    const content = Buffer.from(text);
    const fields: readonly Field[] = [
      ['content-type', contentType],
      ['cache-control', 'no-cache'],
      ['vary', 'accept'],
      ['content-security-policy', LISTING_POLICY],
      ['x-content-type-options', 'nosniff'],
      ['referrer-policy', 'same-origin'],
    ];
    if (request.method !== 'HEAD') return { status: 200, fields, content };
    return { status: 200, fields: [...fields, ['content-length', String(content.length)]] };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return NOT_FOUND;
    return refusal(error.code === 'EACCES' || error.code === 'EPERM' ? 403 : 500, error);
  }
}
