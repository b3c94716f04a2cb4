// Ranges of a known representation become a 206 or a 416.

import { fromDisk } from './files/content-from-disk.ts';
import type { Field, StaticResponse } from './message.ts';
import { contentRange, multipartRanges } from './http/multipart-ranges.ts';
import { type ByteRange, parseRange, resolveRanges } from './http/range.ts';
import { refusal } from './refusals.ts';
import type { Representation } from './files/representation.ts';
import type { Settings } from './options/settings.ts';

/** Single-range responses remembered per representation. */
const MAX_PARTIALS = 8;

type Answer = StaticResponse | Promise<StaticResponse>;

/** The answer to a Range value; undefined when it must be ignored. */
export function answerRange(representation: Representation, value: string, settings: Settings): Answer | undefined {
  const { length, bytes, partials } = representation;
  const known = partials.get(value);
  if (known !== undefined || length === undefined) return known;
  const specs = parseRange(value);
  const ranges = specs === undefined ? undefined : resolveRanges(specs, length);
  if (ranges === undefined) return undefined;
  if (ranges === 'unsatisfiable') return refusal(416, undefined, [['content-range', `bytes */${length}`]]);
  const answer = partial(representation, ranges, length, settings);
  // Players and viewers ask for the same first piece; anything else is as good as unique.
  const isRepeatable = bytes !== undefined && ranges.length === 1 && partials.size < MAX_PARTIALS;
  if (isRepeatable && !(answer instanceof Promise)) partials.set(value, answer);
  return answer;
}

function partial(
  representation: Representation,
  ranges: readonly ByteRange[],
  size: number,
  settings: Settings,
): Answer {
  const file = representation.source.segments;
  const [first] = ranges;
  if (ranges.length === 1 && first !== undefined) {
    const fields: readonly Field[] = [...representation.fields, ['content-range', contentRange(first, size)]];
    if (representation.bytes !== undefined) {
      return { status: 206, fields, content: representation.bytes.subarray(first.start, first.end), file };
    }
    return fromDisk(representation, { status: 206, fields, parts: [first], length: first.end - first.start }, settings);
  }
  const { parts, length, contentType } = multipartRanges(ranges, size, representation.contentType);
  const others = representation.fields.filter(([name]) => name !== 'content-type');
  const fields: readonly Field[] = [['content-type', contentType], ...others];
  const { bytes } = representation;
  if (bytes === undefined) return fromDisk(representation, { status: 206, fields, parts, length }, settings);
  const pieces = parts.map((part) => ('start' in part ? bytes.subarray(part.start, part.end) : part));
  return { status: 206, fields, content: Buffer.concat(pieces, length), file };
}
