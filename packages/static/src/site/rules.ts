// Rules of a site beyond its files: redirects, clean URLs' one true form, and which requests are navigations.

import { siteLocation } from './location.ts';
import type { StaticRequest, StaticResponse } from '../message.ts';
import { fieldValue } from '../http/request-fields.ts';
import type { Settings } from '../options/settings.ts';

/** The redirect of the first rule that matches, or undefined. */
export function ruleRedirect(request: StaticRequest, { redirects }: Settings): StaticResponse | undefined {
  if (redirects.length === 0) return undefined;
  const segments = segmentsOf(request.pathInfo);
  const path = `/${segments.join('/')}`;
  for (const { from, to, status } of redirects) {
    const target = redirectTarget(path, segments, from, to);
    if (target === undefined) continue;
    const query = request.query === undefined || to.includes('?') ? '' : `?${request.query}`;
    return { status, fields: [['location', `${target}${/^[\x21-\x7e]*$/.test(query) ? query : ''}`]] };
  }
  return undefined;
}

function redirectTarget(path: string, segments: readonly string[], from: string, to: string): string | undefined {
  if (!from.endsWith('*')) return trimSlash(from) === path ? to : undefined;
  const depth = segmentsOf(from).length - 1;
  const prefix = from.slice(0, -1);
  if (!`${path}/`.startsWith(prefix)) return undefined;
  const rest = siteLocation('', segments.slice(depth), { isDirectory: false, query: undefined });
  if (rest === undefined) return undefined;
  return to.endsWith('*') ? `${to.slice(0, -1)}${rest.slice(1)}` : to;
}

/**
 * The shorter path that means the same file under clean URLs: without its extension, or its directory for an index file.
 * Undefined when the path is in its short form already.
 */
export function cleanForm(
  pathInfo: string,
  { extensions, index }: Settings,
): { readonly segments: readonly string[]; readonly isDirectory: boolean } | undefined {
  const segments = segmentsOf(pathInfo);
  const name = segments.at(-1);
  if (name === undefined || pathInfo.endsWith('/')) return undefined;
  const parents = segments.slice(0, -1);
  if (index.includes(name)) return { segments: parents, isDirectory: true };
  const extension = extensions.find((one) => name.endsWith(`.${one}`) && name.length > one.length + 1);
  if (extension === undefined) return undefined;
  return { segments: [...parents, name.slice(0, -extension.length - 1)], isDirectory: false };
}

/**
 * Whether somebody is going to a page, as opposed to a page fetching a part of itself.
 *
 * Browsers that say so are believed (Sec-Fetch-Mode), whatever the name looks like: `/users/john.doe` and `/app/1.0` are pages of
 * an application. Of others, a name with an extension other than HTML's is taken for a file that is missing, and the rest must
 * accept HTML, by name or as part of everything, as curl, link previews and health checks do.
 */
export function isNavigation({ pathInfo, fields }: StaticRequest): boolean {
  const mode = fieldValue(fields, 'sec-fetch-mode');
  if (mode !== undefined) return mode === 'navigate';
  const name = segmentsOf(pathInfo).at(-1) ?? '';
  if (/\.(?!html?$)[a-z0-9]{1,12}$/i.test(name)) return false;
  const accept = fieldValue(fields, 'accept') ?? '*/*';
  return !REFUSES_HTML.test(accept) && ACCEPTS_HTML.test(accept);
}

const ACCEPTS_HTML =
  /(?:^|,)\s*(?:text\/html|application\/xhtml\+xml|\*\/\*)\s*(?:,|;(?!\s*q=0(?:\.0*)?\s*(?:,|$))|$)/i;
const REFUSES_HTML = /(?:^|,)\s*text\/html\s*;\s*q=0(?:\.0*)?\s*(?:,|$)/i;

function segmentsOf(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '');
}

function trimSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}
