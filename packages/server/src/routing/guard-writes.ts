// Which writes a root refuses whoever asks: those of pages of other sites, and those that would put a program there.
//
// Pages of other sites may not change files here. Browsers tell where a request comes from (Sec-Fetch-Site, Origin) and send
// stored names and passwords along, so a page that somebody opens could otherwise write with their rights.

import { join } from 'node:path';
import type { StaticOptions } from '@onezero/static';
import { firstField } from '../message/fields.ts';
import type { RequestMessage, Responder, ResponseMessage } from '../message/message.ts';
import type { Closable } from '../options.ts';
import { wouldWriteSecret } from '../secrets.ts';

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/** The responder of a root, with 403 for unsafe methods of other sites that `cors` does not allow, and for sources. */
export function guardWrites(responder: Responder & Closable, root: string, files: StaticOptions): Responder & Closable {
  const answer: Responder = (request) => {
    const { method, pathInfo } = request;
    if (SAFE.has(method)) return responder(request);
    if (isForeign(request, files.cors)) return refused(`${method} was asked for by a page of another site`);
    // What is run when it is asked for, or says who may write, must not be written by who may only write.
    if (wouldWriteSecret(join(root, pathInfo), files))
      return refused(`${method} ${pathInfo} would change a program or secret`);
    return responder(request);
  };
  return Object.assign(answer, responder);
}

function refused(why: string): ResponseMessage {
  return { status: 403, fields: [], cause: new Error(why) };
}

function isForeign({ fields, authority }: RequestMessage, cors: StaticOptions['cors']): boolean {
  const site = firstField(fields, 'sec-fetch-site');
  const origin = firstField(fields, 'origin');
  if (site === 'same-origin' || site === 'none') return false;
  if (site === undefined && origin === undefined) return false;
  if (isAllowed(origin, cors)) return false;
  // Browsers before 2023 send no Sec-Fetch-Site. A proxy in front may have taken TLS off, so schemes are not compared.
  return site !== undefined || origin === undefined || hostIn(origin) !== authority?.toLowerCase();
}

function isAllowed(origin: string | undefined, cors: StaticOptions['cors']): boolean {
  if (origin === undefined || cors === undefined || cors === false) return false;
  const origins = cors === true ? '*' : (cors.origins ?? '*');
  return origins === '*' || origins.includes(origin);
}

/** The host and port of an origin; nothing for `null`. */
function hostIn(origin: string): string | undefined {
  return /^[a-z][a-z+.-]*:\/\/([^/]+)$/i.exec(origin)?.[1]?.toLowerCase();
}
