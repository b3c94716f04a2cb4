// How files are served, from the configuration to the options of `@onezero/static`.

import type { StaticOptions } from '@onezero/static';
import { type CorsOptions, corsTable } from '@onezero/static/options';
import { CONFIGURATION_FILE_NAMES } from '../configuration/config-file.ts';
import type { Configuration, Served } from '../options/table.ts';
import { optionsOfPart } from './to-options.ts';

/** The options for a site with this root; `around` has what a site cannot say for itself. */
export function staticOptions(site: Served, around: Configuration): StaticOptions {
  const { cacheMemory, maxCachedFile, gzip, brotli, corsHeaders } = around;
  const options: StaticOptions = optionsOfPart('static.', { ...site, cacheMemory, maxCachedFile });
  const codings = [...(brotli ? ['br' as const] : []), ...(gzip ? ['gzip' as const] : [])];
  return {
    ...options,
    // Under these names, configurations of other servers started here are not served either.
    hide: [...(options.hide ?? []), ...CONFIGURATION_FILE_NAMES.map((name) => `/${name}`)],
    fieldRules: site.headers?.flatMap(({ glob, fields }) => (glob === undefined ? [] : [{ glob, fields }])),
    ...(codings.length > 0 && { compression: { codings } }),
    ...(corsHeaders !== undefined && { cors: withHeaders(options.cors, corsHeaders) }),
  };
}

/** Cross-origin requests with these header fields, beside those that are allowed anyway. */
function withHeaders(cors: StaticOptions['cors'], names: readonly string[]): CorsOptions {
  const given = typeof cors === 'object' ? cors : {};
  return { ...given, allowFields: [...(given.allowFields ?? corsTable.allowFields.default ?? []), ...names] };
}
