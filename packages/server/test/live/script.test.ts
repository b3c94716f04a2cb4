// What runs in the page, in a page as small as can be.

import { createContext, runInContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { LIVE_SCRIPT } from '../../src/live/script.ts';

type Listener = (event: { readonly data?: string }) => void;

/** Something with listeners, by the names of events. */
class Target {
  readonly listeners = new Map<string, Listener>();

  addEventListener(name: string, listener: Listener): void {
    this.listeners.set(name, listener);
  }

  fire(name: string, data?: string): void {
    this.listeners.get(name)?.(data === undefined ? {} : { data });
  }
}

class Source extends Target {
  static readonly all: Source[] = [];
  isOpen = true;
  readonly address: string;

  constructor(address: string) {
    super();
    this.address = address;
    Source.all.push(this);
  }

  close(): void {
    this.isOpen = false;
  }
}

/** A link of a style sheet, in a list that stands for the document. */
class Link {
  onload: (() => void) | undefined;
  href: string;
  readonly #links: Link[];

  constructor(links: Link[], href: string) {
    this.#links = links;
    this.href = href;
  }

  cloneNode(): Link {
    return new Link(this.#links, this.href);
  }

  after(next: Link): void {
    this.#links.splice(this.#links.indexOf(this) + 1, 0, next);
  }

  remove(): void {
    this.#links.splice(this.#links.indexOf(this), 1);
  }
}

interface Page {
  readonly document: Target & { hidden: boolean };
  readonly window: Target;
  readonly links: Link[];
  readonly reloads: () => number;
  readonly sources: readonly Source[];
}

function open({ hidden = false, hrefs = [] as readonly string[] } = {}): Page {
  Source.all.length = 0;
  let reloads = 0;
  const links: Link[] = [];
  links.push(...hrefs.map((href) => new Link(links, href)));
  const window = new Target();
  const document = Object.assign(new Target(), {
    hidden,
    currentScript: { src: 'http://a.org/base/.onezero/live.js?v=boot.1' },
    querySelectorAll: () => [...links],
  });
  const location = { origin: 'http://a.org', reload: () => void (reloads += 1) };
  const globals = {
    document,
    location,
    EventSource: Source,
    URL,
    addEventListener: (name: string, listener: Listener) => window.addEventListener(name, listener),
  };
  runInContext(LIVE_SCRIPT, createContext(globals));
  return { document, window, links, reloads: () => reloads, sources: Source.all };
}

describe('the script of live reload', () => {
  test('asks beside itself for events, and reloads for other versions only', () => {
    const { sources, reloads } = open();
    expect(sources.map(({ address }) => address)).toEqual(['http://a.org/base/.onezero/live-events']);
    sources[0]?.fire('version', 'boot.1');
    expect(reloads()).toBe(0);
    sources[0]?.fire('version', 'boot.2');
    expect(reloads()).toBe(1);
    sources[0]?.fire('reload', 'boot.3');
    expect(reloads()).toBe(2);
  });

  test('exchanges the style sheets of its own origin, and takes the version with them', () => {
    const { sources, links, reloads } = open({
      hrefs: ['http://a.org/a.css', 'http://b.org/b.css', 'http://a.org/c.css?x=1&live=old'],
    });
    sources[0]?.fire('styles', 'boot.2');
    // The old ones stay until the new ones are there.
    expect(links.map(({ href }) => href)).toEqual([
      'http://a.org/a.css',
      'http://a.org/a.css?live=boot.2',
      'http://b.org/b.css',
      'http://a.org/c.css?x=1&live=old',
      'http://a.org/c.css?x=1&live=boot.2',
    ]);
    for (const link of links.slice()) link.onload?.();
    expect(links).toHaveLength(3);
    sources[0]?.fire('version', 'boot.2');
    expect(reloads()).toBe(0);
  });

  test('holds no connection while its page cannot be seen', () => {
    const { document, window, sources } = open({ hidden: true });
    expect(sources).toHaveLength(0);
    document.hidden = false;
    document.fire('visibilitychange');
    window.fire('pageshow');
    expect(sources).toHaveLength(1);
    document.hidden = true;
    document.fire('visibilitychange');
    expect(sources[0]?.isOpen).toBe(false);
    document.hidden = false;
    document.fire('visibilitychange');
    expect(sources.map(({ isOpen }) => isOpen)).toEqual([false, true]);
    window.fire('pagehide');
    expect(sources[1]?.isOpen).toBe(false);
    window.fire('pageshow');
    expect(sources).toHaveLength(3);
  });
});
