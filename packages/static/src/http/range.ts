// Byte ranges (RFC 9110 §14): a Range field is parsed to a list of specs, then resolved against a length.
//
// A field that is malformed, of another unit, or greedy (too many ranges, or more bytes in all than there are) is ignored:
// the whole representation is always a right answer. Overlapping and touching ranges are merged.

/** One member of a byte-range set as it was written. */
export type RangeSpec =
  | { readonly kind: 'bounded'; readonly first: number; readonly last: number }
  | { readonly kind: 'open-ended'; readonly first: number }
  | { readonly kind: 'suffix'; readonly length: number };

/** A run of bytes: `end` is the position after the last. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Apache's default is 200, nginx has none; download managers and PDF readers ask for a handful. */
const MAX_RANGES = 64;

/** Parses `bytes=…`; undefined when the field must be ignored. */
export function parseRange(value: string): readonly RangeSpec[] | undefined {
  const match = /^bytes=(.*)$/i.exec(value);
  if (match === null) return undefined;
  const members = (match[1] ?? '').split(',', MAX_RANGES + 1);
  if (members.length > MAX_RANGES) return undefined;
  const specs = members.filter((member) => !/^[ \t]*$/.test(member)).map(parseSpec);
  return specs.length > 0 && specs.every((spec) => spec !== undefined) ? specs : undefined;
}

function parseSpec(member: string): RangeSpec | undefined {
  const match = /^[ \t]*(\d*)-(\d*)[ \t]*$/.exec(member);
  if (match === null) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '') return last === '' ? undefined : { kind: 'suffix', length: position(last) };
  if (last === '') return { kind: 'open-ended', first: position(first) };
  return position(last) < position(first)
    ? undefined
    : { kind: 'bounded', first: position(first), last: position(last) };
}

/** Digits beyond what a double holds are all the same to us: past the end of any file. */
function position(digits: string): number {
  return Math.min(Number(digits), Number.MAX_SAFE_INTEGER);
}

/**
 * Merged, ascending ranges within `length`; `unsatisfiable` when none lies inside (416); undefined when the set must be
 * ignored, as it must for an empty representation.
 */
export function resolveRanges(
  specs: readonly RangeSpec[],
  length: number,
): readonly ByteRange[] | 'unsatisfiable' | undefined {
  if (length === 0) return undefined;
  const satisfiable = specs.map((spec) => resolveSpec(spec, length)).filter((range) => range !== undefined);
  if (satisfiable.length === 0) return 'unsatisfiable';
  const asked = satisfiable.reduce((sum, { start, end }) => sum + end - start, 0);
  return satisfiable.length > 1 && asked > length ? undefined : merge(satisfiable);
}

function resolveSpec(spec: RangeSpec, length: number): ByteRange | undefined {
  if (spec.kind === 'suffix') {
    return spec.length === 0 ? undefined : { start: Math.max(0, length - spec.length), end: length };
  }
  if (spec.first >= length) return undefined;
  return { start: spec.first, end: spec.kind === 'bounded' ? Math.min(spec.last + 1, length) : length };
}

function merge(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const merged: ByteRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.start - b.start)) {
    const previous = merged.at(-1);
    if (previous !== undefined && range.start <= previous.end) {
      merged[merged.length - 1] = { start: previous.start, end: Math.max(previous.end, range.end) };
    } else merged.push(range);
  }
  return merged;
}
