// What a server answers, apart from any socket: a request goes in, a whole response comes out, whatever happens.
//
// The steps, in order: is the host ours; does a rule ask for a name and password; is the method known and its content
// right; which route; the responder. Everything that fails on the way joins in `fail`. An answer that a responder has at
// once comes back at once.

import type { Field, RequestMessage, ResponseLike, ResponseMessage } from '../message/message.ts';
import { discard, isPromiseLike } from '../message/content.ts';
import { failureStatus } from '../message/failure-status.ts';
import { checkedResponse } from '../message/whole-response.ts';
import { REFUSED_METHODS, type MethodRegistry } from '../methods.ts';
import type { ApplicationState, Closable, Explanation, Failure, Question, Route } from '../options.ts';
import { authenticated, changed, shown } from '../message/request.ts';
import { warnOnce } from '../warn-once.ts';
import { type Answer, Asked, type FoundRoute, promised, type Way } from './asked.ts';
import type { Authentication, Verdict } from './basic-auth.ts';
import { explain } from './explain.ts';
import { withDefaultPage, type Fail } from './failures.ts';
import { hostOf } from './host.ts';
import type { LocalHosts } from './local-hosts.ts';
import { MAX_LOCAL_REDIRECTS, redirected } from './local-redirect.ts';
import type { Router } from './routes.ts';

/** Answers are whole: bare statuses are completed, local redirects followed, failures turned into responses. */
export interface Site {
  /**
   * `redirects` counts the local redirects that led here. With `isForNow`, an answer that is there at once may be lent: the caller
   * has to be done with it, or to have copied it, before it asks again; or it comes later, and has to be heard.
   */
  respond(request: RequestMessage, redirects?: number, isForNow?: false): Answer;
  respond(request: RequestMessage, redirects: number, isForNow: boolean): Answer | Asked;
  /** The response to what went wrong outside of any responder; `fields` are those the status needs. */
  fail(failure: Omit<Failure, 'headSent'> & { readonly headSent?: boolean }, fields?: readonly Field[]): Answer;
  /** The same with the default page, whatever the site has of its own: for when that broke. */
  failPlainly(failure: Omit<Failure, 'headSent'>): ResponseMessage;
  explain(question: Question): Explanation;
  /** A folder that whoever connects may change: then only this machine may connect. */
  readonly openFolder: string | undefined;
  /** Resolves when all responders are ready. Rejects with what the first that is not has to say. */
  ready(): Promise<void>;
  /** What the applications in processes of their own are doing. */
  applications(): readonly ApplicationState[];
  /** Tells every responder that a stop has begun. */
  drain(): void;
  /** Closes the responders, each once. Rejects with what they reject with. */
  close(): Promise<void>;
}

export interface SiteParts {
  readonly router: Router;
  /** The route that somebody has given, of one that the router names. */
  readonly givenRoute: (route: Route) => Route;
  readonly registry: MethodRegistry;
  readonly authentication: Authentication;
  /** Whether a host is ours; undefined when all are. */
  readonly hosts: ((host: string) => boolean) | undefined;
  readonly localHosts: LocalHosts | undefined;
  readonly fail: Fail;
  readonly closables: readonly Closable[];
  readonly applications: () => readonly ApplicationState[];
  readonly openFolder: string | undefined;
}

export function createSite(parts: SiteParts): Site {
  return new PartedSite(parts);
}

const LET_IN =
  'allow it with hosts, or trust the proxy that passes it on with trustedProxies (--hosts, --trusted-proxy)';

class PartedSite implements Site {
  readonly #parts: SiteParts;
  readonly openFolder: string | undefined;

  constructor(parts: SiteParts) {
    this.#parts = parts;
    this.openFolder = parts.openFolder;
  }

  respond(request: RequestMessage, redirects?: number, isForNow?: false): Answer;
  respond(request: RequestMessage, redirects?: number, isForNow?: boolean): Answer | Asked;
  respond(request: RequestMessage, redirects = 0, isForNow = false): Answer | Asked {
    const { hosts, localHosts, authentication } = this.#parts;
    if (hosts !== undefined && !isOurs(hosts, request.authority)) {
      return this.fail({ status: 421, cause: undefined, source: 'routing', request });
    }
    const { authority } = request;
    if (localHosts !== undefined && authority !== undefined && !localHosts(authority, request.local.address)) {
      warnOnce('hosts', new Error(`${authority} gets 421, because only names of this machine are answered; ${LET_IN}`));
      return this.fail({ status: 421, cause: undefined, source: 'routing', request });
    }
    try {
      const verdict = authentication.check(request);
      if (!isPromiseLike(verdict)) return this.#admit(request, verdict, redirects, isForNow);
      return Promise.resolve(verdict).then(
        (found) => promised(this.#admit(request, found, redirects, false)),
        (cause: unknown) => this.fail({ status: 500, cause, source: 'auth', request }),
      );
    } catch (cause) {
      return this.fail({ status: 500, cause, source: 'auth', request });
    }
  }

  #admit(request: RequestMessage, verdict: Verdict, redirects: number, isForNow: boolean): Answer | Asked {
    switch (verdict.outcome) {
      case 'open':
        return this.#route(request, redirects, isForNow);
      case 'allowed':
        return this.#route(authenticated(request, verdict.user), redirects, isForNow);
      case 'refused':
        return this.fail({ status: 401, cause: undefined, source: 'auth', request }, [verdict.challenge]);
      default:
        return this.fail({ status: 503, cause: undefined, source: 'auth', request }, [['retry-after', '2']]);
    }
  }

  #route(request: RequestMessage, redirects: number, isForNow: boolean): Answer | Asked {
    const refused = this.#refuseMethod(request);
    if (refused !== undefined) return refused;
    const found = this.#parts.router(request);
    if ('route' in found) return this.#ask(found, request, { redirects, isForNow, page: undefined });
    if (found.status === 404) return this.fail({ status: 404, cause: undefined, source: 'routing', request });
    const allow: Field = ['allow', allowed(found.allow)];
    if (request.method === 'OPTIONS') return { status: 204, fields: [allow] };
    return this.fail({ status: 405, cause: undefined, source: 'routing', request }, [allow]);
  }

  /** 501, 405, 400 and 411 as the method alone decides them, and the answer to `OPTIONS *`. */
  #refuseMethod(request: RequestMessage): Answer | undefined {
    const { registry } = this.#parts;
    const method = registry.get(request.method);
    if (method === undefined) {
      if (!REFUSED_METHODS.has(request.method)) return this.#refuse(request, 501);
      return this.#refuse(request, 405, [['allow', allowed(registry.common)]]);
    }
    if (request.target === '*') return { status: 204, fields: [['allow', allowed(registry.common)]] };
    if (method.content === 'none' && request.contentLength !== 0) return this.#refuse(request, 400);
    if (method.content === 'required' && !hasFraming(request)) return this.#refuse(request, 411);
    // RFC 1945 §8.3: a POST of HTTP/1.0 must say how long it is.
    if (request.version === '1.0' && request.method === 'POST' && !hasFraming(request))
      return this.#refuse(request, 400);
    return undefined;
  }

  #refuse(request: RequestMessage, status: number, fields: readonly Field[] = []): Answer {
    return this.fail({ status, cause: undefined, source: 'routing', request }, fields);
  }

  #ask(found: FoundRoute, request: RequestMessage, way: Way): Answer | Asked {
    const { route, scriptName, pathInfo } = found;
    const seen = scriptName === '' ? request : changed(request, { scriptName, pathInfo });
    const asked = new Asked(this, found, request, seen, way);
    try {
      const { lend } = route.responder;
      const isLending = way.isForNow && lend !== undefined;
      const answer = isLending ? lend(seen, asked) : route.responder(shown(seen));
      if (answer === undefined && isLending) return asked;
      if (!isPromiseLike(answer)) return this.take(answer, asked);
      return Promise.resolve(answer).then(
        (settled) => promised(this.take(settled, asked)),
        (cause: unknown) => this.broke(asked, cause),
      );
    } catch (cause) {
      return this.broke(asked, cause);
    }
  }

  /** The answer, unless it is nothing and another route may have something. */
  take(given: ResponseLike | undefined, { found, request, seen, way }: Asked): Answer | Asked {
    const answer = checkedResponse(given);
    const isMistake = answer instanceof TypeError;
    const isNothing = !isMistake && hasNothing(answer);
    const isPageBest = isNothing && answer.content === undefined;
    if (!isPageBest) discard(way.page?.content);
    if (isMistake)
      return this.fail({ status: 500, cause: blamed(answer, found.route), source: 'responder', request: seen });
    if (!isNothing) return this.#whole(answer, seen, way.redirects);
    const best = isPageBest ? way.page : answer;
    if (found.route.fallThrough === true) {
      const next = this.#parts.router(request, found.next);
      if ('route' in next) return this.#ask(next, request, { ...way, page: best });
    }
    return this.#whole(best ?? answer, seen, way.redirects);
  }

  broke({ seen, way }: Asked, cause: unknown): Answer {
    discard(way.page?.content);
    const reason = cause ?? new Error(`the responder threw ${String(cause)}`);
    return this.fail({ status: failureStatus(cause), cause: reason, source: 'responder', request: seen });
  }

  #whole(answer: ResponseMessage, request: RequestMessage, redirects: number): Answer {
    if (answer.localRedirect !== undefined) return this.#redirect(answer, request, redirects);
    if (answer.status < 400 || answer.content !== undefined || answer.nonParsed === true) return answer;
    const { status, cause } = answer;
    return this.#parts.fail({ status, cause, source: 'responder', request, headSent: false }, answer);
  }

  #redirect(answer: ResponseMessage, request: RequestMessage, redirects: number): Answer {
    discard(answer.content);
    const next = redirected(request, answer.localRedirect ?? '');
    if (next !== undefined && redirects < MAX_LOCAL_REDIRECTS) return this.respond(next, redirects + 1);
    const why = next === undefined ? 'is not a valid path' : `came after ${MAX_LOCAL_REDIRECTS} others`;
    const cause = new Error(`the local redirect to ${answer.localRedirect} ${why}`);
    return this.fail({ status: next === undefined ? 502 : 508, cause, source: 'responder', request });
  }

  fail(failure: Omit<Failure, 'headSent'>, fields: readonly Field[] = []): Answer {
    const { status, cause } = failure;
    const bare = fields.length === 0 && cause === undefined ? bareStatus(status) : { status, fields, cause };
    return this.#parts.fail({ headSent: false, ...failure }, bare);
  }

  failPlainly(failure: Omit<Failure, 'headSent'>): ResponseMessage {
    return withDefaultPage(failure, bareStatus(failure.status));
  }

  explain(question: Question): Explanation {
    return explain(this.#parts, question);
  }

  async ready(): Promise<void> {
    await Promise.all([...new Set(this.#parts.closables)].map(async (closable) => closable.ready?.()));
  }

  applications(): readonly ApplicationState[] {
    return this.#parts.applications();
  }

  drain(): void {
    for (const closable of new Set(this.#parts.closables)) closable.drain?.();
  }

  async close(): Promise<void> {
    await Promise.all([...new Set(this.#parts.closables)].map(async (closable) => closable.close?.()));
  }
}

const bareStatuses = new Map<number, ResponseMessage>();

/** One object for each status, so that what is made of it can be remembered. */
function bareStatus(status: number): ResponseMessage {
  let bare = bareStatuses.get(status);
  if (bare === undefined) bareStatuses.set(status, (bare = { status, fields: [] }));
  return bare;
}

/** Whether a route that may fall through has nothing for a request, so that the next one is asked. */
export function hasNothing(answer: ResponseMessage): boolean {
  if (answer.isNothing !== undefined) return answer.isNothing;
  return (answer.status === 404 || answer.status === 405) && answer.content === undefined;
}

/** A mistake of a responder, with the place of it. */
function blamed({ message }: TypeError, { name, path = '/' }: Route): TypeError {
  return new TypeError(`the responder of ${name ?? `the route ${path}`}: ${message}`);
}

function isOurs(hosts: (host: string) => boolean, authority: string | undefined): boolean {
  return authority === undefined || hosts(hostOf(authority));
}

function hasFraming({ contentLength, fields }: RequestMessage): boolean {
  return contentLength === undefined || contentLength > 0 || fields.some(([name]) => name === 'content-length');
}

function allowed(methods: Iterable<string>): string {
  return [...new Set([...methods, 'OPTIONS'])].join(', ');
}
