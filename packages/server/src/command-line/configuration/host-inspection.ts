// What stands at a path beside the sites, and the hosts that do not have it: a host has what its own sites have.

import type { Configuration, Served, SiteConfiguration } from '../options/table.ts';

/** One warning for each path that somebody may look for at a host in vain. */
export function inspectHosts({ sites = [], ...around }: Configuration): readonly string[] {
  const own = new Map<string, string[]>();
  for (const site of sites) {
    const host = site.host?.toLowerCase();
    // A host that has sites at paths alone is asked for the rest of what is around them.
    if (host !== undefined && sites.some((one) => one.host?.toLowerCase() === host && isRoot(one)))
      own.set(host, [...(own.get(host) ?? []), ...pathsIn(site)]);
  }
  const beside = [...pathsIn(around), ...sites.filter(({ host }) => host === undefined).flatMap(pathsIn)];
  return [...new Set(beside)].flatMap((path) => {
    const without = [...own].filter(([, paths]) => !paths.includes(path)).map(([host]) => host);
    return without.length === 0 ? [] : [`${path} is 404 at ${without.join(', ')}: a host has what its own sites have`];
  });
}

/** Where something is that is not at the root. */
function pathsIn(site: Served & Pick<SiteConfiguration, 'path'>): readonly string[] {
  const { path = '', cgiBin, webdav } = site;
  const below = [
    '',
    ...(cgiBin === undefined ? [] : ['/cgi-bin']),
    ...(typeof webdav === 'string' ? [webdav] : []),
    ...mountsIn(site),
  ];
  return below.map((one) => `${withoutEnd(path)}${withoutEnd(one)}`).filter((one) => one !== '');
}

function mountsIn({ cgi = [], fastcgi = [], scgi = [], wsgi = [], asgi = [], app = [], proxy = [] }: Served): string[] {
  return [cgi, fastcgi, scgi, wsgi, asgi, app, proxy].flatMap((mounts) => mounts.map(({ path = '' }) => path));
}

function isRoot({ path = '' }: SiteConfiguration): boolean {
  return withoutEnd(path) === '';
}

function withoutEnd(path: string): string {
  return path.replace(/\/+$/, '');
}
