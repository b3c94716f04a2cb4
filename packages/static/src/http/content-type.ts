// Media types by file name: overrides first, then what is registered, then a default that no browser runs.

import { readFileSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { registeredType } from './registered-type.ts';

/** `video/mp2t` is what registries say of `.ts`; on web servers these are TypeScript sources, by far, or else they show it. */
const TYPESCRIPT = 'text/typescript';
const TRANSPORT_STREAM = 'video/mp2t';

/** Sources for which registries have no type, or one that browsers download, as text to be read. */
const SOURCES =
  'adoc bat c cc cfg clj cpp cs cxx dart erl ex exs fish go gradle h hpp hs java jl kt lock lua mk nix org php pl pm ps1 py r rb rs scala sol swift tex tsx vb vue svelte zig'.split(
    ' ',
  );

const BUILT_IN_OVERRIDES: ReadonlyMap<string, string> = new Map([
  ...SOURCES.map((extension): [string, string] => [extension, 'text/plain']),
  ['ts', TYPESCRIPT],
  ['mts', TYPESCRIPT],
  ['cts', TYPESCRIPT],
]);

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

/**
 * The Content-Type value for a file name, with a charset for text; never empty.
 *
 * `start` holds the first bytes of the content, as far as they are at hand. A `.ts` file that is an MPEG transport stream shows
 * there, and a document that names another encoding than UTF-8 keeps it: the field would overrule the document.
 */
export function contentTypeOf(
  name: string,
  { types, defaultType, charset }: ContentTypeOptions,
  start: Uint8Array = NO_BYTES,
): string {
  const extension = extensionOf(name);
  const type = types.get(extension) ?? builtInType(extension, start);
  const mediaType = type === false ? defaultType : type;
  const wantsCharset = charset !== false && TEXTUAL.test(mediaType) && !mediaType.includes(';');
  return wantsCharset && !namesOtherCharset(mediaType, start, charset) ? `${mediaType}; charset=${charset}` : mediaType;
}

const NO_BYTES: Uint8Array = new Uint8Array();

function builtInType(extension: string, start: Uint8Array): string | false {
  if (extension === '') return false;
  const type = BUILT_IN_OVERRIDES.get(extension) ?? registeredType(extension);
  return type === TYPESCRIPT && isTransportStream(start) ? TRANSPORT_STREAM : type;
}

/** Packets of 188 bytes, each beginning with 0x47 (ISO/IEC 13818-1 §2.4.3.2), which is a G in a text. */
function isTransportStream(start: Uint8Array): boolean {
  return start.length > 376 && start[0] === 0x47 && start[188] === 0x47 && start[376] === 0x47;
}

/** How far an encoding declaration is looked for (HTML §13.2.3.2). */
const DECLARATION_BYTES = 1024;

/** How documents name their encoding: HTML in a meta element, XML in its declaration, CSS in its first rule. */
const DECLARATIONS: readonly { readonly types: RegExp; readonly pattern: RegExp }[] = [
  { types: /^text\/html|\+xml$|\/xml$/, pattern: /<meta[^>]{1,200}charset\s*=\s*["']?\s*([\w.:-]{1,40})/i },
  { types: /\+xml$|\/xml$/, pattern: /^<\?xml[^>]{1,200}encoding\s*=\s*["']([\w.:-]{1,40})/ },
  { types: /^text\/css$/, pattern: /^@charset "([\w.:-]{1,40})"/ },
];

function namesOtherCharset(mediaType: string, start: Uint8Array, charset: string): boolean {
  if (start.length === 0) return false;
  const first = start[0];
  // A byte order mark of UTF-16; browsers believe it, others believe the field.
  if ((first === 0xfe && start[1] === 0xff) || (first === 0xff && start[1] === 0xfe)) return true;
  const declarations = declarationsFor(mediaType);
  if (declarations.length === 0) return false;
  const text = Buffer.from(start.buffer, start.byteOffset, Math.min(start.length, DECLARATION_BYTES)).toString(
    'latin1',
  );
  if (!/charset|encoding/i.test(text)) return false;
  const named = declarations.map(({ pattern }) => pattern.exec(text)?.[1]).find((found) => found !== undefined);
  return named !== undefined && !isSameCharset(named, charset);
}

type Declarations = typeof DECLARATIONS;

const declarationsByType = new Map<string, Declarations>();

/** Types come from tables and options, so there are not many. */
function declarationsFor(mediaType: string): Declarations {
  let declarations = declarationsByType.get(mediaType);
  if (declarations === undefined) {
    declarations = DECLARATIONS.filter(({ types }) => types.test(mediaType));
    declarationsByType.set(mediaType, declarations);
  }
  return declarations;
}

function isSameCharset(a: string, b: string): boolean {
  const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');
  return plain(a) === plain(b);
}

/** The coding that a file itself is in: `.svgz` is defined as SVG in gzip (SVG 1.1 §1.2). */
export function ownCoding(name: string, start: Uint8Array): 'gzip' | undefined {
  return extensionOf(name) === 'svgz' && start[0] === 0x1f && start[1] === 0x8b ? 'gzip' : undefined;
}

/** Whether content codings pay off for a Content-Type value. */
export function isCompressible(contentType: string): boolean {
  let isIt = compressibleTypes.get(contentType);
  if (isIt === undefined) {
    isIt = COMPRESSIBLE.test((contentType.split(';', 1)[0] ?? '').trim().toLowerCase());
    compressibleTypes.set(contentType, isIt);
  }
  return isIt;
}

/** Types come from tables and options, so there are not many. */
const compressibleTypes = new Map<string, boolean>();

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
