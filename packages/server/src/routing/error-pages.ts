// The pages that a site has of its own, by status (`404`), class (`4xx`) or `default`: a file, a template or a function.
//
// A page is only ever the content of the failure that asked for it: status and protocol fields stay. A page that cannot be
// had (file gone, function throws) is a failure of the page; the caller falls back on the default page and reports it.
// A client that prefers JSON or text to HTML gets the default page in that form, whatever HTML the site has.

import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import type { Failure, ErrorPage } from '../options.ts';
import type { ContentOut, Field, RequestMessage, Responder } from '../message/message.ts';
import { firstField } from '../message/fields.ts';
import { LazyRequest, NO_CONTENT, shown } from '../message/request.ts';
import { checkedResponse } from '../message/whole-response.ts';
import { unlessRefused } from '../paths.ts';
import { preferredType } from './accept.ts';
import { escapeHtml, PAGE_TYPES } from './default-page.ts';
import { reasonPhrase } from '@onezero/http-parser/serializer';

export interface OwnPage {
  readonly fields: readonly Field[];
  readonly content: ContentOut;
}

/** Makes the page for a failure; undefined when the site has none for it. */
export type OwnPages = (failure: Failure) => Promise<OwnPage | undefined> | undefined;

const HTML = 'text/html; charset=utf-8';

const TYPES: Readonly<Record<string, string>> = {
  '.html': HTML,
  '.htm': HTML,
  '.json': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Checks the keys and files. Throws a TypeError for what could never be used. */
export function ownPages(pages: Readonly<Record<string, ErrorPage>> = {}): OwnPages | undefined {
  const entries = Object.entries(pages);
  if (entries.length === 0) return undefined;
  for (const [key, page] of entries) check(key, page);
  const byKey = new Map(entries);
  return (failure) => {
    const { status } = failure;
    const page = byKey.get(`${status}`) ?? byKey.get(`${Math.floor(status / 100)}xx`) ?? byKey.get('default');
    return page === undefined || prefersOther(page, failure) ? undefined : make(page, failure);
  };
}

function prefersOther(page: ErrorPage, { request }: Failure): boolean {
  if (typeof page === 'function' || mediaTypeOf(page) !== HTML) return false;
  return preferredType(request && firstField(request.fields, 'accept'), PAGE_TYPES) !== 'text/html';
}

function mediaTypeOf(page: Exclude<ErrorPage, Responder>): string {
  return 'template' in page ? HTML : (TYPES[extname(page.file).toLowerCase()] ?? HTML);
}

function check(key: string, page: ErrorPage): void {
  if (!/^(?:[45]\d\d|[45]xx|default)$/.test(key)) {
    throw new TypeError(`errorPages: "${key}" is not a status (404), a class (4xx) or "default"`);
  }
  if (typeof page === 'object' && 'file' in page && !isFile(page.file)) {
    throw new TypeError(`errorPages: "${page.file}" for ${key} is not a file`);
  }
}

function isFile(path: string): boolean {
  return unlessRefused(() => statSync(path).isFile()) === true;
}

async function make(page: ErrorPage, failure: Failure): Promise<OwnPage | undefined> {
  if (typeof page === 'function') return failure.request && fromResponder(page, failure.request);
  if ('template' in page) {
    return { fields: representation(HTML), content: Buffer.from(fill(page.template, failure)) };
  }
  return { fields: representation(mediaTypeOf(page)), content: await readFile(page.file) };
}

async function fromResponder(page: Responder, request: RequestMessage): Promise<OwnPage | undefined> {
  const answer = checkedResponse(await page(askingForPage(request)));
  if (answer instanceof TypeError) throw answer;
  const { fields, content } = answer;
  return content === undefined ? undefined : { fields, content };
}

/** What is gone with the content: without them an application would wait for it. */
const OF_CONTENT = new Set(['content-length', 'transfer-encoding', 'content-type', 'expect']);

/**
 * The request as the function of a page sees it. Its content may have been read, and its signal aborted, when another responder
 * was given up: applications of fetch and of node:http would not answer that.
 */
function askingForPage(request: RequestMessage): RequestMessage {
  const fields = request.fields.filter(([name]) => !OF_CONTENT.has(name));
  const members = { ...request, fields, contentLength: 0, content: NO_CONTENT, upgrade: undefined };
  return shown(new LazyRequest(members, { signal: new AbortController().signal }));
}

function fill(template: string, { status, request }: Failure): string {
  const values: Readonly<Record<string, string>> = {
    status: `${status}`,
    reason: reasonPhrase(status),
    path: request === undefined ? '' : request.scriptName + request.pathInfo,
    id: request?.id ?? '',
  };
  return template.replaceAll(/\{\{(status|reason|path|id)\}\}/g, (_, name: string) => escapeHtml(values[name] ?? ''));
}

function representation(type: string): readonly Field[] {
  return type === HTML
    ? [
        ['content-type', type],
        ['vary', 'accept'],
      ]
    : [['content-type', type]];
}
