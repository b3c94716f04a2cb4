// Which rules a request would meet, asked of the very server that would answer it.
import type { Responder, Server } from '@onezero/server';

/** Answers `?GET /path` with one sentence for each step. */
export function explainer(server: () => Server): Responder {
  return ({ query = '' }) => {
    const [, method, target = '/'] = /^(?:([A-Z]+) )?(.*)$/.exec(decodeURIComponent(query)) ?? [];
    const { status, why } = server().explain({ method: method ?? 'GET', target });
    return { status: 200, content: `${why.join('\n')}\n${status === undefined ? '' : `so the answer is ${status}\n`}` };
  };
}
