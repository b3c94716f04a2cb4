// What a site has for a path where nothing is: the page that is meant, the document of a single-page application, or 404.

import { answerFile } from '../answer-file.ts';
import type { AnswerContext } from '../files/choose-representation.ts';
import type { Entry, MissingEntry } from '../files/entry.ts';
import { type Eventually, whenReady } from '../files/eventually.ts';
import { withFields } from '../files/representation.ts';
import type { Field, StaticRequest, StaticResponse } from '../message.ts';
import type { Settings } from '../options/settings.ts';
import { siteLocation } from './location.ts';
import { isNavigation } from './rules.ts';

/** Which request fields decide between the fallback page and 404. */
const FALLBACK_VARY: Field = ['vary', 'accept, sec-fetch-mode'];

const MISSING_BESIDE_FALLBACK: StaticResponse = { status: 404, fields: [FALLBACK_VARY] };

interface Around {
  readonly settings: Settings;
  readonly context: AnswerContext;
  readonly find: (path: string) => Eventually<Entry>;
}

/** The answer for a path where nothing is. */
export function answerMissing(entry: MissingEntry, request: StaticRequest, around: Around): Eventually<StaticResponse> {
  return whenReady(toPage(request, around), (redirect) => redirect ?? fallbackFor(entry, request, around));
}

/**
 * Leads from a page's short name with a slash behind it to the page, and not for good: a later deployment may have a folder
 * there, whose own redirect leads back.
 */
function toPage(request: StaticRequest, { settings, find }: Around): Eventually<StaticResponse | undefined> {
  const name = settings.cleanUrls === 'redirect' && /\/([^\\/][^/]*)\/$/.exec(request.pathInfo)?.[1];
  if (!name) return undefined;
  return whenReady(find(request.pathInfo.slice(0, -1)), (page) =>
    page.kind === 'file' && !page.location.endsWith(name)
      ? { status: 302, fields: [['location', `..${siteLocation('', [name], request)}`]] }
      : undefined,
  );
}

/** A single-page application's document answers navigations to where nothing is; everything else is missing. */
function fallbackFor(
  { response }: MissingEntry,
  request: StaticRequest,
  { settings: { fallback }, context, find }: Around,
): Eventually<StaticResponse> {
  if (fallback === undefined || response.status !== 404 || request.pathInfo === fallback) return response;
  if (!isNavigation(request)) return MISSING_BESIDE_FALLBACK;
  return whenReady(find(fallback), (entry) => {
    if (entry.kind !== 'file') return response;
    return whenReady(answerFile(entry, { ...request, pathInfo: fallback }, context), (page) => {
      // What is a page now may be a file after the next deployment, so no cache keeps it unasked.
      return { ...page, fields: withFields(page.fields, [['cache-control', 'no-cache'], FALLBACK_VARY]) };
    });
  });
}
