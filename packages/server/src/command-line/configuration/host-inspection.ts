// What stands at a path beside the sites, and the hosts that do not have it: a host has what its own sites have.

import type { Configuration, Served, SiteConfiguration } from '../options/table.ts';

/** So many hosts a warning names. */
const MAX_NAMED = 10;

/** One warning for each path that somebody may look for at a host in vain. */
export function inspectHosts({ sites = [], ...around }: Configuration): readonly string[] {
  // A host that has sites at paths alone is asked for the rest of what is around them.
  const own = new Map<string, Set<string>>();
  for (const site of sites) if (site.host !== undefined && isRoot(site)) own.set(site.host.toLowerCase(), new Set());
  for (const site of sites) {
    const paths = own.get(site.host?.toLowerCase() ?? '');
    if (paths !== undefined) for (const path of pathsIn(site)) paths.add(path);
  }
  const beside = [...pathsIn(around), ...sites.filter(({ host }) => host === undefined).flatMap(pathsIn)];
  return [...new Set(beside)].flatMap((path) => {
    const without = [...own].filter(([, paths]) => !paths.has(path)).map(([host]) => host);
    const more = without.length > MAX_NAMED ? ` and ${without.length - MAX_NAMED} more` : '';
    const named = `${without.slice(0, MAX_NAMED).join(', ')}${more}`;
    return without.length === 0 ? [] : [`${path} is 404 at ${named}: a host has what its own sites have`];
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
