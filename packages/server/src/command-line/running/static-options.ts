// How files are served, from the configuration to the options of `@onezero/static`.

import { relative, sep } from 'node:path';
import type { StaticOptions } from '@onezero/static';
import { configurationFileNames } from '../configuration/config-file.ts';
import type { CorsConfiguration } from '../options/access.ts';
import type { Configuration, Served } from '../options/table.ts';

/** The options for a site with this root; `around` has what a site cannot say for itself. */
export function staticOptions(site: Served, root: string, around: Configuration): StaticOptions {
  const { single = false, etag, maxAge, cleanUrls, cors, hide = [] } = site;
  return {
    index: site.index,
    listing: site.listing,
    dotfiles: site.dotfiles,
    symlinks: site.symlinks,
    hide: [...hide, ...privateFiles(root, site, around)],
    windowsNames: site.windowsNames,
    types: site.types,
    typesFile: site.mimeTypes,
    defaultType: site.defaultType,
    charset: site.charset,
    etag: etag === true ? undefined : etag,
    lastModified: site.lastModified,
    ranges: site.ranges,
    maxAgeSeconds: maxAge,
    immutable: site.immutable,
    cacheControl: site.cacheControl,
    precompressed: site.precompressed,
    compress: compress(site.compression, around),
    cleanUrls: cleanUrls === true ? 'lookup' : cleanUrls === false ? 'off' : cleanUrls,
    extensions: site.extensions,
    fallback: single === false ? undefined : single === true ? '/index.html' : `/${single.replace(/^\/+/, '')}`,
    errorPages: site.statusPages,
    redirects: site.redirects as StaticOptions['redirects'],
    fieldRules: site.headers?.flatMap(({ glob, fields }) => (glob === undefined ? [] : [{ glob, fields }])),
    cors: corsOptions(cors),
    writable: writeOptions(site.writable),
    maxCacheBytes: around.cacheMemory,
    maxCachedFileBytes: around.maxCachedFile,
  };
}

// The server's own files and the sources of scripts are served to nobody, even where they lie below the document root.
function privateFiles(root: string, site: Served, around: Configuration): string[] {
  const { config, authFile, auth = [], tlsKey, tlsPassphraseFile } = around;
  const { cgi: mounts = [], cgiBin } = site;
  const scripts = mounts.flatMap(({ directory, script }) => [directory, script]);
  const named = [config, authFile, tlsKey, tlsPassphraseFile, cgiBin, ...auth.map(({ file }) => file), ...scripts];
  const inside = named.flatMap((path) => {
    const below = typeof path === 'string' ? relative(root, path) : '';
    if (below === '' || below === '..' || below.startsWith(`..${sep}`)) return [];
    return [
      `/${below
        .split(sep)
        .join('/')
        .replaceAll(/[\\*?[\]{}()!+@|]/g, String.raw`\$&`)}`,
    ];
  });
  const byExtension = mounts.flatMap((mount) =>
    Object.keys(mount.extensions ?? {}).map((extension) => `*${extension}`),
  );
  return [...configurationFileNames.map((name) => `/${name}`), ...inside, ...byExtension];
}

function compress(compression: Served['compression'], { gzip, brotli }: Configuration): StaticOptions['compress'] {
  if (gzip || brotli) return { codings: [...(brotli ? ['br' as const] : []), ...(gzip ? ['gzip' as const] : [])] };
  if (typeof compression !== 'object') return compression;
  return { codings: compression.codings, minBytes: compression.minSize, maxBytes: compression.maxSize };
}

function corsOptions(cors: Served['cors']): StaticOptions['cors'] {
  if (cors === undefined || typeof cors === 'boolean') return cors;
  if (typeof cors === 'string')
    return cors === '*' ? true : { origins: cors.split(',').map((origin) => origin.trim()) };
  if (isList(cors)) return { origins: cors };
  const { maxAge, ...rules } = cors;
  return { ...rules, maxAgeSeconds: maxAge };
}

function isList(cors: readonly string[] | CorsConfiguration): cors is readonly string[] {
  return Array.isArray(cors);
}

function writeOptions(writable: Served['writable']): StaticOptions['writable'] {
  if (typeof writable !== 'object') return writable;
  return { maxFileBytes: writable.maxFile, quotaBytes: writable.quota, fsync: writable.fsync };
}
