// A request that a route was asked for, and its answer when that comes later without being promised: told from call to call, it
// costs no promise on the way.

import { isPromiseLike } from '../message/content.ts';
import type { AnswerListener, RequestMessage, ResponseLike, ResponseMessage } from '../message/message.ts';
import type { Route } from '../options.ts';
import type { Found } from './routes.ts';

export type FoundRoute = Extract<Found, { readonly route: Route }>;

/** An answer, now or promised. */
export type Answer = ResponseMessage | Promise<ResponseMessage>;

/** Who waits for a whole answer. */
export interface AnswerTaker {
  answered(response: ResponseMessage): void;
  failed(error: unknown): void;
}

/** How a request came to a route. */
export interface Way {
  readonly redirects: number;
  readonly isForNow: boolean;
  /** What says well that nothing is there, from a route before: the 404.html of files. */
  readonly page: ResponseMessage | undefined;
}

/** Who asked, and makes what a responder said a whole answer. */
interface Asker {
  take(given: ResponseLike, asked: Asked): Answer | Asked;
  broke(asked: Asked, cause: unknown): Answer;
}

/** Whoever has it as an answer has to `hear` it in the same call. */
export class Asked implements AnswerListener {
  readonly #asker: Asker;
  readonly found: FoundRoute;
  readonly request: RequestMessage;
  /** As the route sees it. */
  readonly seen: RequestMessage;
  readonly way: Way;
  #taker: AnswerTaker | undefined;

  constructor(asker: Asker, found: FoundRoute, request: RequestMessage, seen: RequestMessage, way: Way) {
    this.#asker = asker;
    this.found = found;
    this.request = request;
    this.seen = seen;
    this.way = way;
  }

  /** Tells the answer to `taker` when it comes. */
  hear(taker: AnswerTaker): void {
    this.#taker = taker;
  }

  answered(response: ResponseLike): void {
    this.#pass(() => this.#asker.take(response, this));
  }

  failed(error: unknown): void {
    this.#pass(() => this.#asker.broke(this, error));
  }

  #pass(make: () => Answer | Asked): void {
    const taker = this.#taker;
    if (taker === undefined) throw new TypeError('an answer was told before anybody heard');
    let answer: Answer | Asked;
    try {
      answer = make();
    } catch (error) {
      return taker.failed(error);
    }
    tell(taker, answer);
  }
}

/** Tells an answer to who waits for it, now or when it comes. */
export function tell(taker: AnswerTaker, answer: Answer | Asked): void {
  if (answer instanceof Asked) answer.hear(taker);
  else if (isPromiseLike(answer))
    void answer.then(
      (settled) => taker.answered(settled),
      (error: unknown) => taker.failed(error),
    );
  else taker.answered(answer);
}

/** An answer as a promise, for who waits in that way already. */
export function promised(answer: Answer | Asked): Answer {
  if (!(answer instanceof Asked)) return answer;
  return new Promise((answered, failed) => answer.hear({ answered, failed }));
}
