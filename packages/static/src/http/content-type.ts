// Media types by file name: overrides first, then the mime-types table, then a default that no browser runs.

import { readFileSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { lookup } from 'mime-types';

/** `video/mp2t` is what registries say of `.ts`; on web servers these are TypeScript sources, by far. */
const TYPESCRIPT = 'text/typescript';

const BUILT_IN_OVERRIDES: Readonly<Record<string, string>> = { ts: TYPESCRIPT, mts: TYPESCRIPT, cts: TYPESCRIPT };

/** Types that are text without saying so in `text/`; browsers would otherwise guess their encoding. */
const TEXTUAL = /^(?:text\/|application\/(?:javascript|json|xml|manifest\+json|.*\+(?:json|xml)$)|image\/svg\+xml$)/;

/** Types worth compressing: text, and binary formats that are not compressed themselves. */
const COMPRESSIBLE =
  /^(?:text\/.*|application\/(?:javascript|json|xml|wasm|rtf|sql|yaml|toml|graphql|x-sh|x-ndjson|vnd\.ms-fontobject|.*\+(?:json|xml))|font\/(?:ttf|otf|collection)|image\/(?:svg\+xml|bmp|x-icon|vnd\.microsoft\.icon)|model\/.*)$/;

export interface ContentTypeOptions {
  readonly types: ReadonlyMap<string, string>;
  readonly defaultType: string;
  readonly charset: string | false;
}

/** The Content-Type value for a file name, with a charset for text; never empty. */
export function contentTypeOf(name: string, { types, defaultType, charset }: ContentTypeOptions): string {
  const extension = extensionOf(name);
  const type = types.get(extension) ?? BUILT_IN_OVERRIDES[extension] ?? (extension === '' ? false : lookup(extension));
  const mediaType = type === false ? defaultType : type;
  const wantsCharset = charset !== false && TEXTUAL.test(mediaType) && !mediaType.includes(';');
  return wantsCharset ? `${mediaType}; charset=${charset}` : mediaType;
}

/** Whether content codings pay off for a Content-Type value. */
export function isCompressible(contentType: string): boolean {
  return COMPRESSIBLE.test((contentType.split(';', 1)[0] ?? '').trim().toLowerCase());
}

/** Overrides as a map from lower-case extension, without dot, to type. A later source wins over an earlier one. */
export function typeOverrides(file: string | undefined, map: Readonly<Record<string, string>>): Map<string, string> {
  const overrides = new Map(file === undefined ? [] : parseMimeTypes(readFileSync(file, 'utf8')));
  for (const [extension, type] of Object.entries(map)) overrides.set(extension.replace(/^\./, '').toLowerCase(), type);
  return overrides;
}

/** Reads the text of an Apache `mime.types` file: a type, then its extensions; `#` begins a comment. */
export function parseMimeTypes(text: string): [extension: string, type: string][] {
  return text.split(/\r?\n/).flatMap((line) => {
    const [type = '', ...extensions] = line.replace(/#.*/, '').trim().split(/\s+/);
    return extensions.map((extension): [string, string] => [extension.toLowerCase(), type]);
  });
}

function extensionOf(name: string): string {
  return extname(basename(name)).slice(1).toLowerCase();
}
