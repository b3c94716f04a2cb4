// A directory as an HTML page, as JSON, or as text. Names are data everywhere: escaped in text and attributes, encoded in
// links, isolated from the direction of the text around them. Only uploading needs a script.

import type { ListedEntry, ListingPage } from './pages.ts';
import { mapInSlices } from './slices.ts';
import { ARCHIVE_FORMATS, type ListingFormat, listingHref, type ListingQuery, type SortKey } from './query.ts';
import { LISTING_STYLE } from './style.ts';
import { UPLOAD_SCRIPT } from './upload.ts';
import { encodeSegment } from '../site/location.ts';

/** A page and where it is: `names` from the top of the site, mount included; `depth` of them are below the root. */
export interface Listing extends ListingPage {
  readonly names: readonly string[];
  readonly depth: number;
  readonly query: ListingQuery;
  /** Whether files may be put into the folder. */
  readonly isWritable: boolean;
  /** Whether the folder can be had as an archive. */
  readonly hasArchive: boolean;
}

const LISTING_TYPES: Readonly<Record<ListingFormat, string>> = {
  html: 'text/html; charset=utf-8',
  json: 'application/json; charset=utf-8',
  text: 'text/plain; charset=utf-8',
};

/** The text of a listing and its Content-Type. Long pages are made in several turns of the loop. */
export async function renderListing(
  listing: Listing,
): Promise<{ readonly contentType: string; readonly text: string }> {
  const { format } = listing.query;
  const [begin, row, end] =
    format === 'html' ? htmlParts(listing) : format === 'json' ? jsonParts(listing) : TEXT_PARTS;
  const separator = format === 'json' ? ',' : '';
  const rows = await mapInSlices(listing.entries, (entries) => entries.map(row).join(separator));
  return { contentType: LISTING_TYPES[format], text: `${begin}${rows.join(separator)}${end}` };
}

/** What stands before the rows, a row, and what stands behind them. */
type Parts = readonly [begin: string, row: (entry: ListedEntry) => string, end: string];

function jsonParts({ names, total, page, pages, unreadable }: Listing): Parts {
  const facts = JSON.stringify({ path: pathOf(names), page, pages, total, unreadable });
  return [`${facts.slice(0, -1)},"entries":[`, renderJsonEntry, ']}\n'];
}

function renderJsonEntry(entry: ListedEntry): string {
  const { name, kind, bytes = null, modifiedMs } = entry;
  return JSON.stringify({ name, kind, bytes, modified: isoDate(modifiedMs) ?? null, href: hrefOf(entry) });
}

/** One name per line, directories with a slash; control characters percent-encoded, so that a line is always one name. */
const TEXT_PARTS: Parts = [
  '',
  ({ name, kind }) => {
    const printable = name.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, encodeURIComponent);
    return `${printable}${kind === 'directory' ? '/' : ''}\n`;
  },
  '',
];

function htmlParts(listing: Listing): Parts {
  const { entries, names, query } = listing;
  const empty = query.search === '' ? 'This folder is empty.' : 'No name matches.';
  const [begin, end] =
    entries.length === 0
      ? [`<p class="empty">${empty}</p>`, '']
      : [`<table><thead><tr>${renderHeads(listing)}</tr></thead><tbody>`, '</tbody></table>'];
  return [
    `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex"><title>Index of ${escapeHtml(pathOf(names.map(visible)))}</title><style>${LISTING_STYLE}</style></head>
<body><main><header>${renderBreadcrumbs(listing)}${renderSearch(query)}</header>
<div class="card">${begin}`,
    renderRow,
    `${end}</div>
<footer><span>${renderCount(listing)}${listing.hasArchive ? ARCHIVE_LINK : ''}</span>${renderPager(listing)}</footer></main>${listing.isWritable ? `<script>${UPLOAD_SCRIPT}</script>` : ''}</body></html>
`,
  ];
}

const ARCHIVE_LINK = `, download all: ${ARCHIVE_FORMATS.map((format) => `<a href="./?format=${format}" rel="nofollow" download>.${format}</a>`).join(' ')}`;

function renderBreadcrumbs({ names, depth }: Listing): string {
  const mount = names.slice(0, names.length - depth);
  const labels = [mount.length === 0 ? 'Home' : (mount.at(-1) ?? ''), ...names.slice(names.length - depth)];
  const items = labels.map((label, index) => {
    const text = `<bdi>${escapeHtml(visible(label))}</bdi>`;
    const up = labels.length - 1 - index;
    return up === 0
      ? `<li aria-current="page"><h1>${text}</h1></li>`
      : `<li><a href="${'../'.repeat(up)}">${text}</a></li>`;
  });
  return `<nav aria-label="Path"><ol>${items.join('')}</ol></nav>`;
}

function renderSearch({ search, sort, isDescending }: ListingQuery): string {
  const keep = `${hidden('sort', sort, sort !== 'name')}${hidden('order', 'desc', isDescending)}`;
  const field = `<input type="search" name="search" aria-label="Search names" placeholder="Search names" value="${escapeHtml(search)}">`;
  return `<form role="search" action="./">${keep}${field}<button>Search</button></form>`;
}

function hidden(name: string, value: string, isNeeded: boolean): string {
  return isNeeded ? `<input type="hidden" name="${name}" value="${value}">` : '';
}

function renderHeads({ query, sort }: Listing): string {
  const head = (key: SortKey, label: string): string => {
    const isCurrent = sort === key;
    const href = listingHref({ ...query, sort: key, isDescending: isCurrent && !query.isDescending, page: 1 });
    const order = isCurrent ? ` aria-sort="${query.isDescending ? 'descending' : 'ascending'}"` : '';
    return `<th scope="col" class="${key}"${order}><a href="${escapeHtml(href)}">${label}</a></th>`;
  };
  return head('name', 'Name') + head('size', 'Size') + head('modified', 'Modified');
}

const FOLDER =
  '<svg class="folder" viewBox="0 0 24 24" aria-hidden="true"><path d="M3 6.5A1.5 1.5 0 0 1 4.5 5h4.6l2 2.5h8.4A1.5 1.5 0 0 1 21 9v8.5a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 17.5z"/></svg>';
const FILE =
  '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M6.5 3h7L19 8.5v11a1.5 1.5 0 0 1-1.5 1.5h-11A1.5 1.5 0 0 1 5 19.5v-15A1.5 1.5 0 0 1 6.5 3zM13.5 3v5.5H19"/></svg>';

function renderRow(entry: ListedEntry): string {
  const isDirectory = entry.kind === 'directory';
  const label = `${escapeHtml(visible(entry.name))}${isDirectory ? '/' : ''}`;
  const modified = isoDate(entry.modifiedMs);
  const time =
    modified === undefined ? '' : `<time datetime="${modified}">${modified.slice(0, 16).replace('T', ' ')}</time>`;
  return `<tr><td class="name"><a href="${hrefOf(entry)}">${isDirectory ? FOLDER : FILE}<bdi>${label}</bdi></a></td><td class="size">${
    entry.bytes === undefined ? '' : sizeOf(entry.bytes)
  }</td><td class="modified">${time}</td></tr>`;
}

function renderCount({ total, page, pages, unreadable }: Listing): string {
  const parts = [
    `${total.toLocaleString('en')} ${total === 1 ? 'entry' : 'entries'}`,
    ...(pages === 1 ? [] : [`page ${page} of ${pages.toLocaleString('en')}`]),
    ...(unreadable === 0 ? [] : [`${unreadable.toLocaleString('en')} not shown, with names that are not UTF-8`]),
    'times in UTC',
  ];
  return parts.join(', ');
}

function renderPager({ query, page, pages }: Listing): string {
  if (pages === 1) return '';
  const link = (to: number, rel: 'prev' | 'next', label: string): string =>
    to < 1 || to > pages
      ? ''
      : `<a rel="${rel}" href="${escapeHtml(listingHref({ ...query, page: to }))}">${label}</a>`;
  return `<nav class="pages" aria-label="Pages">${link(page - 1, 'prev', 'Previous page')}${link(page + 1, 'next', 'Next page')}</nav>`;
}

/**
 * A name with what is not seen percent-encoded: blanks at its ends, controls, what has no width, and what changes the order of letters,
 * under which `txt.exe` would read as `exe.txt`.
 */
function visible(name: string): string {
  return name.replace(UNSEEN, encodeURIComponent);
}

const UNSEEN = /^\s+|\s+$|[\u0000-\u001f\u007f-\u009f\u00ad\u200b\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** Begins with `./`, so that a name with a colon is not read as a scheme. */
function hrefOf({ name, kind }: ListedEntry): string {
  return `./${encodeSegment(name)}${kind === 'directory' ? '/' : ''}`;
}

function pathOf(names: readonly string[]): string {
  return names.length === 0 ? '/' : `/${names.join('/')}/`;
}

function isoDate(milliseconds: number | undefined): string | undefined {
  if (milliseconds === undefined) return undefined;
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

const UNITS = ['bytes', 'KB', 'MB', 'GB', 'TB', 'PB'];

/** Decimal units, three digits: `0 bytes`, `1.23 MB`. */
function sizeOf(bytes: number): string {
  let [value, unit] = [bytes, 0];
  for (; value >= 999.5 && unit < UNITS.length - 1; unit++) value /= 1000;
  const digits = unit === 0 ? String(value) : value.toPrecision(3);
  return `${digits} ${unit === 0 && bytes === 1 ? 'byte' : UNITS[unit]}`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => ESCAPES[sign] ?? sign);
}
