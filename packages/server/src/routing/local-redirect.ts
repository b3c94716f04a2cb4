// A responder may ask for another path of this site to be answered in place of its own (RFC 3875 §6.2.2).

import { canonicalPath } from '../message/canonical-path.ts';
import type { RequestMessage } from '../message/message.ts';
import { changed, NO_CONTENT } from '../message/request.ts';

/** Apache stops after ten as well. */
export const MAX_LOCAL_REDIRECTS = 10;

const OF_CONTENT = new Set([
  'content-length',
  'content-type',
  'content-encoding',
  'transfer-encoding',
  'expect',
  'trailer',
]);

/** A query as it can stand in a request-target: what a script wrote as it is, such as a space, is percent-encoded octet by octet. */
function encodedQuery(query: string): string {
  return query.replaceAll(/[^\x21-\x7e]/gu, (character) =>
    character <= '\u00ff'
      ? `%${character.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`
      : encodeURIComponent(character),
  );
}

/** The request as a GET of a location, from the top of the site; undefined when the path has no reading. */
export function redirected(request: RequestMessage, given: string): RequestMessage | undefined {
  // A fragment is for a browser, which gets to see none of this.
  const [location = ''] = given.split('#', 1);
  const mark = location.indexOf('?');
  const pathInfo = canonicalPath(mark === -1 ? location : location.slice(0, mark));
  if (pathInfo === undefined || !location.startsWith('/')) return undefined;
  return changed(request, {
    method: 'GET',
    target: location,
    scriptName: '',
    pathInfo,
    query: mark === -1 ? undefined : encodedQuery(location.slice(mark + 1)),
    fields: request.fields.filter(([name]) => !OF_CONTENT.has(name)),
    contentLength: 0,
    content: NO_CONTENT,
    user: undefined,
    authType: undefined,
  });
}
