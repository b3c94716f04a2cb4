// Responses of one connection. Each is opened by the request it answers, which decides with the status how its content is
// delimited; the fields that say so are written here and nowhere else, so they cannot contradict the content.

import { ContentWriter } from './content-writer.ts';
import { frameResponse } from './framing.ts';
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
    if (this.#request !== undefined) throw new SerializeError('The previous request has not been answered yet');
    if (!this.#persistent || this.#switched)
      throw new SerializeError('No response may follow: the connection is to be closed, or was upgraded');
    this.#request = request;
    this.#content = undefined;
  }

  /** An interim response (1xx but 101). HTTP/1.0 clients cannot read one and get nothing. */
  informational(status: number, fields: readonly Field[] = []): Uint8Array {
    const { head } = this.#awaitingHead();
    if (status < 100 || status > 199 || status === 101)
      throw new SerializeError(`${status} is not the status of an interim response: 1xx but 101`);
    refuseOwnFields(fields);
    return head.version === '1.1' ? serializeHead({ status, fields }) : new Uint8Array(0);
  }

  /** The head of the final response, with Content-Length or Transfer-Encoding and Connection as they have to be. */
  head(response: ResponseHeadInput, content: ResponseContent = {}): Uint8Array {
    const request = this.#awaitingHead();
    const { contentLength } = content;
    if (contentLength !== undefined && (!Number.isSafeInteger(contentLength) || contentLength < 0)) {
      throw new SerializeError(`contentLength: expected a whole number from 0 up, not ${contentLength}`);
    }
    refuseOwnFields(response.fields);
    if (response.status < 200) return this.#switchProtocols(request, response);
    const { method, version } = request.head;
    const { status } = response;
    const mayFollow = request.persistent && content.close !== true;
    if (status === 205 && (contentLength ?? 0) > 0) throw new SerializeError('A 205 response has no content');
    const framed = frameResponse({ method, version, status, length: contentLength, persistent: mayFollow });
    const fields = [...response.fields, ...framed.fields];
    const bytes = serializeHead({ ...response, version: version === '0.9' ? '0.9' : '1.1', fields });
    const isTunnel = method === 'CONNECT' && status < 300;
    this.#content = new ContentWriter(framed.framing, contentLength);
    this.#persistent = framed.persistent || isTunnel;
    this.#switched = isTunnel;
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
    if (this.#content !== undefined) throw new SerializeError('The response head has been written already');
    return this.#request;
  }

  #awaitingContent(): ContentWriter {
    if (this.#content === undefined) throw new SerializeError('The response head has not been written yet');
    return this.#content;
  }

  /** 101: the connection now speaks what the client asked for (RFC 9110 §15.2.2). */
  #switchProtocols(request: AnsweredRequest, response: ResponseHeadInput): Uint8Array {
    if (response.status !== 101 || request.upgrade === undefined) {
      throw new SerializeError(`${response.status} does not answer this request`);
    }
    if (!response.fields.some(([name]) => name.toLowerCase() === 'upgrade'))
      throw new SerializeError('A 101 response needs an Upgrade field');
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
  if (own !== undefined) throw new SerializeError(`The writer sets ${own[0]} itself: leave the field out`);
}
