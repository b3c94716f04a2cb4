// Requests of one connection, for clients and proxies: the counterpart of `ResponseWriter`.

import { ContentWriter } from './content-writer.ts';
import type { Field } from './message.ts';
import { type RequestHeadInput, serializeHead, SerializeError } from './serialize-head.ts';

/** Writes the requests of one connection. Throws `SerializeError` rather than write a message that lies. */
export class RequestWriter {
  #content: ContentWriter | undefined = undefined;

  /**
   * The head of a request, with the framing it needs: `contentLength` octets, or chunks for `'chunked'`, which HTTP/1.0 does
   * not have. Without it the request has no content.
   */
  head(request: RequestHeadInput, contentLength?: number | 'chunked'): Uint8Array {
    if (this.#content !== undefined) throw new SerializeError('The previous request has not ended yet');
    const told = request.fields.find(([name]) => /^(?:content-length|transfer-encoding)$/i.test(name));
    if (told !== undefined) throw new SerializeError(`The writer sets ${told[0]} itself: leave the field out`);
    if (typeof contentLength === 'number' && (!Number.isSafeInteger(contentLength) || contentLength < 0)) {
      throw new SerializeError(`contentLength: expected a whole number from 0 up, not ${contentLength}`);
    }
    const bytes = serializeHead({ ...request, fields: [...request.fields, ...framingFields(contentLength)] });
    this.#content = contentWriter(contentLength);
    return bytes;
  }

  /** The octets to send for a part of the content. */
  write(bytes: Uint8Array): readonly Uint8Array[] {
    return this.#opened().write(bytes);
  }

  /** The octets that end the request. */
  end(trailers: readonly Field[] = []): readonly Uint8Array[] {
    const bytes = this.#opened().end(trailers);
    this.#content = undefined;
    return bytes;
  }

  #opened(): ContentWriter {
    if (this.#content === undefined) throw new SerializeError('The request head has not been written yet');
    return this.#content;
  }
}

function framingFields(contentLength: number | 'chunked' | undefined): readonly Field[] {
  if (contentLength === undefined) return [];
  if (contentLength === 'chunked') return [['transfer-encoding', 'chunked']];
  return [['content-length', String(contentLength)]];
}

/** A request without framing has no content, and content written to it is refused, not dropped. */
function contentWriter(contentLength: number | 'chunked' | undefined): ContentWriter {
  return contentLength === 'chunked' ? new ContentWriter('chunked') : new ContentWriter('length', contentLength);
}
