// How files are served, from the configuration to the options of `@onezero/static`.

import type { StaticOptions } from '@onezero/static';
import { configurationFileNames } from '../configuration/config-file.ts';
import type { CorsConfiguration } from '../options/access.ts';
import type { Configuration, Served } from '../options/table.ts';

/** The options for a site with this root; `around` has what a site cannot say for itself. */
export function staticOptions(site: Served, around: Configuration): StaticOptions {
  const { single = false, etag, maxAge, cleanUrls, cors, hide = [] } = site;
  return {
    index: site.index,
    listing: site.listing,
    dotfiles: site.dotfiles,
    symlinks: site.symlinks,
    // Under these names, configurations of other servers started here are not served either.
    hide: [...hide, ...configurationFileNames.map((name) => `/${name}`)],
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
