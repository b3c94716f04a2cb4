// The page a status gets when the site has none of its own: HTML, JSON (RFC 9457) or text. It says nothing about the
// request but its id, so it can be made once for each status; it runs nothing and loads nothing.

import { createHash } from 'node:crypto';
import type { Field } from '../message/message.ts';
import { reasonPhrase } from '@onezero/http-parser/serializer';

/** The forms, the best first where a client does not mind. */
export const PAGE_TYPES = ['text/html', 'application/json', 'application/problem+json', 'text/plain'] as const;

export type PageType = (typeof PAGE_TYPES)[number];

export interface Page {
  readonly fields: readonly Field[];
  readonly content: Uint8Array;
}

const STYLE = [
  ':root{color-scheme:light dark;--ink:#1c2430;--soft:#66707f;--paper:#fbfaf7;--line:#e2dfd6;--mark:#b4442c}',
  '@media(prefers-color-scheme:dark){:root{--ink:#e9e6df;--soft:#9aa3af;--paper:#15181d;--line:#2b3038;--mark:#f08a6c}}',
  '*{box-sizing:border-box}body{margin:0;min-height:100vh;display:grid;place-items:center;padding:2rem;',
  'background:var(--paper);color:var(--ink);font:1.0625rem/1.6 system-ui,sans-serif}',
  'main{max-width:34rem;width:100%;border-left:3px solid var(--mark);padding:.25rem 0 .25rem 1.75rem}',
  'p{margin:0}.status{font:600 clamp(3.5rem,16vw,6rem)/1 ui-monospace,monospace;letter-spacing:-.04em}',
  'h1{font-size:1.375rem;font-weight:600;margin:.75rem 0 .5rem}.soft{color:var(--soft)}',
  '.id{margin-top:1.5rem;padding-top:.75rem;border-top:1px solid var(--line);font-size:.875rem}',
].join('');

/** The policy for `STYLE`, once a page was asked for. */
let knownPolicy: string | undefined;

function policy(): string {
  knownPolicy ??=
    `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; ` +
    `base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
  return knownPolicy;
}

const SENTENCES: ReadonlyMap<number, string> = new Map([
  [400, 'The request could not be understood.'],
  [401, 'A name and password are required.'],
  [403, 'You do not have access to this resource.'],
  [404, 'There is nothing at this address.'],
  [405, 'The method is not allowed for this resource.'],
  [406, 'There is no version of this that the client accepts.'],
  [408, 'The request took too long to arrive.'],
  [409, 'The request conflicts with what is at this address.'],
  [410, 'What was at this address has been removed for good.'],
  [411, 'The request must state the length of its content.'],
  [412, 'The resource has changed since the client last read it.'],
  [413, 'The content is larger than the server accepts.'],
  [414, 'The address is longer than the server accepts.'],
  [415, 'Content of this type is not accepted here.'],
  [416, 'The requested part is outside of the resource.'],
  [417, 'The server does not support what the Expect field asks for.'],
  [
    421,
    'This server does not answer requests for that host. Its operator can allow the host (hosts), or trust the proxy that passed it on (trustedProxies).',
  ],
  [422, 'The content is well-formed but cannot be processed.'],
  [423, 'The resource is locked.'],
  [424, 'A step that this request depends on failed.'],
  [426, 'This resource requires another protocol.'],
  [428, 'The request must be conditional, such as with If-Match.'],
  [429, 'Too many requests came at once. Please wait a moment.'],
  [431, 'The header fields are larger than the server accepts.'],
  [500, 'Something went wrong on the server.'],
  [501, 'The server does not support what the request asks for.'],
  [502, 'A program behind this server did not give a valid response.'],
  [503, 'The server is busy. Please try again in a moment.'],
  [504, 'A program behind this server took too long.'],
  [505, 'The server does not speak this version of HTTP.'],
  [507, 'The server has no storage left for this.'],
  [508, 'The redirects on this server form a loop.'],
]);

/** Makes the page. With an id, the reader can name the request when asking for help. */
export function defaultPage(status: number, type: PageType, id?: string): Page {
  const content = Buffer.from(RENDERERS[type](status, id));
  const mediaType = type.endsWith('json') ? 'application/problem+json' : `${type}; charset=utf-8`;
  const fields: Field[] = [
    ['content-type', mediaType],
    ['vary', 'accept'],
    ['x-content-type-options', 'nosniff'],
  ];
  if (type === 'text/html') fields.push(['content-security-policy', policy()]);
  return { fields, content };
}

const RENDERERS: Readonly<Record<PageType, (status: number, id: string | undefined) => string>> = {
  'text/html': (status, id) => {
    const reason = escapeHtml(reasonPhrase(status));
    const name = id === undefined ? '' : `<p class="id soft">Request ${escapeHtml(id)}</p>`;
    return (
      `<!doctype html>\n<html lang="en"><head><meta charset="utf-8">` +
      `<meta name="viewport" content="width=device-width, initial-scale=1"><title>${status} ${reason}</title>` +
      `<style>${STYLE}</style></head><body><main><p class="status">${status}</p><h1>${reason}</h1>` +
      `${sentenceOf(status)}${name}</main></body></html>\n`
    );
  },
  'application/json': problem,
  'application/problem+json': problem,
  'text/plain': (status, id) => {
    const lines = [`${status} ${reasonPhrase(status)}`, SENTENCES.get(status), id && `Request ${id}`];
    return `${lines.filter((line) => line !== undefined).join('\n')}\n`;
  },
};

function sentenceOf(status: number): string {
  const sentence = SENTENCES.get(status);
  return sentence === undefined ? '' : `<p class="soft">${sentence}</p>`;
}

function problem(status: number, id: string | undefined): string {
  return `${JSON.stringify({ type: 'about:blank', title: reasonPhrase(status), status, ...(id !== undefined && { id }) })}\n`;
}

/** Text made safe in HTML text and quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
