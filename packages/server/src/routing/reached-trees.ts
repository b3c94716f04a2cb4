// Requests for files that reach more than the rule of their own path guards: the copy, move or removal of a tree, what Destination names, a
// tree as an archive, and a file by another of its names. The rules for these are asked too; otherwise whoever may copy a folder could
// read and replace what a password guards in it.

import type { StaticOptions } from '@onezero/static';
import { canonicalPath } from '../message/canonical-path.ts';
import { firstField } from '../message/fields.ts';
import type { Field, RequestMessage, Responder, ResponseMessage } from '../message/message.ts';
import { authenticated } from '../message/request.ts';
import type { Closable, Route } from '../options.ts';
import type { Authentication } from './basic-auth.ts';
import { prefixSegments } from './prefix.ts';

/** How files have names and are sent. */
interface Naming {
  /** Whether a folder can be had as an archive. */
  readonly hasArchives: boolean;
  /** Extensions that names may go without. */
  readonly extensions: readonly string[];
  /** Files that answer for their folder. */
  readonly index: readonly string[];
}

/** As the options of the files have it. */
export function namingOf({
  listing,
  cleanUrls = 'off',
  extensions = ['html'],
  index = ['index.html'],
}: StaticOptions): Naming {
  return {
    hasArchives: typeof listing === 'object' && listing.archives === true,
    extensions: cleanUrls === 'off' ? [] : extensions.map((name) => name.replace(/^\./, '')),
    index: index === false ? [] : index,
  };
}

const trees = new WeakMap<Responder, Naming>();

/** Says that a responder answers for a tree of files. */
export function answersForTree<Given extends Responder & Closable>(responder: Given, naming: Naming): Given {
  trees.set(responder, naming);
  return responder;
}

/** The route; if it answers for a tree, with rules asked for all that its requests reach. */
export function guardTree(route: Route, rules: Authentication): Route {
  const { responder, path = '/' } = route;
  const naming = trees.get(responder);
  if (naming === undefined || rules.below({ pathInfo: `/${prefixSegments(path).join('/')}` }).length === 0)
    return route;
  const pathsOf = (request: RequestMessage): readonly string[] => reached(request, rules, naming);
  const answer = (request: RequestMessage): ReturnType<Responder> => {
    const paths = pathsOf(request);
    return paths.length === 0 ? responder(request) : answerIfMay(request, paths, rules, responder);
  };
  const { lend } = responder;
  const lending: typeof lend =
    lend && ((request, listener) => (pathsOf(request).length === 0 ? lend(request, listener) : answer(request)));
  return { ...route, responder: Object.assign(answer, responder, { lend: lending }) };
}

async function answerIfMay(
  request: RequestMessage,
  paths: readonly string[],
  rules: Authentication,
  responder: Responder,
): Promise<Awaited<ReturnType<Responder>>> {
  const { method, fields, remote } = request;
  let seen = request;
  for (const pathInfo of new Set(paths)) {
    const verdict = await rules.check({ method, pathInfo, fields, remote });
    if (verdict.outcome === 'refused') return refused(401, verdict.challenge);
    if (verdict.outcome === 'busy') return refused(503, ['retry-after', '2']);
    if (verdict.outcome === 'allowed' && seen.user === undefined) seen = authenticated(seen, verdict.user);
  }
  return responder(seen);
}

// What is refused here is not for the next route to answer.
function refused(status: number, field: Field): ResponseMessage {
  return { status, fields: [field], isNothing: false };
}

const NONE: readonly string[] = [];

/** The paths beside its own, and those of rules, that a request reaches. */
function reached(request: RequestMessage, rules: Authentication, naming: Naming): readonly string[] {
  const { method, scriptName, pathInfo, fields } = request;
  const own = `${scriptName}${pathInfo}`;
  const below = (path: string): readonly string[] => rules.below({ method, pathInfo: path });
  switch (method) {
    case 'GET':
    case 'HEAD': {
      if (naming.hasArchives && isArchive(request)) return below(own);
      const names = otherNames(own, naming).filter((name) => rules.has({ method, pathInfo: name }));
      return names.length === 0 ? NONE : names;
    }
    case 'DELETE':
      return below(own);
    case 'LOCK':
      return firstField(fields, 'depth') === '0' ? NONE : below(own);
    case 'COPY':
    case 'MOVE': {
      const from = method === 'COPY' && firstField(fields, 'depth') === '0' ? NONE : below(own);
      const to = destinationIn(firstField(fields, 'destination'));
      return to === undefined ? from : [...from, to, ...below(to)];
    }
    default:
      return NONE;
  }
}

const ARCHIVES: ReadonlySet<string | null> = new Set(['zip', 'tar']);

function isArchive({ query }: RequestMessage): boolean {
  return query !== undefined && ARCHIVES.has(new URLSearchParams(query).get('format'));
}

/** By which other names the file at a path is asked for: without its extension or with one, and precompressed. */
function otherNames(path: string, { extensions, index }: Naming): readonly string[] {
  if (path.endsWith('/')) return index.map((name) => path + name);
  const source = path.replace(/\.(?:br|zst|gz)$/i, '');
  const names = source === path ? [] : [source];
  for (const extension of extensions) {
    const end = `.${extension}`;
    names.push(source.endsWith(end) ? source.slice(0, -end.length) : source + end);
  }
  return names;
}

/** The path of a Destination; undefined for what has none, which is refused by who reads it. */
function destinationIn(value: string | undefined): string | undefined {
  const path = value?.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '');
  return path === undefined ? undefined : canonicalPath(path);
}
