// Says which rules a request would meet, in words and as data, by asking the very parts that answer requests.

import { canonicalPath } from '../message/canonical-path.ts';
import { REFUSED_METHODS } from '../methods.ts';
import type { Explanation, Question } from '../options.ts';
import { hostOf } from './host.ts';
import type { SiteParts } from './site.ts';

export function explain(
  { router, givenRoute, registry, authentication, hosts, localHosts }: SiteParts,
  { method = 'GET', target }: Question,
): Explanation {
  const why: string[] = [];
  const { authority, path: rawPath, query } = splitTarget(target);
  const path = canonicalPath(rawPath.replace(/[\u0080-\uffff]+/g, encodeURIComponent));
  const host = authority === undefined ? undefined : hostOf(authority);
  const base = { path, query, host, auth: undefined, route: undefined, scriptName: '', pathInfo: '' };
  const refuse = (status: number, reason: string): Explanation => ({ ...base, status, why: [...why, reason] });
  if (path === undefined)
    return refuse(400, `${rawPath} is rejected: it is malformed, leads above the root, or has a NUL`);
  why.push(path === rawPath ? `the path is ${path}` : `${rawPath} is read as ${path}`);
  if (host !== undefined && hosts?.(host) === false) {
    return refuse(421, `${host} is not among the hosts`);
  }
  if (authority !== undefined && localHosts?.(authority, '127.0.0.1') === false) {
    return refuse(
      421,
      `${host} is not a name of this machine: allow it with hosts, or trust its proxy with trustedProxies`,
    );
  }
  const auth = authentication.ruleFor({ method, pathInfo: path });
  if (auth !== undefined) why.push(`${auth.path ?? '/'} needs a name and password`);
  if (!registry.has(method)) {
    if (REFUSED_METHODS.has(method)) return { ...refuse(405, `${method} is never accepted`), auth };
    return { ...refuse(501, `${method} is not a known method`), auth };
  }
  const found = router({ method, authority, pathInfo: path });
  if (!('route' in found)) {
    const reason =
      found.status === 404 ? 'no route serves the path' : `only ${[...found.allow].join(', ')} are accepted here`;
    return { ...refuse(found.status, reason), auth };
  }
  const { route, scriptName, pathInfo } = found;
  why.push(
    `asked: ${route.name ?? `the route at ${route.path ?? '/'}`}, with ${pathInfo || 'nothing'} as the rest of the path`,
  );
  if (route.fallThrough === true) why.push('on 404 or 405, the next matching route is tried');
  return { ...base, auth, route: givenRoute(route), scriptName, pathInfo, status: undefined, why };
}

function splitTarget(target: string): { authority: string | undefined; path: string; query: string | undefined } {
  const absolute = /^https?:\/\/([^/?#]*)(.*)$/i.exec(target);
  // A fragment, as the address bar of a browser has it, is never sent.
  const [rest = ''] = (absolute?.[2] ?? target).split('#', 1);
  const mark = rest.indexOf('?');
  const path = mark === -1 ? rest : rest.slice(0, mark);
  return {
    authority: absolute?.[1],
    path: path === '' ? '/' : path,
    query: mark === -1 ? undefined : rest.slice(mark + 1),
  };
}
