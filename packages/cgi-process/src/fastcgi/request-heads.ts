// What goes to an application before the content of a request, in either protocol.

import type { CgiRequest } from '../message.ts';
import type { FoundScript } from '../request/find-script.ts';
import type { Collected } from '../spool/collect-content.ts';
import { backendParams } from './backend-params.ts';
import { KnownParams } from './known-params.ts';
import type { GatewayOptions } from './options.ts';
import { isEmpty } from './output.ts';
import { scgiHead } from './records.ts';
import type { KnownHead } from './records.ts';

/** Which of the two an application speaks. */
export type Protocol = 'fastcgi' | 'scgi';

export class RequestHeads {
  readonly #protocol: Protocol;
  readonly #options: GatewayOptions;
  readonly #known = new KnownParams();

  constructor(protocol: Protocol, options: GatewayOptions) {
    this.#protocol = protocol;
    this.#options = options;
  }

  /** A byte string, or bytes that last until the next head; over FastCGI with the end of content that is empty. */
  of(request: CgiRequest, found: FoundScript, content: Collected): string | KnownHead {
    const contentLength = request.contentLength ?? content.length;
    const settings = { options: this.#options, contentLength };
    if (this.#protocol === 'scgi') return scgiHead(backendParams(request, found, settings));
    return this.#known.head(request, found, settings, isEmpty(content));
  }
}
