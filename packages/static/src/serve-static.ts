// `serveStatic`: which step answers a request. Each step is a file of its own; here is only their order.
//
// method → redirect rules → path (names) → remembered or found entry → file, directory or nothing → what the site adds to
// every response. Answers that are known are returned, not promised, so that a server can write them in the same turn of
// the loop.

import { Absences } from './files/absences.ts';
import { checkMessage } from './adapters/callers.ts';
import { answerFile, lentAnswer, lentKnownPage } from './answer-file.ts';
import type { AnswerContext } from './files/choose-representation.ts';
import { preflightFields, withCors } from './site/cors.ts';
import type { Disk } from './files/disk.ts';
import type { DirectoryEntry, Entry, FileEntry, MissingEntry } from './files/entry.ts';
import { type Eventually, orElse, whenReady } from './files/eventually.ts';
import { withExpires } from './site/expires.ts';
import { FileCache } from './files/file-cache.ts';
import { findEntry, MISSING } from './files/find-entry.ts';
import { borrowing } from './files/lent-buffers.ts';
import { forgetTurn } from './files/loop-turn.ts';
import { fieldValue, selectionFields } from './http/request-fields.ts';
import { isDigestWanted, learnDigest, withDigests } from './files/known-digests.ts';
import { redirectLocation } from './site/location.ts';
import { answerMissing } from './site/missing.ts';
import type { Field, StaticRequest, StaticResponse } from './message.ts';
import type { StaticOptions } from './options.ts';
import { sitePath } from './files/path.ts';
import { withSiblings } from './files/read-file.ts';
import { makeStorage, type Storage } from './files/storage.ts';
import { BAD_REQUEST, NOT_FOUND, refusal } from './refusals.ts';
import { withFields } from './files/representation.ts';
import { type Settings, settingsOf } from './options/settings.ts';
import { cleanForm, ruleRedirect } from './site/rules.ts';
import { FileWriter } from './writing/write-file.ts';

/**
 * Answers a request; a known answer is returned, not promised. Rejects only when the content of a PUT does.
 */
export interface StaticResponder {
  (request: StaticRequest): StaticResponse | Promise<StaticResponse>;
  /**
   * The same answer for a caller that sends or copies it at once: when it is there at once, and only then, its content may be lent
   * (`isLent`), valid until the responder is asked again or the loop turns.
   */
  readonly lend?: (request: StaticRequest) => StaticResponse | Promise<StaticResponse>;
}

type Answer = Eventually<StaticResponse>;

/**
 * Makes a responder for the files below `root`, or for one file.
 *
 * Throws a TypeError that names the option when `root` does not exist or an option is wrong.
 *
 * @example
 * const respond = serveStatic('./public', { maxAgeSeconds: 3600 });
 * const response = await respond({ method: 'GET', pathInfo: '/a.txt', fields: [] });
 */
export function serveStatic(root: string, options: StaticOptions = {}): StaticResponder {
  return responderFor(settingsOf(root, options));
}

/** The same for settings and a disk, which tests choose. */
export function responderFor(settings: Settings, disk?: Disk): StaticResponder {
  const site = new Site(settings, makeStorage(settings, disk));
  const respond: StaticResponder = (request) => {
    checkMessage(request);
    return site.respond(request);
  };
  // Not enumerable: assigned to a function that wraps the responder, it would be a way around that.
  return Object.defineProperty(respond, 'lend', { value: (request: StaticRequest) => site.lend(request) });
}

class Site {
  readonly #settings: Settings;
  readonly #storage: Storage;
  readonly #cache: FileCache;
  /** What lists directories, once it is loaded. */
  #lists: ((segments: readonly string[], request: StaticRequest) => Answer) | undefined;
  readonly #writer: FileWriter | undefined;
  readonly #context: AnswerContext;
  readonly #methods: string;
  readonly #pending = new Map<string, Promise<Entry>>();
  readonly #absences = new Absences();
  readonly #pages = new WeakMap<StaticResponse, { readonly entry: FileEntry; readonly page: StaticResponse }>();
  /** Whether the path is all that a plain GET depends on. */
  readonly #isPlain: boolean;

  constructor(settings: Settings, storage: Storage) {
    this.#settings = settings;
    this.#storage = storage;
    this.#cache = new FileCache(storage);
    this.#writer =
      settings.write === undefined
        ? undefined
        : new FileWriter(settings, settings.write, (request) => this.#findAfresh(request));
    this.#context = { storage, onGrown: (path, entry, bytes) => this.#cache.grow(path, entry, bytes) };
    this.#methods = `GET, HEAD, OPTIONS${settings.write === undefined ? '' : ', PUT, DELETE'}`;
    this.#isPlain = settings.cors === undefined && !settings.statusPages && settings.redirects.length === 0;
  }

  respond(request: StaticRequest): Answer {
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (isRead && this.#isPlain && request.version !== '1.0') return this.#read(request);
    const answer = isRead ? (ruleRedirect(request, this.#settings) ?? this.#read(request)) : this.#other(request);
    if (answer instanceof Promise) return answer.then((response) => this.#complete(response, request));
    return this.#complete(answer, request);
  }

  /** Answers for a caller that is done with the answer at once. */
  lend(request: StaticRequest): Answer {
    this.#cache.isLending = true;
    try {
      return borrowing(() => this.respond(request), isLent);
    } finally {
      this.#cache.isLending = false;
    }
  }

  #other(request: StaticRequest): Answer {
    const allow: Field = ['allow', this.#methods];
    if (request.method === 'OPTIONS') return this.#options(request, allow);
    const isWrite = request.method === 'PUT' || request.method === 'DELETE';
    return isWrite && this.#writer !== undefined ? this.#writer.respond(request) : refusal(405, undefined, [allow]);
  }

  /**
   * Which methods a path takes; where nothing is, 404, so that others may say what they take. A preflight gets no 404, with
   * which a browser would hide the 404 of the request itself, nor does OPTIONS where a PUT would create something: such an
   * answer says that it stands for nothing.
   */
  #options(request: StaticRequest, allow: Field): Answer {
    const { cors } = this.#settings;
    const wanted = fieldValue(request.fields, 'access-control-request-method');
    const preflight = cors === undefined ? [] : preflightFields(request, cors, this.#methods);
    const answer = { status: 204, fields: [allow, ...preflight] };
    const isKnown = wanted === undefined ? this.#writer !== undefined : cors !== undefined;
    const nothing = isKnown ? { ...answer, isNothing: true } : NOT_FOUND;
    // Another handler gets the methods that are none of ours, and so the preflights for them.
    if (wanted !== undefined && !this.#methods.split(', ').includes(wanted)) return nothing;
    if (this.#writer !== undefined && (wanted === 'PUT' || wanted === 'DELETE')) return answer;
    if (ruleRedirect(request, this.#settings) !== undefined) return answer;
    return this.#withEntry(request.pathInfo, (entry) => {
      if (entry === BAD_PATH) return BAD_REQUEST;
      return isSomething(entry) ? answer : nothing;
    });
  }

  #read(request: StaticRequest): Answer {
    const wantsSiblings = this.#wantsSiblings(request);
    const isStranger = this.#cache.isLending && !this.#cache.has(request.pathInfo);
    const page = isStranger ? lentKnownPage(request, this.#storage, this.#cache) : undefined;
    return page ?? this.#withEntry(request.pathInfo, (entry) => this.#answer(entry, request), wantsSiblings);
  }

  /** Only for a client that takes codings do precompressed siblings make a difference. */
  #wantsSiblings({ fields }: StaticRequest): boolean {
    return this.#settings.precompressed && fields.some(isAcceptEncoding);
  }

  /** Answers with what is at a path; what fails on the way is a 500. */
  #withEntry(pathInfo: string, answer: (entry: Entry) => Answer, wantsSiblings = false): Answer {
    return orElse(
      () => whenReady(this.#find(pathInfo, wantsSiblings), answer),
      (error) => refusal(500, error),
    );
  }

  /** What is at a path, with its precompressed siblings where they are wanted. */
  #find(pathInfo: string, wantsSiblings = false): Eventually<Entry> {
    return whenReady(this.#cache.get(pathInfo), (known) => {
      const found = known ?? this.#look(pathInfo, wantsSiblings);
      return wantsSiblings ? whenReady(found, (entry) => this.#widened(entry, pathInfo)) : found;
    });
  }

  #widened(entry: Entry, pathInfo: string): Eventually<Entry> {
    if (entry.kind !== 'file' || entry.hasSiblingsRead) return entry;
    return whenReady(withSiblings(entry, this.#storage), (wide) => {
      this.#cache.set(pathInfo, wide);
      return wide;
    });
  }

  /** Requests that have to wait for the same look share it. */
  #look(pathInfo: string, wantsSiblings: boolean): Eventually<Entry> {
    if (this.#absences.has(pathInfo)) return MISSING;
    const path = sitePath(pathInfo, this.#settings);
    if (path === 400) return BAD_PATH;
    if (path === 404) return MISSING;
    const pending = this.#pending.get(pathInfo);
    // A look that began earlier may have seen an earlier state; its outcome counts once it is remembered and still true.
    if (pending !== undefined) {
      return pending.then(() => this.#cache.get(pathInfo)).then((known) => known ?? findEntry(path, this.#storage));
    }
    const finding = whenReady(findEntry(path, this.#storage), (entry) => {
      // What siblings will be added to is remembered with them.
      if (entry.kind === 'file' && (entry.hasSiblingsRead || !wantsSiblings)) this.#cache.set(pathInfo, entry);
      return entry;
    });
    if (finding === MISSING) this.#absences.add(pathInfo);
    if (!(finding instanceof Promise)) return finding;
    const shared = finding.finally(() => this.#pending.delete(pathInfo));
    this.#pending.set(pathInfo, shared);
    return shared;
  }

  /** What is at a path now, whatever was found in this turn of the loop: another process may have changed it since. */
  async #findAfresh({ pathInfo, fields }: StaticRequest): Promise<Entry> {
    forgetTurn();
    this.#cache.delete(pathInfo);
    // The tag may be that of a precompressed sibling.
    const entry = await this.#find(pathInfo, this.#settings.precompressed);
    if (entry.kind !== 'file') return entry;
    // A condition may name the content of a large file that nobody has hashed since the start.
    if (isDigestWanted(entry, selectionFields(fields) ?? {}, this.#storage)) await learnDigest(entry, this.#storage);
    return withDigests(entry, this.#storage);
  }

  #answer(entry: Entry, request: StaticRequest): Answer {
    if (entry.kind === 'missing') {
      const find = (path: string): Eventually<Entry> => this.#find(path, this.#wantsSiblings(request));
      return answerMissing(entry, request, { settings: this.#settings, context: this.#context, find });
    }
    if (entry.kind === 'directory') return this.#answerDirectory(entry, request);
    if (this.#settings.cleanUrls === 'redirect') {
      const clean = cleanForm(request.pathInfo, this.#settings);
      if (clean !== undefined) return this.#redirectIfSame(entry, clean, request);
    }
    const lent = this.#cache.isLending ? lentAnswer(entry, request, this.#context) : undefined;
    return lent ?? answerFile(entry, request, this.#context);
  }

  /** Relative links need the slash, so a listing is only ever behind one. */
  #answerDirectory({ segments, isAskedAsDirectory }: DirectoryEntry, request: StaticRequest): Answer {
    if (isAskedAsDirectory) return this.#lists?.(segments, request) ?? this.#loadLists(segments, request);
    if (!this.#settings.directoryRedirect) return NOT_FOUND;
    const location = redirectLocation(request, segments, true);
    return location === undefined ? NOT_FOUND : { status: 301, fields: [['location', location]] };
  }

  /** The first listing waits for its code, a fourth of the package, which a site with index files never needs. */
  async #loadLists(segments: readonly string[], request: StaticRequest): Promise<StaticResponse> {
    const { answerDirectory, makeFolders } = await import('./listing/answer-directory.ts');
    // Who asked meanwhile has loaded it too; what is known of folders is known once.
    if (this.#lists === undefined) {
      const folders = makeFolders(this.#settings);
      this.#lists = (path, asked) => answerDirectory(path, asked, this.#storage, folders);
    }
    return this.#lists(segments, request);
  }

  /** Sends a file's long name to its short one, if that really is the same file. */
  async #redirectIfSame(
    entry: FileEntry,
    clean: { readonly segments: readonly string[]; readonly isDirectory: boolean },
    request: StaticRequest,
  ): Promise<StaticResponse> {
    const path = `/${clean.segments.join('/')}${clean.isDirectory && clean.segments.length > 0 ? '/' : ''}`;
    const found = await this.#find(path);
    const location = redirectLocation(request, clean.segments, clean.isDirectory);
    if (found.kind !== 'file' || found.location !== entry.location || location === undefined) {
      return answerFile(entry, request, this.#context);
    }
    return { status: 301, fields: [['location', location]] };
  }

  #complete(response: StaticResponse, request: StaticRequest): Answer {
    if (this.#settings.statusPages && response.status >= 400 && response.content === undefined) {
      const page = this.#errorPage(response);
      if (page instanceof Promise) return page.then((whole) => this.#finish(whole, request));
      return this.#finish(page, request);
    }
    return this.#finish(response, request);
  }

  #finish(response: StaticResponse, request: StaticRequest): StaticResponse {
    const { cors } = this.#settings;
    const shared = cors === undefined ? response : withCors(response, request, cors);
    return request.version === '1.0' ? withExpires(shared) : shared;
  }

  /**
   * The root's `<status>.html` as content; the bare status when there is none, or it cannot be read or does not fit the cache. For HEAD too: a
   * status without content would be taken for a bare one.
   */
  #errorPage(response: StaticResponse): Answer {
    const answer = (): Answer =>
      whenReady(this.#find(`/${response.status}.html`), (entry) => this.#withPage(response, entry));
    return orElse(answer, () => response);
  }

  /** A bare response with a file as its content: the same object as long as both stay the same. */
  #withPage(response: StaticResponse, entry: Entry): StaticResponse {
    if (entry.kind !== 'file' || entry.identity.bytes === undefined) return response;
    const known = this.#pages.get(response);
    if (known?.entry === entry) return known.page;
    const { contentType, bytes } = entry.identity;
    const fields = withFields(response.fields, [
      ['content-type', contentType],
      ['x-content-type-options', 'nosniff'],
    ]);
    const isNothing = response.status === 404 || response.status === 405;
    const page = { ...response, fields, content: bytes, ...(isNothing && { isNothing }) };
    this.#pages.set(response, { entry, page });
    return page;
  }
}

function isLent(answer: Answer): boolean {
  return 'isLent' in answer && answer.isLent === true;
}

function isAcceptEncoding([name]: Field): boolean {
  return name === 'accept-encoding';
}

/** Whether there is something at a path, be it closed to this process. */
function isSomething(entry: Entry): boolean {
  return entry.kind !== 'missing' || entry.response.status !== 404;
}

const BAD_PATH: MissingEntry = { kind: 'missing', response: BAD_REQUEST };
