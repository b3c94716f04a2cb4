// ASGI beside daphne, which is built on Twisted and shares nothing with uvicorn. It is slow, so it has fewer requests.

import * as asgi from './asgi.mjs';

/** @param {{ seed: number, count?: number, log?: (line: string) => void }} run */
export function compare({ seed, count = 200, log }) {
  return asgi.compare({ seed, count, log, against: 'daphne' });
}
