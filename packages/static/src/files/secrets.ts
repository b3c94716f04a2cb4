// Files and directories that no request may have, whatever name leads to them: a password file, a configuration, scripts.
//
// What is open is refused if it is one of them, or in one of them, by device and inode, so that links, hard links, another
// case and roots behind links make no difference; if it lies, without links, at or below the place of one of them, which covers all that is in a
// directory, and a file that was replaced or made a moment ago; or if a hook knows it for the source of a program. The paths
// are resolved again once per turn of the event loop in which something is opened.

import { type Dirent, lstatSync, readdirSync, type Stats } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';
import { withoutCodingSuffix } from '../http/content-coding.ts';
import type { SourceTest } from '../options.ts';
import type { Settings } from '../options/settings.ts';
import { type Disk, mainThreadDisk } from './disk.ts';
import { type Eventually, whenReady } from './eventually.ts';
import { loopTurn } from './loop-turn.ts';

interface Secret {
  readonly path: string;
  /** Without links; undefined before it was resolved, or while not even its directory exists. */
  place: string | undefined;
  dev: number | undefined;
  ino: number | undefined;
  ctimeMs: number | undefined;
  isDirectory: boolean;
  below: { readonly turn: number; readonly inodes: ReadonlySet<string> } | undefined;
}

// More than this is many: looking at them takes a part of a millisecond.
const MANY = 64;

// And then a twentieth of the time goes into that at most. A file that replaces one of them meanwhile is known by its place.
const PAUSE = 20;

/** The paths of one list, and what is there. */
class Denied {
  readonly #secrets: readonly Secret[];
  readonly #disk: Disk;
  #turn = -1;
  #notBeforeMs = 0;
  #revision = 0;

  constructor(paths: readonly string[], disk: Disk) {
    this.#secrets = paths.map((path) => ({
      path,
      place: undefined,
      dev: undefined,
      ino: undefined,
      ctimeMs: undefined,
      isDirectory: false,
      below: undefined,
    }));
    this.#disk = disk;
  }

  get isEmpty(): boolean {
    return this.#secrets.length === 0;
  }

  get revision(): number {
    return this.#revision;
  }

  /** Whether one of them, or a file in one, is this file. */
  has({ dev, ino, nlink }: Pick<Stats, 'dev' | 'ino' | 'nlink'>): boolean {
    return this.#secrets.some(
      (secret) =>
        (secret.ino === ino && secret.dev === dev) ||
        (secret.isDirectory && nlink > 1 && this.#inodesBelow(secret).has(inodeOf({ dev, ino }))),
    );
  }

  /** What a precompressed file holds is its source, so it is as secret. */
  isPlace(place: string): boolean {
    const source = withoutCodingSuffix(place);
    return this.#secrets.some(
      (secret) => isAtOrBelow(place, secret.place) || (source !== place && isAtOrBelow(source, secret.place)),
    );
  }

  /** What a secret directory holds, for files with another name elsewhere. Looked at once per turn in which there is one. */
  #inodesBelow(secret: Secret): ReadonlySet<string> {
    const turn = loopTurn();
    if (secret.below?.turn !== turn) secret.below = { turn, inodes: inodesBelow(secret.path) };
    return secret.below.inodes;
  }

  refresh(): Eventually<void> {
    const turn = loopTurn();
    if (this.#turn === turn || this.isEmpty) return undefined;
    const isMany = this.#secrets.length > MANY;
    const begunMs = isMany ? performance.now() : 0;
    if (begunMs < this.#notBeforeMs) return undefined;
    const pending = this.#secrets.map((secret) => this.#resolve(secret)).filter((one) => one instanceof Promise);
    const done = (): void => {
      this.#turn = turn;
      if (!isMany) return;
      const endedMs = performance.now();
      this.#notBeforeMs = endedMs + PAUSE * (endedMs - begunMs);
    };
    return whenReady(pending.length === 0 ? undefined : Promise.all(pending), done);
  }

  #resolve(secret: Secret): Eventually<void> {
    return whenReady(this.#disk.stat(secret.path), (stats) => {
      // What cannot be looked at keeps the identity it had.
      if (stats instanceof Error) return undefined;
      if (stats === undefined) return this.#resolveAbsent(secret);
      const { dev, ino, ctimeMs } = stats;
      const isSame = secret.ino === ino && secret.dev === dev;
      if (isSame && secret.ctimeMs === ctimeMs) return undefined;
      const isDirectory = stats.isDirectory();
      // What is written into a file, as into a log at every moment, makes it no other one.
      if (!isSame || isDirectory || secret.isDirectory) this.#revision++;
      Object.assign(secret, { dev, ino, ctimeMs, isDirectory });
      return this.#place(secret, secret.path, '');
    });
  }

  /** A file that is still to come will be where its directory is. */
  #resolveAbsent(secret: Secret): Eventually<void> {
    if (secret.ino === undefined && secret.place !== undefined) return undefined;
    Object.assign(secret, { dev: undefined, ino: undefined, ctimeMs: undefined, isDirectory: false });
    this.#revision++;
    return this.#place(secret, dirname(secret.path), basename(secret.path));
  }

  #place(secret: Secret, directory: string, name: string): Eventually<void> {
    return whenReady(this.#disk.realPath(directory), (place) => {
      if (typeof place !== 'string') return;
      const whole = join(place, name);
      if (whole !== secret.place) this.#revision++;
      secret.place = whole;
    });
  }
}

/** Sites that deny one list look at it together. */
const deniedBy = new WeakMap<readonly string[], Denied>();

function deniedOf(paths: readonly string[], disk: Disk): Denied {
  let denied = deniedBy.get(paths);
  if (denied === undefined) deniedBy.set(paths, (denied = new Denied(paths, disk)));
  return denied;
}

export class Secrets {
  readonly #denied: Denied;
  readonly #isSource: SourceTest | undefined;

  constructor(paths: readonly string[], isSource: SourceTest | undefined, disk: Disk) {
    this.#denied = deniedOf(paths, disk);
    this.#isSource = isSource;
  }

  /** Whether there is anything to hide: then the place of what is open must be known. */
  get isEmpty(): boolean {
    return this.#denied.isEmpty && this.#isSource === undefined;
  }

  /** Another number whenever one of them has become another file, or lies elsewhere. */
  get revision(): number {
    return this.#denied.revision;
  }

  /** The revision as of this turn; undefined when a hook knows `place` for the source of a program. */
  revisionFor(place: string, asked: string): Eventually<number | undefined> {
    if (this.#isSourceName(asked) || this.#isSourceName(place, asked)) return undefined;
    return whenReady(this.#denied.refresh(), () => this.#denied.revision);
  }

  /** Whether an open file or directory must not be served. `place` is its path without links, `asked` the path that led there. */
  cover(stats: Pick<Stats, 'dev' | 'ino' | 'nlink'>, place: string, asked: string): Eventually<boolean> {
    if (this.isEmpty) return false;
    if (this.#isSourceName(asked) || this.#isSourceName(place, asked)) return true;
    return whenReady(this.#denied.refresh(), () => this.#denied.isPlace(place) || this.#denied.has(stats));
  }

  /**
   * Which places, without links, a request would be refused for by their names alone: what a listing leaves out. Another name
   * of a secret file shows only once it is open.
   */
  coverNames(): Eventually<(place: string) => boolean> {
    if (this.isEmpty) return () => false;
    return whenReady(
      this.#denied.refresh(),
      () => (place: string) => this.#isSourceName(place) || this.#denied.isPlace(place),
    );
  }

  #isSourceName(path: string, asked = path): boolean {
    const source = this.#isSource;
    return source !== undefined && (isTrue(source(path, asked)) || isTrue(source(withoutCodingSuffix(path), asked)));
  }
}

/** A function that is async promises its answer, which cannot be waited for: all it is asked for is refused, also where it fails. */
function isTrue(answer: unknown): boolean {
  if (answer instanceof Promise) answer.catch(() => {});
  return Boolean(answer);
}

// Directories of scripts are small. One with more than this is not one, and a look at it would hold the event loop.
const MAX_ENTRIES = 2000;

/** The inodes of the files below a directory, as far as they can be seen. */
function inodesBelow(directory: string): ReadonlySet<string> {
  const inodes = new Set<string>();
  const directories = [directory];
  for (let next = directories.pop(); next !== undefined; next = directories.pop()) {
    for (const entry of entriesOf(next)) {
      const path = join(next, entry.name);
      if (entry.isDirectory()) directories.push(path);
      const inode = entry.isFile() ? inodeAt(path) : undefined;
      if (inode !== undefined) inodes.add(inode);
      if (inodes.size >= MAX_ENTRIES) return inodes;
    }
  }
  return inodes;
}

/** None of a directory that has gone or may not be read. */
function entriesOf(directory: string): readonly Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** Undefined for what has gone, or may not be looked at. */
function inodeAt(path: string): string | undefined {
  try {
    return inodeOf(lstatSync(path));
  } catch {
    return undefined;
  }
}

function inodeOf({ dev, ino }: Pick<Stats, 'dev' | 'ino'>): string {
  return `${dev}:${ino}`;
}

function isAtOrBelow(place: string, secret: string | undefined): boolean {
  if (secret === undefined) return false;
  return place === secret || place.startsWith(secret.endsWith(sep) ? secret : secret + sep);
}

const known = new WeakMap<Settings, Secrets>();

/** The secrets of a site. Looks at them go through `disk` where the first caller names one. */
export function secretsOf(settings: Settings, disk: Disk = mainThreadDisk): Secrets {
  let secrets = known.get(settings);
  if (secrets === undefined) known.set(settings, (secrets = new Secrets(settings.deny, settings.isSource, disk)));
  return secrets;
}
