// X-Accel-Redirect and X-Sendfile: an application decides who gets a file, and the server sends it.
//
// Only folders that the administrator named are sent from, and no client has a path that leads there. The file goes through the
// server of files with the client's own Range and conditions; what the application says in fields wins over what the file says.

import { realpathSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { serveStatic } from '@onezero/static';
import { canonicalPath } from '../message/canonical-path.ts';
import { discard, drain, isPromiseLike } from '../message/content.ts';
import type { Field, RequestMessage, ResponseMessage } from '../message/message.ts';
import { checkedResponse } from '../message/whole-response.ts';
import type { Route } from '../options.ts';

/** A folder with the path that X-Accel-Redirect has for it. */
interface Folder {
  readonly path: string;
  /** As it is named. */
  readonly place: string;
  readonly files: ReturnType<typeof serveStatic>;
}

/** What an application answers with in place of content. */
interface Sent {
  readonly folder: Folder;
  readonly pathInfo: string;
}

type Answer = ResponseMessage | Promise<ResponseMessage>;
type Respond = Route['responder'];

/** Fields of the answer that are for the server, or that describe content which is not sent. */
const CONSUMED = /^(?:x-sendfile|x-accel-[\w-]+|content-length|content-range|transfer-encoding|trailer)$/;
/** Fields that ask for a part, or only for what is new. */
const CONDITIONS: ReadonlySet<string> = new Set([
  'range',
  'if-range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
]);
/** Statuses of the file that are answers; others say that there is nothing to send. */
const ANSWERS: ReadonlySet<number> = new Set([200, 206, 304, 412, 416]);

/** What makes a route send files from these folders. Throws for a folder that is not there. */
export function internalFiles(
  internal: Readonly<Record<string, string>>,
  types: Readonly<Record<string, string>> | undefined,
): (route: Route) => Route {
  const folders = Object.entries(internal).map(([path, folder]): Folder => {
    const place = resolve(folder);
    const options = { types, index: false, listing: false, dotfiles: 'allow', precompressed: false } as const;
    const files = serveStatic(place, { ...options, symlinks: 'inside' });
    realpathSync(place);
    return { path: path.replace(/\/*$/, '/'), place, files };
  });
  return (route) => {
    const around = Object.assign(sender(route.responder, folders), route.responder, { lend: undefined });
    return { ...route, responder: around };
  };
}

function sender(respond: Respond, folders: readonly Folder[]): (request: RequestMessage) => ReturnType<Respond> {
  const take = (given: Awaited<ReturnType<Respond>>, request: RequestMessage): ReturnType<Respond> => {
    const answer = checkedResponse(given);
    return answer instanceof TypeError ? given : sent(answer, request, folders);
  };
  return (request) => {
    const answer = respond(request);
    return isPromiseLike(answer) ? answer.then((settled) => take(settled, request)) : take(answer, request);
  };
}

function sent(answer: ResponseMessage, request: RequestMessage, folders: readonly Folder[]): Answer {
  const name = valueOf(answer.fields, 'x-accel-redirect') ?? valueOf(answer.fields, 'x-sendfile');
  if (name === undefined || answer.nonParsed === true || answer.upgrade !== undefined) return answer;
  drain(answer.content);
  const isPath = valueOf(answer.fields, 'x-accel-redirect') !== undefined;
  const found = isPath ? byPath(name, folders) : byFile(name, folders);
  if (found === undefined) {
    const cause = new Error(`the application names ${name}, which is in no internal folder`);
    return { status: 502, fields: [], cause };
  }
  const file = found.folder.files(fileRequest(request, answer, found.pathInfo));
  if (isPromiseLike(file)) return Promise.resolve(file).then((settled) => merged(answer, settled, name));
  return merged(answer, file, name);
}

/** The longest path that leads there; it is percent-encoded as in a URL. */
function byPath(text: string, folders: readonly Folder[]): Sent | undefined {
  const path = canonicalPath(text.replace(/[?#].*$/s, ''));
  if (path === undefined) return undefined;
  const folder = longest(folders, (one) => (path.startsWith(one.path) ? one.path.length : 0));
  return folder && { folder, pathInfo: path.slice(folder.path.length - 1) };
}

/** An absolute file name, its bytes as characters. */
function byFile(text: string, folders: readonly Folder[]): Sent | undefined {
  const name = Buffer.from(text, 'latin1').toString();
  if (!name.startsWith('/') || name.includes('\0')) return undefined;
  const file = resolve(name);
  const within = (place: string): number => (file.startsWith(place + sep) ? place.length : 0);
  const length = ({ place }: Folder): number => Math.max(within(place), within(withoutLinks(place)));
  const folder = longest(folders, length);
  return folder && { folder, pathInfo: file.slice(length(folder)) };
}

/** Where a folder is now: a link that it lies behind may have been pointed elsewhere. */
function withoutLinks(place: string): string {
  try {
    return realpathSync(place);
  } catch {
    // It is gone, and what it had with it.
    return place;
  }
}

function longest(folders: readonly Folder[], length: (folder: Folder) => number): Folder | undefined {
  const best = folders.toSorted((one, other) => length(other) - length(one))[0];
  return best !== undefined && length(best) > 0 ? best : undefined;
}

/**
 * The client's request for the file. An answer to POST, or one that is neither 200 nor a part, is whole; so is one whose validators are the
 * application's, but for If-Range with its very tag: whether the client has it was the application's to say.
 */
function fileRequest(
  request: RequestMessage,
  answer: ResponseMessage,
  pathInfo: string,
): Parameters<Folder['files']>[0] {
  const { version, target } = request;
  const method = request.method === 'HEAD' ? 'HEAD' : 'GET';
  const mayBePart = (request.method === 'GET' || request.method === 'HEAD') && isPlain(answer);
  const tag = valueOf(answer.fields, 'etag');
  const isOwn = tag !== undefined || valueOf(answer.fields, 'last-modified') !== undefined;
  const ifRange = valueOf(request.fields, 'if-range');
  const isSame = ifRange === undefined || (ifRange === tag && !tag.startsWith('W/'));
  const dropped = !mayBePart || (isOwn && !isSame) ? CONDITIONS : isOwn ? OWN_CONDITIONS : undefined;
  const fields = request.fields.filter(([name]) => name !== 'accept-encoding' && dropped?.has(name) !== true);
  return { method, version, scriptName: '', pathInfo, target, fields };
}

/** A framework that has read Range itself says 206 and leaves the part to us. */
function isPlain({ status }: ResponseMessage): boolean {
  return status === 200 || status === 206;
}

/** What the application's validators leave of them. */
const OWN_CONDITIONS: ReadonlySet<string> = new Set([...CONDITIONS].filter((name) => name !== 'range'));

function merged(answer: ResponseMessage, file: ResponseMessage, name: string): ResponseMessage {
  if (!ANSWERS.has(file.status)) {
    discard(file.content);
    return {
      status: 404,
      fields: [],
      cause: new Error(`the application names ${name}, which cannot be sent`),
      isNothing: false,
    };
  }
  // The type of several parts is the form that they are in.
  const isParts = valueOf(file.fields, 'content-type')?.startsWith('multipart/byteranges') === true;
  const own = answer.fields.filter(
    ([field]) =>
      !CONSUMED.test(field) &&
      !(isParts && field === 'content-type') &&
      !(file.status === 304 && /^content-(?!location)/.test(field)),
  );
  const said = new Set(own.map(([field]) => field));
  // An answer that expires is not one to ask about each time.
  if (said.has('expires')) said.add('cache-control');
  const fields: Field[] = [...own, ...file.fields.filter(([field]) => field === 'content-range' || !said.has(field))];
  const status = isPlain(answer) || file.status !== 200 ? file.status : answer.status;
  return { ...answer, status, reason: undefined, fields, content: file.content };
}

function valueOf(fields: readonly Field[], name: string): string | undefined {
  return fields.find((field) => field[0] === name)?.[1];
}
