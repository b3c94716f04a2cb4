// What a listing request asks for: form, order, page and search, from the query and Accept. Unknown values mean the default.

import { fieldValue } from '../http/request-fields.ts';
import type { StaticRequest } from '../message.ts';

export type ListingFormat = 'html' | 'json' | 'text';

/** The values of `format` that ask for the folder itself. */
export const ARCHIVE_FORMATS = ['zip', 'tar'] as const;
export type ArchiveFormat = (typeof ARCHIVE_FORMATS)[number];
export type SortKey = 'name' | 'size' | 'modified';

export interface ListingQuery {
  readonly format: ListingFormat;
  readonly sort: SortKey;
  readonly isDescending: boolean;
  /** From 1. */
  readonly page: number;
  /** Lower case; '' for everything. */
  readonly search: string;
}

const SORT_KEYS: readonly SortKey[] = ['name', 'size', 'modified'];

const FORMAT_OF_TYPE = new Map<string, ListingFormat>([
  ['text/html', 'html'],
  ['application/json', 'json'],
  ['text/plain', 'text'],
]);

/** The longest name there can be; a longer search finds nothing anyway. */
const MAX_SEARCH_CHARACTERS = 255;

/** The archive that a query asks for. */
export function archiveFormat(query: string | undefined): ArchiveFormat | undefined {
  const format = query === undefined ? undefined : new URLSearchParams(query).get('format');
  return ARCHIVE_FORMATS.find((one) => one === format);
}

export function listingQuery({ query, fields }: StaticRequest): ListingQuery {
  const parameters = new URLSearchParams(query ?? '');
  const page = Number(parameters.get('page') ?? '1');
  return {
    format:
      [...FORMAT_OF_TYPE.values()].find((format) => format === parameters.get('format')) ?? acceptedFormat(fields),
    sort: SORT_KEYS.find((key) => key === parameters.get('sort')) ?? 'name',
    isDescending: parameters.get('order') === 'desc',
    page: Number.isSafeInteger(page) && page > 0 ? page : 1,
    search: (parameters.get('search') ?? '').trim().slice(0, MAX_SEARCH_CHARACTERS).toLowerCase(),
  };
}

/** The query string that asks for this again, without defaults. */
export function listingHref({ format, sort, isDescending, page, search }: ListingQuery): string {
  const parameters = new URLSearchParams();
  if (format !== 'html') parameters.set('format', format);
  if (sort !== 'name') parameters.set('sort', sort);
  if (isDescending) parameters.set('order', 'desc');
  if (page > 1) parameters.set('page', String(page));
  if (search !== '') parameters.set('search', search);
  const text = parameters.toString();
  return text === '' ? './' : `./?${text}`;
}

/** The named media type of the highest quality; HTML for whoever names none. */
function acceptedFormat(fields: StaticRequest['fields']): ListingFormat {
  let best: { format: ListingFormat; quality: number } | undefined;
  for (const member of (fieldValue(fields, 'accept') ?? '').toLowerCase().split(',')) {
    const [type = '', ...parameters] = member.split(';').map((part) => part.trim());
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    const quality = weight === undefined ? 1 : Number(weight.slice(2));
    const format = FORMAT_OF_TYPE.get(type);
    if (format !== undefined && quality > (best?.quality ?? 0)) best = { format, quality };
  }
  return best?.format ?? 'html';
}
