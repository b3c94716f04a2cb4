// Responses of one connection. Each is opened by the request it answers, which decides with the status how its content is
// delimited; the fields that say so are written here and nowhere else, so they cannot contradict the content.

import { ContentWriter } from './content-writer.ts';
import type { Field, RequestHeadEvent, Version } from './message.ts';
import { type ResponseHeadInput, serializeHead, SerializeError } from './serialize-head.ts';

/** What a response depends on: a `RequestHeadEvent` has it. */
export type AnsweredRequest = Pick<RequestHeadEvent, 'persistent' | 'upgrade'> & {
  readonly head: { readonly method: string; readonly version: Version };
};

/** What the writer cannot know from the head. */
export interface ResponseContent {
  /** Octets of content to come; undefined when unknown. For HEAD and 304: what GET and 200 would have. */
  readonly contentLength?: number | undefined;
  /** Close the connection after this response. @default false */
  readonly close?: boolean | undefined;
}

const OWN_FIELDS: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding', 'connection']);

/** Writes the responses of one connection. Every method throws `SerializeError` rather than write a message that lies. */
export class ResponseWriter {
  #request: AnsweredRequest | undefined = undefined;
  #content: ContentWriter | undefined = undefined;
  #persistent = true;
  #switched = false;

  /** Whether another response may follow: false once one had to be, or was asked to be, the last. */
  get persistent(): boolean {
    return this.#persistent;
  }

  /** Takes a request to answer. */
  open(request: AnsweredRequest): void {
    if (this.#request !== undefined) throw new SerializeError('The request before is not answered yet');
    if (!this.#persistent || this.#switched) throw new SerializeError('The connection carries no more responses');
    this.#request = request;
    this.#content = undefined;
  }

  /** An interim response (1xx but 101). HTTP/1.0 clients cannot read one and get nothing. */
  informational(status: number, fields: readonly Field[] = []): Uint8Array {
    const { head } = this.#awaitingHead();
    if (status < 100 || status > 199 || status === 101) throw new SerializeError(`${status} is not interim`);
    refuseOwnFields(fields);
    return head.version === '1.1' ? serializeHead({ status, fields }) : new Uint8Array(0);
  }

  /** The head of the final response, with Content-Length or Transfer-Encoding and Connection as they have to be. */
  head(response: ResponseHeadInput, content: ResponseContent = {}): Uint8Array {
    const request = this.#awaitingHead();
    const { contentLength } = content;
    if (contentLength !== undefined && (!Number.isSafeInteger(contentLength) || contentLength < 0)) {
      throw new SerializeError(`${contentLength} is not a length`);
    }
    refuseOwnFields(response.fields);
    if (response.status < 200) return this.#switchProtocols(request, response);
    const plan = planContent(request, response.status, contentLength);
    const persistent = request.persistent && content.close !== true && plan.writer.framing !== 'close';
    const connection = connectionFields(request.head.version, persistent);
    const fields = [...response.fields, ...plan.fields, ...(plan.tunnel ? [] : connection)];
    const version = request.head.version === '0.9' ? '0.9' : '1.1';
    const bytes = serializeHead({ ...response, version, fields });
    this.#content = plan.writer;
    this.#persistent = persistent || plan.tunnel;
    this.#switched = plan.tunnel;
    return bytes;
  }

  /** The octets to send for a part of the content; none where the response has no content. */
  write(bytes: Uint8Array): readonly Uint8Array[] {
    return this.#awaitingContent().write(bytes);
  }

  /** The octets that end the response. Throws while promised content is missing: then only closing is left. */
  end(trailers: readonly Field[] = []): readonly Uint8Array[] {
    const bytes = this.#awaitingContent().end(trailers);
    this.#request = undefined;
    this.#content = undefined;
    return bytes;
  }

  #awaitingHead(): AnsweredRequest {
    if (this.#request === undefined) throw new SerializeError('There is no request to answer');
    if (this.#content !== undefined) throw new SerializeError('The head was written before');
    return this.#request;
  }

  #awaitingContent(): ContentWriter {
    if (this.#content === undefined) throw new SerializeError('There is no response head yet');
    return this.#content;
  }

  /** 101: the connection now speaks what the client asked for (RFC 9110 §15.2.2). */
  #switchProtocols(request: AnsweredRequest, response: ResponseHeadInput): Uint8Array {
    if (response.status !== 101 || request.upgrade === undefined) {
      throw new SerializeError(`${response.status} does not answer this request`);
    }
    if (!response.fields.some(([name]) => name.toLowerCase() === 'upgrade'))
      throw new SerializeError('101 names no protocol');
    const bytes = serializeHead({
      ...response,
      version: '1.1',
      fields: [...response.fields, ['connection', 'upgrade']],
    });
    this.#content = new ContentWriter('none');
    this.#switched = true;
    return bytes;
  }
}

function refuseOwnFields(fields: readonly Field[]): void {
  const own = fields.find(([name]) => OWN_FIELDS.has(name.toLowerCase()));
  if (own !== undefined) throw new SerializeError(`${own[0]} is decided by the writer`);
}

/** Says what differs from what the version does by itself (RFC 9112 §9.3). */
function connectionFields(version: Version, persistent: boolean): readonly Field[] {
  if (!persistent) return [['connection', 'close']];
  return version === '1.0' ? [['connection', 'keep-alive']] : [];
}

interface ContentPlan {
  readonly writer: ContentWriter;
  readonly fields: readonly Field[];
  /** The octets behind the head belong to a tunnel (RFC 9110 §9.3.6). */
  readonly tunnel: boolean;
}

/** How the content is delimited (RFC 9112 §6.3). */
function planContent({ head }: AnsweredRequest, status: number, length: number | undefined): ContentPlan {
  const tunnel = head.method === 'CONNECT' && status < 300;
  if (status === 204 || tunnel) return { writer: new ContentWriter('none'), fields: [], tunnel };
  if (status === 205 && (length ?? 0) > 0) throw new SerializeError('A 205 response has no content');
  const actual = status === 205 ? 0 : length;
  const fields: Field[] = [];
  if (actual !== undefined) fields.push(['content-length', String(actual)]);
  else if (head.version === '1.1' && status !== 304) fields.push(['transfer-encoding', 'chunked']);
  if (head.method === 'HEAD' || status === 304) return { writer: new ContentWriter('none'), fields, tunnel };
  if (actual !== undefined) return { writer: new ContentWriter('length', actual), fields, tunnel };
  return { writer: new ContentWriter(head.version === '1.1' ? 'chunked' : 'close'), fields, tunnel };
}
