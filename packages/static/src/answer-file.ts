// A known file and a request become a response: choose the representation, evaluate preconditions, then ranges.
//
// A request that selects nothing gets the remembered response of the unencoded file. One with a Range is always answered
// from the unencoded file, so that the bytes of one range fit those of another whatever the client accepts.

import { answerRange } from './answer-range.ts';
import { acceptedCodings, type Coding, refusesIdentity } from './http/content-coding.ts';
import { wholeFromDisk } from './files/content-from-disk.ts';
import type { FileEntry } from './files/entry.ts';
import { makeCoding } from './files/coded-content.ts';
import type { StaticRequest, StaticResponse } from './message.ts';
import { evaluate, ifRange } from './http/preconditions.ts';
import { PRECONDITION_FAILED } from './refusals.ts';
import type { Representation } from './files/representation.ts';
import { type SelectionFields, selectionFields } from './http/request-fields.ts';
import type { Settings } from './options/settings.ts';

/** Distinct Accept-Encoding values remembered per file. Browsers send a handful; a client that invents more pays itself. */
const MAX_CHOICES = 16;

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
    const answer = answerRange(representation, fields.range, settings);
    if (answer !== undefined) return answer;
  }
  return representation.whole ?? wholeFromDisk(representation, settings);
}
