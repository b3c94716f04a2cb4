// Why a document root has nothing for a request: each rule is lifted in turn and the files are asked again, so the answer is that
// of the very code that refuses. For `explain`; no request from the network comes here.

import { lstat, readlink } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { serveStatic, type StaticOptions } from '@onezero/static';
import type { RequestMessage } from './message/message.ts';

/** What a responder of files has for `explain`. */
export interface FileRoute {
  /** Why the files have nothing for a request, in one sentence. */
  readonly whyNothing: (request: RequestMessage) => Promise<string | undefined>;
}

/** A rule, and the options without it. */
interface Lift {
  readonly why: string;
  readonly changes: Partial<StaticOptions>;
}

const LIFTS: readonly Lift[] = [
  { why: 'a name in it begins with a dot (dotfiles)', changes: { dotfiles: 'allow' } },
  {
    why: 'a link on its way leads out of the root, or links are not followed (symlinks)',
    changes: { symlinks: 'all' },
  },
  { why: 'it matches a glob of hide, or is a configuration file', changes: { hide: [] } },
  {
    why: 'it is a secret: a password, key, log or configuration file, or the source of a script or application',
    changes: { deny: [], isSource: () => false },
  },
  { why: 'Windows reads its name differently (windowsNames)', changes: { windowsNames: 'allow' } },
  { why: 'it is a directory without an index file, and listings are off (listing)', changes: { listing: true } },
];

/** One sentence, or undefined where the files have an answer. */
export async function whyRefused(
  root: string,
  files: StaticOptions,
  request: RequestMessage,
): Promise<string | undefined> {
  const plain = { ...files, statusPages: false, fallback: undefined, writable: false };
  const status = await statusOf(root, plain, request);
  if (status < 400) return undefined;
  if (status === 405) return 'files accept GET, HEAD and OPTIONS, and with writable also PUT and DELETE';
  if (status === 403) return 'this process has no permission to read it';
  const everything: Partial<StaticOptions> = Object.assign({}, ...LIFTS.map(({ changes }) => changes));
  if ((await statusOf(root, { ...plain, ...everything }, request)) >= 400) return firstMissing(root, request.pathInfo);
  for (const { why, changes } of LIFTS) {
    if ((await statusOf(root, { ...plain, ...changes }, request)) < 400) return why;
  }
  return 'several rules exclude it: dotfiles, symlinks, hide or secrets';
}

async function statusOf(root: string, files: StaticOptions, request: RequestMessage): Promise<number> {
  const { status, content } = await serveStatic(root, files)(request);
  if (content !== undefined && !(content instanceof Uint8Array)) await content[Symbol.asyncIterator]().return?.();
  return status;
}

/** The first name on the way that is not there, or is no directory. */
async function firstMissing(root: string, pathInfo: string): Promise<string> {
  let path = resolve(root);
  for (const name of pathInfo.split('/').filter((segment) => segment !== '')) {
    path = join(path, name);
    const stats = await lstat(path).catch(unlessMissing);
    if (stats === undefined) return `${relative(process.cwd(), path) || path} does not exist`;
    if (!stats.isSymbolicLink()) continue;
    const target = await readlink(path);
    return `${relative(process.cwd(), path) || path} is a link to ${target}, which does not exist or cannot be served`;
  }
  return 'it is not a regular file';
}

function unlessMissing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error) return;
  throw error;
}
