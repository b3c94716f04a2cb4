// A known file and a request become a response: choose the representation, evaluate preconditions, then ranges.
//
// A request that selects nothing gets the remembered response of the unencoded file. One with a Range is always answered
// from the unencoded file, so that the bytes of one range fit those of another whatever the client accepts.

import { acceptedCodings, type Coding, refusesIdentity } from './content-coding.ts';
import type { FileEntry } from './entry.ts';
import { type ContentPart, FileContent } from './file-content.ts';
import { codingStream, makeCoding } from './made-coding.ts';
import type { Field, StaticRequest, StaticResponse } from './message.ts';
import { contentRange, multipartRanges } from './multipart-ranges.ts';
import { closeDescriptor, openFile } from './open-file.ts';
import { evaluate, ifRange } from './preconditions.ts';
import { type ByteRange, parseRange, resolveRanges } from './range.ts';
import { PRECONDITION_FAILED, refusal } from './refusals.ts';
import type { Representation } from './representation.ts';
import { type SelectionFields, selectionFields } from './request-fields.ts';
import type { Settings } from './settings.ts';
import { isSameState } from './validators.ts';

/** Distinct Accept-Encoding values remembered per file. Browsers send a handful; a client that invents more pays itself. */
const MAX_CHOICES = 16;

/** Thrown when a file is no longer what the entry says: it must be looked up again. */
export class StaleEntry extends Error {}

/** What answering needs besides the entry and the request. */
export interface AnswerContext {
  readonly settings: Settings;
  /** Told how many bytes a representation added to an entry. */
  readonly onGrown: (path: string, entry: FileEntry, bytes: number) => void;
}

type Answer = StaticResponse | Promise<StaticResponse>;

/** Answers GET and HEAD for a file. Rejects with StaleEntry when the file changed since the entry was made. */
export function answerFile(entry: FileEntry, request: StaticRequest, context: AnswerContext): Answer {
  const fields = selectionFields(request.fields);
  if (fields === undefined) return answerRepresentation(entry.identity, request.method, {}, context.settings);
  const isNegotiable = entry.stored.length > 0 || entry.codings.length > 0;
  if (fields.acceptEncoding === undefined || !isNegotiable) {
    return answerRepresentation(entry.identity, request.method, fields, context.settings);
  }
  if (fields.range !== undefined && request.method === 'GET' && !refusesIdentity(fields.acceptEncoding)) {
    return answerRepresentation(entry.identity, request.method, fields, context.settings);
  }
  const chosen = chooseRepresentation(entry, request.pathInfo, fields.acceptEncoding, context);
  if (!(chosen instanceof Promise)) return answerRepresentation(chosen, request.method, fields, context.settings);
  return chosen.then((made) => answerRepresentation(made, request.method, fields, context.settings));
}

function chooseRepresentation(
  entry: FileEntry,
  path: string,
  acceptEncoding: string,
  context: AnswerContext,
): Representation | Promise<Representation> {
  const known = entry.chosen.get(acceptEncoding);
  if (known !== undefined) return known;
  const stored = entry.stored.map(({ coding }) => coding).filter((coding) => coding !== undefined);
  const available = [...stored, ...entry.codings.filter((coding) => !stored.includes(coding))];
  const coding = acceptedCodings(acceptEncoding, available)[0];
  const chosen =
    coding === undefined
      ? entry.identity
      : (entry.stored.find((one) => one.coding === coding) ?? madeRepresentation(entry, path, coding, context));
  if (!(chosen instanceof Promise) && entry.chosen.size < MAX_CHOICES) entry.chosen.set(acceptEncoding, chosen);
  return chosen;
}

function madeRepresentation(
  entry: FileEntry,
  path: string,
  coding: Coding,
  context: AnswerContext,
): Representation | Promise<Representation> {
  const known = entry.made.get(coding);
  if (known !== undefined) return known;
  const making = makeCoding(entry, coding, context.settings).then(
    (made) => {
      entry.made.set(coding, made);
      if (made !== entry.identity) context.onGrown(path, entry, made.bytes?.length ?? 0);
      return made;
    },
    (error: unknown) => {
      entry.made.delete(coding);
      throw error;
    },
  );
  entry.made.set(coding, making);
  return making;
}

function answerRepresentation(
  representation: Representation,
  method: string,
  fields: SelectionFields,
  settings: Settings,
): Answer {
  const precondition = evaluate(fields, representation, true);
  if (precondition === 'failed') return PRECONDITION_FAILED;
  if (precondition === 'not-modified') return representation.notModified;
  if (method === 'HEAD') return representation.head;
  if (fields.range !== undefined && settings.ranges && ifRange(fields.ifRange, representation)) {
    const { length } = representation;
    const specs = length === undefined ? undefined : parseRange(fields.range);
    const ranges = specs === undefined || length === undefined ? undefined : resolveRanges(specs, length);
    if (ranges === 'unsatisfiable') return refusal(416, undefined, [['content-range', `bytes */${length}`]]);
    if (ranges !== undefined && length !== undefined) return partial(representation, ranges, length, settings);
  }
  return representation.whole ?? wholeFromDisk(representation, settings);
}

function partial(
  representation: Representation,
  ranges: readonly ByteRange[],
  size: number,
  settings: Settings,
): Answer {
  const [first] = ranges;
  if (ranges.length === 1 && first !== undefined) {
    const fields: readonly Field[] = [...representation.fields, ['content-range', contentRange(first, size)]];
    if (representation.bytes !== undefined) {
      return { status: 206, fields, content: representation.bytes.subarray(first.start, first.end) };
    }
    return fromDisk(representation, { status: 206, fields, parts: [first], length: first.end - first.start }, settings);
  }
  const { parts, length, contentType } = multipartRanges(ranges, size, representation.contentType);
  const others = representation.fields.filter(([name]) => name !== 'content-type');
  const fields: readonly Field[] = [['content-type', contentType], ...others];
  const { bytes } = representation;
  if (bytes === undefined) return fromDisk(representation, { status: 206, fields, parts, length }, settings);
  const pieces = parts.map((part) => ('start' in part ? bytes.subarray(part.start, part.end) : part));
  return { status: 206, fields, content: Buffer.concat(pieces, length) };
}

function wholeFromDisk(representation: Representation, settings: Settings): Promise<StaticResponse> {
  const { length, fields, source } = representation;
  const parts = [{ start: 0, end: source.stamp.size }];
  return fromDisk(representation, { status: 200, fields, parts, length }, settings);
}

/** Opens the file again, makes sure that it is still the one described, and hands its descriptor to the content. */
async function fromDisk(
  { source, coding, length: wholeLength }: Representation,
  {
    status,
    fields,
    parts,
    length,
  }: { status: number; fields: readonly Field[]; parts: readonly ContentPart[]; length: number | undefined },
  settings: Settings,
): Promise<StaticResponse> {
  const opened = await openFile(source.segments, settings);
  if (opened.kind === 'refused' && opened.status !== 404) return refusal(opened.status, opened.cause);
  if (opened.kind !== 'file') throw new StaleEntry('the file is gone');
  if (!isSameState(source.stamp, opened.stamp)) {
    closeDescriptor(opened.descriptor);
    throw new StaleEntry('the file has changed');
  }
  const content = new FileContent(opened.descriptor, parts);
  if (coding !== undefined && wholeLength === undefined)
    return { status, fields, content: codingStream(coding, content) };
  return { status, fields: [...fields, ['content-length', String(length)]], content };
}
