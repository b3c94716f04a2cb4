// Finds the responder for a request. Routes with a host go before those without, longer prefixes before shorter, and the
// order in which they were given decides the rest. Routes for one prefix share its methods; a shorter prefix does not answer
// for what a longer one refused, so that Allow tells the truth about the resource. The outcome is a responder with the
// request as it shall see it, or the status that the server answers itself: 404 when no route serves the path, 405 when none
// of those takes the method.

import type { RequestMessage } from '../message/message.ts';
import { methodSet, type MethodRegistry } from '../methods.ts';
import type { Route } from '../options.ts';
import { HostMap, hostOf, hostPattern } from './host.ts';
import { matchPrefix, type PrefixIndex, prefixIndex, prefixSegments } from './prefix.ts';

/** What a router needs of a request. */
export type Routable = Pick<RequestMessage, 'method' | 'authority' | 'pathInfo'>;

export type Found =
  | { readonly route: Route; readonly scriptName: string; readonly pathInfo: string; readonly next: number }
  | { readonly status: 404 }
  | { readonly status: 405; readonly allow: ReadonlySet<string> };

/** Looks from the route numbered `from` on; `next` of a found route is where to go on when it has nothing. */
export type Router = (request: Routable, from?: number) => Found;

interface Entry {
  readonly route: Route;
  readonly segments: readonly string[];
  readonly prefix: string;
  readonly host: string | undefined;
  readonly methods: ReadonlySet<string>;
}

/** Compiles routes. Throws a TypeError for a path, host or method that can never match. */
export function createRouter(routes: readonly Route[], registry: MethodRegistry): Router {
  const entries = routes.map((route) => compile(route, registry));
  entries.sort((a, b) => hostRank(a) - hostRank(b) || b.segments.length - a.segments.length);
  const candidatesOf = routeIndex(entries);
  return (request, from = 0) => {
    let allow: Set<string> | undefined;
    let refusedLength = 0;
    for (const index of candidatesOf(request)) {
      if (index < from) continue;
      const { route, segments, prefix, methods } = entries[index] as Entry;
      const rest = matchPrefix(segments, request.pathInfo);
      if (rest === -1 || segments.length < refusedLength) continue;
      if (methods.has(request.method)) {
        return { route, scriptName: prefix, pathInfo: request.pathInfo.slice(rest), next: index + 1 };
      }
      allow ??= new Set();
      refusedLength = segments.length;
      for (const method of methods) allow.add(method);
    }
    return allow === undefined ? { status: 404 } : { status: 405, allow };
  };
}

/** Numbers of the entries for a request's host whose paths may match, in order. */
function routeIndex(entries: readonly Entry[]): (request: Routable) => readonly number[] {
  const groups = new Map<string | undefined, number[]>();
  for (const [number, { host }] of entries.entries()) {
    const group = groups.get(host);
    if (group === undefined) groups.set(host, [number]);
    else group.push(number);
  }
  const indexOf = (group: readonly number[]): PrefixIndex =>
    prefixIndex(group.map((number) => [number, entries[number]?.segments ?? []]));
  const anywhere = indexOf(groups.get(undefined) ?? []);
  const hosts = new HostMap(
    [...groups].flatMap(([host, group]) => (host === undefined ? [] : [[host, indexOf(group)] as const])),
  );
  if (groups.size === (groups.has(undefined) ? 1 : 0)) return ({ pathInfo }) => anywhere(pathInfo);
  return ({ authority, pathInfo }) => {
    const found = authority === undefined ? [] : hosts.find(hostOf(authority));
    const there = found.flatMap((find) => find(pathInfo));
    // Patterns of different hosts share one order.
    if (found.length > 1) there.sort((a, b) => a - b);
    return [...there, ...anywhere(pathInfo)];
  };
}

function compile(route: Route, registry: MethodRegistry): Entry {
  const segments = prefixSegments(route.path ?? '/');
  return {
    route,
    segments,
    prefix: segments.map((segment) => `/${segment}`).join(''),
    host: route.host === undefined ? undefined : hostPattern('host', route.host),
    methods: methodSet(route.methods, registry),
  };
}

/** Exact hosts, then patterns, then any host. */
function hostRank({ host }: Entry): number {
  if (host === undefined) return 2;
  return host.startsWith('*.') ? 1 : 0;
}
