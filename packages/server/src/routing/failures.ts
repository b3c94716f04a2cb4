// The one way out for everything that goes wrong: the hook is asked, then the site's own pages, then the default page.
//
// Whatever the hook or a page does (throws, rejects, hangs, returns nonsense) costs this one answer at most the hook's
// time limit: the default page goes out and the process is warned once for each kind of trouble.

import { requestError, type RequestErrorMessage } from '../diagnostics.ts';
import { firstField, hasField } from '../message/fields.ts';
import type { Field, ResponseMessage } from '../message/message.ts';
import { shown } from '../message/request.ts';
import { discardRefused, isPromiseLike, isResponse } from '../message/content.ts';
import { checkedResponse } from '../message/whole-response.ts';
import type { ErrorHook, Failure } from '../options.ts';
import { timerMs } from '../timer.ts';
import { warnOnce } from '../warn-once.ts';
import { preferredType } from './accept.ts';
import { defaultPage, PAGE_TYPES, type Page, type PageType } from './default-page.ts';
import type { OwnPages } from './error-pages.ts';

export type Fail = (failure: Failure, bare: ResponseMessage) => ResponseMessage | Promise<ResponseMessage>;

export interface FailureOptions {
  readonly hook: ErrorHook | undefined;
  /** Sees every failure and has no say in the answer. */
  readonly report?: ((failure: Failure) => void) | undefined;
  readonly pages: OwnPages | undefined;
  readonly hookTimeoutMs: number;
}

/** Fields of a bare response that its status needs, whoever writes the page (RFC 9110 §11.6.1, §15.5.6, §15.5.17). */
const PROTOCOL_FIELDS = new Set(['allow', 'www-authenticate', 'retry-after', 'content-range']);

/** Makes the function that turns a failure into a whole response. It never throws or rejects. */
export function createFail({ hook, report, pages, hookTimeoutMs }: FailureOptions): Fail {
  return (failure, bare) => {
    if (hook !== undefined || pages !== undefined || report !== undefined || requestError.hasSubscribers) {
      shown(failure.request);
    }
    report?.(failure);
    if (requestError.hasSubscribers) requestError.publish(failure satisfies RequestErrorMessage);
    if (hook === undefined && pages === undefined) return withDefaultPage(failure, bare);
    const asked = hook && guarded('onError', hookTimeoutMs, () => hook(failure));
    return whenSettled(asked, (said) => withOwnPage(failure, answerOf(said, bare), pages, hookTimeoutMs));
  };
}

/** What the hook said in place of the bare response, or that. */
function answerOf(said: unknown, bare: ResponseMessage): ResponseMessage {
  if (said === undefined) return bare;
  const answer = checkedResponse(said);
  if (!(answer instanceof TypeError)) return keepProtocolFields(answer, bare);
  warnOnce('onError', answer);
  return bare;
}

function withOwnPage(
  failure: Failure,
  answer: ResponseMessage,
  pages: OwnPages | undefined,
  timeoutMs: number,
): ResponseMessage | Promise<ResponseMessage> {
  if (answer.content !== undefined || answer.status < 400 || failure.headSent) return answer;
  const status = answer.status === failure.status ? failure : { ...failure, status: answer.status };
  const page = pages && guarded('errorPages', timeoutMs, () => pages(status));
  return whenSettled(page, (own) => {
    if (own === undefined || !isResponse({ ...own, status: 200 })) return withDefaultPage(status, answer);
    return { ...answer, fields: [...withoutRepresentation(answer.fields), ...own.fields], content: own.content };
  });
}

/** Goes on in this turn when the value is there; `guarded` values do not reject. */
function whenSettled<Value, Result>(
  value: Value | Promise<Value>,
  proceed: (value: Value) => Result | Promise<Result>,
): Result | Promise<Result> {
  return value instanceof Promise ? value.then(proceed) : proceed(value);
}

// Answers that repeat by identity get the same page again, so their bytes can be remembered too.
const completed = new WeakMap<ResponseMessage, Map<PageType, ResponseMessage>>();
const pages = new Map<string, Page>();

/** The response with the page that every status has. */
export function withDefaultPage(
  { status, request }: Pick<Failure, 'status' | 'request'>,
  bare: ResponseMessage,
): ResponseMessage {
  // Browsers name HTML; what takes anything is a program, and its user reads its output in a terminal or a log.
  const type =
    request === undefined ? 'text/html' : preferredType(firstField(request.fields, 'accept'), PAGE_TYPES, 'text/plain');
  if (status >= 500 && request !== undefined) return complete(bare, defaultPage(status, type, request.id));
  let known = completed.get(bare);
  if (known === undefined) completed.set(bare, (known = new Map()));
  let response = known.get(type);
  if (response === undefined) known.set(type, (response = complete(bare, rememberedPage(status, type))));
  return response;
}

function rememberedPage(status: number, type: PageType): Page {
  const key = `${status} ${type}`;
  let page = pages.get(key);
  if (page === undefined) pages.set(key, (page = defaultPage(status, type)));
  return page;
}

function complete(bare: ResponseMessage, page: Page): ResponseMessage {
  return { ...bare, fields: [...withoutRepresentation(bare.fields), ...page.fields], content: page.content };
}

function withoutRepresentation(fields: readonly Field[]): readonly Field[] {
  return fields.filter(([name]) => !name.startsWith('content-') || name === 'content-range');
}

function keepProtocolFields(answer: ResponseMessage, bare: ResponseMessage): ResponseMessage {
  if (answer.status !== bare.status) return answer;
  const missing = bare.fields.filter(([name]) => PROTOCOL_FIELDS.has(name) && !hasField(answer.fields, name));
  return missing.length === 0 ? answer : { ...answer, fields: [...answer.fields, ...missing] };
}

/** What `run` gives, at once if it does; undefined, and a warning, when it throws, rejects or takes too long. */
function guarded<Result>(
  name: string,
  timeoutMs: number,
  run: () => Result | Promise<Result>,
): Result | undefined | Promise<Result | undefined> {
  try {
    const given = run();
    return isPromiseLike(given) ? inTime(name, timeoutMs, given) : given;
  } catch (error) {
    warnOnce(name, error);
    return undefined;
  }
}

async function inTime<Result>(
  name: string,
  timeoutMs: number,
  given: PromiseLike<Result>,
): Promise<Result | undefined> {
  let timer: NodeJS.Timeout | undefined;
  try {
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`it took longer than ${timeoutMs} ms`)), timerMs(timeoutMs));
    });
    return await Promise.race([given, late]);
  } catch (error) {
    warnOnce(name, error);
    // What comes too late is nobody's; a page of it may hold a file open.
    void given.then(discardRefused, () => undefined);
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}
