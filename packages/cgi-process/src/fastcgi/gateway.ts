// From a request to an application and back: which script, its content, a place, and then a connection and an answer.

import { CgiError } from '../cgi-error.ts';
import type { CgiRequest, CgiResponse } from '../message.ts';
import { completed } from '../options.ts';
import { allowedMethods, checkHead, slashRedirect } from '../request/refuse.ts';
import { fileFinder } from '../request/find-script.ts';
import type { FindScript, FoundScript } from '../request/find-script.ts';
import { RunQueue } from '../request/run-queue.ts';
import { collectContent, nothing } from '../spool/collect-content.ts';
import type { Collected } from '../spool/collect-content.ts';
import { afterMs } from '../timer.ts';
import { Asking } from './asking.ts';
import type { Job } from './asking.ts';
import { Desk } from './desk.ts';
import { gatewayConcurrencyTable } from './options.ts';
import type { GatewayOptions } from './options.ts';
import type { Protocol } from './request-heads.ts';
import type { GatewayState } from './state.ts';

export class Gateway {
  readonly find: FindScript;
  readonly #options: GatewayOptions;
  readonly #methods: ReadonlySet<string> | undefined;
  readonly #desk: Desk;
  readonly #queue: RunQueue;

  constructor(options: GatewayOptions, protocol: Protocol, prepare?: () => Promise<void>) {
    this.#options = options;
    this.#methods = allowedMethods(options.methods);
    this.find = fileFinder(options);
    this.#desk = new Desk(options, { protocol, methods: this.#methods, prepare });
    this.#queue = new RunQueue(completed(gatewayConcurrencyTable, options.concurrency));
  }

  /** Asks for what a path names. With `isForNow` the answer may be lent. */
  respond(request: CgiRequest, isForNow = false): Promise<CgiResponse> {
    return this.#answered(request, request.pathInfo, isForNow);
  }

  /** Asks the front controller, whatever the path. */
  respondFromFront(request: CgiRequest, isForNow = false): Promise<CgiResponse> {
    return this.#answered(request, `/${this.#options.front}`, isForNow);
  }

  get sharesRoot(): boolean {
    return this.#desk.sharesRoot;
  }

  /** What it is doing now. */
  get state(): GatewayState {
    return { busy: this.#desk.active, queued: this.#queue.waiting, backends: this.#desk.states };
  }

  /** Takes nothing more, and ends what is under way after `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.#queue.close();
    const idle = this.#desk.idle();
    const stop = afterMs(graceMs, () => this.#desk.stop());
    await idle;
    stop();
    this.#desk.stop();
  }

  #answered(request: CgiRequest, path: string, isForNow: boolean): Promise<CgiResponse> {
    try {
      const found = this.find(path);
      if (found.kind === 'missing-slash') return Promise.resolve(slashRedirect(request));
      checkHead(request, this.#methods, this.#desk.limits.maxContentBytes);
      if (request.contentLength === 0) return this.#ask({ request, found, content: nothing, isForNow });
      return this.#askWithContent(request, found, isForNow);
    } catch (error) {
      return this.#refused(error, nothing);
    }
  }

  async #askWithContent(request: CgiRequest, found: FoundScript, isForNow: boolean): Promise<CgiResponse> {
    try {
      return await this.#ask({ request, found, content: await this.#collect(request), isForNow });
    } catch (error) {
      return this.#refused(error, nothing);
    }
  }

  async #collect({ content, contentLength }: CgiRequest): Promise<Collected> {
    const { ahead, limits } = this.#desk;
    return collectContent(content, {
      ...ahead,
      maxBytes: limits.maxContentBytes,
      announced: contentLength,
      whole: contentLength === undefined || this.#options.spool !== 'small',
    });
  }

  #ask(job: Job): Promise<CgiResponse> {
    try {
      const place = this.#queue.enter(job.request);
      if (!(place instanceof Promise)) return Asking.ask(this.#desk, job, place);
      return place.then(
        (release) => Asking.ask(this.#desk, job, release),
        (error: unknown) => this.#refused(error, job.content),
      );
    } catch (error) {
      return this.#refused(error, job.content);
    }
  }

  async #refused(error: unknown, content: Collected): Promise<CgiResponse> {
    content.dispose();
    if (error instanceof CgiError) return this.#desk.refusal(error);
    throw error;
  }
}
