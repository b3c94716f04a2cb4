// Calls a responder as a server would: a request value in, everything about the response out.

import { existsSync, lstatSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { CgiRequest, CgiResponse } from '@onezero/cgi-process';
import type { RequestContent } from '../src/content/request-content.ts';
import type { ResponseSpool } from '../src/content/response-content.ts';
import { Exchange } from '../src/exchange/exchange.ts';
import type { AnswerListener, PythonRequest, PythonResponse } from '../src/message.ts';
import { wsgi, type WsgiOptions, type PythonResponder } from '../src/index.ts';

export const fixtures: string = fileURLToPath(new URL('fixtures', import.meta.url));

/** The one that PYTHON names; Debian's, which has Debian's modules; elsewhere the first one there is. */
export const python: string =
  process.env['PYTHON'] ?? (existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3');

/** Whether a module can be imported. In CI everything has to be there. */
export function hasModule(name: string): boolean {
  if (process.env['CI']) return true;
  try {
    execFileSync(python, ['-c', `import ${name}`], { stdio: 'ignore' });
    return true;
  } catch (error) {
    if ((error as { status?: number }).status === 1) return false;
    throw error;
  }
}

export type Log = { line: string; request: string | undefined }[];

/** An application of the fixtures in one process with two threads, and what it logs. */
export function start(
  application: string,
  options: Partial<WsgiOptions> = {},
): { responder: PythonResponder; log: Log; text(): string } {
  const log: Log = [];
  const responder = wsgi({
    application,
    cwd: fixtures,
    python,
    processes: 1,
    threads: 2,
    env: { PYTHONDONTWRITEBYTECODE: '1' },
    log: ({ line, request }) => log.push({ line, request }),
    ...options,
  });
  return { responder, log, text: () => log.map(({ line }) => line).join('\n') };
}

export async function* chunks(...pieces: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield Buffer.from(piece);
}

/** A request for `target`, of which everything can be said otherwise. */
export function request(
  target: string,
  changes: Partial<CgiRequest> & { body?: string | Uint8Array } = {},
): CgiRequest {
  const { body, ...members } = changes;
  const [path = '', query] = target.split('?', 2);
  const length = body === undefined ? 0 : Buffer.byteLength(body);
  return {
    method: body === undefined ? 'GET' : 'POST',
    target,
    version: '1.1',
    scheme: 'http',
    authority: 'shop.example:8080',
    scriptName: '',
    pathInfo: decodeURIComponent(path),
    query,
    fields: [['host', 'shop.example:8080'], ...(body === undefined ? [] : [['content-length', `${length}`] as const])],
    contentLength: length,
    content: body === undefined ? chunks() : chunks(body),
    remote: { address: '192.0.2.7', port: 40_000 },
    local: { address: '192.0.2.1', port: 8080 },
    ...members,
  };
}

/** An exchange whose answer is a promise. */
export type PromisedExchange = Exchange & { readonly answer: Promise<PythonResponse> };

/** Makes one. */
export function exchangeOf(
  asked: PythonRequest,
  content: RequestContent,
  spool: ResponseSpool,
  mayLend = false,
): PromisedExchange {
  let listener: AnswerListener = { answered: () => {}, failed: () => {} };
  const answer = new Promise<PythonResponse>((answered, failed) => (listener = { answered, failed }));
  return Object.assign(new Exchange(asked, content, spool, listener, mayLend), { answer });
}

export interface Answer {
  status: number;
  reason: string | undefined;
  fields: readonly (readonly [string, string])[];
  field(name: string): string | undefined;
  text: string;
  bytes: Buffer;
  /** What reading the content threw: the connection to the client would be broken off. */
  broken: unknown;
  cause: unknown;
  /** True when the content came as bytes, all at once. */
  isWhole: boolean;
}

/** Reads a response to its end. */
export async function read(pending: CgiResponse | Promise<CgiResponse>): Promise<Answer> {
  const { status, reason, fields, content, cause } = await pending;
  const pieces: Buffer[] = [];
  let broken: unknown;
  if (content instanceof Uint8Array) pieces.push(Buffer.from(content));
  else if (content !== undefined) {
    try {
      for await (const chunk of content) pieces.push(Buffer.from(chunk));
    } catch (error) {
      broken = error;
    }
  }
  const bytes = Buffer.concat(pieces);
  const field = (wanted: string): string | undefined => fields.find(([name]) => name === wanted)?.[1];
  const isWhole = content instanceof Uint8Array;
  return { status, reason, fields, field, text: bytes.toString('latin1'), bytes, broken, cause, isWhole };
}

/** Resolves when `condition` holds; the test's own time limit is the only one. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

/**
 * Makes an attempt with a limit in milliseconds, and with longer ones where it fails: a worker that other processes keep from the
 * processor for as long as a short limit is silent through no fault of its own. What fails with the longest fails.
 */
export async function withLongerLimits(attempt: (limitMs: number) => Promise<void>, firstMs = 400): Promise<void> {
  const limits = [firstMs, 10 * firstMs, 50 * firstMs];
  for (const limitMs of limits.slice(0, -1)) {
    try {
      return await attempt(limitMs);
    } catch {
      // The next attempt says whether it was the limit.
    }
  }
  await attempt(limits.at(-1) as number);
}

/** Whether a process is there and not a zombie. */
export function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(execFileSync('cat', [`/proc/${pid}/stat`], { encoding: 'latin1', stdio: 'pipe' }));
  } catch (error) {
    if ((error as { status?: number }).status === 1) return false;
    throw error;
  }
}

/** Our descriptors whose files are content without a name, as paths. Linux shows them. */
function contentDescriptors(): string[] {
  if (!existsSync('/proc/self/fd')) return [];
  return readdirSync('/proc/self/fd')
    .map((descriptor) => `/proc/self/fd/${descriptor}`)
    .filter((path) => lstatSync(path, { throwIfNoEntry: false }) !== undefined)
    .filter((path) => readlinkSync(path).includes('onezero-content-'));
}

/** What our descriptors say of files of content: their names, which are gone. */
export function openContent(): string[] {
  return contentDescriptors().map((path) => readlinkSync(path));
}

/** The sizes of these files. */
export function sizesOfOpenContent(): number[] {
  return contentDescriptors().map((path) => statSync(path).size);
}
