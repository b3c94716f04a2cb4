// `serveStatic`: which step answers a request. Each step is a file of its own; here is only their order.
//
// method → redirect rules → path (names) → remembered or found entry → file, directory or nothing → what the site adds to
// every response. Answers that are known are returned, not promised, so that a server can write them in the same turn of
// the loop.

import { answerDirectory } from './listing/answer-directory.ts';
import { Folders } from './listing/folders.ts';
import { answerFile, type AnswerContext } from './answer-file.ts';
import { StaleEntry } from './files/content-from-disk.ts';
import { preflightFields, withCors } from './site/cors.ts';
import type { Entry, FileEntry, MissingEntry } from './files/entry.ts';
import { withExpires } from './site/expires.ts';
import { FileCache } from './files/file-cache.ts';
import { findEntry } from './files/find-entry.ts';
import { fieldValue } from './http/request-fields.ts';
import { siteLocation } from './site/location.ts';
import type { Field, StaticRequest, StaticResponse } from './message.ts';
import type { StaticOptions } from './options.ts';
import { sitePath } from './files/path.ts';
import { BAD_REQUEST, NOT_FOUND, refusal } from './refusals.ts';
import { withFields } from './files/representation.ts';
import { type Settings, settingsOf } from './options/settings.ts';
import { cleanForm, isNavigation, ruleRedirect } from './site/rules.ts';
import { FileWriter } from './writing/write-file.ts';

/**
 * Answers a request; a known answer is returned, not promised. Rejects only when the content of a PUT does.
 */
export type StaticResponder = (request: StaticRequest) => StaticResponse | Promise<StaticResponse>;

type Answer = StaticResponse | Promise<StaticResponse>;

/** How often a path is looked up anew when its file keeps changing under the request. */
const MAX_LOOKUPS = 4;

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
  const site = new Site(settingsOf(root, options));
  return (request) => site.respond(request);
}

class Site {
  readonly #settings: Settings;
  readonly #cache: FileCache;
  readonly #folders: Folders;
  readonly #writer: FileWriter | undefined;
  readonly #context: AnswerContext;
  readonly #methods: string;
  readonly #pending = new Map<string, Promise<Entry>>();
  readonly #pages = new WeakMap<StaticResponse, { readonly entry: FileEntry; readonly page: StaticResponse }>();
  /** Whether the path is all that a plain GET depends on. */
  readonly #isPlain: boolean;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#cache = new FileCache(settings.maxCacheBytes);
    this.#folders = new Folders(settings);
    this.#writer =
      settings.write === undefined
        ? undefined
        : new FileWriter(settings, settings.write, (pathInfo) => this.#findAfresh(pathInfo));
    this.#context = { settings, onGrown: (path, entry, bytes) => this.#cache.grow(path, entry, bytes) };
    this.#methods = `GET, HEAD, OPTIONS${settings.write === undefined ? '' : ', PUT, DELETE'}`;
    this.#isPlain = settings.cors === undefined && !settings.errorPages && settings.redirects.length === 0;
  }

  respond(request: StaticRequest): Answer {
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (isRead && this.#isPlain && request.version !== '1.0') return this.#read(request);
    const answer = isRead ? (ruleRedirect(request, this.#settings) ?? this.#read(request)) : this.#other(request);
    if (answer instanceof Promise) return answer.then((response) => this.#complete(response, request));
    return this.#complete(answer, request);
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
    const entry = this.#find(request.pathInfo);
    if ('status' in entry) return entry.status === 404 ? nothing : entry;
    if (!(entry instanceof Promise)) return isSomething(entry) ? answer : nothing;
    return entry.then(
      (found) => (isSomething(found) ? answer : nothing),
      (error: unknown) => refusal(500, error),
    );
  }

  #read(request: StaticRequest): Answer {
    const entry = this.#find(request.pathInfo);
    if ('status' in entry) return entry;
    if (!(entry instanceof Promise)) return this.#answer(entry, request, MAX_LOOKUPS);
    return entry.then(
      (found) => this.#answer(found, request, MAX_LOOKUPS),
      (error: unknown) => refusal(500, error),
    );
  }

  /** What is at a path; requests that miss the cache at the same time share one look. */
  #find(pathInfo: string): Entry | Promise<Entry> | StaticResponse {
    const known = this.#cache.get(pathInfo);
    if (known !== undefined) return known;
    const path = sitePath(pathInfo, this.#settings);
    if (path === 400) return BAD_REQUEST;
    if (path === 404) return this.#settings.fallback === undefined ? NOT_FOUND : HIDDEN;
    const pending = this.#pending.get(pathInfo);
    // A look that began earlier may have seen an earlier state; its outcome counts once it is remembered and still true.
    if (pending !== undefined) return pending.then(() => this.#cache.get(pathInfo) ?? findEntry(path, this.#settings));
    const finding = findEntry(path, this.#settings)
      .then((entry) => {
        this.#cache.set(pathInfo, entry);
        return entry;
      })
      .finally(() => this.#pending.delete(pathInfo));
    this.#pending.set(pathInfo, finding);
    return finding;
  }

  /** What is at a path now, whatever was found in this turn of the loop: another process may have changed it since. */
  #findAfresh(pathInfo: string): Promise<Entry | StaticResponse> {
    this.#cache.delete(pathInfo);
    return Promise.resolve(this.#find(pathInfo));
  }

  #answer(entry: Entry, request: StaticRequest, lookups: number): Answer {
    if (entry.kind === 'missing') return this.#answerMissing(entry, request);
    if (entry.kind === 'directory') return answerDirectory(entry, request, this.#settings, this.#folders);
    if (this.#settings.cleanUrls === 'redirect') {
      const clean = cleanForm(request.pathInfo, this.#settings);
      if (clean !== undefined) return this.#redirectIfSame(entry, clean, request, lookups);
    }
    return this.#answerFile(entry, request, lookups);
  }

  #answerFile(entry: FileEntry, request: StaticRequest, lookups: number): Answer {
    const answer = answerFile(entry, request, this.#context);
    if (!(answer instanceof Promise)) return answer;
    return answer.catch((error: unknown) => {
      if (!(error instanceof StaleEntry) || lookups === 0) return refusal(500, error);
      this.#cache.delete(request.pathInfo);
      const again = this.#find(request.pathInfo);
      if ('status' in again) return again;
      return Promise.resolve(again).then((found) => this.#answer(found, request, lookups - 1));
    });
  }

  /** Sends a file's long name to its short one, if that really is the same file. */
  async #redirectIfSame(
    entry: FileEntry,
    clean: { readonly segments: readonly string[]; readonly isDirectory: boolean },
    request: StaticRequest,
    lookups: number,
  ): Promise<StaticResponse> {
    const path = `/${clean.segments.join('/')}${clean.isDirectory && clean.segments.length > 0 ? '/' : ''}`;
    const found = await this.#find(path);
    const location = siteLocation(request.scriptName, clean.segments, { ...clean, query: request.query });
    if ('status' in found || found.kind !== 'file' || found.location !== entry.location || location === undefined) {
      return this.#answerFile(entry, request, lookups);
    }
    return { status: 301, fields: [['location', location]] };
  }

  /** A single-page application's document answers navigations to where nothing is; everything else is missing. */
  #answerMissing({ response }: MissingEntry, request: StaticRequest): Answer {
    const { fallback } = this.#settings;
    if (fallback === undefined || response.status !== 404 || request.pathInfo === fallback) return response;
    if (!isNavigation(request)) return MISSING_BESIDE_FALLBACK;
    const found = this.#find(fallback);
    if ('status' in found) return found;
    return Promise.resolve(found).then(async (entry) => {
      if (entry.kind !== 'file') return response;
      const page = await this.#answerFile(entry, { ...request, pathInfo: fallback }, MAX_LOOKUPS);
      // What is a page now may be a file after the next deployment, so nobody keeps it unasked.
      return { ...page, fields: withFields(page.fields, [['cache-control', 'no-cache'], FALLBACK_VARY]) };
    });
  }

  #complete(response: StaticResponse, request: StaticRequest): Answer {
    if (this.#settings.errorPages && response.status >= 400 && response.content === undefined) {
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
   * The root's `<status>.html` as content; the bare status when there is none or it does not fit the cache. For HEAD too: a
   * status without content would be taken for a bare one.
   */
  #errorPage(response: StaticResponse): Answer {
    const entry = this.#find(`/${response.status}.html`);
    return entry instanceof Promise
      ? entry.then((found) => this.#withPage(response, found))
      : this.#withPage(response, entry);
  }

  /** A bare response with a file as its content: the same object as long as both stay the same. */
  #withPage(response: StaticResponse, entry: Entry | StaticResponse): StaticResponse {
    if ('status' in entry || entry.kind !== 'file' || entry.identity.bytes === undefined) return response;
    const known = this.#pages.get(response);
    if (known?.entry === entry) return known.page;
    const { contentType, bytes } = entry.identity;
    const fields = withFields(response.fields, [
      ['content-type', contentType],
      ['x-content-type-options', 'nosniff'],
    ]);
    const page = { ...response, fields, content: bytes };
    this.#pages.set(response, { entry, page });
    return page;
  }
}

/** Whether there is something at a path, be it closed to this process. */
function isSomething(entry: Entry): boolean {
  return entry.kind !== 'missing' || entry.response.status !== 404;
}

/** Which request fields decide between the fallback page and 404. */
const FALLBACK_VARY: Field = ['vary', 'accept, sec-fetch-mode'];

const MISSING_BESIDE_FALLBACK: StaticResponse = { status: 404, fields: [FALLBACK_VARY] };

/** A path that a policy hides is missing like any other. */
const HIDDEN: MissingEntry = {
  kind: 'missing',
  response: NOT_FOUND,
  absentLocation: undefined,
  hasAlternatives: false,
};
