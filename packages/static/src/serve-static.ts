// `serveStatic`: which step answers a request. Each step is a file of its own; here is only their order.
//
// method → path (names) → remembered or found entry → file, directory or nothing. Answers that are known are returned, not
// promised, so that a server can write them in the same turn of the loop.

import { answerFile, type AnswerContext, StaleEntry } from './answer-file.ts';
import type { Entry } from './entry.ts';
import { FileCache } from './file-cache.ts';
import { findEntry } from './find-entry.ts';
import { siteLocation } from './location.ts';
import type { Field, StaticRequest, StaticResponse } from './message.ts';
import type { StaticOptions } from './options.ts';
import { sitePath } from './path.ts';
import { BAD_REQUEST, NOT_FOUND, refusal } from './refusals.ts';
import { type Settings, settingsOf } from './settings.ts';

/** Answers a request; a known answer is returned, not promised. Never rejects for what a client sends. */
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
  const settings = settingsOf(root, options);
  const site = new Site(settings);
  return (request) => site.respond(request);
}

class Site {
  readonly #settings: Settings;
  readonly #cache: FileCache;
  readonly #pending = new Map<string, Promise<Entry>>();
  readonly #context: AnswerContext;
  readonly #allow: readonly Field[];

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#cache = new FileCache(settings.maxCacheBytes);
    this.#context = { settings, onGrown: (path, entry, bytes) => this.#cache.grow(path, entry, bytes) };
    this.#allow = [['allow', 'GET, HEAD, OPTIONS']];
  }

  respond(request: StaticRequest): Answer {
    const { method } = request;
    if (method === 'GET' || method === 'HEAD') return this.#read(request, MAX_LOOKUPS);
    if (method === 'OPTIONS') return { status: 204, fields: this.#allow };
    return refusal(405, undefined, this.#allow);
  }

  #read(request: StaticRequest, lookups: number): Answer {
    const known = this.#cache.get(request.pathInfo);
    if (known !== undefined) return this.#answer(known, request, lookups);
    const path = sitePath(request.pathInfo, this.#settings);
    if (path === 400) return BAD_REQUEST;
    if (path === 404) return NOT_FOUND;
    let finding = this.#pending.get(request.pathInfo);
    if (finding === undefined) {
      finding = findEntry(path, this.#settings);
      this.#pending.set(request.pathInfo, finding);
      const settle = (entry?: Entry): void => {
        this.#pending.delete(request.pathInfo);
        if (entry !== undefined) this.#cache.set(request.pathInfo, entry);
      };
      finding.then(settle, () => settle());
    }
    return finding.then(
      (entry) => this.#answer(entry, request, lookups),
      (error: unknown) => refusal(500, error),
    );
  }

  #answer(entry: Entry, request: StaticRequest, lookups: number): Answer {
    if (entry.kind === 'missing') return entry.response;
    if (entry.kind === 'directory') return this.#answerDirectory(entry.segments, request);
    const answer = answerFile(entry, request, this.#context);
    if (!(answer instanceof Promise)) return answer;
    return answer.catch((error: unknown) => {
      if (!(error instanceof StaleEntry) || lookups === 0) return refusal(500, error);
      this.#cache.delete(request.pathInfo);
      return this.#read(request, lookups - 1);
    });
  }

  #answerDirectory(segments: readonly string[], { scriptName, query }: StaticRequest): Answer {
    const location = siteLocation(scriptName, segments, { isDirectory: true, query });
    if (location === undefined) return NOT_FOUND;
    return { status: 301, fields: [['location', location]] };
  }
}
