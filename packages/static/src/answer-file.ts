// A known file and a request become a response: choose the representation, evaluate preconditions, then ranges.
//
// A request that selects nothing gets the remembered response of the unencoded file. One with a Range is always answered
// from the unencoded file, so that the bytes of one range fit those of another whatever the client accepts.
//
// A file that is not in memory is opened once for each response that sends some of it. If it is then in another state than the
// entry, the entry is made anew from that very descriptor: what is announced and what is sent come from one state, however
// often the file changes.

import { gathered, isContentGathered, isReprDigestWanted, planWithDigests, withDigestFields } from './answer-digest.ts';
import { answerRange } from './answer-range.ts';
import { type AnswerContext, chooseRepresentation } from './files/choose-representation.ts';
import { contentFromDisk, type ContentPlan, wholeFile } from './files/content-from-disk.ts';
import type { FileEntry } from './files/entry.ts';
import { type Eventually, whenReady } from './files/eventually.ts';
import type { FileCache } from './files/file-cache.ts';
import { knownPage } from './files/known-page.ts';
import { locationOf, openLocation, type OpenFile } from './files/open-file.ts';
import { sitePath } from './files/path.ts';
import { closing } from './files/file-state.ts';
import { readFileEntry } from './files/read-file.ts';
import type { Storage } from './files/storage.ts';
import { isDigestCheap, isDigestWanted, learnDigest, withDigests } from './files/known-digests.ts';
import { refusesIdentity } from './http/content-coding.ts';
import type { StaticRequest, StaticResponse } from './message.ts';
import { evaluate, ifRange } from './http/preconditions.ts';
import { NOT_FOUND, PRECONDITION_FAILED, refusal } from './refusals.ts';
import type { Representation } from './files/representation.ts';
import { type SelectionFields, selectionFields } from './http/request-fields.ts';
import { isSameState } from './http/validators.ts';

/** Answers GET and HEAD for a file. */
export function answerFile(
  entry: FileEntry,
  request: StaticRequest,
  context: AnswerContext,
): Eventually<StaticResponse> {
  const fields = selectionFields(request.fields);
  const { identity } = entry;
  if (fields === undefined) {
    const response = request.method === 'HEAD' && identity.isInMemory ? identity.head : identity.whole;
    if (response !== undefined) return response;
  }
  const answering = new Answering(request, fields ?? {}, context);
  if (identity.isInMemory) return answering.answer(entry);
  const isWanted =
    isDigestCheap(entry, context.storage) ||
    isDigestWanted(entry, fields ?? {}, context.storage) ||
    isReprDigestWanted(entry, fields ?? {}, request.method);
  const learned = isWanted ? learnDigest(entry, context.storage) : undefined;
  return whenReady(learned, () => answering.answer(withDigests(entry, context.storage)));
}

/** The answer to a plain GET of a small file, for a caller that is done with it at once; undefined where that is no gain. */
export function lentAnswer(
  entry: FileEntry,
  request: StaticRequest,
  context: AnswerContext,
): StaticResponse | undefined {
  if (request.method !== 'GET') return undefined;
  const fields = selectionFields(request.fields);
  if (fields === undefined) return entry.identity.lent;
  if (fields.acceptEncoding === undefined || Object.keys(fields).length > 1) return undefined;
  const chosen = new Answering(request, fields, context).choose(entry);
  return chosen instanceof Promise ? undefined : chosen.lent;
}

/** The same for a file that the cache does not hold; undefined for most others. */
export function lentKnownPage(request: StaticRequest, storage: Storage, cache: FileCache): StaticResponse | undefined {
  const { settings } = storage;
  if (request.method !== 'GET' || settings.onlyFile !== undefined || settings.cleanUrls === 'redirect')
    return undefined;
  const fields = selectionFields(request.fields);
  const acceptEncoding = fields?.acceptEncoding;
  if (fields !== undefined && (acceptEncoding === undefined || Object.keys(fields).length > 1)) return undefined;
  const path = sitePath(request.pathInfo, settings);
  if (typeof path === 'number') return undefined;
  const [index] = path.isDirectory ? settings.index : [];
  if (path.isDirectory && index === undefined) return undefined;
  const segments = index === undefined ? path.segments : [...path.segments, index];
  try {
    return knownPage({ location: locationOf(settings.root, segments), segments, acceptEncoding }, storage, cache)?.lent;
  } catch (error) {
    return refusal(500, error);
  }
}

class Answering {
  readonly #request: StaticRequest;
  readonly #fields: SelectionFields;
  readonly #context: AnswerContext;

  constructor(request: StaticRequest, fields: SelectionFields, context: AnswerContext) {
    this.#request = request;
    this.#fields = fields;
    this.#context = context;
  }

  answer(entry: FileEntry): Eventually<StaticResponse> {
    return whenReady(this.choose(entry), (chosen) => {
      const answer = this.#plan(chosen);
      return 'parts' in answer ? this.#read(answer, entry) : answer;
    });
  }

  /** The representation that the client's Accept-Encoding selects. */
  choose(entry: FileEntry): Eventually<Representation> {
    const { acceptEncoding, range } = this.#fields;
    const isNegotiable = entry.stored.length > 0 || entry.codings.length > 0;
    if (acceptEncoding === undefined || !isNegotiable) return entry.identity;
    if (range !== undefined && this.#request.method === 'GET' && !refusesIdentity(acceptEncoding)) {
      return entry.identity;
    }
    return chooseRepresentation(entry, acceptEncoding, this.#request.pathInfo, this.#context);
  }

  /** What goes out for a representation, or what is to be read for that. */
  #plan(representation: Representation): StaticResponse | ContentPlan {
    const answer = this.#planWithoutDigests(representation);
    const { storage } = this.#context;
    if (this.#fields.wantReprDigest === undefined && this.#fields.wantContentDigest === undefined) return answer;
    return 'parts' in answer
      ? planWithDigests(answer, this.#fields, storage)
      : withDigestFields(answer, representation, this.#fields, storage);
  }

  #planWithoutDigests(representation: Representation): StaticResponse | ContentPlan {
    const { settings } = this.#context.storage;
    const fields = this.#fields;
    const precondition = evaluate(fields, representation, true);
    if (precondition === 'failed') return PRECONDITION_FAILED;
    if (precondition === 'not-modified') return representation.notModified;
    if (this.#request.method === 'HEAD') return representation.head;
    // A coding is only chosen beside a Range where the client refuses the file as it is.
    const isCoded = representation.isNegotiable && representation.coding !== undefined;
    if (fields.range !== undefined && settings.ranges && !isCoded && ifRange(fields.ifRange, representation)) {
      const answer = answerRange(representation, fields.range);
      if (answer !== undefined) return answer;
    }
    return representation.whole ?? wholeFile(representation);
  }

  /** Opens what a plan is to be read from. */
  #read(plan: ContentPlan, entry: FileEntry): Eventually<StaticResponse> {
    const { storage } = this.#context;
    const { location, stamp } = plan.representation.source;
    return whenReady(openLocation(location, storage), (opened) => {
      if (opened.kind === 'file' && isSameState(stamp, opened.stamp)) return this.#send(plan, opened);
      if (opened.kind === 'file' && location === entry.location) return this.#readAnew(opened, entry);
      if (opened.kind === 'file') storage.disk.close(opened.descriptor);
      // A precompressed sibling was replaced or is gone: the file itself is as good.
      if (location !== entry.location) return this.answer({ ...entry, stored: [], made: undefined, chosen: undefined });
      return opened.kind === 'refused' && opened.status !== 404 ? refusal(opened.status, opened.cause) : NOT_FOUND;
    });
  }

  /** The file has changed since the entry was made: another is made of what is open now, and answered with that. */
  #readAnew(opened: OpenFile, { identity }: FileEntry): Eventually<StaticResponse> {
    const { storage } = this.#context;
    const planned = closing(
      opened,
      storage,
      () =>
        whenReady(readFileEntry(opened, identity.path.split('/'), [], storage), (entry) =>
          whenReady(this.choose({ ...entry, stored: [] }), (chosen) => this.#plan(chosen)),
        ),
      (plan) => 'parts' in plan,
    );
    return whenReady(planned, (plan) => ('parts' in plan ? this.#send(plan, opened) : plan));
  }

  #send(plan: ContentPlan, opened: OpenFile): Eventually<StaticResponse> {
    const response = contentFromDisk(plan, opened, this.#context.storage);
    return isContentGathered(plan, this.#fields) ? gathered(response, this.#fields) : response;
  }
}
