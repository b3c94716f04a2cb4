// A request as responders see it, as plain as can be.

import type { RequestMessage } from '../src/message/message.ts';
import { LazyRequest, NO_CONTENT, type RequestSource } from '../src/message/request.ts';

export function request(
  changes: Partial<Omit<RequestMessage, 'signal' | 'inform'>> = {},
  source: RequestSource = { signal: new AbortController().signal },
): RequestMessage {
  const members = {
    method: 'GET',
    target: '/',
    version: '1.1',
    fields: [['host', 'example.org']],
    scheme: 'http',
    authority: 'example.org',
    scriptName: '',
    pathInfo: '/',
    query: undefined,
    contentLength: 0,
    content: NO_CONTENT,
    remote: { address: '192.0.2.1', port: 4711 },
    local: { address: '192.0.2.2', port: 80 },
    user: undefined,
    authType: undefined,
    id: 'request-1',
  } as const;
  return new LazyRequest({ ...members, ...changes }, source);
}
