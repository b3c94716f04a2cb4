// Checks that options share. Each throws a TypeError of one line that begins with the option's name.

import type { StaticOptions } from '../options.ts';

/** What kind of value each option takes; the order of the README's table. */
const OPTION_SHAPES: Readonly<
  Record<keyof StaticOptions, readonly ('boolean' | 'string' | 'number' | 'list' | 'object')[]>
> = {
  index: ['list', 'boolean'],
  listing: ['boolean', 'object'],
  dotfiles: ['string'],
  symlinks: ['string'],
  hide: ['list'],
  windowsNames: ['string'],
  types: ['object'],
  typesFile: ['string'],
  defaultType: ['string'],
  charset: ['string', 'boolean'],
  etag: ['string', 'boolean'],
  lastModified: ['boolean'],
  ranges: ['boolean'],
  maxAgeSeconds: ['number'],
  immutable: ['boolean', 'list'],
  cacheControl: ['list'],
  precompressed: ['boolean'],
  compress: ['boolean', 'object'],
  cleanUrls: ['string'],
  extensions: ['list'],
  fallback: ['string'],
  errorPages: ['boolean'],
  redirects: ['list'],
  fieldRules: ['list'],
  cors: ['boolean', 'object'],
  writable: ['boolean', 'object'],
  maxCacheBytes: ['number'],
  maxCachedFileBytes: ['number'],
};

/** Options may come from a file that no compiler has seen; a misspelt one must not be ignored. */
export function checkShapes(options: StaticOptions): void {
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (!(option in OPTION_SHAPES)) throw new TypeError(`${option}: is not an option`);
    const shapes: readonly string[] = OPTION_SHAPES[option as keyof StaticOptions];
    const shape = Array.isArray(value) ? 'list' : value === null ? 'null' : typeof value;
    if (!shapes.includes(shape)) throw new TypeError(`${option}: expected a ${shapes.join(' or ')}`);
  }
}

export function limit(option: string, value: number | undefined): number {
  return value === undefined || value === Number.POSITIVE_INFINITY ? Number.POSITIVE_INFINITY : count(option, value);
}

export function count(option: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new TypeError(`${option}: expected a whole number, 0 or more`);
  return value;
}

export function oneOf<Value>(option: string, value: Value, allowed: readonly NoInfer<Value>[]): Value {
  if (allowed.includes(value)) return value;
  throw new TypeError(`${option}: expected ${allowed.map((one) => JSON.stringify(one)).join(', ')}`);
}

export function fileName(option: string, name: string): string {
  if (name !== '' && name !== '.' && name !== '..' && !/[/\\\0]/.test(name)) return name;
  throw new TypeError(`${option}: ${JSON.stringify(name)} is not a file name`);
}

export function rootedPath(option: string, path: string): string {
  if (path.startsWith('/') && !path.includes('\0') && !path.split('/').includes('..')) return path;
  throw new TypeError(`${option}: expected a path that begins with /`);
}

export function fieldName(name: string): string {
  if (/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) return name.toLowerCase();
  throw new TypeError(`${JSON.stringify(name)} is not a field name`);
}

export function fieldText(option: string, value: string): string {
  if (/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) return value;
  throw new TypeError(`${option}: a field value cannot contain control characters or characters above U+00FF`);
}

/** Origins as browsers write them (RFC 6454 §6.1), since they are compared as they stand; `*` among others stands for all. */
export function originList(option: string, origins: '*' | readonly string[]): '*' | readonly string[] {
  if (origins === '*') return '*';
  if (!Array.isArray(origins)) throw new TypeError(`${option}: expected "*" or a list`);
  for (const origin of origins) {
    const written = writtenOrigin(String(origin));
    if (written === origin) continue;
    const hint = written === undefined ? ', such as https://example.org' : `; did you mean ${written}?`;
    throw new TypeError(`${option}: ${JSON.stringify(origin)} is not an origin${hint}`);
  }
  return origins.includes('*') ? '*' : origins;
}

function writtenOrigin(text: string): string | undefined {
  if (text === '*' || text === 'null') return text;
  if (!URL.canParse(text)) return undefined;
  const { protocol, host, origin } = new URL(text);
  // Browsers have origins of their own for what is inside them, such as extensions; URL knows only those of the web.
  return host === '' ? undefined : origin === 'null' ? `${protocol}//${host}` : origin;
}
