// The one helper: scripts in a temporary directory, requests for them, and a look at what they leave behind.

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { CgiRequest, CgiResponse, Field } from '../src/index.ts';

/** `sleep 1000.41` in a script or command is told from the same of other test files, and of other checkouts. */
export function own(text: string): string {
  return text.replaceAll('1000.', `1000${process.pid}.`);
}

/** A directory of scripts: name to text. Executable unless the name ends in `.txt`. */
export class Scripts {
  readonly path: string = mkdtempSync(join(tmpdir(), 'onezero-test-'));

  constructor(files: Readonly<Record<string, string>> = {}) {
    for (const [name, text] of Object.entries(files)) this.add(name, text);
  }

  add(name: string, text: string): string {
    const path = join(this.path, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, own(text));
    chmodSync(path, name.endsWith('.txt') || name.endsWith('.php') ? 0o644 : 0o755);
    return path;
  }

  has(name: string): boolean {
    return existsSync(join(this.path, name));
  }

  read(name: string): string {
    return readFileSync(join(this.path, name), 'latin1');
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** A shell script that answers `text/plain` with what the commands print. */
export function plain(commands: string): string {
  return `#!/bin/sh\necho Content-Type: text/plain\necho\n${commands}\n`;
}

type Changes = Partial<Omit<CgiRequest, 'content'>> & {
  readonly content?: string | Uint8Array | AsyncIterable<Uint8Array> | undefined;
};

/** A GET of a path below `/cgi-bin`; content is POSTed with its length unless said otherwise. */
export function request(pathInfo: string, changes: Changes = {}): CgiRequest {
  const { content, ...others } = changes;
  const isBytes = typeof content === 'string' || content instanceof Uint8Array;
  const bytes = isBytes ? Buffer.from(content as string) : undefined;
  return {
    method: content === undefined ? 'GET' : 'POST',
    target: `/cgi-bin${pathInfo}${others.query === undefined ? '' : `?${others.query}`}`,
    version: '1.1',
    scheme: 'http',
    authority: 'example.org:8080',
    scriptName: '/cgi-bin',
    pathInfo,
    fields: bytes === undefined ? [] : [['content-length', String(bytes.length)]],
    contentLength: bytes?.length ?? (content === undefined ? 0 : undefined),
    content: isBytes || content === undefined ? once(bytes) : content,
    remote: { address: '192.0.2.1', port: 4000 },
    local: { address: '192.0.2.2', port: 8080 },
    ...others,
  };
}

async function* once(bytes: Uint8Array | undefined): AsyncGenerator<Uint8Array> {
  if (bytes !== undefined && bytes.length > 0) yield bytes;
}

/** `count` chunks of `size` bytes. */
export async function* chunks(count: number, size: number): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < count; index++) yield Buffer.alloc(size, index);
}

/** The content as a byte string. */
export async function text(response: CgiResponse): Promise<string> {
  if (response.content === undefined) return '';
  if (response.content instanceof Uint8Array) return Buffer.from(response.content).toString('latin1');
  const parts: Uint8Array[] = [];
  for await (const bytes of response.content) parts.push(Buffer.from(bytes));
  return Buffer.concat(parts).toString('latin1');
}

export function field(response: CgiResponse, name: string): string | undefined {
  return response.fields.find((candidate: Field) => candidate[0] === name)?.[1];
}

/** Waits for a condition that some process brings about. The test's own time limit is the only one. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(5);
}

/** Processes whose environment or arguments contain a word, without zombies. */
export function processesWith(word: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid !== process.pid && mentions(pid, own(word)));
}

function mentions(pid: number, word: string): boolean {
  return ['cmdline', 'environ'].some((file) => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'latin1').includes(word);
    } catch {
      return false;
    }
  });
}

/** Our children that have ended and were not reaped. */
export function zombies(): number {
  return childrenIn('Z');
}

/** Our children, also those that have ended and were not reaped. */
export function children(): number {
  return childrenIn('[A-Z]');
}

function childrenIn(state: string): number {
  const child = new RegExp(`\\) ${state} ${process.pid} `, 'i');
  return readdirSync('/proc').filter((name) => {
    try {
      return child.test(readFileSync(`/proc/${name}/stat`, 'latin1'));
    } catch {
      return false;
    }
  }).length;
}

/** Beyond this, what is left was left for good. */
const SETTLING_MS = 60_000;

/** What the first look that finds nothing has found, or the last one: shells and short-lived children end a little after their mount. */
export async function settled<T>(look: () => T, isClean: (found: T) => boolean): Promise<T> {
  const end = performance.now() + SETTLING_MS;
  for (let waitMs = 5; ; waitMs *= 2) {
    const found = look();
    if (isClean(found) || performance.now() >= end) return found;
    await delay(Math.min(waitMs, 1000));
  }
}

export function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** Whether a command is there to test with. Where CI is set, it has to be. */
export function isInstalled(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch (error) {
    if (process.env['CI'] !== undefined) throw error;
    return false;
  }
}

/**
 * Whether scripts are started through shells here: that takes dash, or the ash of busybox. bash adds a variable of its own, so
 * where it is `/bin/sh` they are started directly. Where CI is set, there has to be one.
 */
export const hasFittingShell: boolean =
  process.env['CI'] !== undefined ||
  existsSync('/bin/dash') ||
  /\/(?:dash|busybox)$/.test(existsSync('/bin/sh') ? realpathSync('/bin/sh') : '');
