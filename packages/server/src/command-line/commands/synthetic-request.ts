// The request that `explain` asks files with.

import { randomUUID } from 'node:crypto';
import type { RequestMessage } from '../../message/message.ts';
import type { Explanation, Question } from '../../options.ts';

/** A request as a browser of today would send it for a page. */
export function syntheticRequest(
  { scriptName, pathInfo, query, host }: Explanation,
  question: Question,
): RequestMessage {
  const { method = 'GET', target } = question;
  const end = { address: '127.0.0.1', port: 0 };
  return {
    method,
    // Browsers send a path, also for what people write as a URL.
    target: target.replace(/^https?:\/\/[^/?#]*/i, '') || '/',
    version: '1.1',
    fields: [
      ['host', host ?? 'localhost'],
      ['accept', 'text/html,application/xhtml+xml,*/*;q=0.8'],
      ['accept-encoding', 'gzip, deflate, br, zstd'],
      ['sec-fetch-mode', 'navigate'],
      ['sec-fetch-dest', 'document'],
    ],
    scheme: 'http',
    authority: host ?? 'localhost',
    scriptName,
    pathInfo,
    query,
    contentLength: 0,
    content: nothing(),
    remote: end,
    local: end,
    user: undefined,
    authType: undefined,
    id: randomUUID(),
    signal: new AbortController().signal,
  };
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
