// Ranges of a known representation become a 206 or a 416.

import type { ContentPlan } from './files/content-from-disk.ts';
import type { Field, StaticResponse } from './message.ts';
import { contentRange, multipartRanges } from './http/multipart-ranges.ts';
import { type ByteRange, parseRange, resolveRanges } from './http/range.ts';
import { refusal } from './refusals.ts';
import type { Representation } from './files/representation.ts';

/** Single-range responses remembered per representation. */
const MAX_PARTIALS = 8;

/** The answer to a Range value, or what to read for it; undefined when it must be ignored. */
export function answerRange(representation: Representation, value: string): StaticResponse | ContentPlan | undefined {
  const { length, bytes, file } = representation;
  if (length === undefined) return undefined;
  const known = bytes === undefined || !representation.isReady ? undefined : representation.partials.get(value);
  if (known !== undefined) return known;
  const specs = parseRange(value);
  const ranges = specs === undefined ? undefined : resolveRanges(specs, length);
  if (ranges === undefined) return undefined;
  if (ranges === 'unsatisfiable') return refusal(416, undefined, [['content-range', `bytes */${length}`]]);
  const plan = planOf(representation, ranges, length);
  if (bytes === undefined) return plan;
  const { status, fields, parts } = plan;
  const pieces = parts.map((part) => ('start' in part ? bytes.subarray(part.start, part.end) : part));
  const [only, ...others] = pieces;
  if (only === undefined || others.length > 0) return { status, fields, content: Buffer.concat(pieces), file };
  const answer = { status, fields, content: only, file };
  // Players and viewers ask for the same first piece; anything else is as good as unique.
  if (representation.isReady && representation.partials.size < MAX_PARTIALS) representation.partials.set(value, answer);
  return answer;
}

function planOf(representation: Representation, ranges: readonly ByteRange[], size: number): ContentPlan {
  const [first] = ranges;
  if (ranges.length === 1 && first !== undefined) {
    const fields: readonly Field[] = [...representation.fields, ['content-range', contentRange(first, size)]];
    return { representation, status: 206, fields, parts: [first], length: first.end - first.start };
  }
  const { parts, length, contentType } = multipartRanges(ranges, size, representation.contentType);
  const others = representation.fields.filter(([name]) => name !== 'content-type');
  return { representation, status: 206, fields: [['content-type', contentType], ...others], parts, length };
}
