// Live reload: pages get a script that waits for an event, and files that change send one. Off unless asked for.
//
// Changes gather for a moment, so that a build that writes a thousand files is one reload. When only style sheets changed, they
// are exchanged in the page as it stands.

import { randomBytes } from 'node:crypto';
import { extname } from 'node:path';
import { isPromiseLike } from '../message/content.ts';
import type { Field, RequestMessage, ResponseMessage } from '../message/message.ts';
import type { Route } from '../options.ts';
import type { Site } from '../routing/site.ts';
import { warnOnce } from '../warn-once.ts';
import { forWholePage, isNavigation, withScript } from './inject.ts';
import { LIVE_SCRIPT } from './script.ts';
import { Subscription } from './subscription.ts';
import { TreeWatcher } from './watch-tree.ts';

/** Where the script and its events are, below the base path. */
const FOLDER = '/.onezero';

// An editor writes a file in a few milliseconds, in several steps; where several files change, more may follow.
const QUIET_MS = 20;
const SEVERAL_QUIET_MS = 40;

// More changes than an editor makes are those of a build, which pauses between its steps.
const EDITED = 6;
const BUILT_QUIET_MS = 250;

// What goes on changing is shown all the same.
const MAX_BURST_MS = 3000;

const FIELDS: readonly Field[] = [['cache-control', 'no-store']];

/** Live reload of one generation of options. */
export class Live {
  readonly #directories: readonly string[];
  readonly #base: string;
  readonly #subscriptions = new Set<Subscription>();
  readonly #boot = randomBytes(4).toString('hex');
  #count = 0;
  #watcher: TreeWatcher | undefined;
  #watching: Promise<void> | undefined;
  #onlyStyles = true;
  #burstBegan = 0;
  #burst = 0;
  /** The first path of a burst, and whether others have changed as well. */
  #path: string | undefined;
  #areSeveral = false;
  #timer: NodeJS.Timeout | undefined;

  /** `directories` are watched from the first page on; `base` is the path that all of the site is below. */
  constructor(directories: readonly string[], base = '') {
    this.#directories = directories;
    this.#base = base;
  }

  /** Where the script and the events are served. */
  get routes(): readonly Route[] {
    const methods = ['GET'];
    const path = `${this.#base}${FOLDER}`;
    const events = Object.assign(async () => this.#events(), {
      drain: () => this.#drain(),
      close: () => this.#close(),
    });
    return [
      { name: 'the script of live reload', path: `${path}/live.js`, methods, responder: () => SCRIPT },
      { name: 'the events of live reload', path: `${path}/live-events`, methods, responder: events },
    ];
  }

  /** The site, with the script in its pages; the same object. */
  around(site: Site): Site {
    const respond = site.respond.bind(site);
    // What a local redirect leads to is answered inside, and gets its script with the whole.
    return Object.assign(site, {
      respond: (request: RequestMessage, redirects = 0) =>
        redirects === 0 && isNavigation(request) ? this.#respond(respond, request) : respond(request, redirects),
    });
  }

  #respond(respond: Site['respond'], request: RequestMessage): ReturnType<Site['respond']> {
    void this.#watch();
    const source = `${this.#base}${FOLDER}/live.js?v=${this.#version}`;
    const answer = respond(forWholePage(request));
    if (!isPromiseLike(answer)) return withScript(answer, source);
    return answer.then((response) => withScript(response, source));
  }

  get #version(): string {
    return `${this.#boot}.${this.#count}`;
  }

  async #events(): Promise<ResponseMessage> {
    await this.#watch();
    const subscription = new Subscription(() => this.#subscriptions.delete(subscription));
    this.#subscriptions.add(subscription);
    subscription.send('version', this.#version);
    return { status: 200, fields: [...FIELDS, ['content-type', 'text/event-stream']], content: subscription };
  }

  #watch(): Promise<void> {
    this.#watching ??= this.#startWatching();
    return this.#watching;
  }

  async #startWatching(): Promise<void> {
    this.#watcher = new TreeWatcher({
      changed: (path) => this.#changed(path),
      failed: (error) => warnOnce('live reload', error),
    });
    for (const directory of this.#directories) await this.#watcher.add(directory);
  }

  #changed(path: string): void {
    const now = performance.now();
    if (this.#timer === undefined) this.#burstBegan = now;
    clearTimeout(this.#timer);
    this.#onlyStyles &&= extname(path).toLowerCase() === '.css';
    this.#burst += 1;
    this.#path ??= path;
    this.#areSeveral ||= this.#path !== path;
    const edited = this.#areSeveral ? SEVERAL_QUIET_MS : QUIET_MS;
    const quiet = this.#burst > EDITED ? BUILT_QUIET_MS : edited;
    const wait = Math.min(quiet, Math.max(0, this.#burstBegan + MAX_BURST_MS - now));
    this.#timer = setTimeout(() => this.#tell(), wait);
    this.#timer.unref();
  }

  #tell(): void {
    this.#timer = undefined;
    this.#count += 1;
    this.#burst = 0;
    this.#path = undefined;
    this.#areSeveral = false;
    const event = this.#onlyStyles ? 'styles' : 'reload';
    this.#onlyStyles = true;
    for (const subscription of this.#subscriptions) subscription.send(event, this.#version);
  }

  #drain(): void {
    for (const subscription of this.#subscriptions) subscription.end();
  }

  #close(): void {
    clearTimeout(this.#timer);
    this.#watcher?.close();
    this.#drain();
  }
}

const SCRIPT: ResponseMessage = {
  status: 200,
  fields: [...FIELDS, ['content-type', 'text/javascript; charset=utf-8'], ['x-content-type-options', 'nosniff']],
  content: Buffer.from(LIVE_SCRIPT),
};
